# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One log's entry of ``report.json``: its incidents and the verdict. The one call behind all that diagnoses."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os

from .._report.reading import read_events, read_signals
from .judgement import judge_all

_HEAD = 1 << 16
_COMPRESSED = (b'\x1f\x8b', b'BZh', b'\xfd7zXZ\x00', b'\x28\xb5\x2f\xfd', b'\xff\xfe', b'\xfe\xff')


def _error_of(path):
    """Why a log says nothing before it is read: unreadable, directory, empty, binary, or None."""
    if os.path.isdir(path):
        return 'directory'
    try:
        if not os.path.isfile(path):
            return 'unreadable'
        with io.open(path, 'rb') as stream:
            head = stream.read(_HEAD)
    except (IOError, OSError):
        return 'unreadable'
    if not head.strip():
        return 'empty'
    if not head.startswith(_COMPRESSED) and head.count(b'\0') * 4 > len(head):
        return 'binary'
    return None


def diagnose_log(path, since=None, until=None, limit=100, now=None):
    """{path, error, incidents, verdict, remedies, ledger, events, signals, summary} of one log.

    ``error`` is None, or unreadable, directory, empty, binary, no_report. Fields that nothing fills yet are None.
    """
    entry = {'path': path, 'error': _error_of(path), 'incidents': [], 'verdict': None, 'remedies': None, 'ledger': None,
             'events': [], 'signals': [], 'summary': None}
    if entry['error']:
        return entry
    read = read_events([path], since=since, until=until, limit=limit, now=now)
    entry['events'], entry['summary'] = read['events'], read['summary']
    for signals, error in read_signals([path], now).values():
        entry['signals'].extend(signals)
        if error:
            entry['error'] = 'unreadable'
    entry['incidents'], entry['verdict'] = judge_all(entry['events'], entry['signals'])
    if entry['verdict'] is None and entry['error'] is None:
        entry['error'] = 'no_report'
    for signal in entry['signals']:
        del signal['epoch']
    return entry
