# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ananicy and ananicy-cpp: daemons that give each process of a name a score, again and again, by their rules."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from .._node.processes import processes

UNITS = ('ananicy.service', 'ananicy-cpp.service')
_FOLDER = '/etc/ananicy.d'
_OFF = re.compile(r'(?m)^[ \t]*apply_oom_score_adj[ \t]*=[ \t]*(?:false|no|off|0)\b', re.IGNORECASE)
_DEEPEST = 3
# The kernel's name of a process has at most so many bytes.
_NAME_BYTES = 15


def score_of(view, names):
    """{path, line, score} of the rule that gives a process of one of these names a score; None without one.

    Of several rules for a name the one that is read last counts; its own score goes before that of its type.
    """
    if _OFF.search(view.read(_FOLDER + '/ananicy.conf') or ''):
        return None
    paths, wanted, found, types = _files(view, _FOLDER, _DEEPEST), set(name[:_NAME_BYTES] for name in names), None, {}
    for path in paths:
        for _line, row in _rows(view, path) if path.endswith('.types') else []:
            types[_text(row, 'type')] = row.get('oom_score_adj')
    for path in paths:
        for line, row in _rows(view, path) if path.endswith('.rules') else []:
            if _text(row, 'name')[:_NAME_BYTES] in wanted:
                score = row.get('oom_score_adj', types.get(_text(row, 'type')))
                found = {'path': path, 'line': line, 'score': score} if isinstance(score, int) else None
    return found


def _text(row, key):
    # Any value of JSON, of Python 2's as well.
    return '%s' % (row.get(key),)


def runs(host):
    """True if a process of that name runs here."""
    return any(row['name'].startswith('ananicy') for row in processes(host))


def _files(view, folder, levels_left):
    found = []
    for name in view.listdir(folder):
        path = '%s/%s' % (folder, name)
        if name.endswith(('.rules', '.types')):
            found.append(path)
        elif levels_left and view.is_directory(path):
            found += _files(view, path, levels_left - 1)
    return found


def _rows(view, path):
    """[(line number, rule)] of a file: an object of JSON in each line."""
    found = []
    for number, line in enumerate((view.read(path) or '').splitlines(), 1):
        try:
            row = json.loads(line) if line.lstrip().startswith('{') else None
        except ValueError:
            row = None
        if isinstance(row, dict):
            found.append((number, row))
    return found
