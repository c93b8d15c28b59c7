# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import os

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.module_utils._verdict.anonymous import anonymous_summary
from ansible_collections.oom.rescue.plugins.module_utils._verdict.phrases import as_it_is
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of, stats_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import ticket
from ansible_collections.oom.rescue.plugins.module_utils._verdict.where import where_lines
from ansible_collections.oom.rescue.plugins.plugin_utils.controller import controller_vars, write_report
from ansible_collections.oom.rescue.plugins.plugin_utils.language import LANGUAGES, phrases, translated_page
from ansible_collections.oom.rescue.plugins.plugin_utils.page import page
from ansible_collections.oom.rescue.plugins.plugin_utils.stand import PARTS, Stand, read_parts

SPEC = {
    'path': {'type': 'str', 'required': True},
    'mode': {'type': 'raw', 'default': '0600'},
    'full': {'type': 'raw'},
    'logs_only': {'type': 'bool', 'default': False},
    'where': {'type': 'bool', 'default': False},
    'join': {'type': 'bool', 'default': False},
    'anonymise': {'type': 'bool', 'default': False},
    'stats': {'type': 'bool', 'default': False},
    'only_try': {'type': 'bool', 'default': False},
    'language': {'type': 'str', 'default': 'en', 'choices': list(LANGUAGES)},
}


def _earlier(directory):
    try:
        return read_parts(directory)
    except (OSError, ValueError) as error:
        raise AnsibleActionFail(f'{directory}: what an earlier run left cannot be read: {error}') from error


class ActionModule(ActionBase):

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        if not set(self._task.args) - {'only_try'}:
            self._task.args = dict(self._of_role(task_vars), **self._task.args)
        _validated, given = self.validate_argument_spec(argument_spec=SPEC)
        directory = os.path.abspath(os.path.expanduser(given['path']))
        if given['only_try']:
            write_report(directory, given['mode'])
            return dict(result, changed=False, path=directory, lines=[], stats={})
        check_mode = task_vars['ansible_check_mode']
        earlier = _earlier(directory) if given['join'] else None
        say = phrases(given['language'])

        def summary_in(language):
            return summarize(task_vars['ansible_play_hosts_all'], task_vars['hostvars'],
                             reached=task_vars['ansible_play_hosts'], check_mode=check_mode,
                             page=os.path.join(directory, 'index.html'), logs_only=given['logs_only'],
                             earlier=earlier, say=language)

        summary = summary_in(as_it_is)
        full = None if given['full'] is None else bool(given['full'])
        written = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0).isoformat()
        stand = Stand(summary['hosts'])
        # What is joined later is whole, and goes when the last of the runs ends.
        files = {PARTS: json.dumps({'hosts': summary['hosts'], 'logs': summary['logs']})} if given['join'] else {}
        if given['anonymise']:
            summary = anonymous_summary(summary)
        lines = summary['lines']
        if given['language'] != 'en' and not given['where']:
            told = summary_in(say)
            lines = (anonymous_summary(told) if given['anonymise'] else told)['lines']
        report = dict(report_of(summary, written, full=full), anonymised=given['anonymise'],
                      check_mode=check_mode, run=stand.run, results=stand.results)
        files['report.json'] = json.dumps(report) + '\n'
        if given['where']:
            lines = where_lines(summary['hosts'], os.path.join(directory, 'report.json'), say)
        else:
            files['index.html'] = translated_page(page(summary, check_mode, full), given['language'])
            files['report.md'] = ticket(report)
        written_lines = lines[:-1] + [say('Page: index.html')] if given['anonymise'] and not given['where'] else lines
        files['summary.txt'] = '\n'.join(written_lines) + '\n'
        write_report(directory, given['mode'], files, stand.is_older)
        stats = stats_of(report)
        if given['stats']:
            result['ansible_stats'] = {'data': {'oom_rescue': stats}, 'per_host': False, 'aggregate': True}
        return dict(result, changed=False, path=directory, lines=lines, stats=stats)

    def _of_role(self, task_vars):
        """The options by the variables of the role report, as localhost has them: no host's facts set these."""
        found = controller_vars(self, task_vars, ['report_dir', 'diagnose_host', 'rescue_language'] + [
            'report_' + name for name in SPEC if name not in ('path', 'logs_only', 'language')])
        options = {name.partition('_')[2]: value for name, value in found.items()}
        return dict(((name, value) for name, value in options.items() if name in SPEC),
                    path=options.get('dir'), logs_only=not boolean(options.get('host', True)))
