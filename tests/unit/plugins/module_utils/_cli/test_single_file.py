# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom-rescue.pyz: its words in this process, and some runs of it as a user has it, by the Python that runs these tests.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._cli.main import main
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize
from ansible_collections.oom.rescue.plugins.plugin_utils import single_file
from conftest import FIXTURES, SEED

LOGS = [SEED] + [os.path.join(FIXTURES, name) for name in (
    'oom-linux-5.10.0-32.dmesg', 'oom-linux-6.12.dmesg', 'oom-linux-7.2.12-global.json',
    'ways/6.1/cgroup-anon.dmesg', 'ways/5.10/fork-bomb.dmesg')]


pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def program(tmp_path_factory):
    path = str(tmp_path_factory.mktemp('pyz') / 'o.pyz')
    single_file.main(path)
    return path


def run(program, *arguments, **options):
    """(exit status, standard output, standard error) of the program, in a locale that has ASCII alone."""
    data = options.pop('data', b'')
    process = subprocess.Popen(
        [sys.executable, program] + list(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={'LC_ALL': 'C', 'PATH': os.environ['PATH'], 'TZ': os.environ.get('TZ', '')},
        **options)
    out, err = process.communicate(data)
    return process.returncode, out.decode('utf-8'), err.decode('utf-8')


@pytest.fixture
def said(capfd):
    """A callable: (exit status, standard output, standard error) of the program's arguments, in this process."""
    def call(*arguments):
        try:
            status = main(list(arguments))
        except SystemExit as end:
            status = end.code
        out, err = capfd.readouterr()
        return status, out, err
    return call


def as_the_collection_says(*paths):
    """summarize()'s result on logs, as ``./rescue diagnose --log`` has it."""
    logs = [diagnose('/', {'log': path, 'limit': 100}) for path in paths]
    found = {'advice': advise({}, []), 'events': [], 'replays': [], 'elsewhere': logs}
    return summarize(['localhost'], {'localhost': {'diagnose_result': found}}, logs_only=True)


def test_the_same_code_gives_the_same_bytes(program):
    with io.open(program, 'rb') as stream:
        assert stream.read() == single_file.single_file()
    with zipfile.ZipFile(program) as archive:
        assert set((info.date_time, info.compress_type) for info in archive.infolist()) == set(
            [((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)])


def test_who_unpacks_it_gets_files_that_all_may_read(program):
    with zipfile.ZipFile(program) as archive:
        assert set(info.external_attr >> 16 for info in archive.infolist()) == set([0o100644])


def test_nothing_is_written_by_who_only_imports_what_makes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['pytest'])
    monkeypatch.delitem(sys.modules, single_file.__name__)
    importlib.import_module(single_file.__name__)
    assert os.listdir(str(tmp_path)) == []


def test_what_changes_a_host_by_a_remedy_is_not_in_it():
    names = single_file.needed('_cli.main')
    assert '_verdict.diagnose' in names
    assert [name for name in names if name.endswith(('.apply', '.plan')) and not name.startswith('_watch')] == []


@pytest.mark.parametrize('path', LOGS, ids=os.path.basename)
def test_a_log_is_told_in_the_collection_s_words(said, path):
    summary = as_the_collection_says(path)
    status, out, err = said(path)
    assert (status, err) == (0, '')
    assert out.splitlines() == summary['lines']
    report = json.loads(said('--json', '-', path)[1])
    expected = json.loads(json.dumps(report_of(summary, report['written'])))
    assert report == expected
    assert report['logs'][0]['verdict']['was_memory'] == 'yes' and report['hosts'] == []


def test_one_file_without_anything_beside_it_says_the_same(program):
    assert run(program, SEED)[1].splitlines() == as_the_collection_says(SEED)['lines']


def test_several_logs_are_told_in_a_line_each(said):
    assert said(*LOGS[:3])[1].splitlines() == as_the_collection_says(*LOGS[:3])['lines']


def test_standard_input_is_a_log(program):
    with io.open(SEED, 'rb') as stream:
        data = stream.read()
    status, out, dummy = run(program, '--json', '-', '-', data=data)
    report = json.loads(out)
    assert status == 0 and report['logs'][0]['path'] == '-'
    assert [victim['name'] for victim in report['logs'][0]['verdict']['victims']] == ['mysqld']


def test_report_json_is_written_beside_the_words(said, tmp_path):
    target = tmp_path / 'report.json'
    out = said(SEED, '--json', str(target))[1]
    assert 'RAM (991 MiB) ran out' in out
    assert json.loads(target.read_bytes().decode('ascii'))['schema'] == 1


def test_this_host_is_told_live(said):
    status, out, err = said('--live', '--json', '-', '--since', '2099-01-01')
    report = json.loads(out)
    assert (status, err, report['logs']) == (0, '', [])
    assert report['hosts'][0]['status'] == 'ok' and report['hosts'][0]['ledger']['total_bytes'] > 1 << 20


def test_where_the_memory_is_fits_on_a_screen(said):
    status, out, dummy = said('where')
    lines = out.splitlines()
    assert status == 0 and len(lines) <= 24 and max(map(len, lines)) <= 80
    assert ' of RAM, ' in lines[0] and 'JSON' not in out
    assert json.loads(said('where', '--json', '-')[1])['hosts'][0]['forecast']['host']


def test_why_a_process_of_this_host_runs_is_told_and_one_that_nobody_knows_is_refused(said):
    status, out, err = said('why', 'pid:%d' % os.getpid(), '--json', '-', '--since', '2099-01-01')
    assert (status, err) == (0, '') and json.loads(out)['hosts'][0]['status'] == 'ok'
    status, out, err = said('why', 'unit:no-such-unit-anywhere', '--since', '2099-01-01')
    assert (status, out) == (2, '') and 'is no unit, container or process' in err


@pytest.mark.parametrize('name', [u'my\x1b[31msqld', u'b\xe4cker', u'a"b<c>'])
def test_a_hostile_name_reaches_no_terminal(said, tmp_path, name):
    with io.open(SEED, 'rb') as stream:
        data = stream.read().replace(b'mysqld', name.encode('utf-8') + b'\xff')
    path = tmp_path / 'log'
    path.write_bytes(data)
    status, out, err = said(str(path))
    assert (status, err) == (0, '') and '\x1b' not in out
    assert json.loads(said('--json', '-', str(path))[1])['logs'][0]['verdict']


@pytest.mark.parametrize('arguments, status, words', [
    ((), 1, 'name a log, or give --live'),
    (('--lvie',), 1, '--lvie'),
    (('--since', 'yesterdey', SEED), 1, 'no ISO 8601 time'),
    (('where', 'there'), 1, 'there'),
    (('why',), 1, 'arguments'),
    (('/nowhere/messages',), 5, 'It could not be read'),
    (('/dev/pts',), 5, 'It is a directory'),
    ((SEED, '--json', '/nowhere/report.json'), 2, '/nowhere/report.json'),
], ids=lambda value: str(value)[:20])
def test_wrong_use_and_what_cannot_be_read_have_a_status(said, arguments, status, words):
    found = said(*arguments)
    assert found[0] == status and words in found[1] + found[2]


def test_each_log_that_says_nothing_has_a_sentence_of_its_own(said, tmp_path):
    logs = {'empty': (b'', 0), 'calm': (b'Oct 28 11:32:28 web sshd[1]: hello\n', 0), 'binary': (b'\0\1' * 4096, 5),
            'nowhere': (None, 5), 'folder': (None, 5)}
    (tmp_path / 'folder').mkdir()
    told = {}
    for name, (data, wanted) in logs.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        status, out, err = said(str(tmp_path / name))
        assert (status, err) == (wanted, ''), name
        told[name] = ' '.join(out.replace(str(tmp_path / name), '').split())
    assert len(set(told.values())) == len(logs), told
    assert 'could not be read' not in told['empty'] + told['calm'] + told['binary'] + told['folder']


def test_whoever_reads_no_further_ends_it_quietly(program):
    with io.open(os.devnull, 'rb') as nothing:
        process = subprocess.Popen([sys.executable, program, SEED], stdin=nothing, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.close()
        assert process.stderr.read() == b''
        process.stderr.close()
        process.wait()
