# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of files for tests of what a boot will do."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from fake_node import Node

ROOT = '24 1 254:1 / / rw - ext4 /dev/vda1 rw\n'
LINE = '/swapfile none swap sw,nofail 0 0\n'
ON_DATA = '/data/swapfile none swap sw,nofail 0 0\n'
UNITS = '/etc/systemd/system/'


def host(root, files, init='systemd', cmdline='root=/dev/vda1'):
    """A host of files, {path: text, ``@target`` for a link, ``!text`` for a program}; the swap file is there."""
    node = Node(root)
    node.host.status = lambda path, follow=True: status(node, path, follow)
    node.file('/proc/1/comm', init + '\n')
    node.file('/proc/cmdline', cmdline + '\n')
    node.file('/proc/self/mountinfo', ROOT)
    node.file('/swapfile', 'swap')
    node.file('/data/swapfile', 'swap')
    for path, text in sorted(files.items()):
        if text.startswith('@'):
            node.link(path, text[1:])
        else:
            node.file(path, text.lstrip('!'))
            if text.startswith('!'):
                os.chmod(node.path(path), 0o755)
    return node


def status(node, path, follow):
    try:
        return (os.stat if follow else os.lstat)(node.path(path))
    except OSError:
        return None


def rc_local(*lines):
    return {'/etc/rc.local': '!#!/bin/sh -e\n%s\n' % '\n'.join(lines)}


def service(start, **more):
    """An enabled service of the administrator's."""
    text = '[Service]\nExecStart=%s\n' % start
    return dict({UNITS + 'tune.service': text, UNITS + 'multi-user.target.wants/tune.service': '@../tune.service'},
                **more)


def with_line(**files):
    return dict({'/etc/fstab': LINE}, **files)
