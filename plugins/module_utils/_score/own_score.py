# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block with a score in a file that a shell runs, and the score that the same file gives by itself. Pure."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

BEGIN = '# BEGIN oom.rescue'
END = '# END oom.rescue'
_BLOCK = re.compile(r'^%s\n(.*?)^%s\n' % (re.escape(BEGIN), re.escape(END)), re.MULTILINE | re.DOTALL)
_SCORE = re.compile(r'^\{ echo (-?\d+) > /proc/\$\$/oom_score_adj', re.MULTILINE)
# OpenRC's start-stop-daemon gives this one after all that the shell did.
OPENRC_VARIABLE = 'SSD_OOM_SCORE_ADJ'
_VARIABLE = re.compile(r'^\s*(?:export\s+)?%s=(["\']?)(-?\d*)\1\s*(?:#|\Z)' % OPENRC_VARIABLE)
_GIVES = re.compile(r'\boom(?:_score)?_adj\b|--oom-score-adj\b|\bchoom\s')
_NUMBERS = (re.compile(r'\bchoom\s+(?:-n\s*|--adjust[= ])(-?\d+)\s'),
            re.compile(r'\b(?:echo|printf)\s+[\'"]?(-?\d+)(?:\\n)?[\'"]?\s*>+\s*/proc/(?:self|\$\$|\$PPID)/oom_score_adj\b'),
            re.compile(r'--oom-score-adj[= ](-?\d+)\b'))


def score(text):
    """The score that our block sets, or None."""
    block = _BLOCK.search(text or '')
    match = _SCORE.search(block.group(1)) if block else None
    return int(match.group(1)) if match else None


def with_score(text, value, start=False, variable=False):
    """A file's text with our block, once: at its end, or for ``start`` after its first line, ``#!``.

    A script under ``set -e`` goes on where the kernel refuses. ``variable`` is true if OpenRC's has to be set as well.
    """
    more = '%s=%d\n' % (OPENRC_VARIABLE, value) if variable else ''
    block = '%s\n{ echo %d > /proc/$$/oom_score_adj; } 2>/dev/null || :\n%s%s\n' % (BEGIN, value, more, END)
    text = text or ''
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda match: block, text, 1)
    first, rest = (text.split('\n', 1) + [''])[:2] if start else (text, '')
    if first and not first.endswith('\n'):
        first += '\n'
    return first + block + rest


def without_score(text):
    """A file's text without our block."""
    return _BLOCK.sub('', text or '')


def own_score(files):
    """{path, line, score} of the last line that gives a score and is not in our block, or None without one.

    ``files`` is [(path, text)] in the order in which they are read; ``score`` is None if the line has no number.
    """
    found = None
    for path, text in files:
        for line, words in _numbered_lines(text):
            if not words.lstrip().startswith('#') and _GIVES.search(words):
                found = {'path': path, 'line': line, 'score': number(words)}
    return found


def variable(files):
    """{path, line, score} of the last line of files that sets OpenRC's variable beside our block, or None."""
    found = None
    for path, text in files:
        for line, words in _numbered_lines(text):
            match = _VARIABLE.match(words)
            if match:
                found = {'path': path, 'line': line, 'score': int(match.group(2))} if match.group(2) else None
    return found


def _numbered_lines(text):
    """[(number, line)] of a text, without our block's."""
    hidden = _BLOCK.sub(lambda match: '\n' * match.group(0).count('\n'), text or '')
    return enumerate(hidden.splitlines(), 1)


def number(words):
    """The score that a command gives, if it says so in a number; else None."""
    return next((int(match.group(1)) for match in (pattern.search(words) for pattern in _NUMBERS) if match), None)
