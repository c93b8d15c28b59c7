# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan for a score has to know of a node: processes, their managers, unit files, memory and privilege."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._boot.boot import boot_of
from .._change.record import backup_path
from .._files import permissions
from .._files.errors import RescueError
from .._node.containers import container_facts
from .._node.identity import safe_name
from .._node.killers import user_space_killers
from .._node.managers import manager_of, monitor_of, supervisord_of
from .._node.meminfo import ram_and_swap_bytes, read_meminfo
from .._node.privilege import lowering_refused
from .._node.processes import ancestors, process, processes
from .._node.service_directory import KINDS
from .._systemd import systemd
from . import keeper, run_script, spare, supervisor, sysv
from .plan import digest
from .score import memory_bytes
from .targets import find, names_of

_MYSQL_UNITS = ('mariadb', 'mysql', 'mysqld')
_DIRECTIVES = ('OOMScoreAdjust', 'Restart', 'OOMPolicy', 'ManagedOOMPreference')


def key_of(kind, name):
    """The key of a target's record; MySQL's and MariaDB's server are one."""
    return '%s:%s' % (kind, names_of(name)[0][0] if kind == 'process' else name)


def _units_of(host, kind, name):
    """The units that a server may have, instances included, by the names that they are asked for with."""
    if kind == 'unit':
        return [name]
    if kind != 'process' or safe_name(name) is None:
        return []
    bases = _MYSQL_UNITS if name in ('mysqld', 'mariadbd') else names_of(name)[0]
    return [base + '.service' for base in bases] + systemd.instances(host, [base + '@' for base in bases])


def _stopped_units(host, kind, name, targets):
    """[unit] of a server's units without a process in ``targets``, such as one that was killed and not started again.

    A user's own process or unit of that name does not count. If the server runs, only those units count that are to run
    as well: enabled, failed, about to start, or an instance.
    """
    targets = [target for target in targets if target['refused'] is None and target['manager']['user'] is None]
    running = set(target['manager']['unit'] for target in targets)
    stopped = []
    for unit in _units_of(host, kind, name):
        properties = systemd.unit_properties(host, unit)
        # A masked unit, and an alias of one, has a file too.
        if not properties or properties['LoadState'] != 'loaded' or properties['Id'] in stopped:
            continue
        if properties['Id'] not in running and (not targets or _is_to_run(properties)):
            stopped.append(properties['Id'])
    return stopped


def _other_mains(host, units, targets):
    """{unit: (pid, name, score)} of the units whose main process runs and is not in ``targets``: a server with another
    name, or a program that starts the server elsewhere.
    """
    known, mains = set(target['process']['pid'] for target in targets), {}
    for name in units:
        pid = int((systemd.unit_properties(host, name) or {}).get('MainPID') or 0)
        row = process(host, pid) if pid and pid not in known else None
        if row and row['oom_score_adj'] is not None:
            mains[name] = (pid, row['name'], row['oom_score_adj'])
    return mains


def _is_to_run(properties):
    return ('@' in properties['Id'] or properties.get('UnitFileState', '').startswith('enabled')
            or properties.get('ActiveState') in ('failed', 'activating', 'reloading'))


def _unit_facts(host, name, boot):
    properties = systemd.unit_properties(host, name)
    if properties is None:
        return None
    ours = systemd.drop_in_path(name)
    # What systemd has read, and what it will read at the next boot.
    paths = set(properties.get('DropInPaths', '').split()) | set(boot.units.files(name)) - set(
        [boot.units.file_of(name)])
    paths = sorted(path for path in paths if path != ours)
    others = dict(properties, DropInPaths=' '.join(paths))
    winners = dict((key, systemd.setting_of(host, others, key)) for key in _DIRECTIVES)
    restart = winners['Restart']
    return {
        'properties': properties,
        'drop_in': host.read(ours),
        'drop_in_flaw': host.flaw_of_own(ours),
        'listed': systemd.lists(properties, ours),
        'behind': systemd.is_behind(host, properties, ours),
        'boot': boot,
        'transient': properties.get('FragmentPath', '').startswith('/run/systemd/transient/'),
        'winners': winners,
        'without_ours': {'Restart': restart['value'] if restart else 'no'},
    }


def _made_by_us(host, record):
    """The files that the record says we made, and that are as we left them."""
    return [path for path, entry in sorted((record or {}).get('files', {}).items())
            if entry['before'] is None and digest(host.read(path) or '') == entry['sha256']]


def _changed_by_others(host, record, ours):
    """{path: who besides root may write to it} of the files that we made and others could, and did, change.

    Nothing in such a file is known to be root's, and root's programs run what it says.
    """
    made = [path for path, entry in (record or {}).get('files', {}).items()
            if entry['before'] is None and path not in ours]
    return _open_to_others(host, made)


def _open_to_others(host, paths):
    """{path: who besides root may write to it, in words} of the paths that are there and that somebody may write to."""
    writers = dict((path, permissions.writer_of(host.path(path))) for path in paths if host.exists(path))
    return dict((path, words) for path, words in writers.items() if words)


def _units(host, names, boot):
    found = dict((name, _unit_facts(host, name, boot)) for name in names)
    return dict((name, unit) for name, unit in found.items() if unit)


def _programs(host, targets):
    """{name: what root's supervisord has of the program} of the programs among the targets."""
    found = {}
    for target in targets:
        if target['manager']['kind'] == 'supervisord':
            supervisord = supervisord_of(host, [target['process']] + ancestors(host, target['process']))
            name = target['manager']['name']
            found[name] = supervisor.program(host, supervisord[0]['cmdline'] if supervisord else [], name)
    return found


def _scripts(host, targets, ours):
    """{name of an init script, or directory of a service: what its manager has of the script} of the targets'."""
    found = {}
    for manager in (target['manager'] for target in targets):
        if manager['kind'] == 'sysv':
            found[manager['name']] = sysv.script_facts(host, manager['name'], ours)
        elif manager['kind'] in KINDS:
            found[manager['directory']] = run_script.script_facts(host, manager['directory'])
    return found


def _targets_of(host, kind, name, users, undo):
    """[target] of find(); [] for an undo of a name that means nothing any more. Raises RescueError otherwise."""
    try:
        return find(host, kind, name, users)
    except RescueError:
        if not undo:
            raise
        return []


def _left(host, record, targets):
    """[target] of processes that have a score of ours by the record, and are none of ``targets``."""
    known = set(target['process']['pid'] for target in targets)
    pids = sorted(set(entry['pid'] for entry in (record or {}).get('live', [])) - known)
    rows = [row for row in (process(host, pid) for pid in pids) if row and row['oom_score_adj'] is not None]
    given = set((entry['pid'], entry['start_ticks']) for entry in (record or {}).get('live', []))
    return [{'process': row, 'part': 'server', 'manager': manager_of(host, row), 'refused': None, 'owner': None,
             'sets_its_own': False}
            for row in rows if (row['pid'], row['start_ticks']) in given]


def read_facts(host, state, kind, name, users=(), undo=False):
    """A dictionary of all that the plan for one target depends on. Raises RescueError, or OSError with a file's name.

    ``name`` of a unit may be an alias, ``users`` are those whose own processes count. For an ``undo`` the processes of
    the record are targets as well, and the name need not mean anything any more.
    """
    systemd_running, boot = systemd.is_running(host), boot_of(host)
    if kind == 'unit':
        name = name if '.' in name else name + '.service'
        properties = systemd.unit_properties(host, name) if systemd_running else None
        name = properties['Id'] if properties else name
    records = state.records()
    key = key_of(kind, name)
    record = records.get(key)
    all_targets = _targets_of(host, kind, name, users, undo)
    if undo:
        all_targets = all_targets + _left(host, record, all_targets)
    targets = [target for target in all_targets if target['refused'] is None]
    for target in targets:
        if target['manager']['kind'] in ('docker', 'podman'):
            monitor = monitor_of(host, ancestors(host, target['process']))
            target['container'] = container_facts(host, target['manager'], monitor)
    stopped = _stopped_units(host, kind, name, all_targets) if systemd_running else []
    units = set(stopped)
    units.update(target['manager']['name'] for target in targets
                 if target['manager']['kind'] == 'systemd' and target['manager']['user'] is None)
    # Of a run that was killed, systemd may still have what is gone from the disk.
    units.update(unit for unit in (systemd.unit_of_drop_in(path) for path in (record or {}).get('files', {})) if unit)
    pids = set(target['process']['pid'] for target in targets)
    rows = processes(host)
    ours = _made_by_us(host, record)
    changed = _changed_by_others(host, record, ours)
    killers = user_space_killers(host, rows)
    killable = [row for row in rows if not row['kernel_thread'] and row['oom_score_adj'] != -1000]
    return {
        'key': key,
        'targets': targets,
        'strangers': [target for target in all_targets if target['refused'] is not None],
        'stopped_units': stopped,
        'other_mains': _other_mains(host, stopped, all_targets) if kind == 'process' else {},
        'systemd_running': systemd_running,
        'systemd_version': systemd.version(host) if systemd_running else None,
        'units': _units(host, units, boot) if systemd_running else {},
        'scripts': _scripts(host, targets, ours + list(changed)),
        'programs': _programs(host, targets),
        'keeper': keeper.read_keeper(host, systemd_running),
        'boot': boot,
        'killers': killers,
        'spare': spare.read_killers(host, killers, rows, ours + list(changed)),
        'total_bytes': ram_and_swap_bytes(read_meminfo(host)),
        'killable_bytes': sum(memory_bytes(row) for row in killable if row['pid'] not in pids and row['pid'] != 1),
        'lowering_refused': lowering_refused(host),
        'boot_id': (host.read('/proc/sys/kernel/random/boot_id') or '').strip(),
        'record': record,
        'open': _open_to_others(host, ours),
        'changed': changed,
        'open_directories': _open_to_others(host, (record or {}).get('directories', [])),
        'all': records,
        'others': [records[other] for other in sorted(records) if other != key],
        'files': dict((path, {'now': host.read(path), 'backup': host.read(backup_path(path))})
                      for path in (record or {}).get('files', {})),
    }
