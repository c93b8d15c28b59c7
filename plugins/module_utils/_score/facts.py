# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan for a score has to know of a node: processes, their managers, unit files, memory and privilege."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from . import keeper, spare, supervisor, sysv
from .._node import systemd
from .._node.containers import container_facts
from .._node.killers import user_space_killers
from .score import memory_bytes
from .._node.processes import ancestors, processes
from .._node.record import backup_path
from .targets import find, names_of

_CAP_SYS_RESOURCE = 24
_CAPABILITIES = re.compile(r'^CapEff:\s*([0-9a-fA-F]+)', re.MULTILINE)
_MEMINFO = re.compile(r'^(MemTotal|SwapTotal):\s*(\d+) kB', re.MULTILINE)
_DIRECTIVES = ('OOMScoreAdjust', 'Restart', 'OOMPolicy', 'ManagedOOMPreference')


def key_of(kind, name):
    """The key of a target's record; MySQL's and MariaDB's server are one."""
    return '%s:%s' % (kind, names_of(name)[0][0] if kind == 'process' else name)


def lowering_refused(host):
    """Why this process may not lower an oom_score_adj, or None (proc_pid_oom_score_adj(5))."""
    match = _CAPABILITIES.search(host.read('/proc/self/status') or '')
    if match and not int(match.group(1), 16) >> _CAP_SYS_RESOURCE & 1:
        return 'lowering it needs CAP_SYS_RESOURCE, which this host does not give (an unprivileged container)'
    # The capability has to be the initial user namespace's: __set_oom_adj() asks capable(), not ns_capable().
    ids = (host.read('/proc/self/uid_map') or '').split()
    if ids and ids != ['0', '0', '4294967295']:
        return 'lowering it needs CAP_SYS_RESOURCE outside of a user namespace, and this host is in one'
    return None


def memory(host):
    """RAM plus swap, in bytes, as oom_badness() has it for its total."""
    return sum(int(size) * 1024 for _name, size in _MEMINFO.findall(host.read('/proc/meminfo') or ''))


def _stopped_units(host, kind, name):
    """Units of a server of which no process runs, such as one that was killed and not started again."""
    if kind == 'process':
        names = [base + '.service' for base in names_of(name)[0]]
        if name in ('mysqld', 'mariadbd'):
            names = ['mariadb.service', 'mysql.service', 'mysqld.service']
    elif kind == 'unit':
        names = [name]
    else:
        return []
    found = []
    for unit in names:
        properties = systemd.unit_properties(host, unit)
        # A masked unit, and an alias of one, has a file too.
        if properties and properties['LoadState'] == 'loaded' and properties['Id'] not in found:
            found.append(properties['Id'])
    return found


def _unit_facts(host, name):
    properties = systemd.unit_properties(host, name)
    if properties is None:
        return None
    ours = systemd.drop_in_path(name)
    paths = [path for path in properties.get('DropInPaths', '').split() if path != ours]
    others = dict(properties, DropInPaths=' '.join(paths))
    winners = dict((key, systemd.setting_of(host, others, key)) for key in _DIRECTIVES)
    restart = winners['Restart']
    return {
        'properties': properties,
        'drop_in': host.read(ours),
        'winners': winners,
        'without_ours': {'Restart': restart['value'] if restart else 'no'},
    }


def _programs(host, targets):
    """The supervisord configuration of each program among the targets."""
    found = {}
    for target in targets:
        if target['manager']['kind'] == 'supervisord':
            parent = next((row for row in ancestors(host, target['process']) if row['name'] == 'supervisord'), None)
            name = target['manager']['name']
            found[name] = supervisor.program(host, parent['cmdline'] if parent else [], name)
    return found


def read_facts(host, state, kind, name):
    """The facts of one target; ``name`` of a unit may be an alias."""
    systemd_running = systemd.is_running(host)
    if kind == 'unit':
        name = name if '.' in name else name + '.service'
        properties = systemd.unit_properties(host, name) if systemd_running else None
        name = properties['Id'] if properties else name
    targets = find(host, kind, name)
    for target in targets:
        if target['manager']['kind'] in ('docker', 'podman'):
            target['container'] = container_facts(host, target['manager'], ancestors(host, target['process']))
    stopped = _stopped_units(host, kind, name) if systemd_running and not targets else []
    units = set(stopped)
    units.update(target['manager']['name'] for target in targets
                 if target['manager']['kind'] == 'systemd' and target['manager']['user'] is None)
    key = key_of(kind, name)
    record = state.get(key)
    pids = set(target['process']['pid'] for target in targets)
    rows = processes(host)
    killers = user_space_killers(host, rows)
    killable = [row for row in rows if not row['kernel_thread'] and row['oom_score_adj'] != -1000]
    return {
        'key': key,
        'targets': targets,
        'stopped_units': stopped,
        'systemd_running': systemd_running,
        'systemd_version': systemd.version(host) if systemd_running else None,
        'units': dict((unit, facts) for unit, facts in ((unit, _unit_facts(host, unit)) for unit in units) if facts)
        if systemd_running else {},
        'scripts': dict((target['manager']['name'], sysv.script_facts(host, target['manager']['name']))
                        for target in targets if target['manager']['kind'] == 'sysv'),
        'programs': _programs(host, targets),
        'keeper': keeper.facts(host),
        'killers': killers,
        'spare': spare.facts(host, killers, rows),
        'total_bytes': memory(host),
        'killable_bytes': sum(memory_bytes(row) for row in killable if row['pid'] not in pids and row['pid'] != 1),
        'lowering_refused': lowering_refused(host),
        'boot_id': (host.read('/proc/sys/kernel/random/boot_id') or '').strip(),
        'record': record,
        'files': dict((path, {'now': host.read(path), 'backup': host.read(backup_path(path))})
                      for path in (record or {}).get('files', {})),
    }
