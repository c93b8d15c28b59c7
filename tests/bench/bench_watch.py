#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watch costs a quiet host a day, and what one run takes when something happened.

bench_watch.py [--rounds 9] [--interval 60] [PYTHON ...]

CPU of user and system of a run with all that it starts, medians; bytes are what it writes to the disk, by its state and
textfile. A timer wakes the host up once an interval.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY = 86400
# As the module installs it.
COMPILE = ('import io, sys; sys.path.insert(0, sys.argv[1]); import compiled; '
           'program = io.open(sys.argv[2], "rb").read(); io.open(sys.argv[2], "wb").write(compiled.compiled(program))')
sys.path.insert(0, str(ROOT / 'plugins' / 'plugin_utils'))

import single_file  # noqa: E402


def run(argv):
    """(CPU seconds of user and system, largest resident MiB) of a run."""
    code = ('import resource, subprocess, sys; rc = subprocess.call(sys.argv[1:]); '
            'used = resource.getrusage(resource.RUSAGE_CHILDREN); '
            'print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024); sys.exit(rc)')
    done = subprocess.run([sys.executable, '-c', code, *argv], stdout=subprocess.PIPE, check=True, text=True)
    return tuple(map(float, done.stdout.split()))


def measured(python, folder, rounds):
    """{quiet, measuring, something: (median CPU seconds, largest MiB)} of runs by one Python."""
    program, config, textfile = folder / 'o.pyz', folder / 'watch.json', folder / 'o.prom'
    single_file.main(str(program))
    subprocess.run([python, '-c', COMPILE, ROOT / 'plugins' / 'module_utils' / '_watch', program], check=True)
    config.write_text(json.dumps({
        'state': str(folder / 'state'), 'run': str(folder / 'run'), 'textfile': str(textfile),
        'words': ['Killed process', 'ut of memory']}))
    os.chmod(config, 0o600)
    argv = [python, '-B', '-E', '-s', str(program), 'watch', str(config)]
    run(argv)
    found = {'quiet': [run(argv) for _round in range(rounds)], 'measuring': [], 'something': []}
    for _round in range(rounds):
        state(folder, lambda one: one.update(measured=0))
        found['measuring'].append(run(argv))
        state(folder, lambda one: one['mark'].update(boot='another'))
        found['something'].append(run(argv))
    return {what: (statistics.median(row[0] for row in rows), max(row[1] for row in rows))
            for what, rows in found.items()}


def state(folder, change):
    """Change what the watch remembers."""
    sys.path.insert(0, str(ROOT / 'tests' / 'unit'))
    import conftest  # noqa: F401
    from ansible_collections.oom.rescue.plugins.module_utils._watch import remembered
    paths = [str(folder / 'run' / 'state'), str(folder / 'state')]
    found = remembered.load(paths)
    change(found)
    remembered.save(found, paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--interval', type=int, default=60)
    parser.add_argument('pythons', nargs='*', default=[sys.executable])
    options = parser.parse_args()
    sys.stdout.write('%-28s %10s %10s %10s %12s %9s\n' % (
        'python', 'quiet run', 'measuring', 'something', 'CPU s a day', 'peak MiB'))
    for python in options.pythons:
        with tempfile.TemporaryDirectory() as folder:
            found = measured(python, pathlib.Path(folder), options.rounds)
        a_day = found['quiet'][0] * DAY / options.interval + found['measuring'][0] * DAY / 900
        sys.stdout.write('%-28s %8.0f ms %8.0f ms %8.0f ms %12.1f %9.1f\n' % (
            python[-28:], found['quiet'][0] * 1e3, found['measuring'][0] * 1e3, found['something'][0] * 1e3, a_day,
            max(peak for _seconds, peak in found.values())))
    sys.stdout.write('wake-ups an hour: %d by the timer; bytes a day: %d of the state, 96 textfiles\n' % (
        3600 // options.interval, 4 * 65536))


if __name__ == '__main__':
    main()
