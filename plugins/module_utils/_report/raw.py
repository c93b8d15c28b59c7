# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as it stands in its log: the kernel's own lines of it, and no others, as those may hold what is secret."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.host import to_native
from .._files.plain import plain
from .._log import sources
from .._log.hosts import same_host
from .._log.prefix import PrefixReader

_MOST_BYTES, _MOST_LINES, _LONGEST = 512 << 10, 3000, 300
_BEGINS = re.compile(r'invoked oom-killer|allocation failure')
_OF_KERNEL = re.compile(r'\bkernel: |^\s*(?:<\d{1,3}>)?\[\s*\d{1,9}\.\d{1,6}\]')
_ENDS = re.compile(r'\bKilled process \d|Kernel panic - not syncing|no killable processes')


def raw_lines(source, named=True):
    """Up to 3000 lines (str) of the report at ``source``, {path, offset}; none if that is no plain file, or if no
    report begins there.

    ``named`` is true if somebody named the file; if not, a link of a stranger's is not followed.
    """
    if source.get('offset') is None:
        return []
    try:
        with sources.open_log(sources.LogFile(source['path'], named)) as stream:
            stream.seek(source['offset'])
            data = stream.read(_MOST_BYTES)
    except sources.FAILURES:
        return []
    lines = to_native(data).splitlines()[:_MOST_LINES]
    return _kept(lines) if lines and _BEGINS.search(lines[0]) else []


def _kept(lines):
    found, reader = [], PrefixReader()
    own = _host_of(reader, lines[0])
    for line in lines:
        if own and not same_host(own, _host_of(reader, line)):
            # A log of several hosts has their lines in between.
            continue
        if found and 'invoked oom-killer' in line:
            break
        if not found or _OF_KERNEL.search(line):
            found.append(plain(line, _LONGEST))
        if _ENDS.search(line):
            break
    return found


def _host_of(reader, line):
    prefix = reader.split(line)[0]
    return prefix.host if prefix else None
