# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a boot opens the encrypted device that a swap area is on (crypttab(5))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

from .._node import fstab, mounts
from . import generators
from .answers import unknown, worst, yes
from .kernel_line import kernel_says, next_words

_CRYPTTAB = '/etc/crypttab'
# With one of these systemd opens nothing that crypttab names (systemd-cryptsetup-generator(8)).
_UNREAD = ('luks=no', 'luks=0', 'luks=off', 'luks.crypttab=no', 'luks.crypttab=0', 'luks.crypttab=off')
# A volume of LVM on an encrypted volume on a RAID.
_DEEPEST = 6


def opened(host, view, path):
    """The answer on whether what a swap file or partition lies on is opened at boot; yes if nothing is encrypted."""
    table = mounts.mounts(host)
    names = _encrypted(host, _number(host, path) if path.startswith('/dev/') else (
        mounts.mount_of(table, path) or {}).get('device'))
    # What the root lies on was opened by then, or there is no boot.
    names -= _encrypted(host, (mounts.mount_of(table, '/') or {}).get('device'))
    unnamed = sorted(names - _named(view.read(_CRYPTTAB)))
    if names:
        unread = worst([generators.own(host, view, 'systemd-cryptsetup-generator'), kernel_says(
            view, lambda words: next((word for word in words if word in _UNREAD), None))])
        if unread['kept'] is not True:
            return unread
    # The initramfs of dracut opens what the kernel's command line names, by UUID.
    if not unnamed or any(word.startswith(('rd.luks.', 'luks.')) for word in next_words(view)):
        return yes()
    return unknown('it is on the encrypted device %s, which no line of %s opens at boot' % (unnamed[0], _CRYPTTAB),
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


def _below(host, directory, levels_left):
    found = set()
    if (host.read(directory + '/dm/uuid') or '').startswith('CRYPT-'):
        found.add((host.read(directory + '/dm/name') or '').strip())
    for slave in host.listdir(directory + '/slaves') if levels_left else []:
        found |= _below(host, '%s/slaves/%s' % (directory, slave), levels_left - 1)
    return found


def _named(text):
    return set(line.split()[0] for line in (text or '').splitlines() if line.strip() and not line.startswith('#'))
