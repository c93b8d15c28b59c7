# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of words as one regular expression, for a program that searches for us, as journalctl does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
from os.path import commonprefix


def any_of(words):
    """The regular expression that finds each of the words, both native text.

    It is a tree: words that begin alike share their beginning, as at each character of a log all branches are tried.
    """
    text = _tree(word.decode('utf-8') if isinstance(word, bytes) else word for word in words)
    return text.encode('utf-8') if str is bytes else text


def _tree(words):
    alike = {}
    for word in words:
        alike.setdefault(word[:1], []).append(word)
    branches = []
    for first in sorted(alike):
        same = commonprefix(alike[first])
        rests = [word[len(same):] for word in alike[first]]
        branches.append(re.escape(same) + (u'' if u'' in rests else _tree(rests)))
    return branches[0] if len(branches) == 1 else u'(?:%s)' % u'|'.join(branches)
