# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever one layer has drifted to, one run brings it back, and says which it was."""

import itertools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

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


def steps(result):
    return ['%(layer)s %(action)s' % step for step in result['actions']]


def actions(result):
    """Its actions without how much swap is in use: the kernel may swap out between two looks."""
    return [dict(step, detail=re.sub(', [^,]* of it in use', '', step['detail'])) for step in result['actions']]


def off(root, swap):
    if root.areas():
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


def closed_to_reading(root, swap):
    swap.chmod(0o700)


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


HELPER = ['file create', 'signature write', 'activation on']
ANEW = HELPER + ['activation off', 'file create', 'signature write', 'activation on', 'activation off', 'file remove']


@pytest.mark.parametrize('drift, expected', [
    (off, ['activation on']),
    (no_signature, ['signature write', 'activation on']),
    (open_to_all, ANEW),
    (anothers, ANEW),
    (closed_to_reading, ['file protect']),
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
    assert steps(planned) == expected
    done = root.converge(size='8M')
    assert actions(done) == actions(planned)
    assert root.converge(size='8M')['actions'] == []
    assert root.areas() == {'/swapfile': 8 * MIB - PAGE}
    assert [line.split()[0] for line in root.fstab().splitlines() if 'swap' in line] == ['/swapfile']


LAYERS = [[open_to_all, with_holes, cut, gone], [no_signature, of_another_page_size], [off],
          [no_line, switched_off_in_fstab]]
PAIRS = [(one, other) for first, second in itertools.combinations(LAYERS, 2) for one in first for other in second]


@pytest.mark.parametrize('one, other', PAIRS, ids=lambda drift: drift.__name__)
def test_two_layers_that_drifted_together_are_repaired_as_planned(root, swap, one, other):
    made = root.tree()['/swapfile']
    other(root, swap)
    one(root, swap)
    planned = root.converge(size='8M', check=True)
    assert actions(root.converge(size='8M')) == actions(planned) != []
    assert root.converge(size='8M')['actions'] == []
    assert root.areas() == {'/swapfile': 8 * MIB - PAGE} and root.tree()['/swapfile'] == made
    assert [line.split()[0] for line in root.fstab().splitlines() if 'swap' in line] == ['/swapfile']


def test_check_mode_changes_nothing_and_plans_what_a_run_does(root):
    root.reset(FSTAB)
    before = root.tree()
    planned = root.converge(size='8M', check=True)
    assert root.tree() == before and root.areas() == {}
    done = root.converge(size='8M')
    assert actions(done) == actions(planned) and done['size_bytes'] == planned['size_bytes']
    assert done['after']['persistence'] == planned['after']['persistence']


def test_a_file_that_was_there_comes_back_as_it_was(root):
    root.reset(None)
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 8 * MIB)
    file.chmod(0o700)
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


def hard_link_to_data(root):
    data(root)
    os.link(str(root.path / 'swapfile'), str(root.path / 'one'))


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
    (link, 'symbolic link'), (dangling_link, 'symbolic link'), (hard_link_to_data, 'not swap'),
    (directory, 'directory'), (device, 'block device'), (pipe, 'special file'), (data, 'not swap'), (zeros, 'not swap'),
], ids=lambda value: getattr(value, '__name__', None))
def test_what_is_no_swap_file_is_refused_and_left(root, obstacle, words):
    root.reset(FSTAB)
    obstacle(root)
    before = root.tree()
    for wish in ({'size': '8M'}, {'size': 'auto'}, {'state': 'absent'}):
        result = root.converge(**wish)
        assert words in result['error'] and '/swapfile' in result['error'] and '\n' not in result['error']
    assert root.tree() == before and root.areas() == {}


@pytest.mark.parametrize('path, mode, owner, words', [
    ('/open/swapfile', 0o777, (0, 0), 'anybody may write to /open,'),
    ('/open/swapfile', 0o1777, (0, 0), 'anybody may write to /open,'),
    ('/open/safe/swapfile', 0o777, (0, 0), 'anybody may write to /open,'),
    ('/open/safe/swapfile', 0o1777, (0, 0), None),
    ('/open/safe/swapfile', 0o755, (12, 0), 'the user 12 owns /open,'),
    ('/open/safe/swapfile', 0o1777, (12, 0), 'the user 12 owns /open,'),
    ('/open/swapfile', 0o775, (0, 13), 'the group 13 may write to /open,'),
    ('/open/swapfile', 0o755, (0, 13), None),
    ('/link/swapfile', 0o1777, (0, 0), 'anybody may write to /open,'),
    ('/nowhere/swapfile', 0o755, (0, 0), 'does not exist'),
    ('swapfile', 0o755, (0, 0), 'not absolute'),
])
def test_a_path_where_others_could_put_another_file_is_refused(root, path, mode, owner, words):
    root.reset(FSTAB)
    (root.path / 'open/safe').mkdir(parents=True)
    (root.path / 'link').symlink_to('open')
    (root.path / 'open').chmod(mode)
    os.chown(str(root.path / 'open'), *owner)
    result = root.converge(path, size='8M', check=True)
    assert words in result['error'] if words else result['changed']


def test_fstab_names_the_file_itself_where_its_directory_is_a_link(root):
    root.reset(FSTAB)
    (root.path / 'data').mkdir()
    (root.path / 'link').symlink_to('data')
    assert root.converge('/link/swapfile', size='8M')['changed']
    assert root.fstab() == FSTAB + '/data/swapfile none swap sw,nofail 0 0\n'
    for path in ('/link/swapfile', '/data/swapfile'):
        assert root.converge(path, size='8M')['actions'] == []


@pytest.mark.parametrize('text', [
    FSTAB + '# no line feed', FSTAB.replace('\n', '\r\n'), 'LABEL=a none swap sw\nUUID=1-2 none swap sw 0 0\n',
    FSTAB + '/swap\\040file\tnone swap\tsw 0\n', '/swap\\040file none swap sw,nofail,discard 0 0 # mine\n',
], ids=repr)
def test_an_fstab_behind_a_link_keeps_all_its_bytes_and_stays_behind_it(root, text):
    root.reset(None)
    (root.path / 'etc/shared').mkdir()
    file = root.path / 'etc/shared/fstab'
    file.write_bytes(text.encode())
    file.chmod(0o640)
    (root.path / 'etc/fstab').symlink_to('shared/fstab')
    for wish in ({'size': '8M'}, {'size': '8M', 'priority': 3}):
        assert root.converge('/swap file', **wish)['changed']
        assert root.converge('/swap file', **wish)['actions'] == []
        lines = file.read_bytes().decode().split('\n')
        assert len([line for line in lines if line.startswith('/swap\\040file')]) == 1
        assert set(line for line in text.split('\n') if not line.startswith('/swap\\')) <= set(lines)
        assert (root.path / 'etc/fstab').is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert root.converge('/swap file', state='restored')['changed']
    assert file.read_bytes() == text.encode() and root.areas() == {}


def test_a_new_size_keeps_uuid_and_label_of_the_signature(root, swap):
    off(root, swap)
    run('mkswap', '--label', 'mine', '--uuid', '01234567-89ab-cdef-0123-456789abcdef', swap)
    assert root.converge(size='12M')['changed']
    assert run('blkid', '-p', '-s', 'LABEL', '-s', 'UUID', '-o', 'export', swap).split() == [
        'DEVNAME=%s' % swap, 'LABEL=mine', 'UUID=01234567-89ab-cdef-0123-456789abcdef']


@pytest.mark.parametrize('text', [b'precious' * 4096, b'\0' * 1000 + b'precious' * 4096])
def test_a_file_that_took_the_place_of_ours_is_not_taken_for_it(root, swap, text):
    off(root, swap)
    swap.unlink()
    swap.write_bytes(text)
    root.fstab(FSTAB)
    for wish in ({'size': '8M'}, {'state': 'absent'}):
        assert 'not swap' in root.converge(**wish)['error']
    assert swap.read_bytes() == text


def test_a_file_that_others_run_or_write_is_looked_at_without_touching_it(root, swap):
    def written():
        # Reading changes when a file was read last.
        stat = program.stat()
        return stat.st_ino, stat.st_mode, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    program = root.path / 'program'
    program.write_bytes(pathlib.Path('/bin/sleep').read_bytes())
    program.chmod(0o700)
    with subprocess.Popen([str(program), '60']) as running:
        try:
            before = written()
            assert 'not swap' in root.converge('/program', state='absent')['error']
            assert written() == before
        finally:
            running.kill()


@pytest.mark.parametrize('kernel', ['3.10.0-957.el7.x86_64', '6.1.0'])
def test_an_active_file_is_known_by_what_old_and_new_kernels_refuse(root, swap, kernel):
    program = """
import platform, os, runpy, sys
runpy.run_path(%r)
from ansible_collections.oom.rescue.plugins.module_utils._swap import syscalls
platform.release = lambda: %r
print(syscalls.is_swap(os.open(sys.argv[1], os.O_WRONLY)))
""" % (str(pathlib.Path(__file__).parents[2] / 'unit/conftest.py'), kernel)
    assert run(sys.executable, '-c', program, swap) == 'True\n'
    off(root, swap)
    assert run(sys.executable, '-c', program, swap) == 'False\n'
    assert swap.stat().st_size == 8 * MIB


def test_a_file_with_two_names_is_known_as_active_by_either(root, swap):
    (root.path / 'data').mkdir()
    run('mount', '--bind', root.path, root.path / 'data')
    try:
        before = swap.stat()
        found = root.converge('/data/swapfile', size='8M', check=True)
        assert found['before']['activation']['size_bytes'] == 8 * MIB - PAGE
        off(root, swap)
        with (root.path / 'other').open('wb') as stream:
            stream.write(b'\0' * 4 * MIB)
        run('mkswap', root.path / 'other')
        run('swapon', root.path / 'other')
        assert root.converge('/data/swapfile', size='8M', check=True)['before']['activation'] is None
        assert swap.stat().st_mtime_ns == before.st_mtime_ns
    finally:
        run('umount', root.path / 'data')


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
    ({'/etc/swapspace.conf': '#swappath="/x"\n', '/sbin/swapspace': ''}, '/var/lib/swapspace/1', 'swapspace'),
    ({'/etc/cloud/cloud.cfg.d/9.cfg': 'swap:\n  filename: /swapfile\n  size: auto\n'}, '/swapfile', 'cloud-init'),
])
def test_a_file_that_another_program_manages_is_left_unless_asked(root, files, path, name):
    root.reset(FSTAB)
    (root.path / 'var/lib/swapspace').mkdir()
    for file, text in files.items():
        target = root.path / file.lstrip('/')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for wish in ({'size': '8M'}, {'state': 'absent'}):
        result = root.converge(path, **wish)
        assert name in result['skipped_reason'] and not result['changed']
    assert root.converge('/elsewhere', size='8M', check=True)['managers'][0]['name'] == name
    assert root.converge(path, size='8M', override=[name])['changed']
    assert root.converge(path, state='restored')['changed']


@pytest.mark.parametrize('package, name, path', [
    ('systemd-zram-generator', 'zram-generator', None),
    ('zram-tools', 'zram-tools', None),
    ('dphys-swapfile', 'dphys-swapfile', '/var/swap'),
    ('swapspace', 'swapspace', '/var/lib/swapspace/'),
])
def test_what_debian_packages_to_manage_swap_is_recognised(root, tmp_path, package, name, path):
    root.reset(FSTAB)
    subprocess.run(['apt-get', 'download', '-qq', package], cwd=str(tmp_path), check=True)
    (archive,) = tmp_path.glob('*.deb')
    subprocess.run(['dpkg-deb', '-x', str(archive), str(root.path)], check=True)
    (manager,) = root.converge('/elsewhere', size='8M', check=True)['managers']
    assert (manager['name'], manager['path']) == (name, path)
    assert (root.path / manager['config'].lstrip('/')).exists()


def test_a_swap_unit_serves_as_persistence(root):
    root.reset(FSTAB)
    units = root.path / 'etc/systemd/system'
    units.mkdir(parents=True)
    (units / 'swapfile.swap').write_text('[Swap]\nWhat=/swapfile\n')
    assert 'persistence add' in steps(root.converge(size='8M', check=True))
    (units / 'swap.target.wants').mkdir()
    (units / 'swap.target.wants/swapfile.swap').symlink_to('../swapfile.swap')
    result = root.converge(size='8M')
    assert result['after']['persistence'] == {'by': 'systemd', 'lines': ['/etc/systemd/system/swapfile.swap']}
    assert root.fstab() == FSTAB


SECRET = b'swapped out of a process of root'


def read_by_all(file):
    file.chmod(0o644)


def read_by_a_group(file):
    os.chown(str(file), 0, 100)
    file.chmod(0o640)


def written_by_all(file):
    file.chmod(0o602)


def owned(file):
    os.chown(str(file), 65534, 0)


def give_acl(file, bits, kind='access'):
    """As setfacl -m u:65534:BITS does: a POSIX ACL, which Linux keeps in an attribute."""
    nobody = 0xffffffff
    entries = ((1, 7, nobody), (2, bits, 65534), (4, 0, nobody), (16, bits, nobody), (32, 0, nobody))
    value = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
    os.setxattr(str(file), 'system.posix_acl_' + kind, value)


def with_an_acl(file):
    give_acl(file, 4)


def with_an_acl_under_its_mask(file):
    give_acl(file, 4)
    file.chmod(0o600)


def with_another_name(file):
    os.link(str(file), str(file.parent / 'theirs'))


@pytest.mark.parametrize('active', [True, False], ids=['active', 'inactive'])
@pytest.mark.parametrize('expose', [
    read_by_all, read_by_a_group, written_by_all, owned, with_an_acl, with_an_acl_under_its_mask, with_another_name,
], ids=lambda value: value.__name__)
def test_who_opened_a_file_that_others_could_read_reads_nothing_of_what_is_swapped_out(root, expose, active):
    root.reset(FSTAB)
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 8 * MIB)
    file.chmod(0o600)
    run('mkswap', '-L', 'theirs', file)
    uuid = file.read_bytes()[1036:1052]
    with file.open('r+b') as stream:
        stream.seek(MIB)
        stream.write(SECRET)
    expose(file)
    if active:
        run('swapon', file)
    with file.open('rb') as theirs:
        assert root.converge(size='8M')['changed']
        theirs.seek(0)
        assert theirs.read() == b''
        assert os.fstat(theirs.fileno()).st_ino != file.stat().st_ino
        assert root.areas() == {'/swapfile': 8 * MIB - PAGE}
        status = file.stat()
        assert (status.st_mode & 0o7777, status.st_uid, status.st_gid, status.st_nlink) == (0o600, 0, 0, 1)
        assert 'system.posix_acl_access' not in os.listxattr(str(file))
        assert file.read_bytes()[1036:1052] == uuid, 'fstab may name it by its UUID'
        assert not root.converge(size='8M')['changed']
        undone = root.converge(state='restored')
        assert 'error' not in undone
        assert file.stat().st_mode & 0o077 == 0 and file.stat().st_uid == 0
        theirs.seek(0)
        assert theirs.read() == b''
    assert root.areas() == ({'/swapfile': 8 * MIB - PAGE} if active else {})
    assert not root.converge(state='restored')['changed']


def test_an_undo_says_that_what_was_swap_stays_root_s(root):
    root.reset(FSTAB)
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 8 * MIB)
    run('mkswap', file)
    file.chmod(0o644)
    root.converge(size='12M')
    warnings = root.converge(state='restored')['warnings']
    assert len(warnings) == 1 and '0644' in warnings[0] and 'stays root' in warnings[0]


def test_a_new_file_has_no_owner_group_or_acl_of_its_directory(root):
    root.reset(FSTAB)
    place = root.path / 'place'
    place.mkdir()
    os.chown(str(place), 0, 0)
    place.chmod(0o2755)
    give_acl(place, 6, 'default')
    assert root.converge('/place/swapfile', size='8M')['changed']
    status = (place / 'swapfile').stat()
    assert (status.st_mode & 0o7777, status.st_gid) == (0o600, 0)
    assert os.listxattr(str(place / 'swapfile')) == []
    assert not root.converge('/place/swapfile', size='8M')['changed']


def test_a_user_who_may_write_to_the_directory_by_an_acl_is_named(root):
    root.reset(FSTAB)
    place = root.path / 'place'
    place.mkdir()
    give_acl(place, 7)
    error = root.converge('/place/swapfile', size='8M')['error']
    assert 'by its ACL the user 65534 may write to /place' in error


def test_no_user_holds_a_run_off(root):
    """Anybody can open a directory that he may read, and flock it."""
    root.reset(FSTAB)
    hold = ('import fcntl, os, sys, time\n'
            'for place in sys.argv[1:]: fcntl.flock(os.open(place, os.O_RDONLY), fcntl.LOCK_EX)\n'
            'print("held", flush=True)\ntime.sleep(60)\n')
    places = [str(root.path), str(root.path / 'etc'), str(root.path / 'var/lib')]
    holder = subprocess.Popen([sys.executable, '-c', hold] + places, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b'held\n'
        assert root.converge(size='8M')['changed']
    finally:
        holder.kill()
        holder.communicate()


def test_an_fstab_that_cannot_be_changed_is_found_before_the_swap_is(root):
    root.reset(FSTAB)
    fstab = root.path / 'etc/fstab'
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 8 * MIB)
    file.chmod(0o600)
    run('mkswap', file)
    run('swapon', '-p', '3', file)
    before = root.tree(), root.areas()
    run('chattr', '+i', fstab)
    try:
        result = root.converge(size='12M', priority=7)
    finally:
        run('chattr', '-i', fstab)
    assert '/etc/fstab' in result['error'] and 'not permitted' in result['error']
    assert (root.tree(), root.areas()) == before


def test_an_fstab_that_is_a_mount_point_is_written_in_place(root):
    root.reset(FSTAB)
    fstab = root.path / 'etc/fstab'
    outside = root.path / 'outside'
    outside.write_text(FSTAB)
    outside.chmod(0o640)
    run('mount', '--bind', outside, fstab)
    try:
        assert root.converge(size='8M')['changed']
        assert outside.read_text() == root.fstab() == FSTAB + '/swapfile none swap sw,nofail 0 0\n'
        assert outside.stat().st_mode & 0o777 == 0o640
        assert root.converge(state='restored')['changed']
        assert outside.read_text() == FSTAB and root.areas() == {}
    finally:
        run('umount', fstab)
    assert not (root.path / 'var/lib/oom-rescue').exists()


@pytest.mark.parametrize('wishes, ends', [
    ([{'size': '8M'}] * 4, ['made']),
    ([{'size': '8M'}, {'size': '12M'}] * 2, ['made']),
    ([{'size': '8M'}, {'state': 'restored'}] * 2, ['made', 'gone']),
], ids=['the same', 'two sizes', 'beside its undo'])
def test_runs_at_once_take_turns_and_end_in_what_one_of_them_asked_for(root, wishes, ends):
    root.reset(FSTAB)
    before = root.tree()
    runs = [subprocess.Popen(root.argv(**dict(wish, reserve_bytes=0)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for wish in wishes]
    results = [(process.communicate(), process.returncode) for process in runs]
    for (out, err), returncode in results:
        assert returncode == 0 and 'error' not in json.loads(out.decode()), (out, err)
    end = 'gone' if root.tree() == before else 'made'
    assert end in ends
    assert len(root.areas()) == (end == 'made')
    last = root.converge(state='restored')
    assert 'error' not in last and root.tree() == before and root.areas() == {}
