# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the kernel's refusals; the kernel itself is asked in tests/integration/swap."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import subprocess
import sys

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change import lock
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._swap import applier, apply, facts, syscalls
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish

LABEL = b'unconfined_u:object_r:etc_runtime_t:s0\0'


class Kernel:
    """A kernel that has its own /proc/swaps below ``root``, and refuses swapon as told."""

    extents = staticmethod(syscalls.extents)
    is_nocow = staticmethod(syscalls.is_nocow)

    def __init__(self, root, refusals=()):
        self.root, self.refusals, self.labels = root, list(refusals), []
        self.active = []
        self.label = LABEL
        self._tell()

    def _tell(self):
        lines = ['Filename Type Size Used Priority'] + ['%s file %d 0 -2' % area for area in self.active]
        self.root.join('proc/swaps').write('\n'.join(lines) + '\n', ensure=True)

    def swapon_refusal(self):
        return None

    def swapon(self, path, priority, discard):
        if self.refusals:
            number = self.refusals.pop(0)
            if number:
                raise OSError(number, os.strerror(number))
        self.active.append((path[len(str(self.root)):], os.path.getsize(path) // 1024 - 4))
        self._tell()

    def swapoff(self, path):
        self.active = [area for area in self.active if area[0] != path[len(str(self.root)):]]
        self._tell()

    def get_xattr(self, path, name):
        return self.label

    def set_xattr(self, path, name, value):
        self.label = value
        self.labels.append((os.path.basename(path), name, value))


@pytest.fixture(name='node')
def fixture_node(tmpdir, monkeypatch):
    def make(*refusals, **options):
        root = tmpdir.join('root')
        mount = '1 0 8:1 / %s rw - ext4 /dev/sda1 rw%s\n' % (
            options.get('mount', '/'), options.get('labels', ',seclabel'))
        for path, text in (('proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n'),
                           ('proc/self/mountinfo', mount), ('proc/sys/kernel/osrelease', '6.1.0\n'),
                           ('etc/fstab', '# mine\n')):
            root.join(path).write(text, ensure=True)
        root.join('mnt').ensure(dir=True)
        kernel = Kernel(root, refusals)

        def in_use(path):
            return path[len(str(root)):] in [area[0] for area in kernel.active]

        monkeypatch.setattr(facts, 'in_use', in_use)
        monkeypatch.setattr(applier, 'in_use', in_use)
        return Host(root=str(root)), kernel
    return make


def left_in(host):
    """Names that a run could have left, everywhere but in /proc."""
    found = []
    for directory, names, files in os.walk(host.root):
        found += [name for name in names + files if 'swap' in name or 'oom' in name if not directory.endswith('/proc')]
    return found


def test_reserved_blocks_that_swapon_calls_holes_are_written(node):
    host, kernel = node(errno.EINVAL)
    result = converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
    assert result['changed'] and result['after']['activation']['size_bytes'] == 2 * 1024 * 1024 - 4096


@pytest.mark.parametrize('path, mount, refusals, skipped', [
    ('/swapfile', '/', [errno.EPERM], True),
    ('/mnt/swapfile', '/mnt', [errno.EPERM], True),
    ('/swapfile', '/', [errno.EINVAL, errno.EINVAL], True),
    ('/mnt/swapfile', '/mnt', [errno.EINVAL, errno.EINVAL], False),
    ('/swapfile', '/', [errno.ENOMEM], False),
])
def test_a_refusal_of_swapon_leaves_nothing_behind(node, path, mount, refusals, skipped):
    host, kernel = node(*refusals, mount=mount)
    wished = wish(size='2M', reserve_bytes=0)
    if skipped:
        result = converge(host, path, wished, kernel=kernel)
        assert not result['changed'] and os.strerror(refusals[-1]) in result['skipped_reason']
    else:
        with pytest.raises(RescueError, match=os.strerror(refusals[-1])):
            converge(host, path, wished, kernel=kernel)
    assert left_in(host) == [] and host.read('/etc/fstab') == '# mine\n' and kernel.active == []


@pytest.mark.parametrize('mode,shown', [(0o644, True), (0o600, False), (0o640, False)])
@pytest.mark.parametrize('steps', [[{}], [{}, {'state': 'absent'}], [{}, {'state': 'restored'}]],
                         ids=['made', 'removed', 'undone'])
def test_an_fstab_that_others_may_not_read_is_in_no_difference(node, mode, shown, steps):
    host, kernel = node()
    host.replace('/etc/fstab', '//nas/x /x cifs password=hunter2 0 0\n')
    os.chmod(host.path('/etc/fstab'), mode)
    for step in steps:
        wished = wish(reserve_bytes=0, size='2M', **step)
        planned = converge(host, '/swapfile', wished, True, kernel=kernel)
        done = converge(host, '/swapfile', wished, kernel=kernel)
        assert done['changed'] and done['diff'] == planned['diff']
        assert ('hunter2' in repr(done)) is shown
        assert any('/etc/fstab' in entry.get('prepared', entry.get('before_header')) for entry in done['diff'])


class Word:
    """A Progress that notes who holds the lock of the node when it begins and ends."""

    def __init__(self, host):
        self.host, self.held = host, []

    def _note(self):
        self.held.append(self.host.exists('/run/oom-rescue.lock') or self.host.exists('/oom-rescue.lock'))

    def __enter__(self):
        self._note()

    def __exit__(self, *_exception):
        self._note()

    def __call__(self, *_sizes):
        self._note()


@pytest.mark.parametrize('check_mode, held', [(False, [True, True]), (True, [])])
def test_the_word_on_how_far_a_write_has_come_is_that_of_who_holds_the_lock(node, check_mode, held):
    """A run that waits, or only looks, takes nothing away that the one at work tells."""
    host, kernel = node()
    word = Word(host)
    converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), check_mode, word, kernel)
    assert word.held[:1] + word.held[-1:] == held and all(word.held)


def test_a_refusal_while_growing_brings_the_old_swap_back(node):
    host, kernel = node(None, None, errno.ENOMEM)
    assert converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)['changed']
    with pytest.raises(RescueError, match='Cannot allocate'):
        converge(host, '/swapfile', wish(size='4M', reserve_bytes=0), kernel=kernel)
    assert kernel.active == [('/swapfile', 2044)]
    assert sorted(left_in(host)) == ['oom-rescue', 'swap.json', 'swapfile']


@pytest.mark.parametrize('steps', [
    [{'size': '2M'}], [{'size': '2M'}, {'size': '4M'}], [{'size': '4M'}, {'size': '2M'}],
    [{'size': '2M'}, {'size': '2M', 'active': False, 'persist': 'none'}], [{'size': '2M'}, {'state': 'absent'}],
    [{'size': '2M'}, {'state': 'restored'}], [{'size': '2M'}, {'size': '2M'}], [{'state': 'absent'}],
], ids=['made', 'grown', 'shrunk', 'off', 'removed', 'undone', 'the same again', 'not there'])
def test_check_mode_says_what_a_run_does(node, steps):
    host, kernel = node()
    for step in steps:
        wished = wish(reserve_bytes=0, **step)
        expected = converge(host, '/swapfile', wished, True, kernel=kernel)
        done = converge(host, '/swapfile', wished, kernel=kernel)
        for key in ('changed', 'actions', 'diff', 'before', 'size', 'size_bytes', 'skipped_reason'):
            assert done[key] == expected[key], key
        for layer in ('file', 'signature', 'persistence'):
            now, planned = done['after'][layer], expected['after'][layer]
            assert (now is None) == (planned is None) and (now is None or all(
                now[key] == planned[key] for key in now if key != 'allocated_bytes')), layer
        assert (done['after']['activation'] is None) == (expected['after']['activation'] is None)


@pytest.mark.parametrize('number', range(4))
def test_an_action_that_is_not_said_is_not_done(node, monkeypatch, number):
    """What is said and what is done are one list: without one of its actions the swap is not as it was asked."""
    host, kernel = node()
    whole = apply.plan
    left_out = []

    def without_one(found, wished):
        made = whole(found, wished)
        if not left_out:
            left_out.append(made['actions'].pop(number))
        return made
    monkeypatch.setattr(apply, 'plan', without_one)
    with pytest.raises((RescueError, OSError)) as caught:
        converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
    assert left_out and (number < 2 or left_out[0]['detail'] in str(caught.value))


def test_a_line_that_somebody_adds_meanwhile_stays(node):
    host, kernel = node()

    def swapon(path, priority, discard):
        Kernel.swapon(kernel, path, priority, discard)
        host.replace('/etc/fstab', '# mine\n# theirs\n')
    kernel.swapon = swapon
    converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
    assert host.read('/etc/fstab') == '# mine\n# theirs\n/swapfile none swap sw,nofail 0 0\n'


def test_an_error_of_a_descriptor_is_told_with_the_file(node, monkeypatch):
    host, kernel = node()

    def full(descriptor, offset, length):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(syscalls, 'fallocate', full)
    with pytest.raises(RescueError, match='^/swapfile.oom-rescue-new: No space left on device') as caught:
        converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
    assert not caught.value.changed and left_in(host) == []


@pytest.mark.parametrize('enforces, labels, labelled', [
    (True, ',seclabel', True), (True, '', False), (False, ',seclabel', False)])
def test_a_new_file_is_labelled_for_selinux_before_it_has_its_name(node, enforces, labels, labelled):
    host, kernel = node(labels=labels)
    host.make_directory('/sys/fs/selinux')
    if enforces:
        host.replace('/sys/fs/selinux/enforce', '1')
    converge(host, '/swapfile', wish(size='2M', reserve_bytes=0, active=False, persist='none'), kernel=kernel)
    assert kernel.labels == [('swapfile.oom-rescue-new', 'security.selinux',
                              b'unconfined_u:object_r:swapfile_t:s0\0')] * labelled


def test_two_runs_at_once_are_one(node, monkeypatch):
    monkeypatch.setattr(lock, 'WAIT_SECONDS', 0)
    host, kernel = node()
    seen = []

    def second(path, priority, discard):
        with pytest.raises(RescueError, match=r'another run .*\(pid \d+, swap_file /swapfile\)'):
            converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
        seen.append(path)
        Kernel.swapon(kernel, path, priority, discard)

    kernel.swapon = second
    assert converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)['changed'] and seen


def test_a_systemd_that_does_not_answer_is_a_warning_and_the_swap_is_there(node):
    host, kernel = node()
    host.make_directory('/run/systemd/system')
    host.run = lambda argv: (1, '', 'Failed to reload daemon: Connection timed out\n')
    result = converge(host, '/swapfile', wish(size='2M', reserve_bytes=0), kernel=kernel)
    assert result['changed'] and 'Connection timed out' in result['warnings'][0]
    assert kernel.active == [('/swapfile', 2044)]


WITHOUT_CTYPES = """
import sys
sys.modules['ctypes'] = None
sys.path.insert(0, %r)
import conftest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._swap import facts
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
facts.read_facts(Host(), '/swapfile')
try:
    converge(Host(root=%r), '/swapfile', wish(size='2M'))
except RescueError as error:
    print(error)
"""


def test_a_python_without_ctypes_reads_facts_and_says_before_any_change_what_it_lacks(node, tmpdir):
    host, _kernel = node()
    before = left_in(host)
    unit = os.path.abspath(os.path.join(os.path.dirname(__file__), *['..'] * 3))
    script = WITHOUT_CTYPES % (unit, host.root)
    process = subprocess.Popen([sys.executable, '-B', '-c', script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               universal_newlines=True)
    out, err = process.communicate()
    assert out.startswith('the Python ') and 'no module ctypes, which swap needs: install it' in out, err
    assert left_in(host) == before
