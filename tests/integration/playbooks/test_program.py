# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""./rescue does what was typed, or stops; its exit status and its JSON are for programs."""

import json
import os
import subprocess

import jsonschema
import pytest
from conftest import ROOT

RESCUE = str(ROOT / 'rescue')
KILL = ('Nov 11 11:32:12 web1 kernel: Out of memory: Killed process 1313 (mariadbd) total-vm:1867316kB, '
        'anon-rss:440332kB, file-rss:0kB, shmem-rss:0kB, UID:999 pgtables:1204kB oom_score_adj:0\n')
# Wrong use, 1; a log that was not read, 5.
WRONG, FAILED, NOT_READ = 1, 2, 5


def run(*words, stdin=''):
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, input=stdin, timeout=300, check=False)


@pytest.mark.parametrize('words, said', [
    (['remediate', '--chek'], 'did you mean --check?'),
    (['remediate', '--log', 'x'], 'unrecognized arguments'),
    (['verify', '--limit', 'db'], 'give --inventory FILE'),
    (['verify', '-i', '/nonexistent'], '/nonexistent is not there'),
    (['verify', '-e', 'swap_size'], 'give NAME=VALUE'),
    (['remediate', '-e', 'swap_szie=1G'], 'did you mean swap_size?'),
    (['remediate', '-e', 'swap_path=/x swap_sise=1G'], 'swap_sise is no variable'),
    (['verify', '--tags', 'swop'], 'did you mean swap?'),
    (['resque'], 'invalid choice'),
    (['diagnose', '--log'], '--log: expected one argument\ntry'),
    ([], 'give a command'),
])
def test_what_is_not_known_is_refused_before_anything_is_tried(words, said, tmp_path):
    done = run(RESCUE, *words, *(['--report', str(tmp_path)] if words[1:] else []))
    assert done.returncode == WRONG
    assert said in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('words, said', [
    (['rescue', '--check'], 'make rescue CHECK=1'),
    (['rescue', 'check=1'], 'check is no variable'),
    (['diagnose', 'log=messages'], 'log is no variable'),
    (['verify', 'HOSTS=x'], 'HOSTS is no variable'),
])
def test_make_stops_on_what_it_would_take_for_something_else(words, said):
    done = run('make', *words)
    assert done.returncode != 0
    assert said in done.stderr and 'PLAY' not in done.stdout


def logs(tmp_path):
    """{path: error} of logs of every kind."""
    folder = tmp_path / 'folder'
    folder.mkdir()
    found = {tmp_path / 'a \'quoted" $(name)\\': KILL.encode(), tmp_path / 'empty': b'', tmp_path / 'calm': b'calm\n',
             tmp_path / 'binary': bytes(range(9)) * 999 + bytes(9999)}
    for path, data in found.items():
        path.write_bytes(data)
    errors = dict(zip(found, (None, 'empty', 'no_report', 'binary')))
    copied = tmp_path / 'copied/below'
    copied.mkdir(parents=True)
    (copied / 'messages-20251111').write_text(KILL)
    (copied.parent / 'wtmp').write_bytes(bytes(9999))
    return {**errors, folder: 'directory', tmp_path / 'missing': 'unreadable', copied.parent: None,
            copied / 'mess*': None, copied / 'none*': 'unreadable'}


def test_json_alone_is_on_standard_output_with_an_entry_for_each_log(tmp_path):
    expected = logs(tmp_path)
    named = [word for path in expected for word in ('--log', str(path))]
    done = run(RESCUE, 'diagnose', '--json', '-', '--report', str(tmp_path / 'report'), *named)
    report = json.loads(done.stdout)
    assert (report['schema'], report['hosts'], wrong(report)) == (1, [], [])
    assert {log['path']: log['error'] for log in report['logs']} == {
        str(path): error for path, error in expected.items()}
    assert done.returncode == NOT_READ
    for killed in (log['verdict'] for log in report['logs'] if log['error'] is None):
        assert (killed['was_memory'], killed['limit'], killed['actor']) == ('yes', 'host', 'kernel')


@pytest.mark.parametrize('command', ['diagnose', 'remediate', 'verify'])
@pytest.mark.parametrize('log', ['/no/such/log', '/proc/self/mem'])
def test_a_log_that_was_named_on_a_host_and_was_not_read_is_an_exit_status(command, log, tmp_path):
    options = ['-e', json.dumps({'diagnose_paths': [log], 'diagnose_sources': 'files', 'verify_accept_open': True})]
    check = ['--check'] if command == 'remediate' else []
    done = run(RESCUE, command, '--json', '-', '--report', str(tmp_path), *check, *options)
    (host,) = json.loads(done.stdout)['hosts']
    assert (done.returncode, host['not_read'], host['changes']) == (NOT_READ, [log], []), done.stderr


def wrong(report):
    """What of a report is not as its schema says: a line each."""
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / 'docs/report.schema.json').read_text()))
    return [f'{error.json_path}: {error.message}' for error in validator.iter_errors(report)]


def test_what_is_printed_of_hosts_is_as_its_schema_says(tmp_path):
    inventory = tmp_path / 'hosts'
    inventory.write_text('here ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n'
                         'gone ansible_host=127.0.0.1 ansible_port=1\n'
                         'bare ansible_connection=local ansible_python_interpreter=/no/python\n')
    done = run(RESCUE, 'diagnose', '-i', str(inventory), '--json', '-', '--report', str(tmp_path / 'report'))
    report = json.loads(done.stdout)
    assert wrong(report) == []
    assert {host['name']: host['status'] for host in report['hosts']} == {
        'here': 'ok', 'gone': 'unreachable', 'bare': 'failed'}


def test_an_anonymous_report_names_nobody_in_any_file(tmp_path):
    log = tmp_path / 'acme-shop.log'
    log.write_text(KILL.replace('web1', 'acme-web1').replace('mariadbd', 'acme-billing'))
    done = run(RESCUE, 'diagnose', '--log', str(log), '--anonymise', '--report', str(tmp_path / 'report'))
    folder = (tmp_path / 'report/latest').resolve()
    assert done.stdout.rstrip().endswith(f'Page: {folder}/index.html'), done.stderr
    files = {path.name: path.read_text() for path in folder.iterdir()}
    assert sorted(files) == ['errors.txt', 'index.html', 'report.json', 'report.md', 'summary.txt']
    assert [name for name, text in files.items() if 'acme' in text] == []
    assert 'process-1' in files['summary.txt'] and json.loads(files['report.json'])['anonymised'] is True
    assert '430 MiB' in files['report.md']


def test_standard_input_is_a_log_named_as_it_was_given(tmp_path):
    done = run(RESCUE, 'diagnose', '--log', '-', '--json', '-', '--report', str(tmp_path), stdin=KILL)
    (log,) = json.loads(done.stdout)['logs']
    assert (done.returncode, log['path'], log['verdict']['victims'][0]['pid']) == (0, '-', 1313)
    assert log['verdict']['evidence'][0]['path'] == '-'


def test_each_run_has_a_folder_and_latest_is_the_newest(tmp_path):
    path = tmp_path / 'log'
    path.write_text(KILL)
    report = tmp_path / 'report'
    for number in (1, 2):
        assert run(RESCUE, 'diagnose', '--log', str(path), '--report', str(report)).returncode == 0
        folders = sorted(entry for entry in report.iterdir() if not entry.is_symlink())
        assert len(folders) == number
        assert (report / 'latest').resolve() == folders[-1].resolve()
        assert (report / 'latest/summary.txt').exists()
    assert report.stat().st_mode & 0o777 == 0o700


def test_a_completion_knows_the_commands_and_the_options():
    done = run(RESCUE, 'completion')
    assert 'remediate' in done.stdout and '--ask-become-pass' in done.stdout


@pytest.mark.parametrize('spoil', [
    lambda path: path.symlink_to('/tmp'), lambda path: (path.mkdir(), path.chmod(0o777)),
    lambda path: (path.mkdir(), os.chown(path, 65534, 65534)),
], ids=['a link', 'writable by all', "another's"])
def test_a_report_goes_to_no_directory_that_others_may_change(spoil, tmp_path):
    spoil(tmp_path / 'report')
    done = run(RESCUE, 'diagnose', '--log', '/dev/null', '--report', str(tmp_path / 'report'))
    assert done.returncode == WRONG
    assert 'name a directory of your own' in done.stderr


def test_why_says_how_a_process_fares_and_names_what_it_was_not_told(tmp_path):
    done = run(RESCUE, 'why', 'pid:%d' % os.getpid(), '--json', '-', '--report', str(tmp_path))
    (host,) = json.loads(done.stdout)['hosts']
    assert (done.returncode, host['status'], host['verdict']) == (0, 'ok', None), done.stderr


@pytest.mark.parametrize('name, status, said', [
    ('unit:no-such-thing.service', FAILED, 'is no unit, container or process that this host or its logs know'),
    ('{{ 7 * 7 }}', WRONG, 'is no name'), ('-', WRONG, 'is no name'), ('', WRONG, 'is no name'),
])
def test_why_refuses_what_nothing_is_called(name, status, said, tmp_path):
    done = run(RESCUE, 'why', name, '--report', str(tmp_path))
    assert done.returncode == status
    assert said in ' '.join((done.stdout + done.stderr).split())


def test_where_says_what_holds_the_memory_and_changes_nothing(tmp_path):
    done = run(RESCUE, 'where', '--json', str(tmp_path / 'found.json'), '--report', str(tmp_path / 'report'))
    summary = (tmp_path / 'report/latest/summary.txt').read_text()
    lines = summary.splitlines()
    assert done.returncode == 0 and done.stdout.endswith(summary) and max(map(len, lines)) <= 80 and len(lines) <= 24
    assert [line.split()[-1] for line in lines if line.endswith((' all', ' in no counter'))] == ['counter', 'all']
    (host,) = json.loads((tmp_path / 'found.json').read_text())['hosts']
    ledger = host['ledger']
    assert sum(part['bytes'] or 0 for part in ledger['parts']) + ledger['unaccounted_bytes'] == ledger['total_bytes']
    assert (done.returncode, host['status'], host['changes']) == (0, 'ok', [])
    assert set(host['forecast']['host']) >= {'pid', 'name', 'distance_bytes', 'fork_refused'}
