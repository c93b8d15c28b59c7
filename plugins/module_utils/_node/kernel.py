# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of a kernel, as uname(2) and OOM reports have it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_VERSION = re.compile(r'(\d+)\.(\d+)(?:\.(\d+))?')
# The release that was asked for last: it is asked for each of thousands of processes.
_LAST = {}


def kernel_version(release):
    """(3, 10, 0) of ``3.10.0-957.27.2.el7.x86_64``; None if the text is no release."""
    if release not in _LAST:
        match = _VERSION.match(release or '')
        _LAST.clear()
        _LAST[release] = tuple(int(part or 0) for part in match.groups()) if match else None
    return _LAST[release]
