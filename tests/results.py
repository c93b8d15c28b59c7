#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what pytest ran: ``tests/results.py .cache/results/*.xml``, and says what was left out and why.

Fails if a test failed, or none ran; in CI (``CI=true``) also if one was skipped for a reason that is not in skips.txt.
"""

import collections
import fnmatch
import os
import pathlib
import re
import sys
import xml.etree.ElementTree

SKIPS = pathlib.Path(__file__).with_name('skips.txt')


def read_skips(text):
    """{reason, with wildcards of fnmatch(3): why it is accepted} of skips.txt."""
    accepted, reason = {}, None
    for line in text.splitlines():
        if line.startswith('#') or not line.strip():
            continue
        if line[0].isspace():
            accepted[reason] = ('%s %s' % (accepted[reason], line.strip())).strip()
        else:
            reason = line.strip()
            accepted[reason] = ''
    return accepted


def accepted_as(reason, accepted):
    """The pattern in ``accepted`` that a reason matches, or None."""
    return next((pattern for pattern in accepted if fnmatch.fnmatchcase(reason, pattern)), None)


def reason_of(skipped):
    """Why a test was skipped, in the words of the skip; of a whole file they are in the element's text."""
    message = skipped.get('message') or ''
    whole = re.search(r'Skipped: (.*?)[\'"]?\)?$', skipped.text or '') if message == 'collection skipped' else None
    return whole.group(1) if whole else message or 'for no reason'


def read_results(paths):
    """(tests that ran, tests that failed, {reason: tests skipped for it}) of files of JUnit's XML."""
    ran, failed, skipped = 0, 0, collections.Counter()
    for case in (case for path in paths for case in xml.etree.ElementTree.parse(path).iter('testcase')):
        outcome = {child.tag: child for child in case}
        if 'skipped' in outcome:
            skipped[reason_of(outcome['skipped'])] += 1
        else:
            ran += 1
            failed += 'failure' in outcome or 'error' in outcome
    return ran, failed, skipped


def main(paths, in_ci):
    accepted = read_skips(SKIPS.read_text(encoding='utf-8'))
    ran, failed, skipped = read_results(paths)
    print('%d passed, %d failed, %d skipped' % (ran - failed, failed, sum(skipped.values())))
    unknown = 0
    for reason, count in skipped.most_common():
        pattern = accepted_as(reason, accepted)
        unknown += pattern is None
        print('left out: %d: %s (%s)' % (count, reason, accepted.get(pattern) or 'tests/skips.txt does not name it'))
    return failed > 0 or ran == 0 or (in_ci and unknown > 0)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:], os.environ.get('CI') == 'true'))
