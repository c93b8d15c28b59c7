# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that something runs at an event of a boot or later: cron, udev, the network, cloud-init, modprobe."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .commands import is_executable, of_line, of_script, perhaps, script_commands

_CRONTABS = ('/etc/crontab', '/var/spool/cron/crontabs/root', '/var/spool/cron/root', '/var/spool/cron/tabs/root')
_TIMES = re.compile(r'\s*(@[a-z]+|[\d*](?:\S*\s+){4}\S+)\s')
# Directories of which each program is run: by cron, by NetworkManager, ifupdown and pppd, by networkd-dispatcher.
_PERIODS = ('hourly', 'daily', 'weekly', 'monthly')
_STATES = ('carrier', 'configured', 'configuring', 'degraded', 'dormant', 'no-carrier', 'off', 'routable')
_NETWORK_MANAGER = '/etc/NetworkManager/dispatcher.d'
_FOLDERS = tuple('/etc/cron.' + period for period in _PERIODS) + (
    _NETWORK_MANAGER, _NETWORK_MANAGER + '/pre-up.d', _NETWORK_MANAGER + '/no-wait.d', '/etc/network/if-pre-up.d',
    '/etc/network/if-up.d', '/etc/ppp/ip-up.d', '/etc/libvirt/hooks', '/etc/libvirt/hooks/qemu.d') + tuple(
        '/etc/networkd-dispatcher/%s.d' % state for state in _STATES)
_OF_MONIT = re.compile(r'.*\b(?:exec|(?:start|stop|restart)(?: program)?\s*=?)\s*["\'](.*)["\']')
# Files of which some lines have a command: a file or a directory of files, and the line.
_LINES = (
    ('/etc/anacrontab', re.compile(r'\s*(?:\d+|@\w+)\s+\d+\s+\S+\s+(.*)')),
    ('/etc/network/interfaces', re.compile(r'\s*(?:pre-up|up|post-up)\s+(.*)')),
    ('/etc/network/interfaces.d/', re.compile(r'\s*(?:pre-up|up|post-up)\s+(.*)')),
    ('/etc/modprobe.d/', re.compile(r'\s*install\s+\S+\s+(.*)')),
    ('/etc/monitrc', _OF_MONIT), ('/etc/monit/monitrc', _OF_MONIT), ('/etc/monit/conf.d/', _OF_MONIT),
    ('/etc/monit/conf-enabled/', _OF_MONIT), ('/etc/monit.d/', _OF_MONIT),
)
# Scripts that others read: of DHCP clients, and of a login as root.
_SOURCED = ('/etc/dhcp/dhclient-enter-hooks', '/etc/dhcp/dhclient-exit-hooks', '/etc/dhcp/dhclient-enter-hooks.d/',
            '/etc/dhcp/dhclient-exit-hooks.d/', '/etc/dhclient-exit-hooks', '/etc/dhcpcd.enter-hook',
            '/etc/dhcpcd.exit-hook', '/etc/profile', '/etc/profile.d/', '/etc/bash.bashrc', '/root/.profile',
            '/root/.bash_profile', '/root/.bashrc', '/etc/runit/core-services/')
_AT_JOBS = ('/var/spool/cron/atjobs', '/var/spool/at')
_SUPERVISED = ('/etc/service', '/var/service', '/etc/runit/runsvdir/current')
_OF_RUNIT = ('/etc/runit/1', '/etc/runit/2')
_ROTATES = re.compile(r'\s*(?:prerotate|postrotate|firstaction|lastaction)\b')
_USERS = ('/var/spool/cron/crontabs', '/var/spool/cron', '/var/spool/cron/tabs')
_AS_ROOT = re.compile(r'\b(?:sudo|doas)\s')
_CRON_UNITS = ('cron.service', 'crond.service', 'cronie.service', 'fcron.service', 'bcron.service', 'anacron.service',
               'anacron.timer', 'cron.target', 'cron-hourly.timer')
# The names that Debian's cron and run-parts take, and the ends of files that an editor or package left elsewhere.
_DEBIAN, _RUN_PARTS = '/etc/debian_version', re.compile(r'[A-Za-z0-9_-]+\Z')
_BY_RUN_PARTS = ('/etc/cron.', '/etc/network/if-')
_LEFT = re.compile(r'.*(?:~|\.(?:bak|rpmsave|rpmnew|rpmorig|swp|dpkg-\w+))\Z|[.#]')
_RULES = ('/etc/udev/rules.d', '/usr/local/lib/udev/rules.d')
_RUN = re.compile(r'(?:RUN(?:\{program\})?|PROGRAM|IMPORT\{program\})\s*\+?==?\s*"([^"]*)"')
_WANTS = re.compile(r'ENV\{SYSTEMD_WANTS\}\s*\+?=\s*"([^"]*)"')
_CLOUD = ('/etc/cloud/cloud.cfg', '/var/lib/cloud/instance/cloud-config.txt',
          '/var/lib/cloud/instance/vendor-cloud-config.txt')
_CLOUD_PARTS, _EACH_BOOT = '/etc/cloud/cloud.cfg.d', '/var/lib/cloud/scripts/per-boot'
# A list of YAML: what follows on its line, and the lines with a dash, a blank or a comment at their beginning.
_BOOT_COMMANDS = re.compile(r'(?m)^bootcmd:.*\n?(?:(?:[ \t#-].*)?(?:\n|\Z))*')
_YAML = re.compile(r'["\'\[\],]|^bootcmd:|^\s*-(?=\s)')


def at_events(host, view, units=None):
    """The commands (Command) of a host's hooks. Only those of cron's ``@reboot`` are certain to run.

    ``units`` are those of systemd, None without it.
    """
    has_cron = _has_cron(units)
    return (_of_cron(host, view) if has_cron else []) + perhaps(
        _of_folders(host, view, has_cron) + _of_lines(host, view) + _of_udev(host, view) + _of_cloud_init(host, view)
        + _of_sourced(view) + _of_logrotate(host, view) + _of_others(host, view, units))


def _has_cron(units):
    """False if all that systemd knows of cron is not started at boot."""
    known = [name for name in _CRON_UNITS if units is not None and units.file_of(name)]
    return not known or any(name in units.started() for name in known)


def _is_run(view, folder, name):
    """False for a file of a folder of scripts that is passed over by its name."""
    if folder.startswith(_BY_RUN_PARTS) and view.exists(_DEBIAN):
        return _RUN_PARTS.match(name) is not None
    return _LEFT.match(name) is None


def wanted_by_udev(view):
    """The units that a rule of udev may start, for a device that comes."""
    return [unit for _path, _line, text in _rules(view) for words in _WANTS.findall(text) for unit in words.split()]


def _of_cron(host, view):
    found = []
    parts = tuple('/etc/cron.d/' + name for name in view.listdir('/etc/cron.d') if _is_run(view, '/etc/cron.d', name))
    users = tuple('%s/%s' % (folder, name) for folder in _USERS for name in view.listdir(folder))
    for path in _CRONTABS + parts + tuple(path for path in users if path not in _CRONTABS):
        for number, line in enumerate((view.read(path) or '').splitlines(), 1):
            times = _TIMES.match(line)
            # What a user's own table does as this user is no matter of the host's.
            if times and (path not in users or path in _CRONTABS or _AS_ROOT.search(line)):
                # A line without @reboot runs some time after the boot.
                found += of_line(host, view, path, number, line[times.end():].strip(), times.group(1) == '@reboot')
    return found


def _of_folders(host, view, has_cron):
    return [command for folder in _FOLDERS + (_EACH_BOOT,) if has_cron or not folder.startswith('/etc/cron.')
            for name in view.listdir(folder)
            if _is_run(view, folder, name) and is_executable(host, view, '%s/%s' % (folder, name))
            for command in of_script(host, view, '%s/%s' % (folder, name))]


def _of_lines(host, view):
    found = []
    for place, line in _LINES:
        for path in [place + name for name in view.listdir(place)] if place.endswith('/') else [place]:
            for number, text in enumerate((view.read(path) or '').splitlines(), 1):
                match = line.match(text)
                found += of_line(host, view, path, number, match.group(1), False) if match else []
    return found


def _rules(view):
    """[(path, line number, text)] of the rules of an administrator."""
    return [('%s/%s' % (folder, name), number, text) for folder in _RULES for name in view.listdir(folder)
            if name.endswith('.rules')
            for number, text in enumerate((view.read('%s/%s' % (folder, name)) or '').splitlines(), 1)
            if not text.lstrip().startswith('#')]


def _of_sourced(view):
    """What scripts do that are read by others, beside their functions and branches."""
    paths = []
    for place in _SOURCED:
        names = [name for name in view.listdir(place) if _LEFT.match(name) is None] if place.endswith('/') else ['']
        paths += [place + name for name in names]
    return [command for path in paths for command in script_commands(path, view.read(path) or '') if command.certain]


def _of_logrotate(host, view):
    """What logrotate runs before and after it."""
    found = []
    for path in ['/etc/logrotate.conf'] + ['/etc/logrotate.d/' + name for name in view.listdir('/etc/logrotate.d')]:
        inside = False
        for number, line in enumerate((view.read(path) or '').splitlines(), 1):
            if line.strip() == 'endscript':
                inside = False
            found += of_line(host, view, path, number, line.strip(), False) if inside else []
            inside = inside or _ROTATES.match(line) is not None
    return found


def _of_others(host, view, units):
    """Jobs of at(1), which outlast a boot, and without systemd what runit starts."""
    paths = ['%s/%s' % (folder, name) for folder in _AT_JOBS for name in view.listdir(folder)
             if re.match(r'[a=][0-9a-f]{13}', name)]
    if units is None:
        paths += list(_OF_RUNIT) + ['%s/%s/run' % (folder, name) for folder in _SUPERVISED
                                    for name in view.listdir(folder)]
    return [command for path in paths for command in of_script(host, view, path)]


def _of_udev(host, view):
    return [command for path, number, text in _rules(view) for run in _RUN.findall(text)
            for command in of_line(host, view, path, number, run, False)]


def _of_cloud_init(host, view):
    """What cloud-init runs at each boot: ``bootcmd`` of its configuration."""
    if view.exists('/etc/cloud/cloud-init.disabled'):
        return []
    found = []
    for path in _CLOUD + tuple('%s/%s' % (_CLOUD_PARTS, name) for name in view.listdir(_CLOUD_PARTS)):
        text = view.read(path) or ''
        for block in _BOOT_COMMANDS.finditer(text):
            first = text.count('\n', 0, block.start()) + 1
            for number, line in enumerate(block.group().splitlines(), first):
                if not line.lstrip().startswith('#'):
                    found += of_line(host, view, path, number, _YAML.sub(' ', line), False)
    return found
