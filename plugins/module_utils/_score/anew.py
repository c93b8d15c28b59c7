# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that we made, that others than root could change, and that somebody did change."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._change.actions import Action
from .._change.record import aside_path


def anew(layer, path, before, after, who):
    """The Action that makes such a file anew with the text ``after``, or removes it if ``after`` is None.

    ``who`` says in words who could change it. Root's programs run what the file says, and none of its text is known to
    be root's: a copy of that text is kept where root alone reads it.
    """
    return Action(layer, 'remove' if after is None else 'replace', (
        '%s: %s, and it was changed since: nothing of that is kept there, a copy is %s' % (
            path, who, aside_path(path))),
        path=path, before=before, after=after, mode=0o644, own=True, aside=True)
