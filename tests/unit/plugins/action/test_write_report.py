# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of two reports of one run, the one that rests on more stays, whichever is written last."""

from __future__ import absolute_import, division, print_function

import json

import pytest

pytest.importorskip('ansible')

stand = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.stand')
files = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.report_files')


def write(directory, results, run=None):
    mine = stand.Stand([{'results': dict.fromkeys(range(results))}])
    mine.run = run or mine.run
    files.write_files(str(directory), {'report.json': json.dumps({'run': mine.run, 'results': results})}, 0o600,
                      mine.is_older)


@pytest.mark.parametrize('before, after, stays', [
    ((5, None), (3, None), 5), ((3, None), (5, None), 5), ((5, 'another run'), (3, None), 3),
])
def test_the_report_that_rests_on_more_stays(tmp_path, before, after, stays):
    write(tmp_path, *before)
    write(tmp_path, *after)
    assert json.loads((tmp_path / 'report.json').read_text())['results'] == stays


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"run": 1, "results": null}'])
def test_what_is_no_report_of_this_run_is_replaced(tmp_path, text):
    (tmp_path / 'report.json').write_text(text)
    write(tmp_path, 1)
    assert json.loads((tmp_path / 'report.json').read_text())['results'] == 1
