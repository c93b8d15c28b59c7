# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's command line at the next boot, as the boot loader hands it over."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .answers import no, unknown, yes

_GRUB = ('/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/boot/efi/EFI/debian/grub.cfg')
_RAW = ('/boot/firmware/cmdline.txt', '/boot/cmdline.txt')
_EXTLINUX = ('/boot/extlinux/extlinux.conf', '/boot/syslinux/syslinux.cfg', '/boot/extlinux.conf')
_GRUB_VARIABLES = ('/boot/grub/grubenv', '/boot/efi/EFI/redhat/grubenv', '/boot/efi/EFI/centos/grubenv',
                   '/boot/efi/EFI/rocky/grubenv', '/boot/efi/EFI/almalinux/grubenv', '/boot/grub2/grubenv')
_ENTRIES = ('/boot/loader/entries', '/boot/efi/loader/entries', '/efi/loader/entries')


def kernel_says(view, find):
    """The answer on a word of the kernel's command line; ``find`` is a callable (words -> the word or None).

    The command line that the boot loader will hand over counts, if it can be read; else the one of this boot.
    """
    running = find((view.read('/proc/cmdline') or '').split())
    loader = _loader_lines(view)
    told = [(path, find(words)) for path, words in loader]
    said = [(path, word) for path, word in told if word]
    if said:
        path, word = said[0]
        if len(said) == len(told):
            return no('%s is on the kernel\'s command line (%s)' % (word, path))
        return unknown('%s is on the kernel\'s command line in %s, which may be what the next boot takes' % (
            word, path), 'cat /proc/cmdline, after the next boot')
    if running and loader:
        path, dummy = loader[0]
        return unknown('%s is on the running kernel\'s command line, and not in %s' % (running, path),
                       'cat /proc/cmdline, after the next boot')
    return no('%s is on the kernel\'s command line (/proc/cmdline)' % running) if running else yes()


def next_words(view):
    """The words of the kernel's command line at the next boot: the boot loader's first, else those of this boot."""
    return command_lines(view)[-1][1]


def command_lines(view):
    """[(path, words)] of the kernel's command line of this boot, and of the boot loader's first if that can be read."""
    return [('/proc/cmdline', (view.read('/proc/cmdline') or '').split())] + _loader_lines(view)[:1]


def _loader_lines(view):
    """[(path, words)] of the command lines that the boot loader may hand over; of grub.cfg only that of the first
    entry.
    """
    found = []
    for directory in _ENTRIES:
        for name in view.listdir(directory):
            path = '%s/%s' % (directory, name)
            match = re.search(r'(?m)^[ \t]*options[ \t]+(.*)$', view.read(path) or '')
            found += [(path, _expanded(view, match.group(1)).split())] if match else []
    if found:
        return found
    for path in _GRUB:
        match = re.search(r'(?m)^[ \t]*linux(?:16|efi)?[ \t]+(.*)$', view.read(path) or '')
        if match:
            return [(path, match.group(1).split())]
    for path in _EXTLINUX:
        match = re.search(r'(?mi)^[ \t]*append[ \t]+(.*)$', view.read(path) or '')
        if match:
            return [(path, match.group(1).split())]
    return [(path, view.read(path).split()) for path in _RAW if view.read(path)]


def _expanded(view, text):
    """The options of an entry with the variables that GRUB has for them, as on EL 8 ``$kernelopts``."""
    if '$' not in text:
        return text
    known = {}
    for path in _GRUB_VARIABLES:
        known.update(re.findall(r'(?m)^(\w+)=(.*)$', view.read(path) or ''))
    return re.sub(r'\$\{?(\w+)\}?', lambda match: known.get(match.group(1), ''), text)
