# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OOM report in plain sentences, with its figures."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain
from .._files.sizes import format_size
from .._report.zones import managed_bytes

_MONTHS = ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')


def process_words(process):
    """``mysqld (pid 13036)``, with its score if the kernel printed one."""
    words = '%s (pid %s)' % (plain(process.get('name') or 'an unnamed process'), process.get('pid'))
    return '%s with score %s' % (words, process['score']) if process.get('score') is not None else words


def describe(event):
    """Sentences on what a report says: the victims, the trigger, the memory, the largest processes."""
    return [sentence for sentence in (_killed(event), _asked(event), _memory(event), _largest(event)) if sentence]


def _killed(event):
    parts = []
    for victim in event.get('victims') or []:
        sizes = ', '.join(
            '%s %d kB' % (name, victim[key] // 1024)
            for name, key in (('total-vm', 'total_vm_bytes'), ('anon-rss', 'anon_rss_bytes'))
            if victim.get(key) is not None)
        parts.append('%s%s%s' % (process_words(victim), _place(victim), ': %s' % sizes if sizes else ''))
    if not parts and event.get('kind') == 'kill' and event.get('selected'):
        return 'The kernel chose %s; the line that tells the kill is not in the log.' % process_words(event['selected'])
    if not parts:
        return {'panic': 'The kernel panicked instead of killing a process.',
                'no_victim': 'The kernel found no process that it could kill.',
                'allocation_failure': 'An allocation failed; no process was killed.',
                }.get(event.get('kind'), 'The report ends before it names a victim.')
    return 'The kernel killed %s.' % '; '.join(parts)


def _place(process):
    """`` of docker container 5f0c1d2e3a4b``, a pod or a unit; empty if the report does not tell the cgroup."""
    container, unit = process.get('container_id'), process.get('unit')
    if container:
        return ' of %s container %s' % (process.get('runtime') or 'the', plain(container)[:12])
    if process.get('pod_uid'):
        return ' of Kubernetes pod %s' % plain(process['pod_uid'])
    return ' of %s' % plain(unit) if unit else ''


def when(event):
    """``Oct 28 11:32:28``, without the year, which syslog does not write; the log's own words if no time is known."""
    match = re.match(r'\d{4}-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)', event.get('time') or '')
    if not match:
        return plain(event['time_text'], 100) if event.get('time_text') else None
    month, day, clock = match.groups()
    return '%s %d %s' % (_MONTHS[int(month) - 1], int(day), clock)


def _asked(event):
    trigger = event.get('trigger') or {}
    if not trigger.get('name'):
        return None
    if trigger.get('manual'):
        return 'It was asked for by hand (sysrq f).'
    details = []
    if trigger.get('order') is not None:
        details.append('order %s' % trigger['order'])
    if trigger.get('oom_score_adj') is not None:
        details.append('oom_score_adj %s' % trigger['oom_score_adj'])
    words = '%s (pid %s)' % (plain(trigger['name']), trigger['pid']) if trigger.get('pid') is not None \
        else plain(trigger['name'])
    return 'Triggered by %s%s.' % (words, ', %s' % ', '.join(details) if details else '')


def _memory(event):
    memory = event.get('memory') or {}
    if event.get('scope') == 'memcg':
        return _cgroup(event)
    if managed_bytes(event) is None:
        return None
    page = memory.get('page_size_bytes') or 4096
    swap = memory.get('swap_total_bytes')
    swap_words = 'swap not reported' if swap is None else 'no swap' if not swap else \
        '%s of swap, %s of it free' % (format_size(swap), format_size(memory.get('swap_free_bytes')))
    size = format_size(managed_bytes(event))
    if memory.get('ram_bytes') is None:
        return 'RAM: %s, by its zones; %s.' % (size, swap_words)
    pages = memory['ram_bytes'] // page
    if memory.get('reserved_bytes') is None:
        return 'RAM: %s (%d pages, those reserved are not told); %s.' % (size, pages, swap_words)
    return 'RAM: %s (%d pages, %d reserved); %s.' % (size, pages, memory['reserved_bytes'] // page, swap_words)


def _cgroup(event):
    cgroup = event.get('cgroup') or {}
    if cgroup.get('limit_bytes') is None:
        return None
    return 'The control group %s used %s of its limit of %s.' % (
        plain(cgroup.get('path') or 'concerned'), format_size(cgroup.get('usage_bytes')),
        format_size(cgroup['limit_bytes']))


def _largest(event):
    tasks = sorted((task for task in event.get('tasks') or [] if task.get('rss_bytes')),
                   key=lambda task: -task['rss_bytes'])[:2]
    if not tasks:
        return None
    return 'Largest: %s.' % ' and '.join(
        '%s (%d pages, %s)' % (plain(task['name']), task['rss_pages'], format_size(task['rss_bytes']))
        for task in tasks)
