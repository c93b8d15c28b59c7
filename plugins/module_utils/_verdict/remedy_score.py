# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score (oom_score_adj) of a server that is to be spared, and whom the kernel would have killed instead."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .._files.sizes import format_size
from .._report.cause import is_swap_believable
from .case import asked_bytes, situation
from .remedy import DELAYS, HARMS, NONE, PREVENTS, UNKNOWN, least, make_effect, make_remedy
from .replay import FIRST_ALONE, first_alone, ranked, reached, replay
from .shell_words import word

# Programs that keep a host reachable, or run all that is on it. A task table cuts names to 15 bytes.
KEEPERS = frozenset((
    'sshd', 'sshd-session', 'dropbear', 'systemd', 'init', '(sd-pam)', 'dockerd', 'docker', 'docker-containe',
    'docker-containerd', 'docker-proxy', 'containerd', 'containerd-shim', 'podman', 'conmon', 'crio', 'kubelet', 'k3s',
    'k3s-server', 'NetworkManager', 'dhclient', 'dhcpcd', 'agetty', 'login', 'dbus-daemon', 'dbus-broker', 'polkitd',
    'cloud-init', 'waagent', 'auditd', 'multipathd', 'iscsid', 'firewalld',
))
_KEEPERS_BEGIN = ('systemd-', 'containerd-shim')
# At this score the kernel never chooses a process.
_NEVER = -1000
# A victim that frees less than one part in so many of what killing the server freed leaves the host as short.
_LESS = 2
# From this share on the memory ran out because of the server itself.
_MUCH = 0.5
# From this share on kills go on because of the kernel's own memory.
_KERNEL_MUCH = 0.25
# A tmpfs outlives every process.
_FREED_BY_KILLS = ('process', 'processes')
# Shortages that no process's memory can relieve.
_NOT_FREED = {
    'low_memory': 'low memory was short, and how much of it another process would have freed is not in the report',
    'contiguous': 'a large block was short, and whether the kill of another process would have freed one is not known',
    'plenty': 'RAM was free, so what a kill was to free is not known',
    'unknown': 'of what memory was short is not in the report',
}
_TABLE = 'journalctl -k | grep -A200 "invoked oom-killer"'
_OTHER_KILLERS = {
    'systemd-oomd': 'systemd-oomd killed, which chooses by pressure and swap and not by this score',
    'kubelet': 'the kubelet evicts by priority and by what was asked for, and not by this score',
}


def is_keeper(name):
    """True if a process of this name keeps its host reachable, or runs what is on it."""
    return name in KEEPERS or (name or '').startswith(_KEEPERS_BEGIN)


def scores(case):
    """A row for each server that is to be spared, killed or not; else one that says that there is none."""
    servers = _servers(case)
    value = case.options['protect']
    if not servers:
        return [make_remedy('score', 'oom_score_adj %d for a server that is to be spared' % value, _of_nobody(case),
                            target=None, value=value, by_rule=case.is_by_rule)]
    return [_row(case, name, value) for name in servers]


def _of_nobody(case):
    reason = _score_decides_nothing(case)
    if reason:
        return make_effect(NONE, reason)
    if case.verdict and case.was_memory != 'no' and not any(event.get('tasks') for event in case.events):
        return make_effect(UNKNOWN, 'who else could have been killed is not in the log',
                           would_tell=[_TABLE])
    return make_effect(NONE, 'no server of a name that is to be spared (%s) was killed or there' % ', '.join(
        case.options['protect_names']))


def _servers(case):
    """The names of servers to spare that were killed, were in a report, or run here, each once."""
    names = case.options['protect_names']
    rows = [row for event in case.events for row in (event.get('victims') or []) + (event.get('tasks') or [])]
    rows += list((case.verdict or {}).get('victims') or []) + list(_candidates(case))
    return sorted(set(row.get('name') for row in rows if row.get('name') in names))


def _candidates(case):
    """The processes here, except those of a user's own manager: any user may call a process mysqld."""
    return [row for row in (case.host_facts.get('oom') or {}).get('candidates') or []
            if (row.get('manager') or {}).get('user') is None]


def _row(case, name, value):
    stronger = _stronger(case, name, value)
    effect = _effect(case, name, value) if stronger is None else make_effect(
        NONE, 'it is at %d already, which spares it more and stays%s' % (stronger, _if_nobody_was_left(case, stronger)))
    row = make_remedy(
        'score', 'oom_score_adj %d for %s' % (value, _whom(name)), effect, target=name, value=value,
        command='ansible-playbook oom.rescue.remediate -e oom_protect_process=%s -e oom_protect_value=%d' % (
            word(name, 'NAME'), value),
        by_rule=case.is_by_rule and stronger is None and _is_higher_here(case, name, value))
    if stronger is not None:
        row['forbidden_by'] = [{'id': 'stronger-score', 'where': plain(name), 'text': (
            '%s has the score %d, which spares it more' % (plain(name), stronger))}]
    return row


def _whom(name):
    return 'the first process of %s' % name if name in FIRST_ALONE else name


def _if_nobody_was_left(case, score):
    """What is wrong with a score that takes a server out of the choice, where nobody was left to choose."""
    victimless = [event for event in case.events if event.get('kind') in ('panic', 'no_victim')]
    return '; but nobody was left to kill, and a score above %d would have left it' % _NEVER if (
        victimless and score == _NEVER) else ''


def _stronger(case, name, value):
    """The score below ``value`` that a server has here, or in the newest report; None if it has none."""
    here = [row.get('oom_score_adj') for row in reached(_candidates(case), name)]
    told = [task.get('oom_score_adj') for event in case.events[-1:]
            for task in reached(event.get('tasks') or [], name)]
    scores = [one for one in here or told if one is not None]
    return max(scores) if scores and max(scores) < value else None


def _is_higher_here(case, name, value):
    return any((row.get('oom_score_adj') or 0) > value for row in reached(_candidates(case), name))


def _effect(case, name, value):
    if case.verdict is None:
        return make_effect(NONE, 'no incident was found that it could have changed')
    reason = _score_decides_nothing(case)
    if reason:
        return make_effect(NONE, reason)
    killed = [event for event in case.reports if _was_killed(event, name)]
    if killed:
        return least([_on_report(case, event, name, value) for event in killed])
    if case.reports:
        return make_effect(NONE, '%s was not the victim' % plain(name))
    if case.events and all(situation(event) == 'manual' for event in case.events):
        return make_effect(UNKNOWN, 'somebody asked for the kill (sysrq f); what it was to free is not known',
                           would_tell=[_TABLE])
    if case.events and all(event.get('kind') == 'allocation_failure' for event in case.events):
        return make_effect(NONE, 'memory was refused and nobody was killed')
    if any(event.get('tasks') for event in case.short) and not any(
            event.get('victims') or event.get('selected') for event in case.short):
        return make_effect(UNKNOWN, 'whom the kernel killed is not in the log', would_tell=[_TABLE])
    return make_effect(UNKNOWN, 'who else could have been killed is not in the log',
                       would_tell=[_TABLE])


def _score_decides_nothing(case):
    """The reason that no score decided who was met, or None."""
    if case.was_memory == 'no':
        return 'it was not memory'
    if case.was_memory != 'yes':
        return None
    if case.actor in _OTHER_KILLERS:
        return _OTHER_KILLERS[case.actor]
    if case.actor in ('kernel_refused', 'program') or case.limit in ('program', 'gpu', 'commit', 'none'):
        return 'nobody was chosen by a score: what asked for memory was refused it'
    vm = case.host_facts.get('vm') or {}
    if vm.get('panic_on_oom'):
        return 'vm.panic_on_oom is %s: the host panics instead of choosing by a score' % vm['panic_on_oom']
    if vm.get('oom_kill_allocating_task'):
        return 'vm.oom_kill_allocating_task is set: whoever asks for memory is killed, whatever its score'
    return None


def _was_killed(event, name):
    rows = (event.get('victims') or []) + ([event['selected']] if event.get('selected') else [])
    return any(row.get('name') == name for row in rows)


def _on_report(case, event, name, value):
    if (event.get('cgroup') or {}).get('group_kill'):
        return make_effect(NONE, 'memory.oom.group is set: all of the group is killed, whatever the scores in it')
    if situation(event) == 'numa':
        return make_effect(UNKNOWN, 'which processes used the full memory nodes is not in the report',
                           would_tell=['numastat -p %s' % word(name, 'NAME')])
    if situation(event) in _NOT_FREED:
        return make_effect(UNKNOWN, _NOT_FREED[situation(event)], would_tell=['cat /proc/buddyinfo /proc/zoneinfo'])
    if not is_swap_believable(event.get('memory') or {}):
        return make_effect(UNKNOWN, 'a score is a share of RAM and swap, and no host has the swap that the report says',
                           would_tell=['swapon --show'])
    if event.get('tasks') and (event.get('task_count') or 0) > len(event['tasks']):
        return make_effect(UNKNOWN, 'only the largest processes of the table were kept', would_tell=[_TABLE])
    told = replay(event, {'oom_score_adj': {name: value}})
    if told['reproduces'] is not True or not told['victim']:
        return make_effect(UNKNOWN, told['reason'] or 'the arithmetic does not name the process that was killed')
    plainly = ranked(event, {name: value}, with_root_bonus=False)
    first, alone = told['victim'], first_alone(event['tasks'], name)
    if first['name'] == name and alone is not None and first['pid'] != alone:
        return _of_children(event, name, value, first)
    if first['name'] == name:
        return make_effect(NONE, 'the kernel would still kill %s: %s' % (_held(event, name), _left(event, name, value)))
    if plainly and plainly[0]['name'] == name:
        return make_effect(UNKNOWN, 'it depends on which root processes have CAP_SYS_ADMIN')
    return _judged(case, event, name, value, first)


def _of_children(event, name, value, child):
    """The effect if a child of PostgreSQL's first process would be killed, as long as that has a score of its own."""
    task = next(task for task in event['tasks'] if task['pid'] == child['pid'])
    parent = next(task for task in event['tasks'] if task['pid'] == first_alone(event['tasks'], name))
    words = 'the kernel would still kill a child of %s (pid %s), which holds %s' % (
        plain(name), child['pid'], format_size(task.get('rss_bytes')))
    if (task.get('oom_score_adj') or 0) != (parent.get('oom_score_adj') or 0):
        return make_effect(NONE, words + ': it has a score of its own')
    return make_effect(UNKNOWN, words + ' if it gives itself a score, as with PG_OOM_ADJUST_FILE: only the first '
                       'process has the one of the server then', would_tell=[
                           "tr '\\0' '\\n' < /proc/$(pgrep -o -x %s)/environ | grep PG_OOM_ADJUST" % word(
                               name, 'NAME')])


def _held(event, name):
    rows = [task for task in event['tasks'] if task.get('name') == name]
    total = sum(task.get('rss_bytes') or 0 for task in rows)
    return '%s, which holds %s' % (plain(name), format_size(total))


def _left(event, name, value):
    """What else there would be to kill, and the memory that all of it frees, in words."""
    others = [row for row in ranked(event, {name: value}) if row['name'] != name and not is_keeper(row['name'])]
    if not others:
        return 'nothing else is there but what keeps the host reachable'
    largest, count = max(others, key=lambda row: row['rss_bytes'] or 0), len(others)
    return 'all else that could be killed, %s, frees %s, the largest of it %s (pid %s) %s' % (
        'one process' if count == 1 else '%d processes' % count, format_size(sum(
            row['rss_bytes'] or 0 for row in others)), plain(largest['name']), largest['pid'],
        format_size(largest['rss_bytes']))


def _judged(case, event, name, value, first):
    """The effect of killing ``first`` in the server's place."""
    instead = {'pid': first['pid'], 'name': plain(first['name']), 'rss_bytes': first['rss_bytes'],
               'score': first['score']}
    freed, eater = first['rss_bytes'], case.eater(event)
    words = '%s (pid %s) is killed instead and frees %s' % (plain(first['name']), first['pid'], format_size(freed))
    own = max([task.get('rss_bytes') or 0 for task in event['tasks'] if task.get('name') == name] or [0])
    is_eater = bool(eater) and eater['name'] == name and (eater['share'] or 0) >= _MUCH
    if is_keeper(first['name']):
        return make_effect(HARMS, '%s, but that keeps the host reachable' % words, instead=instead)
    if freed is None:
        return make_effect(UNKNOWN, '%s an amount that the report does not tell' % words, instead=instead)
    if is_eater and freed * _LESS < own:
        return make_effect(HARMS, '%s is itself what holds the most (%s); %s, less than the %s of %s; %s' % (
            plain(name), format_size(eater['bytes']), words, format_size(own), plain(name),
            _left(event, name, value)), instead=instead)
    if eater is None:
        return make_effect(UNKNOWN, '%s; what held the memory is not in the report' % words, instead=instead,
                           would_tell=['cat /proc/meminfo'])
    asked = asked_bytes(event)
    if freed < asked:
        return make_effect(HARMS, '%s, less than the %s that were asked for' % (words, format_size(asked)),
                           instead=instead)
    if eater['kind'] not in _FREED_BY_KILLS and (eater['share'] or 0) > _KERNEL_MUCH:
        return _until_nothing_is_left(event, name, value, words, eater, instead)
    return make_effect(PREVENTS, '%s; %s were asked for' % (words, format_size(asked)), instead=instead)


def _until_nothing_is_left(event, name, value, words, eater, instead):
    """The effect if no kill frees what the kernel itself holds: the server is spared until the others are gone."""
    room = 0
    for row in ranked(event, {name: value}):
        if row['name'] == name or is_keeper(row['name']):
            break
        room += row['rss_bytes'] or 0
    return make_effect(DELAYS, '%s; but the most is %s (%s), which no kill frees' % (
        words, eater['kind'].replace('_', ' '), format_size(eater['bytes'])), room, instead=instead)
