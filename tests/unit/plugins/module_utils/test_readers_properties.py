# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever somebody wrote, each reader gives what it says or one line, in linear time: a short run of the fuzzer."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import json
import os
import sys

import pytest
from conftest import ROOT
from growth import is_linear

sys.path.append(os.path.join(ROOT, 'tests', 'fuzz'))
fuzz_readers = importlib.import_module('fuzz_readers')
_SIZE = 60000


@pytest.fixture(name='reads', scope='module')
def fixture_reads():
    with fuzz_readers.a_node() as node:
        yield {path: read for path, _samples, read in fuzz_readers.files(node)}


def records(rows):
    return json.dumps({'version': 2, 'records': rows}).encode()


def test_each_reader_bears_what_it_is_given():
    assert fuzz_readers.fuzz(runs=0, seed=7, briefly=True) > 100


# What once took more than linear time, or ended in a traceback.
@pytest.mark.parametrize('path, start, again, end', [
    ('/boot/loader/entries/a.conf', b'', b'\n', b''), ('/boot/loader/entries/a.conf', b'', b' \n', b''),
    ('/boot/grub/grub.cfg', b'', b'\n', b''), ('/etc/nohang/nohang.conf', b'', b'\n', b''),
    ('/etc/nohang/nohang.conf', b'@BADNESS_ADJ_RE_NAME -500 /// ', b' ', b'x\ny'),
    ('/etc/systemd/system/mysql.service', b'', b'\n', b''), ('/etc/systemd/system/tune.service', b'', b'\\\n', b''),
    ('/etc/systemd/system/tune.service', b'[Service]\n', b'ExecStart=/x\n', b''),
    ('/etc/systemd/system/mysql.service', b'[Service]\n', b'Environment=a\n', b''),
    ('/etc/systemd/system/tune.service', b'ExecStart=', b' ', b'x\n'),
    ('/etc/rc.local', b'#!/bin/sh\n', b'\\\n', b'x\n'),
    ('/etc/rc.local', b'#!/bin/sh\n', b'sysctl ', b'\n'), ('/etc/rc.local', b'#!/bin/sh\n', b'choom ', b'\n'),
    ('/etc/rc.local', b'#!/bin/sh\n', b'sed -i swap ', b'/etc/fstab\n'),
    ('/etc/cloud/cloud.cfg.d/x.cfg', b'bootcmd:\n', b'- a\n', b''),
    ('/etc/cloud/cloud.cfg.d/x.cfg', b'bootcmd:', b'\n', b'a: b\n'),
    ('/etc/udev/rules.d/x.rules', b'', b'RUN+="', b'\n'), ('/etc/anacrontab', b'', b'1 ', b'\n'),
    ('/etc/dphys-swapfile', b'CONF_SWAPFILE=', b' ', b'x\n'),
    ('/etc/waagent.conf', b'ResourceDisk.Format=', b' ', b'x\n'),
    ('/etc/cloud/cloud.cfg', b'swap:\n', b'    a: 1\n', b''),
    ('/etc/cloud/cloud.cfg', b'swap:\n  filename: a', b' ', b'"b\n'),
    ('/proc/900/oom_score_adj', b'', b'', b''), ('/proc/900/stat', b'1 (a) S ', b'x ', b''),

    ('/var/lib/oom-rescue/oom_score_adj.json', records({'process:mysqld': {
        'live': [{}], 'files': {}, 'managers': {}}}), b'', b''),
    ('/var/lib/oom-rescue/swap.json', records({'/swapfile': {
        'existed': True, 'active': True, 'fstab_lines': [], 'fstab_existed': True, 'size_bytes': 4096, 'mode': None,
        'uid': 0, 'gid': 0, 'priority': None}}), b'', b''),
])
def test_what_was_once_too_much_is_borne(reads, path, start, again, end):
    assert is_linear(lambda size: reads[path](start + again * (size // max(len(again), 1)) + end), _SIZE)
