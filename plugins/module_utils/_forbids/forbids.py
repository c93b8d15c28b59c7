# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who on a host says no to a remedy, where that is written, and how it is lifted: one table for all remedies.

A remedy that is forbidden is left alone unless its id is among those that the user overrides.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._boot.init import OPENRC, RUNIT, SYSV, init_of
from .._boot.kernel_line import command_lines
from .._change.wishes import DEFAULT_PATH, DEFAULT_SCORE
from .._files.overlay import Overlay
from .._files.reader import FAILURES
from .._node.identity import is_called, runs
from .._node.managers import manager_of
from .._node.privilege import SWAPPINESS, can_swapon, is_refused_to_root, lowering_refused, swappiness_refused
from .._node.processes import processes
from .._node.subvolumes import shared_with
from .._node.swap_areas import parse_swaps
from .._systemd import unit_files
from . import kubelet
from .hibernation import resume
from .swap_managers import managers, unit_name

REMEDIES = ('swap', 'swappiness', 'score')
_SWAPS = '/proc/swaps'
_NO = '0 no n false f off'.split()
_CMDLINE = '/proc/cmdline'
_ZRAM = ('zram-generator', 'zram-tools', 'zram-config', 'rpi-swap')
_ZRAM_PROGRAMS = ('/usr/lib/systemd/system-generators/zram-generator', '/lib/systemd/system-generators/zram-generator')
# What makes swap files, and how the swap that they make is changed.
_MADE_BY = {
    'dphys-swapfile': 'set CONF_SWAPSIZE there and run `dphys-swapfile setup`, or disable its service',
    'swapspace': 'it adds and removes swap files by itself: set max_swapsize there, or disable its service',
    'systemd-swap': 'set it there, or disable its service',
    'waagent': 'set ResourceDisk.SwapSizeMB there and restart the agent, or ResourceDisk.EnableSwap=n',
    'rpi-swap': 'set the size in its section [File] or [Zram], or Mechanism=none, and boot',
    'cloud-init': 'set swap.size there for new instances, or take its part `swap:` away',
}
# servers that lock their memory or have swap off: name, programs, configuration, the line that asks for it or None,
# what their documentation says, and the largest vm.swappiness that it wants.
_ELASTIC = 'https://www.elastic.co/docs/deploy-manage/deploy/self-managed/setup-configuration-memory'
_LOCK = re.compile(r'(?m)^[ \t]*bootstrap[.:]\s*memory_lock[ \t]*:[ \t]*["\']?(?:true|yes|on)')
_CASSANDRA = 'https://cassandra.apache.org/doc/latest/cassandra/getting-started/production.html'
_NO_LOCK = re.compile(r'(?m)^[ \t]*disable_mlock[ \t]*=[ \t]*"?(?:true|1)\b')
_LOCKERS = (
    ('Elasticsearch', 'elasticsearch', '/etc/elasticsearch/elasticsearch.yml', _LOCK, _ELASTIC),
    ('OpenSearch', 'opensearch', '/etc/opensearch/opensearch.yml', _LOCK,
     'https://docs.opensearch.org/latest/install-and-configure/install-opensearch/index/'),
    ('Cassandra', 'cassandra', '/etc/cassandra/cassandra.yaml', None, _CASSANDRA),
    ('Cassandra', 'cassandra', '/etc/cassandra/default.conf/cassandra.yaml', None, _CASSANDRA),
    ('Cassandra', 'cassandra', '/etc/cassandra/conf/cassandra.yaml', None, _CASSANDRA),
    ('DataStax Enterprise', 'dse', '/etc/dse/cassandra/cassandra.yaml', None, _CASSANDRA),
    ('ClickHouse', 'clickhouse-server', '/etc/clickhouse-server/config.xml', None,
     'https://clickhouse.com/docs/guides/oss/best-practices/tips'),
    ('Vault without mlock', 'vault', '/etc/vault.d/vault.hcl', _NO_LOCK,
     'https://developer.hashicorp.com/vault/docs/concepts/production-hardening'),
    ('Redis Enterprise', 'rlec_supervisor', '/etc/opt/redislabs/redislabs_env_config.sh', None,
     'https://redis.io/docs/latest/operate/rs/installing-upgrading/configuring/linux-swap/'),
)
# A part `swap:` of cloud-init, as a block or in braces, with the size 0.
_CLOUD_NOTHING = re.compile(
    r'(?m)^swap:[ \t]*(?:\{[^}]*|(?:#.*)?\n(?:[ \t].*\n)*?[ \t]+)size:[ \t]*["\']?0(?![\w.])')
_SERVERS = ('mysqld', 'mariadbd', 'postgres', 'mongod', 'redis-server', 'valkey-server', 'memcached', 'slapd', 'named')


def forbidden(host, rows=None, path=None):
    """{swap: [{id, where, text}], swappiness: the same, score: the same with ``target``}: what forbids each remedy.

    ``rows`` is what processes() returns, ``path`` the swap file that is meant. ``id`` is one of overrides.IDS,
    ``where`` the file or the value of the kernel that says so, ``text`` a sentence with what lifts it. ``at_most``, for
    swappiness, is the largest value that is allowed; ``target`` is the name of the process whose score is meant, None
    for all.
    """
    rows = processes(host) if rows is None else rows
    swap = _of_the_host(host) + kubelet.refusals(host, rows) + _masked(host, path) + _managed(host) + _image(host)
    swap += _snapshots(host, path)
    locked = _locked(host, rows)
    return {'swap': swap + locked, 'swappiness': [dict(entry, at_most=1) for entry in locked] + _no_sysctl(host),
            'score': _no_score(host) + _stronger(host, rows)}


def not_overridden(entries, overridden):
    """The entries whose id is not among ``overridden``."""
    return [entry for entry in entries if entry['id'] not in (overridden or ())]


def said(entries):
    """One line that says what forbids, where, and how each is lifted; None without an entry."""
    return '; '.join('%s (%s): %s. To go on all the same: override=%s, or rescue_override of the playbooks' % (
        entry['id'], entry['where'], entry['text'], entry['id']) for entry in entries) or None


def _entry(name, where, text):
    return {'id': name, 'where': where, 'text': text}


def _of_the_host(host):
    if can_swapon(host) is not False or not is_refused_to_root(host):
        return []
    return [_entry('container', '/proc/self/status',
                   'a container has the swap of its host, and may turn none on: make it on the host that runs it')]


def _no_sysctl(host):
    reason = swappiness_refused(host)
    return [_entry('container', SWAPPINESS, reason)] if reason else []


def _no_score(host):
    reason = lowering_refused(host)
    if not reason or not is_refused_to_root(host):
        return []
    return [dict(_entry('container', '/proc/self/status', reason), target=None)]


def _masked(host, path):
    """Units of swap that somebody masked, and the kernel's option with which systemd, or sysvinit, starts none."""
    units = ['swap.target'] + ([unit_name(path)] if path else [])
    masks = [(unit, unit_files.mask_of(host, unit)) for unit in units]
    found = [_entry('masked', where, '%s is masked, so that no swap is turned on at boot: '
                    '`systemctl unmask %s` if there is to be swap' % (unit, unit)) for unit, where in masks if where]
    switched = ['systemd.mask=' + unit for unit in units] + ['systemd.swap=' + word for word in _NO]
    view = Overlay(host)
    init = init_of(view)
    # The scripts of Debian and of what was made of it, which its OpenRC and runit run as well.
    if init == SYSV or init in (OPENRC, RUNIT) and view.exists('/etc/init.d/mountall.sh'):
        switched.append('noswap')
    for place, words in command_lines(view):
        word = next((word for word in words if word.lower() in switched or word in switched), None)
        if word and not any(entry['where'] == _CMDLINE for entry in found):
            found.append(_entry('masked', place, '%s has %s turn no swap on at boot: take it away' % (
                word, init if word == 'noswap' else 'systemd')))
    return found


def _snapshots(host, path):
    """A swap file that exists, is not on, and shares its subvolume with other files."""
    path = path or DEFAULT_PATH
    point = None if _is_on(host, path) else shared_with(host, path)
    return [_entry('btrfs-snapshots', path, 'it is in the subvolume %s, and while it is on no snapshot of that can be '
                   'made (snapper, Timeshift and apt-btrfs-snapshot then fail): remove it to have one made in a '
                   'subvolume of its own' % point)] if point else []


def _is_on(host, path):
    return any(area['path'] == path for area in parse_swaps(host.read(_SWAPS)))


def _managed(host):
    """Programs that make the swap of a host, if they run at boot: two of them would work against each other."""
    found, areas = [], parse_swaps(host.read(_SWAPS))
    on_disk = [area for area in areas if area['type'] != 'zram']
    for manager in managers(host):
        name = manager['name']
        if name in _MADE_BY and _is_in_force(host, manager):
            found.append(_entry(name, manager['config'], 'it makes the swap of this host: %s' % _MADE_BY[name]))
        elif name in _ZRAM and not on_disk and _zram_is_made(host, manager, areas):
            found.append(_zram(manager['config']))
    if areas and not on_disk and not any(entry['id'] in ('zram-generator', 'rpi-swap') for entry in found):
        found.append(_zram(_SWAPS))
    return found


def _zram(where):
    return _entry('zram-generator', where, 'zram is the only swap here, as somebody chose: give it more there, such as '
                  'zram-size, if the disk is to be spared')


def _zram_is_made(host, manager, areas):
    if any(area['type'] == 'zram' for area in areas):
        return True
    if manager['name'] == 'zram-generator':
        off = 'systemd.zram=0' in (host.read(_CMDLINE) or '').split()
        return not off and any(host.exists(path) for path in _ZRAM_PROGRAMS)
    service = {'zram-tools': 'zramswap'}.get(manager['name'], manager['name'])
    return unit_files.starts_at_boot(host, service) is not False


def _is_in_force(host, manager):
    """False for a manager whose service does not start at boot, or that is told to make nothing."""
    name, text = manager['name'], _text(host, manager['config'])
    if name == 'cloud-init':
        off = host.exists('/etc/cloud/cloud-init.disabled') or 'cloud-init=disabled' in (host.read(_CMDLINE) or '')
        return not off and not _CLOUD_NOTHING.search(text)
    if name == 'dphys-swapfile' and re.search(r'(?m)^[ \t]*CONF_SWAPSIZE=["\']?0["\']?[ \t]*$', text):
        return False
    if name == 'rpi-swap':
        return True
    services = ('waagent', 'walinuxagent') if name == 'waagent' else (name,)
    return not any(unit_files.starts_at_boot(host, service) is False for service in services)


def _image(host):
    image = resume(host)
    if image is None or image['offset'] is None:
        return []
    return [_entry('hibernation', image['where'], 'resume_offset=%d says that this host hibernates into a swap file: '
                   'one that is made anew, resized or removed leaves it without its image. Change resume_offset with it'
                   % image['offset'])]


def _locked(host, rows):
    """Servers that lock their memory, or whose documentation wants no swap. They are named, and not changed."""
    found, named = [], set()
    for name, service, config, line, page in _LOCKERS:
        text = _text(host, config) if host.exists(config) else None
        if text is None or line and not line.search(text) or not _runs(host, rows, service):
            continue
        if name in named:
            continue
        named.add(name)
        what = 'it has bootstrap.memory_lock' if line is _LOCK else 'its documentation wants no swap'
        found.append(_entry('memory-lock', config, '%s is here, and %s, see %s' % (name, what, page)))
    return found


def _runs(host, rows, service):
    managers_of_all = (manager_of(host, row) for row in rows)
    return unit_files.starts_at_boot(host, service) is not False or any(
        manager['unit'] == service + '.service' and manager['user'] is None for manager in managers_of_all)


def _stronger(host, rows):
    """Known servers with a score that protects more than the default, or with a unit that sets one of the other sign.
    """
    found = []
    for row in rows:
        if row['kernel_thread'] or row['oom_score_adj'] is None or not is_called(row, _SERVERS):
            continue
        manager = manager_of(host, row)
        if manager['user'] is not None:
            # What a user starts is not this host's server, whatever its score.
            continue
        unit = manager['unit']
        says = [setting for setting in unit_files.settings(host, unit, 'OOMScoreAdjust')
                if not setting['path'].endswith('50-oom-rescue.conf')] if unit else []
        score = int(says[-1]['value']) if says and re.match(r'-?\d+\Z', says[-1]['value']) else None
        where = says[-1]['path'] if score is not None else '/proc/%d/oom_score_adj' % row['pid']
        score = row['oom_score_adj'] if score is None else score
        if not (score < DEFAULT_SCORE or says and score > 0) or not runs(host, row, _SERVERS):
            continue
        words = 'protects it more' if score < 0 else 'has it killed early, as somebody wants'
        found.append(dict(_entry('stronger-score', where, '%s has the score %d, which %s than %d: it stays' % (
            row['name'], score, words, DEFAULT_SCORE)), target=row['name']))
    return found


def _text(host, path):
    try:
        return host.read(path) or ''
    except FAILURES:
        return ''
