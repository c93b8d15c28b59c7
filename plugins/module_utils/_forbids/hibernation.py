# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place from which a host wakes up from hibernation. If the area is made anew or removed, the image is lost."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.reader import FAILURES

_COMMAND_LINE, _OFFSET = '/proc/cmdline', '/sys/power/resume_offset'
# The command line of the next boot; the options are in kernel-parameters.txt.
_BOOT_FILES = ('/etc/default/grub', '/etc/kernel/cmdline', '/boot/cmdline.txt', '/boot/firmware/cmdline.txt')
_PARTS = ('/etc/default/grub.d', '/boot/loader/entries')
_INITRAMFS = ('/etc/initramfs-tools/conf.d', '/etc/dracut.conf.d')
_OPTION = re.compile(r'(?<![\w.])(resume|resume_offset)=["\']?([^\s"\']+)')
_NO_RESUME = re.compile(r'(?<![\w.-])(?:noresume|hibernate=no|nohibernate)(?![\w=-])')
_RESUME = re.compile(r'(?m)^\s*RESUME=["\']?([^\s"\']+)')


def resume(host):
    """{device, offset, where}: from what a host wakes up; None if it is told of nothing.

    ``device`` is the text of ``resume=``. ``offset`` is the number of pages of ``resume_offset=``, or None: with it the
    image is in a file that begins there on the device. ``where`` is the file that says so.
    """
    for path in _files(host):
        text = '\n'.join(line for line in _text(host, path).splitlines() if not line.lstrip().startswith('#'))
        if path == _COMMAND_LINE and _NO_RESUME.search(text):
            return None
        options = dict(_OPTION.findall(text))
        named = _RESUME.search(text) if path.startswith(_INITRAMFS[0]) else None
        if named and named.group(1) not in ('none', 'auto'):
            options.setdefault('resume', named.group(1))
        offset = options.get('resume_offset', '')
        if options:
            return {'device': options.get('resume'), 'offset': int(offset) if offset.isdigit() else None, 'where': path}
    # What a running kernel was told since, by a script or by the last hibernation.
    offset = _text(host, _OFFSET).strip()
    if offset.isdigit() and int(offset):
        return {'device': _text(host, '/sys/power/resume').strip(), 'offset': int(offset), 'where': _OFFSET}
    return None


def _files(host):
    directories = ['%s/%s' % (directory, name) for directory in _PARTS + _INITRAMFS for name in host.listdir(directory)]
    return [_COMMAND_LINE] + list(_BOOT_FILES) + directories


def _text(host, path):
    try:
        return host.read(path) or ''
    except FAILURES:
        return ''
