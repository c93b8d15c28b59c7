# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubelets that do not start on a host with swap: failSwapOn, which is true by default.

kubernetes/cmd/kubelet/app/server.go: with failSwapOn a kubelet ends if it finds an area in /proc/swaps. A flag wins
over the configuration, of which the drop-ins win over the file (kubelet --help, --config-dir).
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.reader import FAILURES
from .._node.containers import option
from .._node.identity import is_a_users_own, is_called, outer_uid, runs_as_root, runs_in_container
from .._node.privilege import CAP_SYS_ADMIN, has_capability
from .._systemd import unit_files

_UNIT = 'kubelet.service'
_CONFIGURATION = '/var/lib/kubelet/config.yaml'
_PROGRAMS = ('/usr/bin/kubelet', '/usr/local/bin/kubelet', '/opt/bin/kubelet', '/opt/kubernetes/bin/kubelet')
# Flags of a kubelet that no unit starts; the last one wins.
_FLAG_FILES = ('/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet')
_FLAG = re.compile(r'--fail-swap-on(?:=["\']?([A-Za-z0-9]+))?(?![\w-])')
# Finds a key of YAML without a parser for it, which a node need not have; the same key in JSON too.
_KEY = re.compile(r'(?m)^[ \t{,]*["\']?failSwapOn["\']?[ \t]*:[ \t]*["\']?(\w+)')
_RANCHER_FLAG = re.compile(r'fail-swap-on=["\']?(\w+)')
# The words of Go's strconv.ParseBool, and YAML's own.
_FALSE = '0 f F false FALSE False no off'.split()
_MICROK8S = '/var/snap/microk8s/current/args/kubelet'
# Other snaps with a kubelet, of Canonical's Kubernetes and of Amazon's.
_SNAPS = ('/var/snap/k8s/common/args/kubelet', '/var/snap/kubelet/current/args', '/var/snap/kubelet-eks/current/args')
_K0S = ('k0sworker.service', 'k0scontroller.service')
_K0S_CONFIG = '/etc/k0s/k0s.yaml'
# A file of the kubelet's own that k3s or RKE2 hands it.
_HANDED = re.compile(r'\bconfig=["\']?(/[^\s"\'\],]+)')
_RANCHER = (('k3s', ('k3s', 'k3s-agent')), ('rke2', ('rke2-server', 'rke2-agent')))
_HOW = ('a kubelet with failSwapOn ends at its next start if any swap is on, and the node is lost: set failSwapOn to '
        'false there first')


def refusals(host, rows):
    """[{id: kubelet|k3s|microk8s|rke2, where, text}] of the kubelets of a host that do not start with swap.

    ``rows`` is what processes() returns. ``where`` is the file that says so, or the one that has to allow swap.
    """
    says = [_kubelet(host, rows), _k0s(host), _of_snap(host, 'microk8s', _MICROK8S)]
    says += [_of_snap(host, 'kubelet', path) for path in _SNAPS]
    says += [_contained(host, row) for row in rows if is_called(row, ('kubelet',))]
    says += [_rancher(host, name, units) for name, units in _RANCHER]
    return [{'id': name, 'where': where, 'text': _HOW} for name, where in _each_once(says)]


def _each_once(rows):
    kept = []
    for one in rows:
        if one and one not in kept:
            kept.append(one)
    return kept


def _kubelet(host, rows):
    running = next((row for row in rows if runs_as_root(host, row, ('kubelet',))), None)
    if not running and (unit_files.mask_of(host, _UNIT) or not _is_installed(host)):
        return None
    if running and 'microk8s' in (running['exe'] or ''):
        return None
    by_flag, words = _flag(host, running)
    if by_flag is None:
        return _by_configuration(host, words)
    allowed, where = by_flag
    return None if allowed else ('kubelet', where)


def _contained(host, row):
    """A kubelet in a container or machine of this host, which sees the swap of the host as well; or None.

    It runs as root there, and can do what a kubelet has to: else a user could forbid swap here by a name.
    """
    if runs_as_root(host, row, ('kubelet',)) or row['uid'] != outer_uid(host, row, 0) or is_a_users_own(host, row):
        return None
    if has_capability(host, CAP_SYS_ADMIN, row['pid']) is False or not runs_in_container(host, row, ('kubelet',)):
        return None
    flags = _FLAG.findall(' '.join(row['cmdline']))
    if flags:
        return None if flags[-1] in _FALSE else ('kubelet', '/proc/%d/cmdline' % row['pid'])
    return _by_configuration(host, row['cmdline'], '/proc/%d/root' % row['pid'])


def _is_installed(host):
    """True if a host has a unit for a kubelet, or a kubelet that has been configured to join a cluster."""
    return bool(unit_files.files(host, _UNIT)) or host.exists(_CONFIGURATION) and any(
        host.exists(path) for path in _PROGRAMS)


def _flag(host, running):
    """((True if the last flag allows swap, the file that has it) or None without a flag, words of the command)."""
    words = unit_files.command(host, _UNIT)
    places = unit_files.sources(host, _UNIT)
    if not words:
        words = running['cmdline'] if running else []
        places = [path for path in _FLAG_FILES if host.exists(path)]
        words = words or [word for path in places for word in unit_files.words_of(_uncommented(_text(host, path)))]
    flags = _FLAG.findall(' '.join(words))
    if not flags:
        return None, words
    named = [path for path in places if _FLAG.search(_uncommented(_text(host, path)))]
    where = named[-1] if named else '/proc/%d/cmdline' % running['pid'] if running else _UNIT
    return (flags[-1] in _FALSE, where), words


def _by_configuration(host, words, root=''):
    path = root + (option(words, '--config') or _CONFIGURATION)
    directory = option(words, '--config-dir')
    parts = ['%s/%s' % (root + directory.rstrip('/'), name) for name in host.listdir(root + directory)
             if name.endswith('.conf')] if directory else []
    for place in reversed([path] + parts):
        values = _KEY.findall(_text(host, place))
        if values:
            return None if values[-1] in _FALSE else ('kubelet', place)
    return 'kubelet', path


def _of_snap(host, name, path):
    """The arguments of the kubelet of a snap, which allow swap as microk8s and k8s ship them."""
    if not host.exists(path):
        return None
    flags = _FLAG.findall(_uncommented(_text(host, path)))
    return None if flags and flags[-1] in _FALSE else (name, path)


def _k0s(host):
    """What makes the kubelet of k0s fail, which allows swap by default (its worker profiles)."""
    there = [unit for unit in _K0S if unit_files.files(host, unit) and not unit_files.mask_of(host, unit)]
    values = [(_FLAG.findall(_uncommented(_text(host, path))), path) for unit in there
              for path in unit_files.sources(host, unit)]
    if there:
        values.append((_KEY.findall(_uncommented(_text(host, _K0S_CONFIG))), _K0S_CONFIG))
    return next((('kubelet', path) for words, path in values if words and words[-1] not in _FALSE), None)


def _rancher(host, name, units):
    """What makes the kubelet of k3s or RKE2 fail; they allow swap by default (k3s, pkg/daemons/agent)."""
    there = [unit + '.service' for unit in units if unit_files.files(host, unit + '.service')
             and not unit_files.mask_of(host, unit + '.service')]
    if not there:
        return None
    parts, kubelet = '/etc/rancher/%s/config.yaml.d' % name, '/var/lib/rancher/%s/agent/etc/kubelet.conf.d' % name
    says = None
    for path in ['%s/%s' % (kubelet, part) for part in host.listdir(kubelet) if part.endswith('.conf')]:
        values = _KEY.findall(_text(host, path))
        says = (values[-1], path) if values else says
    sources = [source for unit in there for source in unit_files.sources(host, unit)]
    flags = ['/etc/rancher/%s/config.yaml' % name] + ['%s/%s' % (parts, part) for part in host.listdir(parts)]
    texts = [(path, _uncommented(_text(host, path))) for path in flags + sources]
    for handed in [path for _source, text in texts for path in _HANDED.findall(text)]:
        values = _KEY.findall(_text(host, handed))
        says = (values[-1], handed) if values else says
    for path, text in texts:
        values = _RANCHER_FLAG.findall(text)
        says = (values[-1], path) if values else says
    return None if says is None or says[0] in _FALSE else (name, says[1])


def _uncommented(text):
    return '\n'.join(line for line in text.splitlines() if not line.lstrip().startswith(('#', ';')))


def _text(host, path):
    try:
        return host.read(path) or ''
    except FAILURES:
        return ''
