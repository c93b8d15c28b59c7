# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small systemd unit that gives scores again to processes whose own manager cannot keep them.

A loop in the shell's own commands: it holds under a megabyte and starts one sleep every few seconds.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.systemd import HEADER

UNIT = '/etc/systemd/system/oom-rescue-keep.service'
NAME = 'oom-rescue-keep.service'
SCRIPT = '/usr/local/lib/oom-rescue/keep'
RULES = '/etc/oom-rescue/keep.rules'
FOUND = '/run/oom-rescue'
FILES = (UNIT, SCRIPT, RULES)

_RULE = re.compile(r'^(-?\d+) (\d+) (\S.*?) (\S+)$')
_NOTE = re.compile(r'^(\d+) (-?\d+)$')
_UNSAFE = re.compile(r'[\s\x00-\x1f]')

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
# Each rule is `SCORE UID NAME EXECUTABLE` without tabs: a process with that comm, real uid and executable has SCORE.
# A process names itself, so the name alone never gives it a score.
rules=${1:-/etc/oom-rescue/keep.rules}
proc=${2:-/proc}
interval=${3:-5}
found=${4:-/run/oom-rescue}

# Notes the score that a process was found with, for who undoes this: the file PID holds `START_TICKS SCORE`.
# The first note of a process counts.
note() {
    pid=${1##*/}
    stat=
    { read -r stat < "$1/stat"; } 2>/dev/null
    # Field 3 of stat, behind the name, is $2 now.
    set -- "$2" ${stat##*) }
    known=
    { read -r known _ < "$found/$pid"; } 2>/dev/null
    [ "$known" = "${21}" ] || { echo "${21} $1" > "$found/$pid"; } 2>/dev/null
}

keep() {
    score=$1 uid=$2 name=$3 executable=$4
    for directory in "$proc"/[0-9]*; do
        comm=
        { read -r comm < "$directory/comm"; } 2>/dev/null
        [ "$comm" = "$name" ] || continue
        now=
        { read -r now < "$directory/oom_score_adj"; } 2>/dev/null
        [ -n "$now" ] && [ "$now" != "$score" ] || continue
        real=
        while read -r key value _; do
            if [ "$key" = Uid: ]; then real=$value; break; fi
        done 2>/dev/null < "$directory/status"
        [ "$real" = "$uid" ] || continue
        target=$(readlink "$directory/exe") || continue
        [ "${target% (deleted)}" = "$executable" ] || continue
        note "$directory" "$now"
        { echo "$score" > "$directory/oom_score_adj"; } 2>/dev/null &&
            echo "$name (pid ${directory##*/}): oom_score_adj $now -> $score"
    done
}

mkdir -p "$found"
while :; do
    while read -r score uid name executable; do
        case $score in ''|'#'*) continue ;; esac
        keep "$score" "$uid" "$name" "$executable"
    done < "$rules"
    [ "$interval" -gt 0 ] || exit 0
    sleep "$interval"
done
"""


def rule(row, value):
    """The rule for a process: (score, uid, name, executable); None where it cannot be told apart by them."""
    if not row['exe'] or row['uid'] is None or _UNSAFE.search(row['name'] + row['exe']):
        return None
    return (value, row['uid'], row['name'], row['exe'])


def parse_rules(text):
    """{key: [rule]} of the rules file, where a comment line ``# KEY`` heads the rules of a target."""
    found = {}
    key = ''
    for line in (text or '').splitlines():
        match = _RULE.match(line)
        if line.startswith('# '):
            key = line[2:]
        elif match:
            score, uid, name, executable = match.groups()
            found.setdefault(key, []).append((int(score), int(uid), name, executable))
    return found


def rules_text(rules):
    """The text of the rules file, or None where there is no rule."""
    lines = []
    for key in sorted(rules):
        if rules[key]:
            lines.append('# ' + key)
            lines.extend('%d %d %s %s' % entry for entry in rules[key])
    return '\n'.join(lines) + '\n' if lines else None


def facts(host):
    """{files: {path: text or None}, enabled, found} of the keeper on a node.

    found is {(pid, start_ticks): score} of the processes that it gave a score to, as it found them.
    """
    files = dict((path, host.read(path)) for path in FILES)
    enabled = host.exists('/etc/systemd/system/multi-user.target.wants/' + NAME)
    return {'files': files, 'enabled': enabled, 'found': _found(host)}


def _found(host):
    scores = {}
    for name in host.listdir(FOUND):
        match = _NOTE.match(host.read('%s/%s' % (FOUND, name)) or '')
        if match and name.isdigit():
            scores[(int(name), int(match.group(1)))] = int(match.group(2))
    return scores


def forget_found(host):
    """Remove the notes of a keeper that runs no more."""
    for name in host.listdir(FOUND):
        host.remove('%s/%s' % (FOUND, name))
    host.remove_empty_directory(FOUND)


def gives(keeper, key, entry):
    """Whether the unit, as it is on the node, gives this rule's score at the next start."""
    return keeper['enabled'] and entry in parse_rules(keeper['files'][RULES]).get(key, [])


def plan(keeper, key, rules):
    """Actions that bring the keeper to these rules of a target; it goes with the last rule."""
    files = keeper['files']
    known = parse_rules(files[RULES])
    new = []
    for entry in rules:
        if entry and entry not in new:
            new.append(entry)
    known[key] = new
    text = rules_text(known)
    wanted = {RULES: text, SCRIPT: None, UNIT: None}
    if text:
        wanted.update({SCRIPT: SCRIPT_TEXT, UNIT: UNIT_TEXT})
    actions = []
    for path in (RULES, SCRIPT, UNIT):
        if files[path] != wanted[path]:
            actions.append({
                'layer': 'persistence',
                'action': 'remove' if wanted[path] is None else ('replace' if files[path] is not None else 'create'),
                'path': path, 'before': files[path], 'after': wanted[path],
                'mode': 0o755 if path == SCRIPT else 0o644,
                'detail': 'the unit that gives scores again' if path == UNIT else 'part of ' + NAME,
            })
    if not text and files[UNIT] is not None:
        actions.insert(0, {'layer': 'persistence', 'action': 'disable', 'unit': NAME,
                           'detail': 'systemctl disable --now ' + NAME})
    if any(action['path'] == UNIT for action in actions if 'path' in action):
        actions.append({'layer': 'persistence', 'action': 'reload', 'detail': 'systemctl daemon-reload'})
    if text and (not keeper['enabled'] or any(action.get('path') in (SCRIPT, UNIT) for action in actions)):
        actions.append({'layer': 'persistence', 'action': 'enable', 'unit': NAME,
                        'detail': 'systemctl enable and start ' + NAME})
    return actions
