#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OOM reports of real kernels, as fixtures for the log reader: boots each, and has it run out of memory in four ways.

    tests/vm/reports.py                # the newest kernel of each series in the suites below
    tests/vm/reports.py 6.18 7.1       # those of some series
    tests/vm/reports.py linux/arch/x86/boot/bzImage    # a kernel of your own, with MEMCG, SMP, NUMA and MAGIC_SYSRQ

A cgroup over its limit; one with memory.oom.group; the whole machine; sysrq f. What dmesg(1) shows of it goes to
tests/unit/fixtures/oom-linux-VERSION.dmesg. A kernel needs none of its modules for this: it runs busybox from its
initramfs. Needs busybox-static, cpio, dpkg-deb and qemu-system-x86.
"""

import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from image import FIRST_OF_INIT, MIRROR, REPOSITORY
from machine import EMULATED_CPU, STEADY_CLOCK

FIXTURES = REPOSITORY / 'tests' / 'unit' / 'fixtures'
SUITES = ('bullseye', 'trixie-backports')
# Where the image is a package that needs others, the kernel itself is in the second.
PACKAGE = re.compile(r'linux-(?:image|binary)-((\d+\.\d+)\.\d+\S*)-cloud-amd64$')
BEGIN, END = 'reports begin', 'reports end'
INIT = FIRST_OF_INIT + """cd /sys/fs/cgroup
echo +memory > cgroup.subtree_control
mkdir system.slice
echo +memory > system.slice/cgroup.subtree_control
cd system.slice
mkdir limited.service grouped.service hog.service prey.service
echo 30M > limited.service/memory.max
echo 30M > grouped.service/memory.max
echo 1 > grouped.service/memory.oom.group
echo 1 > /proc/sys/kernel/sysrq
# Until it ends: tail keeps all of a line without an end.
hog() {
    sh -c "echo \\$\\$ > $1.service/cgroup.procs; echo $2 > /proc/self/oom_score_adj; $3 exec tail /dev/zero"
}
dmesg -c > /dev/null
hog limited 0
hog grouped 0 'sleep 999 &'
hog hog 300
sh -c 'echo $$ > prey.service/cgroup.procs; echo 1000 > /proc/self/oom_score_adj; exec sleep 999' &
sleep 1
echo f > /proc/sysrq-trigger
wait
sleep 1
echo %s
dmesg
echo %s
echo o > /proc/sysrq-trigger
sleep 60
""" % (BEGIN, END)


def kernels():
    """{series: (version, URL)} of the newest kernel of each series that these suites have."""
    found = {}
    for suite in SUITES:
        url = '%s/dists/%s/main/binary-amd64/Packages.xz' % (MIRROR, suite)
        with urllib.request.urlopen(url) as answer:
            text = lzma.decompress(answer.read()).decode()
        for paragraph in text.split('\n\n'):
            fields = dict(line.split(': ', 1) for line in paragraph.splitlines() if ': ' in line and line[0] != ' ')
            match = PACKAGE.match(fields.get('Package', ''))
            if match:
                version, series = match.groups()
                numbers = [int(number) for number in re.findall(r'\d+', version.split('+')[0])]
                rank = (numbers, 'linux-binary' in fields['Package'])
                if series not in found or found[series][0] < rank:
                    found[series] = (rank, version.split('+')[0], '%s/%s' % (MIRROR, fields['Filename']))
    return {series: found[series][1:] for series in sorted(found, key=lambda name: found[name][0])}


def initramfs(scratch):
    """The path of an initramfs that runs INIT."""
    root = scratch / 'root'
    for name in ('bin', 'proc', 'sys', 'dev'):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which('busybox'), root / 'bin' / 'busybox')
    for name in ('sh', 'mount', 'mkdir', 'dmesg', 'tail', 'sleep'):
        (root / 'bin' / name).symlink_to('busybox')
    (root / 'init').write_text(INIT)
    (root / 'init').chmod(0o755)
    packed = scratch / 'initramfs'
    with open(packed, 'wb') as stream:
        subprocess.run('find . | cpio --quiet -o -H newc', shell=True, cwd=root, stdout=stream, check=True)
    return packed


def packed_kernel(url, scratch):
    """The path of the kernel in a package."""
    package, tree = scratch / 'package.deb', scratch / 'tree'
    shutil.rmtree(tree, ignore_errors=True)
    with urllib.request.urlopen(url) as answer:
        package.write_bytes(answer.read())
    subprocess.run(['dpkg-deb', '-x', str(package), str(tree)], check=True)
    (kernel,) = list(tree.glob('boot/vmlinuz-*')) + list(tree.glob('usr/lib/modules/*/vmlinuz'))
    return kernel


def version_of(kernel):
    """``6.14.0`` of a bzImage, Documentation/arch/x86/boot.rst."""
    data = kernel.read_bytes()
    return re.match(rb'[\d.]+', data[0x200 + int.from_bytes(data[0x20E:0x210], 'little') :]).group().decode()


def reports(kernel, initrd):
    """What dmesg(1) shows of the reports of one kernel."""
    done = subprocess.run(
        ['qemu-system-x86_64', '-nodefaults', '-display', 'none', '-no-reboot', '-m', '384', '-cpu', EMULATED_CPU,
         '-kernel', str(kernel), '-initrd', str(initrd), '-serial', 'stdio',
         '-append', 'console=ttyS0 loglevel=1 panic=-1 ' + STEADY_CLOCK],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=900, check=True)
    console = done.stdout.decode().replace('\r', '')
    if BEGIN not in console or END not in console:
        raise SystemExit('%s: no reports. Console:\n%s' % (kernel, console[-3000:]))
    return console.split(BEGIN + '\n')[1].split(END)[0]


def main(names):
    known = {} if names and all('/' in name for name in names) else kernels()
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        initrd = initramfs(scratch)
        for name in names or known:
            kernel = pathlib.Path(name) if '/' in name else None
            version, url = (version_of(kernel), None) if kernel else known[name]
            path = FIXTURES / ('oom-linux-%s.dmesg' % version)
            if path.exists():
                print('%s is there already' % path)
                continue
            path.write_text(reports(kernel or packed_kernel(url, scratch), initrd))
            print(path)


if __name__ == '__main__':
    main(sys.argv[1:])
