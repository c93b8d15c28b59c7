#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies against real kernels: has each outage again with the remedy that its report was said to be prevented by.

    tests/vm/effects.py                    # every trial that has no result yet; then the table
    tests/vm/effects.py 'swap*' -k 6.12    # some trials, on some kernels
    tests/vm/effects.py --fresh score      # again, also where a result is there
    tests/vm/effects.py --list             # the table of the results that are there, nothing booted

A trial has one outage twice in one machine: as it was, and with the remedy in force that remedies_of() names by the log
of the first. What came of the second is held against the effect: `prevents` is right if the target was met, `none` if
the end was the same; other effects promise nothing that is judged here. Trials that ask for the same machine share it.
Results are in .cache/effects, and a run goes on where it was stopped. Ends with 1 if an effect was not what the kernel
did, or a trial has no result.
"""

import argparse
import contextlib
import dataclasses
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import ways
from effect_trials import SHELL, TRIALS
from image import FIRST_OF_INIT, REPOSITORY

STATE = REPOSITORY / '.cache' / 'effects'
MARK = '=== '
DISK_BYTES = 1 << 30
SECONDS = 240
INIT = FIRST_OF_INIT + SHELL + """for module in /modules/*; do test -f $module && insmod $module; done
rm -r /modules
mark='""" + MARK + """'
# What is sent before the port is open is lost.
exec < /dev/ttyS1
echo "${mark}end"
while read -r line; do
    if test "$line" = go; then . /text; : > /text; else echo "$line" >> /text; fi
done
echo o > /proc/sysrq-trigger
sleep 60
"""


class Stuck(Exception):
    """The machine did not do what it was told to within its time."""


class Guest:
    """A machine that does what it is told in shell, and shows what came of it on its console."""

    def __init__(self, series, trial, scratch):
        self.console, disk = scratch / 'console', scratch / 'disk'
        with open(disk, 'wb') as stream:
            stream.truncate(DISK_BYTES)
        self.process = subprocess.Popen([
            'qemu-system-x86_64', '-nodefaults', '-display', 'none', '-no-reboot', '-m', str(trial.memory), '-cpu',
            ways.EMULATED_CPU, '-kernel', str(ways.kernel_file(ways.kernel_tree(series))), '-initrd',
            str(initramfs(series, scratch)), '-serial', 'file:%s' % self.console, '-serial', 'stdio', '-monitor',
            'none', '-append', 'console=ttyS0 loglevel=1 panic=-1 log_buf_len=4M %s %s' % (
                ways.STEADY_CLOCK, trial.append), '-drive', 'if=virtio,format=raw,file=%s,cache=unsafe' % disk,
        ], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def shown(self):
        return self.console.read_text(errors='replace').replace('\r', '') if self.console.exists() else ''

    def tell(self, text):
        """What the console shows from here on, once the shell ``text`` was run, which has to say the mark's end."""
        begin = len(self.shown())
        try:
            self.process.stdin.write((text + '\ngo\n').encode())
            self.process.stdin.flush()
        except OSError as error:
            raise Stuck from error
        return self.wait(begin)

    def wait(self, begin=0):
        """What the console shows from ``begin`` on, once the mark's end is there."""
        deadline = time.monotonic() + SECONDS
        while MARK + 'end\n' not in self.shown()[begin:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Stuck
            time.sleep(0.3)
        return self.shown()[begin:]

    def end(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def guest_of(series, trial):
    with tempfile.TemporaryDirectory() as directory:
        guest = Guest(series, trial, pathlib.Path(directory))
        try:
            guest.wait()
            yield guest
        finally:
            guest.end()


def initramfs(series, scratch):
    """The path of an initramfs that does what it is told; by ways.py, with another init."""
    packed, root = ways.initramfs(ways.Way('', 'anon', None, disk=True), series, scratch), scratch / 'root'
    for name in ('ln', 'kill', 'cp', 'dd', 'sync', 'swapoff', 'head', 'tr', 'wc', 'readlink'):
        (root / 'bin' / name).symlink_to('busybox')
    (root / 'init').write_text(INIT)
    with open(packed, 'wb') as stream:
        subprocess.run('find . | cpio --quiet -o -H newc', shell=True, cwd=root, stdout=stream, check=True)
    return packed


def sections_of(shown):
    """{name: lines} of what attempt() printed."""
    found, name = {}, None
    for line in shown.splitlines():
        if line.startswith(MARK):
            name = line[len(MARK):]
            found[name] = []
        elif name:
            found[name].append(line)
    return found


def remedies_by(trial, log, shown, scratch):
    """The rows of the trial's remedy, by the log of its outage and what is known of the host."""
    from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts
    from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
    from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events
    from ansible_collections.oom.rescue.plugins.module_utils._verdict.judgement import judge_all
    from ansible_collections.oom.rescue.plugins.module_utils._verdict.remedies import remedies_of
    (scratch / 'log').write_text(log)
    facts = trial.facts
    if trial.reads:
        root = scratch / 'host'
        for name, lines in shown.items():
            if name.startswith('file /'):
                path = root / name[len('file /'):]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text('\n'.join(lines) + '\n')
        facts = memory_facts(Host(str(root)))
    found = read_events([str(scratch / 'log')], signals=True)
    incidents, verdict = judge_all(found['events'], found['signals'])
    rows = remedies_of(verdict, incidents, found['events'], found['signals'], facts, trial.options)
    name, target = trial.remedy
    return [row for row in rows if row['name'] == name and row['target'] == target]


def size_of(row):
    """The number that a row's command sets; 0 if it sets none."""
    command = row['command'] or row['what']
    found = re.search(r'(?:--memory |memory=|MemoryMax=|swap_size=)(\d+)(Mi)?', command)
    digits = found.group(1) if found else (re.findall(r'\d+', command) or ['0'])[-1]
    return int(digits) << 20 if found and found.group(2) else int(digits)


def attempt(guest, text):
    """(lines that tell what came of it, the log, all sections) of an outage that begins with the shell ``text``."""
    sections = sections_of(guest.tell(text + '\nattempt'))
    return sections['came'], '\n'.join(sections['log']) + '\n', sections


def make(name, series, guest, after=None):
    """Have a trial in a machine, or its second half in the machine ``after``, and keep what came of it in STATE."""
    trial, target = TRIALS[name], STATE / series / (name + '.json')
    target.parent.mkdir(parents=True, exist_ok=True)
    begin = 'reset\noutage() {\n%s\n}\n%s' % (trial.outage, trial.setup)
    try:
        before = attempt(guest, begin)
        with tempfile.TemporaryDirectory() as directory:
            rows = remedies_by(trial, before[1], before[2], pathlib.Path(directory))
        row = rows[0] if rows else {'effect': None, 'why': None, 'what': None, 'instead': None, 'command': ''}
        does = trial.does % size_of(row) if '%d' in trial.does else trial.does
        then = attempt(after, begin + '\n' + does) if after else attempt(guest, does)
    finally:
        target.with_suffix('.console').write_text(guest.shown() + (after.shown() if after else ''))
    target.write_text(json.dumps(dict(
        {key: row[key] for key in ('effect', 'why', 'what', 'instead', 'command')}, does=does,
        was_met=trial.met in before[0], is_met=trial.met in then[0], killed=killed_in(then[1]),
        killed_before=killed_in(before[1])), sort_keys=True) + '\n')


def killed_in(log):
    """The names of the processes that the kernel killed, in order."""
    return [line.partition('(')[2].partition(')')[0] for line in log.splitlines() if 'Killed process' in line]


def is_right(found):
    """Whether the kernel did what the effect says."""
    if found['was_met']:
        return False
    if found['effect'] == 'prevents':
        instead = found['instead']
        return found['is_met'] and (instead is None or found['killed'][:1] == [instead['name']])
    return found['effect'] == 'none' and not found['is_met'] and found['killed'][:1] == found['killed_before'][:1]


def table(wanted):
    """(lines, whether every result is there and right) of (name, series)."""
    lines, right, count = [], 0, 0
    for name, series in wanted:
        path = STATE / series / (name + '.json')
        if not path.exists():
            lines.append('%-18s %-8s no result' % (name, series))
            continue
        found = json.loads(path.read_text())
        judged = found['effect'] in ('prevents', 'none')
        count += judged
        right += judged and is_right(found)
        answer = '-' if not judged else 'yes' if is_right(found) else 'NO'
        lines.append('%-18s %-8s %-8s %-3s  killed %-14s then %-14s %s' % (
            name, series, found['effect'], answer, ' '.join(found['killed_before'][:2]) or 'nobody',
            ' '.join(found['killed'][:2]) or 'nobody', found['what']))
    return lines + ['%d of %d: the kernel did what the effect says' % (right, count)], right == len(wanted)


def machine_of(name, series):
    """What two trials have to have in common to share a machine."""
    trial = TRIALS[name]
    return series, trial.memory, trial.append, trial.after


def boot_and_make(machine, names):
    """Have trials one after another in the machines that they ask for; a new one after one that was stuck."""
    names = list(names)
    while names:
        trial = TRIALS[names[0]]
        with contextlib.ExitStack() as stack:
            try:
                guest = stack.enter_context(guest_of(machine[0], trial))
                after = stack.enter_context(guest_of(
                    trial.after, dataclasses.replace(trial, append=''))) if trial.after else None
                while names:
                    make(names[0], machine[0], guest, after)
                    names.pop(0)
            except Stuck:
                print('%s on %s: it did not end' % (names.pop(0), machine[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('trials', nargs='*', help='names of trials, with wildcards')
    parser.add_argument('-k', '--kernels', default='6.1 6.12', help='series, blanks between them; one each, in turn')
    parser.add_argument('--fresh', action='store_true', help='boot also where a result is there')
    parser.add_argument('--list', action='store_true', help='boot nothing')
    options = parser.parse_args()
    kernels = options.kernels.split()
    wanted = [(name, TRIALS[name].series or kernels[place % len(kernels)]) for place, name in enumerate(TRIALS) if any(
        fnmatch.fnmatchcase(name, pattern) for pattern in options.trials or ['*'])]
    missing = [one for one in wanted if options.fresh or not (STATE / one[1] / (one[0] + '.json')).exists()]
    machines = {}
    for name, series in () if options.list else missing:
        machines.setdefault(machine_of(name, series), []).append(name)
    for machine, some in machines.items():
        boot_and_make(machine, some)
    lines, right = table(wanted)
    print('\n'.join(lines))
    sys.exit(not right)


if __name__ == '__main__':
    main()
