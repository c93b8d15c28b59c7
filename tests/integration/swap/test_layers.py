# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever one layer has drifted to, one run brings it back, and says which it was."""

import os
import subprocess

import pytest

from conftest import MIB, run

PAGE = 4096
FSTAB = '# the table\n\nUUID=1-2 / ext4 defaults 0 1\n'


@pytest.fixture(scope='module')
def root(make_root):
    return make_root('ext4', megabytes=128)


@pytest.fixture
def swap(root):
    root.reset(FSTAB)
    assert root.converge(size='8M')['changed']
    return root.path / 'swapfile'


def off(root, swap):
    run('swapoff', swap)


def no_signature(root, swap):
    off(root, swap)
    with swap.open('r+b') as stream:
        stream.seek(PAGE - 10)
        stream.write(b'\0' * 10)


def open_to_all(root, swap):
    swap.chmod(0o644)


def anothers(root, swap):
    os.chown(str(swap), 12, 13)


def with_holes(root, swap):
    off(root, swap)
    run('fallocate', '--punch-hole', '--offset', 2 * MIB, '--length', MIB, swap)


def cut(root, swap):
    off(root, swap)
    os.truncate(str(swap), 5 * MIB)


def longer(root, swap):
    off(root, swap)
    os.truncate(str(swap), 9 * MIB)


def gone(root, swap):
    off(root, swap)
    swap.unlink()


def emptied(root, swap):
    off(root, swap)
    os.truncate(str(swap), 0)


def of_another_page_size(root, swap):
    off(root, swap)
    subprocess.run(['mkswap', '-p', '8192', str(swap)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def no_line(root, swap):
    root.fstab(FSTAB)


def no_fstab(root, swap):
    (root.path / 'etc/fstab').unlink()


def switched_off_in_fstab(root, swap):
    root.fstab(FSTAB + '/swapfile\tswap  swap sw,noauto,pri=4\n')


def twice_in_fstab(root, swap):
    root.fstab(root.fstab() + '/swapfile swap swap defaults 0 0 # again\n')


@pytest.mark.parametrize('drift, expected', [
    (off, ['activation on']),
    (no_signature, ['signature write', 'activation on']),
    (open_to_all, ['file protect']),
    (anothers, ['file protect']),
    (with_holes, ['file fill', 'signature write', 'activation on']),
    (cut, ['file grow', 'signature write', 'activation on']),
    (longer, ['file shrink', 'signature write', 'activation on']),
    (gone, ['file create', 'signature write', 'activation on']),
    (emptied, ['file grow', 'signature write', 'activation on']),
    (of_another_page_size, ['signature write', 'activation on']),
    (no_line, ['persistence add']),
    (no_fstab, ['persistence add']),
    (switched_off_in_fstab, ['persistence change']),
    (twice_in_fstab, ['persistence change']),
], ids=lambda value: getattr(value, '__name__', None))
def test_a_layer_that_drifted_is_named_and_repaired(root, swap, drift, expected):
    drift(root, swap)
    planned = root.converge(size='8M', check=True)
    assert ['%(layer)s %(action)s' % step for step in planned['actions']] == expected
    done = root.converge(size='8M')
    assert done['actions'] == planned['actions']
    assert root.converge(size='8M')['actions'] == []
    assert root.areas() == {'/swapfile': 8 * MIB - PAGE}
    assert [line.split()[0] for line in root.fstab().splitlines() if 'swap' in line] == ['/swapfile']


def test_check_mode_changes_nothing_and_plans_what_a_run_does(root):
    root.reset(FSTAB)
    before = root.tree()
    planned = root.converge(size='8M', check=True)
    assert root.tree() == before and root.areas() == {}
    done = root.converge(size='8M')
    assert done['actions'] == planned['actions'] and done['size_bytes'] == planned['size_bytes']
    assert done['after']['persistence'] == planned['after']['persistence']


def test_a_file_that_was_there_comes_back_as_it_was(root):
    root.reset(None)
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 8 * MIB)
    file.chmod(0o640)
    run('mkswap', file)
    fstab = '# no line feed at the end\n/swapfile\tnone swap  defaults,noauto'
    root.fstab(fstab)
    before = root.tree()
    assert root.converge(size='12M', priority=5)['changed']
    assert root.areas() == {'/swapfile': 12 * MIB - PAGE}
    assert root.converge(state='restored')['changed']
    assert root.tree() == before and root.areas() == {}


@pytest.mark.parametrize('fstab', [None, '', '# no line feed', '# one\n', '\n\n/dev/sda1 / ext4\n\n'], ids=repr)
@pytest.mark.parametrize('state', ['absent', 'restored'])
def test_fstab_is_the_same_to_the_byte_after_the_undo(root, fstab, state):
    root.reset(fstab)
    before = root.tree()
    assert root.converge(size='8M')['changed']
    assert root.converge('/a b', size='4M')['changed']
    assert '/a\\040b none swap' in root.fstab() and len(root.areas()) == 2
    assert root.converge('/a b', state=state)['changed']
    assert root.converge(state=state)['changed']
    assert root.tree() == before and root.areas() == {}
    assert not root.converge(state=state)['changed']


def link(root):
    (root.path / 'swapfile').symlink_to('/etc/fstab')


def dangling_link(root):
    (root.path / 'swapfile').symlink_to('/nowhere')


def hard_link(root):
    (root.path / 'one').write_bytes(b'')
    os.link(str(root.path / 'one'), str(root.path / 'swapfile'))


def directory(root):
    (root.path / 'swapfile').mkdir()


def device(root):
    os.mknod(str(root.path / 'swapfile'), 0o60600, os.makedev(7, 200))


def pipe(root):
    os.mkfifo(str(root.path / 'swapfile'))


def data(root):
    (root.path / 'swapfile').write_bytes(b'precious' * 4096)


def zeros(root):
    (root.path / 'swapfile').write_bytes(b'\0' * MIB)


@pytest.mark.parametrize('obstacle, words', [
    (link, 'symbolic link'), (dangling_link, 'symbolic link'), (hard_link, '2 hard links'), (directory, 'directory'),
    (device, 'block device'), (pipe, 'special file'), (data, 'not swap'), (zeros, 'not swap'),
], ids=lambda value: getattr(value, '__name__', None))
def test_what_is_no_swap_file_is_refused_and_left(root, obstacle, words):
    root.reset(FSTAB)
    obstacle(root)
    before = root.tree()
    for wish in ({'size': '8M'}, {'size': 'auto'}, {'state': 'absent'}):
        result = root.converge(**wish)
        assert words in result['error'] and '/swapfile' in result['error'] and '\n' not in result['error']
    assert root.tree() == before and root.areas() == {}


@pytest.mark.parametrize('path, mode, words', [
    ('/open/swapfile', 0o777, 'anybody may write to /open'),
    ('/open/swapfile', 0o1777, 'anybody may write to /open'),
    ('/open/safe/swapfile', 0o777, 'anybody may write to /open'),
    ('/open/safe/swapfile', 0o1777, None),
    ('/nowhere/swapfile', 0o755, 'does not exist'),
    ('swapfile', 0o755, 'not absolute'),
])
def test_a_path_where_others_could_put_another_file_is_refused(root, path, mode, words):
    root.reset(FSTAB)
    (root.path / 'open/safe').mkdir(parents=True)
    (root.path / 'open').chmod(mode)
    result = root.converge(path, size='8M', check=True)
    assert words in result['error'] if words else result['changed']


@pytest.mark.parametrize('size, words', [
    ('10', 'smallest'), ('-1', 'not a size'), ('much', 'not a size'), ('0', 'smallest'), ('1000T', 'bytes are needed'),
])
def test_a_size_that_cannot_be_is_refused(root, size, words):
    root.reset(FSTAB)
    before = root.tree()
    assert words in root.converge(size=size)['error']
    assert root.tree() == before


@pytest.mark.parametrize('files, path, name', [
    ({'/etc/dphys-swapfile': 'CONF_SWAPSIZE=100\n', '/sbin/dphys-swapfile': ''}, '/var/swap', 'dphys-swapfile'),
    ({'/etc/dphys-swapfile': 'CONF_SWAPFILE=/swapfile\n', '/sbin/dphys-swapfile': ''}, '/swapfile', 'dphys-swapfile'),
    ({'/etc/swapspace.conf': '#swappath="/x"\n'}, '/var/lib/swapspace/1', 'swapspace'),
    ({'/etc/cloud/cloud.cfg.d/9.cfg': 'swap:\n  filename: /swapfile\n  size: auto\n'}, '/swapfile', 'cloud-init'),
])
def test_a_file_that_another_program_manages_is_left_unless_asked(root, files, path, name):
    root.reset(FSTAB)
    (root.path / 'var/lib/swapspace').mkdir()
    for file, text in files.items():
        target = root.path / file.lstrip('/')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    result = root.converge(path, size='8M')
    assert name in result['skipped_reason'] and not result['changed']
    assert root.converge('/elsewhere', size='8M', check=True)['managers'][0]['name'] == name
    assert root.converge(path, size='8M', override=True)['changed']
    assert root.converge(path, state='restored')['changed']


def test_a_swap_unit_serves_as_persistence(root):
    root.reset(FSTAB)
    units = root.path / 'etc/systemd/system'
    units.mkdir(parents=True)
    (units / 'swapfile.swap').write_text('[Swap]\nWhat=/swapfile\n')
    result = root.converge(size='8M')
    assert result['after']['persistence'] == {'by': 'systemd', 'lines': ['/etc/systemd/system/swapfile.swap']}
    assert root.fstab() == FSTAB
