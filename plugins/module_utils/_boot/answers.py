# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers on what is so after the next boot: {kept, why, would_tell}.

``kept`` is True, False, or None if it cannot be known; ``why`` the reason in a line, None if True; ``would_tell`` a
command that would settle it, or None.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


def yes():
    """The answer that something is so after a boot."""
    return {'kept': True, 'why': None, 'would_tell': None}


def no(why):
    """The answer that something is not so after a boot."""
    return {'kept': False, 'why': why, 'would_tell': None}


def unknown(why, would_tell=None):
    """The answer that it cannot be known, and the command that would tell."""
    return {'kept': None, 'why': why, 'would_tell': would_tell}


def worst(answers):
    """The first answer that is no, else the first that is unknown, else yes."""
    answers = list(answers)
    for kept in (False, None):
        for answer in answers:
            if answer['kept'] is kept:
                return answer
    return yes()
