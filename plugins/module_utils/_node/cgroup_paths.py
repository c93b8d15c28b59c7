# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cgroup's path means: its systemd units, containers, guests and pods, the outermost and the innermost.

Below a cgroup that was delegated a path proves nothing: whoever may make cgroups there chooses their names.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

# Units that a process can be in, except slices (systemd.unit(5)); mounts and swap run helpers.
_UNITS = ('.service', '.scope', '.socket', '.mount', '.swap')
_SLICE = '.slice'
_SCOPE = '.scope'
_DELETED = ' (deleted)'
_MOUNTED = '/sys/fs/cgroup/'
_CONTROLLERS = set(['blkio', 'cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'hugetlb', 'memory', 'misc', 'net_cls',
                    'net_prio', 'perf_event', 'pids', 'rdma', 'systemd', 'unified'])
_USER_MANAGER = re.compile(r'user@(\d{1,10})\.service\Z')
_USER_SLICE = re.compile(r'user-(\d{1,10})\.slice\Z')
_ESCAPED = re.compile(r'\\x([0-9a-f]{2})')

_WORD = re.compile(r'[A-Za-z0-9][\w.-]*\Z')
_ID = re.compile(r'[0-9a-f]{64}\Z')
_UUID = r'[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}'
# What the kubelet makes for all pods of the node, and for all of a class.
_ABOVE_PODS = re.compile(r'(?:\A|[/-])kubepods(?:-(?:burstable|besteffort))?(?:\.slice|/burstable|/besteffort)?/?\Z')
_POD_UID = re.compile(r'(?:%s|[0-9a-f]{32})\Z' % _UUID)
_NOMAD = re.compile(r'(%s(?:[.-].+?)?)(?:\.scope)?\Z' % _UUID)
_NOMAD_PARENTS = ('nomad', 'nomad.slice', 'share', 'share.slice', 'reserve', 'reserve.slice')
# the task: Fargate has the task's id and a number; ECS on EC2 has Docker's ids.
_FARGATE = re.compile(r'[0-9a-f]{32}-\d{1,20}\Z')
# libvirt numbers its guests since 1.3: machine-qemu\x2d3\x2dname.scope, without systemd qemu-3-name.libvirt-qemu.
_LIBVIRT = re.compile(r'(qemu|lxc|ch(?=-\d{1,10}-))-(?:\d{1,10}-)?(.+)\Z')
_LIBVIRT_LXC = re.compile(r'(?:lxc-\d{1,10}-)?(.+)\.libvirt-lxc\Z')
# Guests of QEMU and Cloud Hypervisor have a kernel of their own.
_VIRTUAL_MACHINES = ('qemu', 'ch')

# The words before an id, as in docker-ID.scope: (runtime, kind of manager).
_PREFIXES = {
    'docker': ('docker', 'docker'),
    'libpod': ('podman', 'podman'),
    'libpod-payload': ('podman', 'podman'),
    'podman': ('podman', 'podman'),
    'crio': ('cri-o', 'kubernetes'),
    'cri-containerd': ('containerd', 'kubernetes'),
    'containerd': ('containerd', 'other'),
    'nerdctl': ('containerd', 'other'),
    'buildkit': ('buildkit', 'other'),
}
# The words above an id, as in /docker/ID; containerd writes the name of its namespace.
_PARENTS = {
    'docker': ('docker', 'docker'),
    'buildx': ('docker', 'docker'),
    'libpod_parent': ('podman', 'podman'),
    'default': ('containerd', 'other'),
    'k8s.io': ('containerd', 'kubernetes'),
}
# The words above a name of any form.
_NAMED = {
    'lxc': 'lxc',
    'lxc.payload': 'lxc',
    'buildkit': 'buildkit',
    'mesos': 'mesos',
    'garden': 'garden',
}
# Garden sorts its containers by how much of the processors they use: /garden/good/ID. Mesos' agent is /mesos/slave.
_NO_NAMES = {'garden': ('good', 'bad'), 'mesos': ('slave',)}
_SPLIT = 'libpod-payload'


class _Level:
    """The host or a container, with the units in it. A container has {id, runtime, kind, pod_uid, unit} as well."""

    def __init__(self, container=None):
        self.container = container
        self.units = []

    def is_monitor(self, part):
        """True for a part below a container that is what runs it on the host: systemd-nspawn, or a pod's conmon."""
        if self.container is None:
            return False
        return part == 'supervisor' and self.container['runtime'] == 'nspawn' or (
            part == 'conmon' and self.container['of_pod'])

    def unit(self, last_part):
        """The innermost unit that tells what runs. A scope of a manager itself counts only if there is no other."""
        own = [unit for unit in self.units if unit != 'init.scope' and not _USER_MANAGER.match(unit)]
        if own or self.units:
            return (own or self.units)[-1]
        return last_part if last_part.endswith(_SLICE) and last_part != _SLICE else None


def paths_of_groups(groups, init_groups=None):
    """The paths of /proc/PID/cgroup, each once: those of systemd's own hierarchy first, then of version 2, then the
    others.

    In a container without a cgroup namespace every path starts with the path of process 1 of this node
    (``init_groups``), which is cut off.
    """
    prefixes = {}
    for group in init_groups or []:
        path = group['path']
        if path.endswith('/init.scope'):
            path = path[:-len('/init.scope')]
        prefixes[','.join(group['controllers'])] = path.rstrip('/')

    def rank(group):
        if 'name=systemd' in group['controllers']:
            return 0
        return 2 if group['controllers'] else 1

    paths = []
    for group in sorted(groups, key=rank):
        path = group['path']
        prefix = prefixes.get(','.join(group['controllers']), '')
        if prefix and (path + '/').startswith(prefix + '/'):
            path = path[len(prefix):] or '/'
        if path not in paths:
            paths.append(path)
    return paths


# What was told of a path: the reports of a log name few of them again and again.
_NAMES = {}
_MOST_NAMES = 256
_LONGEST_NAME = 512


def parse_cgroup(path):
    """What a cgroup's path tells, as a dictionary; what it does not tell is None.

    ``container_id``, ``runtime``, ``pod_uid`` and ``unit`` are of the innermost container, or of the host if there is
    none. ``containers`` are all containers and pods, the outermost first, each {id, runtime, kind:
    docker|podman|kubernetes|other|None if the path names no engine, pod_uid, unit: the host's or guest's unit that is
    this container alone; the host's is ``host_unit`` or none}. ``host_unit`` is the unit of the host's own systemd that
    all of this is in, ``user`` the uid if that is a unit of a user's manager, ``user_slice`` the uid in whose slice of
    the host it is. ``delegated`` is True if the outermost container has its name below such a unit or slice: a user may
    have given it.
    """
    parts = _parts(path)
    unit, user = _host_unit(parts)
    levels, delegated = _levels(parts, unit)
    containers = [level.container for level in levels[1:]]
    for container in containers:
        del container['of_pod']
    slice_uid = _user_slice(parts)
    inner = containers[-1] if containers else {'id': None, 'runtime': None, 'pod_uid': None}
    return {
        'container_id': inner['id'],
        'runtime': inner['runtime'],
        'pod_uid': inner['pod_uid'],
        'unit': levels[-1].unit(parts[-1] if parts else ''),
        'containers': containers,
        'host_unit': unit,
        'user': user,
        'user_slice': slice_uid,
        'delegated': bool(containers) and (delegated or slice_uid is not None),
    }


def cgroup_names(path):
    """{container_id, runtime, pod_uid, unit, outer_container_id, outer_unit} of a path, as a person names it.

    The first four are of the innermost container. ``outer_container_id`` is the outermost container, ``outer_unit`` the
    unit of the host's own systemd.
    """
    names = _NAMES.get(path)
    if names is None:
        names = _names_of(path)
        if len(_NAMES) >= _MOST_NAMES:
            _NAMES.clear()
        if path and len(path) <= _LONGEST_NAME:
            _NAMES[path] = names
    return dict(names)


def _names_of(path):
    parsed = parse_cgroup(path)
    names = dict((key, parsed[key]) for key in ('container_id', 'runtime', 'pod_uid', 'unit'))
    names['outer_container_id'] = next((one['id'] for one in parsed['containers'] if one['id']), None)
    names['outer_unit'] = parsed['host_unit']
    return names


def session_uid(paths):
    """The uid of the user in whose slice a process's cgroups are (systemd.special(7)); None outside of these."""
    uids = [_user_slice(_parts(path)) for path in paths]
    return next((uid for uid in uids if uid is not None), None)


def own_unit(parsed):
    """The unit of the host's systemd that runs only what parse_cgroup() found; None if there is none.

    For a container that is a unit it is that one. A container below the unit of its engine has none: a setting of
    containerd.service reaches every pod. It is a unit of a user's manager if ``user`` is told.
    """
    return parsed['containers'][0]['unit'] if parsed['containers'] else parsed['host_unit']


def system_unit(parsed):
    """own_unit() if it is one of the system's manager, whatever units of that name users have; else None."""
    return own_unit(parsed) if parsed['user'] is None else None


def unit_of_path(path):
    """The unit or slice of the system's manager whose cgroup a path is; None if it is any other's, or deeper."""
    parts = _parts(path)
    if not parts or any(not part.endswith(_SLICE) for part in parts[:-1]) or parts[-1] == _SLICE:
        return None
    return parts[-1] if parts[-1].endswith(_SLICE) else _unit_name(parts[-1])


def is_within_container(parsed):
    """True if a path is of a unit in the innermost container, or of a container in one of a pod's: what sets the limits
    of that container, or of that pod, sets none of it.
    """
    outer, inner = ([None, None] + parsed['containers'])[-2:]
    if inner is None:
        return False
    if outer is not None and outer['pod_uid'] and outer['pod_uid'] == inner['pod_uid']:
        return True
    # A container's scope is itself.
    return parsed['unit'] not in (None, inner['unit']) and _container(parsed['unit'], '') is None


def is_above_pods(path):
    """True if a path is of the cgroup that the kubelet makes for all pods of its node, or for all of a class."""
    return _ABOVE_PODS.search(path or '') is not None


def unit_in_guest(path):
    """The unit or slice of the system's manager of an LXC guest whose cgroup a path is; None if it is any other's."""
    parts = _parts(path)
    inner = len(parts)
    while inner and parts[inner - 1].endswith(_SLICE):
        inner -= 1
    if inner == len(parts) and _unit_name(parts[-1]):
        inner -= 1
        while inner and parts[inner - 1].endswith(_SLICE):
            inner -= 1
    # What is left is the guest's own: below another unit the guest's systemd has none.
    return unit_of_path('/'.join(parts[inner:])) if inner and not _unit_name(parts[inner - 1]) else None


def parse_cgroups_of(paths):
    """[parse_cgroup()] of the paths of a process, what tells a container first.

    On version 1 an engine need not put its containers into every hierarchy: the rest tells the unit of the engine.
    """
    return sorted((parse_cgroup(path) for path in paths), key=lambda parsed: not parsed['containers'])


def _parts(path):
    """The names in a path, without those of the mount, ``..`` (outside of a cgroup namespace) and ``(deleted)``."""
    path = path or ''
    if path.endswith(_DELETED):
        path = path[:-len(_DELETED)]
    parts = [part for part in path.split('/') if part not in ('', '.', '..')]
    if path.startswith(_MOUNTED):
        parts = parts[3:]
        if parts and _CONTROLLERS.issuperset(parts[0].split(',')):
            parts = parts[1:]
    return parts


def _unit_name(part):
    """The name of the unit that a part of a path is, or None."""
    if not part.endswith(_UNITS) or part in _UNITS:
        return None
    # cg_unescape(): a leading underscore keeps a unit's name apart from the kernel's own files.
    return part[1:] if part[0] == '_' else part


def _host_unit(parts):
    """(unit, uid of the user whose manager has it or None), as systemd reads a path (cg_path_get_unit()).

    The first part below the slices is the unit; the unit itself makes what is deeper. Below user@UID.service a user's
    manager has units of its own.
    """
    user = None
    for part in parts:
        if part.endswith(_SLICE):
            continue
        unit = _unit_name(part)
        if unit is None:
            break
        manager = _USER_MANAGER.match(unit)
        if manager is None or user is not None:
            return unit, user
        user = int(manager.group(1))
    return ('user@%d.service' % user, None) if user is not None else (None, None)


def _user_slice(parts):
    match = _USER_SLICE.match(parts[1]) if parts[:1] == ['user.slice'] and len(parts) > 1 else None
    return int(match.group(1)) if match else None


def _levels(parts, host_unit):
    """([the host, then a level for each container], True if the first container is below a unit of the host)."""
    levels, delegated, before = [_Level()], False, ''
    in_pods = in_unit = False
    for part in parts:
        unit, container = _unit_name(part), _container(part, before)
        in_pods = in_pods or 'kubepods' in part
        if container is not None:
            if len(levels) == 1:
                delegated = bool(levels[0].units) and host_unit is not None
            if in_pods:
                container['kind'] = 'kubernetes'
            container['unit'] = _unit_of_container(part, None if in_unit else unit, levels, host_unit)
            unit = unit or container['unit']
            _enter(levels, container)
            in_unit = False
        elif levels[-1].is_monitor(part):
            ended = levels.pop().container['unit']
            levels[-1].units += [ended] if ended else []
        # systemd has units in slices alone: what is below a unit that its service made, whatever its name.
        if unit is not None and not in_unit:
            levels[-1].units.append(unit)
            in_unit = container is None and (unit == host_unit or not _USER_MANAGER.match(unit))
        in_unit = in_unit and not part.endswith(_SLICE)
        if container is not None:
            # A name that was a container's own is no parent of another.
            before = ''
        elif part not in _NO_NAMES.get(before, ()):
            before = part
    return levels, delegated


def _unit_of_container(part, unit, levels, host_unit):
    """The unit that is a container alone, or None. Below a unit of the host a name of that form is no unit of it."""
    outer = levels[-1].container
    on_host = len(levels) == 1 or len(levels) == 2 and outer['id'] is None
    if _is_split(part):
        shared = host_unit if on_host else levels[-1].unit('')
        # A session or a user's manager runs more than this container.
        return shared if shared and shared.endswith('.service') and not _USER_MANAGER.match(shared) else unit
    return unit if not on_host or unit == host_unit else None


def _is_split(part):
    """True for the part that Podman makes below a unit that it shares (--cgroups=split): then the unit is the
    container.
    """
    return part.startswith(_SPLIT)


def _enter(levels, container):
    """Add a level for a container, unless it is a pod's container or another name of the same one."""
    known = levels[-1].container
    if known is not None and container['id'] is not None:
        if known['id'] is None and known['pod_uid']:
            known.update(container, pod_uid=container['pod_uid'] or known['pod_uid'], kind='kubernetes')
            return
        if known['id'] == container['id']:
            known['runtime'] = known['runtime'] or container['runtime']
            return
        if known['of_pod'] and container['runtime'] == 'podman':
            # On version 1 a pod of Podman's is a bare id above its containers.
            levels.pop()
    if known is not None and container['pod_uid'] is None:
        container['pod_uid'] = known['pod_uid']
    levels.append(_Level(container))


def _found(identity, runtime=None, kind=None, pod_uid=None, of_pod=False):
    return {'id': identity, 'runtime': runtime, 'kind': kind, 'pod_uid': pod_uid, 'unit': None, 'of_pod': of_pod}


def _container(part, before):
    """The container, guest or pod that a part names: {id, runtime, kind, pod_uid, ...}; else None.

    ``before`` is the part above it.
    """
    if ':' in part:
        # A path meant for systemd's driver that was used as a path of the file system: slice:prefix:id.
        sliced = _of_slice(part)
        if sliced is not None:
            return sliced
    uid = _pod_uid(part)
    if uid is not None:
        return _found(None, kind='kubernetes', pod_uid=uid)
    return _guest(part, before) or _by_id(part, before)


def _of_slice(part):
    pieces = part.rsplit(':', 2)
    # A unit may have colons in the name of its instance.
    if len(pieces) != 3 or not _WORD.match(pieces[2]) or _unit_name(part):
        return None
    runtime, kind = _PREFIXES.get(pieces[1], (None, None))
    uid = _pod_uid(pieces[0])
    if runtime is None and uid is None and not _ID.match(pieces[2]):
        return None
    return _found(pieces[2], runtime, 'kubernetes' if uid else kind, uid)


def _pod_uid(part):
    """The uid of a pod, with dashes, of ``pod<uid>`` or ``kubepods-burstable-pod<uid>.slice``; None if it is none."""
    name = part[:-len(_SLICE)] if part.endswith(_SLICE) else part
    for length in (36, 32):
        uid, above = name[-length:], name[:-length]
        if above.endswith('pod') and above[-4:-3] in ('', '-') and _POD_UID.match(uid):
            digits = uid.replace('-', '').replace('_', '')
            return '-'.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return None


def _by_id(part, before):
    """The container by an id of 64 digits, which stands below its engine's name or follows it; or None."""
    name = part[:-len(_SCOPE)] if part.endswith(_SCOPE) else part
    identity, prefix = name[-64:], name[:-64]
    if not _ID.match(identity):
        return None
    if not prefix:
        return _found(identity, *_PARENTS.get(before, (None, None)), of_pod=before == 'libpod_parent')
    # A conmon is on the host, and a pod of Podman's holds the containers below it.
    if prefix[-1] not in '-_:' or prefix[:-1].endswith(('conmon', 'libpod_pod')):
        return None
    return _found(identity, *_PREFIXES.get(prefix[:-1], (None, None)))


def _guest(part, before):
    """The container that has a name and not an id; or None."""
    if before in _NAMED and part not in _NO_NAMES.get(before, ()) and not part.endswith(
            _UNITS + (_SLICE,)) and not part.startswith('lxc.'):
        return _found(part, _NAMED[before], 'other')
    if part.startswith('lxc.') and not part.endswith(_UNITS + (_SLICE,)):
        # A guest itself may be called monitor.
        kind, _dot, name = part[len('lxc.'):].partition('.')
        if kind in ('monitor', 'payload', 'pivot'):
            name = name if kind == 'payload' else ''
        else:
            name = part[len('lxc.'):]
        return _found(name, 'lxc', 'other') if name else None
    if before in _NOMAD_PARENTS:
        match = _NOMAD.match(part)
        if match:
            return _found(match.group(1), 'nomad', 'other')
    if _FARGATE.match(part):
        return _found(part, None, 'other')
    libvirt = _LIBVIRT_LXC.match(part)
    if libvirt:
        return _found(libvirt.group(1), 'lxc', 'other')
    return _machine(part)


def _machine(part):
    """A machine of systemd-machined or a unit of systemd-nspawn(1); or None."""
    if part.startswith('machine-') and part.endswith(_SCOPE):
        name, runtime = _unescaped(part[len('machine-'):-len(_SCOPE)]), 'nspawn'
        libvirt = _LIBVIRT.match(name)
        if libvirt:
            runtime, name = libvirt.groups()
        return _found(name, runtime, 'other') if name and runtime not in _VIRTUAL_MACHINES else None
    if part.startswith('systemd-nspawn@') and part.endswith('.service'):
        name = _unescaped(part[len('systemd-nspawn@'):-len('.service')])
        return _found(name, 'nspawn', 'other') if name else None
    return None


def _unescaped(name):
    """A name without the escapes that systemd writes in a unit's name (systemd-escape(1)); only for ASCII."""
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)) if int(match.group(1), 16) < 128 else match.group(),
                        name)
