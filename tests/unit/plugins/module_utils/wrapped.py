# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary's rows as the lines that they were wrapped from."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re


def unwrapped(rows):
    """The lines of rows of at most 80 columns, of which those that go on begin with two blanks."""
    assert all(len(row) <= 80 for row in rows if not row.startswith('Page: '))
    return re.sub(r'\n  (?=\S)', ' ', '\n'.join(rows)).split('\n') if rows else []
