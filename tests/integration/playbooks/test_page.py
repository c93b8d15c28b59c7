# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page and the summary when the names in a log are chosen to break them."""

import html.parser
import re

import pytest
from conftest import ROOT

TEMPLATES = sorted((ROOT / 'roles/report/templates').glob('*.html.j2'))
# A process may have any 15 bytes as its name.
HOSTILE = ('</td><script>x', '"onload="x" a=', '<img src=x>', "'-->{{7*7}}", '\u202ekcatta')
LOG = '''\
[    9.1] php invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
[    9.1] CPU: 0 PID: 99 Comm: php Not tainted 4.19.0-6-amd64 #1
[    9.1] Mem-Info:
[    9.1] Node 0 DMA32: 546*4kB (UE) 855*8kB (UE) 0*16kB = 9024kB
[    9.1] Free swap  = 0kB
[    9.1] Total swap = 0kB
[    9.1] 262014 pages RAM
[    9.1] 8291 pages reserved
[    9.1] Tasks state (memory values in pages):
[    9.1] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
{rows}[    9.1] Out of memory: Kill process 101 ({name}) score 300 or sacrifice child
[    9.1] Killed process 101 ({name}) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB, shmem-rss:0kB
'''
ROW = '[    9.1] [{pid:7d}]     0 {pid:5d}    90000    {rss:5d}   100000        0             0 {name}\n'


class Tags(html.parser.HTMLParser):
    """The tags of a page, the names of their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ''
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, value in attrs)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope='module', name='play')
def fixture_play(make, tmp_path_factory):
    log = tmp_path_factory.mktemp('log') / 'hostile<b>.log'
    rows = ''.join(ROW.format(pid=101 + number, rss=80000 - number * 1000, name=name)
                   for number, name in enumerate(HOSTILE))
    log.write_text(LOG.format(rows=rows, name=HOSTILE[0]), encoding='utf-8')
    return make('diagnose', LOG=log)


def test_names_from_a_log_are_text_on_the_page(play):
    assert play.status == 0, play.output
    page = Tags(play.page)
    assert not page.tags & {'script', 'img', 'svg', 'b', 'iframe', 'a', 'link'}
    assert page.attributes <= {'lang', 'charset', 'name', 'content', 'http-equiv', 'class', 'id', 'style', 'open',
                               'role', 'scope', 'aria-label', 'aria-labelledby'}
    for name in HOSTILE[:4]:
        assert name in page.text


def test_a_name_is_no_template(play):
    assert '{{7*7}}' in play.page and "'-->49" not in play.page.replace('&#39;', "'")


def test_what_turns_text_round_is_not_in_the_summary(play):
    assert HOSTILE[0] in play.summary
    assert '\u202e' not in play.summary


def test_nothing_that_steers_a_terminal_or_turns_text_is_on_the_page(play):
    assert '\u202e' not in play.page and '?kcatta' in play.page


@pytest.mark.parametrize('template', TEMPLATES, ids=lambda path: path.name)
def test_no_template_lets_a_value_past_the_escaping(template):
    """The page's environment escapes each value, unless a template says that it is safe."""
    source = template.read_text(encoding='utf-8')
    assert not re.search(r'\|\s*safe|autoescape|Markup', source)
