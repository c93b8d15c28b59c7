# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the question before the first change has told a run already, so that no host is asked it twice.

The playbook remediate asks each remedy, in check mode and in one process, what it would change. If nothing was changed
after that, a remedy with the same options has the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oom.rescue.plugins.module_utils._score import options as score
from ansible_collections.oom.rescue.plugins.module_utils._swap import options as swap
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness

# Of a module: the remedy by its name in ask_remedies, its options and their rules.
_REMEDIES = {
    'swap_file': ('swap', swap.OPTIONS, {}),
    'swappiness': ('swappiness', swappiness.OPTIONS, swappiness.RULES),
    'oom_score_adj': ('oom_protect', score.OPTIONS, score.RULES),
}
_NAMES = tuple(name for name, _options, _rules in _REMEDIES.values())
# Set by the playbook that asks first, registered by its question.
ASKS_FIRST, ASKED = '__rescue_asks_first', '__verify_asked'


def kept(result, play, options):
    """The question's result, with what identifies later the question and the play."""
    return dict(result, play=play, options={name: options.get(name) for name in _NAMES})


def answer(module, options, play, variables, check_mode):
    """What ``module`` would return for ``options``, or None if it has to be run.

    ``play`` identifies this play, ``variables`` are those of the task. ``check_mode`` is true if no task of this run
    changes anything. For a remedy's module it is the result in check mode; for ask_remedies, with the facts, its
    earlier result with the facts that the diagnosis read.
    """
    before = variables.get(ASKED)
    if not variables.get(ASKS_FIRST) or not isinstance(before, Mapping) or before.get('play') != play:
        return None
    if before.get('failed') or not (check_mode or _all_as_meant(before)):
        return None
    if module == 'ask_remedies':
        facts = (variables.get('ansible_facts') or {}).get('memory')
        same = facts and options.get('with_facts') and before['options'] == kept({}, play, options)['options']
        return dict(before, ansible_facts={'memory': facts}) if same else None
    name, spec, rules = _REMEDIES.get(module, (None, None, None))
    result = before.get(name)
    asked = (before.get('options') or {}).get(name)
    if not isinstance(result, Mapping) or not asked:
        return None
    return dict(result) if _checked(spec, rules, asked) == _checked(spec, rules, options) else None


def _all_as_meant(before):
    """True if no remedy that was asked would change anything: then nothing in this run did."""
    return all(not (before.get(name) or {}).get('changed', True) for name in _NAMES if before['options'].get(name))


def _checked(spec, rules, options):
    """The options as the module has them, with its defaults; an object equal to no other if they are refused.

    How much of a result is returned is none of them.
    """
    checked = ArgumentSpecValidator(spec, **rules).validate(
        {name: value for name, value in options.items() if name != 'most_bytes'})
    return object() if checked.error_messages else checked.validated_parameters
