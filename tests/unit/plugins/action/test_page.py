# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: what it shows of each report, in which order, and that nothing from a log is markup."""

from __future__ import absolute_import, division, print_function

import copy
import glob
import os
import re

import pytest

pytest.importorskip('ansible')

from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize  # noqa: E402
from conftest import FIXTURES, SEED  # noqa: E402

page_module = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.page')
language = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.language')
page_of = page_module.page
shown = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.shown')

REPORTS = sorted(glob.glob(os.path.join(FIXTURES, 'oom-linux-*'))
                 + glob.glob(os.path.join(FIXTURES, 'ways', '6.12', '*.dmesg')))
HOSTILE = '</li><script>alert(1)</script>"\'{{7*7}}'


def of_logs(paths, change=None, **options):
    logs = [diagnose(options={'log': path}) for path in paths]
    for log in logs:
        if change:
            change(log)
    left = {'diagnose_result': {'events': [], 'advice': logs[0]['advice'], 'replays': [], 'elsewhere': logs}}
    return page_of(summarize(['here'], {'here': left}, page='/r/index.html', logs_only=True), False, **options)


def test_the_verdict_comes_first_then_the_memory_what_would_help_and_the_report():
    page = of_logs([SEED])
    words = ['the largest process, mysqld (pid 13036), holds 430 MiB', '<dt>What ran out', '991 MiB of RAM, no swap',
             'To do: swap of 2 GiB', 'Where the memory was', '430 MiB, 43 %', 'What would have helped',
             '<strong>swap of 2 GiB', 'twice the RAM', "The kernel's report", 'anon-rss 440332 kB.</li>\n<li>Triggered',
             'All 44 processes of its table', 'As it stands in the log', 'What this rests on']
    places = [page.index(word) for word in words]
    assert places == sorted(places)


@pytest.mark.slow
@pytest.mark.parametrize('path', REPORTS, ids=os.path.basename)
def test_every_report_has_its_page(path):
    page = of_logs([path])
    assert 'its data are not' not in page and '>None<' not in page
    assert 'Where the memory was' in page or 'order' in os.path.basename(path) or 'oom-linux' in path


@pytest.mark.parametrize('text, words', [
    ('web1 php[3]: PHP Fatal error:  Allowed memory size of 33554432 bytes exhausted (tried to allocate 9 bytes)\n',
     'It was memory: php reached a limit of its own.'),
    ('web1 sshd[3]: Accepted publickey for root\n', 'It was read to its end, and nothing in it kills'),
    ('web1 sshd[3]: Accepted publickey for root from 10.0.0.1\n' * 300000, 'in its last seven days alone'),
], ids=['a program\'s limit', 'nothing', 'nothing in a large log'])
def test_a_log_without_a_kernel_s_report_begins_with_what_is_known(text, words, tmp_path):
    log = tmp_path / 'messages'
    log.write_text('Oct 28 11:00:00 ' + text if len(text) < 999 else ''.join(
        'Jan %02d 11:00:00 %s\n' % (1 + number // 10000, line) for number, line in enumerate(text.splitlines())))
    page = of_logs([str(log)])
    assert words in page[page.index('class="lead"'):] and 'No OOM report' not in page


def test_a_fleet_has_a_row_each_that_leads_to_its_part_and_no_task_tables():
    page = of_logs([SEED] + REPORTS[:3])
    ids = re.findall(r'href="#([^"]+)"', page)
    assert len(ids) == 4 and all('<h2 id="%s">' % each in page for each in ids)
    assert 'processes of its table' not in page and 'processes of its table' in of_logs([SEED, REPORTS[0]], full=True)


@pytest.mark.parametrize('count', [1, 2])
def test_from_two_logs_on_each_has_a_row(count):
    page = of_logs([SEED, REPORTS[0]][:count])
    assert re.findall(r'href="#(log-\d)"', page) == (['log-1', 'log-2'] if count == 2 else [])
    # The whole task table of one log is on its page; of two, a part.
    assert ('All 44 processes of its table' in page) is (count == 1)


def test_a_large_fleet_has_a_row_for_each_host_and_parts_of_the_worst_alone(monkeypatch):
    found = diagnose(options={'log': SEED})
    left = dict((name, {'diagnose_result': dict(found, replays=[], elsewhere=[])}) for name in ('a1', 'a2', 'a3'))
    left['a2'] = {}
    summary = summarize(sorted(left), left, reached=['a1', 'a2', 'a3'], page='/r/index.html')
    worst = [host['name'] for host in summary['hosts']]
    monkeypatch.setattr(page_module, 'LONGEST_PARTS', 1)
    page = page_of(summary, False)
    assert re.findall(r'<th scope="row">(?:<a href="#host-1">)?(a\d)<', page) == worst
    assert page.count('<article') == 1 and 'The last 2 hosts have no part below' in page
    assert '最后 2 台主机在下面没有自己的部分' in language.translated_page(page, 'zh')
    assert 'beside this page' not in language.translated_page(page, 'zh')
    whole = page_of(summary, False, full=True)
    assert whole.count('<article') == 3 and 'no part below' not in whole


def test_nothing_but_itself_is_needed_and_nothing_runs():
    page = of_logs([SEED] + REPORTS[:3])
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r'<(script|img|link|iframe)|\son\w+=|url\(|@import|javascript:', page)


def everywhere(value):
    """The same data with every name and text made hostile."""
    if isinstance(value, dict):
        return dict((key, everywhere(part) if key not in (
            'kind', 'effect', 'was_memory', 'limit', 'actor', 'scope', 'id', 'event_id', 'report') else part)
            for key, part in value.items())
    if isinstance(value, list):
        return [everywhere(part) for part in value]
    return HOSTILE if isinstance(value, str) else value


def test_a_line_that_was_cut_is_not_told_again_beside_the_whole():
    lines = ['db1: It was memory.', 'Advice: more swap.', '  It is cut here ...', 'And this ...', 'Page: /r/index.html']
    assert page_module._brief({'lines': lines}) == []
    assert page_module._brief({'lines': lines[:2] + ['One more.'] + lines[3:]}) == ['Advice: more swap.', 'One more.']


def test_of_logs_the_one_whose_data_are_broken_is_said_to_be_and_the_other_has_its_part():
    def change(log):
        if log['path'] == SEED:
            log['events'][0]['memory']['ram_bytes'] = 'many'

    page = of_logs([SEED, REPORTS[0]], change)
    assert page.count('its data are not what the roles of this collection leave') == 1
    assert page.count('<article') == 2


def test_every_text_may_be_hostile():
    def change(log):
        hostile = everywhere(copy.deepcopy(log))
        log.update(hostile, path=log['path'], error=None)

    page = of_logs([SEED, REPORTS[0]], change, full=True)
    assert '<script' not in page and '&lt;script&gt;' in page
    assert page.count('{{7*7}}') > 50


@pytest.mark.parametrize('event, words', [
    ({'trigger': {'order': 0}}, []),
    ({'trigger': {'order': 3}}, [
        ('order', 3, 'it asked for 32 KiB in one piece: free memory in smaller pieces was of no use')]),
    ({'trigger': {'manual': True, 'order': -1}}, [
        ('sysrq', 'f', 'somebody asked for the kill; memory did not run out by itself')]),
    ({'trigger': {'order': 0, 'gfp_mask': '0xcc0', 'gfp_flags': ['GFP_KERNEL']}}, [
        ('gfp_mask', '0xcc0 (GFP_KERNEL)', 'it was for the kernel itself')]),
    ({'zones': [{'zone': 'DMA32', 'node': 0, 'free_bytes': 1 << 20, 'min_bytes': 2 << 20, 'low_bytes': 3 << 20},
                {'zone': 'Normal', 'node': 0, 'free_bytes': 9 << 20, 'min_bytes': 2 << 20, 'low_bytes': 3 << 20}]},
     [('zone DMA32 of node 0', '1 MiB free',
       'below its lowest mark, min (2 MiB): only the kernel may take from it in need')]),
    ({'zones': [{'zone': 'DMA', 'node': 0, 'free_bytes': 9 << 20, 'min_bytes': 2 << 20, 'low_bytes': 3 << 20},
                {'zone': 'Normal', 'node': 0, 'free_bytes': None, 'min_bytes': 2 << 20, 'low_bytes': 3 << 20},
                {'zone': 'DMA32', 'node': None, 'free_bytes': 1 << 20, 'min_bytes': 2 << 20, 'low_bytes': 3 << 20}]},
     [('zone DMA32', '1 MiB free',
       'below its lowest mark, min (2 MiB): only the kernel may take from it in need')]),
])
def test_the_kernel_s_words_are_explained_if_they_decided(event, words):
    assert shown.explained(event) == words


def test_the_time_line_has_each_incident_at_its_place():
    rows = shown.timeline({'verdict': {'incident': 1}, 'incidents': [
        {'first': '2025-09-03T10:00:00+00:00', 'reports': ['a'], 'signals': []},
        {'first': '2025-09-03T11:00:00+00:00', 'reports': [], 'signals': [1, 2]},
        {'first': None, 'reports': ['b', 'c'], 'signals': [3]},
        {'first': '2025-09-03T14:00:00+00:00', 'reports': [], 'signals': [4]}]})
    assert [row['place'] for row in rows] == [0, 25, None, 100]
    assert [row['meant'] for row in rows] == [False, True, False, False]
    assert rows[2]['words'] == '2 reports of the kernel, 1 other line'


@pytest.mark.parametrize('ledger, expected', [
    (None, []), ({'total_bytes': 0, 'parts': [], 'unaccounted_bytes': 0}, []),
    ({'total_bytes': 100, 'unaccounted_bytes': 30, 'parts': [
        {'kind': 'process', 'name': 'php', 'bytes': 60}, {'kind': 'sockets', 'name': None, 'bytes': None}]},
     [('php', 60, 0.6), ('in no counter of the kernel', 30, 0.3)]),
])
def test_bars_are_the_parts_of_a_ledger(ledger, expected):
    assert [(row['words'], row['bytes'], row['share']) for row in shown.bars(ledger)] == expected


@pytest.mark.parametrize('share, words', [(0.434, '43 %'), (0.002, 'under 1 %'), (0, '0 %'), (1, '100 %')])
def test_a_share_that_is_there_is_not_nothing(share, words):
    assert shown.per_cent(share) == words


MADE = {'swap_result': {'changed': True, 'path': '/swapfile', 'size_bytes': 2 << 30, 'skipped_reason': None,
                        'actions': [],
                        'after': {'activation': {'priority': -2}, 'persistence': {'by': 'fstab'}}}}


@pytest.mark.parametrize('left, check_mode, said', [(MADE, False, True), (MADE, True, False), ({}, False, False)])
def test_how_to_undo_is_said_where_something_was_done(left, check_mode, said):
    advice = diagnose(options={'log': SEED})['advice']
    found = dict({'diagnose_result': {'events': [], 'advice': advice, 'replays': []}}, **left)
    page = page_of(summarize(['here'], {'here': found}, page='/r/index.html'), check_mode)
    assert ('rescue rollback' in page) == said
    assert ('>What ' in page and 'done</h3>' in page) == bool(left)


@pytest.mark.parametrize('check_mode', [True, False])
def test_the_verdict_of_one_host_is_told_once(check_mode):
    found = dict({'diagnose_result': {'events': [], 'advice': diagnose(options={'log': SEED})['advice'],
                                      'replays': []}}, **MADE)
    page = page_of(summarize(['here'], {'here': found}, check_mode=check_mode, page='/r/index.html'), check_mode)
    lines = re.findall('<li>(.*?)</li>', page, re.DOTALL)
    assert not [line for line in lines if line.startswith('here: ')], lines
    assert ('Check mode: nothing was changed.' in page) is check_mode
