# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that something runs at an event of a boot or later: cron, udev, the network, cloud-init, modprobe."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .boot_commands import is_executable, of_line, of_script, perhaps

_CRONTABS = ('/etc/crontab', '/var/spool/cron/crontabs/root', '/var/spool/cron/root', '/var/spool/cron/tabs/root')
_TIMES = re.compile(r'\s*(@[a-z]+|[\d*](?:\S*\s+){4}\S+)\s')
# Directories of which each program is run: by cron, by NetworkManager, ifupdown and pppd, by networkd-dispatcher.
_PERIODS = ('hourly', 'daily', 'weekly', 'monthly')
_STATES = ('carrier', 'configured', 'configuring', 'degraded', 'dormant', 'no-carrier', 'off', 'routable')
_NETWORK_MANAGER = '/etc/NetworkManager/dispatcher.d'
_FOLDERS = tuple('/etc/cron.' + period for period in _PERIODS) + (
    _NETWORK_MANAGER, _NETWORK_MANAGER + '/pre-up.d', _NETWORK_MANAGER + '/no-wait.d', '/etc/network/if-pre-up.d',
    '/etc/network/if-up.d', '/etc/ppp/ip-up.d') + tuple('/etc/networkd-dispatcher/%s.d' % state for state in _STATES)
# Files of which some lines have a command: a file or a directory of files, and the line.
_LINES = (
    ('/etc/anacrontab', re.compile(r'\s*(?:\d+|@\w+)\s+\d+\s+\S+\s+(.*)')),
    ('/etc/network/interfaces', re.compile(r'\s*(?:pre-up|up|post-up)\s+(.*)')),
    ('/etc/network/interfaces.d/', re.compile(r'\s*(?:pre-up|up|post-up)\s+(.*)')),
    ('/etc/modprobe.d/', re.compile(r'\s*install\s+\S+\s+(.*)')),
)
_RULES = '/etc/udev/rules.d'
_RUN = re.compile(r'(?:RUN(?:\{program\})?|PROGRAM|IMPORT\{program\})\s*\+?==?\s*"([^"]*)"')
_WANTS = re.compile(r'ENV\{SYSTEMD_WANTS\}\s*\+?=\s*"([^"]*)"')
_CLOUD = ('/etc/cloud/cloud.cfg', '/var/lib/cloud/instance/cloud-config.txt',
          '/var/lib/cloud/instance/vendor-cloud-config.txt')
_CLOUD_PARTS, _EACH_BOOT = '/etc/cloud/cloud.cfg.d', '/var/lib/cloud/scripts/per-boot'
# A list of YAML: what follows on its line, and the lines with a dash, a blank or a comment at their beginning.
_BOOT_COMMANDS = re.compile(r'(?m)^bootcmd:.*\n?(?:(?:[ \t#-].*)?(?:\n|\Z))*')
_YAML = re.compile(r'["\'\[\],]|^bootcmd:|^\s*-(?=\s)')


def at_events(host, view):
    """The commands (Command) of a host's hooks. Only those of cron's ``@reboot`` are certain to run."""
    return _of_cron(host, view) + perhaps(
        _of_folders(host, view) + _of_lines(host, view) + _of_udev(host, view) + _of_cloud_init(host, view))


def wanted_by_udev(view):
    """The units that a rule of udev may start, for a device that comes."""
    return [unit for _path, _line, text in _rules(view) for words in _WANTS.findall(text) for unit in words.split()]


def _of_cron(host, view):
    found = []
    for path in _CRONTABS + tuple('/etc/cron.d/' + name for name in view.listdir('/etc/cron.d')):
        for number, line in enumerate((view.read(path) or '').splitlines(), 1):
            times = _TIMES.match(line)
            if times:
                # A line without @reboot runs some time after the boot.
                found += of_line(host, view, path, number, line[times.end():].strip(), times.group(1) == '@reboot')
    return found


def _of_folders(host, view):
    return [command for folder in _FOLDERS + (_EACH_BOOT,) for name in view.listdir(folder)
            if is_executable(host, view, '%s/%s' % (folder, name))
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
    return [('%s/%s' % (_RULES, name), number, text) for name in view.listdir(_RULES)
            for number, text in enumerate((view.read('%s/%s' % (_RULES, name)) or '').splitlines(), 1)
            if not text.lstrip().startswith('#')]


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
