# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md: what report.json says, for a ticket, so that a hoster or a manager can read it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain
from .._files.sizes import format_size
from .meant import moment_told, report_told
from .remedy import DELAYS, HARMS, PREVENTS, UNKNOWN
from .report import OTHER_SHAPE
from .words import ACTORS, LIMITS, MEMORY, effect_words, part_words

# Nobody reads a part of a ticket that is longer than this.
_MOST_HOSTS, _MOST_PARTS, _MOST_LINES, _LONGEST = 50, 6, 5, 400
_SPECIAL = re.compile(r'([\\`*_{}\[\]<>#|~!&])')
_LINE_START = re.compile(r'^(\s*)([-+=]|\d+[.)])')
_STATES = {'held': 'holds', 'open': 'open', 'cannot': 'not to be had here', 'false': 'does not hold'}
_ERRORS = {
    'unreadable': 'The log could not be read.', 'directory': 'It is a directory and no log.',
    'empty': 'The log is empty.', 'binary': 'It is not text.',
    'no_report': 'The log was read to its end: nothing in it kills or refuses memory.',
}


def ticket(report):
    """The text of report.md, of report_of()'s dictionary."""
    entries = report['logs'] + report['hosts']
    lines = ['# Out of memory: what happened, and what to do', '',
             'Written %s by OOM Rescue%s.' % (report['written'], (
                 '; names, hosts, paths and addresses are pseudonyms' if report.get('anonymised') else ''))]
    for entry in entries[:_MOST_HOSTS]:
        lines += ['', '## %s' % md(entry.get('name') or entry.get('path')), ''] + _told(
            entry, bool(report.get('check_mode')))
    if len(entries) > _MOST_HOSTS:
        lines += ['', 'And %d more in report.json.' % (len(entries) - _MOST_HOSTS)]
    return '\n'.join(lines) + '\n'


def md(value, most=_LONGEST):
    """A value as one line of plain text in Markdown: nothing in it is markup, a link or a list."""
    text = '' if value is None else plain(value, most).strip()
    return _LINE_START.sub(r'\1\\\2', _SPECIAL.sub(r'\\\1', text))


def code(value):
    """A command as code in Markdown, whatever quotes it has."""
    text = plain(value, 2 * _LONGEST).strip()
    fence = '`' * (max([len(run) for run in re.findall('`+', text)] or [0]) + 1)
    return '%s %s %s' % (fence, text, fence) if '`' in text else '`%s`' % text


def _told(entry, check_mode):
    """The lines of an entry, or one line that says so if its data have another shape: the others are told in full."""
    try:
        return _lines(entry, check_mode)
    except OTHER_SHAPE as error:
        return ['Its data are not what this collection leaves (%s).' % md(type(error).__name__)]


def _lines(entry, check_mode):
    verdict = entry.get('verdict')
    lines = []
    partly = verdict is None and entry.get('caveats')
    if partly:
        lines += ['Nothing was found that kills or refuses memory. %s' % md(' '.join(partly))]
    elif entry.get('error'):
        lines += [md(_ERRORS.get(entry['error'], entry['error']))]
    elif verdict is None:
        lines += ['Nothing was found that kills or refuses memory.']
    if verdict:
        lines += _verdict(entry, verdict)
    lines += _ledger(entry, verdict) + _remedies(entry) + _done(entry, check_mode)
    return lines + _open(entry, verdict) + _rests(verdict)


def _verdict(entry, verdict):
    lines = ['**%s**' % md(verdict['sentence']), '', '- Was it memory? %s' % MEMORY[verdict['was_memory']]]
    if verdict['limit'] not in ('none', 'unknown'):
        lines.append('- What ran out: %s' % md(LIMITS[verdict['limit']]))
    lines.append('- Who acted: %s' % md(ACTORS.get(verdict['actor'], verdict['actor'])))
    lines += ['- Ended or refused: %s' % md(_victim(row)) for row in verdict['victims'][:_MOST_LINES]]
    told = moment_told(entry)
    moment = told.get('time') or told.get('time_text')
    lines.append('- When: %s' % (md(moment) if moment else 'the log does not tell'))
    others = verdict.get('other_incidents') or len(entry['incidents']) - 1
    older = verdict.get('older_reports')
    older = ', and %d older reports' % older if older else ''
    return lines + (['- Other incidents in the same logs: %d%s' % (others, older)] if others > 0 or older else [])


def _victim(row):
    words = row.get('name') or 'a process'
    for key, text in (('pid', ', pid %s'), ('unit', ', of %s'), ('container', ', in container %s')):
        words += text % row[key] if row.get(key) else ''
    return words + (', %s in RAM' % format_size(row['rss_bytes']) if row.get('rss_bytes') else '')


def _ledger(entry, verdict):
    meant = _ledger_of(entry, verdict)
    if not meant or not meant.get('parts'):
        return []
    parts = sorted((part for part in meant['parts'] if part['bytes']), key=lambda part: -part['bytes'])
    rows = ['| %s | %s | %s |' % (md(part_words(part)), format_size(part['bytes']), share(part)) for part in
            parts[:_MOST_PARTS]]
    then = 'path' in entry or (verdict and meant is not entry['ledger'])
    head = ['| what | how much | of %s |' % format_size(meant['total_bytes']), '|---|---:|---:|']
    return ['', '### Where the memory %s' % ('was' if then else 'is'), ''] + head + rows


def _ledger_of(entry, verdict):
    """The ledger of the report that the verdict is by, else the entry's own, of now."""
    if verdict:
        return (report_told(entry) or {}).get('ledger') or (entry['ledger'] if 'path' in entry else None)
    return entry.get('ledger')


def share(part):
    """A part's share of all, in whole per cent."""
    return '' if part.get('share') is None else '%d %%' % round(part['share'] * 100)


def _remedies(entry):
    rows = [row for row in entry.get('remedies') or [] if row['effect'] in (PREVENTS, DELAYS, UNKNOWN, HARMS)
            and row['target']]
    if not rows:
        return []
    lines = ['', '### What would have helped', '']
    for row in rows[:2 * _MOST_LINES]:
        lines.append('- **%s** %s: %s.' % (md(row['what']), effect_words(row), md(row['why'].rstrip('.'))))
        lines += ['  - forbidden here (%s): %s' % (md(one['id']), md(one['text'])) for one in row['forbidden_by']]
        lines += ['  - how: %s' % code(row['command'])] if row['command'] and not row['applied'] else []
    return lines


def _done(entry, check_mode):
    changes = [row for row in entry.get('changes') or [] if row['changed']]
    claims = entry.get('claims') or []
    lines = ['', '### What would be done' if check_mode else '### What was done', ''] if changes or claims else []
    lines += ['- %s: %s' % (md(row['remedy']), md(row['detail'] or 'changed')) for row in changes]
    return lines + ['- %s: %s%s' % (md(row['claim']), _STATES[row['state']], (
        ' (%s)' % md(row['detail']) if row['detail'] else '')) for row in claims]


def _open(entry, verdict):
    commands = (verdict or {}).get('would_tell') or []
    commands = commands + [command for row in entry.get('remedies') or [] for command in row['would_tell']
                           if row['effect'] == UNKNOWN]
    once = [command for place, command in enumerate(commands) if command not in commands[:place]]
    caveats = ['- %s' % md(text) for text in (verdict or {}).get('caveats') or []]
    asked = ['- This would tell: %s' % code(command) for command in once[:_MOST_LINES]]
    return ['', '### What is not known', ''] + caveats[:_MOST_LINES] + asked if caveats or asked else []


def _rests(verdict):
    rows = (verdict or {}).get('evidence') or []
    if not rows:
        return []
    return ['', '### What this rests on', ''] + ['- %s%s: %s' % (
        code(row['path'] or 'the log'), ', line %d' % row['line'] if row['line'] else '', code(row['text']))
        for row in rows[:_MOST_LINES]]
