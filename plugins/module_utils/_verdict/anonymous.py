# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data without what identifies somebody: hosts, names, containers, units, paths and addresses become pseudonyms.

A name has the same pseudonym wherever it stands. Figures, times and kernels stay. The names of programs that anybody
may have stay too, as a reader has to know them; any other name belongs to somebody.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .remedy_score import KEEPERS

_TEXTS = (str, type(u''))
PROGRAMS = KEEPERS | frozenset((
    'mysqld mariadbd postgres postmaster redis-server valkey-server memcached mongod mongos influxd clickhouse-serv '
    'elasticsearch beam.smp rabbitmq-server etcd consul vault haproxy varnishd squid nginx apache2 httpd lighttpd '
    'caddy traefik envoy php php-fpm php-cgi composer java node npm yarn python python2 python3 perl ruby puma '
    'unicorn gunicorn uwsgi celery dotnet go cargo rustc gcc cc1 cc1plus clang ld make cmake git bash sh dash zsh '
    'tmux screen sudo su cron crond anacron atd rsyslogd rsync tar gzip xz zstd dd cat tail sort awk grep find stress '
    'stress-ng chrome chromium firefox Xorg gnome-shell qemu-kvm qemu-system-x86 libvirtd dnsmasq named unbound '
    'postfix master qmgr pickup smtpd dovecot imap clamd freshclam spamd amavisd snapd yum dnf packagekitd apt '
    'apt-get dpkg rpm tuned irqbalance chronyd ntpd systemd prometheus grafana grafana-server node_exporter telegraf '
    'filebeat fluentd fluent-bit logstash zabbix_agentd zabbix_server nfsd smbd winbindd rpcbind rpc.statd lvmetad '
    'udevd gssproxy acpid crio runc crun pause kube-proxy kube-apiserver coredns calico-node flanneld jenkins '
    'gitlab-runner sidekiq rails earlyoom nohang oomd kswapd0 kthreadd swapper'
).split())
_PROGRAM = re.compile(r'^(?:kworker/|ksoftirqd/|migration/|khugepaged|python\d|php-fpm|php\d|systemd|postgres|java)')
# Keys of which the value identifies nobody, in a dictionary of any kind.
_KEPT = frozenset((
    'kind effect status scope limit actor was_memory pattern error state remedy id joined_by goes_with constraint '
    'event_id report reports kernel time time_text first last written libc type gfp_mask gfp_flags persisted_by '
    'left_out missing zone runtime'
).split())
# The log's own words: nobody can tell which of them are names.
_OWN_WORDS = ('text', 'message')
LEFT_OUT = 'the words of the line are left out'
_HOSTS, _CONTAINERS = ('host',), ('container', 'container_id', 'outer_container_id', 'pod', 'pod_uid')
_UNITS, _NAMES = ('unit', 'outer_unit'), ('name', 'program', 'target', 'process', 'site')
_PATH = re.compile(r'(?<![\w/.:])/(?:[\w.@:+~%\\-]+/)*[\w.@:+~%\\-]+/?')
# Files that any host has identify nobody.
_COMMON = re.compile(
    r'^/(?:proc/.*|dev/(?:null|zram\d+|shm)/?|swapfile|etc/(?:fstab|sysctl\.conf)|var/lib/oom-rescue'
    r'|var/log/(?:messages|kern\.log|syslog)[\w.*-]*)$')
_CGROUPS = re.compile(r'^/sys/fs/cgroup')
_PATTERNS = (
    ('address', re.compile(r'(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\w)')),
    # Not a time of day, which has figures alone.
    ('address', re.compile(r'(?<![\w:])(?=[\d:]*(?:[a-fA-F]|::))(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])')),
    ('address', re.compile(r'[\w.+-]+@[\w-]+(?:\.[\w-]+)+')),
    ('container', re.compile(r'(?<![\w])(?=[0-9a-f]*[a-f])(?=[a-f]*\d)[0-9a-f]{12,64}(?![\w])')),
    ('container', re.compile(r'(?<![\w])[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}(?![\w])')),
)


# Names of files and control groups that any host has.
_COMMON_NAMES = frozenset((
    'messages kern.log syslog journal ring_buffer system.slice user.slice init.scope docker '
    'machine.slice swapfile fstab memory.max memory.swap.max standard-input'
).split())


def anonymous_summary(summary):
    """summarize()'s result with pseudonyms; the last line, which says where the page is, stays."""
    hosts = [host['name'] for host in summary['hosts']]
    told = Anonymous().of(dict(summary, lines=summary['lines'][:-1]), hosts)
    return dict(told, lines=told['lines'] + summary['lines'][-1:])


class Anonymous:
    """Pseudonyms for the names in some data. All data of one report go through one Anonymous."""

    def __init__(self):
        self._known = {}
        self._counts = {}
        self._words = None

    def of(self, data, hosts=()):
        """The same data with pseudonyms, as new lists and dictionaries. ``hosts`` are names of hosts in its texts."""
        for name in hosts:
            self._host(name)
        self._collect(data)
        words = sorted((text for text in self._known if not _is_number(text)), key=len, reverse=True)
        self._words = re.compile(r'(?<![\w-])(?:%s)(?![\w-])' % '|'.join(map(re.escape, words))) if words else None
        return self._told(data, None, {})

    def _pseudonym(self, kind, text):
        if text not in self._known:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[text] = '%s-%d' % (kind, self._counts[kind])
        return self._known[text]

    def _host(self, name):
        if name in ('localhost', ''):
            return
        pseudonym = self._pseudonym('host', name)
        self._known.setdefault(name.split('.')[0], pseudonym)

    def _collect(self, data):
        if isinstance(data, list):
            for part in data:
                self._collect(part)
        elif isinstance(data, dict):
            for key, value in data.items():
                if isinstance(value, _TEXTS) and value:
                    self._collect_text(key, value, data)
                else:
                    self._collect(value)

    def _collect_text(self, key, value, within):
        if key in _HOSTS:
            self._host(value)
        elif key in _CONTAINERS:
            self._pseudonym('container', value)
        elif key in _UNITS:
            program, _dot, kind = value.rpartition('.')
            if not is_program(program):
                self._pseudonym('unit', value)
        elif key == 'path':
            self._collect_path(value)
        elif key in _NAMES and _is_of_process(key, within) and not is_program(value):
            self._pseudonym('process', value)

    def _collect_path(self, path):
        """Note a path, and its file name, which may stand alone, as in the label of a log."""
        name = path.rstrip('/').rpartition('/')[2]
        if name in _COMMON_NAMES or is_program(name.partition('.')[0]) or _COMMON.match(path):
            return
        pseudonym = self._pseudonym('path', path)
        if len(name) > 2 and not name.isdigit():
            self._known.setdefault(name, pseudonym)

    def _told(self, data, key, within):
        if isinstance(data, list):
            return [] if key == 'raw' else [self._told(part, key, within) for part in data]
        if isinstance(data, dict):
            return dict((self._told(name, None, {}), self._told(value, name, data)) for name, value in data.items())
        if not isinstance(data, _TEXTS) or key in _KEPT or (key == 'name' and 'effect' in within):
            return data
        if key in _OWN_WORDS and ('source' in within or 'line' in within):
            return LEFT_OUT
        return self.text(data)

    def text(self, text):
        """A text with pseudonyms for all known names, and for what looks like a path or an address."""
        if self._words is not None:
            text = self._words.sub(lambda match: self._known[match.group()], text)
        text = _PATH.sub(self._path, text)
        for kind, pattern in _PATTERNS:
            text = pattern.sub(lambda match, kind=kind: self._pseudonym(kind, match.group()), text)
        return text

    def _path(self, match):
        path = match.group()
        if _COMMON.match(path) or self._is_ours(path):
            return path
        if _CGROUPS.match(path):
            place, _slash, name = path.rpartition('/')
            return '/sys/fs/cgroup/%s/%s' % (self._pseudonym('path', place), name) if name.startswith('memory.') \
                else '/sys/fs/cgroup/%s' % self._pseudonym('path', path)
        return '/%s' % self._pseudonym('path', path)

    @staticmethod
    def _is_ours(path):
        return re.match(r'^/(?:path-\d+|sys/(?:kernel|devices|module|block/zram))', path) is not None


def _is_of_process(key, within):
    if key == 'name':
        return ('pid' in within or 'bytes' in within) and 'effect' not in within
    return key != 'target' or within.get('name') == 'score'


def _is_number(text):
    return text.replace('.', '').isdigit()


def is_program(name):
    """True if a name is of a program that anybody may have, and so identifies nobody."""
    return name in PROGRAMS or _PROGRAM.match(name) is not None
