# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file that is there now is there after the next boot, as it is."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from .._node import fstab, mounts
from .._node.privilege import is_container
from .._systemd import systemd
from . import tmpfiles
from .answers import no, unknown, worst, yes
from .kernel_line import kernel_says

_IN_MEMORY = ('tmpfs', 'ramfs', 'rootfs', 'devtmpfs')
# Alpine's root in memory, of which `lbu commit` keeps /etc.
_KEPT_BY_HAND = '/etc/lbu/lbu.conf'
# What has an initramfs lay memory over the root: overlayroot, raspi-config, live-boot, casper, dracut, systemd.
_OVER_ROOT = ('overlayroot=', 'boot=overlay', 'boot=live', 'boot=casper', 'rd.live.', 'rd.overlay', 'systemd.volatile=')
_KEPT_ALL_THE_SAME = ('persistence', 'persistent', 'overlayroot=disabled', 'systemd.volatile=no')
_TAKES = re.compile(
    r'(?:^|[\s(/])(rm|unlink|shred|truncate|mkfs[.\w]*|mv|cp|install|ln|rsync|tee|dd|sed|perl)\s+(.*)')
_QUOTES = re.compile(r'["\']')


def keeps(host, view, units, commands, path):
    """The answer on whether a file is there after the next boot as it is now."""
    if is_container(host):
        # What its engine keeps of it nothing here tells; it is asked of the container's swap alone.
        return yes()
    return worst([_on_disk(host, view, path), hidden(host, view, units, path), taken(view, units, commands, path)])


def _on_disk(host, view, path):
    table = mounts.mounts(host)
    mount = mounts.mount_of(table, path)
    if mount is None:
        return yes()
    gone = no('%s is in memory (%s on %s), and gone with this boot' % (path, mount['filesystem'], mount['mount_point']))
    if mount['filesystem'] in _IN_MEMORY:
        return unknown(gone['why'] + ' unless `lbu commit` keeps it') if view.exists(_KEPT_BY_HAND) else gone
    if mount['filesystem'] == 'overlay':
        return _in_overlay(view, table, mount, path, gone)
    return kernel_says(view, lambda words: next((word for word in words if word == 'systemd.volatile=yes'), None))


def _in_overlay(view, table, mount, path, gone):
    """The answer for a file on overlayfs: what was written is where its upper directory is."""
    upper = next((option.partition('=')[2] for option in mount['options'] if option.startswith('upperdir=')), None)
    if upper is None:
        return yes()
    # An initramfs has the root itself below this.
    upper = re.sub(r'^/sysroot(?=/)', '', upper)
    below = mounts.mount_of([each for each in table if each is not mount], upper)
    if below and view.is_directory(upper):
        return gone if below['filesystem'] in _IN_MEMORY else yes()
    words = (view.read('/proc/cmdline') or '').split()
    word = next((word for word in words if word.startswith(_OVER_ROOT)), None)
    if word and not any(word.startswith(_KEPT_ALL_THE_SAME) for word in words):
        return no('%s is in memory: the kernel\'s command line says %s' % (path, word))
    return unknown('%s is on overlayfs, and where that keeps what is written is not seen here' % path,
                   'ls %s, after the next boot' % path) if mount['mount_point'] == '/' else yes()


def hidden(host, view, units, path):
    """The answer on whether a boot mounts something over a directory that a file is in, which is not mounted now."""
    table = mounts.mounts(host)
    points = set(each['mount_point'].rstrip('/') for each in table)
    now = ((mounts.mount_of(table, path) or {}).get('mount_point') or '/').rstrip('/')
    parts = path.split('/')
    for above in ['/'.join(parts[:count]) for count in range(2, len(parts))]:
        if len(above) <= len(now) or above in points:
            continue
        words = '%s is hidden by what a boot mounts on %s' % (path, above)
        for row in fstab.parse(view.read(fstab.PATH)):
            if row['mount_point'].rstrip('/') == above and row['type'] != 'swap':
                told = '%s (%s line %d)' % (words, fstab.PATH, row['line'] + 1)
                return unknown(told) if 'noauto' in row['options'] else no(told)
        unit = systemd.unit_name(above, '.mount')
        if units is not None and unit in units.started() and units.file_of(unit) and not units.masked(unit):
            return no('%s (%s)' % (words, units.file_of(unit)))
    return yes()


def taken(view, units, commands, path):
    """The answer on whether a command of a boot, or tmpfiles.d, takes a file away or writes another in its place."""
    for command in commands:
        if takes(command.text, path):
            words = '%s changes %s: %s' % (command.place, path, command.text)
            return no(words) if command.certain and path != fstab.PATH else unknown(words, 'ls -l %s, after the next '
                                                                                    'boot' % path)
    line = tmpfiles.removes(view, path) or tmpfiles.replaces(view, path) if units is not None else None
    return unknown('%s may remove %s at boot' % (line, path), 'ls -l %s, after the next boot' % path) if line else yes()


def takes(text, path):
    """True if a command removes a file, or writes another in its place."""
    text = _QUOTES.sub('', text)
    # A file that is added to is none that is written anew.
    if re.search(r'(?<!>)>\|?\s*%s(?![^\s;)])' % re.escape(path), text):
        return True
    match = _TAKES.search(text)
    if not match:
        return False
    program, words = match.group(1), match.group(2).split()
    options = ''.join(word for word in words if word.startswith('-'))
    names = [re.sub(r'^of=', '', word) for word in words if not word.startswith('-') and not word.startswith('if=')]
    last, others = names[-1:], names[:-1]
    if program in ('cp', 'install', 'ln', 'rsync'):
        return _is_meant(last, path) or _lands_on(last, others, path)
    if program == 'mv':
        return _is_meant(names, path) or _lands_on(last, others, path)
    if program in ('sed', 'perl'):
        return 'i' in options and _is_meant(names, path) and (path != fstab.PATH or 'swap' in text)
    if program == 'tee':
        return 'a' not in options and _is_meant(names, path)
    return _is_meant(names, path) or program == 'rm' and bool(re.search('[rR]', options)) and any(
        _is_meant(names, above) for above in _above(path))


def _above(path):
    parts = path.split('/')
    return ['/'.join(parts[:count]) for count in range(2, len(parts))]


def _is_meant(words, path):
    return any(word.rstrip('/') == path or re.search(r'[*?\[]', word) and word.count('/') == path.count('/')
               and fnmatch.fnmatchcase(path, word) for word in words)


def _lands_on(last, others, path):
    """True if what is copied into a directory has the name of a file there."""
    folder, _slash, name = path.rpartition('/')
    return last and last[0].rstrip('/') == folder and any(other.rstrip('/').rsplit('/', 1)[-1] == name
                                                          for other in others)
