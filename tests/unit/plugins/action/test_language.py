# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads in Chinese: every phrase that the code has, with its figures, in the columns of a terminal."""

from __future__ import absolute_import, division, print_function

import re

import pytest

pytest.importorskip('ansible')

import ast  # noqa: E402
import html  # noqa: E402
import json  # noqa: E402
import pathlib  # noqa: E402

from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.columns import COLUMNS, width, wrapped  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize  # noqa: E402
from ansible_collections.oom.rescue.plugins.plugin_utils.language import (  # noqa: E402
    TABLES,
    Phrases,
    page_texts,
    phrases,
    translated_page,
)
from ansible_collections.oom.rescue.plugins.plugin_utils.page import page  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[4]
FIXTURES = ROOT / 'tests/unit/fixtures'
UTILS = ROOT / 'plugins/module_utils'
# The code whose sentences a person reads on the terminal and the page.
SPEAKERS = sorted(UTILS.glob('_verdict/remed*.py')) + [UTILS / name for name in (
    '_verdict/advice.py', '_verdict/claims.py', '_verdict/evidence.py', '_verdict/judgement.py', '_verdict/meant.py',
    '_verdict/outcome.py', '_verdict/phrases.py', '_verdict/sizing.py', '_verdict/slab_caches.py',
    '_verdict/summary.py', '_verdict/where.py', '_verdict/words.py', '_verdict/replay.py', '_facts/forecast.py',
    '_report/cause.py', '_report/held.py')] + [
        ROOT / 'plugins/plugin_utils/shown.py']
# Texts of that code that nobody reads as a sentence: commands, patterns, what others say, and what modules fail with.
NOT_READ = re.compile(
    r'^(?:ansible-playbook|awk|cat|cd|df|docker|echo|EARLYOOM|free|grep|gunicorn|innodb_numa_interleave = ON$|ipcs|'
    r'jcmd|journalctl|kubectl|ls|lscpu|lsmod|max_connections|MaxRequest|mongosh|mount|mysql|numactl|numastat|php|pm\.|'
    r'redis-cli|sar|sidekiq|slabtop|ss|swapon|sysctl|systemctl|systemd-cgtop|ulimit|uname|uwsgi|valkey-cli|virsh|wc|'
    r'ps|%s update|sort)\b|\\b|\\w|\(\?|\\d|\||must have a tty|password:$|Task failed|Permission denied|'
    r'Operation not permitted|by root|-1000 to 1000|oom_score_adj of %s is %r|give a whole number|%-8s|--password')
SEED = FIXTURES / 'seed-out-of-memory.md'
LOGS = [SEED] + sorted(FIXTURES.glob('killers/*.log')) + sorted(FIXTURES.glob('ways/6.1*/*.dmesg'))


@pytest.fixture(name='say', scope='module')
def fixture_say():
    return phrases('zh')


@pytest.mark.parametrize('language, told', [('en', 'The kernel counts'), ('zh', '内核')])
def test_each_language_has_its_words(language, told):
    phrases.cache_clear()
    assert told in phrases(language)('The kernel counts 2 kills in /a.slice, whose limit is 1 GiB.')


@pytest.mark.parametrize('text, told', [
    ('x); none of its own', 'x)；没有自己的上限'), ('x)), none of its own', 'x))，没有自己的上限'),
    ('x (y; none of its own) z', 'x (y; none of its own) z'),
])
def test_a_bracket_too_many_keeps_no_word_from_being_told(say, text, told):
    assert say(text) == told


def test_a_language_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match="rescue_language is 'xx': give en or zh"):
        phrases('xx')


def texts_of(path):
    """(line, text) of each text of a module's code that has words of a sentence in it."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said and re.search(
                r'[a-z]{2}[ ,;:]|[ ][a-z]{2}', node.value) and not NOT_READ.search(node.value):
            yield node.lineno, node.value


PLACE = re.compile(r'%(?:\.\d)?[sdrf]')


def as_read(text):
    """A text of the code as a reader gets it: with something in each place, and beside a part of a sentence."""
    filled = PLACE.sub('X', text).replace('%%', '%')
    return ('X' if filled[:1] in ' ,;:(' else '') + filled + ('X' if filled[-1:] == ' ' else '')


def is_part(text, tables):
    """True if what stands between a text's places stands in one phrase, in that order, beside other words."""
    words = [re.escape(part.strip(' .,;:')) for part in PLACE.split(text.replace('%%', '%'))]
    pattern = re.compile('.*'.join(part for part in words if re.search('[a-z]{2}', part)), re.IGNORECASE)
    return any(pattern.search(english) for english in tables)


@pytest.fixture(name='tables', scope='module')
def fixture_tables():
    found = {}
    for path in sorted((TABLES / 'zh').glob('*.json')):
        table = json.loads(path.read_text(encoding='utf-8'))
        assert not set(table) & set(found), '%s has phrases that another table has' % path.name
        found.update(table)
    return found


@pytest.mark.parametrize('path', SPEAKERS, ids=lambda path: '%s/%s' % (path.parent.name, path.name))
def test_a_sentence_of_the_code_has_a_chinese_one(say, tables, path):
    missing = ['%s:%d: %r' % (path.name, line, text) for line, text in texts_of(path)
               if say.missing(as_read(text)) and not is_part(text, tables)]
    assert not missing, 'put these into roles/report/files/zh/*.json:\n' + '\n'.join(missing)


def test_both_languages_have_the_same_places(tables):
    wrong = {english: other for english, other in tables.items()
             if sorted(set(re.findall(r'\{\+?(\d)\}', english))) != sorted(set(re.findall(r'\{(\d)\}', other)))}
    assert not wrong


def summaries(log, say):
    """What a log tells, of summarize(): in English, and with its lines in another language."""
    entry = diagnose('/', {'log': str(log)})
    found = {'advice': advise({}, []), 'events': [], 'replays': [], 'elsewhere': [entry]}
    variables = {'controller': {'diagnose_result': found}}
    return [summarize(['controller'], variables, logs_only=True, page='/r/index.html', **words)
            for words in ({}, {'say': say})]


@pytest.mark.slow
@pytest.mark.parametrize('log', LOGS, ids=lambda path: path.name)
def test_a_log_is_told_in_chinese_on_the_terminal_and_the_page(say, log):
    left = []

    def listening(text):
        left.extend(say.missing(text))
        return say(text)

    english, chinese = summaries(log, listening)
    assert not left
    assert len(chinese['lines']) <= 10
    assert all(width(line) <= COLUMNS for line in chinese['lines'])
    assert re.search('[\u4e00-\u9fff]', chinese['lines'][0])
    shown = page(english, False)
    parts, numbers = page_texts(shown)
    words = [' '.join(html.unescape(parts[number]).split()) for number in numbers]
    assert not [part for text in words for part in say.missing(text)]
    told = translated_page(shown, 'zh')
    assert '<html lang="zh-Hans">' in told
    assert re.sub('>[^<]*<', '><', told).count('<') == shown.count('<')
    # report.json is the same for both.
    assert report_of(english, 'now') == report_of(chinese, 'now')


def test_the_seed_is_told_with_its_figures(say):
    lines = ''.join(line.strip() for line in summaries(SEED, say)[1]['lines'])
    for part in ('RAM（991 MiB）耗尽，并且没有交换空间', '最大的进程 mysqld (pid 13036) 占用 430 MiB',
                 '要做：交换空间 2 GiB，vm.swappiness 10，mysqld 以 -600 保护。', '网页: /r/index.html'):
        assert part in lines


@pytest.mark.parametrize('english, chinese', [
    ('db1: it gave no answer: ssh: Connection refused', 'db1：它没有应答：ssh: Connection refused'),
    ('Changed: swap /swapfile, 2 GiB, on now and after a reboot',
     '已改：交换文件 /swapfile，2 GiB，现在和重启之后都启用'),
    ('vm.swappiness of 10 (it is 60 now and 60 after a reboot)', 'vm.swappiness 为 10（现在是 60，重启之后是 60）'),
    ('Oct 28 11:32:28: kill, mysqld (pid 3). Read from', 'Oct 28 11:32:28：杀进程，mysqld (pid 3)。读自'),
    # Of a list each part is told; names are as they are.
    ('mysqld and php', 'mysqld和php'), ('mysqld or php', 'mysqld或php'),
    ('mysqld, php and nginx', 'mysqld，php和nginx'),
    ('swap besides the file and php', '文件之外的交换空间和php'),
    ('php (swap besides the file)', 'php（文件之外的交换空间）'),
    ('swap besides the file (php)', '文件之外的交换空间（php）'),
    ('free (pid 7)', 'free (pid 7)'), ('All is as meant.', '一切符合要求。'), (' all is as meant ', ' 一切符合要求 '),
    ('Remove /a. Switch /b off.', '删除 /a。停用 /b。'), ('remove /a: it is the thing', '删除 /a：it is the thing'),
    # What is in no table stays.
    ('the thing of it and php', 'the thing of it and php'), ('php (the thing of it)', 'php (the thing of it)'),
    ('All is as meant ...', 'All is as meant ...'), ('x: y', 'x: y'), ('a, and b', 'a, and b'),
    ('/srv/the file of it', '/srv/the file of it'), ('12 GiB', '12 GiB'), ('', ''),
])
def test_a_line_is_put_together_from_phrases(say, english, chinese):
    assert say(english) == chinese


@pytest.mark.parametrize('text, told', [
    ('swap on of a disk', 'B'), ('swap on of a very large disk', 'C'), ('the swap on of a very large disk', 'A'),
])
def test_of_the_phrases_that_a_text_may_be_that_with_its_begin_is_meant_then_the_longest(text, told):
    table = {'{+1} of a very large disk': 'A', 'swap on of {+1}': 'B', 'swap on of a very {+1}': 'C'}
    marks = json.loads((TABLES / 'zh' / 'marks.json').read_text(encoding='utf-8'))
    for names in (sorted(table), sorted(table, reverse=True)):
        assert Phrases({name: table[name] for name in names}, marks)(text) == told


@pytest.mark.parametrize('text, missing', [
    ('all is as meant', ()), ('mysqld and php', ()), ('/srv/a, 12 GiB', ()), ('', ()),
    ('the thing of it and php', ('the thing of it and php',)), ('php (the thing of it)', ('php (the thing of it)',)),
    ('remove /a, and the thing of it', ('and the thing of it',)), ('remove /a: it is here', ('it is here',)),
    ('remove /a. It is here. There it was.', ('It is here', 'There it was')),
    ('after a reboot: the thing of it', ('the thing of it',)), (' the thing of it ', ('the thing of it',)),
    ('swap besides the file (that of it)', ('that of it',)),
])
def test_the_words_that_no_table_has_are_named_and_no_others(say, text, missing):
    assert say.missing(text) == missing


def test_names_commands_and_log_lines_of_a_page_stay():
    text = ('<html lang="en"><h2 id="host-1">free</h2><th scope="row">process</th><p>free</p><code>free</code>'
            '<pre>Not known</pre><i aria-label="Summary">a &lt;b&gt;: Not known.</i>')
    assert translated_page(text, 'zh') == (
        '<html lang="zh-Hans"><h2 id="host-1">free</h2><th scope="row">process</th><p>空闲</p><code>free</code>'
        '<pre>Not known</pre><i aria-label="摘要">a &lt;b&gt;：不清楚。</i>')
    assert translated_page(text, 'en') == text


def test_of_a_log_s_page_the_title_and_what_the_verdict_rests_on_are_told():
    told = translated_page(page(summaries(SEED, str)[0], False), 'zh')
    title, = re.findall('<h2 id="log-1">(.*?)</h2>', told)
    assert title.endswith('，见 %s' % SEED.name)
    rests = told.partition('<summary>依据</summary>')[2].partition('</details>')[0]
    assert 'RAM（991 MiB）耗尽' in rests and 'ran out' not in rests


@pytest.mark.parametrize('text', ['一' * 200, 'mysqld ' * 40 + '中文', '（内存）' * 30, 'x' * 300 + '一', '一，' * 60])
def test_a_line_of_wide_characters_ends_at_the_last_column(text):
    lines = wrapped(text, '  ')
    assert all(width(line) <= COLUMNS for line in lines)
    assert ''.join(lines).replace(' ', '') == text.replace(' ', '')
    assert not [line for line in lines[1:] if line.strip()[:1] in '，。：；）']
