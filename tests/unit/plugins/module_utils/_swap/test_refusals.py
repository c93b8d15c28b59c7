# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
from ansible_collections.oom.rescue.plugins.module_utils._swap.refusals import keeps_image, refusals, skipped_reason
from ansible_collections.oom.rescue.plugins.module_utils._swap.unit import HEADER

from .test_plan import GIB, LINE, MIB, UNIT, area, missing, node, swap_file

FULL = {'mount_point': '/', 'filesystem': 'ext4', 'read_only': False}
OTHER = '/usr/lib/systemd/system/swapfile.swap'


def with_(state, **persistence):
    own = persistence.pop('own', {})
    state['persistence'].update(persistence)
    state['persistence']['own_unit'].update(own)
    return state


def way(**other):
    return dict({'for_good': False, 'second_bytes': 0, 'spare_bytes': None, 'used_bytes': 0, 'missing_bytes': 0,
                 'others': []}, **other)


def said(state, wished, size=None, way_off=None):
    return [str(error) for error in refusals(state, wish(**wished), {'size': size, 'way': way_off})]


@pytest.mark.parametrize('state, wished, words', [
    (node(directory={'path': '/x', 'exists': False, 'others': None}), {}, 'the directory /x does not exist'),
    (node(new=dict(missing('/n'), kind='directory')), {}, '/n is a directory, and a swap file has to be a regular'),
    (node(helper=dict(missing('/h'), kind='block device')), {'state': 'absent'}, '/h is a block device'),
    (node(mount=dict(FULL, mount_point='/mnt', read_only=True)), {}, 'no swap file can be on /mnt (ext4): it is'),
    (with_(node(), systemd=False), {'persist': 'systemd'}, 'persist is systemd, and another init starts this host'),
    (node(directory={'path': '/', 'exists': True, 'others': 'eve may write'}), {}, 'eve may write, and could put'),
    (node(swap_file(GIB, on=False, signature=None)), {}, 'is a file of 1 GiB that is not swap'),
    (node(swap_file(0, on=False, signature=None)), {'state': 'absent'}, 'is not swap, and stays as it is'),
    (node(swap_file(GIB, on=False, signature=None, starts_blank=False)), {'claimed': True}, 'that is not swap'),
    (with_(node(), unit=OTHER), {'persist': 'none'}, 'persist is none, and the unit %s activates' % OTHER),
    (with_(node(), unit=UNIT), {'persist': 'none'}, 'persist is none, and the unit %s activates' % UNIT),
    (with_(node(), own={'text': '[Swap]', 'ours': False}), {'persist': 'systemd'}, '%s is there, was not made' % UNIT),
])
def test_what_is_refused(state, wished, words):
    told = said(state, wished)
    assert len(told) == 1 and words in told[0]


@pytest.mark.parametrize('state, wished', [
    (node(), {}), (node(), {'state': 'absent'}),
    (node(directory={'path': '/x', 'exists': False, 'others': None}), {'state': 'absent'}),
    (node(mount=dict(FULL, mount_point='/mnt', read_only=True)), {'state': 'absent'}),
    # Where the root itself cannot, the host is skipped.
    (node(mount=dict(FULL, read_only=True)), {}),
    (with_(node(), systemd=False), {'persist': 'auto'}), (with_(node(), systemd=False), {
        'persist': 'systemd', 'state': 'absent'}),
    (node(directory={'path': '/', 'exists': True, 'others': 'eve may write'}), {'state': 'absent'}),
    (node(swap_file(0, on=False, signature=None)), {}),
    (node(swap_file(GIB, on=False, signature=None)), {'claimed': True}),
    (node(swap_file(GIB, signature=None)), {}),
    (node(swap_file(GIB, on=False, signature=None), LINE + '\n'), {}),
    (with_(node(), unit=OTHER), {'persist': 'none', 'state': 'absent'}), (with_(node(), unit=OTHER), {}),
    (with_(node(), unit=UNIT, own={'ours': True, 'text': HEADER}), {'persist': 'none'}),
    (with_(node(), own={'text': '[Swap]', 'ours': False}), {'persist': 'fstab'}),
    (with_(node(), own={'text': '[Swap]', 'ours': False}), {'persist': 'systemd', 'state': 'absent'}),
    (with_(node(), own={'text': HEADER, 'ours': True}), {'persist': 'systemd'}),
    (with_(node(), unit=OTHER, own={'text': '[Swap]', 'ours': False}), {'persist': 'systemd'}),
])
def test_what_is_not(state, wished):
    assert said(state, wished) == []


def test_before_there_is_a_plan_the_path_alone_is_looked_at():
    state = node(swap_file(GIB, on=False, signature=None),
                 directory={'path': '/x', 'exists': False, 'others': 'eve may write'})
    assert [str(error)[:40] for error in refusals(state, wish())] == ['/swapfile: the directory /x does not exi']


@pytest.mark.parametrize('disk, size, refused', [
    (2 * GIB, GIB, False), (2 * GIB, GIB + 512 * MIB, False), (2 * GIB, GIB + 512 * MIB + 1, True),
    (0, None, False), (0, 0, False), (0, 1, True), (512 * MIB, 1, True), (512 * MIB + 1, 1, False),
])
def test_a_disk_keeps_its_reserve(disk, size, refused):
    told = said(node(disk=disk), {'reserve_bytes': 512 * MIB}, size)
    assert bool(told) is refused
    assert not told or '%d bytes are needed, %d are available on /' % (size, disk) in told[0]


def test_what_the_file_has_already_is_not_asked_of_the_disk():
    state = node(swap_file(GIB, allocated_bytes=GIB - MIB), disk=512 * MIB + 2 * MIB)
    assert said(state, {'reserve_bytes': 512 * MIB}, GIB + MIB) == []
    assert len(said(state, {'reserve_bytes': 512 * MIB}, GIB + 2 * MIB)) == 1
    # Nothing more is needed, however full the disk is.
    assert said(dict(state, disk={'available_bytes': 0}), {}, GIB - MIB) == []


@pytest.mark.parametrize('used, size, available, others, fits', [
    (GIB, GIB + 4096, 0, 0, True), (GIB, GIB, 0, 0, False), (GIB, GIB // 2, GIB // 2, 0, False),
    (GIB, GIB // 2 + 4096, GIB // 2 + 64 * MIB, 0, True), (GIB, GIB // 2, 0, GIB, True), (0, 4096, 0, 0, True),
])
def test_what_is_swapped_out_fits_the_file_as_it_will_be(used, size, available, others, fits):
    state = node(swap_file(2 * GIB, used=used), available=available, disk=9 * GIB)
    state['other_areas'] = [area(others + 4096, path='/dev/x', kind='partition')] if others else []
    told = said(state, {}, size, way(second_bytes=1))
    assert (told == []) is fits
    assert fits or 'of swap there, what is swapped out (%d bytes) does not fit' % used in told[0]
    # With nothing to give back, or for good, it is nobody's question.
    assert said(state, {}, size, way(second_bytes=1, for_good=True)) == said(state, {}, size) == []


@pytest.mark.parametrize('way_off, words', [
    (None, None), (way(missing_bytes=0), None), (way(missing_bytes=-5), None),
    (way(missing_bytes=5, second_bytes=9), None),
    (way(missing_bytes=5, used_bytes=7), 'room for 7 bytes'), (way(missing_bytes=5), '5 bytes are missing'),
    (way(missing_bytes=5, spare_bytes=-3), 'nor can the disk hold a second area (0 bytes to spare)'),
    (way(missing_bytes=5, spare_bytes=3), 'nor can the disk hold a second area (3 bytes to spare)'),
])
def test_an_area_goes_off_only_where_its_pages_have_a_place(way_off, words):
    told = said(node(swap_file(GIB)), {'state': 'absent'}, None, way_off)
    assert [words in text for text in told] == [True] * (words is not None)


@pytest.mark.parametrize('missing_bytes, free, second, refused', [
    ([5, 3], 7, 0, True), ([5, 3], 8, 0, False), ([5], 0, 9, False), ([], 0, 0, False)])
def test_no_cgroup_is_killed_by_it(missing_bytes, free, second, refused):
    state = node(swap_file(GIB), cgroups=[{'path': '/g%d' % each, 'missing_bytes': each} for each in missing_bytes])
    others = [{'size_bytes': free, 'used_bytes': 0}]
    told = said(state, {'state': 'absent'}, None, way(others=others, second_bytes=second))
    assert [('the cgroup /g5' in text, 'no room for 5 bytes' in text) for text in told] == [(True, True)] * refused


FORBIDS = [{'id': 'kubelet', 'where': '/k', 'text': 'the kubelet wants none'}]


@pytest.mark.parametrize('state, wished, words', [
    (node(), {}, None),
    (node(filesystem='zfs'), {}, '/swapfile: no swap file can be on / (zfs): ZFS needs memory'),
    (node(mount=dict(FULL, read_only=True)), {}, 'it is mounted read-only; make the swap on the machine that runs'),
    (node(swapon_refusal='EPERM!'), {}, 'does not let this process switch swap on (EPERM!)'),
    (node(swapon_refusal='EPERM!'), {'active': False}, None), (node(swap_file(GIB), swapon_refusal='EPERM!'), {}, None),
    (node(swapon_refusal='EPERM!'), {'state': 'absent'}, None),
    (node(forbidden=FORBIDS), {}, 'the kubelet wants none'), (node(forbidden=FORBIDS), {'override': ['kubelet']}, None),
    (node(forbidden=FORBIDS), {'override': ['k3s']}, 'the kubelet wants none'),
    (node(forbidden=FORBIDS), {'state': 'absent'}, None),
    (node(forbidden=[dict(FORBIDS[0], id='container')]), {}, None),
    (node(forbidden=[dict(FORBIDS[0], id='hibernation')]), {}, None),
    (node(forbidden=[dict(FORBIDS[0], id='btrfs-snapshots')]), {}, 'the kubelet wants none'),
    (node(forbidden=[dict(FORBIDS[0], id='btrfs-snapshots')]), {'claimed': True}, None),
    (node(swap_file(GIB), forbidden=[dict(FORBIDS[0], id='btrfs-snapshots')]), {}, None),
    (node(gpt_swap=True), {'persist': 'fstab'}, 'a swap partition on by itself'), (node(gpt_swap=True), {}, None),
    (node(gpt_swap=True), {'persist': 'fstab', 'override': ['gpt-auto']}, None), (node(), {'persist': 'fstab'}, None),
    (node(managers=[{'name': 'm', 'config': '/m', 'path': '/swapfile'}]), {}, '/swapfile is managed by m (/m): change'),
    (node(managers=[{'name': 'm', 'config': '/m', 'path': '/other'}]), {}, None),
    (node(managers=[{'name': 'm', 'config': '/m', 'path': '/swapfile'}]), {'override': ['m']}, None),
    (node(managers=[{'name': 'm', 'config': '/m', 'path': '/swapfile'}]), {'state': 'absent'}, 'managed by m (/m)'),
    (with_(node(), unit=OTHER), {'state': 'absent'}, 'is managed by systemd (%s)' % OTHER),
    (with_(node(), unit=OTHER), {}, None),
    (with_(node(), unit=UNIT, own={'ours': True}), {'state': 'absent'}, None),
    (with_(node(), unit=OTHER, own={'ours': True}), {'state': 'absent'}, 'is managed by systemd (%s)' % OTHER),
    (with_(node(), unit=OTHER), {'state': 'absent', 'override': ['systemd']}, None),
])
def test_what_is_left_alone(state, wished, words):
    told = skipped_reason(state, wish(**wished))
    assert told is None if words is None else words in told


def of(inode, uuid, kind='file'):
    file = dict(swap_file(GIB), inode=inode, kind=kind)
    return node(dict(file, signature=dict(file['signature'], uuid=uuid)))


@pytest.mark.parametrize('state, left, skipped', [
    (of(7, 'a'), None, False), (of(7, 'a'), {'inode': 7, 'uuid': 'b'}, False),
    (of(8, 'a'), {'inode': 7, 'uuid': 'a'}, False),
    (of(8, 'a'), {'inode': 7, 'uuid': 'b'}, True), (of(8, ''), {'inode': 7, 'uuid': ''}, True),
    (of(8, 'a', 'directory'), {'inode': 7, 'uuid': 'b'}, False),
    (node(dict(swap_file(GIB, signature=None), inode=8)), {'inode': 7, 'uuid': 'b'}, True),
])
def test_a_file_that_took_the_name_of_ours_is_left(state, left, skipped):
    told = skipped_reason(state, wish(state='absent', left_file=left))
    assert told == ('/swapfile is another file than the one that was made here, and stays as it is, with its line in '
                    '/etc/fstab' if skipped else None)


SUSPENDED = dict(swap_file(GIB)['signature'], suspended=True)
RESUMES = [{'id': 'hibernation', 'where': '/etc', 'text': 'this host wakes up from it'}]
ACTION = {'layer': 'file', 'path': '/swapfile', 'action': 'grow'}


@pytest.mark.parametrize('state, wished, words', [
    (node(swap_file(GIB, signature=SUSPENDED)), {}, 'holds the image of a hibernated system'),
    (node(swap_file(GIB, signature=SUSPENDED)), {'override': ['hibernation']}, None),
    (node(swap_file(GIB), forbidden=RESUMES), {}, 'this host wakes up from it'),
    (node(swap_file(GIB), forbidden=RESUMES), {'override': ['hibernation']}, None),
    (node(forbidden=RESUMES), {}, None), (node(swap_file(GIB), forbidden=FORBIDS), {}, None),
])
@pytest.mark.parametrize('action, touches', [
    (ACTION, True), (dict(ACTION, layer='signature'), True), (dict(ACTION, layer='activation'), False),
    (dict(ACTION, action='protect'), False), (dict(ACTION, path='/other'), False),
    (dict(ACTION, path='/new', publish='/swapfile'), True), ({'layer': 'file', 'action': 'grow'}, False),
])
def test_a_file_to_wake_up_from_is_not_written_to(state, wished, words, action, touches):
    told = keeps_image(state, wish(**wished), [action])
    assert words in told if touches and words else told is None
    assert keeps_image(state, wish(**wished), []) is None
