# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import to_native
from ansible_collections.oom.rescue.plugins.module_utils._files.reader import Noting
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import (
    ancestors,
    parse_cgroups,
    parse_stat,
    parse_status,
    process,
    processes,
)
from fake_node import CONTAINER, Node, seed_node, v2

LATER = ('exe', 'cmdline', 'oom_score', 'cgroups')


def test_a_process_of_the_seed_host_reads_whole(tmp_path):
    row = process(seed_node(tmp_path).host, 13036)
    expected = {
        'pid': 13036, 'ppid': 13020, 'name': 'mysqld', 'exe': '/usr/sbin/mysqld', 'cmdline': ['mysqld'], 'uid': 999,
        'euid': 999, 'anon_bytes': None, 'shmem_bytes': None, 'locked_bytes': None,
        'data_bytes': None, 'size_bytes': None,
        'oom_score': 435, 'oom_score_adj': 0, 'rss_bytes': 440332 * 1024, 'swap_bytes': 0, 'pgtables_bytes': 20 * 1024,
        'start_ticks': 130360, 'kernel_thread': False,
    }
    assert dict((key, row[key]) for key in expected) == expected
    assert row['cgroups'][-1] == {'controllers': ['name=systemd'], 'path': '/docker/' + CONTAINER}


def test_facts_read_what_few_ask_for_when_it_is_asked_for(tmp_path):
    node = seed_node(tmp_path)
    opened = []
    read = node.host.read
    node.host.read = lambda path, **options: opened.append(path.rpartition('/')[2]) or read(path, **options)
    row = process(Noting(node.host), 13036)
    assert sorted(opened) == ['oom_score_adj', 'stat', 'status']
    again = process(seed_node(tmp_path / 'again').host, 13036)
    for _time in range(2):
        assert [row[key] for key in LATER] == [again[key] for key in LATER]
    assert sorted(opened[3:]) == ['cgroup', 'cmdline', 'oom_score']


def test_what_processes_have_in_common_is_in_memory_once(tmp_path):
    node = Node(tmp_path)
    for pid in (50, 51):
        node.process(pid, 'php-fpm8.2', exe='/usr/sbin/php-fpm8.2', cgroup=v2('/system.slice/php.service'))
    host = Noting(node.host)
    one, other = process(host, 50), process(host, 51)
    for key in ('name', 'exe', 'cgroups'):
        assert one[key] and one[key] is other[key]


def test_what_nothing_tells_of_a_process_is_an_error(tmp_path):
    with pytest.raises(AttributeError):
        process(Node(tmp_path).host, 1)['name_of_a_field_that_is_none']


def test_processes_are_all_there_in_order_of_pid(tmp_path):
    rows = processes(seed_node(tmp_path).host)
    assert [row['pid'] for row in rows] == [1, 2, 840, 7966, 13020, 13036, 13257, 13360]
    assert [row['pid'] for row in rows if row['kernel_thread']] == [2]


def test_a_process_that_ends_meanwhile_is_left_out(tmp_path):
    node = Node(tmp_path)
    node.file('/proc/77/comm', 'gone\n')
    assert process(node.host, 77) is None
    assert [row['pid'] for row in processes(node.host)] == [1]


def test_an_executable_that_was_upgraded_keeps_its_name(tmp_path):
    node = Node(tmp_path)
    node.process(50, 'mariadbd', exe='/usr/sbin/mariadbd (deleted)')
    assert process(node.host, 50)['exe'] == '/usr/sbin/mariadbd'


@pytest.mark.parametrize('name', ['mysqld', 'a) S 1 (b', ') (', 'x y', '((', 'two\\nlines'], ids=repr)
def test_a_name_of_the_process_s_own_choosing_does_not_shift_the_fields(name):
    text = '12 (%s) S 7 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n' % name
    assert parse_stat(text) == {'name': name, 'ppid': 7, 'flags': 64, 'start_ticks': 4242}


@pytest.mark.parametrize('text', ['', '12', '12 (cut', '12 (cut) S 7'])
def test_a_stat_that_is_cut_is_none(text):
    assert parse_stat(text) is None


NOTHING = dict((key, None) for key in (
    'uid', 'euid', 'rss_bytes', 'anon_bytes', 'shmem_bytes', 'swap_bytes', 'locked_bytes', 'data_bytes', 'size_bytes',
    'pgtables_bytes'))


@pytest.mark.parametrize('text, expected', [
    ('', {}),
    ('Name:\tkthreadd\nUid:\t0\t0\t0\t0\n', {'uid': 0, 'euid': 0}),
    ('Uid:\t5\t6\t7\t8\nVmRSS:\t  8 kB\nVmPTE:\t 4 kB\nVmPMD:\t 12 kB\nVmSwap:\t 1 kB\n',
     {'uid': 5, 'euid': 6, 'rss_bytes': 8192, 'swap_bytes': 1024, 'pgtables_bytes': 16384}),
    ('VmSize:\t 9 kB\nVmRSS:\t 8 kB\nRssAnon:\t 5 kB\nRssFile:\t 1 kB\nRssShmem:\t 2 kB\nVmData:\t 7 kB\n',
     {'size_bytes': 9216, 'rss_bytes': 8192, 'anon_bytes': 5120, 'shmem_bytes': 2048, 'data_bytes': 7168}),
], ids=['nothing', 'a kernel thread has no memory', 'page tables of kernels 4.0 to 4.14 are added up', 'since 4.5'])
def test_status_is_read_in_bytes(text, expected):
    assert parse_status(text) == dict(NOTHING, **expected)


def test_cgroups_of_both_versions_are_read():
    assert parse_cgroups('4:cpu,cpuacct:/a:b\n1:name=systemd:/c\n0::/d\nrubbish\n') == [
        {'controllers': ['cpu', 'cpuacct'], 'path': '/a:b'},
        {'controllers': ['name=systemd'], 'path': '/c'},
        {'controllers': [], 'path': '/d'},
    ]


def test_ancestors_go_up_to_the_first_process(tmp_path):
    node = seed_node(tmp_path)
    assert [row['pid'] for row in ancestors(node.host, process(node.host, 13036))] == [13020, 7966, 840, 1]


def test_ancestors_of_a_pid_that_was_used_again_end(tmp_path):
    node = Node(tmp_path)
    node.process(50, 'a', ppid=51, cgroup=v2('/'))
    node.process(51, 'b', ppid=50, cgroup=v2('/'))
    assert [row['pid'] for row in ancestors(node.host, process(node.host, 50))] == [51]


@pytest.mark.parametrize('end', [u'\u2028', u'\x0b', u'\x0c', u'\x1c', u'\x85', u'\r'])
def test_a_cgroups_name_ends_no_line(end):
    """A user names a cgroup of his own so that the rest of its path looks as a line of its own."""
    path = '/user.slice/a' + to_native(end.encode('utf-8')) + '0::/docker/x'
    assert parse_cgroups('1:name=systemd:/a\n0::%s\n' % path) == [
        {'controllers': ['name=systemd'], 'path': '/a'}, {'controllers': [], 'path': path}]
