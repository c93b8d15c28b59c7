# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry of one host or log in ``report.json``: the one call behind all that diagnoses. It needs no Ansible."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._files.errors import RescueError
from .._files.host import Host
from .._files.plain import plain
from .._log.sources import KERNEL_LOGS, find_files, flaw_of, is_pattern
from .._log.times import format_time, parse_moment
from .._report.raw import raw_lines
from .._report.reading import read_events, read_fork_failures
from .advice import advise
from .in_place import shown
from .judgement import judge_all
from .meant import is_by_report, report_meant
from .remedies import remedies_of
from .replay import replay
from .sizing import is_too_large, may_be_its_own
from .wanted import options_of


def _error_of(path):
    """The reason that a log, pattern or directory says nothing even before it is read: unreadable, directory, empty,
    binary, or None.
    """
    paths = [log.path for log in find_files([path], True)]
    if os.path.isdir(path):
        return 'directory' if paths == [path] else None
    flaws = [flaw_of(one) for one in paths]
    return None if None in flaws else (flaws + ['unreadable'])[0]


def moment_of(text):
    """Seconds since 1970 of the time that a person asks for, in ISO 8601; None if it is no such time."""
    return parse_moment(text)


def refuse_missing(paths):
    """Raise RescueError if a log that was named does not exist; it is in ``result``. A pattern may match nothing."""
    missing = next((path for path in paths if not is_pattern(path) and not os.path.exists(path)), None)
    if missing is not None:
        error = RescueError('{path} does not exist', path=missing,
                            next_step='name a log on the managed node, or a pattern such as /var/log/messages*')
        error.result = {'not_read': [missing]}
        raise error


def diagnose(root='/', options=None):
    """The entry of report.json of a host, or with ``options['log']`` of one log from elsewhere, as a dictionary.

    ``root`` is a Host, or the directory below which the host lies; of another root than ``/`` the journal and the ring
    buffer, which are this machine's, are not read. All ``options`` may be left out:

    - ``name``: the host's name in the entry. Default: what its kernel says.
    - ``log``: a log's path, as it is to stand in the entry. Nothing of a host is read then.
    - ``paths``: more logs of the host, and patterns; ``fork_failure_paths``: logs of its applications, to look in for
      forks that failed. ``sources``: of auto, files, journal and ring_buffer; default: auto.
    - ``since``, ``until``: seconds since 1970, see moment_of(). ``now``: when the reading is done, likewise.
    - ``limit``: events at most, the newest, and ``tasks``: rows at most of each task table; 0 is all, the default.
    - ``wanted``: {variable of the roles: value} of what a run would do, such as swap_size; see options_of().
    - ``why``: a unit, container or pid of the host, see why_facts(). The verdict is on that one alone, and the entry
      has ``why``, what the host says of it. Raises RescueError if neither the host nor a log knows it.
    - ``candidates``: rows at most of the processes that the kernel would kill; 0 is all, the default.
    - ``ledger_seconds``: CPU time for counting shared pages once. Default: memory_facts'.

    Both kinds have error, incidents, verdict, caveats, remedies, ledger, and for who shows them events, signals,
    summary, fork_failures, advice, replays, raw. A host also has name, status (ok), changes and claims (empty),
    forecast and ``memory``, memory_facts' dictionary, and its ledger is that of now; a log also has path, and its
    ledger is that of the report that the verdict is on. Raises RescueError, or OSError with a file's name.
    """
    options = dict(options or {})
    if options.get('log') is not None:
        return diagnose_log(options['log'], options.get('since'), options.get('until'), options.get('limit') or 0,
                            options.get('tasks') or 0, options.get('now'), options.get('wanted'))
    return _diagnose_host(root if isinstance(root, Host) else Host(root), options)


def _diagnose_host(host, options):
    times = dict((key, options.get(key)) for key in ('since', 'until', 'now'))
    paths, sources = list(options.get('paths') or ()), options.get('sources') or ['auto']
    if host.root != '/':
        paths += [host.path(path) for path in KERNEL_LOGS] if set(sources) & set(('auto', 'files')) else []
        sources = []
    asked = None
    if options.get('why'):
        from .._facts.why import why_facts
        asked = why_facts(host, options['why'])
    # Reading a log takes memory for a while, which memory facts would keep: what reads them is imported only after it.
    result = read_events(paths, sources, limit=options.get('limit') or 0, signals=True, **times)
    from .._facts.memory_facts import LEDGER_SECONDS, memory_facts
    host_facts = memory_facts(host, ledger_seconds=options.get('ledger_seconds', LEDGER_SECONDS))
    entry = {'name': options.get('name') or (host.read('/proc/sys/kernel/hostname') or '').strip() or 'localhost',
             'status': 'ok', 'error': None, 'changes': [], 'claims': [], 'fork_failures': read_fork_failures(
                 options.get('fork_failure_paths') or (), **times)}
    entry.update(_judged(result, paths, host_facts=host_facts, asked=asked,
                         options=options_of(options.get('wanted'), host_facts)))
    _tell_span(entry, times['since'], times['until'])
    _advise(entry, host_facts, options.get('tasks') or 0)
    host_facts['oom']['candidates'] = shown(host_facts['oom']['candidates'], options.get('candidates') or 0,
                                            [row['process'] for row in entry['advice']['protect']])
    return dict(entry, ledger=host_facts['ledger'], forecast=host_facts['forecast'], memory=host_facts)


def _advise(entry, host_facts, tasks):
    """Add advice and replays to an entry, by all rows of its tables, of which ``tasks`` stay (0: all)."""
    entry['advice'] = advise(host_facts, entry['events'], total=entry['summary']['events'], remedies=entry['remedies'])
    entry['replays'] = [replay(event, entry['advice']['setting']) for event in entry['events']]
    _keep_rows(entry['events'], tasks)


def _tell_span(entry, since, until):
    """If nothing was found, note which time was asked for: something may have happened at another."""
    if entry['verdict'] is None:
        entry['caveats'] += ['Only what happened %s %s was asked for.' % (word, format_time(moment))
                             for word, moment in (('since', since), ('until', until)) if moment is not None]


def _keep_rows(events, count):
    """Keep ``count`` rows of each event's task table, 0: all, and note what is left out."""
    for event in events if count else ():
        rows = event['tasks'][count:]
        event['tasks_left_out'] = {'count': len(rows), 'rss_bytes': sum(row['rss_bytes'] or 0 for row in rows)}
        event['tasks'] = event['tasks'][:count]


def diagnose_events(paths=(), own_sources=(), since=None, until=None, limit=0, tasks=0, fork_failures=False, now=None,
                    options=None):
    """{events, summary, signals, incidents, verdict, caveats, ledger, remedies, raw} of logs, patterns and own sources.

    ``own_sources`` is of auto, files, journal and ring_buffer; ``since`` and ``until`` are seconds since 1970; 0 rows
    of ``tasks`` and a ``limit`` of 0 are all. ``options`` are those of remedies_of(), for a log from elsewhere.
    """
    result = _judged(read_events(paths, own_sources, since, until, limit, 0 if limit else tasks, fork_failures,
                                 now, signals=True), paths, options=options)
    _keep_rows(result['events'], tasks)
    return result


def _judged(result, paths, host_facts=None, options=None, asked=None):
    """read_events()'s result with what follows from it. ``host_facts`` is memory_facts' dictionary of the host that the
    logs are of, None for a log from elsewhere; ``options`` are those of remedies_of(). ``asked`` is why_facts' answer
    if the verdict is to be on one unit, container or process, and is returned as ``why``.
    """
    def is_left_out(event):
        return is_too_large(host_facts or {}, event)

    if asked is None:
        older = result['summary']['events'] + result['summary']['untrusted'] - len(result['events'])
        result['incidents'], result['verdict'] = judge_all(result['events'], result['signals'], is_left_out, older)
    else:
        # Few runs ask for one thing alone, and what answers them takes memory.
        from .why import judge_one
        result['incidents'], result['verdict'], result['signals'] = judge_one(
            result['events'], result['signals'], asked, is_left_out)
        result['why'] = asked
    result['caveats'] = _unread(result['summary']['sources'])
    if result['verdict'] is not None:
        result['verdict']['caveats'] += result['caveats']
    result['ledger'] = _ledger_of(result)
    result['remedies'] = remedies_of(result['verdict'], result['incidents'], result['events'], result['signals'],
                                     host_facts, options)
    meant = report_meant([event for event in result['events'] if may_be_its_own(host_facts or {}, event)])
    result['raw'] = raw_lines(meant['source'], meant['source']['path'] in paths) if meant else []
    for incident in result['incidents']:
        incident['reports'] = [result['events'][number]['id'] for number in incident['reports']]
    for signal in result['signals']:
        del signal['epoch'], signal['uptime_seconds']
        signal.pop('last', None)
    for event in result['events']:
        del event['epoch']
    return result


def _unread(sources):
    """Sentences on what was not read of the logs: it may have what was not found."""
    return ['%s was not searched whole: %s.' % (plain(source['path']), source[key])
            for source in sources for key in ('cut', 'unsearched') if source[key]]


def _ledger_of(result):
    """The ledger of the report that the verdict is by; None without such a one."""
    verdict = result['verdict']
    if verdict is None:
        return None
    incident = result['incidents'][verdict['incident']]
    meant = report_meant([result['events'][number] for number in reversed(incident['reports'])])
    return meant.get('ledger') if meant and is_by_report(verdict, meant) else None


def diagnose_log(path, since=None, until=None, limit=100, tasks=10, now=None, wanted=None):
    """{path, error, incidents, verdict, caveats, remedies, ledger, events, signals, summary, fork_failures, raw,
    advice, replays} of one log, advised from it alone: the host that it came from may be another.

    ``error`` is None, or unreadable, directory, empty, binary, no_report. Fields that nothing fills yet are None.
    """
    entry = {'path': path, 'error': _error_of(path), 'incidents': [], 'verdict': None, 'caveats': [],
             'remedies': None, 'ledger': None, 'events': [], 'signals': [], 'summary': None, 'fork_failures': [],
             'raw': [], 'advice': advise({}, []), 'replays': []}
    if entry['error']:
        return entry
    entry.update(diagnose_events([path], since=since, until=until, limit=limit, fork_failures=True, now=now,
                                 options=options_of(wanted)))
    _tell_span(entry, since, until)
    _advise(entry, {}, tasks)
    if any(source['error'] for source in entry['summary']['sources']):
        entry['error'] = 'unreadable'
    elif entry['verdict'] is None:
        entry['error'] = 'no_report'
    return entry
