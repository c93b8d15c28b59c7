#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has real kernels run out of memory in each way of a table, and says what the ledger of each report names.

    tests/vm/ways.py                     # every way on every kernel that has no report yet; then the table
    tests/vm/ways.py 'cgroup*' -k 7.2    # some ways, on some kernels
    tests/vm/ways.py --fresh tmpfs       # again, also where a report is there
    tests/vm/ways.py --list              # the table of the reports that are there, nothing booted
    tests/vm/ways.py --keep              # the reports that are right become the fixtures of the unit tests
    tests/vm/ways.py --page              # the table of docs/oom-reports.md, by the fixtures

A way boots a kernel of Debian with busybox and eat.c in its initramfs: one program takes memory of one kind until
little is left, says how many bytes it took, and a second one, the straw, takes the rest. What the kernel writes of its
first OOM kill goes to .cache/ways/KERNEL/WAY.dmesg, what was taken to WAY.json beside it, the console to WAY.console.
Ends with 1 if a report is missing or its ledger names another eater, or a share that is wrong by 5 points.
Needs what packages.txt lists.
"""

import argparse
import dataclasses
import fnmatch
import importlib
import json
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from image import CACHE, FIRST_OF_INIT, REPOSITORY, VmError, _mmdebstrap, locked
from machine import EMULATED_CPU, STEADY_CLOCK

STATE = REPOSITORY / '.cache' / 'ways'
UNIT = REPOSITORY / 'tests' / 'unit'
FIXTURES = UNIT / 'fixtures' / 'ways'
# series: suite, architecture, package
KERNELS = {
    '5.10': ('bullseye', 'amd64', 'linux-image-cloud-amd64'),
    '6.1': ('bookworm', 'amd64', 'linux-image-cloud-amd64'),
    '6.12': ('trixie', 'amd64', 'linux-image-cloud-amd64'),
    '7.2': ('forky', 'amd64', 'linux-image-cloud-amd64'),
    '6.1-pae': ('bookworm', 'i386', 'linux-image-686-pae'),
}
WIDE = ('5.10', '6.1', '6.12', '7.2')
BEGIN, END = '=== begin', '=== end'
DISK = ('virtio_pci', 'virtio_blk')
MOUNT = 'mkdir /disk; mount -t ext4 /dev/vda /disk'
MANY = 'echo 100000 > /proc/sys/kernel/threads-max; echo 100000 > /proc/sys/kernel/pid_max'
LO = 'ifconfig lo up; echo 999999 999999 999999 > /proc/sys/net/ipv4/tcp_mem'
LIMIT = 64

sys.path.insert(0, str(UNIT))
importlib.import_module('conftest')
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to run out of memory.

    ``how``: it in words. ``eat``: the function of eat.c, with variables before it. ``kind`` and ``name``: the eater
    that a ledger must name. ``setup``: shell before it. ``counter``: the field of /proc/meminfo by whose growth the
    truth is told, where eat.c cannot count the kernel's own objects; ``gone``: by the loss of free memory. ``straw``:
    what takes the rest, and with which variables. ``says``: what the sentence must say; that is all that is asked where
    ``kind`` is None. ``group``: whether it is a cgroup's limit of LIMIT MiB that is met. ``hidden``: the kernels whose
    reports have no counter for it: the eater is what no counter holds. ``qemu``: more of its command line, or of the
    disk where there is one. ``balloon``: the MiB to which a balloon shrinks the machine.
    """

    how: str
    eat: str
    kind: str
    name: str = None
    setup: str = ':'
    counter: str = None
    straw: str = 'anon'
    says: str = ''
    group: bool = False
    hidden: tuple = ()
    modules: tuple = ()
    kernels: tuple = WIDE
    memory: int = 256
    qemu: tuple = ()
    append: str = ''
    balloon: int = 0
    disk: bool = False


WAYS = {
    'one-process': Way('one process', 'anon', 'process', 'eat'),
    'many-processes': Way('many processes of one name', 'workers', 'processes', 'worker'),
    'fork-bomb': Way('a fork bomb', 'bomb', 'processes', 'bomb', MANY),
    'mlock': Way('memory that a process locked', 'locked', 'process', 'eat'),
    'tmpfs': Way('a file in a tmpfs', 'tmpfs', 'shmem'),
    'sysv-shm': Way('segments of System V', 'sysv', 'shmem'),
    'memfd': Way('a memfd', 'memfd', 'shmem'),
    'mlock-file': Way('a file on a disk, locked', 'lockedfile', 'locked', setup=MOUNT, disk=True),
    'page-tables': Way('page tables of a sparse mapping', 'pagetables', 'page_tables'),
    'dentries': Way('names in a tmpfs', 'dentries', 'slab_reclaimable'),
    'inodes': Way('empty files in a tmpfs', 'inodes', 'slab_unreclaimable', counter='SUnreclaim'),
    'keys': Way('a leak of keys', 'keys', 'slab_unreclaimable',
                setup='cd /proc/sys/kernel/keys; echo 9999999 > root_maxkeys; echo 2000000000 > root_maxbytes; cd /'),
    'sockets': Way('a leak of sockets', 'sockets', 'slab_unreclaimable', counter='SUnreclaim',
                   setup='echo 9999999 > /proc/sys/fs/file-max'),
    'pipes': Way('pipes that nobody reads', 'pipes', 'unaccounted', hidden=WIDE, memory=384),
    'socket-buffers': Way('TCP that nobody reads', 'tcp', 'unaccounted', setup=LO, hidden=WIDE,
                          memory=384),
    'threads': Way('kernel stacks of threads', 'threads', 'kernel_stacks', setup=MANY),
    'vmalloc': Way('arrays of BPF', 'vmalloc', 'unaccounted', hidden=WIDE, memory=384),
    'percpu': Way('arrays of BPF for each CPU', 'percpu', 'unaccounted', hidden=WIDE, counter='gone', memory=384),
    'huge-pages': Way('huge pages in reserve', 'AT_MOST=0 eat nothing', 'hugepages', counter='Hugetlb',
                      setup='echo 64 > /proc/sys/vm/nr_hugepages'),
    'balloon': Way('a balloon of virtio', 'MARGIN=40 eat nothing', None, counter='gone', says='balloon',
                   modules=('virtio_pci', 'virtio_balloon'),
                   qemu=('-device', 'virtio-balloon-pci'), balloon=90),
    'page-cache': Way('dirty pages of a disk that does not answer', 'disk', 'page_cache', disk=True,
                      setup=MOUNT + '; echo 9000000000 > /proc/sys/vm/dirty_bytes',
                      qemu=('throttling.bps-write=4096',)),
    'zram': Way('a full swap device in RAM', 'AT_MOST=96 eat zram', 'zram', hidden=('5.10', '6.1', '6.12'),
                modules=('lzo', 'lzo_rle', 'zram'),
                setup='echo 100M > /sys/block/zram0/disksize; mkswap /dev/zram0; swapon /dev/zram0'),
    'cgroup-anon': Way('a cgroup: one process', 'anon', 'process', 'eat', group=True),
    'cgroup-shmem': Way('a cgroup: a file in a tmpfs', 'tmpfs', 'shmem', group=True),
    'cgroup-dentries': Way('a cgroup: names in a tmpfs', 'dentries', 'slab_reclaimable', group=True),
    'cgroup-inodes': Way('a cgroup: empty files in a tmpfs', 'inodes', 'slab_unreclaimable', group=True,
                         counter='slab_unreclaimable'),
    'cgroup-sock': Way('a cgroup: TCP that nobody reads', 'tcp', 'sockets', setup=LO, group=True),
    'cgroup-page-tables': Way('a cgroup: page tables', 'pagetables', 'page_tables', group=True, hidden=('5.10',)),
    'cgroup-threads': Way('a cgroup: kernel stacks', 'threads', 'kernel_stacks', setup=MANY, group=True),
    'cgroup-pipes': Way('a cgroup: pipes', 'pipes', 'other', 'kernel memory', group=True, hidden=('5.10',)),
    'numa-node': Way('a process bound to a NUMA node', 'anon', 'process', 'eat', memory=320,
                     setup='export NODE=/sys/devices/system/node/node1 NODE_NUMBER=1',
                     qemu=('-object', 'memory-backend-ram,id=m0,size=200M', '-numa', 'node,nodeid=0,memdev=m0,cpus=0',
                           '-object', 'memory-backend-ram,id=m1,size=120M', '-numa', 'node,nodeid=1,memdev=m1')),
    'order-3': Way('no piece of 32 KiB: every second page is free', 'fragments', 'unaccounted', straw='order3',
                   hidden=WIDE, memory=384, says='fragmented'),
    # Keys outlive whoever made them: the kernel kills everybody and panics, and only its console tells of it. At a
    # random place it may lie above the low memory that is left to it, and end before it says anything.
    'low-memory': Way('low memory of 32 bits', 'keys', 'slab_unreclaimable', straw='keys', kernels=('6.1-pae',),
                      says='Low memory', memory=512, append='highmem=256M loglevel=7 nokaslr',
                      setup='cd /proc/sys/kernel/keys; echo 9999999 > root_maxkeys; echo 2000000000 > root_maxbytes; '
                            'cd /'),
}
INIT = FIRST_OF_INIT + """mount -t tmpfs -o size=100%%,nr_inodes=0 tmpfs /tmp
cd /sys/fs/cgroup
echo +memory > cgroup.subtree_control
mkdir limited
cd /
numbers() { cat /proc/meminfo /sys/fs/cgroup/limited/memory.stat; }
numbers > /before
for module in /modules/*; do test -f $module && insmod $module; done
rm -r /modules
%(setup)s
dmesg -c > /dev/null
enter() { :; }
%(enter)s
(enter; env %(eat)s; test -e /taken || { dmesg | tail -n 99; echo o > /proc/sysrq-trigger; }) 2>&1 &
until test -e /taken; do sleep 0.2; done
numbers > /after
echo '%(begin)s'
cat /taken
for name in before after; do echo $name; cat $name; done
echo log
(enter; TAKEN=/dev/null MARGIN=-1000000; export TAKEN MARGIN; exec straw %(straw)s) &
until dmesg | grep -q 'Killed process'; do sleep 0.5; done
# Else it has the kernel kill on, whoever reads this among them.
kill -9 $!
sleep 1
dmesg
echo '%(end)s'
echo o > /proc/sysrq-trigger
sleep 60
"""
GROUP = """enter() { echo 0 > /sys/fs/cgroup/limited/cgroup.procs; }
echo %dM > /sys/fs/cgroup/limited/memory.max
export GROUP=/sys/fs/cgroup/limited MARGIN=6""" % LIMIT
APPLETS = ('sh', 'mount', 'mkdir', 'dmesg', 'sleep', 'cat', 'echo', 'rm', 'tail', 'insmod', 'test', 'grep', 'env',
           'ifconfig', 'mkswap', 'swapon')


def kernel_tree(series):
    """The directory of an unpacked kernel package of Debian."""
    suite, architecture, package = KERNELS[series]
    path = CACHE / 'kernels' / series
    with locked(path):
        if not path.exists():
            partial = path.with_suffix('.part')
            shutil.rmtree(partial, ignore_errors=True)
            _mmdebstrap(suite, [package] + (['busybox-static'] if architecture == 'i386' else []), partial,
                        ['--variant=extract', '--architectures=' + architecture,
                         '--aptopt=APT::Install-Recommends "false"'])
            partial.rename(path)
    return path


def kernel_file(tree):
    (kernel,) = list(tree.glob('boot/vmlinuz-*')) + list(tree.glob('usr/lib/modules/*/vmlinuz'))
    return kernel


def modules(tree, names):
    """[(name, the module's bytes)] of modules and what they need, in the order to load them; built-in ones left out."""
    found = {}

    def add(name):
        paths = list(tree.glob('**/kernel/**/%s.ko*' % name.replace('_', '[-_]')))
        if name in found or not paths:
            return
        data = paths[0].read_bytes()
        data = lzma.decompress(data) if paths[0].suffix == '.xz' else data
        needed = re.search(rb'\0depends=([^\0]*)\0', data)
        for other in needed.group(1).decode().split(',') if needed else ():
            add(other)
        found[name] = data

    for name in names:
        add(name)
    return list(found.items())


def initramfs(way, series, scratch):
    """The path of an initramfs that runs a way."""
    tree, root = kernel_tree(series), scratch / 'root'
    for name in ('bin', 'proc', 'sys', 'dev', 'tmp', 'modules'):
        (root / name).mkdir(parents=True)
    narrow = KERNELS[series][1] == 'i386'
    shutil.copy(tree / 'bin' / 'busybox' if narrow else shutil.which('busybox'), root / 'bin' / 'busybox')
    for name in APPLETS:
        (root / 'bin' / name).symlink_to('busybox')
    subprocess.run(['gcc', '-static', '-O1', '-s', *(['-m32'] if narrow else []), '-o', str(root / 'bin' / 'eat'),
                    str(pathlib.Path(__file__).with_name('eat.c'))], check=True)
    (root / 'bin' / 'straw').symlink_to('eat')
    for number, (name, data) in enumerate(modules(tree, way.modules + (DISK if way.disk else ()))):
        (root / 'modules' / ('%02d-%s' % (number, name))).write_bytes(data)
    (root / 'init').write_text(INIT % {
        'setup': way.setup, 'eat': way.eat if ' ' in way.eat else 'eat ' + way.eat, 'straw': way.straw,
        'enter': GROUP if way.group else '', 'begin': BEGIN, 'end': END})
    (root / 'init').chmod(0o755)
    packed = scratch / 'initramfs'
    with open(packed, 'wb') as stream:
        subprocess.run('find . | cpio --quiet -o -H newc', shell=True, cwd=root, stdout=stream, check=True)
    return packed


def boot(way, series, scratch, seconds=1200):
    """What the console of a machine shows that runs a way."""
    argv = ['qemu-system-x86_64', '-nodefaults', '-display', 'none', '-no-reboot', '-m', str(way.memory), '-cpu',
            EMULATED_CPU, '-kernel', str(kernel_file(kernel_tree(series))), '-initrd',
            str(initramfs(way, series, scratch)), '-serial', 'file:%s' % (scratch / 'console'), '-monitor', 'stdio',
            '-append', 'console=ttyS0 loglevel=1 panic=-1 %s %s' % (STEADY_CLOCK, way.append)]
    options = list(way.qemu)
    if way.disk:
        disk = scratch / 'disk'
        (scratch / 'files').mkdir()
        with open(scratch / 'files' / 'file', 'wb') as stream:
            stream.truncate(way.memory << 20)
        subprocess.run(['mke2fs', '-q', '-t', 'ext2', '-d', str(scratch / 'files'), str(disk), '400M'],
                       stdout=subprocess.DEVNULL, check=True)
        options = ['-drive', ','.join(['if=virtio,format=raw,file=%s' % disk] + options)]
    with subprocess.Popen(argv + options, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            if way.balloon:
                process.stdin.write(b'balloon %d\n' % way.balloon)
            process.stdin.flush()
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
    return (scratch / 'console').read_text(errors='replace').replace('\r', '')


def first_report(lines):
    """The lines of a log's first OOM kill, from the one that names who asked for memory to the kill."""
    begin = next(number for number, line in enumerate(lines) if 'invoked oom-killer' in line)
    end = next(number for number in range(begin, len(lines)) if 'Killed process' in lines[number])
    return lines[begin:end + 1]


def number_of(text, name):
    found = re.search(r'^%s:? +(\d+)( kB)?$' % re.escape(name), text, re.M)
    return int(found.group(1)) * (1024 if found.group(2) else 1) if found else None


def truth_of(way, console):
    """{taken_bytes: what the eater took, gone_bytes: what the machine's free memory lost by it}."""
    body, _mark, log = console.partition('\nlog\n')
    taken, _mark, numbers = body.partition('\nbefore\n')
    before, _mark, after = numbers.partition('\nafter\n')
    truth = {'taken_bytes': int(taken), 'gone_bytes': number_of(before, 'MemFree') - number_of(after, 'MemFree')}
    if way.counter == 'gone':
        truth['taken_bytes'] = truth['gone_bytes']
    elif way.counter:
        truth['taken_bytes'] = number_of(after, way.counter) - (number_of(before, way.counter) or 0)
    return truth


def make(name, series):
    """Boot a way on a kernel and keep its report in STATE."""
    way, target = WAYS[name], STATE / series / (name + '.dmesg')
    with tempfile.TemporaryDirectory() as directory:
        console = boot(way, series, pathlib.Path(directory))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix('.console').write_text(console)
    if BEGIN not in console or 'Killed process' not in console.split(BEGIN)[1]:
        raise VmError('no report, its console is in %s' % target.with_suffix('.console'))
    shown = console.split(BEGIN + '\n')[1].split(END)[0]
    target.write_text('\n'.join(first_report(shown.partition('\nlog\n')[2].splitlines())) + '\n')
    kind, eater = expected_of(way, series)
    truth = dict(truth_of(way, shown), kind=kind, name=eater, says=way.says)
    target.with_suffix('.json').write_text(json.dumps(truth, sort_keys=True) + '\n')


def expected_of(way, series):
    """(kind, name) of the eater that the ledger of a kernel's report must name; any name where that is None."""
    return ('unaccounted', None) if series in way.hidden else (way.kind, way.name)


def judge(path, way, series):
    """{eater, share, unaccounted, sentence, wrong} of a report by its ledger; ``wrong`` is empty where it is right."""
    event = read_events([str(path)])['events'][0]
    eater, ledger = eater_of(event['ledger']), event['ledger']
    kind, name = expected_of(way, series)
    truth = json.loads(path.with_suffix('.json').read_text())['taken_bytes'] / ledger['total_bytes']
    wrong = []
    if way.says not in event['cause']:
        wrong.append('does not say %s' % way.says)
    if kind and eater['kind'] != kind or name not in (None, eater['name']):
        wrong.append('not %s' % kind)
    if kind and abs(eater['share'] - truth) > 0.05:
        wrong.append('%.1f %% were taken' % (truth * 100))
    return {'eater': ' '.join(filter(None, [eater['kind'], eater['name']])), 'share': eater['share'],
            'unaccounted': ledger['unaccounted_bytes'] / ledger['total_bytes'], 'sentence': event['cause'],
            'wrong': wrong}


def table(names, kernels, state):
    """(the lines of the table way by kernel, whether every row is there and right)."""
    lines, right = [], True
    for name in names:
        for series in kernels:
            path = state / series / (name + '.dmesg')
            if series not in WAYS[name].kernels:
                continue
            if not path.with_suffix('.json').exists():
                lines.append('%-18s %-8s no report' % (name, series))
                right = False
                continue
            found = judge(path, WAYS[name], series)
            right = right and not found['wrong']
            lines.append('%-18s %-8s %-28s %5.1f %%  %5.1f %% in no counter  %s%s' % (
                name, series, found['eater'], found['share'] * 100, found['unaccounted'] * 100,
                ''.join('WRONG: %s. ' % text for text in found['wrong']), found['sentence']))
    return lines, right


def keep(names, kernels):
    """Copy the reports of STATE that are right to the fixtures."""
    for name in names:
        for series in kernels:
            path = STATE / series / (name + '.dmesg')
            if path.with_suffix('.json').exists() and not judge(path, WAYS[name], series)['wrong']:
                (FIXTURES / series).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, FIXTURES / series)
                shutil.copy(path.with_suffix('.json'), FIXTURES / series)


def cell(found, way):
    """What a page says of one report that judge() looked at."""
    return '%s %d %%' % (found['eater'].split(' ')[0], round(found['share'] * 100)) if way.kind else 'in the sentence'


def page(kernels):
    """The rows of the table in docs/oom-reports.md, of the fixtures."""
    yield '| way | what took it | %s |' % ' | '.join(kernels)
    yield '|---|---|%s' % ('---|' * len(kernels))
    for name, way in WAYS.items():
        cells = []
        for series in kernels:
            path = FIXTURES / series / (name + '.dmesg')
            cells.append(cell(judge(path, way, series), way) if path.exists() else '-')
        yield '| `%s` | %s | %s |' % (name, way.how, ' | '.join(cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ways', nargs='*', help='names of ways, with wildcards')
    parser.add_argument('-k', '--kernels', default=' '.join(KERNELS), help='series, blanks between them')
    parser.add_argument('--fresh', action='store_true', help='boot also where a report is there')
    parser.add_argument('--list', action='store_true', help='boot nothing')
    parser.add_argument('--keep', action='store_true', help='boot nothing, and copy the reports to the fixtures')
    parser.add_argument('--page', action='store_true', help='boot nothing, and print the table of docs/oom-reports.md')
    options = parser.parse_args()
    if options.page:
        print('\n'.join(page(list(KERNELS))))
        return
    kernels = options.kernels.split()
    names = [name for name in WAYS if any(fnmatch.fnmatchcase(name, pattern) for pattern in options.ways or ['*'])]
    for name in () if options.list or options.keep else names:
        for series in kernels:
            there = (STATE / series / (name + '.json')).exists()
            if series in WAYS[name].kernels and (options.fresh or not there):
                print('=== %s on %s' % (name, series), flush=True)
                try:
                    make(name, series)
                except (VmError, StopIteration) as error:
                    print(error or 'no report', flush=True)
    if options.keep:
        keep(names, kernels)
    lines, right = table(names, kernels, STATE)
    print('\n'.join(lines))
    sys.exit(not right)


if __name__ == '__main__':
    main()
