#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage-guided fuzzing of the log reader: no input may raise, give what is no JSON, or take more than linear time.

    fuzz_oom_log.py [--runs 100000] [--seed 1]

Uses atheris where it is installed; else mutates the reports of every kernel and prefix at random.
"""

import argparse
import importlib
import json
import os
import random
import resource
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, 'unit'), os.path.join(TESTS, 'unit', 'plugins', 'module_utils')]

try:
    import atheris
except ImportError:
    atheris = None

importlib.import_module('conftest')  # makes the collection importable

if atheris:
    with atheris.instrument_imports(include=['ansible_collections']):
        from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
else:
    from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log

from ansible_collections.oom.rescue.plugins.module_utils._log.clock import Clock  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.signals import MARKERS, signals_of_blocks  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.judgement import judge_all  # noqa: E402
from mutation import mutate  # noqa: E402
from oom_reports import ERAS, bare_kill, memcg, syslog  # noqa: E402
from texts_of_kinds import LINES, TRAPS  # noqa: E402

# Far above what a report of the kernel's takes, far below what a quadratic loop would.
SECONDS_PER_MIB = 20.0
TOKENS = (
    b'\0',
    b'\n',
    b'\xff\xfe',
    b'9' * 400,
    b'-1',
    b'0x',
    b'[',
    b']',
    b'(',
    b')',
    b'{"MESSAGE":',
    b'<4>',
    b'kernel: ',
    b'> ',
    b'[  123.456789] ',
    b'Out of memory: Killed process ',
    b' invoked oom-killer: gfp_mask=0x0, order=0',
    b'oom-kill:constraint=',
    b'task_memcg=',
    b'Tasks state (memory values in pages):',
    b'[  pid  ]   uid  tgid total_vm      rss name',
    b'pages RAM',
    b'page allocation failure',
    b'oom_reaper: reaped process ',
    b'message repeated 999999999 times: [ ',
    b'#012',
    b'\\x0a',
    b'__CURSOR=',
    b'MESSAGE\n',
    b'{\n',
    b'},{\n',
    b'\t"MESSAGE" : [\n\t\t79,\n',
    b'    MESSAGE=',
    b'data: {',
    b'"',
    b"- '",
    b'4,1,1,-;',
    b'Memory cgroup stats for ',
    b'memory.oom.group',
    b'total_vm',
    b'Feb 29 25:61:61 ',
)
TOKENS += MARKERS
VERBOSE = 'Wed 2025-09-03 12:02:41.3 UTC [s=%032x;i=1;b=%032x;m=1;t=63de461b49206;x=1]\n    MESSAGE=%%s\n' % (7, 8)


def seeds():
    """Reports of every kernel, under several prefixes."""
    for lines in list(ERAS.values()) + [memcg(1), memcg(2), bare_kill(1) * 2]:
        yield syslog(lines).encode()
        yield ''.join('[  123.456789][ T5241] %s\n' % line for line in lines).encode()
        yield ''.join('4,1,123456789,-;%s\n' % line for line in lines).encode()
        yield ''.join(json.dumps({'MESSAGE': line, '_TRANSPORT': 'kernel'}) + '\n' for line in lines).encode()
        yield '\n'.join(lines).encode()
        yield '\n'.join(json.dumps({'MESSAGE': line, '_TRANSPORT': 'kernel'}, indent=1) for line in lines).encode()
        yield ''.join(VERBOSE % line.replace('\n', '\n' + ' ' * 12) for line in lines).encode()
        yield json.dumps({'dmesg': [{'pri': 4, 'time': 1.5, 'msg': line} for line in lines]}, indent=3).encode()
        yield json.dumps(lines, indent=2).encode()
    ends = [(tag, line) for tag, lines, _expected in LINES + TRAPS for line in lines.split('\n')]
    for start in range(0, len(ends), 20):
        part = ends[start : start + 20]
        yield '\n'.join(line for _tag, line in part).encode()
        yield ''.join('Oct 28 11:00:%02d web1 %s: %s\n' % (number, tag, line)
                      for number, (tag, line) in enumerate(part)).encode()
        yield ''.join(json.dumps({'MESSAGE': line, 'SYSLOG_IDENTIFIER': tag, '_COMM': tag, '_UID': '0'}) + '\n'
                      for tag, line in part).encode()


def one_input(data):
    """Read an input; raises where something is wrong."""
    started = time.process_time()
    reading = oom_log.Reading(limit=50, tasks=5, now=1762000000)
    reading.text(data, 'fuzz')
    result = reading.result()
    json.dumps(result)
    for event in result['events']:
        assert event['complete'] is (not event['missing'])
        assert event['cause'].endswith('.') and '\n' not in event['cause'].rstrip('\n')[-1:]
    signals = signals_of_blocks([data], 'fuzz', Clock(1762000000))
    json.dumps(judge_all(result['events'], signals))
    for signal in signals:
        assert signal['was_memory'] in ('yes', 'no', 'unknown')
    taken = time.process_time() - started
    assert taken < 1 + SECONDS_PER_MIB * len(data) / (1 << 20), '%.1f s for %d bytes' % (taken, len(data))


def by_mutation(runs, seed):
    """Random mutation, kept where it finds an event."""
    chance, corpus = random.Random(seed), list(seeds())
    for number in range(runs):
        data = mutate(chance.choice(corpus), corpus, chance, TOKENS, 1 << 20, (100, 2000))
        try:
            one_input(data)
        except Exception:
            name = os.path.join(tempfile.gettempdir(), 'fuzz-oom-log-%d' % number)
            with open(name, 'wb') as stream:
                stream.write(data)
            print('input %d of seed %d fails: %s' % (number, seed, name))
            raise


def by_coverage(runs, seed):
    """atheris (libFuzzer), starting from the seeds. Does not return."""
    directory = tempfile.mkdtemp(prefix='fuzz-oom-log-')
    for number, data in enumerate(seeds()):
        with open(os.path.join(directory, str(number)), 'wb') as stream:
            stream.write(data)
    dictionary = os.path.join(directory, '.tokens')
    with open(dictionary, 'w', encoding='ascii') as stream:
        stream.writelines('"%s"\n' % ''.join('\\x%02x' % byte for byte in token) for token in TOKENS)
    atheris.Setup(
        [
            sys.argv[0],
            '-atheris_runs=%d' % runs,
            '-seed=%d' % seed,
            '-max_len=65536',
            '-dict=' + dictionary,
            '-print_final_stats=1',
            directory,
        ],
        one_input,
    )
    atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--runs', type=int, default=100000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--mutation', action='store_true', help='random mutation even where atheris is there')
    options = parser.parse_args()
    if atheris and not options.mutation:
        by_coverage(options.runs, options.seed)
    started = time.time()
    by_mutation(options.runs, options.seed)
    print(
        '%d inputs of seed %d in %.0f s, none failed; peak memory %d MiB'
        % (options.runs, options.seed, time.time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    )


if __name__ == '__main__':
    main()
