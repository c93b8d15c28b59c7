# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs that manage the swap of a node, found by their configuration."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_UNIT_DIRECTORIES = ('/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system',
                     '/usr/lib/systemd/system', '/lib/systemd/system')
_ZRAM_CONFIGS = ('/etc/systemd/zram-generator.conf', '/run/systemd/zram-generator.conf',
                 '/usr/local/lib/systemd/zram-generator.conf', '/usr/lib/systemd/zram-generator.conf')


def managers(host):
    """[{name, config, path}]: ``path`` is the swap file that the manager makes, None where it makes none of its own.

    ``name`` is zram-generator, dphys-swapfile, swapspace, cloud-init or systemd (a ``.swap`` unit).
    """
    return (_zram_generator(host) + _dphys_swapfile(host) + _swapspace(host) + _cloud_init(host)
            + swap_units(host))


def swap_units(host):
    """The ``.swap`` units that an administrator or a package made, not those that systemd makes of fstab."""
    found, seen = [], set()
    for directory in _UNIT_DIRECTORIES:
        for name in host.listdir(directory):
            if not name.endswith('.swap') or name in seen:
                continue
            seen.add(name)
            path = '%s/%s' % (directory, name)
            if host.readlink(path) == '/dev/null':
                continue
            what = _setting(host.read(path), 'What')
            if what:
                found.append({'name': 'systemd', 'config': path, 'path': what})
    return found


def _zram_generator(host):
    for path in _ZRAM_CONFIGS:
        text = host.read(path)
        if text is not None:
            # The first file hides the others; one without a section makes no device (zram-generator.conf(5)).
            return [{'name': 'zram-generator', 'config': path, 'path': None}] if re.search(r'(?m)^\s*\[', text) else []
    return []


def _dphys_swapfile(host):
    if not host.exists('/sbin/dphys-swapfile') and not host.exists('/usr/sbin/dphys-swapfile'):
        return []
    config = '/etc/dphys-swapfile'
    path = _setting(host.read(config), 'CONF_SWAPFILE') or '/var/swap'
    return [{'name': 'dphys-swapfile', 'config': config, 'path': path}]


def _swapspace(host):
    config = '/etc/swapspace.conf'
    text = host.read(config)
    if text is None:
        return []
    directory = _setting(text, 'swappath') or '/var/lib/swapspace'
    return [{'name': 'swapspace', 'config': config, 'path': directory.rstrip('/') + '/'}]


def _cloud_init(host):
    parts = '/etc/cloud/cloud.cfg.d'
    names = ['/etc/cloud/cloud.cfg'] + [parts + '/' + name for name in host.listdir(parts) if name.endswith('.cfg')]
    for config in names:
        # YAML without a YAML parser, which a node need not have: cc_mounts knows this one form of it.
        match = re.search(r'(?m)^swap:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n?|[ \t]*\n)+)', host.read(config) or '')
        if match:
            file = re.search(r'(?m)^[ \t]+filename:[ \t]*["\']?([^"\'\n#]+?)["\']?[ \t]*(?:#.*)?$', match.group(1))
            return [{'name': 'cloud-init', 'config': config, 'path': file.group(1) if file else '/swap.img'}]
    return []


def _setting(text, key):
    """The last value of ``key=value`` or ``key="value"`` in a text without commented lines; None where unset."""
    value = None
    for match in re.finditer(r'(?m)^[ \t]*%s[ \t]*=[ \t]*(.*?)[ \t]*$' % re.escape(key), text or ''):
        value = match.group(1).strip('"\'') or None
    return value


def manager_of(found, path):
    """The manager among ``found`` that makes the swap file ``path`` itself, or None.

    A ``.swap`` unit does not: it activates a file that somebody else made.
    """
    for manager in found:
        owned = manager['path']
        if manager['name'] != 'systemd' and owned and (
                path == owned or owned.endswith('/') and path.startswith(owned)):
            return manager
    return None


def unit_of(found, path):
    """The ``.swap`` unit among ``found`` that activates ``path``, or None."""
    for manager in found:
        if manager['name'] == 'systemd' and manager['path'] == path:
            return manager
    return None
