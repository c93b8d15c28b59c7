# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``.swap`` unit that has systemd turn a swap file on at boot, in place of a line of fstab (systemd.swap(5)).

With any line for swap in fstab, systemd leaves alone the swap partitions that it would find by itself
(systemd-gpt-auto-generator(8)); a unit does not do that.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._change.actions import Action
from .._systemd.systemd import UNIT_DIRECTORIES, unit_name
from .._systemd.unit_text import assignments

HEADER = '# Made by the Ansible collection oom.rescue; state: absent of its module swap_file removes it.\n'
_DISCARD = {'all': 'discard', 'once': 'discard=once', 'pages': 'discard=pages'}


def read_unit(host, path):
    """{name, path, text: None if there is no such file, ours, enabled} of the administrator's unit of a swap file."""
    name = unit_name(path)
    place = '%s/%s' % (UNIT_DIRECTORIES[0], name)
    text = host.read(place)
    return {'name': name, 'path': place, 'text': text, 'ours': (text or '').startswith(HEADER), 'enabled': host.exists(
        '%s/swap.target.wants/%s' % (UNIT_DIRECTORIES[0], name))}


def text_of(path, priority=None, discard=None, before=None):
    """The text of the unit of a swap file; without a discard policy its options are as in the text ``before``."""
    kept = [value for _line, name, value in assignments(before) if name == 'Options'] if discard is None else []
    options = kept[-1] if kept else _DISCARD.get(discard)
    lines = ['[Unit]', 'Description=Swap file', '[Swap]', 'What=%s' % path.replace('%', '%%')]
    if priority is not None:
        lines.append('Priority=%d' % priority)
    if options:
        lines.append('Options=%s' % options)
    # Wanted and not required: a boot goes on without it.
    return HEADER + '\n'.join(lines + ['[Install]', 'WantedBy=swap.target']) + '\n'


def priority_of(text):
    """The priority that a unit's text gives, or None."""
    values = [value for _line, name, value in assignments(text) if name == 'Priority']
    return int(values[-1]) if values and values[-1].isdigit() else None


def have(unit, text):
    """The steps to this text in the unit, and to a boot that starts it."""
    steps = []
    if text != unit['text']:
        steps.append(Action('persistence', 'write_unit', '%s: turned on at boot by systemd' % unit['path'],
                            path=unit['path'], before=unit['text'], after=text, unit=unit['name']))
    if not unit['enabled']:
        steps.append(Action('persistence', 'enable', 'systemctl enable %s' % unit['name'], unit=unit['name']))
    return steps


def drop(unit):
    """The steps to no unit of ours."""
    if not unit['ours']:
        return []
    return ([Action('persistence', 'disable', 'systemctl disable %s' % unit['name'], unit=unit['name'])]
            if unit['enabled'] else []) + [
                Action('persistence', 'write_unit', 'remove %s' % unit['path'], path=unit['path'],
                       before=unit['text'], after=None, unit=unit['name'])]
