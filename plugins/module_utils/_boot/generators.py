# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd's generators do at the next boot (systemd.generator(7)): its own, and programs of an administrator."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.privilege import is_container
from .._systemd.boot_units import GENERATORS_OF_ETC, GENERATORS_OF_PACKAGES
from .answers import no, unknown, yes
from .commands import OF_PACKAGES, of_script

# A reboot takes this away, and what wrote there may do so again.
_RUN = '/run/systemd/system-generators'
# Generators that their own `make install` puts below /usr/local, and that add units of their own alone.
_HARMLESS = ('podman-system-generator', 'zfs-mount-generator', 'zram-generator')
# What the images of linuxcontainers.org have: it masks units that a container cannot run.
_OF_CONTAINERS = ('lxc',)
# A script that masks units whose names stand elsewhere.
_MASKS = re.compile(r'\bln\b.*/dev/null')
_READS_NAMES = re.compile(r'\bread\b|\bcat\b|[`]|\$\(')


def own(host, view, name):
    """The answer on whether a generator of systemd's own runs."""
    masked = mask_of(host, view, name)
    if masked:
        return no('%s masks the generator %s: remove it' % (masked, name))
    for directory in GENERATORS_OF_ETC + GENERATORS_OF_PACKAGES:
        path = '%s/%s' % (directory, name)
        status = host.status(view.real(path))
        # A file that may not be run is passed over, and does not hide the next.
        if status is None or not status.st_mode & 0o111:
            continue
        if directory in GENERATORS_OF_ETC and not OF_PACKAGES.match(view.real(path)):
            return unknown('%s runs in the place of systemd\'s own generator' % path,
                           'systemctl list-units, after the next boot')
        return yes()
    if any(entry.startswith('systemd-') and entry.endswith('-generator') for directory in GENERATORS_OF_PACKAGES
           for entry in view.listdir(directory)):
        return no('the generator %s is not there, or may not be run: install systemd\'s files again' % name)
    return yes()


def mask_of(host, view, name):
    """The path, a link to /dev/null or an empty file, that keeps a generator from being run; None if there is none."""
    for path in ['%s/%s' % (directory, name) for directory in GENERATORS_OF_ETC]:
        status = host.status(view.real(path))
        if view.real(path) == '/dev/null' or status is not None and not status.st_size:
            return path
    return None


def of_others(host, view, names):
    """The answer on whether a generator of an administrator may change what a boot does; ``names`` finds in a script
    what is meant. What a program does that is no script nobody can tell.
    """
    for directory in (_RUN,) + GENERATORS_OF_ETC:
        for name in view.listdir(directory):
            path = '%s/%s' % (directory, name)
            told = _may_change(host, view, path, names)
            if told:
                return unknown('%s is run before all units, and %s' % (path, told),
                               'systemctl list-units --all, after the next boot')
    return yes()


def _may_change(host, view, path, names):
    """What a generator may do, in words, or None."""
    name, real = path.rsplit('/', 1)[1], view.real(path)
    status = host.status(real)
    if real == '/dev/null' or status is None or not status.st_size or not status.st_mode & 0o111:
        return None
    if OF_PACKAGES.match(real) or name in _OF_CONTAINERS and is_container(host):
        return None
    text = view.read(path) if status.st_size < 1 << 16 else None
    if not (text or '').startswith('#!'):
        return None if name in _HARMLESS and path.startswith('/usr/local/') else (
            'may mask or change any unit, as nothing tells what it does')
    lines = text.splitlines() + [command.text for command in of_script(host, view, path)]
    lines = [line for line in lines if not line.lstrip().startswith('#')]
    named = next((line for line in lines if names.search(line)), None)
    if named:
        return 'may change this: %s' % named.strip()
    if any(_MASKS.search(line) for line in lines) and any(_READS_NAMES.search(line) for line in lines):
        return 'masks units whose names stand elsewhere'
    return None
