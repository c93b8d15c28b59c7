# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What root reads was written by others: /proc, logs, configurations, records, unit files."""

import bz2
import gzip
import json
import lzma
import os
import pathlib
import re
import socket
import struct
import zlib

import pytest
from victim import NOBODY, REPOSITORY

REPORT = (REPOSITORY / 'tests/unit/fixtures/oom-linux-6.1.dmesg').read_text()
HONEST = (REPOSITORY / 'tests/unit/fixtures/oom-linux-6.12.dmesg').read_text()
ID = '5f' * 32
# Far more than any honest run takes, far less than each attack did.
RSS = 150 << 20
# All that the modules read besides /proc and logs. None is a user's to write, but a package or a container may leave
# anything there, and one file must not keep root from the rest.
CONFIGURATION = {
    'sysctl.d': '/etc/sysctl.d/10-x.conf', 'sysctl.conf': '/etc/sysctl.conf', 'run-sysctl': '/run/sysctl.d/1.conf',
    'fstab': '/etc/fstab', 'unit': '/etc/systemd/system/x.service', 'drop-in': '/etc/systemd/system/x.service.d/x.conf',
    'swap-unit': '/etc/systemd/system/x.swap', 'nohang': '/etc/nohang/nohang.conf', 'earlyoom': '/etc/default/earlyoom',
    'tuned': '/etc/tuned/active_profile', 'cloud': '/etc/cloud/cloud.cfg.d/x.cfg',
    'zram': '/etc/systemd/zram-generator.conf',
    'record': '/var/lib/oom-rescue/swap.json', 'docker': '/var/lib/docker/containers/%s/config.v2.json' % ID,
}


def everything(victim, timeout=8):
    """Each module that reads the machine, and what went wrong with any of them: a list of texts."""
    victim.write('/usr/sbin/nohang', '', 0o755)
    victim.write('/usr/bin/earlyoom', '', 0o755)
    said = []
    for name, arguments in (('memory_facts', {}), ('swappiness', {'value': 10}),
                            ('oom_score_adj', {'process': 'mysqld'}),
                            ('swap_file', {'path': '/swapfile', 'size': '1M'})):
        run = victim.module(name, check=True, timeout=timeout, **arguments)
        if run.hung:
            said.append(name + ' hangs for ever')
        elif run.rss > RSS:
            said.append('%s takes %d MB' % (name, run.rss >> 20))
        elif 'Traceback' in run.output or run.get('failed') and not run.get('msg'):
            said.append('%s ends with %s' % (name, run.output.strip().splitlines()[-1][:80]))
        elif name == 'memory_facts' and run.get('failed'):
            said.append('no facts: ' + run['msg'])
    return said


def log(victim, path, data, owner=0, mode=0o644):
    return victim.write(path, data, mode, owner)


def told(victim, *paths, timeout=20, **options):
    """What oom_log_info says of these logs; there is always one honest report beside the attack."""
    log(victim, '/var/log/honest.log', HONEST)
    run = victim.module('oom_log_info', paths=list(paths) + ['/var/log/honest.log'], timeout=timeout, **options)
    assert not run.hung, 'the diagnosis takes longer than %d s' % timeout
    assert run.rss < RSS, '%d MB of root\'s memory' % (run.rss >> 20)
    assert 'Traceback' not in run.output, 'the end of the whole diagnosis: ' + run.output.strip().splitlines()[-1][:80]
    assert not run.get('failed'), 'the end of the whole diagnosis: ' + str(run.get('msg'))
    return run


def honest(run):
    """Whether the honest report was told."""
    return any(event['source']['path'] == '/var/log/honest.log' for event in run['events'])


def test_arguments_of_200_mb(victim):
    """A process tells the kernel that its command line is 200 MB of memory that it never touches."""
    victim.attacker('big_arguments', 'arg', 200, 'mysqld')
    for name, arguments in (('memory_facts', {}), ('oom_score_adj', {'process': 'mysqld', 'value': 300})):
        run = victim.module(name, **arguments)
        assert not run.get('failed') and run.rss < RSS, '%s takes %d MB' % (name, run.rss >> 20)


def test_a_supervised_process_with_an_environment_of_200_mb(victim):
    """A process below a supervisord has an environment of 200 MB: the module looks for its program's name in it."""
    victim.attacker('big_child', 'supervisord', 'mysqld', 200)
    run = victim.module('oom_score_adj', process='mysqld', value=300)
    assert not run.hung and 'MemoryError' not in run.output, 'a run of root\'s'
    assert run.rss < RSS, '%d MB of root\'s memory' % (run.rss >> 20)


def test_many_processes_with_long_arguments(victim):
    """A hundred processes have 100 kB of arguments each, in words of one letter."""
    victim.attacker('many', 100, 100)
    run = victim.module('memory_facts')
    assert not run.hung and run.seconds < 10 and run.rss < RSS, '%.0f s, %d MB' % (run.seconds, run.rss >> 20)


def test_a_process_with_thousands_of_threads(victim):
    """A process has 2,000 threads, each with a name of its own."""
    victim.attacker('threads', 2000)
    run = victim.module('memory_facts')
    assert not run.hung and run.seconds < 10 and not run.get('failed'), '%.0f s of root\'s time' % run.seconds


@pytest.mark.parametrize('path', list(CONFIGURATION.values()), ids=list(CONFIGURATION))
def test_a_fifo_as_a_configuration(victim, path):
    """A FIFO stands where a configuration, a unit file or the record of this collection is read."""
    victim.write(path, '').unlink()
    os.mkfifo(victim.path(path))
    said = everything(victim, timeout=5)
    assert not said, '; '.join(said)


@pytest.mark.parametrize('how', ['zero', 'sparse', 'lines', 'directory', 'socket', 'brackets', 'bytes'])
def test_a_hostile_configuration(victim, how):
    """Each file of that kind is /dev/zero, 1 GB of nothing, 500,000 lines, a directory, a socket, or 100,000
    brackets.
    """
    for name, path in CONFIGURATION.items():
        file = victim.write(path, '')
        file.unlink()
        if how == 'zero':
            file.symlink_to('/dev/zero')
        elif how == 'sparse':
            with open(file, 'wb') as stream:
                stream.truncate(1 << 30)
        elif how == 'lines':
            file.write_text('vm.swappiness = 10\n' * 500000 if 'sysctl' in name else '# a line of this file\n' * 500000)
        elif how == 'directory':
            file.mkdir()
        elif how == 'socket':
            # A path in /proc/PID/root is too long for an address.
            os.chdir(file.parent)
            socket.socket(socket.AF_UNIX).bind(file.name)
            os.chdir('/')
        elif how == 'brackets':
            file.write_text('[' * 100000)
        else:
            file.write_bytes(bytes(range(256)) * 64)
    said = everything(victim, timeout=10)
    assert not said, '; '.join(said)


@pytest.mark.parametrize('size', [1200, 100000])
def test_brackets_in_a_line_of_json(victim, size):
    """A container prints a line of 1,200 brackets into its log."""
    deep = '[' * size
    log(victim, '/var/log/c.json', '{"log": %s\n{"MESSAGE": "Out of memory: Killed process 1 (a)", "x": %s\n'
        '%s"Out of memory: Killed process"\n' % (deep, deep, deep))
    assert honest(told(victim, '/var/log/c.json'))


@pytest.mark.parametrize('what', ['numbers', 'keys', 'types', 'surrogates', 'huge-number'])
def test_json_that_is_no_record(victim, what):
    """A log's records have numbers for texts, lists for names, halves of surrogates, a number of 5,000 digits."""
    lines = {
        'numbers': '{"MESSAGE": 1e999, "_HOSTNAME": -1, "__REALTIME_TIMESTAMP": "NaN", "x": "Out of memory"}',
        'keys': '{"": {"": []}, "MESSAGE": {"a": "Out of memory: Killed process 1 (a)"}, "_HOSTNAME": [[]]}',
        'types': '{"log": ["Out of memory"], "time": {}, "stream": 7, "MESSAGE": [300, -1, "x"]}',
        'surrogates': '{"MESSAGE": "\\ud800\\udfff\\ud800 Out of memory: Killed process 1 (\\ud800)"}',
        'huge-number': '{"MESSAGE": "Out of memory: Killed process 1 (a)", "_PID": %s, "__REALTIME_TIMESTAMP": "%s"}'
                       % ('9' * 5000, '9' * 5000),
    }
    log(victim, '/var/log/c.json', (lines[what] + '\n') * 50)
    assert honest(told(victim, '/var/log/c.json'))


def _dictionary_of(data, exponent):
    """xz's data with another size of dictionary in its block header, its checksum put right."""
    size = (data[12] + 1) * 4
    header = bytearray(data[12:12 + size - 4])
    place = header.index(b'\x21\x01') + 2
    header[place] = exponent
    return data[:12] + bytes(header) + struct.pack('<I', zlib.crc32(bytes(header))) + data[12 + size:]


def test_an_xz_that_asks_for_a_gigabyte(victim):
    """A log of 40 kB says that it takes a dictionary of 1.5 GiB to unpack, and fills 250 MB of it."""
    data = lzma.compress(b'\0' * (250 << 20), preset=0)
    log(victim, '/var/log/messages-1.xz', _dictionary_of(data, 37))
    assert honest(told(victim, '/var/log/messages-1.xz', memory=3 << 30))


@pytest.mark.parametrize('line', [
    '[    1.0] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n',
    '[    1.0] Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB\n',
    'page allocation failure: order:0, mode:0x20\n',
    'Out of memory\n',
    '\n',
], ids=['headers', 'victims', 'failures', 'markers', 'empty'])
def test_a_small_gz_of_endless_reports(victim, line):
    """A log of 200 kB unpacks to 30 MB of lines that each begin a report."""
    log(victim, '/var/log/messages-1.gz', gzip.compress(line.encode() * ((30 << 20) // len(line)), 1))
    run = told(victim, '/var/log/messages-1.gz', timeout=15)
    assert honest(run) or len(run['events']) >= 100, 'the honest report is gone'


@pytest.mark.parametrize('kind', ['gz', 'xz', 'bz2'])
def test_a_bomb(victim, kind):
    """A log of a few kB unpacks to a line of 500 MB."""
    if kind == 'gz':
        unit = zlib.compressobj(9, zlib.DEFLATED, 31)
        data = b''.join([unit.compress(b'\0' * (1 << 20)) for _each in range(500)] + [unit.flush()])
    elif kind == 'xz':
        data = lzma.compress(b'a' * (100 << 20), preset=0)
    else:
        data = bz2.compress(b'a' * (100 << 20))
    log(victim, '/var/log/messages-1.' + kind, data)
    assert honest(told(victim, '/var/log/messages-1.' + kind, timeout=30))


def test_a_line_of_500_mb(victim):
    """A log is one line of 500 MB, of holes, without an end."""
    with open(log(victim, '/var/log/big.log', 'Out of memory: '), 'r+b') as stream:
        stream.truncate(500 << 20)
    assert honest(told(victim, '/var/log/big.log', timeout=30))


@pytest.mark.parametrize('how', ['fifo', 'device', 'directory', 'loop', 'socket', 'tty'])
def test_a_rotated_log_that_is_no_file(victim, how):
    """In a directory of logs that a service owns, messages-20260101.gz is a FIFO, a device, a directory, a link to
    itself.
    """
    victim.directory('/var/log/app', owner=NOBODY)
    file = victim.path('/var/log/app/messages-20260101.gz')
    if how == 'fifo':
        os.mkfifo(file)
    elif how in ('device', 'tty'):
        file.symlink_to('/dev/zero' if how == 'device' else '/dev/ptmx')
    elif how == 'directory':
        file.mkdir()
    elif how == 'socket':
        os.chdir(file.parent)
        socket.socket(socket.AF_UNIX).bind(file.name)
        os.chdir('/')
    else:
        file.symlink_to(file.name)
    assert honest(told(victim, '/var/log/app/messages*', timeout=10))


@pytest.mark.parametrize('how', ['link', 'directory', 'hardlink'])
def test_a_log_that_is_a_link_to_a_secret(victim, how):
    """In his directory of logs a service's user makes a link to a file that only root may read."""
    victim.directory('/root/secret', 0o700)
    victim.write('/root/secret/app.log', 'fork: Cannot allocate memory, password=hunter2\n'
                 '[    1.0] Out of memory: Killed process 1 (hunter2) total-vm:1kB, anon-rss:1kB, file-rss:0kB\n',
                 0o600)
    victim.directory('/var/log/app', owner=NOBODY)
    if how == 'link':
        victim.path('/var/log/app/app.log').symlink_to('/root/secret/app.log')
        os.lchown(victim.path('/var/log/app/app.log'), NOBODY, NOBODY)
    elif how == 'directory':
        victim.directory('/srv/app', owner=NOBODY)
        victim.path('/srv/app/log').symlink_to('/root/secret')
        os.lchown(victim.path('/srv/app/log'), NOBODY, NOBODY)
    else:
        victim.directory('/root/secret/app', owner=NOBODY)
        os.link(victim.path('/root/secret/app.log'), victim.path('/root/secret/app/app.log'))
    pattern = {'link': '/var/log/app/*.log', 'directory': '/srv/app/log/*.log',
               'hardlink': '/root/secret/app/*.log'}[how]
    run = told(victim, pattern, fork_failures=True)
    assert 'hunter2' not in run.output, 'a line of a file that only root may read'


def test_a_log_that_becomes_a_link_to_a_secret_while_it_is_opened(victim):
    """A service's user exchanges his log, as fast as he can, for a link to a file that only root may read."""
    victim.directory('/root/secret', 0o700)
    victim.write('/root/secret/app.log', '[    1.0] Out of memory: Killed process 1 (hunter2) total-vm:1kB, '
                 'anon-rss:1kB, file-rss:0kB\n', 0o600)
    victim.directory('/var/log/app', owner=NOBODY)
    victim.attacker('exchange', '/var/log/app', '/root/secret')
    for _attempt in range(5):
        run = told(victim, *['/var/log/app/%s*/app.log' % ('[a-z]' * number) for number in range(1, 9)])
        assert 'hunter2' not in run.output, 'a line of a file that only root may read'


def test_a_users_link_hides_no_log(victim):
    """In a directory of logs a service's user makes a link to the log in which his kill is told."""
    log(victim, '/var/log/app.messages', REPORT)
    victim.directory('/var/log/app', owner=NOBODY)
    victim.path('/var/log/app/0.messages').symlink_to('/var/log/app.messages')
    os.lchown(victim.path('/var/log/app/0.messages'), NOBODY, NOBODY)
    run = told(victim, '/var/log/app/*.messages', '/var/log/*.messages')
    assert run['events'], 'the log is not read'


@pytest.mark.parametrize('before', [
    'Nov 28 01:02:03 victim kernel: ', '2026-11-28T01:02:03+00:00 victim kernel: ',
    '<4>1 2026-11-28T01:02:03Z victim kernel - - - ', '<4>Nov 28 01:02:03 victim kernel: ', '<4>', 'kern  :warn  : ',
    'app.log:Nov 28 01:02:03 victim kernel: ', 'x | y kernel: ', '[2026-11-28T01:02:03Z] victim kernel: '])
def test_a_plain_syslog_line_is_nobodys_word(victim, before):
    """A user writes a whole report with `logger -t kernel`, or into his own log: it looks as the kernel's own."""
    for path, owner in (('/var/log/messages', 0), ('/var/log/app.log', NOBODY)):
        log(victim, path, ''.join(before + line + '\n' for line in REPORT.splitlines()), owner)
        run = told(victim, path)
        trusted = [event['trusted'] for event in run['events'] if event['source']['path'] == path]
        assert trusted and all(value is not True for value in trusted), 'trusted: true'


def test_a_record_of_the_journal_in_a_users_log_is_nobodys_word(victim):
    """A user writes records of the journal with the kernel's transport into a log of his own."""
    record = {'_TRANSPORT': 'kernel', '_HOSTNAME': 'victim', '__REALTIME_TIMESTAMP': '1795827723000000'}
    text = ''.join(json.dumps(dict(record, MESSAGE=re.sub(r'^\[.*?\] ', '', line)), separators=(',', ':')) + '\n'
                   for line in REPORT.splitlines())
    log(victim, '/var/log/app.log', text, NOBODY)
    run = told(victim, '/var/log/app.log')
    trusted = [event['trusted'] for event in run['events'] if event['source']['path'] == '/var/log/app.log']
    assert trusted and all(value is not True for value in trusted), 'trusted: true'


def test_a_shortage_of_another_host_is_no_verdict_on_this_one(victim):
    """A user writes a report with another host's name into the syslog, which is newer than all of this host's own."""
    log(victim, '/var/log/messages', forged('elsewhere', 1 << 20))
    run = victim.module('oom_log_info', sources=['files'])
    assert not run['verdict'], run['verdict']['sentence']


def forged(host='victim', kib=69206016, swap_kib=0):
    """A report of a shortage of 66 GiB, as plain syslog lines of a host; its swap is full."""
    words = (
        'mysqld invoked oom-killer: gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0',
        'CPU: 1 PID: 900 Comm: mysqld Not tainted 6.1.0-18-amd64 #1', 'Mem-Info:',
        'active_anon:0 inactive_anon:%d isolated_anon:0' % (kib // 4), '%d pages RAM' % (kib // 4),
        '0 pages HighMem/MovableOnly', '0 pages reserved', 'Free swap  = 0kB', 'Total swap = %dkB' % swap_kib,
        'Tasks state (memory values in pages):',
        '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name',
        '[    900]     0   900 %d %d  4096000        0             0 mysqld' % (kib // 4, kib // 4),
        '[    901]     0   901 %d %d  4096000        0             0 hog' % (kib // 4, kib // 4),
        'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=mysqld',
        ('Out of memory: Killed process 900 (mysqld) total-vm:%dkB, anon-rss:%dkB, file-rss:0kB, '
         'shmem-rss:0kB, UID:0 pgtables:4000kB oom_score_adj:0' % (kib, kib)))
    return ''.join('Nov 28 01:02:0%d %s kernel: [  100.%06d] %s\n' % (index % 6, host, index, line)
                   for index, line in enumerate(words))


@pytest.mark.parametrize('text', [
    '{{ lookup("pipe", "touch /tmp/owned") }}', '{% raw %}', '<script>alert(1)</script>', '\x1b[2Jfatal', '\u202egnp',
    '%n%s%(x)s', '${PATH}`id`', '"; DROP', '!!python/object/apply:os.system ["touch /tmp/owned"]'],
    ids=['jinja', 'raw', 'html', 'escape', 'bidi', 'format', 'shell', 'quote', 'yaml'])
def test_a_name_in_a_report(victim, text):
    """A process that the kernel kills has a template, a tag, an escape or a command for its name."""
    # The kernel cuts a name at 15 bytes; whoever writes into a log does not.
    log(victim, '/var/log/messages', REPORT.replace('(python3)', '(%s)' % text[:15]))
    log(victim, '/var/log/syslog', REPORT.replace('190.', '390.').replace('(python3)', '(%s)' % text))
    run = told(victim, '/var/log/messages', '/var/log/syslog')
    assert not victim.path('/tmp/owned').exists(), 'a command run'
    assert '\x1b' not in json.dumps(run, ensure_ascii=False), 'an escape in the result'
    assert honest(run)


def test_hundreds_of_logs(victim):
    """A service leaves 3,000 empty files and 300 with a report where the pattern of its logs looks."""
    victim.directory('/var/log/app', owner=NOBODY)
    for number in range(3000):
        log(victim, '/var/log/app/a.log.%d' % number, '' if number % 10 else REPORT, NOBODY)
    run = told(victim, '/var/log/app/*', timeout=20)
    assert run.rss < RSS


def test_a_log_that_grows_while_it_is_read(victim):
    """A user writes on to a log as fast as root reads it."""
    log(victim, '/var/log/app.log', '', NOBODY)
    victim.attacker('grow', '/var/log/app.log', 20)
    assert honest(told(victim, '/var/log/app.log', timeout=15))


def test_swap_entries_with_escapes(victim):
    """fstab has mount names that a user gave to a removable disk: escapes, no fields, a million blanks, other bytes."""
    victim.write('/etc/fstab', b'\\040\\134 swap swap \\\n/dev/\\777 none swap sw 0 0\n\xff\xfe none swap sw\n'
                 + b' ' * 1000000 + b'\n/x\\040swap\\012/swapfile none swap sw 0 0\n\0\0\0\n')
    said = everything(victim)
    assert not said, '; '.join(said)


def test_names_of_processes_in_facts(victim):
    """Processes have names with escapes, bidirectional marks, tags and templates; facts go to terminals and pages."""
    for comm in ('\x1b[31mred\x07', '\u202ecod.exe', '<img src=x>', '{{ 7*7 }}'):
        victim.attacker('disguised', json.dumps({'comm': comm}))
    play = victim.play('diagnose', report_dir='/root/report')
    assert play.status == 0 and b'\x1b' not in play.output and b'\x07' not in play.output, 'an escape on the terminal'
    page = next(pathlib.Path(victim.path('/root/report')).glob('*.html')).read_text()
    assert not set(page) & set('\x1b\x07\u202e') and '<img' not in page, 'raw escapes or tags in the page'


@pytest.mark.parametrize('swap', [0, 3])
def test_a_log_asks_for_as_much_swap_as_there_is_ram(victim, swap):
    """A user forges a shortage of a host with this one's name and RAM, and full swap, to have more made than the rule
    gives.
    """
    pages, page = os.sysconf('SC_PHYS_PAGES'), os.sysconf('SC_PAGE_SIZE')
    ram = pages * page
    log(victim, '/var/log/messages', forged(kib=ram >> 10, swap_kib=swap * ram >> 10))
    victim.play('remediate', '--check', report_dir='/root/report')
    told = json.loads(victim.path('/root/report/report.json').read_text())['hosts'][0]
    size = next(row['size_bytes'] for row in told['remedies'] if row['name'] == 'swap')
    assert told['verdict'], 'the log was not read'
    assert size <= (4 << 30 if ram > 8 << 30 else 2 * ram + (1 << 30)), 'swap of %d GiB' % (size >> 30)


@pytest.mark.parametrize('host', ['victim', 'elsewhere'])
def test_a_log_asks_for_66_gib_of_swap(victim, host):
    """A user forges a shortage of 66 GiB on this host, or one of another host, to have root fill the disk with swap."""
    log(victim, '/var/log/messages', forged(host))
    play = victim.play('remediate', '--check')
    assert '66 GiB' not in play.text and 'swap of 6' not in play.text and '132' not in play.text, next(
        line.strip() for line in play.text.splitlines() if 'swap of' in line or '66 GiB' in line)
