# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a boot opens the encrypted device that a swap area is on (crypttab(5))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

from . import fstab, mounts
from .boot_answers import unknown, yes
from .kernel_line import next_words

_CRYPTTAB = '/etc/crypttab'
# A volume of LVM on an encrypted volume on a RAID.
_DEEPEST = 6


def opened(host, view, path):
    """The answer on whether what a swap file or partition lies on is opened at boot; yes if nothing is encrypted."""
    table = mounts.mounts(host)
    names = _encrypted(host, _number(host, path) if path.startswith('/dev/') else (
        mounts.mount_of(table, path) or {}).get('device'))
    # What the root lies on was opened by then, or there is no boot.
    names -= _encrypted(host, (mounts.mount_of(table, '/') or {}).get('device'))
    left = sorted(names - _named(view.read(_CRYPTTAB)))
    # The initramfs of dracut opens what the kernel's command line names, by UUID.
    if not left or any(word.startswith(('rd.luks.', 'luks.')) for word in next_words(view)):
        return yes()
    return unknown('it is on the encrypted device %s, which no line of %s opens at boot' % (left[0], _CRYPTTAB),
                   'swapon --show, after the next boot')


def _number(host, path):
    """``MAJOR:MINOR`` of a device, or None."""
    status = host.status(fstab.device(path))
    if status is None or not stat.S_ISBLK(status.st_mode):
        return None
    return '%d:%d' % (os.major(status.st_rdev), os.minor(status.st_rdev))


def _encrypted(host, number):
    """The names of the encrypted devices that a device is, or lies on."""
    return _below(host, '/sys/dev/block/%s' % number, _DEEPEST) if number else set()


def _below(host, directory, left):
    found = set()
    if (host.read(directory + '/dm/uuid') or '').startswith('CRYPT-'):
        found.add((host.read(directory + '/dm/name') or '').strip())
    for slave in host.listdir(directory + '/slaves') if left else []:
        found |= _below(host, '%s/slaves/%s' % (directory, slave), left - 1)
    return found


def _named(text):
    return set(line.split()[0] for line in (text or '').splitlines() if line.strip() and not line.startswith('#'))
