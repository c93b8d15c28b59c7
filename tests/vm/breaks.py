#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies that are broken in a machine, and healthy hosts that look odd: is what verify says so, after a real boot?

    tests/vm/breaks.py                   # what has not passed yet, on bookworm: it goes on where it was stopped
    tests/vm/breaks.py --suite trixie 'swap*' 'score: a wrapper'
    tests/vm/breaks.py --part 1/2 & tests/vm/breaks.py --part 2/2     # in two machines at once
    tests/vm/breaks.py --list            # the table, and what came of each row; nothing is run

For each row of breaks_rows.py the remedies are in place and held, then it is broken, verify says what it thinks of now
and of the next boot, and the machine boots. Rows that do not touch each other share a boot. A row passed if verify
said what it has to, if its halves are what was true before and after the boot, and if the remedies hold again once the
break is undone. Results are kept in .cache/breaks.
"""

import argparse
import fnmatch
import json
import os
import re
import signal
import sys
import time

import breaks_rows
import breaks_sysv
from image import REPOSITORY, Image
from machine import Machine

STATE = REPOSITORY / '.cache' / 'breaks'
SUITES = ('bookworm', 'bullseye', 'trixie', 'forky', 'sid')
INITS = {'sysvinit': ['sysvinit-core', 'sysv-rc'], 'openrc': ['sysvinit-core', 'openrc', 'initscripts']}
USES_RC_LOCAL = re.compile(r'(?:^|; )rc "')
# What a systemd does not know breaks nothing there: 260 starts no /etc/rc.local and no init script, 247 hands on no
# credential.
NO_INIT_SCRIPTS = re.compile(r'(?:^|; )(?:rc|initd \S+) "')
HARMLESS = {'forky': NO_INIT_SCRIPTS, 'sid': NO_INIT_SCRIPTS, 'bullseye': re.compile(r'/credstore/|set_credential=')}
# What OpenRC does otherwise than sysvinit: it starts what a script needs, in a runlevel or not, and rc.local at a time
# that is not told.
OTHERWISE = {'openrc': {'swap: no script turns it on': {'later': True, 'state': 'held'},
                        'score: choom in rc.local': {'later': None}}}
# Each row has one of its own, so that several share a boot.
SWAP = {'first': '/swap1', 'second': '/swap2', 'third': '/swap3', 'data': '/data/swap4', 'unit': '/swap5'}
SPECIAL = ('data', 'unit', 'instance', 'transient')
SETUP = r'''
truncate -s 64M /data.img; mkfs.ext4 -q -F /data.img; mkdir -p /data
echo "/data.img /data ext4 loop 0 0" >> /etc/fstab
[ ! -d /run/systemd/system ] || systemctl daemon-reload
mount /data
'''
PLUGINS = 'ansible_collections/oom/rescue/plugins'


def full_name(row):
    return '%s: %s' % (row.remedy, row.name)


def batches(rows, of=breaks_rows):
    """[{slot: row}] with as few boots as there may be: one row for each slot, a row that touches all of its remedy
    alone with those of the others.
    """
    found = []
    for row in rows:
        for batch in found:
            slot = _slot(row, batch, of)
            if slot:
                batch[slot] = row
                break
        else:
            found.append({_slot(row, {}, of): row})
    return found


def machines(rows):
    """[[row]] of as few machines as there may be: one for all rows that want no word on the kernel's command line, and
    others with the words of one row of each remedy.
    """
    found = [[row for row in rows if not row.append]]
    for row in rows:
        for group in found[1:] if row.append else ():
            if all(other.append == row.append for other in group if other.remedy == row.remedy):
                group.append(row)
                break
        else:
            found += [[row]] if row.append else []
    return [group for group in found if group]


def _slot(row, batch, of):
    """A free slot for a row beside those of a batch, None if there is none."""
    if row.remedy == 'swappiness':
        return None if 'swappiness' in batch else 'swappiness'
    slots = SWAP if row.remedy == 'swap' else of.SERVERS
    beside = [other for other in batch.values() if other.remedy == row.remedy]
    if beside and (row.wide or any(other.wide for other in beside)):
        return None
    names = [row.slot] if row.slot else [slot for slot in slots if slot not in SPECIAL]
    return next((slots[slot] for slot in names if slots[slot] not in batch), None)


def command_of(text, slot):
    unit = slot.strip('/').replace('/', '-') + '.swap'
    return text.replace('@P@', slot).replace('@U@', unit).replace('@S@', slot)


def script(batch, part, of=breaks_rows):
    """The shell of one part of the rows. What has systemd read its files again comes first: some rows depend on that
    it has not."""
    rows = sorted(batch.items(), key=lambda pair: 'systemctl' not in getattr(pair[1], part))
    lines = [command_of(getattr(row, part), slot) for slot, row in rows]
    return of.HELPERS + '\n'.join(line for line in lines if line)


def judged(row, before, broken, booted, mended):
    """[what is wrong] of a row: the claims and truths of its slot, before it was broken, after, and after the boot."""
    claim, later = broken['claim'], booted['claim']
    wrong = []
    if before['claim']['state'] != ('open' if row.slot == 'transient' else 'held') and not row.append:
        wrong.append('not held before: %s' % before['claim']['detail'])
    if claim['state'] != row.state:
        wrong.append('says %s and not %s: %s' % (claim['state'], row.state, claim['detail']))
    for name, wanted, found in (('now', row.now, broken['truth']), ('after the boot', row.later, booted['truth'])):
        if wanted is not None and wanted != found:
            wrong.append('the row is not as it says: %s %s' % (name, found))
    for name, half, found in (('now', claim['now'], broken['truth']), ('later', claim['after_reboot'], booted['truth']),
                              ('now, after the boot,', later['now'], booted['truth'])):
        if half is not None and half != found and not (half is False and row.now is None) and row.later is not None:
            wrong.append('%s is %s, and verify says %s' % (name, found, half))
    if later['state'] == 'held' and row.later is False and not booted['truth']:
        wrong.append('held after the boot, which it is not')
    if not row.append and mended['claim']['state'] != ('open' if row.slot == 'transient' else 'held'):
        wrong.append('not mended: %s' % mended['claim']['detail'])
    return wrong


def plan_of(todo, of=breaks_rows, **more):
    """What breaks_guest.py goes by: where it tells what it found, how it reboots, and what is done at each boot."""
    plan = dict(of.PLAN, score=-600, console='/dev/ttyS0', batches=[{
        'how': script(batch, 'how', of), 'undo': of.HELPERS + of.CLEAN + script(batch, 'undo', of),
        'slots': {'swap': [dict({'path': slot}, **({'persist': 'systemd'} if slot == SWAP['unit'] else {}))
                           for slot in SWAP.values() if slot in batch],
                  'servers': [slot for slot in of.SERVERS.values() if slot in batch]}} for batch in todo])
    return dict(plan, **more)


def told(machine, seconds):
    """What the guest tells on its console, as it comes; it ends with None, or after so many seconds without any."""
    place, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        lines = [line.rstrip('\r') for line in machine.console.read_text(errors='replace').split('\n')[:-1]]
        for line in lines[place:]:
            if line.startswith('BREAKS ') and line.endswith('}'):
                found = json.loads(line.partition(' ')[2])
                if found['batch'] is None:
                    return
                yield found
                until = time.monotonic() + seconds
        place = len(lines)
        time.sleep(1)


def rows_module(suite):
    return breaks_sysv if suite in INITS else breaks_rows


def image_of(suite):
    return Image('bookworm', init=INITS[suite]) if suite in INITS else Image(suite, packages=['e2fsprogs', 'procps'])


def run(suite, todo, append=''):
    """Break, boot and judge the batches in one machine; keeps and prints what came of each row as it comes."""
    of = rows_module(suite)
    with Machine('breaks-%s-%d' % (suite, os.getpid()), image_of(suite), memory=512, smp=1, append=append) as machine:
        for name in ('plugins', 'tests/vm/breaks_guest.py'):
            machine.put(REPOSITORY / name, '/root/oom/' + {'plugins': PLUGINS}.get(name, 'breaks_guest.py'))
        machine.check('cat > /root/oom/plan.json', input=json.dumps(plan_of(todo, of)))
        machine.check('bash -es', input=of.HELPERS + SETUP + of.SERVERS_SETUP)
        for found in told(machine, 900):
            for slot, row in todo[found['batch']].items():
                wrong = judged(row, *(found[name][slot] for name in ('before', 'broken', 'booted', 'mended')))
                result_path(suite, row).write_text(json.dumps(wrong))
                print('%s: %s' % (full_name(row), '; '.join(wrong) or 'right'), flush=True)


def result_path(suite, row):
    return STATE / suite / (full_name(row).replace('/', '_').replace(' ', '-') + '.json')


def result_of(suite, row):
    path = result_path(suite, row)
    return json.loads(path.read_text()) if path.exists() else None


def table(suite, rows):
    for row in rows:
        wrong = result_of(suite, row)
        yield '%-60s %-7s %s' % (full_name(row), row.state, 'to do' if wrong is None else
                                 '; '.join(wrong) if wrong else 'as it has to be')
    done = [result_of(suite, row) for row in rows]
    yield '%d rows on %s: %d right, %d wrong, %d to do' % (
        len(rows), suite, done.count([]), sum(bool(wrong) for wrong in done), done.count(None))


def rows_of(suite):
    """The rows of a suite: all on the first, and on the others those that another systemd may take otherwise."""
    rows = rows_module(suite).ROWS
    if suite == SUITES[0] or suite in INITS:
        otherwise = OTHERWISE.get(suite, {})
        return [row._replace(**otherwise.get(full_name(row), {})) for row in rows]
    found = [row for row in rows if row.differs or USES_RC_LOCAL.search(row.how)]
    harmless = HARMLESS.get(suite)
    return [row._replace(now=True, later=True, state='held') if harmless and harmless.search(row.how + row.append)
            else row for row in found]


def chosen(suite, patterns):
    return [row for row in rows_of(suite)
            if not patterns or any(fnmatch.fnmatchcase(full_name(row), one) for one in patterns)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--suite', default=SUITES[0], choices=[*SUITES, *INITS])
    parser.add_argument('--list', action='store_true', help='run nothing')
    parser.add_argument('--fresh', action='store_true', help='also what has passed')
    parser.add_argument('--part', default='1/1', metavar='N/M', help='of M machines that share the boots, the Nth')
    parser.add_argument('rows', nargs='*', metavar='ROW', help='names as --list has them, with wildcards')
    options = parser.parse_args()
    rows = chosen(options.suite, options.rows)
    for row in rows if options.fresh else ():
        result_path(options.suite, row).unlink(missing_ok=True)
    # What was never run comes before what was wrong.
    left = sorted((row for row in rows if result_of(options.suite, row) != []),
                  key=lambda row: result_of(options.suite, row) is not None)
    if left and not options.list:
        (STATE / options.suite).mkdir(parents=True, exist_ok=True)
        part, parts = map(int, options.part.split('/'))
        for group in machines(left):
            todo = batches(group, rows_module(options.suite))[part - 1::parts]
            if todo:
                run(options.suite, todo, ' '.join(sorted({row.append for row in group})).strip())
    print('\n'.join(table(options.suite, rows)))
    return 0 if options.list or all(result_of(options.suite, row) == [] for row in rows) else 1


if __name__ == '__main__':
    # Its machines go down with it, also if it was started in the background, where a shell has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
