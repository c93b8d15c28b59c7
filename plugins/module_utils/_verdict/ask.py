# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each remedy would still change on a host, and the memory facts: all that a proof needs, by one process."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._facts.memory_facts import memory_facts
from .._files.errors import RescueError
from .._files.reader import OneMoment
from .._node.privilege import require_root
from .._score import apply as score
from .._score import options as score_options
from .._swap import apply as swap
from .._swap import options as swap_options
from .._swappiness import apply as swappiness
from .._swappiness import options as swappiness_options
from .in_place import shown


def _swap(host, options, check_mode):
    return swap.swap_file(host, options, check_mode, lambda text: None)


# {remedy: (the options of its module, their rules, what it does with them, what only root may do)}, in the order in
# which the playbooks apply them.
REMEDIES = (
    ('swap', (swap_options.OPTIONS, {}, _swap, 'change swap')),
    ('swappiness', (swappiness_options.OPTIONS, swappiness_options.RULES, swappiness.converge, 'set vm.swappiness')),
    ('oom_protect', (score_options.OPTIONS, score_options.RULES, score.converge,
                     'see and set the scores of all processes')),
)


class Refusal(RescueError):
    """A remedy cannot be had as it is asked for. The module's result names it as ``remedy``."""

    def __init__(self, remedy, reason):
        RescueError.__init__(self, '{value}', value=reason)
        self.result = {'remedy': remedy}


def checked(options, validator, most_bytes=0):
    """{remedy: its module's options with their defaults} of {remedy: options or None}; None is not asked for.

    ``validator`` is Ansible's ArgumentSpecValidator, ``most_bytes`` how much a remedy returns. Raises Refusal.
    """
    wanted = {}
    for remedy, (spec, rules, _converge, _only_root) in REMEDIES:
        if options.get(remedy) is not None:
            validated = validator(spec, **rules).validate(options[remedy])
            if validated.error_messages:
                raise Refusal(remedy, '; '.join(validated.error_messages))
            wanted[remedy] = dict(validated.validated_parameters, most_bytes=most_bytes)
    return wanted


def ask(host, wanted, with_facts=False, candidates=0):
    """{remedy: what its module returns in check mode, or None, for each; memory: memory_facts' dictionary or None;
    warnings: [text] of all of them}.

    ``wanted`` is {remedy: the options of its module}; ``candidates`` are rows at most of the processes that the kernel
    would kill, beside those that are asked for; 0 is all. Raises Refusal for the first remedy that cannot be,
    RescueError for a count that is none, and OSError with a file's name.
    """
    if candidates < 0:
        raise RescueError('candidates is {value}', value=candidates, allowed='0 or more',
                          next_step='give 0 for all, or how many')
    answers = {'memory': memory_facts(host) if with_facts else None}
    host = OneMoment(host)
    for remedy, (_options, _rules, converge, only_root) in REMEDIES:
        answers[remedy] = None
        if remedy in wanted:
            try:
                require_root(only_root)
                answers[remedy] = converge(host, dict(wanted[remedy]), True)
            except RescueError as error:
                raise Refusal(remedy, str(error))
    host.forget()
    answers['warnings'] = [text for remedy, _row in REMEDIES for text in (answers[remedy] or {}).pop('warnings', [])]
    if with_facts:
        names = [row['name'] for row in (answers['oom_protect'] or {}).get('processes') or []]
        answers['memory']['oom']['candidates'] = shown(answers['memory']['oom']['candidates'], candidates, names)
    return answers
