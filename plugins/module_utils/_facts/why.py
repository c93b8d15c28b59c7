# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running host says of one unit, container or process: systemd, the counters of its cgroup, its engine.

For each source that says nothing the reason is told, and none keeps the others from being asked. Of an engine only
named fields are read: no environment, no command line, no output of a health check.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import posixpath
import re

from .._files.reader import json_object
from .._log.times import parse_iso
from .._node.cgroup import layout
from .._node.cgroup_paths import system_unit
from .._node.processes import cgroups_of, process

KINDS = ('unit', 'container', 'pid')
_UNIT = re.compile(r'.+\.(?:service|scope|slice|socket|mount|swap|timer)$')
_PROPERTIES = ('Id', 'LoadState', 'ActiveState', 'Result', 'ExecMainCode', 'ExecMainStatus', 'ExecMainPID', 'MainPID',
               'ExecMainExitTimestamp', 'InactiveEnterTimestamp', 'ControlGroup', 'MemoryMax', 'MemoryLimit')
# Each engine with its word for a container's id.
_ENGINES = (('docker', 'Id'), ('podman', 'ID'))
_TEMPLATE = (
    '{"id":{{json .%s}},"name":{{json .Name}},"oom_killed":{{json .State.OOMKilled}},"exit_code":'
    '{{json .State.ExitCode}},"status":{{json .State.Status}},"pid":{{json .State.Pid}},"finished":'
    '{{json .State.FinishedAt}},"limit_bytes":{{json .HostConfig.Memory}}}')
_SECONDS = 20
_MOST_NEAR = 3
_NOT_THERE = 127


def why_facts(host, text):
    """What a host knows of ``text``, which is a name, or unit:NAME, container:NAME or pid:NUMBER.

    {kind, name, known, near: [name], unit: {property: text}|None, container: {engine, and the keys of _TEMPLATE}|None,
    process: {pid, name}|None, pids, cgroup: {path, oom, oom_kills, limit_bytes, pids_refused}|None, sources: [{name,
    error}]}. ``known`` is False if nothing that was asked has it; ``near`` are names that it has instead.
    """
    kind, name = _asked(text)
    subject = {'kind': kind, 'name': name, 'known': False, 'near': [], 'unit': None, 'container': None, 'process': None,
               'pids': [], 'cgroup': None, 'sources': []}
    names = []
    if kind == 'pid':
        _take_process(host, subject)
    if kind in (None, 'unit'):
        names += _take_unit(host, subject, subject['name'])
    if kind == 'container' or (kind is None and subject['unit'] is None):
        names += _take_container(host, subject)
    subject['kind'] = kind or ('container' if subject['container'] else 'unit')
    if not subject['known']:
        # Few runs need it, and it takes more memory than the facts.
        from difflib import get_close_matches
        subject['near'] = get_close_matches(name, sorted(set(names)), _MOST_NEAR, 0.5)
    _take_cgroup(host, subject)
    return subject


def _asked(text):
    kind, colon, name = text.partition(':')
    if colon and kind in KINDS:
        return kind, name
    if text.isdigit():
        return 'pid', text
    return ('unit' if _UNIT.match(text) else None), text


def _note(subject, name, error=None):
    subject['sources'].append({'name': name, 'error': error})


def _run(host, argv):
    """(stdout, None) of a program, or ('', the reason that it said nothing)."""
    rc, out, err = host.run(argv)
    if rc == 0:
        return out, None
    if rc == _NOT_THERE:
        return '', 'it is not on this host'
    lines = (err or out).strip().splitlines()
    return '', lines[-1].strip()[:200] if lines else 'it ended with status %d' % rc


def _take_process(host, subject):
    pid = int(subject['name']) if subject['name'].isdigit() and len(subject['name']) < 12 else None
    row = process(host, pid) if pid else None
    _note(subject, '/proc/%s' % subject['name'][:12], None if row else 'no process has this number now')
    if pid:
        subject['pids'].append(pid)
    if not row:
        return
    subject['known'], subject['process'] = True, {'pid': pid, 'name': row['name']}
    told = cgroups_of(host, row)
    container = next((parsed['containers'][-1] for parsed in told if parsed['containers']), None)
    # A guest is of no engine that is asked, which may have a container of that name.
    if container and container['id'] and container['kind'] != 'other':
        _take_container(host, subject, container['id'])
    place = next((parsed for parsed in told if parsed['host_unit'] or parsed['containers']), None)
    unit = system_unit(place) if place else None
    if unit and not subject['container']:
        _take_unit(host, subject, unit)


def _take_unit(host, subject, name):
    """Ask systemd for a unit. Returns the names of the units that it has, if it is none of them."""
    out, error = _run(host, ['systemctl', 'show', '--no-pager', '--property=' + ','.join(_PROPERTIES), '--', name])
    told = dict(line.split('=', 1) for line in out.splitlines() if '=' in line)
    if error or told.get('LoadState', 'not-found') == 'not-found':
        _note(subject, 'systemctl', error or 'systemd has no unit %s' % name)
        return [] if error else _names(host, ['systemctl', 'list-units', '--all', '--plain', '--no-legend',
                                              '--no-pager'])
    _note(subject, 'systemctl')
    subject['known'], subject['unit'] = True, told
    for key in ('ExecMainPID', 'MainPID'):
        pid = int(told.get(key) or 0) if (told.get(key) or '').isdigit() else 0
        if pid and pid not in subject['pids']:
            subject['pids'].append(pid)
    return []


def _names(host, argv):
    out, error = _run(host, argv)
    units = [line.split()[0] for line in out.splitlines() if line.split()] if not error else []
    return units + [unit.rsplit('.', 1)[0] for unit in units if '.' in unit]


def _take_container(host, subject, name=None):
    """Ask the engines for a container. Returns the names of the containers that they have, if it is none of them."""
    names, found, silent = [], [], []
    for engine, identity in _ENGINES:
        out, error = _run(host, [engine, 'inspect', '--type', 'container', '--format', _TEMPLATE % identity, '--',
                                 name or subject['name']])
        told = json_object(out.strip()) if not error else {}
        if not told.get('id'):
            silent.append((engine, error or 'its answer was not understood'))
            if error and 'not on' not in error:
                names += _names(host, [engine, 'ps', '--all', '--format', '{{.Names}}'])
            continue
        # The program docker may be Podman's.
        if told['id'] not in [one['id'] for one in found]:
            found.append(dict(told, engine=engine, name=str(told.get('name')).lstrip('/')))
        if name:
            break
    if found:
        _choose(subject, found)
    else:
        for engine, error in silent:
            _note(subject, engine, error)
    return names


def _choose(subject, found):
    """Of the containers that engines have by one name take the one that ended last, and name the others."""
    chosen = max(found, key=ended)
    for one in found:
        _note(subject, one['engine'], None if one is chosen else 'its container of that name is another one, %s' % (
            str(one['id'])[:12]))
    subject['known'], subject['container'] = True, chosen
    if isinstance(chosen.get('pid'), int) and chosen['pid'] > 0 and chosen['pid'] not in subject['pids']:
        subject['pids'].append(chosen['pid'])


def ended(container):
    """When a container ended last, in seconds since 1970; -1 if it never did, or its engine does not tell."""
    text = container.get('finished')
    # Go's time of nothing is in the year 1.
    moment = parse_iso(text) if isinstance(text, (str, type(u''))) and not text.startswith('0001') else None
    return moment[0] if moment else -1


def _take_cgroup(host, subject):
    """Read the counters of the subject's cgroup, if it is still there."""
    where = layout(host)
    mount = where['mount']
    paths = [path for path in _paths_of(host, subject) + [(subject['unit'] or {}).get('ControlGroup')]
             if path and path != '/']
    places = [(path, _directory(mount, path)) for path in paths] if mount else []
    place = next((pair for pair in places if pair[1] and host.exists(pair[1])), None)
    name = 'memory.oom_control' if where['memory'] == 1 else 'memory.events'
    if place is None:
        _note(subject, name, 'no cgroup has memory' if not mount else 'it has no cgroup of its own with memory'
              if any(process(host, pid) for pid in subject['pids']) else 'its cgroup is gone with its last process')
        return
    subject['cgroup'] = dict(_counters(host, where['memory'], place[1]), path=place[0])
    _note(subject, name)


def _directory(mount, path):
    """The directory of a cgroup; in a container the mount may show a part of the hierarchy. None if it is not there."""
    root = mount['root']
    if root not in ('/', '') and (path + '/').startswith(root + '/'):
        path = path[len(root):]
    directory = posixpath.normpath(mount['mount_point'] + '/' + path)
    return directory if directory.startswith(mount['mount_point'] + '/') else None


def _paths_of(host, subject):
    """The paths of the memory cgroups of its processes that run."""
    for pid in subject['pids']:
        row = process(host, pid)
        if row:
            groups = row['cgroups'] or []
            return [group['path'] for group in groups if 'memory' in group['controllers'] or not group['controllers']]
    return []


def _counters(host, version, directory):
    """{oom, oom_kills, limit_bytes, pids_refused}: how often the limit was met, and how many were killed; None if not
    told.
    """
    if version == 2:
        events, pids = _pairs(host, directory + '/memory.events'), _pairs(host, directory + '/pids.events')
        return {'oom': events.get('oom'), 'oom_kills': events.get('oom_kill'), 'pids_refused': pids.get('max'),
                'limit_bytes': _number(host, directory + '/memory.max')}
    control = _pairs(host, directory + '/memory.oom_control')
    return {'oom': _number(host, directory + '/memory.failcnt'), 'oom_kills': control.get('oom_kill'),
            'pids_refused': None, 'limit_bytes': _number(host, directory + '/memory.limit_in_bytes')}


def _pairs(host, path):
    rows = [line.split() for line in (host.read(path) or '').splitlines()]
    return dict((row[0], int(row[1])) for row in rows if len(row) == 2 and row[1].isdigit())


def _number(host, path):
    text = (host.read(path) or '').strip()
    return int(text) if text.isdigit() and int(text) < 1 << 62 else None
