# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real browser: no serious finding of axe, nothing cut at a phone's width, no sheet half empty."""

import sys

import pytest
from browser import ROOT, look, prints

sys.path.insert(0, str(ROOT / '.cache/collections'))
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize  # noqa: E402
from ansible_collections.oom.rescue.plugins.plugin_utils.page import page  # noqa: E402

FIXTURES = ROOT / 'tests/unit/fixtures'
SEED = FIXTURES / 'seed-out-of-memory.md'
LOGS = [SEED, *sorted((FIXTURES / 'ways/6.12').glob('*.dmesg'))[::8]]
SERIOUS = ('serious', 'critical')
# A process may have any 15 bytes as its name, and nothing says where a long one may be broken.
HOSTILE = ('</td><script>x', '"onload="x" a=', '<img src=x>', 'W' * 15, '\u202ekcatta')
HEAD = '''\
[    9.1] php invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
[    9.1] CPU: 0 PID: 99 Comm: php Not tainted 4.19.0-6-amd64 #1
[    9.1] Mem-Info:
[    9.1] Free swap  = 0kB
[    9.1] Total swap = 0kB
[    9.1] 262014 pages RAM
[    9.1] 8291 pages reserved
[    9.1] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
'''
ROW = '[    9.1] [{pid:7d}]     0 {pid:5d}    90000    {rss:5d}   100000        0             0 {name}\n'
KILLED = '[    9.1] Killed process 101 ({name}) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB, shmem-rss:0kB\n'


def page_of_logs(paths):
    logs = [diagnose(options={'log': str(path)}) for path in paths]
    left = {'diagnose_result': {'events': [], 'advice': logs[0]['advice'], 'replays': [], 'elsewhere': logs}}
    return page(summarize(['here'], {'here': left}, page='/r/index.html', logs_only=True), False)


def page_of_hosts(hosts):
    """Of this machine, as if it were each of ``hosts``, {name: paths of its logs}, and of one that gave no answer."""
    left = {}
    for name, paths in hosts.items():
        found = diagnose('/', {'paths': [str(path) for path in paths], 'sources': ['files']})
        left[name] = {'ansible_facts': {'memory': found['memory']}, 'diagnose_result': dict(found, elsewhere=[])}
    return page(summarize([*left, *(['gone'] if len(left) > 1 else [])], dict(left, gone={}), reached=list(left),
                          page='/r/index.html'), False)


def hostile(folder):
    path = folder / ('<b>' + 'long-name-' * 20 + '.log')
    rows = ''.join(ROW.format(pid=101 + number, rss=80000 - number * 1000, name=name)
                   for number, name in enumerate(HOSTILE))
    path.write_text(HEAD + rows + KILLED.format(name=HOSTILE[0]), encoding='utf-8')
    return page_of_logs([path])


PAGES = {
    'one log': lambda folder: page_of_logs([SEED]),
    'many logs': lambda folder: page_of_logs(LOGS),
    'a healthy host': lambda folder: page_of_hosts({'web1': []}),
    'a fleet': lambda folder: page_of_hosts({'web1': [], 'db1': [SEED], 'db2.a-long-name.example.com': [LOGS[1]]}),
    'hostile names': hostile,
}


@pytest.fixture(scope='module', name='made', params=sorted(PAGES))
def fixture_made(request, tmp_path_factory):
    """(a page's text, a folder for what is made of it)."""
    folder = tmp_path_factory.mktemp('page')
    return PAGES[request.param](folder), folder


@pytest.mark.parametrize('dark, widths', [(False, (320, 1280)), (True, (390,))], ids=['light', 'dark'])
def test_axe_has_no_serious_finding_and_nothing_is_cut(made, dark, widths):
    text, folder = made
    for width, found in look(text, folder, widths, dark).items():
        assert found['shown'] == width and found['needed'] <= width, found
        assert not found['cut']
        assert not [one for one in found['violations'] if one[1] in SERIOUS]


def test_no_printed_sheet_but_the_last_is_half_empty(made):
    text, folder = made
    used = prints(text, folder)
    assert used and min(used[:-1] or [1]) > 0.5, used


def test_what_is_wrong_is_found(tmp_path):
    """The audit itself: words that are too pale, a table that is too wide, and a sheet that is left empty."""
    pale = '<style>.lead { color: #ccc; background: #fff; } table { min-width: 50rem; }</style></head>'
    text = page_of_logs([SEED]).replace('</head>', pale)
    found = look(text, tmp_path, (390,))[390]
    assert 'color-contrast' in [one[0] for one in found['violations'] if one[1] in SERIOUS]
    assert found['needed'] > 390
    gap = '<style>@media print { .sides { break-before: page; } }</style></head>'
    assert min(prints(text.replace('</head>', gap), tmp_path)[:-1]) < 0.5
