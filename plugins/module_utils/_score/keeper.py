# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small systemd unit that gives scores again to processes whose own manager cannot keep them.

A loop in the shell's own commands: it holds under a megabyte and starts one sleep every few seconds.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._change.actions import Action, file_action
from .._node.identity import safe_name
from .._systemd.systemd import HEADER, unit_properties

UNIT = '/etc/systemd/system/oom-rescue-keep.service'
NAME = 'oom-rescue-keep.service'
SCRIPT = '/usr/local/lib/oom-rescue/keep'
RULES = '/etc/oom-rescue/keep.rules'
FOUND = '/run/oom-rescue'
FILES = (UNIT, SCRIPT, RULES)
MODES = {UNIT: 0o644, SCRIPT: 0o755, RULES: 0o644}

_RULE = re.compile(r'^(-?\d+) (\d+) (\d+) (\S+) (\S+) (/\S+)$')
_NOTE = re.compile(r'^(\d+) (-?\d+)$')
_EXECUTABLE = re.compile(r'^/[A-Za-z0-9._@+/-]+\Z')
_UNIT_NAME = re.compile(r'^[A-Za-z0-9:_.@-]+\.service\Z')

UNIT_TEXT = HEADER + """
[Unit]
Description=Give oom_score_adj again to processes and containers that start
Documentation=man:proc_pid_oom_score_adj(5)

[Service]
ExecStart=/bin/sh %s
Restart=always
RestartSec=10
CapabilityBoundingSet=CAP_SYS_RESOURCE CAP_SYS_PTRACE CAP_DAC_OVERRIDE
NoNewPrivileges=yes
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
""" % SCRIPT

SCRIPT_TEXT = r"""#!/bin/sh
# Made by the Ansible collection oom.rescue; state: absent of its module oom_score_adj removes it.
# Each rule is `SCORE UID OWNER PLACE NAME EXECUTABLE`, none with a blank in it: a process with that real uid, comm and
# executable has SCORE, if the file that it runs is OWNER's and no other's to write, and if it runs in PLACE:
#   host          in the user and pid namespace of this script, and not in a user's mount of that path
#   docker:NAME   in Docker's container of that name
#   id:ID         in the container of that id
#   unit:UNIT     in that unit of the host's
#   user:UID      in that user's slice
# A process chooses its name, and its cgroup below what it was given, so neither alone gives it a score. A score that
# protects more than SCORE stays.
rules=${1:-/etc/oom-rescue/keep.rules}
proc=${2:-/proc}
interval=${3:-5}
found=${4:-/run/oom-rescue}
docker=${5:-/var/lib/docker/containers}

# All of these read the directory of one process, /proc/PID, that the shell is in: it is empty once that process ended,
# also if its number has a new one.

# Notes the score that a process was found with, for who undoes this: the file PID holds `START_TICKS SCORE`.
# The first note of a process counts.
note() {
    pid=$1
    stat=
    { read -r stat < stat; } 2>/dev/null
    # Field 3 of stat, behind the name, is $2 now.
    set -- "$2" ${stat##*) }
    known=
    { read -r known _ < "$found/$pid"; } 2>/dev/null
    [ "$known" = "${21}" ] || { echo "${21} $1" > "$found/$pid"; } 2>/dev/null
}

same() {
    [ "$(readlink "ns/$1")" = "$(readlink "$proc/self/ns/$1")" ]
}

# True if a cgroup of the process, outside of the users' slices, has a part of that name.
below() {
    while IFS=: read -r _ _ path; do
        case $path/ in
            /user.slice/*) ;;
            */"$1"/*|*/docker-"$1".scope/*|*/libpod-"$1"/*|*/libpod-"$1".scope/*|*/libpod-payload-"$1"/*) return 0 ;;
        esac
    done 2>/dev/null < cgroup
    return 1
}

in_docker() {
    for config in "$docker"/*/config.v2.json; do
        text=
        { read -r text < "$config"; } 2>/dev/null
        case $text in *'"Name":"/'"$1"'"'*) ;; *) continue ;; esac
        config=${config%/*}
        below "${config##*/}" && return 0
    done
    return 1
}

of_user() {
    while IFS=: read -r _ _ path; do
        case $path/ in /user.slice/user-"$1".slice/*) return 0 ;; esac
    done 2>/dev/null < cgroup
    return 1
}

placed() {
    case $1 in
        host) same user && same pid ;;
        docker:*) in_docker "${1#*:}" ;;
        id:*|unit:*) below "${1#*:}" ;;
        user:*) of_user "${1#*:}" ;;
        *) return 1 ;;
    esac
}

# True if the process runs that file, as its owner alone can have made it.
runs() {
    target=$(readlink exe) || return 1
    [ "${target% (deleted)}" = "$2" ] || return 1
    # In a named user's slice all is that user's, on a filesystem that may be closed to root.
    case $3 in user:*) return 0 ;; esac
    status=$(stat -L -c '%u %a' exe) || return 1
    [ "${status% *}" = "$1" ] || return 1
    case $status in *[2367]|*[2367]?) return 1 ;; esac
    # Who mounts another file of root's over that path runs that one.
    [ "$1" != 0 ] || [ "$3" != host ] || [ "$target" != "$2" ] || [ exe -ef "$2" ]
}

keep() {
    score=$1 uid=$2 owner=$3 place=$4 name=$5 executable=$6
    for directory in "$proc"/[0-9]*; do
        cd "$directory" 2>/dev/null || continue
        comm=
        { read -r comm < comm; } 2>/dev/null
        [ "$comm" = "$name" ] || continue
        now=
        { read -r now < oom_score_adj; } 2>/dev/null
        [ -n "$now" ] && [ "$now" != "$score" ] || continue
        [ "$score" -gt 0 ] || [ "$now" -gt "$score" ] || continue
        real=
        while read -r key value _; do
            if [ "$key" = Uid: ]; then real=$value; break; fi
        done 2>/dev/null < status
        [ "$real" = "$uid" ] || continue
        placed "$place" && runs "$owner" "$executable" "$place" || continue
        note "${directory##*/}" "$now"
        { echo "$score" > oom_score_adj; } 2>/dev/null &&
            echo "$name (pid ${directory##*/}): oom_score_adj $now -> $score"
    done 2>/dev/null
    cd /
}

mkdir -p "$found"
while :; do
    while read -r score uid owner place name executable; do
        case $score in ''|'#'*) continue ;; esac
        [ -n "$executable" ] || continue
        keep "$score" "$uid" "$owner" "$place" "$name" "$executable"
    done < "$rules"
    [ "$interval" -gt 0 ] || exit 0
    sleep "$interval"
done
"""


def place_of(manager):
    """Where the keeper finds what a manager starts, or None if nothing tells it apart: see the script."""
    if manager.get('user') is not None:
        return 'user:%d' % manager['user']
    container = manager.get('container_id')
    if not container:
        return 'host'
    if manager['kind'] == 'podman' and _UNIT_NAME.match(manager.get('unit') or ''):
        return 'unit:' + manager['unit']
    if manager['kind'] == 'docker' and safe_name(manager['name']) and manager['name'] != container[:12]:
        return 'docker:' + manager['name']
    return 'id:' + container


def rule(target, value):
    """The rule for a process: (score, uid, owner, place, name, executable); None if these do not tell it apart.

    ``target`` is one of find()'s.
    """
    row, owner, place = target['process'], target['owner'], place_of(target['manager'])
    if place.startswith('user:'):
        owner = target['manager']['user']
    if row['uid'] is None or owner is None or not safe_name(row['name']) or not _EXECUTABLE.match(row['exe'] or ''):
        return None
    return (value, row['uid'], owner, place, row['name'], row['exe'])


def parse_rules(text):
    """{key: [rule]} of the rules file, where a comment line ``# KEY`` heads the rules of a target."""
    found = {}
    key = ''
    for line in (text or '').splitlines():
        match = _RULE.match(line)
        if line.startswith('# '):
            key = line[2:]
        elif match:
            score, uid, owner = (int(number) for number in match.groups()[:3])
            found.setdefault(key, []).append((score, uid, owner) + match.groups()[3:])
    return found


def rules_text(rules):
    """The text of the rules file, or None if there is no rule."""
    lines = []
    for key in sorted(rules):
        if rules[key]:
            lines.append('# ' + key)
            lines.extend('%d %d %d %s %s %s' % entry for entry in rules[key])
    return '\n'.join(lines) + '\n' if lines else None


def read_keeper(host, systemd_running=False):
    """{files: {path: text or None}, flaws: {path: what is wrong with its owner or mode, or None}, enabled, active,
    behind, scores_found} of the keeper on a node; ``behind`` is True if systemd has not read its unit as it is now.

    ``scores_found`` is {(pid, start_ticks): score} of the processes that it gave a score to, as it found them.
    """
    files = dict((path, host.read(path)) for path in FILES)
    enabled = host.exists('/etc/systemd/system/multi-user.target.wants/' + NAME)
    unit = unit_properties(host, NAME) if systemd_running else None
    return {
        'files': files,
        'flaws': dict((path, host.flaw_of_own(path, MODES[path])) for path in FILES),
        'enabled': enabled,
        'active': unit is not None and unit.get('ActiveState') in ('active', 'activating', 'reloading'),
        'behind': systemd_running and (unit is not None) != (files[UNIT] is not None)
        or (unit or {}).get('NeedDaemonReload') == 'yes',
        'scores_found': _scores_found(host),
    }


def _scores_found(host):
    scores = {}
    for name in host.listdir(FOUND):
        match = _NOTE.match(host.read('%s/%s' % (FOUND, name)) or '')
        if match and name.isdigit():
            scores[(int(name), int(match.group(1)))] = int(match.group(2))
    return scores


def forget_notes(host):
    """Remove the notes of a keeper that runs no more."""
    for name in host.listdir(FOUND):
        host.remove('%s/%s' % (FOUND, name))
    host.remove_empty_directory(FOUND)


def gives(keeper, key, entry):
    """True if the unit, as it is on the node, gives this rule's score at the next start."""
    files = keeper['files']
    return (keeper['enabled'] and keeper['active'] and (files[UNIT], files[SCRIPT]) == (UNIT_TEXT, SCRIPT_TEXT)
            and entry in parse_rules(files[RULES]).get(key, []))


def rule_actions(keeper, key, rules):
    """[Action] that gives a target these rules in the keeper's files. Without any rule left, the keeper is removed."""
    files = keeper['files']
    known = parse_rules(files[RULES])
    wished = set(entry for entry in rules if entry)
    # Processes come in the order of their pids, which is another one after each boot.
    before = [entry for entry in known.get(key, []) if entry in wished]
    known[key] = before + sorted(wished.difference(before))
    text = rules_text(known)
    wanted = {RULES: text, SCRIPT: None, UNIT: None}
    if text:
        wanted.update({SCRIPT: SCRIPT_TEXT, UNIT: UNIT_TEXT})
    actions = []
    for path in (RULES, SCRIPT, UNIT):
        actions += file_action(
            'persistence', path, files[path], wanted[path],
            'the unit that gives scores again' if path == UNIT else 'part of ' + NAME, keeper['flaws'][path],
            mode=MODES[path], own=True)
    if not text and files[UNIT] is not None:
        actions.insert(0, Action('persistence', 'disable', 'systemctl disable --now ' + NAME, unit=NAME))
    if keeper['behind'] or any(action.get('path') == UNIT for action in actions):
        actions.append(Action('persistence', 'reload', 'systemctl daemon-reload'))
    changed = any(action.get('path') in (SCRIPT, UNIT) for action in actions)
    if text and (changed or not keeper['enabled'] or not keeper['active']):
        actions.append(Action('persistence', 'enable', 'systemctl enable and start ' + NAME, unit=NAME))
    return actions
