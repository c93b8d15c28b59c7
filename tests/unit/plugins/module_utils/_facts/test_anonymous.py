# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.anonymous import (
    Holders,
    anonymous_bytes,
    anonymous_parts,
    proportional_bytes,
    shares_pages,
)
from ansible_collections.oom.rescue.plugins.module_utils._facts.pressure import parse_pressure
from ansible_collections.oom.rescue.plugins.module_utils._facts.shared import shared_parts, sysv_bytes
from fake_node import Node

PAGE = 4096


def row(pid, nbytes=None, rss_bytes=1 << 20, **more):
    return dict({'pid': pid, 'name': 'p%d' % pid, 'anon_bytes': nbytes, 'rss_bytes': rss_bytes, 'shmem_bytes': 0,
                 'locked_bytes': 0, 'kernel_thread': False}, **more)


@pytest.mark.parametrize('anon_bytes, rss_bytes, statm, expected', [
    (5, 99, '9 9 9\n', (5, True)),
    (None, 99, '90 30 10 0 0 0 0\n', (20 * PAGE, False)), (None, 99, '90 10 30\n', (0, False)),
    (None, 99, '90 30\n', (99, False)), (None, 99, '90 30 x\n', (99, False)), (None, 99, '90 x 30\n', (99, False)),
    (None, 99, '', (99, False)), (None, 0, '90 30 10\n', (0, False)), (None, None, '90 30 10\n', (None, False)),
])
def test_the_anonymous_memory_of_a_process(anon_bytes, rss_bytes, statm, expected, tmpdir):
    node = Node(tmpdir)
    node.file('/proc/50/statm', statm)
    assert anonymous_bytes(node.host, row(50, anon_bytes, rss_bytes), PAGE) == expected


@pytest.mark.parametrize('text, expected', [
    ('Rss: 9 kB\nPss: 5 kB\nPss_Anon: 3 kB\nAnonymous: 9 kB\n', 3), ('Pss: 5 kB\nAnonymous: 9 kB\n', 5),
    ('Pss: 9 kB\nAnonymous: 5 kB\n', 5), ('Pss: 9 kB\n', None), ('Anonymous: 9 kB\n', None), (None, None),
])
def test_the_proportional_size_of_a_process(text, expected):
    assert proportional_bytes(text) == (expected and expected * 1024)


def holders_of(root, rows, rollups=()):
    node = Node(root)
    for pid, kib in dict(rollups).items():
        node.file('/proc/%d/smaps_rollup' % pid, 'Pss_Anon: %d kB\n' % kib)
    return Holders(node.host, rows, PAGE), node


def test_those_with_most_anonymous_memory_are_looked_into_first(tmpdir):
    rows = [row(50, 100 << 20, 400 << 20), row(51, 200 << 20, 200 << 20), row(52, 0, 300 << 20), row(53, 300 << 20)]
    holders, node = holders_of(tmpdir, rows, {50: 50 << 10, 51: 51 << 10, 52: 52 << 10, 53: 53 << 10})
    opened, read = [], node.host.read
    node.host.read = lambda path: opened.append(path) or read(path)
    holders.share(lambda: 0.0, 1)
    # Nothing can be shared of none.
    assert opened == ['/proc/%d/smaps_rollup' % pid for pid in (53, 51, 50)]
    assert holders.known == {50: (50 << 20, True), 51: (51 << 20, True), 52: (0, False), 53: (53 << 20, True)}


def test_what_needs_longer_than_is_left_is_passed_over_for_what_does_not(tmpdir):
    rows = [row(50, 200 << 30, 200 << 30), row(51, 1 << 20, 1 << 20), row(52, 1 << 10, 1 << 20)]
    holders = holders_of(tmpdir, rows, {50: 1, 51: 2})[0]
    holders.share(lambda: 0.0, 0.3)
    assert holders.known == {50: (200 << 30, False), 51: (2 << 10, True), 52: (1 << 10, False)}


def test_holders_are_told_of_some_processes_or_of_all(tmpdir):
    rows = [row(50, 100, locked_bytes=49), row(51, 100, locked_bytes=50), row(52, None, None), row(53, None, 7),
            row(54, 9, kernel_thread=True), row(55, 100, locked_bytes=None)]
    holders = holders_of(tmpdir, rows)[0]
    assert holders.total_bytes() == 307
    assert sorted((one['name'], one['bytes'], one['swappable'], one['approximate']) for one in holders.holders()) == [
        ('p50', 100, True, False), ('p51', 100, False, False), ('p53', 7, True, True), ('p55', 100, True, False)]
    assert [one['name'] for one in holders.holders(set([51, 52, 99]))] == ['p51']


@pytest.mark.parametrize('told, anonymous, expected', [(100, 100, False), (110, 100, False), (111, 100, True),
                                                       (89, 100, True), (90, 100, False)])
def test_pages_are_shared_if_the_sums_differ_by_more_than_drift(told, anonymous, expected):
    assert shares_pages(told, anonymous, 1000) is expected


def holder(name, nbytes, approximate=False):
    return {'name': name, 'bytes': nbytes, 'swappable': True, 'approximate': approximate}


@pytest.mark.parametrize('holders, anonymous, expected', [
    ([holder('a', 500)], None, [('process', 'a', 500, False)]),
    ([holder('a', 500)], 500, [('process', 'a', 500, False), ('processes', None, 0, True)]),
    # A fiftieth is drift, more is in processes that are not seen.
    ([holder('a', 500)], 520, [('process', 'a', 500, False), ('processes', None, 20, True)]),
    ([holder('a', 500)], 521, [('process', 'a', 500, False), ('other', 'unseen', 21, False)]),
    ([], 5, [('other', 'unseen', 5, False)]),
    # Drift goes to the small ones, and makes them approximate if it is more than half of what they had.
    ([holder('a', 500), holder('b', 2), holder('c', 2)], 506, [
        ('process', 'a', 500, False), ('processes', None, 6, False)]),
    ([holder('a', 500), holder('b', 2), holder('c', 2)], 507, [
        ('process', 'a', 500, False), ('processes', None, 7, True)]),
    ([holder('a', 500), holder('b', 4, True)], 504, [('process', 'a', 500, False), ('processes', None, 4, True)]),
    # What is approximate takes the whole difference, as long as it can.
    ([holder('a', 500), holder('b', 400, True)], 700, [('process', 'a', 500, False), ('process', 'b', 200, True)]),
    ([holder('a', 600), holder('b', 200, True)], 600, [('process', 'a', 600, False), ('process', 'b', 0, True)]),
    ([holder('a', 600), holder('b', 200, True)], 400, [('process', 'a', 300, True), ('process', 'b', 100, True)]),
])
def test_the_parts_add_up_to_what_the_kernel_counts(holders, anonymous, expected):
    parts = anonymous_parts(holders, anonymous, 1000)
    assert [(part['kind'], 'unseen' if part['kind'] == 'other' else part['name'], part['bytes'], part['approximate'])
            for part in parts] == expected


@pytest.mark.parametrize('text, expected', [
    ('key shmid size rss swap\n0 1 9 5 0\n0 2 9 7 0\n', 12), ('key shmid size rss swap\n0 1 9 x 0\n0 1 9\n', 0),
    ('key shmid size\n0 1 9\n', None), ('', None), (None, None),
])
def test_the_segments_of_sysv(text, expected):
    assert sysv_bytes(text) == expected


@pytest.mark.parametrize('segments, mapped, swap_used, expected', [
    (300, 0, False, [('SysV segments', 300, False), (None, 700, False), (None, 0, False)]),
    (300, 350, False, [('SysV segments', 300, False), ('p50', 700, False), (None, 0, False)]),
    (300, 349, True, [('SysV segments', 300, False), (None, 700, True), (None, 0, True)]),
    # Fewer than a two hundredth of all memory has no name.
    (4, None, False, [(None, 996, False), (None, 4, False)]),
    (5, 0, False, [('SysV segments', 5, False), (None, 995, False), (None, 0, False)]),
    (1001, 900, False, [('SysV segments', 1000, True), (None, 0, True), (None, 0, True)]),
])
def test_shared_memory_adds_up_to_what_the_kernel_counts(segments, mapped, swap_used, expected, tmpdir):
    node = Node(tmpdir)
    node.file('/proc/sysvipc/shm', 'key rss\n0 %d\n' % segments)
    parts = shared_parts(node.host, [row(50, shmem_bytes=mapped), row(51, shmem_bytes=None)], 1000, 1000, swap_used)
    assert [(part['name'], part['bytes'], part['approximate']) for part in parts] == [
        (name and (name if name == 'SysV segments' else 'memfd and shared mappings, of ' + name)
         or ('memfd and shared mappings' if place < len(expected) - 1 else None), nbytes, approximate)
        for place, (name, nbytes, approximate) in enumerate(expected)]
    assert all(isinstance(part['bytes'], int) for part in parts)


def test_pressure_is_in_percent_and_seconds():
    text = ('some avg10=1.50 avg60=2.25 avg300=3.00 total=4500000\nfull avg10=0.00 avg60=0.10 avg300=0.20 total=5\n'
            'odd avg10=9.00 avg60=9.00 avg300=9.00 total=9\n')
    assert parse_pressure(text) == {
        'some_avg10': 1.5, 'some_avg60': 2.25, 'some_avg300': 3.0, 'some_total_seconds': 4.5,
        'full_avg10': 0.0, 'full_avg60': 0.1, 'full_avg300': 0.2, 'full_total_seconds': 0.000005}
    assert parse_pressure(None) is None and parse_pressure('some avg10=x\n') is None
