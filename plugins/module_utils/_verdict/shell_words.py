# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names from logs and nodes as words of a command line that a person pastes into a shell."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_SAFE = re.compile(r'[A-Za-z0-9._@:-]{1,255}\Z')
_SAFE_PATH = re.compile(r'(?:/[A-Za-z0-9._@:-]{1,255}){1,40}\Z')


def word(name, otherwise):
    """A name as one word of a command, or ``otherwise`` in its place, which a person fills in.

    No name with another character than letters, digits and ``._@:-`` gets into a command, and none that begins with
    a dash, which would be an option: whoever names a process or a container may be hostile.
    """
    fits = name and not name.startswith('-') and _SAFE.match(name)
    return name if fits else otherwise


def path_word(path, otherwise):
    """A path as one word of a command, or ``otherwise`` if a part of it is no safe word or leads upwards."""
    fits = path and _SAFE_PATH.match(path) and '..' not in path.split('/')
    return path if fits else otherwise
