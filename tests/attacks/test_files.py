# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What root writes: swap and its content, configurations, the record, scores; a user stands beside each."""

import concurrent.futures
import json
import os
import pathlib
import stat
import struct
import time

import pytest
from test_identity import disguise, protect, score, server
from victim import NOBODY, SECONDS

SECRET = b'a secret that was paged out'


def swap_file(victim, path='/disk/swapfile', check=False, **options):
    options = {'path': path, 'size': '8M', 'reserve': '1M', 'persist': 'none', **options}
    run = victim.module('swap_file', check=check, **options)
    assert not run.hung, 'root\'s run hangs'
    return run


def active(victim, path='/disk/swapfile'):
    """The inode that is swap under this path, or None."""
    listed = any(line.split()[0].endswith(path) for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:])
    return os.stat(victim.path(path)).st_ino if listed else None


def old_swap(victim, mode, owner=0, path='/disk/swapfile'):
    """A swap file of an earlier administrator, with what was paged out in it."""
    file = victim.write(path, b'\0' * (8 << 20))
    victim.run(['mkswap', path])
    with open(file, 'r+b') as stream:
        stream.seek(1 << 20)
        stream.write(SECRET)
    file.chmod(mode)
    os.chown(file, owner, owner)
    return file


def test_an_honest_swap_file_is_used(victim, disk):
    """No attack: a swap file of root's is switched on, so that the checks below can fail."""
    run = swap_file(victim)
    assert active(victim), run.output


@pytest.mark.parametrize('mode, owner', [(0o644, 0), (0o604, 0), (0o640, NOBODY), (0o600, NOBODY), (0o622, 0)],
                         ids=['0644', '0604', 'group', 'owner', '0622'])
def test_an_open_descriptor_of_a_swap_file(victim, disk, mode, owner):
    """A user opens a swap file that others may read, or that is his, before root makes it 0600: he reads what is
    swapped.
    """
    file = old_swap(victim, mode, owner)
    reader = os.stat(file).st_ino
    victim.attacker('hold', '/disk/swapfile', 'w' if mode == 0o622 else 'r')
    swap_file(victim)
    assert active(victim) != reader, 'every page that is swapped out'


@pytest.mark.parametrize('mode', [0o644, 0o660, 0o602])
def test_swap_that_is_opened_again(victim, disk, mode):
    """Rollback gives a swap file the mode that it had: what was swapped out is for anyone to read."""
    old_swap(victim, mode)
    swap_file(victim)
    swap_file(victim, state='restored')
    file = victim.path('/disk/swapfile')
    if file.exists():
        opened = stat.S_IMODE(file.stat().st_mode) & 0o077
        assert not opened or SECRET not in file.read_bytes() and file.stat().st_blocks == 0, 'what was swapped out'


def test_swap_that_is_switched_off_and_kept(victim, disk):
    """Switching off (active: false) leaves the file: it stays closed."""
    old_swap(victim, 0o644)
    swap_file(victim, active=False)
    assert stat.S_IMODE(victim.path('/disk/swapfile').stat().st_mode) == 0o600, 'what was swapped out'


@pytest.mark.parametrize('how', ['directory', 'swapfile', 'fstab', 'record', 'root'])
def test_a_lock_by_a_user(victim, disk, how):
    """Any user holds a lock (flock) on the directory, the file, fstab or the record's place: root makes no swap."""
    paths = {'directory': '/disk', 'swapfile': '/disk/swapfile', 'fstab': '/etc/fstab', 'record': '/var/lib',
             'root': '/'}
    victim.write('/etc/fstab', '')
    if how == 'swapfile':
        victim.write('/disk/swapfile', '')
    victim.attacker('hold', paths[how], 'lock')
    run = swap_file(victim, persist='fstab')
    assert active(victim), 'no swap for this host: ' + str(run.get('msg'))


@pytest.mark.parametrize('what', ['directory', 'above', 'file'])
def test_an_acl_lets_a_user_write(victim, disk, what):
    """A POSIX ACL lets a user write to the swap file's directory, to one above it, or to the file; the mode hides
    it.
    """
    place = victim.directory('/disk/a/b', 0o755)
    target = {'directory': place, 'above': place.parent, 'file': place / 'swapfile'}[what]
    if what == 'file':
        old_swap(victim, 0o600, path='/disk/a/b/swapfile')
    give(target, NOBODY)
    before = os.stat(target).st_ino
    swap_file(victim, '/disk/a/b/swapfile')
    used = active(victim, '/disk/a/b/swapfile')
    assert not used or what == 'file' and used != before, 'swap that a user can replace or read'


def give(path, uid):
    """user:UID:rwx as a POSIX ACL (linux/posix_acl_xattr.h)."""
    entries = [(1, 6, 0xffffffff), (2, 7, uid), (4, 4, 0xffffffff), (16, 7, 0xffffffff), (32, 0, 0xffffffff)]
    if path.is_dir():
        entries[0], entries[2], entries[4] = (1, 7, 0xffffffff), (4, 5, 0xffffffff), (32, 5, 0xffffffff)
    os.setxattr(path, 'system.posix_acl_access', struct.pack('<I', 2) + b''.join(
        struct.pack('<HHI', *entry) for entry in entries))


@pytest.mark.parametrize('how', ['tmp', 'own', 'group', 'link', 'link-above', 'hardlink', 'own-file', 'open-file',
                                 'fifo'])
def test_a_place_for_swap_that_a_user_can_write(victim, disk, how):
    """The path for swap is in a sticky or open directory, below a user's, behind his link, his file or a FIFO."""
    path = '/disk/d/swapfile'
    place = victim.directory('/disk/d')
    inode = None
    if how == 'tmp':
        place.chmod(0o1777)
    elif how == 'own':
        os.chown(place, NOBODY, NOBODY)
    elif how == 'group':
        os.chown(place, 0, NOBODY)
        place.chmod(0o775)
    elif how == 'link':
        victim.directory('/disk/his', owner=NOBODY)
        old_swap(victim, 0o600, NOBODY, '/disk/his/x')
        victim.path(path).symlink_to('/disk/his/x')
        inode = victim.path('/disk/his/x').stat().st_ino
    elif how == 'link-above':
        victim.directory('/disk/his', owner=NOBODY)
        victim.path('/disk/d').rmdir()
        victim.path('/disk/d').symlink_to('/disk/his')
    elif how == 'hardlink':
        inode = old_swap(victim, 0o600, path=path).stat().st_ino
        os.link(victim.path(path), victim.directory('/disk/his', owner=NOBODY) / 'x')
    elif how in ('own-file', 'open-file'):
        inode = old_swap(victim, 0o666, NOBODY if how == 'own-file' else 0, path).stat().st_ino
    else:
        os.mkfifo(victim.path(path))
    swap_file(victim, path)
    used = active(victim, path) or active(victim, '/disk/his/x') if how == 'link' else active(victim, path)
    if inode is None:
        assert not used, 'swap in a place that he writes to'
    else:
        assert used != inode, 'swap in a file that he can open'


@pytest.mark.parametrize('name', ['.oom-rescue-new', '.oom-rescue-helper'])
def test_a_leftover_of_a_stopped_run(victim, disk, name):
    """A file stands where a run keeps its unfinished one: another owner's, open to all, or a link."""
    for make in (lambda path: old_swap(victim, 0o666, NOBODY, path),
                 lambda path: victim.path(path).symlink_to('/etc/passwd')):
        path = '/disk/swapfile' + name
        if victim.path(path).is_symlink() or victim.path(path).exists():
            victim.path(path).unlink()
        make(path)
        before = os.lstat(victim.path(path)).st_ino
        # As long as it is open no other file gets its number.
        held = os.open(victim.path(path), os.O_RDONLY)
        text = pathlib.Path('/etc/passwd').read_bytes()
        swap_file(victim)
        assert active(victim) != before, 'swap in his file'
        os.close(held)
        assert victim.path('/etc/passwd').read_bytes() == text, 'another content of /etc/passwd'
        victim.run(['sh', '-c', 'swapoff /disk/swapfile; rm -f /disk/swapfile'], check=False)


# Files that are made.

SERVER_FILE = '/etc/default/mysql'


@pytest.mark.parametrize('mask', [0, 0o077])
def test_a_kill_while_a_file_is_made(victim, mask):
    """Root runs with umask 000 and is killed at any of its calls: no file or directory of his is writable by others."""
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    server(victim, orphan=True)
    wrong = set()
    for call in range(1, 14):
        victim.run(['rm', '-rf', '/etc/default/mysql', '/var/lib/oom-rescue'])
        strace = ['strace', '-qq', '-f', '-o', '/dev/null', '-e',
                  'inject=rename,renameat,renameat2,chmod,fchmod,fchmodat,fchown,chown,lchown,link,linkat,'
                  'mkdir,mkdirat:signal=KILL:when=%d' % call]
        victim.module('oom_score_adj', before=['sh', '-c', 'umask %04o; exec "$@"' % mask, 'sh'] + strace,
                      process='mysqld', value=300)
        for directory in ('/etc/default', '/var/lib', '/etc'):
            for file in sorted(victim.path(directory).rglob('*')) if directory != '/etc' else []:
                status = os.lstat(file)
                if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o022:
                    wrong.add('%s %04o' % (file.name, stat.S_IMODE(status.st_mode)))
    assert not wrong, 'writable by anyone: ' + ', '.join(sorted(wrong))


@pytest.mark.parametrize('path', ['/etc/fstab', '/etc/sysctl.d/zz.conf', '/usr/lib/sysctl.d/zz.conf',
                                  '/etc/default/earlyoom'])
def test_a_secret_in_a_difference(victim, disk, path):
    """A user reads the log of the automation, in which a difference has what root keeps in a file that he cannot read,
    or a copy that root makes of it.
    """
    text = {'/etc/fstab': '//nas/x /x cifs password=hunter2 0 0\n',
            '/etc/default/earlyoom': 'PASSWORD=hunter2\nEARLYOOM_ARGS="-r 3600"\n'}.get(
                path, '# password=hunter2\nvm.swappiness = 60\n')
    victim.write(path, text, 0o600)
    if path == '/etc/default/earlyoom':
        victim.write('/usr/bin/earlyoom', open(os.path.realpath('/bin/sleep'), 'rb').read(), 0o755)
    elif 'sysctl' in path:
        # A boot that applies the file: nothing of it would be overridden where that is not known.
        victim.path('/run/systemd/system').mkdir(parents=True)
        victim.write('/usr/lib/systemd/systemd-sysctl', '#!/bin/sh\n', 0o755)
    server(victim)
    output = ''
    for check in (True, False):
        runs = [swap_file(victim, persist='fstab', check=check), protect(victim, killers='spare', check=check),
                victim.module('swappiness', check=check, value=10, conflicts='override')]
        output += ''.join(run.output for run in runs)
    assert 'hunter2' not in output, 'the text of a file with mode 0600'
    assert victim.path(path).read_text() != text or path.startswith('/usr'), 'nothing was edited'
    found = victim.run(['setpriv', '--reuid=65534', '--clear-groups', 'grep', '-rls', 'hunter2', '/etc'], check=False)
    assert not found.stdout.strip(), found.stdout


@pytest.mark.parametrize('path', ['/etc/sysctl.d/99-zz-oom-rescue.conf', '/etc/default/earlyoom', '/etc/default/mysql'])
def test_our_file_is_open_to_all(victim, path):
    """A run that was killed left a file of ours writable by anyone: the next run mends it."""
    victim.write('/usr/bin/earlyoom', open(os.path.realpath('/bin/sleep'), 'rb').read(), 0o755)
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    server(victim, orphan=True)
    for mode in (0o666, None):
        victim.module('swappiness', value=10)
        protect(victim, killers='spare')
        if mode:
            victim.path(path).chmod(mode)
    assert not victim.path(path).stat().st_mode & 0o022, 'root\'s configuration, to write'


@pytest.mark.parametrize('path', ['/etc/default/earlyoom', '/etc/default/mysql'])
@pytest.mark.parametrize('then', ['present', 'absent'])
def test_our_file_is_open_to_all_and_changed(victim, path, then):
    """A run that was killed left a file of ours writable by anyone, and a user put a command there: root's init script
    or service runs it.
    """
    victim.write('/usr/bin/earlyoom', open(os.path.realpath('/bin/sleep'), 'rb').read(), 0o755)
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    server(victim, orphan=True)
    protect(victim, killers='spare')
    file = victim.path(path)
    ours = file.read_text()
    file.write_text(ours + 'id > /tmp/owned\n')
    file.chmod(0o666)
    run = protect(victim, killers='spare', state=then)
    assert not file.exists() if then == 'absent' else file.read_text() == ours, 'a command that root runs'
    assert then == 'absent' or not file.stat().st_mode & 0o022, 'root\'s configuration, to write'
    kept = victim.path('/var/lib/oom-rescue/%s.changed' % path.strip('/').replace('/', '-'))
    assert 'tmp/owned' in kept.read_text() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert path in json.dumps(run['actions']), 'nobody is told'


def test_an_administrators_file_is_open_to_all(victim):
    """A user writes to the defaults of the server's init script, which an administrator made and left open to all."""
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    file = victim.write('/etc/default/mysql', 'id > /tmp/owned\n', 0o666)
    server(victim, orphan=True)
    run = protect(victim)
    assert file.read_text() == 'id > /tmp/owned\n', 'his file made to look like root\'s'
    assert '/etc/default/mysql can be changed by others than root' in json.dumps(run['processes']), 'nobody is told'


def test_a_run_that_waits_takes_nothing_away(victim, disk):
    """Root only looks, or waits for its turn, while another run tells how far its swap file is."""
    word = victim.write('/run/oom-rescue-swap_file', '1 MiB of 2 MiB written to /x\n')
    swap_file(victim, check=True)
    assert word.exists(), 'the word of the run at work'


@pytest.mark.parametrize('how', ['link', 'owner', 'open', 'acl', 'file-link', 'file-owner'])
def test_the_records_directory(victim, how):
    """The record's directory is a link, a user's, or writable by others: he says what was there before, and root
    undoes it.
    """
    pid = server(victim)
    place = victim.path('/var/lib/oom-rescue')
    record = json.dumps({'process:mysqld': {
        'value': 300, 'live': [], 'directories': [], 'managers': {},
        'files': {'/etc/environment': {'before': None, 'sha256': 'x', 'killer': None, 'names': []}}}})
    victim.write('/etc/environment',
                 'A=1\n# BEGIN oom.rescue\n{ echo 5 > /proc/$$/oom_score_adj; }\n# END oom.rescue\n')
    if how == 'link':
        victim.directory('/tmp/x', owner=NOBODY)
        place.symlink_to('/tmp/x')
    else:
        victim.directory('/var/lib/oom-rescue', {'open': 0o777}.get(how, 0o755 if how == 'owner' else 0o700),
                         NOBODY if how == 'owner' else 0)
    if how == 'acl':
        give(place, NOBODY)
    name = '/var/lib/oom-rescue/oom_score_adj.json'
    if how == 'file-link':
        victim.write('/tmp/r.json', record, owner=NOBODY)
        victim.path(name).symlink_to('/tmp/r.json')
    else:
        victim.write('/tmp/x/oom_score_adj.json' if how == 'link' else name, record, 0o644, NOBODY)
    before = victim.path('/etc/environment').read_text()
    run = victim.module('oom_score_adj', process='mysqld', state='absent')
    assert victim.path('/etc/environment').read_text() == before, 'an edit of /etc/environment'
    run = protect(victim)
    inside = {'link': '/tmp/x'}.get(how, '/var/lib/oom-rescue')
    kept = victim.path(inside + '/oom_score_adj.json')
    assert run.get('failed') or kept.stat().st_uid == 0 and how not in ('link', 'open', 'owner', 'acl'), \
        'the record of what was there before'
    assert pid


@pytest.mark.parametrize('path', ['/etc/sysctl.d/.oom-rescue-99-zz-oom-rescue.conf',
                                  '/var/lib/oom-rescue/.oom-rescue-swappiness.json'], ids=['sysctl.d', 'record'])
def test_a_temporary_name(victim, path):
    """A link stands at a temporary name that can be foretold: what root writes there goes elsewhere."""
    victim.directory('/var/lib/oom-rescue', 0o700)
    target = victim.write('/etc/precious', 'as it was\n', 0o600)
    victim.path(path).symlink_to('/etc/precious')
    victim.module('swappiness', value=10)
    assert target.read_text() == 'as it was\n' and stat.S_IMODE(target.stat().st_mode) == 0o600, 'another content'


@pytest.mark.parametrize('path', ['/etc/default/mysql', '/etc/sysctl.d/99-zz-oom-rescue.conf', '/etc/fstab'])
def test_a_configuration_that_is_a_link_to_a_users(victim, disk, path):
    """A configuration that root edits is a link to a user's file: what is there is the user's, and root obeys it."""
    victim.directory('/home/his', owner=NOBODY)
    victim.write('/home/his/f', '', owner=NOBODY)
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    victim.write(path, '').unlink()
    victim.path(path).symlink_to('/home/his/f')
    server(victim, orphan=True)
    protect(victim)
    victim.module('swappiness', value=10)
    swap_file(victim, persist='fstab')
    assert victim.path('/home/his/f').read_text() == '', 'a file of his that root obeys'


# Processes that change between the check and the write.

def at_each_open(victim, pid, act):
    """Run the module once for each time that it opens the score of ``pid``, and ``act`` at that moment, before it does.

    ``act`` is a callable that returns the pid to look at. Yields that pid after each run. The module is held at the
    call until ``act`` is done, however long that takes.
    """
    for number in range(1, 8):
        strace = ['strace', '-qq', '-f', '-o', '/dev/null', '-P', '/proc/%d/oom_score_adj' % pid, '-e',
                  'inject=openat,open:delay_enter=%d:when=%d' % (SECONDS * 1000000, number)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            run = pool.submit(victim.module, 'oom_score_adj', before=strace, process='mysqld', value=300)
            held = wait_for(lambda run=run: run.done() or held_module(victim))
            if run.done():
                assert number > 1, 'the score is never opened'
                return
            changed = act()
            # Without it the module goes on with its call.
            victim.run(['kill', '-KILL', held])
            run.result()
        yield changed


def wait_for(condition):
    """What a condition gives as soon as that is true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError('nothing came of it within %d s' % SECONDS)


def held_module(victim):
    """The pid of the strace that holds the module at a call, or None: it waits, while the module stands still.

    While it has something to do with a call, it runs.
    """
    before, after = look_at_module(victim), time.sleep(0.05) or look_at_module(victim)
    states = {name: row['state'] for name, row in after.items()}
    return after['strace']['pid'] if before == after and states == {'strace': 'S', 'module': 't'} else None


def look_at_module(victim):
    """{strace or module: its pid, state, and how often it has let others run} of a run of the module."""
    found = {}
    for pid in os.listdir(victim.path('/proc')):
        words = (victim.proc(pid, 'cmdline') or '') if pid.isdigit() else ''
        if '"process": "mysqld"' in words:
            found['strace' if words.startswith('strace') else 'module'] = {
                'pid': pid, 'state': (victim.proc(pid, 'stat') or ') X').rpartition(') ')[2][:1],
                'switches': (victim.proc(pid, 'status') or '').partition('voluntary_ctxt')[2]}
    return found


def end(victim, pid):
    """End a process: its number is free then, and the next process gets it."""
    victim.run(['kill', '-9', str(pid)])
    wait_for(lambda: not victim.proc(pid, 'stat'))
    victim.run(['sh', '-c', 'echo %d > /proc/sys/kernel/ns_last_pid' % (pid - 1)])


def test_a_process_that_takes_the_place(victim):
    """The server ends and a user's process gets its number, at any moment between root's check and root's write."""
    pid = server(victim)

    def take():
        end(victim, pid)
        taken = disguise(victim, comm='other')
        assert taken == pid
        return taken

    for taken in at_each_open(victim, pid, take):
        assert score(victim, taken) == '0', 'the score of the server, for his own process'
        end(victim, taken)
        assert server(victim, user=False) == pid


def test_an_exec_between_check_and_write(victim):
    """The server's process becomes another program, at any moment between root's check and root's write."""
    pid = server(victim, becomes='/tmp/other')
    for changed in at_each_open(victim, pid, lambda: victim.run(['kill', '-USR1', str(pid)]) and pid):
        assert victim.proc(pid, 'comm') == 'other'
        assert score(victim, changed) == '0', 'the score of the server, for his own program'
        end(victim, pid)
        assert server(victim, user=False, becomes='/tmp/other') == pid


def test_a_pid_that_is_used_again(victim):
    """Processes called mysqld start and end all the time, so that a number may mean another process when it is
    written.
    """
    victim.attacker('churn', 40)
    run = protect(victim)
    assert 'Traceback' not in run.output, run.output[-200:]
    others = [victim.proc(int(pid), 'oom_score_adj') for pid in os.listdir(victim.path('/proc')) if pid.isdigit()]
    assert '300' not in others, 'the protecting score'
