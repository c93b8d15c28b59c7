#!/usr/bin/env python
"""Changes the code in one place at a time and runs the tests that run that place: a change that no test notices is a
behaviour that nothing states.

Works on a copy in memory or in TMPDIR. Goes on where it was stopped: what is known of a change is kept in
.cache/mutate, by the content of its file and of the tests that judged it.
`make mutate COUNT=100 SEED=1 GROUPS='swap reader'`.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from changes import changes_of, draw
from coverage.numbits import numbits_to_nums

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / '.cache' / 'mutate'
UTILS = 'plugins/module_utils/'
GROUPS = {
    'verdict': [UTILS + '_verdict'], 'score': [UTILS + '_score'], 'node': [UTILS + '_node'],
    'swappiness': [UTILS + '_swappiness'], 'swap': [UTILS + '_swap'], 'facts': [UTILS + '_facts'],
    'reader': [UTILS + '_log', UTILS + '_report'],
    'modules': ['plugins/modules', 'plugins/filter', 'plugins/action', 'plugins/plugin_utils'],
}
# A change may make a loop endless: its tests get that much more processor time than they took by the clock without it.
TIMES, MORE_SECONDS = 3, 30
# A change may wait for what never comes.
SECONDS = 3600
# More tests than this are run by file.
MANY = 400


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


def pytest(tree, *words, cpu_seconds, output=subprocess.DEVNULL):
    """Return the exit status of pytest in a tree, or None if it waited too long and was ended with what it started.

    Work is counted in processor time, so that a busy machine makes no change look like a noticed one.
    """
    temporary = tempfile.mkdtemp(dir=tree.parent)
    process = subprocess.Popen(
        [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', '--basetemp', temporary + '/t', *words],
        cwd=tree, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        env=dict(os.environ, TMPDIR=temporary, PYTHONPYCACHEPREFIX=str(tree.parent / 'pycache')))
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()
        shutil.rmtree(temporary, ignore_errors=True)


def line_map(tree):
    """Return ({file: {line: [test]}}, {test: seconds}) of code and tests as they are: kept, as it takes minutes."""
    kept = STATE / 'lines.json'
    of = digest(*sorted(path for folder in ('plugins', 'tests/unit') for path in (ROOT / folder).rglob('*.py')))
    if kept.exists():
        known = json.loads(kept.read_text())
        if known['of'] == of:
            return {path: {line: [known['tests'][number] for number in numbers] for line, numbers in its.items()}
                    for path, its in known['lines'].items()}, known['seconds']
    print('Asking which tests run which lines ...', flush=True)
    lines, seconds = map_lines(tree)
    part = kept.with_suffix('.part')
    tests = sorted(set(test for its in lines.values() for those in its.values() for test in those))
    number_of = {test: number for number, test in enumerate(tests)}
    part.write_text(json.dumps({'of': of, 'tests': tests, 'seconds': seconds, 'lines': {
        path: {line: [number_of[test] for test in those] for line, those in its.items()}
        for path, its in lines.items()}}))
    part.rename(kept)
    return lines, seconds


def map_lines(tree):
    """Return ({file: {line: [test]}}, {test: seconds}) of one run of all unit tests.

    The test '' ran a line while it was imported. Tests that took less than 5 ms have no seconds.
    """
    said = tree.parent / 'said'
    with said.open('w') as output:
        status = pytest(tree, '--cov=plugins', '--cov-context=test', '--cov-report=', '--durations=0', 'tests/unit',
                        cpu_seconds=SECONDS, output=output)
    if status != 0:
        sys.exit('%s\nThe unit tests fail on the code as it is: pytest ended with %s' % (
            said.read_text(errors='replace')[-4000:], status))
    rows = sqlite3.connect(tree / '.coverage').execute(
        'select file.path, context.context, numbits from line_bits join file on file.id = file_id'
        ' join context on context.id = context_id')
    found = {}
    for path, context, numbits in rows:
        test = context.partition('|')[0]
        lines = found.setdefault(str(Path(path).resolve().relative_to(tree.resolve())), {})
        for line in numbits_to_nums(numbits):
            lines.setdefault(str(line), set()).add(test)
    return ({path: {line: sorted(tests) for line, tests in lines.items()} for path, lines in found.items()},
            seconds_of(said.read_text(errors='replace')))


def seconds_of(said):
    """Return {test: seconds} from what pytest says of the slowest."""
    seconds = {}
    for taken, test in re.findall(r'^ *([0-9.]+)s (?:setup|call|teardown) +(\S.*)$', said, re.MULTILINE):
        seconds[test] = seconds.get(test, 0) + float(taken)
    return seconds


def tests_for(change, lines):
    """The tests that run the line of a change; all that run its file where the line runs at import."""
    of_file = lines.get(change.path, {})
    tests = set(of_file.get(str(change.line), []))
    if '' in tests or not tests:
        inside = next((set(of_file[str(line)]) for line in range(change.line, change.line - 8, -1)
                       if str(line) in of_file), set())
        tests |= inside
    if '' in tests:
        tests = set().union(*map(set, of_file.values()))
    tests.discard('')
    if len(tests) > MANY:
        return sorted({test.partition('::')[0] for test in tests})
    return sorted(tests)


def allowed(tests, seconds):
    """Return how many seconds of processor time some tests, or files of tests, get."""
    return MORE_SECONDS + TIMES * int(sum(taken for test, taken in seconds.items()
                                          if not {test, test.partition('::')[0]}.isdisjoint(tests)))


def write(file, text):
    """Write a file and give it a time that no compiled form of it has, however quickly it changes."""
    after = int(file.stat().st_mtime) + 1
    file.write_text(text)
    os.utime(file, (after, after))


def outcome_of(change, tree, lines, seconds):
    """Return (outcome, file of the test that noticed it or None).

    The outcome is 'noticed', 'survived', or 'none' where the change makes no difference to the text.
    """
    file = tree / change.path
    source = file.read_text()
    changed = change.apply(source)
    if changed is None:
        return 'none', None
    tests = tests_for(change, lines)
    if not tests:
        return 'survived', None
    chosen, said = tree.parent / 'chosen', tree.parent / 'said'
    chosen.write_text('\n'.join(tests) + '\n')
    try:
        write(file, changed)
        with said.open('w') as output:
            status = pytest(tree, '@%s' % chosen, cpu_seconds=allowed(tests, seconds), output=output)
    finally:
        write(file, source)
    if status == 0:
        return 'survived', None
    named = re.search(r'^(?:FAILED|ERROR) ([^:\s]+\.py)', said.read_text(errors='replace'), re.MULTILINE)
    return 'noticed', named.group(1) if named else None


def digest(*paths):
    total = hashlib.sha256()
    for path in paths:
        total.update(Path(path).read_bytes())
    return total.hexdigest()[:16]


def code_of(path):
    """Return a digest of the code of a file of Python, which comments and documentation leave as it is."""
    tree = ast.parse(Path(path).read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def diff_of(change, root):
    source = (root / change.path).read_text().splitlines()
    changed = (change.apply('\n'.join(source) + '\n') or '').splitlines()
    first = next((number for number, pair in enumerate(zip(source, changed)) if pair[0] != pair[1]), change.line - 1)
    return '%s:%d: %s  ->  %s' % (change.path, first + 1, source[first].strip(),
                                  changed[first].strip() if first < len(changed) else '')


class Results:
    """What is known of each change, one JSON line each.

    A change stays noticed while the code of its file and that of the test which noticed it are as they were. One that
    survived is tried again once any test is another.
    """

    def __init__(self, tests):
        # As the files are now: who works in this tree meanwhile changes nothing of what is judged.
        self.codes = {str(path.relative_to(ROOT)): code_of(path) for folder in ('plugins', 'tests/unit')
                      for path in (ROOT / folder).rglob('*.py')}
        STATE.mkdir(parents=True, exist_ok=True)
        self.path, self.tests, self.known, self.lock = STATE / 'changes.jsonl', tests, {}, threading.Lock()
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                row = json.loads(line)
                self.known[row['key']] = row

    def key(self, change):
        return ' '.join([self.codes[change.path], change.path, change.operator, str(change.occurrence)])

    def of(self, by):
        return self.codes.get(by, self.tests)

    def get(self, change):
        row = self.known.get(self.key(change))
        return row['outcome'] if row and row['of'] == self.of(row['by']) else None

    def add(self, change, outcome, by, shown):
        row = {'key': self.key(change), 'outcome': outcome, 'by': by, 'of': self.of(by), 'shown': shown}
        with self.lock, self.path.open('a') as stream:
            self.known[row['key']] = row
            stream.write(json.dumps(row) + '\n')


def work(todo, tree, lines, seconds, results, total):
    while True:
        try:
            change = todo.get_nowait()
        except queue.Empty:
            return
        outcome, by = outcome_of(change, tree, lines, seconds)
        shown = diff_of(change, tree)
        results.add(change, outcome, by, shown)
        print('%d of %d left: %s %s' % (todo.qsize(), total, outcome, shown), flush=True)


def table(groups, results):
    seen, noticed = 0, 0
    print('\n%-11s %8s %8s %8s' % ('group', 'changes', 'noticed', 'percent'))
    for name, changes in groups.items():
        outcomes = [results.get(change) for change in changes]
        count, good = outcomes.count('noticed') + outcomes.count('survived'), outcomes.count('noticed')
        seen, noticed = seen + count, noticed + good
        print('%-11s %8d %8d %8.0f' % (name, count, good, 100.0 * good / max(count, 1)))
    print('%-11s %8d %8d %8.0f' % ('all', seen, noticed, 100.0 * noticed / max(seen, 1)))
    print('\nNoticed by no test; some of these change nothing that can be seen:')
    for changes in groups.values():
        for change in changes:
            if results.get(change) == 'survived':
                print('  %s' % results.known[results.key(change)]['shown'])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=100, help='changes in each group')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('groups', nargs='*', choices=[[]] + list(GROUPS), help='all of them by default')
    args = parser.parse_args()

    groups = {name: draw([change for path in files_of(GROUPS[name]) for change in changes_of(ROOT, path)],
                         args.count, args.seed) for name in args.groups or GROUPS}
    tests = digest(*sorted(path for path in (ROOT / 'tests' / 'unit').rglob('*.py')))
    results = Results(tests)
    pending = [change for changes in groups.values() for change in changes if results.get(change) is None]
    # So that the table of a run that is stopped is of all groups.
    random.Random(args.seed).shuffle(pending)
    todo = queue.Queue()
    for change in pending:
        todo.put(change)
    if pending:
        with tempfile.TemporaryDirectory(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as folder:
            trees = []
            for number in range(args.jobs):
                (Path(folder) / str(number)).mkdir()
                trees.append(copy_of_tree(Path(folder) / str(number)))
            lines, seconds = line_map(trees[0])
            threads = [threading.Thread(target=work, args=(todo, tree, lines, seconds, results, len(pending)))
                       for tree in trees]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    table(groups, results)


if __name__ == '__main__':
    main()
