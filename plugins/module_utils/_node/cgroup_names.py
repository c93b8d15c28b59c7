# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person calls a cgroup: a systemd unit, a container's id, a Kubernetes pod's uid."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_CONTAINER = re.compile(
    r'(?:^|/)(?:(docker|libpod|cri-containerd|crio|containerd|podman|buildkit)[-:])?([0-9a-f]{64})(?:\.scope)?(?=/|$)'
)
_COLON_CONTAINER = re.compile(r'(?:^|/)[^/]*:(cri-containerd|containerd|docker|crio):([0-9a-f]{64})(?=/|$)')
_POD = re.compile(
    r'[-/]pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?=/|$)'
)
_UNITS = ('.service', '.scope', '.socket', '.mount', '.swap')
_SLICE = '.slice'
_LXC = re.compile(r'^/(?:lxc(?:\.payload)?|machine\.slice/lxc)[./]([^/]+)')
_RUNTIMES = {'libpod': 'podman', 'cri-containerd': 'containerd', 'crio': 'cri-o'}


def cgroup_names(path):
    """{container_id, runtime, pod_uid, unit} of a cgroup path; what the path does not tell is None.

    Of a pod in a container, as where a node of a cluster is one, the pod is told.
    """
    names = {'container_id': None, 'runtime': None, 'pod_uid': None, 'unit': None}
    if not path:
        return names
    pods = list(_POD.finditer(path)) if 'pod' in path else ()
    containers = list(_COLON_CONTAINER.finditer(path)) if ':' in path else ()
    containers = containers or list(_CONTAINER.finditer(path))
    if pods and containers and containers[-1].end() <= pods[-1].start():
        path, containers = path[containers[-1].end() :], []
    if containers:
        runtime, names['container_id'] = containers[-1].groups()
        parent = path[: containers[-1].start()].rpartition('/')[2]
        names['runtime'] = _RUNTIMES.get(runtime, runtime) or (
            'docker' if parent == 'docker' else 'podman' if parent.startswith('libpod') else None
        )
    else:
        match = _LXC.match(path)
        if match and not pods:
            names['container_id'], names['runtime'] = match.group(1), 'lxc'
    if pods:
        uid = pods[-1].group(1).replace('_', '-')
        names['pod_uid'] = uid if '-' in uid else '-'.join((uid[:8], uid[8:12], uid[12:16], uid[16:20], uid[20:]))
    # A path may be as long as a line: an expression would try the rest of it from each of its characters.
    parts = path.split('/')
    units = [part for part in parts if part.endswith(_UNITS) and part not in _UNITS]
    services = [unit for unit in units if not unit.startswith('user@') and not unit.startswith('init.scope')]
    if not units and parts[-1].endswith(_SLICE) and parts[-1] != _SLICE:
        units = parts[-1:]
    names['unit'] = (services or units or [None])[-1]
    return names
