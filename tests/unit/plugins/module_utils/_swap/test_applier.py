# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens if the host is another than when the plan was made, or does not do what it says."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import opens, wish

from . import test_apply
from .test_apply import Kernel, left_in

MIB = 1 << 20
fixture_node = test_apply.fixture_node


def run(host, kernel, path='/swapfile', **wished):
    return converge(host, path, wish(**dict({'size': '2M', 'reserve_bytes': 0}, **wished)), kernel=kernel)


def after_the_plan(monkeypatch, change):
    """Have something change once the first plan is made."""
    whole, once = apply.plan, [change]

    def plan(*given):
        made = whole(*given)
        if once:
            once.pop()()
        return made

    monkeypatch.setattr(apply, 'plan', plan)


def test_a_file_that_comes_into_being_meanwhile_stays(node, monkeypatch):
    host, kernel = node()
    after_the_plan(monkeypatch, lambda: host.replace('/swapfile', 'theirs'))
    with pytest.raises(RescueError, match='/swapfile has come into being meanwhile, and stays as it is'):
        run(host, kernel)
    assert host.read('/swapfile') == 'theirs' and host.read('/etc/fstab') == '# mine\n' and kernel.active == []


def test_what_was_swapped_out_is_not_left_in_a_file_that_is_made_anew(node):
    host, kernel = node()
    run(host, kernel)
    os.chmod(host.path('/swapfile'), 0o644)
    with open(host.path('/swapfile'), 'rb') as stream:
        result = run(host, kernel)
        assert stream.read() == b'' and os.fstat(stream.fileno()).st_nlink == 0
    assert result['after']['file']['mode'] == '0600' and result['after']['file']['size_bytes'] == 2 * MIB


@pytest.mark.parametrize('again, words', [
    (None, '^/swapfile: swapon failed'), (errno.EIO, 'putting back what was there failed as well: ')])
def test_a_second_failure_is_told_with_the_first(node, again, words):
    host, kernel = node()
    run(host, kernel)
    kernel.refusals = [None, errno.ENOMEM, again, again]
    with pytest.raises(RescueError) as caught:
        run(host, kernel, size='4M')
    assert os.strerror(errno.ENOMEM) in str(caught.value) and caught.value.changed is (again is not None)
    assert ('failed as well: ' in str(caught.value)) is (again is not None)
    assert again is None or os.strerror(again) in str(caught.value).partition('failed as well: ')[2]


@pytest.mark.parametrize('kept_bytes, words', [
    (MIB - 4096, 'the kernel can use only %d of %d bytes, the disk is too fragmented' % (MIB - 4096, 2 * MIB)),
    (MIB, None), (0, 'swapon said yes, and /proc/swaps does not list it')])
def test_swap_is_what_the_kernel_lists(node, kept_bytes, words):
    host, kernel = node()

    def swapon(path, priority, discard):
        kernel.active = [('/swapfile', kept_bytes // 1024)] if kept_bytes else []
        kernel._tell()

    kernel.swapon = swapon
    if words is None:
        assert run(host, kernel)['after']['activation']['size_bytes'] == kept_bytes
        return
    with pytest.raises(RescueError, match=words):
        run(host, kernel)
    assert left_in(host) == []


@pytest.mark.parametrize('on_already', [True, False])
def test_an_area_that_another_turned_on_meanwhile_is_on(node, on_already):
    host, kernel = node()

    def swapon(path, priority, discard):
        if on_already:
            Kernel.swapon(kernel, path, priority, discard)
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    kernel.swapon = swapon
    if on_already:
        assert run(host, kernel)['changed']
    else:
        with pytest.raises(RescueError, match=os.strerror(errno.EBUSY)):
            run(host, kernel)


def test_what_the_kernel_keeps_on_is_said(node):
    host, kernel = node()
    run(host, kernel)

    def swapoff(path):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    kernel.swapoff = swapoff
    with pytest.raises(RescueError, match='the kernel refuses to switch it off .%s.: it stays on' % os.strerror(
            errno.ENOMEM)):
        run(host, kernel, state='absent')
    assert kernel.active == [('/swapfile', 2044)] and host.exists('/swapfile')


def test_room_is_looked_for_again_before_an_area_goes_off(node, monkeypatch):
    host, kernel = node()
    run(host, kernel)

    def fill():
        host.replace('/proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 1000 kB\n')
        host.replace('/proc/swaps', 'Filename Type Size Used Priority\n/swapfile file 2044 1000 -2\n')

    after_the_plan(monkeypatch, fill)
    with pytest.raises(RescueError, match='/swapfile holds 1024000 bytes now, and RAM and other swap lack 1024000'):
        run(host, kernel, state='absent')
    assert host.exists('/swapfile')


def test_an_area_that_somebody_turned_off_meanwhile_is_off(node, monkeypatch):
    host, kernel = node()
    run(host, kernel)
    after_the_plan(monkeypatch, lambda: Kernel.swapoff(kernel, host.path('/swapfile')))
    kernel.swapoff = None
    assert run(host, kernel, state='absent')['changed'] and not host.exists('/swapfile')


def test_a_step_that_did_nothing_is_said(node):
    host, kernel = node()
    run(host, kernel)
    kernel.swapoff = lambda path: None
    with pytest.raises(RescueError, match='after the change, this is still to be done: activation: ') as caught:
        run(host, kernel, active=False)
    assert caught.value.changed


@pytest.mark.parametrize('changes, open_', [
    ({}, False), ({'mode': '0640'}, True), ({'mode': '0604'}, True), ({'mode': '0700'}, False), ({'uid': 7}, True),
    ({'mode': '0644', 'size_bytes': 0}, False), ({'mode': '0644', 'existed': False}, False)])
def test_whether_others_could_read_the_file_of_a_record(changes, open_):
    record = {'existed': True, 'size_bytes': 9, 'mode': '0600', 'uid': 0}
    assert opens(dict(record, **changes)) is open_


def test_a_unit_is_written_and_enabled_and_taken_away(node):
    host, kernel = node()
    wants = '/etc/systemd/system/swap.target.wants'
    for directory in ('/run/systemd/system', wants):
        os.makedirs(host.path(directory))
    asked = []

    def systemctl(argv):
        asked.append(argv)
        if 'enable' in argv:
            os.symlink('../swapfile.swap', host.path(wants + '/swapfile.swap'))
        if 'disable' in argv:
            os.unlink(host.path(wants + '/swapfile.swap'))
        return 0, '', ''

    host.run = systemctl
    done = run(host, kernel, persist='systemd')
    assert done['after']['persistence'] == {'by': 'systemd', 'lines': ['/etc/systemd/system/swapfile.swap']}
    assert 'What=/swapfile\n' in host.read('/etc/systemd/system/swapfile.swap')
    assert host.read('/etc/fstab') == '# mine\n'
    assert any('enable' in argv and argv[-1] == 'swapfile.swap' for argv in asked)
    assert any('daemon-reload' in argv for argv in asked)
    assert not run(host, kernel, persist='systemd')['changed']
    run(host, kernel, state='absent')
    assert any('disable' in argv and argv[-1] == 'swapfile.swap' for argv in asked)
    assert not host.exists('/etc/systemd/system/swapfile.swap') and host.listdir(wants) == []


@pytest.mark.parametrize('steps', [
    [{'size': '4M'}, {'size': '2M'}], [{'size': '1M'}, {'size': '3M'}], [{}, {'state': 'absent'}],
], ids=['shrunk', 'grown', 'removed'])
@pytest.mark.parametrize('exposed', [False, True], ids=['its own', 'others could read it'])
def test_no_file_stays_open_that_was_changed(node, steps, exposed):
    host, kernel = node()
    run(host, kernel)
    before = len(os.listdir('/proc/self/fd'))
    for step in steps:
        if exposed:
            os.chmod(host.path('/swapfile'), 0o644)
        run(host, kernel, **step)
    assert len(os.listdir('/proc/self/fd')) == before


@pytest.mark.parametrize('sizes', [('2M', '4M'), ('4M', '2M')], ids=['grown', 'shrunk'])
def test_a_file_whose_size_changes_has_it_on_the_disk_before_the_kernel_uses_it(node, monkeypatch, sizes):
    host, kernel = node()
    run(host, kernel, size=sizes[0])
    written, fsync, swapon = [], os.fsync, kernel.swapon

    def noted(descriptor):
        written.append((os.path.basename(os.readlink('/proc/self/fd/%d' % descriptor)),
                        os.fstat(descriptor).st_size // MIB))
        fsync(descriptor)

    def used(path, priority, discard):
        written.append(('on', os.path.basename(path)))
        swapon(path, priority, discard)

    monkeypatch.setattr(os, 'fsync', noted)
    kernel.swapon = used
    run(host, kernel, size=sizes[1])
    last = written[:written.index(('on', 'swapfile'))]
    # Its new size, and then its signature.
    assert last.count(('swapfile', int(sizes[1][0]))) == 2


def test_an_fstab_that_cannot_be_changed_is_said_before_the_first_change(node):
    host, kernel = node()
    before = left_in(host)

    def refused(path, text):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    host.try_to_change = refused
    with pytest.raises(OSError) as caught:
        run(host, kernel)
    assert (caught.value.errno, caught.value.filename) == (errno.EROFS, '/etc/fstab')
    assert left_in(host) == before == [] and kernel.active == []
    # Without a line there, nothing is refused.
    assert run(host, kernel, persist='none')['changed']


def test_which_file_was_left_is_remembered_by_a_later_run_that_has_nothing_else_to_do(node):
    host, kernel = node()
    run(host, kernel)
    record = State(host, 'swap').get('/swapfile')
    assert record['left']
    State(host, 'swap').put('/swapfile', dict(record, left=None))
    assert not run(host, kernel)['changed']
    assert State(host, 'swap').get('/swapfile') == record


def of_one(path, **changes):
    return dict({'path': path, 'size_bytes': 1, 'before': None, 'after': None, 'size': None, 'at_boot': None,
                 'persist': 'fstab', 'recorded': False, 'skipped_reason': None, 'actions': [], 'notes': [],
                 'changed': False, 'diff': [], 'warnings': []}, **changes)


@pytest.mark.parametrize('changed, told', [
    ((True, False), True), ((False, True), True), ((False, False), False), ((True, True), True)])
def test_several_files_have_changed_if_one_of_them_has(changed, told):
    result = apply.joined([of_one('/%d' % number, changed=one, actions=['a%d' % number], diff=['d%d' % number],
                                  warnings=['w%d' % number]) for number, one in enumerate(changed)])
    assert result['changed'] is told and [one['changed'] for one in result['files']] == list(changed)
    assert (result['actions'], result['diff'], result['warnings']) == (['a0', 'a1'], ['d0', 'd1'], ['w0', 'w1'])
    assert [one['path'] for one in result['files']] == ['/0', '/1']


@pytest.mark.parametrize('reasons, told', [
    ((None, None), None), (('full', None), 'full'), ((None, 'full'), 'full'),
    (('full', 'a container'), 'full; a container'),
])
def test_the_reasons_of_all_files_that_were_left_alone_are_told(reasons, told):
    assert apply.joined([of_one('/a', skipped_reason=reason) for reason in reasons])['skipped_reason'] == told
