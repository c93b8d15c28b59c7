# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan. One object is what a remedy does, what it says that it does, and its line in the difference."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import one_line

_RETURNED = ('layer', 'action', 'path', 'pid', 'unit', 'detail')


class Action(dict):
    """One step of a plan.

    ``layer`` and ``action`` are a word each, ``detail`` is one line for a person. ``path``, ``pid`` and ``unit`` name
    what changes. ``before`` and ``after`` are the text or the number that ``path`` holds, None if there is no file. All
    else that is given is for carrying it out.
    """

    def __init__(self, layer, action, detail, **needs):
        dict.__init__(self, needs, layer=layer, action=action, detail=one_line(detail))

    def having(self, **needs):
        """The same action with other values for carrying it out."""
        return Action(**dict(self, **needs))


def file_action(layer, path, before, after, detail, flaw=None, **needs):
    """A list with the action that gives a file the text ``after``, None to remove it; [] if ``before`` is that text.

    ``flaw`` is what Host.flaw_of_own() says of a file of ours: it is then made anew, whatever its text.
    """
    if before == after:
        if not flaw or after is None:
            return []
        return [Action(layer, 'protect', '%s: to be root\'s alone to change, found %s' % (path, flaw), path=path,
                       before=before, after=after, **needs)]
    word = 'remove' if after is None else 'create' if before is None else 'replace'
    return [Action(layer, word, detail, path=path, before=before, after=after, **needs)]


def returned(actions):
    """The actions as a module returns them: [{layer, action, detail}], with path, pid and unit if they have one."""
    return [dict((key, action[key]) for key in _RETURNED if key in action) for action in actions]


def diff_of(host, actions):
    """The actions as Ansible's difference, one entry each: a file or value of the kernel by its text, else its line.

    The text of a file that others may not read on the host, or could not before, is not in it: a difference goes to
    terminals, logs and callbacks. Host.is_closed() says which these are.
    """
    return [_difference(host, action) for action in actions]


def _difference(host, action):
    if 'before' not in action or action['before'] == action['after'] or _is_closed(host, action):
        return {'prepared': '%(layer)s %(action)s: %(detail)s\n' % action}
    return {'before_header': action['path'], 'after_header': action['path'],
            'before': _text(action['before']), 'after': _text(action['after'])}


def _is_closed(host, action):
    if all(isinstance(action[key], (int, type(None))) for key in ('before', 'after')):
        return False
    # The new text is shown by the mode that the file is to have, and so is its copy.
    made_closed = action['before'] is None and not action.get('mode', 0o644) & 0o004
    return made_closed or any(host.is_closed(action[key]) for key in ('path', 'copy_of') if action.get(key))


def _text(value):
    if value is None:
        return ''
    return '%d\n' % value if isinstance(value, int) else value


def outcome(host, actions, skipped_reason=None, **more):
    """The result of a remedy: ``changed``, ``actions`` and ``diff`` follow from the actions that were done, or would
    be.
    """
    return dict(more, changed=bool(actions), actions=returned(actions), diff=diff_of(host, actions),
                skipped_reason=skipped_reason)
