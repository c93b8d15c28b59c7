# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory of hosts is, on one screen: one host's whole ledger, or a line for each of several hosts."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.sizes import format_size
from .._node.ledger import UNACCOUNTED, eater_of
from .columns import cut, wrapped
from .phrases import as_it_is
from .summary import UNREAD
from .words import PARTS

_LINES = 24
_BAR = 16
# Parts smaller than this are told together in one row.
_SMALL = 200
_MOST_PARTS = 14
_MOST_CGROUPS = 2


def where_lines(hosts, path=None, say=as_it_is):
    """Lines of at most 80 characters on summarize()'s ``hosts``, 24 of them; ``path`` is where report.json lies, if it
    was written. ``say`` turns an English text into their language.
    """
    lines = _one(hosts[0], say) if len(hosts) == 1 else [say(line) for line in _many(hosts)]
    return [cut(line) for line in lines + (['JSON: %s' % path] if path else [])]


def _one(host, say):
    host_facts = host['results'].get('memory') or {}
    if host['status'] in UNREAD or not host_facts.get('ledger'):
        return [say('%s: %s' % (host['name'], host['headline']))]
    after = [line for text in _forecast(host_facts) + _cgroups(host_facts) + _closed(host_facts)
             for line in _wrapped(say(text))]
    rows = min(_MOST_PARTS, _LINES - len(after) - 6)
    return [say(_head(host['name'], host_facts))] + _table(host_facts['ledger'], rows, say) + after


def _head(name, host_facts):
    swap = host_facts['swap']
    words = 'no swap'
    if swap.get('total_bytes'):
        words = 'swap %s, %s free' % (format_size(swap['total_bytes']), format_size(swap.get('free_bytes')))
    total, available = host_facts['ledger']['total_bytes'], host_facts['ram']['available_bytes']
    return '%s: %s of RAM, %s available, %s' % (name, format_size(total), format_size(available), words)


def _table(ledger, most, say):
    """A row for each large part, one for all small ones, one for what no counter holds, and one for the sum."""
    total = ledger['total_bytes']
    known = [part for part in ledger['parts'] if part['bytes']]
    large = [part for part in known if part['bytes'] * _SMALL >= total][:most]
    small = known[len(large):]
    rows = [_row(part['bytes'], total, say(_named(part)), part['approximate']) for part in large]
    if small:
        rows.append(_row(sum(part['bytes'] for part in small), total, say('%d smaller parts' % len(small))))
    rows.append(_row(ledger['unaccounted_bytes'], total, say(PARTS[UNACCOUNTED])))
    return rows + [_row(total, total, say('all'), drawn=False)]


def _row(nbytes, total, words, approximate=False, drawn=True):
    share = nbytes / float(total) if total else 0
    line = '#' * max(0, min(_BAR, int(round(share * _BAR)))) if drawn else ''
    percent = '<1' if 0 < share < 0.005 else '%d' % round(share * 100)
    return '%s%9s %4s %% %-*s %s' % ('~' if approximate else ' ', format_size(nbytes), percent, _BAR, line, words)


def _named(part):
    """A part in words: what it is, its name, and how to get it back."""
    if part['kind'] == 'processes' and part['name'] is None:
        words = 'small processes'
    elif part['kind'] == 'other':
        words = part['name'] or 'other'
    else:
        words = '%s: %s' % (PARTS[part['kind']], part['name']) if part['name'] else PARTS[part['kind']]
    if part['kind'] in ('process', 'processes') and not part['swappable']:
        return words + ' (locked)'
    return words + ' (can be dropped)' if part['droppable'] else words


def _next(following, words):
    """Who is killed next and how far away that is, in a sentence."""
    distance = following['distance_bytes']
    away = ', after %s to %s more' % (format_size(distance['low']), format_size(distance['high'])) if distance else ''
    if following['name'] is None:
        return '%s nobody is killed: %s' % (words, following.get('caveat') or 'that cannot be told')
    return '%s %s (pid %s)%s' % (words, following['name'], following['pid'], away)


def _forecast(host_facts):
    forecast = host_facts.get('forecast')
    if not forecast:
        return []
    lines = [_next(forecast['host'], 'If it runs out:')]
    caveat = forecast['host'].get('caveat')
    if caveat and forecast['host']['name'] is not None:
        lines.append('  %s' % caveat)
    if forecast['host'].get('fork_refused'):
        lines.append('A fork of the largest process would be refused now (overcommit).')
    return lines


def _cgroups(host_facts):
    """Two lines for each of the cgroups that are nearest to their limit."""
    groups = dict((group['path'], group) for group in host_facts.get('cgroups') or [])
    limited = [each for each in (host_facts.get('forecast') or {}).get('cgroups') or [] if each['distance_bytes']]
    limited.sort(key=lambda each: each['distance_bytes']['low'])
    lines = []
    for each in limited[:_MOST_CGROUPS]:
        group = groups.get(each['path'])
        if group is None:
            continue
        eater = eater_of(group.get('ledger'))
        lines.append('Limit %s: %s of %s%s' % (
            each['path'], format_size(group['usage_bytes']), format_size(group['limit_bytes']),
            ', %.0f %% %s' % (eater['share'] * 100, _eater(eater)) if eater and eater['share'] else ''))
        lines.append(_next(each, '  there:'))
    more = len(groups) + (host_facts.get('cgroups_left_out') or 0) - len(limited[:_MOST_CGROUPS])
    return lines + _left_out(more, 'cgroup with a limit', 'cgroups with a limit')


def _eater(eater):
    return eater['name'] or PARTS[eater['kind']]


def _closed(host_facts):
    closed = host_facts.get('closed')
    return ['As root it would tell more: %s' % ', '.join(closed)] if closed else []


def _many(hosts):
    """A line for each host, the one with the smallest share available first."""
    rows = sorted(hosts, key=_share_available)
    most = _LINES - 2
    lines = [_short(host) for host in rows[:most]]
    return lines + _left_out(len(rows) - most, 'host', 'hosts')


def _left_out(count, one, many):
    """The line that says how many rows are not told, as a list; empty if all are."""
    return ['and %d more %s' % (count, one if count == 1 else many)] if count > 0 else []


def _share_available(host):
    host_facts = host['results'].get('memory') or {}
    if host['status'] in UNREAD or not host_facts.get('ledger'):
        return -1, host['name']
    return (host_facts['ram']['available_bytes'] or 0) / float(host_facts['ledger']['total_bytes'] or 1), host['name']


def _short(host):
    host_facts = host['results'].get('memory') or {}
    if host['status'] in UNREAD or not host_facts.get('ledger'):
        return '%s: %s' % (host['name'], host['headline'])
    eater = eater_of(host_facts['ledger'])
    words = '%.0f %% %s' % (eater['share'] * 100, _eater(eater)) if eater else 'nothing in use'
    following = (host_facts.get('forecast') or {}).get('host') or {}
    available, total = host_facts['ram']['available_bytes'], host_facts['ledger']['total_bytes']
    return '%s: %s of %s available, %s; next %s' % (
        host['name'], format_size(available), format_size(total), words, following.get('name') or 'nobody')


def _wrapped(text):
    """A sentence in lines, at most three of them."""
    indent = '  ' if text.startswith(' ') else ''
    return wrapped(text.strip(), indent + '  ', indent)[:3]
