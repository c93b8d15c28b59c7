#!/usr/bin/env python
"""Changes the code in one place at a time and runs the tests that run that place: a change that no test notices is a
behaviour that nothing states.

The tests are the unit tests but for files of properties. Each change is judged in a process of its own, forked from
one that has imported all but the collection and its tests. Works on copies in memory or in TMPDIR. Goes on where it
was stopped: what is known of a change is kept in .cache/mutate, by the content of its file and of the tests that
judged it.
`make mutate COUNT=100 SEED=1 GROUPS='swap reader'`.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import ctypes
import hashlib
import importlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import pytest
from changes import changes_of, draw
from coverage.numbits import numbits_to_nums

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / '.cache' / 'mutate'
UTILS = 'plugins/module_utils/'
GROUPS = {
    'verdict': [UTILS + '_verdict'], 'score': [UTILS + '_score'],
    'node': [UTILS + name for name in ('_node', '_files', '_systemd', '_boot', '_forbids', '_change')],
    'swappiness': [UTILS + '_swappiness'], 'swap': [UTILS + '_swap'], 'facts': [UTILS + '_facts'],
    'reader': [UTILS + '_log', UTILS + '_report'],
    'modules': ['plugins/modules', 'plugins/filter', 'plugins/action', 'plugins/plugin_utils'],
}
# A change may make a loop endless: its tests get that much more processor time than they took by the clock without it.
TIMES, MORE_SECONDS = 2, 10
# A change may wait for what never comes, on a machine that has other work too.
WAITS = 8
# A change may take all the memory there is.
MOST_BYTES = 10 << 30
# What all tests may take, with coverage.
SECONDS_OF_ALL = 1800
TESTS = ['-q', '-x', '-m', 'not properties', '-p', 'no:cacheprovider']
FORK = multiprocessing.get_context('fork')


def files_of(folders):
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).glob('*.py')
                  if path.name != '__init__.py')


def copy_of_tree(folder):
    """A copy of what git knows, beside a link to ../shared, so that tests which read it find it."""
    tree = Path(folder) / 'main'
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    for name in names.decode().split('\0'):
        source = ROOT / name
        if name and source.is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, tree / name, follow_symlinks=False)
    if (ROOT.parent / 'shared').is_dir():
        (Path(folder) / 'shared').symlink_to(ROOT.parent / 'shared')
    return tree


class Chosen:
    """Has pytest run the tests chosen, of the files it was given; then it knows which one failed, and the seconds."""

    def __init__(self, tests=None):
        self.tests, self.failed, self.seconds = tests, None, {}

    def pytest_collection_modifyitems(self, items):
        if self.tests is None:
            return
        # A change that gives tests other names: all tests of their file are run.
        gone = {file_of(test) for test in self.tests.difference(item.nodeid for item in items)}
        items[:] = [item for item in items if item.nodeid in self.tests or file_of(item.nodeid) in gone]

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed = self.failed or file_of(report.nodeid)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid


def file_of(test):
    return test.partition('::')[0]


class Tree:
    """A copy of the repository in which this process runs tests, by forks of itself."""

    def __init__(self, folder):
        self.path = copy_of_tree(tempfile.mkdtemp(dir=folder))
        os.chdir(self.path)
        sys.path[0] = str(self.path)
        sys.pycache_prefix = os.environ['PYTHONPYCACHEPREFIX'] = str(self.path.parent / 'pycache')

    def import_others(self):
        """Import what the tests do, but nothing of the tree: a change is seen by who imports it later."""
        for name in self.run(['--collect-only', 'tests/unit'], SECONDS_OF_ALL)['modules']:
            try:
                importlib.import_module(name)
            except ImportError:
                pass

    def run(self, words, cpu_seconds, tests=None):
        """Run pytest on some files, or on some tests of them, and return what `_run` says; None if it had no end.

        Work is counted in processor time, so that a busy machine makes no change look like a noticed one.
        """
        temporary = tempfile.mkdtemp(dir=self.path.parent)
        process = FORK.Process(target=self._run, args=(words, cpu_seconds, tests, temporary))
        process.start()
        try:
            process.join(cpu_seconds * WAITS)
            said = Path(temporary, 'said.json')
            return json.loads(said.read_text()) if said.exists() else None
        finally:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            process.join()
            shutil.rmtree(temporary, ignore_errors=True)

    def _run(self, words, cpu_seconds, tests, temporary):
        os.setsid()
        end_with_parent()
        for number, file in enumerate((os.devnull, temporary + '/output', temporary + '/output')):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        os.environ['TMPDIR'] = temporary
        # What was asked for before the fork is remembered.
        tempfile.tempdir = None
        chosen = Chosen(tests)
        status = pytest.main(TESTS + ['--basetemp', temporary + '/t'] + words, [chosen])
        part = Path(temporary, 'part')
        part.write_text(json.dumps({
            'status': int(status), 'failed': chosen.failed, 'seconds': chosen.seconds,
            'output': Path(temporary, 'output').read_text(errors='replace')[-4000:],
            'modules': sorted(name for name, module in sys.modules.items() if self.is_foreign(module))}))
        part.rename(Path(temporary, 'said.json'))
        os._exit(0)

    def is_foreign(self, module):
        file = getattr(module, '__file__', None)
        return bool(file) and not file.startswith(str(self.path))

    def lines(self, files):
        """Return ({file: {line: [test]}}, {test: seconds}) of some files of tests.

        The test '' ran a line while it was imported.
        """
        said = self.run(['--cov=plugins', '--cov-context=test', '--cov-report='] + files, SECONDS_OF_ALL)
        if said is None or said['status'] != 0:
            sys.exit('%s\nThe unit tests fail on the code as it is' % (said or {}).get('output'))
        rows = sqlite3.connect('.coverage').execute(
            'select file.path, context.context, numbits from line_bits join file on file.id = file_id'
            ' join context on context.id = context_id')
        found = {}
        for path, context, numbits in rows:
            its = found.setdefault(os.path.relpath(path, self.path), {})
            for line in numbits_to_nums(numbits):
                its.setdefault(str(line), set()).add(context.partition('|')[0])
        return found, said['seconds']

    def judge(self, change, tests, seconds):
        """Return (outcome, file of the test that noticed it or None, the change as text).

        The outcome is 'noticed', 'survived', or 'none' where the change makes no difference to the text.
        """
        file = self.path / change.path
        source = file.read_text()
        changed = change.apply(source)
        shown = diff_of(change, source, changed or '')
        if changed is None:
            return 'none', None, shown
        try:
            write(file, changed)
            for _rank, some in itertools.groupby(sorted(tests, key=lambda test: rank(change, test)),
                                                 lambda test: rank(change, test)[0]):
                some = list(some)
                allowed = MORE_SECONDS + TIMES * int(sum(seconds.get(test, 0) for test in some))
                said = self.run(list(dict.fromkeys(map(file_of, some))), allowed, set(some))
                if said is None or said['status'] not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                    return 'noticed', said and said['failed'] and file_of(said['failed']), shown
            return 'survived', None, shown
        finally:
            write(file, source)


def rank(change, test):
    """Tests of the file that is changed are the first, then those of its package."""
    file, changed = Path(file_of(test)), Path(change.path)
    if changed.parent.name != file.parent.name:
        return 2, str(file)
    return (0 if file.stem.startswith('test_' + changed.stem) else 1), str(file)


def write(file, text):
    """Write a file and give it a time that no compiled form of it has, however quickly it changes."""
    after = int(file.stat().st_mtime) + 1
    file.write_text(text)
    os.utime(file, (after, after))


def diff_of(change, source, changed):
    source, changed = source.splitlines(), changed.splitlines()
    first = next((number for number, pair in enumerate(zip(source, changed)) if pair[0] != pair[1]), change.line - 1)
    return '%s:%d: %s  ->  %s' % (change.path, first + 1, source[first].strip(),
                                  changed[first].strip() if first < len(changed) else '')


def end_with_parent(death_signal=1):
    ctypes.CDLL(None).prctl(death_signal, 9)


# What a process of the pool runs, in its own tree.
def prepare(folder):
    global TREE
    end_with_parent()
    TREE = Tree(folder)


def lines(files):
    return TREE.lines(files)


def judge(change, tests, seconds):
    return TREE.judge(change, tests, seconds)


def digest(*texts):
    return hashlib.sha256('\0'.join(texts).encode()).hexdigest()[:16]


def is_of_tests(path):
    return Path(path).name.startswith('test_')


def code_of(path):
    """Return a digest of the code of a file of Python, which comments and documentation leave as it is."""
    tree = ast.parse(Path(path).read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return digest(ast.dump(tree))


class LineMap:
    """Which tests run which lines, and in how many seconds: kept, as asking all takes minutes.

    A file of tests is asked anew when it, what it imports of the tests, or a file of the code that it ran has changed.
    """

    def __init__(self, pool, at_once=12):
        python = [path for folder in ('plugins', 'tests/unit') for path in sorted((ROOT / folder).rglob('*.py'))]
        # As the files are now: who works in this tree meanwhile changes nothing of what is asked.
        self.texts = {str(path.relative_to(ROOT)): path.read_text() for path in python}
        files = [path for path in self.texts if is_of_tests(path)]
        self.kept, self.of, self.lines, self.seconds = STATE / 'lines.json', {}, {}, {}
        known = json.loads(self.kept.read_text()) if self.kept.exists() else {}
        if 'code' in known:
            self._take(known, files)
        stale = [path for path in files if path not in self.of]
        if stale:
            print('Asking which tests run which lines: %d files of tests ...' % len(stale), flush=True)
            asked = {pool.submit(lines, some): some
                     for some in (stale[first:first + at_once] for first in range(0, len(stale), at_once))}
            for done in as_completed(asked):
                found, seconds = done.result()
                self.seconds.update(seconds)
                for path, its in found.items():
                    for line, tests in its.items():
                        self.lines.setdefault(path, {}).setdefault(line, set()).update(tests)
                self.of.update(self._digests(self.lines, asked[done]))
                self._write()

    def _digests(self, lines, files):
        """Return {file of tests: digest of what the lines that it runs hang on}."""
        ran = {path: {file_of(test) for tests in its.values() for test in tests} for path, its in lines.items()}
        shared = [path for path in self.texts if path.startswith('tests/') and not is_of_tests(path)]
        return {file: digest(*(self.texts.get(path, '') for path in [file] + [
            path for path in shared if Path(path).stem in self.texts[file]] + sorted(
            path for path in ran if file in ran[path]))) for file in files}

    def _take(self, known, files):
        """Take what is known of those files of tests of which it still holds, and what ran at import."""
        tests = known['tests']
        before = {path: {line: {tests[number] for number in numbers} for line, numbers in its.items()}
                  for path, its in known['lines'].items()}
        digests = self._digests(before, files)
        self.of = {path: of for path, of in digests.items() if known['of'].get(path) == of}
        self.seconds = {test: taken for test, taken in known['seconds'].items() if file_of(test) in self.of}
        for path, its in before.items():
            # Of a file that has changed the numbers of its lines are others.
            if known['code'].get(path) == digest(self.texts.get(path, '')):
                self.lines[path] = {line: {test for test in tests if not test or file_of(test) in self.of}
                                    for line, tests in its.items()}

    def _write(self):
        tests = sorted(set().union(*(those for its in self.lines.values() for those in its.values())))
        number_of = {test: number for number, test in enumerate(tests)}
        part = self.kept.with_suffix('.part')
        part.write_text(json.dumps({
            'code': {path: digest(self.texts[path]) for path in self.lines}, 'of': self.of, 'tests': tests,
            'seconds': self.seconds, 'lines': {
                path: {line: [number_of[test] for test in those] for line, those in its.items()}
                for path, its in self.lines.items()}}))
        part.rename(self.kept)

    def tests_for(self, change):
        """Return the tests that run the line of a change; all that run its file where the line runs at import."""
        of_file = self.lines.get(change.path, {})
        tests = set(of_file.get(str(change.line), ()))
        if '' in tests or not tests:
            tests |= next((of_file[str(line)] for line in range(change.line, change.line - 8, -1)
                           if of_file.get(str(line))), set())
        if '' in tests:
            tests = set().union(*of_file.values())
        return tests - {''}


class Results:
    """What is known of each change, one JSON line each.

    A change stays noticed while the code of its file and that of the test which noticed it are as they were. One that
    survived is tried again once other tests run its line, or the files of those that do are others.
    """

    def __init__(self):
        # As the files are now: who works in this tree meanwhile changes nothing of what is judged.
        self.codes = {str(path.relative_to(ROOT)): code_of(path) for folder in ('plugins', 'tests/unit')
                      for path in (ROOT / folder).rglob('*.py')}
        STATE.mkdir(parents=True, exist_ok=True)
        self.path, self.known = STATE / 'changes.jsonl', {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                row = json.loads(line)
                self.known[row['key']] = row

    def key(self, change):
        return ' '.join([self.codes[change.path], change.path, change.operator, str(change.occurrence)])

    def of(self, by, tests):
        """Return a digest of what an outcome hangs on: the file of the test that noticed it, else all the tests."""
        return self.codes[by] if by else digest(*sorted(
            '%s %s' % (test, self.codes.get(file_of(test))) for test in tests))

    def get(self, change, tests):
        row = self.known.get(self.key(change))
        fits = row and (row['by'] or '') in self.codes.keys() | {''} and row['of'] == self.of(row['by'], tests)
        return row['outcome'] if fits else None

    def add(self, change, tests, outcome, by, shown):
        by = by if by in self.codes else None
        row = {'key': self.key(change), 'outcome': outcome, 'by': by, 'of': self.of(by, tests), 'shown': shown}
        with self.path.open('a') as stream:
            self.known[row['key']] = row
            stream.write(json.dumps(row) + '\n')


def table(groups, outcome_of, results):
    seen, noticed = 0, 0
    print('\n%-11s %8s %8s %8s' % ('group', 'changes', 'noticed', 'percent'))
    for name, changes in groups.items():
        outcomes = [outcome_of(change) for change in changes]
        count, good = outcomes.count('noticed') + outcomes.count('survived'), outcomes.count('noticed')
        seen, noticed = seen + count, noticed + good
        print('%-11s %8d %8d %8.0f' % (name, count, good, 100.0 * good / max(count, 1)))
    print('%-11s %8d %8d %8.0f' % ('all', seen, noticed, 100.0 * noticed / max(seen, 1)))
    print('\nNoticed by no test; some of these change nothing that can be seen, and count as not noticed all the same:')
    for changes in groups.values():
        for change in changes:
            if outcome_of(change) == 'survived':
                print('  %s' % results.known[results.key(change)]['shown'])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=100, help='changes in each group')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('groups', nargs='*', choices=[[]] + list(GROUPS), help='all of them by default')
    args = parser.parse_args()

    begun = time.monotonic()
    groups = {name: draw([change for path in files_of(GROUPS[name]) for change in changes_of(ROOT, path)],
                         args.count, args.seed) for name in args.groups or GROUPS}
    results = Results()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None))
        Tree(folder).import_others()
        pool = stack.enter_context(ProcessPoolExecutor(args.jobs, FORK, prepare, (folder,)))
        known = LineMap(pool)
        tests_for = {change: known.tests_for(change) for changes in groups.values() for change in changes}
        pending = [change for change, tests in tests_for.items() if results.get(change, tests) is None]
        # So that the table of a run that is stopped is of all groups.
        random.Random(args.seed).shuffle(pending)
        judged = {}
        for change in pending:
            tests = tests_for[change]
            seconds = {test: known.seconds.get(test, 0) for test in tests}
            judged[pool.submit(judge, change, tests, seconds)] = change
        for left, done in zip(range(len(judged) - 1, -1, -1), as_completed(judged)):
            change = judged[done]
            outcome, by, shown = done.result()
            results.add(change, tests_for[change], outcome, by, shown)
            print('%d of %d left: %s %s' % (left, len(judged), outcome, shown), flush=True)
    table(groups, lambda change: results.get(change, tests_for[change]), results)
    print('\n%d judged now, in %d seconds' % (len(judged), time.monotonic() - begun))


if __name__ == '__main__':
    main()
