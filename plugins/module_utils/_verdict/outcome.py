# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the roles' steps on a host, by what their modules returned: failed, changed, skipped."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain
from .phrases import RESULTS

NAMES = {'swap': 'Swap', 'swappiness': 'vm.swappiness', 'oom_protect': 'oom_score_adj'}
# Ansible's words if a task did not become root, or sudo's if Ansible passes on only these.
_NOT_ROOT = re.compile(r'waiting for (?:become success|privilege escalation prompt)|(?:Missing|Incorrect) \w+ password')
_SUDO_SAID = re.compile(r'\bsudo: |\bsudoers\b|\bnot allowed to (?:execute|run)\b')
_BECOME_ROOT = ('run as root, give the user sudo, or have its password asked for with --ask-become-pass '
                '(make: ARGS=--ask-become-pass)')
_WANTS_TTY = 'must have a tty'
_WITHOUT_PIPELINING = ('its sudoers has requiretty, which goes with no pipelining: run with ANSIBLE_PIPELINING=false, '
                       'or take requiretty away')
# The variables that hold what a role's modules returned, in the order in which a play runs them.
STEPS = (
    ('diagnose', ('__diagnose_memory', 'diagnose_result', '__diagnose_named')),
    ('verify', ('__verify_asked',)),
    ('swap', ('swap_result',)),
    ('swappiness', ('swappiness_result',)),
    ('oom_protect', ('oom_protect_result',)),
)


def needs_core(results):
    """The ansible-core that the Python of the host needs, if a step says so; else None."""
    return next((results[key]['needs_core'] for _step, keys in STEPS for key in keys
                 if (results.get(key) or {}).get('needs_core')), None)


def unreachable(results):
    """What Ansible says of a connection that failed, in a line; None if none did. A node cannot say this of itself."""
    for _step, keys in STEPS:
        for key in keys:
            result = results.get(key) or {}
            if result.get('unreachable'):
                return plain(_message(result))
    return None


def stopped(results):
    """``step: message`` of the first step that failed, or None."""
    for step, keys in STEPS:
        for key in keys:
            result = results.get(key) or {}
            if result.get('failed'):
                # The module that asks for all remedies names the one that was refused.
                refused = next((name for name in NAMES if result.get('remedy') == name), step)
                return '%s: %s' % (refused, plain(_message(result)))
    return None


def _message(result):
    """The first line of what a module failed with, and what the shell said if the module could not even start."""
    text = '%s' % result.get('msg', 'failed')
    message = text.split('\n')[0]
    said = [_last_line('%s' % (result.get(stream) or '')) for stream in ('module_stderr', 'module_stdout')]
    refused = _last_line(text) if _NOT_ROOT.search(message) else next(
        (line for line in said if _SUDO_SAID.search(line)), None)
    if refused:
        next_step = _WITHOUT_PIPELINING if _WANTS_TTY in refused else _BECOME_ROOT
        return 'cannot become root (%s): %s' % (refused.replace('Task failed: ', '').rstrip('.'), next_step)
    return '%s (%s)' % (message, said[0]) if said[0] else message


def _last_line(text):
    """The last line of what was said, without the prompts for a password; empty if nothing was."""
    return ([line for line in text.strip().splitlines() if not line.endswith('password:')] or [''])[-1].strip()


def tried(results):
    """(name, words, result) of each remedy that a role tried."""
    for key, name, words in RESULTS:
        result = results.get(key)
        if result and 'changed' in result and not result.get('failed') and not result.get('skipped'):
            yield name, words, result


def remedies(results, check_mode):
    """A line for each remedy, such as ``Changed: swap /swapfile, 2 GiB, on now and after a reboot``, as a list."""
    rows = []
    for name, words, result in tried(results):
        word, reason = _outcome(result, check_mode)
        text = name if word == 'skipped' else words(result)
        rows.append('%s: %s%s' % (word[0].upper() + word[1:], text, ' (%s)' % reason if reason else ''))
    return rows


def in_short(results, check_mode):
    """All remedies in a line: ``changed: swap, vm.swappiness; skipped: score (why)``."""
    groups = []
    for name, _words, result in tried(results):
        word, reason = _outcome(result, check_mode)
        text = '%s (%s)' % (name, reason) if reason else name
        group = next((group for group in groups if group[0] == word), None)
        if group:
            group[1].append(text)
        else:
            groups.append((word, [text]))
    return '; '.join('%s: %s' % (word, ', '.join(names)) for word, names in groups)


def _outcome(result, check_mode):
    """(what came of a remedy in a word, the reason that it or a part of it was skipped or None)."""
    reason = result.get('skipped_reason')
    if not result.get('changed'):
        return ('skipped' if reason else 'nothing to do', reason)
    word = 'would change' if check_mode else 'changed'
    return ('%s in part' % word if reason else word, reason)
