# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node.swap_areas import parse_swaps
from ansible_collections.oom.rescue.plugins.module_utils._swap import facts as swap_state
from fake_sysctl_node import SysctlNode


@pytest.mark.parametrize('label, wanted', [
    ('unconfined_u:object_r:etc_runtime_t:s0', 'unconfined_u:object_r:swapfile_t:s0'),
    ('system_u:object_r:default_t:s0:c1,c2', 'system_u:object_r:swapfile_t:s0:c1,c2'),
    ('system_u:object_r:swapfile_t:s0', None), ('', None), (None, None), ('odd', None),
])
def test_wanted_label(label, wanted):
    assert swap_state.wanted_label(label) == wanted


@pytest.mark.parametrize('unit, loaded, behind', [
    (None, None, False), (None, 5, True), (None, 15, False), (5, 15, True), (15, 5, False),
])
def test_systemd_is_behind_where_fstab_is_newer_than_what_it_made_of_it(tmpdir, unit, loaded, behind):
    for name, time in (('etc/fstab', 10), ('run/systemd/generator/swapfile.swap', unit),
                       ('run/systemd/systemd-units-load', loaded)):
        if time is not None:
            tmpdir.join(name).write('/swapfile none swap sw 0 0\n', ensure=True)
            os.utime(str(tmpdir.join(name)), (time, time))
    found = swap_state._persistence(Host(root=str(tmpdir)), ['/swapfile'], [])
    assert found['systemd_behind'] is behind


def test_a_file_of_the_same_name_in_another_place_is_not_active(tmpdir):
    # As a container sees the host's /swapfile in /proc/swaps.
    tmpdir.join('swapfile').write('x' * 4096)
    areas = parse_swaps('Filename Type Size Used Priority\n/swapfile file 4 0 -2\n')
    facts = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', areas)
    assert facts['kind'] == 'file' and facts['area'] is None


@pytest.mark.parametrize('flags, kept', [(0, True), (0x80000, True), (0x10, False), (0x20, False), (0x80030, False)])
def test_a_file_that_nobody_may_open_for_writing_is_turned_on_by_no_boot(tmpdir, monkeypatch, flags, kept):
    tmpdir.join('etc', 'fstab').write('/swapfile none swap sw 0 0\n', ensure=True)
    tmpdir.join('swapfile').write('x' * 4096)
    monkeypatch.setattr(swap_state.syscalls, '_flags', lambda descriptor: flags)
    found = swap_state.at_boot(Host(root=str(tmpdir)), '/swapfile', managers=[])
    assert (found['kept'], found['by'], found['why'] is None) == (kept, 'fstab', kept)


@pytest.mark.parametrize('ask', [
    lambda root: swap_state.at_boot(Host(root=root), '/swapfile', managers=[]),
    lambda root: swap_state.file_facts(Host(root=root), '/swapfile', []),
    swap_state.syscalls.sync_filesystem,
], ids=['at boot', 'a file', 'its filesystem'])
def test_no_file_stays_open_that_was_asked_about(tmpdir, ask):
    tmpdir.join('etc', 'fstab').write('/swapfile none swap sw 0 0\n', ensure=True)
    tmpdir.join('swapfile').write('x' * 4096)
    ask(str(tmpdir))
    before = os.listdir('/proc/self/fd')
    ask(str(tmpdir))
    assert len(os.listdir('/proc/self/fd')) == len(before)


def test_the_links_above_a_file_are_followed_and_its_own_name_is_kept(tmpdir):
    tmpdir.join('real', 'swap').write('', ensure=True)
    tmpdir.join('link').mksymlinkto('real')
    tmpdir.join('real', 'last').mksymlinkto('swap')
    root = os.path.realpath(str(tmpdir))
    assert swap_state.real_path(Host(), root + '/link/swap') == root + '/real/swap'
    assert swap_state.real_path(Host(), root + '/real/last') == root + '/real/last'


@pytest.mark.parametrize('text, exposed', [
    ('/swapfile none swap sw 0 0\n', '2 hard links'), ('/other none swap sw 0 0\n', None),
    ('/link none swap sw 0 0\n', '2 hard links'), ('/other /mnt ext4 loop 0 0\n', '2 hard links'),
    ('/swapfile none swap sw 0 0\n/other none swap noauto 0 0\n', None), ('', '2 hard links'),
])
def test_a_second_name_exposes_a_file_unless_root_s_fstab_has_it(tmpdir, text, exposed):
    tmpdir.join('etc', 'fstab').write(text, ensure=True)
    tmpdir.join('swapfile').write('x' * 4096)
    tmpdir.join('swapfile').chmod(0o600)
    os.link(str(tmpdir.join('swapfile')), str(tmpdir.join('other')))
    os.symlink('swapfile', str(tmpdir.join('link')))
    assert swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [])['exposed'] == exposed


@pytest.mark.parametrize('path, files, links, expected', [
    ('/swapfile', {'/etc/fstab': '/swapfile none swap sw 0 0\n'}, {}, 'fstab'),
    ('/swapfile', {'/etc/fstab': '/swapfile none swap noauto 0 0\n'}, {}, None),
    ('/swapfile', {'/etc/fstab': '#/swapfile none swap sw 0 0\n'}, {}, None),
    ('/swap file', {'/etc/fstab': '/swap\\040file none swap sw 0 0\n'}, {}, 'fstab'),
    ('/dev/vda2', {'/etc/fstab': 'UUID=1-2 none swap sw 0 0\n'}, {'/dev/disk/by-uuid/1-2': '../../vda2'}, 'fstab'),
    ('/dev/dm-1', {'/etc/fstab': '/dev/mapper/swap none swap sw 0 0\n'}, {'/dev/mapper/swap': '../dm-1'}, 'fstab'),
    ('/dev/vda2', {'/etc/fstab': 'UUID=1-2 none swap sw 0 0\n'}, {'/dev/disk/by-uuid/1-2': '../../vda3'}, None),
    ('/swapfile', {'/etc/systemd/system/swapfile.swap': '[Swap]\nWhat=/swapfile\n',
                   '/etc/systemd/system/swap.target.wants/swapfile.swap': ''}, {}, 'systemd'),
    ('/dev/zram0', {'/run/systemd/generator/dev-zram0.swap': '[Swap]\nWhat=/dev/zram0\n'}, {}, 'generator'),
    ('/swapfile', {'/etc/fstab': '/swapfile none swap sw 0 0\n',
                   '/run/systemd/generator/swapfile.swap': '[Swap]\nWhat=/swapfile\n'}, {}, 'fstab'),
    ('/var/swap', {'/sbin/dphys-swapfile': ''}, {}, 'dphys-swapfile'),
    ('/swapfile', {}, {}, None),
], ids=repr)
def test_what_turns_an_area_on_at_boot(tmp_path, path, files, links, expected):
    node = SysctlNode(tmp_path)
    for name, text in files.items():
        node.file(name, text)
    for name, target in links.items():
        node.link(name, target)
    assert swap_state.at_boot(node.host, path)['by'] == expected


class Kernel:
    """What the kernel and the filesystem say of files: their extents, flags, labels."""

    def __init__(self, **said):
        self.said = dict({'extents': None, 'is_nocow': None, 'get_xattr': None}, **said)

    def __getattr__(self, name):
        return lambda *_arguments: self.said[name]


@pytest.mark.parametrize('extents, hole_bytes, flaws', [
    ((4096, []), 0, []), ((1000, ['shared']), 3096, ['shared']), (None, 0, [])])
def test_the_blocks_of_a_file(tmpdir, extents, hole_bytes, flaws):
    tmpdir.join('swapfile').write('x' * 4096)
    found = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [], Kernel(extents=extents))
    assert (found['size_bytes'], found['hole_bytes'], found['flaws']) == (4096, hole_bytes, flaws)
    # stat(2): whatever the filesystem's blocks are, these are of 512 bytes.
    assert found['allocated_bytes'] == os.stat(str(tmpdir.join('swapfile'))).st_blocks * 512


def test_a_file_with_holes_on_a_filesystem_that_does_not_tell_of_them(tmpdir):
    with open(str(tmpdir.join('swapfile')), 'wb') as stream:
        stream.truncate(1 << 20)
    found = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [], Kernel())
    assert found['hole_bytes'] == (1 << 20) - found['allocated_bytes'] > 0


@pytest.mark.parametrize('value, label', [
    (b'system_u:object_r:swapfile_t:s0\0', 'system_u:object_r:swapfile_t:s0'), (b'a:b:c', 'a:b:c'), (b'', None),
    (None, None), (b'a\xff', u'a\ufffd')])
def test_the_label_of_a_file(tmpdir, value, label):
    tmpdir.join('swapfile').write('x')
    assert swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [], Kernel(get_xattr=value))['label'] == label


@pytest.mark.parametrize('make, kind', [
    (os.mkdir, 'directory'), (lambda path: os.symlink('x', path), 'symbolic link'),
    (os.mkfifo, 'special file'), (lambda path: None, 'missing')])
def test_what_is_no_file_is_not_opened(tmpdir, make, kind):
    make(str(tmpdir.join('swapfile')))
    found = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [], None)
    assert (found['kind'], found['signature'], found['area']) == (kind, None, None)
    assert 'hole_bytes' not in found


def test_a_directory_that_is_none_has_no_file(tmpdir):
    tmpdir.join('x').write('')
    assert swap_state.file_facts(Host(root=str(tmpdir)), '/x/swapfile', [])['kind'] == 'missing'


@pytest.mark.parametrize('mode, links, exposed', [
    (0o600, 1, None), (0o700, 1, None), (0o640, 1, 'mode 0640'), (0o604, 1, 'mode 0604'), (0o610, 1, 'mode 0610'),
    (0o600, 2, '2 hard links'), (0o644, 3, 'mode 0644')])
def test_how_others_can_read_a_file(tmpdir, mode, links, exposed):
    path = tmpdir.join('swapfile')
    path.write('x')
    for number in range(1, links):
        os.link(str(path), str(tmpdir.join('link%d' % number)))
    os.chmod(str(path), mode)
    found = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', [], Kernel())
    assert (found['exposed'], found['mode'], found['links']) == (exposed, '%04o' % mode, links)


def area(path, size, kind='file', deleted=False):
    return {'path': path, 'type': kind, 'size_bytes': size, 'deleted': deleted}


SIGNED = {'signature': {'size_bytes': 9 * 4096, 'page_size_bytes': 4096}}
UNSIGNED = {'signature': None}


@pytest.mark.parametrize('facts, areas, in_use, expected', [
    (SIGNED, [area('/swapfile', 5)], True, 0), (SIGNED, [area('/swapfile', 5)], False, None),
    # A file that cannot be asked is what its name says.
    (SIGNED, [area('/swapfile', 5)], None, 0), (SIGNED, [area('/other', 5)], None, None),
    # By another name, as through a bind mount, its size tells which it is.
    (SIGNED, [area('/a', 5), area('/b', 8 * 4096), area('/c', 5)], True, 1), (SIGNED, [area('/a', 5)], True, 0),
    (SIGNED, [area('/a', 8 * 4096), area('/swapfile', 5)], True, 1),
    (SIGNED, [area('/swapfile', 5, deleted=True)], True, 0), (SIGNED, [area('/swapfile', 5, deleted=True)], None, None),
    (SIGNED, [area('/swapfile', 5, 'partition')], True, None), (SIGNED, [], True, None),
    # Without a signature and a name it is not even asked.
    (UNSIGNED, [area('/a', 5)], True, None), (UNSIGNED, [area('/swapfile', 5)], True, 0),
])
def test_which_area_a_file_is(monkeypatch, facts, areas, in_use, expected):
    monkeypatch.setattr(swap_state, 'in_use', lambda path: in_use)
    found = swap_state._area(Host(root='/nowhere'), '/swapfile', facts, areas)
    assert found is (None if expected is None else areas[expected])


def test_a_file_that_cannot_be_opened_cannot_be_asked_whether_it_is_in_use(tmpdir):
    os.symlink('x', str(tmpdir.join('link')))
    tmpdir.join('file').write('x')
    assert [swap_state.in_use(str(tmpdir.join(name))) for name in ('link', 'none')] == [None, None]
    assert not swap_state.in_use(str(tmpdir.join('file')))


@pytest.mark.parametrize('one, other, same', [
    ('/a', '/a', True), ('/a', '/b', False), ('/link', '/a', True), ('UUID=1', '/a', False), ('/none', '/none', False),
    ('/a', '/none', False)])
def test_two_names_of_one_file(tmpdir, one, other, same):
    tmpdir.join('a').write('')
    tmpdir.join('b').write('')
    os.link(str(tmpdir.join('a')), str(tmpdir.join('link')))
    assert swap_state._same_file(Host(root=str(tmpdir)), one, other) is same


def state_of(**changes):
    file = {'kind': 'file', 'size_bytes': 9, 'allocated_bytes': 8, 'hole_bytes': 1, 'mode': '0600', 'uid': 0, 'gid': 0,
            'links': 1, 'signature': {'version': 1, 'size_bytes': 9, 'page_size_bytes': 4, 'uuid': 'u'},
            'area': {'size_bytes': 5, 'used_bytes': 2, 'priority': -2, 'path': '/s'}}
    persistence = {'entries': [{'raw': 'line'}], 'unit': '/u'}
    return {'file': dict(file, **changes.get('file', {})),
            'persistence': dict(persistence, **changes.get('persistence', {}))}


@pytest.mark.parametrize('changes, layer, expected', [
    ({}, 'file', {'kind': 'file', 'size_bytes': 9, 'allocated_bytes': 8, 'hole_bytes': 1, 'mode': '0600', 'uid': 0,
                  'gid': 0, 'links': 1}),
    ({'file': {'kind': 'missing'}}, 'file', None),
    ({}, 'signature', {'version': 1, 'size_bytes': 9, 'page_size_bytes': 4}),
    ({'file': {'signature': None}}, 'signature', None),
    ({}, 'activation', {'size_bytes': 5, 'used_bytes': 2, 'priority': -2}),
    ({'file': {'area': None}}, 'activation', None),
    ({}, 'persistence', {'by': 'fstab', 'lines': ['line']}),
    ({'persistence': {'entries': []}}, 'persistence', {'by': 'systemd', 'lines': ['/u']}),
    ({'persistence': {'entries': [], 'unit': None}}, 'persistence', None),
])
def test_the_four_layers_as_they_are_returned(changes, layer, expected):
    assert swap_state.summary(state_of(**changes))[layer] == expected


class Boot:

    def __init__(self, by):
        self.by = by

    def swap(self, path):
        return {'kept': bool(self.by), 'why': 'x', 'would_tell': None, 'by': self.by}


ZRAM = {'name': 'zram-generator', 'config': '/z', 'path': None}
DPHYS = {'name': 'dphys-swapfile', 'config': '/d', 'path': '/var/swap'}


@pytest.mark.parametrize('path, by, managers, expected', [
    ('/swap', 'fstab', [DPHYS], 'fstab'), ('/swap', None, [DPHYS], None), ('/var/swap', 'fstab', [DPHYS], 'fstab'),
    ('/var/swap', None, [DPHYS], 'dphys-swapfile'), ('/dev/zram0', None, [DPHYS, ZRAM], 'zram-generator'),
    ('/dev/zram0', None, [DPHYS], None), ('/swap', None, [ZRAM], None),
])
def test_another_manager_may_turn_an_area_on_at_boot(tmpdir, path, by, managers, expected):
    found = swap_state.at_boot(Host(root=str(tmpdir)), path, Boot(by), managers)
    assert (found['by'], found['kept']) == (expected, bool(expected))
    assert found['why'] == (None if by is None and expected else 'x')


@pytest.mark.parametrize('deleted, there, expected', [(True, True, False), (True, False, False), (False, False, None),
                                                      (False, True, True)])
def test_whether_an_area_is_on_after_a_boot(tmpdir, deleted, there, expected):
    if there:
        tmpdir.join('swap').write('')
    found = swap_state._kept(Host(root=str(tmpdir)), area('/swap', 5, deleted=deleted), Boot('fstab'), [])
    assert found is expected


@pytest.mark.parametrize('filesystem, there, synced', [('btrfs', False, True), ('btrfs', True, False),
                                                       ('ext4', False, False)])
def test_btrfs_is_synced_before_its_free_space_counts_for_a_new_file(tmpdir, filesystem, there, synced):
    paths = []
    kernel = Kernel(swapon_refusal=None)
    kernel.sync_filesystem = paths.append
    for path, text in (('proc/meminfo', 'MemTotal: 1000000 kB\n'), ('proc/swaps', ''),
                       ('proc/self/mountinfo', '1 0 0:9 / / rw - %s /dev/sda1 rw\n' % filesystem)):
        tmpdir.join(path).write(text, ensure=True)
    if there:
        tmpdir.join('swapfile').write('x')
    swap_state.read_facts(Host(root=str(tmpdir)), '/swapfile', kernel, lifted=['btrfs-snapshots'])
    assert [path.rstrip('/') for path in paths] == ([str(tmpdir)] if synced else [])


@pytest.mark.parametrize('text, lines', [
    ('/swapfile none swap sw 0 0\n', [1]), ('/real/swapfile none swap sw 0 0\n', [1]),
    ('/dev/vdb none swap sw 0 0\n/real/swapfile none swap sw 0 0\n/swapfile none swap sw 0 0\n', [2, 3]),
    ('/hard none swap sw 0 0\n', [1]), ('/other none swap sw 0 0\n', []),
    ('/swapfile /mnt ext4 loop 0 0\n', []), ('', []),
], ids=['as named', 'as it is', 'both', 'another name of it', 'another file', 'no swap', 'none'])
def test_a_line_of_fstab_is_the_files_by_whatever_name(tmpdir, text, lines):
    tmpdir.join('etc', 'fstab').write(text, ensure=True)
    tmpdir.join('real', 'swapfile').write('x', ensure=True)
    tmpdir.join('other').write('x')
    os.link(str(tmpdir.join('real', 'swapfile')), str(tmpdir.join('hard')))
    found = swap_state._persistence(Host(root=str(tmpdir)), ['/swapfile', '/real/swapfile'], [])
    raw = text.splitlines()
    assert [entry['raw'] for entry in found['entries']] == [raw[number - 1] for number in lines]
    assert found['paths'][:2] == ['/real/swapfile', '/swapfile']
    # A unit of its own has the name of the file as it is.
    assert found['own_unit']['name'] == 'real-swapfile.swap'
