# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an undo of swap brings back, and what it leaves: fstab byte for byte, another's file, an image to wake from."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import random

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import DIRECTORY
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._swap import applier, apply, facts, fstab
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
from ansible_collections.oom.rescue.plugins.module_utils._swap.signature import write_signature

from .test_apply import Kernel

RECORD = DIRECTORY + '/swap.json'
RESUME = 'root=/dev/sda1 resume=/dev/sda1 resume_offset=34816\n'
MIB = 1 << 20


@pytest.fixture(name='node')
def fixture_node(tmpdir, monkeypatch):
    return made_node(tmpdir.join('root'), monkeypatch)


def made_node(root, monkeypatch, table='# mine\n'):
    for path, text in (('proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n'),
                       ('proc/self/mountinfo', '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n'),
                       ('proc/sys/kernel/osrelease', '6.1.0\n'), ('etc/fstab', table)):
        root.join(path).write(text, ensure=True)
    kernel = Kernel(root)
    for module in (facts, applier):
        monkeypatch.setattr(module, 'in_use', lambda path: path[len(str(root)):] in [area[0] for area in kernel.active])
    return Host(root=str(root)), kernel


def run(node, path='/swapfile', **wished):
    return converge(node[0], path, wish(**dict({'reserve_bytes': 0}, **wished)), kernel=node[1])


def make_swap(host, path, size):
    with open(host.path(path), 'wb') as stream:
        stream.write(b'\0' * size)
    descriptor = os.open(host.path(path), os.O_RDWR)
    write_signature(descriptor, size, 4096)
    os.close(descriptor)
    os.chmod(host.path(path), 0o600)


def test_a_file_that_took_the_name_since_is_not_deleted(node):
    host = node[0]
    run(node, size='1M')
    node[1].swapoff(host.path('/swapfile'))
    os.rename(host.path('/swapfile'), host.path('/elsewhere'))
    make_swap(host, '/swapfile', 2 * MIB)
    result = run(node, state='restored')
    assert not result['changed'] and 'another file' in result['skipped_reason']
    assert os.path.getsize(host.path('/swapfile')) == 2 * MIB and host.exists(RECORD)


def test_a_swap_file_that_all_could_read_comes_back_for_root_alone_and_that_is_said(node):
    host = node[0]
    make_swap(host, '/swapfile', 2 * MIB)
    os.chmod(host.path('/swapfile'), 0o644)
    run(node, size='1M')
    result = run(node, state='restored')
    assert os.path.getsize(host.path('/swapfile')) == 2 * MIB
    assert os.stat(host.path('/swapfile')).st_mode & 0o777 == 0o600
    assert [text for text in result['warnings'] if "stays root's with 0600" in text]


@pytest.mark.parametrize('size', ['1M', '3M'])
def test_a_file_that_we_made_anew_or_grew_is_still_ours(node, size):
    run(node, size='2M')
    run(node, size=size)
    assert run(node, state='restored')['changed']
    assert not node[0].exists('/swapfile') and node[0].read('/etc/fstab') == '# mine\n'


def test_a_copy_of_our_file_that_was_moved_to_another_disk_is_still_ours(node):
    host = node[0]
    run(node, size='1M')
    with open(host.path('/swapfile'), 'rb') as stream:
        data = stream.read()
    os.rename(host.path('/swapfile'), host.path('/old'))
    with open(host.path('/swapfile'), 'wb') as stream:
        stream.write(data)
    os.chmod(host.path('/swapfile'), 0o600)
    assert run(node, state='restored')['changed'] and not host.exists('/swapfile')


def test_lines_that_were_apart_come_back_to_their_places(node):
    host = node[0]
    make_swap(host, '/swapfile', MIB)
    text = ('/dev/sda1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n# two\n/dev/sdb1 /b ext4 defaults 0 2\n'
            '/swapfile none swap sw,pri=3 0 0\n/dev/sdc1 /c ext4 defaults 0 2\n')
    host.replace('/etc/fstab', text)
    run(node, size='2M')
    assert len(fstab.swap_entries(host.read('/etc/fstab'), ['/swapfile'])) == 1
    host.replace('/etc/fstab', host.read('/etc/fstab') + '/dev/sdd1 /d ext4 defaults 0 2\n')
    run(node, state='restored')
    assert host.read('/etc/fstab') == text + '/dev/sdd1 /d ext4 defaults 0 2\n'


@pytest.mark.parametrize('seed', range(40))
def test_any_lines_of_a_file_come_back_to_their_places(seed):
    draw = random.Random(seed)
    lines = ['/dev/sd%s1 /%s ext4 defaults 0 2' % (name, name) for name in 'abcdef'[:draw.randint(0, 6)]]
    for number in range(draw.randint(1, 4)):
        lines.insert(draw.randint(0, len(lines)), '/swapfile none swap sw,pri=%d 0 0' % number)
    text = '\n'.join(lines) + '\n'
    raw = [entry['raw'] for entry in fstab.swap_entries(text, ['/swapfile'])]
    above = fstab.lines_before(text, ['/swapfile'])
    for edited in (fstab.with_swap(text, ['/swapfile'], 7), fstab.without_swap(text, ['/swapfile'])):
        assert fstab.with_lines(edited, ['/swapfile'], raw, above) == text


@pytest.mark.parametrize('state', ['absent', 'restored'])
def test_a_file_that_the_host_wakes_up_from_is_said_before_it_goes(node, state):
    host = node[0]
    run(node, size='1M')
    host.replace('/proc/cmdline', RESUME)
    result = run(node, state=state)
    assert not result['changed'] and 'resume_offset=34816' in result['skipped_reason']
    assert host.exists('/swapfile') and host.exists(RECORD)
    assert run(node, state=state, override=['hibernation'])['changed'] and not host.exists('/swapfile')


def test_a_file_with_an_image_is_neither_removed_nor_signed_again(node):
    host = node[0]
    make_swap(host, '/swapfile', MIB)
    host.replace('/etc/fstab', '/swapfile none swap sw 0 0\n')
    with open(host.path('/swapfile'), 'r+b') as stream:
        stream.seek(4096 - 10)
        stream.write(b'S1SUSPEND\0')
    with open(host.path('/swapfile'), 'rb') as stream:
        data = stream.read()
    for wished in ({'size': '1M'}, {'size': '2M'}, {'state': 'absent'}):
        result = run(node, **wished)
        assert 'image of a hibernated system' in result['skipped_reason'] and not result['changed']
    with open(host.path('/swapfile'), 'rb') as stream:
        assert stream.read() == data


def test_a_lost_record_is_said_where_a_line_of_ours_is(node):
    run(node, size='1M')
    node[0].remove(RECORD)
    result = run(node, state='restored')
    assert 'no record' in result['skipped_reason'] and not result['changed'] and node[0].exists('/swapfile')


@pytest.mark.parametrize('text', ['', '{', '{"version": 9}', '{"/swapfile": {"existed": false}}'])
def test_a_damaged_record_stops_an_undo_and_no_rescue(node, text):
    run(node, size='1M')
    node[0].replace(RECORD, text)
    with pytest.raises(RescueError) as error:
        run(node, state='restored')
    assert RECORD in str(error.value) and '\n' not in str(error.value)
    result = run(node, size='2M')
    assert result['changed'] and RECORD in result['warnings'][0] and node[0].read(RECORD + '.damaged') == text


def test_a_record_without_a_version_is_undone(node):
    run(node, size='1M')
    records = json.loads(node[0].read(RECORD))['records']
    for key in ('left', 'fstab_above'):
        records['/swapfile'].pop(key)
    node[0].replace(RECORD, json.dumps(records))
    assert run(node, state='restored')['changed']
    assert not node[0].exists('/swapfile') and node[0].read('/etc/fstab') == '# mine\n'


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(20))
def test_any_sequence_is_undone_byte_for_byte(tmpdir, monkeypatch, seed):
    draw = random.Random(seed)
    table = draw.choice(['# mine\n', '# mine', '', '/swapfile none swap sw,pri=4 0 0\n# x\n', '# a\n# b\n'])
    node = made_node(tmpdir.join('root'), monkeypatch, table)
    host = node[0]
    there = '/swapfile' in table
    if there:
        make_swap(host, '/swapfile', MIB)
    for _step in range(draw.randint(1, 5)):
        run(node, draw.choice(['/swapfile', '/other']), size=draw.choice(['1M', '2M', '3M']),
            persist=draw.choice(['fstab', 'none']), active=draw.choice([True, False]))
        if host.exists(RECORD) and draw.random() < 0.3:
            found = json.loads(host.read(RECORD))
            host.replace(RECORD, json.dumps(found.get('records', found)), 0o600)
    options = {'path': '/swapfile', 'state': 'restored', 'recorded': True}
    for one in apply.each_file(host, options):
        run(node, one['path'], state='restored')
    assert host.read('/etc/fstab') == table
    assert [host.exists(path) for path in ('/swapfile', '/other', DIRECTORY)] == [there, False, False]
    if there:
        assert os.path.getsize(host.path('/swapfile')) == MIB
