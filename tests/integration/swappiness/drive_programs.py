# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the programs that apply sysctl files apply some, and says what sysctl.py expected of them.

drive_programs.py ROOT SEED CASES, in a mount and a UTS namespace of its own. ROOT is an overlay of a system, whose
sysctl directories this empties; the key is kernel.domainname, which the UTS namespace keeps from the host. Prints JSON.
"""

import importlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'unit'))
importlib.import_module('conftest')  # makes the collection importable

from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import sysctl

KEY = 'kernel.domainname'
RUNTIME = pathlib.Path('/proc/sys/kernel/domainname')
DIRECTORIES = ('/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d')
NAMES = ('10-a', '50-b', '99-sysctl', '99-zz', 'zz', 'Z', '5')
FORMS = ('kernel.domainname = %s', 'kernel/domainname=%s', '  kernel.domainname=%s  ', '-kernel.domainname = %s',
         'kernel.domain* = %s', 'kernel/d?mainname=%s', '# kernel.domainname = %s', '; kernel.domainname=%s',
         '-kernel.domainname', '-kernel.dom*', 'kernel.domainname', 'kernel.domainname: %s', '',
         'kernel.domainnam = %s', '-kernel.domain*', 'kernel.domainname = %s  # no comment', 'kernel.*/domainname = %s')
NONE = '(none)'


def a_case(rnd):
    """{path: text, or None for a link to /dev/null}, sometimes with the link to /etc/sysctl.conf."""
    files, value = {}, 0
    for _file in range(rnd.randint(1, 4)):
        path = '%s/%s.conf' % (rnd.choice(DIRECTORIES), rnd.choice(NAMES))
        if rnd.random() < 0.1:
            files[path] = None
            continue
        lines = []
        for _line in range(rnd.randint(0, 3)):
            value += 1
            form = rnd.choice(FORMS)
            lines.append(form % ('v%d' % value) if '%s' in form else form)
        files[path] = '\n'.join(lines) + rnd.choice(['\n', '', '\r\n'])
    if rnd.random() < 0.5:
        files['/etc/sysctl.conf'] = 'kernel.domainname = main\n'
    if rnd.random() < 0.5:
        files['/etc/sysctl.d/99-sysctl.conf'] = '../sysctl.conf'
    return files


def lay(files):
    for directory in DIRECTORIES:
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
    pathlib.Path('/etc/sysctl.conf').unlink(missing_ok=True)
    for path, text in files.items():
        if text is None:
            os.symlink('/dev/null', path)
        elif text == '../sysctl.conf':
            os.symlink(text, path)
        else:
            pathlib.Path(path).write_text(text)


def apply(argv):
    RUNTIME.write_text(NONE)
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return RUNTIME.read_text().strip()


def expected(program, modern):
    value = NONE
    for step in sysctl.assignments(Overlay(Host()), KEY, program, modern):
        value = NONE if step['excludes'] else step['raw']
    return value


def main():
    root, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.chroot(root)
    os.chdir('/')
    version = subprocess.run(['sysctl', '--version'], check=True, stdout=subprocess.PIPE,
                             universal_newlines=True).stdout
    procps = version.split()[-1] >= '4'
    programs = [(sysctl.PROCPS, ['sysctl', '--system'], procps)]
    for path in ('/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl'):
        if os.path.exists(path):
            programs.insert(0, (sysctl.SYSTEMD, [path], True))
            break
    rnd = random.Random(seed)
    rows = []
    for _case in range(cases):
        files = a_case(rnd)
        lay(files)
        for program, argv, modern in programs:
            real = apply(argv)
            # procps 3 writes '=' for '-key' alone, which is no value that a number could have.
            if modern or '=' not in real:
                rows.append({'program': program, 'files': files, 'real': real, 'expected': expected(program, modern)})
    json.dump(rows, sys.stdout)


if __name__ == '__main__':
    main()
