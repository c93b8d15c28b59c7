# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key that a module returns, at every depth, is in its RETURN with its type."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os
import struct

import pytest

pytest.importorskip('ansible')

import yaml  # noqa: E402
from conftest import FIXTURES, SEED  # noqa: E402
from fake_node import CONTAINER, Node, seed_node, v2  # noqa: E402
from fake_sysctl_node import bookworm, el7, trixie  # noqa: E402
from run_module import MODULES, Host, load, run  # noqa: E402

# What Ansible itself adds, or defines.
ANSIBLE = frozenset(['changed', 'diff', 'failed', 'invocation', 'msg', 'skipped', 'warnings'])
# Dictionaries whose keys are data (names of processes, of the kernel's counters in a report, of scopes), and what the
# filters return and document.
DATA = frozenset(['summary.by_process', 'summary.by_scope', 'events[].cgroup.stats', 'logs[].summary.by_process',
                  'logs[].summary.by_scope', 'logs[].events[].cgroup.stats', 'logs[].advice', 'logs[].replays[]',
                  'advice', 'replays[]', 'ansible_facts.memory', 'swap', 'swappiness', 'oom_protect', 'diagnosis',
                  'asked.swap', 'asked.swappiness', 'asked.oom_protect', 'asked.options'])
TYPES = {'bool': bool, 'dict': dict, 'float': float, 'int': int, 'list': list, 'path': str, 'str': str}


def wrong(value, documented, path=''):
    """What of a value of a type dict is not as documented: ['path: why'], one for each place."""
    found = ['%s%s: not documented' % (path, key) for key in sorted(set(value) - set(documented))]
    for key in sorted(set(value) & set(documented)):
        found.extend(wrong_value(value[key], documented[key], path + key))
    return found


def wrong_value(value, entry, path):
    """The same of one value. Null is what is unknown, of any type."""
    if value is None or entry['type'] == 'raw':
        return []
    if isinstance(value, bool) != (entry['type'] == 'bool') or not isinstance(value, TYPES[entry['type']]):
        return ['%s: documented as %s, and is %s' % (path, entry['type'], type(value).__name__)]
    if isinstance(value, dict) and path not in DATA:
        if 'contains' not in entry:
            return ['%s: its keys are not documented' % path] if value else []
        return wrong(value, entry['contains'], path + '.')
    if isinstance(value, list):
        element = dict(entry, type=entry.get('elements', 'raw'))
        return sorted(set(problem for part in value for problem in wrong_value(part, element, path + '[]')))
    return []


def memory_facts(root):
    """Facts of nodes with and without cgroups, swap, tuned, pressure and killers."""
    node = el7(root / 'el7')
    seed = seed_node(root / 'seed')
    seed.file('/proc/sys/kernel/osrelease', '3.10.0-957.27.2.el7.x86_64\n')
    new = bookworm(root / 'bookworm')
    new.file('/proc/self/cgroup', v2('/docker/%s' % CONTAINER))
    new.file('/proc/self/mountinfo', '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
                                     '31 23 8:1 / / rw - ext4 /dev/sda1 rw\n')
    new.file('/sys/fs/cgroup/docker/%s/memory.max' % CONTAINER, '1000\n')
    new.file('/proc/swaps', 'Filename Type Size Used Priority\n/swapfile file 1048572 512 -2\n')
    new.file('/swapfile', '')
    new.file('/proc/pressure/memory', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n'
                                      'full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n')
    new.file('/sys/module/zswap/parameters/enabled', 'N\n')
    new.file('/usr/bin/earlyoom', '')
    for each in (node, seed, new):
        yield run('memory_facts', each.host)


def oom_log_info(root):
    logs = sorted(glob.glob(os.path.join(FIXTURES, 'oom-linux-*'))) + [SEED]
    host = Host(root=str(root))
    yield run('oom_log_info', host, paths=logs, fork_failures=True)
    yield run('oom_log_info', host, paths=logs, separately=True)
    yield run('oom_log_info', seed_node(root / 'seed').host, paths=logs, fork_failure_paths=logs, with_facts=True)


def oom_score_adj(root):
    node = seed_node(root / 'seed')
    for options in ({'check': True}, {'keep': True}, {'state': 'absent'}):
        yield run('oom_score_adj', node.host, process='mysqld', **options)
    node = Node(root / 'systemd').systemd()
    node.process(640, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106,
                 cgroup=v2('/system.slice/mariadb.service'))
    node.unit('mariadb.service', '[Service]\nExecStart=/usr/sbin/mariadbd\n', aliases=['mysqld.service'])
    node.file('/usr/bin/earlyoom', '')
    for options in ({'unit': 'mariadb', 'restart_policy': 'ensure'}, {'process': 'mysqld', 'killers': 'spare'}):
        yield run('oom_score_adj', node.host, **options)


def oom_watch(root):
    node = Node(root / 'systemd').systemd()
    for options in ({'check': True}, {'hooks': [{'kind': 'mail', 'to': 'root'}]}, {'state': 'absent'}):
        yield run('oom_watch', node.host, **dict({'src': SEED}, **options))


def swap_node(root):
    """A node of 1 GB without swap."""
    node = Node(root)
    node.file('/proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n')
    node.file('/proc/self/mountinfo', '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n')
    node.file('/proc/sys/kernel/osrelease', '6.1.0\n')
    node.file('/proc/swaps', 'Filename Type Size Used Priority\n')
    node.file('/etc/fstab', '# mine\n')
    return node


def swap_file(root):
    """What check mode says; tests/integration/swap has the kernel make it."""
    node = swap_node(root / 'none')
    yield run('swap_file', node.host, check=True, reserve='0')
    yield run('swap_file', node.host, check=True, size='2M', reserve='0', priority=5)
    yield run('swap_file', node.host, check=True, reserve='0', files=[
        {'path': '/one', 'size': '2M'}, {'path': '/two', 'size': '1M', 'priority': 3, 'active': False}])
    node = swap_node(root / 'there')
    with open(node.path('/swapfile'), 'wb') as stream:
        stream.write(b'\0' * 1024 + struct.pack('=III', 1, 511, 0) + b'u' * 16 + b'label'.ljust(16, b'\0'))
        stream.write(b'\0' * (4086 - stream.tell()) + b'SWAPSPACE2' + b'\0' * (511 << 12))
    node.file('/etc/fstab', '/swapfile none swap sw 0 0\n')
    node.file('/proc/swaps', 'Filename Type Size Used Priority\n/swapfile file 2044 0 -2\n')
    node.file('/etc/dphys-swapfile', 'CONF_SWAPFILE=/var/swap\n')
    yield run('swap_file', node.host, check=True, size='4M', reserve='0')
    yield run('swap_file', node.host, check=True, state='absent')


def swappiness(root):
    for node in (el7(root / 'el7', reapply=0), bookworm(root / 'bookworm'), trixie(root / 'trixie')):
        for options in ({'check': True}, {'cgroups': 'set'}, {'state': 'absent'}):
            yield run('swappiness', node.host, **dict({'value': 10, 'conflicts': 'override'}, **options))


def ask_remedies(root):
    node = bookworm(root / 'bookworm')
    yield run('ask_remedies', node.host, with_facts=True, swappiness={'value': 10})
    yield run('ask_remedies', seed_node(root / 'seed').host, oom_protect={'process': 'mysqld'})


def rescue_info(root):
    asks = {'swap': {'reserve': '0'}, 'swappiness': {'value': 10}, 'oom_protect': {'process': 'mysqld'}}
    yield run('rescue_info', swap_node(root / 'node').host, diagnosis={'paths': [SEED]}, by_rule=True, remedies=asks)
    yield run('rescue_info', seed_node(root / 'seed').host, diagnosis={'paths': [SEED]}, most_bytes=64 << 10)


@pytest.fixture(scope='module', params=MODULES, name='returned')
def fixture_returned(request, tmp_path_factory):
    """What a module says that it returns, and some results of it."""
    name = request.param
    return yaml.safe_load(load(name).RETURN), list(globals()[name](tmp_path_factory.mktemp(name)))


def test_each_key_is_documented_with_its_type(returned):
    documented, results = returned
    assert not [result for result in results if result.get('failed')]
    problems = [problem for result in results
                for problem in wrong({key: result[key] for key in set(result) - ANSIBLE}, documented)]
    assert sorted(set(problems)) == []


def test_what_is_always_returned_is_in_each_result(returned):
    documented, results = returned
    always = [key for key, entry in documented.items() if entry['returned'] in ('always', 'success')]
    for result in results:
        assert set(always) <= set(result), result
