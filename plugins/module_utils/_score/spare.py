# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells earlyoom and nohang to spare a server, in their own configuration files, and takes that out again.

systemd-oomd is told by a directive of the unit (ManagedOOMPreference), which plan.py writes.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._change.actions import Action, file_action
from .._files.errors import RescueError
from .._node.identity import trusted_directory, trusted_path
from .._node.killers import nohang_configuration, running_killer
from .._node.managers import manager_of
from .anew import anew

EARLYOOM_FILE = '/etc/default/earlyoom'
# nohang adds it to the badness of a match, which is 0 to 1000 (nohang.conf).
NOHANG_POINTS = -600
_NOHANG_HEAD = '## oom.rescue: spare '
_ARGUMENTS = re.compile(r'^(EARLYOOM_ARGS=)(["\']?)(.*)\2[ \t]*$', re.MULTILINE)
_AVOID = re.compile(r'''(--avoid[= ])(?:'([^']*)'|"([^"]*)"|(\S+))''')


def expression(names):
    """The regular expression that means processes of these names alone."""
    return '^(%s)$' % '|'.join(re.escape(name[:15]).replace('\\-', '-') for name in sorted(names))


def with_earlyoom(text, names):
    """The text of /etc/default/earlyoom with the names among those that --avoid spares."""
    ours = expression(names)
    text = text or ''
    assignments = list(_ARGUMENTS.finditer(text))
    if not assignments:
        if text and not text.endswith('\n'):
            text += '\n'
        return text + 'EARLYOOM_ARGS="--avoid \'%s\'"\n' % ours
    match = assignments[-1]
    arguments = match.group(3)
    if ours in arguments:
        return text
    option = _AVOID.search(arguments)
    if option:
        theirs = next(part for part in option.groups()[1:] if part is not None)
        new = '%s--avoid \'%s|%s\'%s' % (arguments[:option.start()], theirs, ours, arguments[option.end():])
    else:
        new = ('%s --avoid \'%s\'' % (arguments, ours)).strip()
    if '"' in new:
        raise RescueError('EARLYOOM_ARGS has quotes within quotes, {value}', path=EARLYOOM_FILE, value=match.group(0),
                          allowed='one kind of quotes', next_step='add --avoid \'%s\' to it by hand' % ours)
    return '%s%s"%s"%s' % (text[:match.start()], match.group(1), new, text[match.end():])


def without_earlyoom(text, names):
    """The text without what with_earlyoom added."""
    ours = expression(names)
    for part in ("EARLYOOM_ARGS=\"--avoid '%s'\"\n" % ours, " --avoid '%s'" % ours, "--avoid '%s'" % ours, '|' + ours):
        if part in text:
            return text.replace(part, '', 1)
    return text


def with_nohang(text, names):
    """nohang's configuration with a rule that lowers the badness of the names."""
    ours = expression(names)
    rule = '%s%s\n@BADNESS_ADJ_RE_NAME %d /// %s\n' % (_NOHANG_HEAD, ours, NOHANG_POINTS, ours)
    if rule in text:
        return text
    return text + ('' if text.endswith('\n') else '\n') + rule


def without_nohang(text, names):
    """The text without what with_nohang added."""
    ours = expression(names)
    rule = '%s%s\n@BADNESS_ADJ_RE_NAME %d /// %s\n' % (_NOHANG_HEAD, ours, NOHANG_POINTS, ours)
    return text.replace(rule, '', 1)


_WITH = {'earlyoom': with_earlyoom, 'nohang': with_nohang}
_WITHOUT = {'earlyoom': without_earlyoom, 'nohang': without_nohang}


def read_killers(host, killers, rows, ours=()):
    """[{name, unit, path, text, refused}] of the killers that have a file to edit.

    A nohang that runs names its file, if it is root's own. ``refused`` is the reason not to edit a file, or None.
    ``ours`` are files that we made, whose text is known.
    """
    found = []
    for killer in killers:
        if killer['name'] not in _WITH:
            continue
        row = running_killer(host, killer['name'], rows)
        path = EARLYOOM_FILE if killer['name'] == 'earlyoom' else nohang_configuration(host, row)
        refused = None
        if path is None or path not in ours and not _may_edit(host, path):
            refused = ('%s is not told to spare it: its configuration%s is missing, or can be changed by others than '
                       'root' % (killer['name'], ' ' + path if path else ''))
        manager = manager_of(host, row) if row else {'user': None, 'unit': None}
        found.append({'name': killer['name'], 'unit': manager['unit'] if manager['user'] is None else None,
                      'path': path, 'text': None if refused else host.read(path), 'refused': refused})
    return found


def _may_edit(host, path):
    """True if a file is root's alone, or can be made: earlyoom's, in a directory of root's."""
    if host.exists(path):
        return trusted_path(host, path) is not None
    return path == EARLYOOM_FILE and (not host.exists('/etc/default') or trusted_directory(host, path))


def _restart(unit):
    return Action('killers', 'restart', 'systemctl try-restart %s, which reads its configuration again' % unit,
                  unit=unit)


def spare_actions(entries, names, open_to_others, changed):
    """[Action] that have each of the killers in ``entries`` spare processes of these names.

    ``open_to_others`` is {path: who besides root may write to it} of files that we made, and ``changed`` the same of
    those that somebody did write to.
    """
    actions = []
    for entry in entries:
        if entry['refused']:
            continue
        edit = _anew_for(entry, names, changed) or file_action(
            'killers', entry['path'], entry['text'], _WITH[entry['name']](entry['text'], names),
            '%s spares %s' % (entry['name'], expression(names)), open_to_others.get(entry['path']), mode=0o644,
            own=entry['path'] in open_to_others, killer=entry['name'], names=sorted(names))
        actions += edit
        if edit and entry['unit']:
            actions.append(_restart(entry['unit']))
    return actions


def _anew_for(entry, names, changed):
    if entry['path'] not in changed:
        return []
    action = anew('killers', entry['path'], entry['text'], _WITH[entry['name']](None, names), changed[entry['path']])
    return [action.having(killer=entry['name'], names=sorted(names))]


def refusals(entries):
    """The reasons that killers are not told, as a list."""
    return [entry['refused'] for entry in entries if entry['refused']]


def remove_from(killer, text, names):
    """The text of a killer's file without our part, for one that was edited since."""
    return _WITHOUT[killer](text, names)


def restart_after(entries, path):
    """The action with which the killer of this file reads it again, as a list; [] if it does not run in a unit."""
    return [_restart(entry['unit']) for entry in entries if entry['path'] == path and entry['unit']]
