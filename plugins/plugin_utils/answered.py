# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has told a run already, so that it is not asked it twice.

The playbook remediate asks each remedy, in check mode and in one process, what it would change. If nothing was changed
after that, a remedy with the same options has the same answer. The diagnosis, which comes first, asks what the playbook
will ask by all that is known; where that is what it asks indeed, it has its answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible.errors import AnsibleError
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
# Set by the playbooks that ask before anything is changed, and by the role that asks: the options of each remedy.
# Registered by their diagnosis, and by their question.
ASKS_FIRST, ASKS, READ, ASKED = '__rescue_asks_first', '__verify_asks', 'diagnose_result', '__verify_asked'


def asked_next(action, variables):
    """{remedy: options of its module} that a playbook asks after its diagnosis, of a host that keeps nothing; or None.

    ``variables`` are those of the task of ``action``.
    """
    if not variables.get(ASKS_FIRST) or ASKS not in variables or action._task.async_val:
        return None
    try:
        found = action._templar.template(variables[ASKS])
        # An omitted value is left out since ansible-core 2.19, and is a token before.
        return {remedy: {name: value for name, value in options.items() if value != variables.get('omit')}
                for remedy, options in found.items()}
    except (AnsibleError, AttributeError):
        # The question itself says what is wrong with them.
        return None


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
    if not variables.get(ASKS_FIRST):
        return None
    if not isinstance(before, Mapping) or before.get('play') != play:
        return _of_the_diagnosis(options, play, variables) if module == 'ask_remedies' else None
    if before.get('failed') or not (check_mode or _all_as_meant(before)):
        return None
    if module == 'ask_remedies':
        same = options.get('with_facts') and before['options'] == kept({}, play, options)['options']
        return _with_facts(before, variables) if same else None
    name, spec, rules = _REMEDIES.get(module, (None, None, None))
    result = before.get(name)
    asked = (before.get('options') or {}).get(name)
    if not isinstance(result, Mapping) or not asked:
        return None
    return dict(result) if _checked(spec, rules, asked) == _checked(spec, rules, options) else None


def _of_the_diagnosis(options, play, variables):
    """What the diagnosis of this play was told of the remedies, if it asked for the same, else None."""
    read = variables.get(READ)
    asked = read.get('asked') if isinstance(read, Mapping) else None
    if not isinstance(asked, Mapping) or asked.get('play') != play or not isinstance(asked.get('options'), Mapping):
        return None
    for name, spec, rules in _REMEDIES.values():
        before, now = asked['options'].get(name), options.get(name)
        if (before or now) and (not before or not now or _checked(spec, rules, before) != _checked(spec, rules, now)):
            return None
    found = kept(asked, play, options)
    return _with_facts(found, variables) if options.get('with_facts') else found


def _with_facts(answer_before, variables):
    """An answer with the memory facts that the diagnosis read, or None without them."""
    facts = (variables.get('ansible_facts') or {}).get('memory')
    return dict(answer_before, ansible_facts={'memory': facts}) if facts else None


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
