# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies for what others than the kernel do: killers in user space, graphics cards, disks; and what to look up."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .case import situation
from .remedy import UNKNOWN, make_effect, make_remedy
from .shell_words import word

_KILLERS = {
    'earlyoom': ("EARLYOOM_ARGS=\"--avoid '^%s$'\"", 'in /etc/default/earlyoom', 'journalctl -u earlyoom'),
    'nohang': ('@BADNESS_ADJ_RE_NAME -600 /// ^%s$', 'in /etc/nohang/nohang.conf', 'journalctl -u nohang'),
    'oomd': (None, "in oomd's rules", 'journalctl -u oomd'),
}


def others(case):
    """Rows by who acted and what was met, and what to look up if it is not known whether it was memory."""
    if case.verdict is None:
        return []
    rows = []
    if case.actor == 'systemd-oomd':
        rows.append(_oomd(case))
    if case.actor in _KILLERS:
        rows.append(_killer(case))
    if case.actor == 'kubelet':
        rows.append(_node_of_pods())
    if case.limit == 'gpu':
        rows.append(make_remedy(
            'gpu', "a smaller batch or model, or less else on the graphics card", make_effect(
                UNKNOWN, "the graphics card's memory was full; who held it is not in the log",
                would_tell=['nvidia-smi']), command='nvidia-smi'))
    if 'disk-or-watches' in case.kinds():
        rows.append(_disk(case))
    return rows + _investigate(case)


def _node_of_pods():
    """The remedy for an eviction: the pods used more of the node than they had requested."""
    return make_remedy(
        'pod_limit', 'requests of memory (resources.requests.memory) that are what the pods use', make_effect(
            UNKNOWN, 'the node ran short beside what its pods had asked for; which of them used more is not in the log',
            would_tell=['kubectl top pods -A --sort-by=memory', 'kubectl describe node NODE']),
        command='kubectl describe node NODE', of_cause=True)


def _server(case):
    """The name of a server to spare among the victims, or None: a program that only ate the memory is not to be spared.
    """
    names = case.options['protect_names']
    return next((victim['name'] for victim in case.verdict['victims'] if victim.get('name') in names), None)


def _oomd(case):
    server = _server(case)
    unit = next((victim['unit'] for victim in case.verdict['victims'] if victim.get('name') == server), None)
    effect = make_effect(
        UNKNOWN, 'systemd-oomd killed by its own limits of swap and pressure; what else it would choose is not in the '
                 'log', would_tell=['oomctl', 'journalctl -u systemd-oomd'])
    if server:
        return make_remedy('oomd_setting', 'have systemd-oomd spare %s' % plain(unit or server), effect,
                           command='systemctl set-property %s ManagedOOMPreference=avoid' % word(unit, 'UNIT'))
    return make_remedy('oomd_setting', 'look at the limits by which systemd-oomd kills, in /etc/systemd/oomd.conf',
                       effect, command='oomctl')


def _killer(case):
    setting, where, tells = _KILLERS[case.actor]
    server = _server(case)
    what = 'have %s spare %s, %s' % (case.actor, plain(server), where) if server else \
        'look at when %s kills and whom it spares, %s' % (case.actor, where)
    effect = make_effect(
        UNKNOWN, '%s acts before the kernel does, by rules of its own; what else it would choose is not in the log'
        % case.actor, would_tell=[tells])
    return make_remedy('killer_setting', what, effect,
                       command=setting % word(server, 'NAME') if server and setting else tells)


def _disk(case):
    texts = ' '.join(signal.get('text') or '' for signal in case.told)
    if 'watch' in texts or 'inotify' in texts:
        return make_remedy(
            'disk', 'raise fs.inotify.max_user_watches', make_effect(
                UNKNOWN, 'a count of watches was met; how many are needed is not in the log',
                would_tell=['sysctl fs.inotify.max_user_watches fs.inotify.max_user_instances']),
            command='sysctl -w fs.inotify.max_user_watches=NUMBER')
    return make_remedy(
        'disk', 'make room on the disk', make_effect(
            UNKNOWN, 'a disk was full; which one and by what is not in the log', would_tell=['df -h', 'df -i']),
        command='df -h')


def _investigate(case):
    """What would tell more, if it is not known whether it was memory, or which limit."""
    tells = case.verdict.get('would_tell') or []
    situations = set(situation(event) for event in case.events)
    if situations == set(['manual']):
        tells = ['journalctl -k | grep -i sysrq', 'sysctl kernel.sysrq']
        return [make_remedy('investigate', 'find out who asked for the kill', make_effect(
            UNKNOWN, 'somebody pressed or wrote sysrq f; memory did not run out', would_tell=tells), command=tells[0])]
    if situations and situations <= set(['refused', 'contiguous']):
        # An allocation that failed is told by its own remedies.
        return []
    if case.was_memory == 'unknown':
        what, why = 'find out whether it was memory', 'no line proves it'
    elif case.was_memory == 'yes' and case.limit == 'unknown':
        what, why = 'find out which limit was met', 'no line tells it'
    else:
        return []
    tells = tells or ['journalctl -k | grep -A200 -iE "oom-killer|out of memory"']
    return [make_remedy('investigate', what, make_effect(UNKNOWN, why, would_tell=tells), command=tells[0])]
