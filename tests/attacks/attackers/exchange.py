# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges a directory, as fast as it can, for a link to another: exchange.py DIRECTORY SECRET."""

import os
import sys

directory, secret = sys.argv[1:3]
os.chdir(directory)
for name in ('a', 'file'):
    os.mkdir(name)
    with open(name + '/app.log', 'w', encoding='ascii') as stream:
        stream.write('a line\n')
print('in place', os.getpid(), flush=True)
while True:
    os.rename('a', 'away')
    os.symlink(secret, 'a')
    os.remove('a')
    os.rename('away', 'a')
    # The log itself as well.
    os.symlink(secret + '/app.log', 'file/link')
    os.rename('file/link', 'file/app.log')
    with open('file/new', 'w', encoding='ascii') as stream:
        stream.write('a line\n')
    os.rename('file/new', 'file/app.log')
