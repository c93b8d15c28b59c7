# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs that manage the swap of a node, found by their configuration."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._systemd.systemd import UNIT_DIRECTORIES, unit_name

NAMES = ('zram-generator', 'zram-tools', 'zram-config', 'dphys-swapfile', 'swapspace', 'systemd-swap', 'waagent',
         'rpi-swap', 'cloud-init', 'systemd')
_ZRAM_CONFIGS = ('/etc/systemd/zram-generator.conf', '/run/systemd/zram-generator.conf',
                 '/usr/local/lib/systemd/zram-generator.conf', '/usr/lib/systemd/zram-generator.conf')
# Programs that make swap of compressed RAM: name, program, configuration.
_ZRAM_PROGRAMS = (
    ('zram-tools', '/usr/sbin/zramswap', '/etc/default/zramswap'),
    ('zram-config', '/usr/bin/init-zram-swapping', '/usr/bin/init-zram-swapping'),
)
_SBIN = ('/usr/sbin/', '/sbin/', '/usr/local/sbin/', '/usr/bin/', '/usr/local/bin/')
# Programs that make swap files: name, configuration, the key that says where, and where without it. A ``/`` at the end
# is a directory of files.
_PROGRAMS = (
    ('dphys-swapfile', '/etc/dphys-swapfile', 'CONF_SWAPFILE', '/var/swap'),
    ('swapspace', '/etc/swapspace.conf', 'swappath', '/var/lib/swapspace/'),
    ('systemd-swap', '/etc/systemd/swap.conf', 'swapfc_path', '/var/lib/systemd-swap/swapfc/'),
)
# The agent of Azure's virtual machines, and its swap file on the disk that is lost with the machine.
_WAAGENT = ('/usr/sbin/waagent', '/usr/bin/waagent', '/sbin/waagent', '/usr/lib/python3/dist-packages/azurelinuxagent')
_WAAGENT_CONFIG = '/etc/waagent.conf'
_RPI_GENERATORS = ('/usr/lib/systemd/system-generators/rpi-swap-generator',
                   '/lib/systemd/system-generators/rpi-swap-generator')
_RPI_CONFIG, _RPI_DROP_INS = '/etc/rpi/swap.conf', ('/usr/lib/rpi/swap.conf.d', '/etc/rpi/swap.conf.d')
# The administrator's own files, and those that the cloud gave at the first boot.
_CLOUD_CONFIGS = ('/etc/cloud/cloud.cfg', '/var/lib/cloud/instance/cloud-config.txt',
                  '/var/lib/cloud/instance/vendor-cloud-config.txt')


def managers(host):
    """[{name, config, path}]: ``path`` is the swap file that the program makes, or, with a ``/`` at its end, the
    directory of all that it makes; None if it makes no file.

    ``name`` is zram-generator, zram-tools, zram-config, dphys-swapfile, swapspace, systemd-swap, waagent, rpi-swap,
    cloud-init or systemd (a ``.swap`` unit).
    """
    return (_zram_generator(host) + _zram_programs(host) + _programs(host) + _waagent(host) + _rpi_swap(host)
            + _cloud_init(host) + swap_units(host))


def swap_units(host):
    """The ``.swap`` units that an administrator or a package made, not those that systemd makes of fstab.

    Only those that systemd starts at boot: something wants the unit, and its name is that of its path
    (systemd.swap(5)).
    """
    found, seen = [], set()
    for directory in UNIT_DIRECTORIES:
        for name in host.listdir(directory):
            if not name.endswith('.swap') or name in seen:
                continue
            seen.add(name)
            path = '%s/%s' % (directory, name)
            if host.readlink(path) == '/dev/null':
                continue
            what = _setting(host.read(path), 'What')
            if what and name == unit_name(what) and _is_wanted(host, name):
                found.append({'name': 'systemd', 'config': path, 'path': what})
    return found


def _is_wanted(host, unit):
    for directory in UNIT_DIRECTORIES:
        for name in host.listdir(directory):
            if name.endswith(('.wants', '.requires')) and host.exists('%s/%s/%s' % (directory, name, unit)):
                return True
    return False


def _zram_generator(host):
    for directory in [path + '.d' for path in _ZRAM_CONFIGS]:
        for path in ['%s/%s' % (directory, name) for name in host.listdir(directory) if name.endswith('.conf')]:
            if re.search(r'(?m)^\s*\[', host.read(path) or ''):
                return [{'name': 'zram-generator', 'config': path, 'path': None}]
    for path in _ZRAM_CONFIGS:
        text = host.read(path)
        if text is not None:
            # The first file hides the others; one without a section makes no device (zram-generator.conf(5)).
            return [{'name': 'zram-generator', 'config': path, 'path': None}] if re.search(r'(?m)^\s*\[', text) else []
    return []


def _zram_programs(host):
    return [{'name': name, 'config': config, 'path': None} for name, program, config in _ZRAM_PROGRAMS
            if host.exists(program)]


def _programs(host):
    found = []
    for name, config, key, default in _PROGRAMS:
        if any(host.exists(directory + name) for directory in _SBIN):
            path = _setting(host.read(config), key) or default
            if default.endswith('/'):
                path = path.rstrip('/') + '/'
            found.append({'name': name, 'config': config, 'path': path})
    return found


def _waagent(host):
    """waagent, if it makes swap, which it does on a disk that it formats (azurelinuxagent/daemon/resourcedisk)."""
    text = host.read(_WAAGENT_CONFIG)
    if not _is_yes(_setting(text, 'ResourceDisk.EnableSwap')) or not any(host.exists(path) for path in _WAAGENT):
        return []
    if not _is_yes(_setting(text, 'ResourceDisk.Format') or 'y'):
        return []
    mount_point = _setting(text, 'ResourceDisk.MountPoint') or '/mnt/resource'
    return [{'name': 'waagent', 'config': _WAAGENT_CONFIG, 'path': mount_point.rstrip('/') + '/swapfile'}]


def _is_yes(value):
    return (value or '').lower() in ('y', 'yes', 'true', '1')


def _rpi_swap(host):
    """rpi-swap of Raspberry Pi OS (swap.conf(5)), unless it is told to make none."""
    if not any(host.exists(path) for path in _RPI_GENERATORS):
        return []
    config, mechanism, path = _RPI_CONFIG, 'auto', '/var/swap'
    dropped = ['%s/%s' % (directory, name) for directory in _RPI_DROP_INS for name in host.listdir(directory)
               if name.endswith('.conf')]
    for place in [_RPI_CONFIG] + sorted(dropped, key=lambda name: name.rsplit('/', 1)[1]):
        text = host.read(place)
        path = _setting(text, 'Path') or path
        if _setting(text, 'Mechanism'):
            config, mechanism = place, _setting(text, 'Mechanism')
    if mechanism == 'none':
        return []
    return [{'name': 'rpi-swap', 'config': config, 'path': None if mechanism == 'zram' else path}]


def _cloud_init(host):
    parts = '/etc/cloud/cloud.cfg.d'
    dropped = tuple(parts + '/' + name for name in host.listdir(parts) if name.endswith('.cfg'))
    for config in _CLOUD_CONFIGS + dropped:
        # YAML without a YAML parser, which a node need not have: a block, or a mapping in braces.
        match = re.search(r'(?m)^swap:[ \t]*(?:(\{[^}]*\})|(?:#.*)?\n((?:[ \t]+.*\n?|[ \t]*\n)+))',
                          host.read(config) or '')
        if match:
            return [{'name': 'cloud-init', 'config': config, 'path': _file_name(match.group(1) or match.group(2))}]
    return []


def _file_name(text):
    """The ``filename`` in a YAML mapping, or cloud-init's default."""
    match = re.search(r'(?m)(?:^[ \t]+|[{,]\s*)filename:(.*)$', text)
    value = re.split('[#,}]', match.group(1))[0].strip().strip('"\'') if match else None
    return value or '/swap.img'


def _setting(text, key):
    """The last value of ``key=value`` or ``key="value"`` in a text without commented lines; None if unset."""
    value = None
    for match in re.finditer(r'(?m)^[ \t]*%s[ \t]*=(.*)$' % re.escape(key), text or ''):
        value = match.group(1).strip(' \t').strip('"\'') or None
    return value


def manager_of(managers, path):
    """The manager among ``managers`` that makes the swap file ``path`` itself, or None.

    A ``.swap`` unit does not: it activates a file that somebody else made.
    """
    for manager in managers:
        owned = manager['path']
        if manager['name'] != 'systemd' and owned and (
                path == owned or owned.endswith('/') and path.startswith(owned)):
            return manager
    return None


def unit_of(managers, path):
    """The ``.swap`` unit among ``managers`` that activates ``path``, or None."""
    for manager in managers:
        if manager['name'] == 'systemd' and manager['path'] == path:
            return manager
    return None
