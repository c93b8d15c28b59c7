# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that a name, unit, container or pid file means, their owners, and what starts them again."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import stat

from .._files.errors import RescueError
from .._node.cgroup_paths import session_uid
from .._node.identity import (
    account_uids,
    base_name,
    executable_owner,
    is_called,
    is_interpreter,
    is_version_of,
    outer_uid,
    runs,
    runs_in_container,
    same_user_namespace,
    script_of,
    uid_of_user,
)
from .._node.managers import environment, manager_of, monitor_of
from .._node.privilege import is_container
from .._node.processes import ancestors, cgroup_paths_of, process, processes
from .._systemd import systemd

# One server under its names: MariaDB took over from MySQL, and each has a shell script above it that respawns it.
_SERVERS = (
    (('mysqld', 'mariadbd'), ('mysqld_safe', 'mariadbd-safe')),
)
_CLOCK_TICKS = 100
# btime of /proc/stat has whole seconds, and moves by one with the clock.
_CLOCK_SLACK = 2
_BOOT_TIME = re.compile(r'^btime (\d+)$', re.MULTILINE)
_PID_FILE_BYTES = 64
# The file in which a child of PostgreSQL's first process writes its score.
_OF_CHILDREN = 'PG_OOM_ADJUST_FILE'


def names_of(name):
    """(names of the server, names of what respawns it) for the name that was asked for."""
    for servers, respawners in _SERVERS:
        if name in servers:
            return servers, respawners
    return (name,), ()


def program_name(row):
    """The name of the file that a process runs: of its executable, or of its script if that is an interpreter."""
    name = base_name(row['exe'])
    if name and is_interpreter(name):
        return base_name(script_of(row['cmdline'])) or name
    return name


def _respawners(host, row, names):
    """The ancestors of a process that start it again: scripts of these names, without a gap."""
    found = []
    for parent in ancestors(host, row):
        if not is_called(parent, names):
            break
        found.append(parent)
    return found


def _with_respawners(host, servers, names):
    parts = []
    seen = set()
    for row in servers:
        for parent in _respawners(host, row, names):
            if parent['pid'] not in seen:
                seen.add(parent['pid'])
                parts.append((parent, 'respawner'))
    return parts + [(row, 'server') for row in servers]


class Units:
    """systemd's properties of units, each asked for once."""

    def __init__(self, host):
        self._host = host
        self._known = {}
        self._running = systemd.is_running(host)

    def properties(self, name):
        """{property: text} of a unit, or {} without one."""
        if not self._running or not name:
            return {}
        if name not in self._known:
            self._known[name] = systemd.unit_properties(self._host, name) or {}
        return self._known[name]

    def is_main(self, row, parents, names):
        """True if a process is what its unit starts, or is below known programs (``names``) that the unit starts."""
        unit = manager_of(self._host, row)['unit']
        main = self.properties(unit).get('MainPID', '0')
        for below, above in zip([row] + parents, parents + [None]):
            if str(below['pid']) == main:
                return True
            if above is None or not is_called(above, names):
                # A unit without a main process has nothing of its own above what its script left behind.
                return main == '0' and (above is None or manager_of(self._host, above)['unit'] != unit)
        return False

    def starts(self, name, names):
        """True if a unit's ExecStart names one of these programs."""
        programs = []
        for words in systemd.started_programs(self.properties(name)):
            programs.append(base_name(words[0]) if words else None)
            if words and is_interpreter(programs[-1]):
                programs.append(base_name(script_of(words)))
        return any(is_version_of(program, wanted) for program in programs for wanted in names)


class Identity:
    """The owners of the processes of a target: ``names`` are its programs, ``users`` the uids that are named for it."""

    def __init__(self, host, names, users):
        self._host = host
        self._names = names
        self._users = users
        self._units = Units(host)

    def owner(self, row, manager):
        """The uid of the user of this host to whom a process belongs."""
        if manager['user'] is not None:
            return manager['user']
        if same_user_namespace(self._host, row):
            return row['uid']
        session = session_uid(cgroup_paths_of(self._host, row))
        return session or outer_uid(self._host, row, 0)

    def refusal(self, row, manager):
        """The reason that a process is left alone, or None: it is the server that is meant, or a named user's.

        The uid is asked for first: a file of a user's may be on a filesystem of his own, which need not answer.
        """
        owner = self.owner(row, manager)
        if owner in self._users:
            return None
        if manager['user'] is not None:
            return 'it is run by the user with uid %s' % owner
        parents = ancestors(self._host, row)
        monitor = monitor_of(self._host, parents)
        if monitor:
            return self._refusal_in_container(row, parents[:parents.index(monitor)])
        return self._refusal_on_host(row, manager, parents)

    def _refusal_in_container(self, row, parents):
        init = parents[-1] if parents else row
        if row['uid'] not in (outer_uid(self._host, row, 0), init['uid']):
            if row['uid'] not in account_uids(self._host, self._names, row):
                return 'uid %s is not the user of its container' % row['uid']
        if not runs_in_container(self._host, row, self._names):
            return 'what it runs can be changed by others than its container\'s root'
        return None

    def _refusal_on_host(self, row, manager, parents):
        if not same_user_namespace(self._host, row):
            return 'it is in a user namespace that no container engine of root\'s made'
        started = self._units.starts(manager['unit'], self._names) and self._units.is_main(row, parents, self._names)
        if row['uid'] != 0 and not started and row['uid'] not in account_uids(self._host, self._names):
            return 'uid %s is neither root nor the account of such a server' % row['uid']
        if row['exe'] is None:
            return None if started else 'its executable cannot be seen'
        return None if runs(self._host, row, self._names) else 'what it runs can be changed by others than root'

    def is_of_its_unit(self, row):
        """True if the unit that a process is in was made for it: a drop-in reaches no program beside it."""
        return self._units.is_main(row, ancestors(self._host, row), self._names)


def _uids(host, users):
    found = []
    for user in users or []:
        uid = uid_of_user(host, user)
        if uid is None:
            raise RescueError('user {value} is not in {path}', path='/etc/passwd', value=user,
                              next_step='name one that is there, or give the uid')
        found.append(uid)
    return set(found)


def _started_at(host, row):
    boot = _BOOT_TIME.search(host.read('/proc/stat') or '')
    return int(boot.group(1)) + row['start_ticks'] // _CLOCK_TICKS if boot else None


def _by_pid_file(host, path):
    """The process of a pid file, or None if it is gone. Raises RescueError if the file, or the process, is another
    user's.
    """
    status = host.status(path, follow=False)
    if status is None:
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > _PID_FILE_BYTES:
        raise RescueError('{path} is no pid file', path=path, allowed='a regular file',
                          next_step='give a regular file that holds the pid of a running server')
    text = host.read(path, links=False)
    if text is None:
        return None
    if not re.match(r'^\s*\d{1,10}\s*$', text):
        raise RescueError('{path} holds no pid', path=path, allowed='a pid',
                          next_step='give the pid file of a running server')
    if int(text) == 1:
        raise RescueError('{path} holds {value}, the pid of init, whose score every service would inherit: the file of '
                          'a container counts in it alone', path=path, value=1, allowed='the pid of a server',
                          next_step='name the container, unit or process')
    row = process(host, int(text))
    if row:
        _check_pid_file(host, path, status, row)
    return row


def _check_pid_file(host, path, status, row):
    advice = 'name the process, unit or container instead'
    if row['kernel_thread'] or status.st_uid not in (0, row['uid']):
        raise RescueError('{path} belongs to {value} and the process that it names to {allowed}', path=path,
                          value='uid %d' % status.st_uid,
                          allowed='uid %s' % (0 if row['kernel_thread'] else row['uid']), next_step=advice)
    started = _started_at(host, row)
    if started is not None and started > status.st_mtime + _CLOCK_SLACK:
        raise RescueError('{path} was written before process {value} started, so that it names one that is gone',
                          path=path,
                          value=row['pid'], next_step='remove the file, or %s' % advice)


def _processes_of(host, kind, name):
    """([(process, part)], names of the programs that are meant) of a target, by what processes say of themselves."""
    if kind == 'pid_file':
        row = _by_pid_file(host, name)
        servers, respawners = names_of(program_name(row)) if row else ((), ())
        return _with_respawners(host, [row] if row else [], respawners), servers + respawners
    if kind == 'process':
        servers, respawners = names_of(name)
        rows = [row for row in processes(host) if is_called(row, servers)]
        return _with_respawners(host, rows, respawners), servers + respawners
    return [(row, 'server') for row in processes(host) if not row['kernel_thread']], ()


def _is_target(target, kind, name, users):
    manager = target['manager']
    if kind == 'unit':
        return manager['unit'] == name and manager['user'] is None
    if kind == 'container':
        return _is_container(manager, name) and (manager['user'] is None or manager['user'] in users)
    return True


def find(host, kind, name, users=()):
    """[{process, part: server|respawner, manager, owner, sets_its_own, refused, user}] of a target.

    kind is process, unit, container or pid_file; ``name`` of a unit is its real name. A container is named by its name,
    or its id of 12 digits or more. ``users`` are names or uids whose own processes are meant as well. ``owner`` is the
    uid of the file that a process runs. ``sets_its_own`` is true if it gives itself a score. ``refused`` is the reason
    that a process is not the server that is meant, or None, and ``user`` the uid whose it is.
    """
    parts, names = _processes_of(host, kind, name)
    uids = _uids(host, users)
    identity = Identity(host, names, uids)
    targets = []
    for row, part in parts:
        if row['oom_score_adj'] is None:
            # It ended while it was looked at.
            continue
        target = {'process': row, 'part': part, 'manager': manager_of(host, row), 'refused': None, 'owner': None,
                  'sets_its_own': _sets_its_own(host, row)}
        if _is_target(target, kind, name, uids):
            _refuse_init(host, row, kind, name)
            if names:
                _tell_apart(target, identity)
            if target['refused'] is None:
                target['owner'] = executable_owner(host, row)
            targets.append(target)
    return targets


def _sets_its_own(host, row):
    """True for a child of PostgreSQL's first process that gives itself a score at its start, to be killed in place of
    that process (https://www.postgresql.org/docs/current/kernel-resources.html, "Linux Memory Overcommit").
    """
    return base_name(row['exe']) == 'postgres' and any(
        parent['exe'] == row['exe'] and bool(environment(host, parent['pid']).get(_OF_CHILDREN))
        for parent in ancestors(host, row))


def _refuse_init(host, row, kind, name):
    """Raise RescueError for the first process of a host, whose score every service inherits that starts from now on.

    In a container the server may be the first process itself.
    """
    if row['pid'] == 1 and not is_container(host):
        raise RescueError('{value} is init (pid 1), whose score every service would inherit', path=kind, value=name,
                          allowed='a server', next_step='name the process, unit or container of a server')


def _tell_apart(target, identity):
    row, manager = target['process'], target['manager']
    target['user'] = identity.owner(row, manager)
    target['refused'] = identity.refusal(row, manager)
    if manager['kind'] == 'systemd' and target['refused'] is None and not identity.is_of_its_unit(row):
        target['manager'] = dict(manager, kind='none', name=None)


def _is_container(manager, name):
    identity = manager.get('container_id')
    if not identity:
        return False
    return manager['name'] == name or (len(name) >= 12 and identity.startswith(name))
