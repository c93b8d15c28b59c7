# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page, made by Jinja alone: nothing from a node is a template, and each value is plain and escaped."""

from __future__ import annotations

import datetime
import functools
import pathlib

import jinja2
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._files.sizes import format_size
from ansible_collections.oom.rescue.plugins.module_utils._verdict.choice import happened
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import cause_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.words import effect_words
from ansible_collections.oom.rescue.plugins.plugin_utils.shown import (
    bars,
    explained,
    limit_met,
    meant_event,
    other_reports,
    per_cent,
    tasks_of,
    timeline,
)
from markupsafe import Markup

TEMPLATES = pathlib.Path(__file__).resolve().parents[2] / 'roles/report/templates'
# A host whose part is longer has said more than a person reads.
LONGEST_PART = 1 << 20
# Characters of all parts of hosts, unless all was asked for: the worst come first, and a browser opens it at once.
LONGEST_PARTS = 1_500_000
# What the roles leave that change something.
_DONE = ('swap_result', 'swappiness_result', 'oom_protect_result', 'verify_result')


@functools.lru_cache
def environment(templates=TEMPLATES):
    """The Jinja environment with the page's templates and functions, in which each value is plain and escaped.

    It is one for all pages of a process, as it takes longer to compile the templates than to fill them.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(templates)), autoescape=True, trim_blocks=True, finalize=_shown)
    environment.globals.update(
        size=format_size, happened=happened, cause_of=cause_of, effect_words=effect_words, meant_event=meant_event,
        bars=bars, limit_met=limit_met, per_cent=per_cent, timeline=timeline, explained=explained, tasks_of=tasks_of,
        other_reports=other_reports)
    return environment


def _shown(value):
    if value is None:
        return 'unknown'
    return value if isinstance(value, (Markup, int, float)) else plain(value)


def page(summary, check_mode, full=None):
    """The text of the page for summarize()'s result.

    ``full`` puts whole task tables and the parts of all hosts on it; by default it is true for a single host or log.
    """
    made = environment()
    if full is None:
        full = len(summary['hosts']) + len(summary['logs']) <= 1
    written = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M')
    brief = _brief(summary) if len(summary['hosts']) + len(summary['logs']) == 1 else []
    logs = [_part(made, 'log.html.j2', log['label'], id='log-%d' % number, log=log, full=full, brief=brief)
            for number, log in enumerate(summary['logs'], 1)]
    hosts = _parts(made, summary['hosts'], None if full else LONGEST_PARTS, check_mode=check_mode, full=full,
                   brief=brief)
    rows = _rows(summary, len(hosts)) if len(logs) + len(summary['hosts']) > 1 else []
    done = not check_mode and any(host['results'].get(name) for host in summary['hosts'] for name in _DONE)
    return made.get_template('index.html.j2').render(summary=summary, parts=logs + hosts, rows=rows, written=written,
                                                     left_out=len(summary['hosts']) - len(hosts), done=done)


def _parts(made, hosts, most, **values):
    """The parts of hosts, in order, until they have ``most`` characters together; of all hosts with None."""
    parts, length = [], 0
    for number, host in enumerate(hosts, 1):
        if most is not None and length > most:
            break
        parts.append(_part(made, 'host.html.j2', host['name'], id='host-%d' % number, host=host, **values))
        length += len(parts[-1])
    return parts


def _brief(summary):
    """The lines of the summary that the part of the one host or log does not tell itself, for below its verdict."""
    lines = []
    for row in summary['lines'][:-1]:
        if lines and row.startswith('  ') and not row.startswith('   '):
            lines[-1] += row[1:]
        else:
            lines.append(row)
    # The verdict is the first line, but for what check mode says of itself.
    place = 1 if lines and lines[0].startswith('Check mode') else 0
    return [line for line in lines[:place] + lines[place + 1:] if line[-3:] != '...']


def _rows(summary, parts):
    """[{id, name, status, words}] of what the page tells, the worst hosts first, then the logs.

    ``id`` is None for hosts behind the first ``parts``, which have no part of their own.
    """
    hosts = [{'id': 'host-%d' % number if number <= parts else None, 'name': host['name'], 'status': host['status'],
              'words': host['headline']}
             for number, host in enumerate(summary['hosts'], 1)]
    return hosts + [{'id': 'log-%d' % number, 'name': log['label'], 'status': None, 'words': cause_of(log)}
                    for number, log in enumerate(summary['logs'], 1)]


def _part(made, template, name, **values):
    """The part of a host or a log. If its data break the template, the others still have their parts."""
    reason = 'it says more than fits on a page'
    try:
        text = made.get_template(template).render(name=name, **values)
        if len(text) <= LONGEST_PART:
            return Markup(text)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError,
            jinja2.TemplateError) as error:
        reason = 'its data are not what the roles of this collection leave (%s)' % error
    return Markup(made.get_template('broken.html.j2').render(name=name, reason=reason, **values))
