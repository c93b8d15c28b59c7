# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd on a node: its version, the properties of a unit, and drop-ins with the directives that this version knows.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.errors import RescueError
from .._files.host import to_bytes
from .unit_text import assignments

DROP_IN = '50-oom-rescue.conf'
HEADER = '# Made by the Ansible collection oom.rescue; state: absent of its module oom_score_adj removes it.'
# systemd.unit(5): the first of them that has a unit's file wins.
UNIT_DIRECTORIES = ('/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system',
                    '/usr/lib/systemd/system', '/lib/systemd/system')

# The section of a directive, and the first systemd that knows it (NEWS).
_DIRECTIVES = {
    'OOMScoreAdjust': ('Service', 0),
    'Restart': ('Service', 0),
    'OOMPolicy': ('Service', 243),
    'ManagedOOMPreference': ('Service', 248),
}
_STARTED = re.compile(r'\{ path=\S+ ; argv\[\]=(.*?) ; ignore_errors=')
_ORDER = ('OOMScoreAdjust', 'Restart', 'OOMPolicy', 'ManagedOOMPreference')
_PROPERTIES = ('Id', 'Names', 'LoadState', 'ActiveState', 'FragmentPath', 'DropInPaths', 'MainPID', 'OOMScoreAdjust',
               'Restart', 'OOMPolicy', 'ManagedOOMPreference', 'UnitFileState', 'ExecStart', 'NeedDaemonReload')
# from: service_shall_restart(): since version 243 an OOM kill has a result of its own, which on-abort does not cover.
_RESTARTS_AFTER_OOM_KILL = ('always', 'on-failure', 'on-abnormal')


class SystemdError(RescueError):
    """systemctl refused. The text is one line."""


def is_running(host):
    """True if systemd is the init of this node (sd_booted(3))."""
    return host.exists('/run/systemd/system')


def version(host):
    """systemd's version as a number, or None."""
    _rc, out, _err = host.run(['systemctl', '--version'])
    match = re.match(r'systemd (\d+)', out)
    return int(match.group(1)) if match else None


def _systemctl(host, *words):
    # AnsibleModule.run_command takes a list, and no tuple.
    rc, out, err = host.run(['systemctl'] + list(words))
    if rc != 0:
        raise SystemdError('systemctl %s failed: %s' % (' '.join(words), (err or out).strip().replace('\n', '; ')))
    return out


def unit_properties(host, unit):
    """{property: text} of a unit by its real name (``Id``), or None if systemd has no such unit."""
    out = _systemctl(host, 'show', '--no-pager', '--property=' + ','.join(_PROPERTIES), '--', unit)
    properties = dict(line.split('=', 1) for line in out.splitlines() if '=' in line)
    return None if properties.get('LoadState', 'not-found') == 'not-found' else properties


def unit_file_state(host, unit):
    """The UnitFileState of a unit, such as ``masked`` or ``static``; '' if it has no file, None without an answer."""
    rc, out, _err = host.run(['systemctl', 'show', '--no-pager', '--property=UnitFileState', '--', unit])
    match = re.search(r'^UnitFileState=(\S*)$', out, re.MULTILINE) if rc == 0 else None
    return match.group(1) if match else '' if rc == 0 else None


def unit_name(path, kind='.swap'):
    """The name of the unit that systemd has for a path (systemd.unit(5), systemd-escape(1))."""
    name = re.sub(r'/+', '/', path).strip('/')
    escaped = ''.join('-' if char == '/' else char if re.match(r'[A-Za-z0-9:_.]', char) and (place or char != '.')
                      else ''.join('\\x%02x' % byte for byte in bytearray(to_bytes(char)))
                      for place, char in enumerate(name))
    return (escaped or '-') + kind


def lists(properties, path):
    """True if systemd has read a drop-in, and not read since that it is gone."""
    return path in properties.get('DropInPaths', '').split()


def is_behind(host, properties, path):
    """True if systemd has not read yet that a unit's files have changed, or that its drop-in ``path`` came or went."""
    return properties.get('NeedDaemonReload') == 'yes' or lists(properties, path) != host.exists(path)


def started_programs(properties):
    """[[word]] of the commands in a unit's ExecStart, as `systemctl show` prints them."""
    return [match.split() for match in _STARTED.findall(properties.get('ExecStart', ''))]


def instances(host, templates):
    """The real names of the loaded or enabled instances of templates (``mariadb@``), sorted."""
    out = _systemctl(host, 'list-units', '--all', '--full', '--plain', '--no-legend', '--type=service', '--',
                     *[template + '*.service' for template in templates])
    names = [line.split()[0] for line in out.splitlines() if line.split()]
    for directory in host.listdir('/etc/systemd/system'):
        if directory.endswith(('.wants', '.requires')):
            names.extend(host.listdir('/etc/systemd/system/' + directory))
    return sorted(set(name for name in names
                      if name.endswith('.service') and name.startswith(tuple(templates)) and '@.' not in name))


def reload_units(host):
    """systemctl daemon-reload: reads unit files again, restarts nothing."""
    _systemctl(host, 'daemon-reload')


def enable_and_restart(host, unit):
    """Start a unit of the collection's own with its files as they are now, and at each boot."""
    _systemctl(host, 'enable', unit)
    _systemctl(host, 'restart', unit)


def enable(host, unit):
    """Have a unit of the collection's own started at each boot, but not now."""
    _systemctl(host, 'enable', unit)


def disable(host, unit):
    """Have a unit of the collection's own started at no boot. If it runs, it goes on."""
    _systemctl(host, 'disable', unit)


def disable_now(host, unit):
    """Stop a unit of the collection's own, and have it started at no boot."""
    _systemctl(host, 'disable', '--now', unit)


def try_restart(host, unit):
    """Restart a unit if it runs. Not for servers: only for programs that have to read their configuration again."""
    _systemctl(host, 'try-restart', unit)


def drop_in_directory(unit):
    """The directory of an administrator's drop-ins of a unit (systemd.unit(5))."""
    return '/etc/systemd/system/%s.d' % unit


def unit_of_drop_in(path):
    """The unit that a path of drop_in_path() is of, or None."""
    directory, _separator, name = path.rpartition('/')
    start = drop_in_directory('')[:-2]
    if name != DROP_IN or not directory.startswith(start) or not directory.endswith('.d'):
        return None
    return directory[len(start):-2]


def drop_in_path(unit):
    """The path of the collection's drop-in of a unit."""
    return '%s/%s' % (drop_in_directory(unit), DROP_IN)


def our_drop_ins(host):
    """The paths of all drop-ins that the collection has made on a host."""
    directory = '/etc/systemd/system'
    paths = ['%s/%s/%s' % (directory, name, DROP_IN) for name in host.listdir(directory) if name.endswith('.d')]
    return [path for path in paths if (host.read(path) or '').startswith(HEADER)]


def known_directives(directives, systemd_version):
    """The part of {directive: value} that a version of systemd knows: an unknown one is a warning at every start."""
    return dict((name, value) for name, value in directives.items()
                if systemd_version is None or systemd_version >= _DIRECTIVES[name][1])


def drop_in_text(directives):
    """The text of a drop-in with {directive: value}."""
    lines = ['%s=%s' % (name, directives[name]) for name in _ORDER if name in directives]
    return '\n'.join([HEADER, '[Service]'] + lines) + '\n'


def stronger_restart(restart):
    """The Restart= with which a unit is started again even after an OOM kill; None if its own does that."""
    if restart in _RESTARTS_AFTER_OOM_KILL:
        return None
    # on-abnormal would no longer start it again after a clean end.
    return 'always' if restart == 'on-success' else 'on-abnormal'


def files_of(properties):
    """The paths of the unit file and its drop-ins in the order in which systemd applies them: the last assignment wins.
    """
    drop_ins = [path for path in properties.get('DropInPaths', '').split() if path]
    drop_ins.sort(key=lambda path: path.rsplit('/', 1)[1])
    fragment = properties.get('FragmentPath')
    return ([fragment] if fragment else []) + drop_ins


def setting_of(host, properties, directive):
    """{path, line, value} of the assignment that wins, or None if no file sets it."""
    winner = None
    for path in files_of(properties):
        for number, _name, value in assignments(host.read(path), directive):
            winner = {'path': path, 'line': number, 'value': value}
    return winner
