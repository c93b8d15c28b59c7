# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the remedies that follow from a diagnosis in the process that made it: one run on a host in place of two.

The playbooks choose remedies and their options on the controller. The same rule, applied here to the same diagnosis,
tells what they will ask; if they ask something else, they ask the host again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._node.room import size_of
from .._score.options import TARGETS
from .choice import choose
from .log_info import OPTIONS, host_info
from .short import within


def rescue_info(host, options, validator):
    """The result of the module rescue_info, as a dictionary. Raises RescueError, or OSError with a file's name.

    ``validator`` is Ansible's ArgumentSpecValidator.
    """
    most = options['most_bytes']
    validated = validator(OPTIONS).validate(dict(options['diagnosis'], with_facts=True))
    if validated.error_messages:
        raise RescueError('{value}', value='; '.join(validated.error_messages))
    diagnosed = host_info(host, validated.validated_parameters)
    asked = ask_chosen(host, diagnosed, options, options['remedies'], validator, most)
    diagnosis = within(diagnosed, most and most - size_of({'diagnosis': {}, 'asked': asked}))
    apart = dict((name, diagnosis.pop(name)) for name in ('changed', 'ansible_facts', 'left_out') if name in diagnosis)
    return dict(apart, diagnosis=diagnosis, asked=asked)


def ask_chosen(host, diagnosed, choice, options, validator, most_bytes=0):
    """What ask_remedies returns of the chosen remedies, and their ``options``; None if they have to be asked again.

    ``diagnosed`` is what oom_log_info returned with the facts, ``choice`` {by_rule, asked, left_out} as choose() takes
    it, ``options`` {remedy: what its module would be asked for if a host kept nothing}, ``validator`` as in
    ask.checked(). They have to be asked again if one of them refuses, so that it says why in its own name, and if their
    answers take more than half of ``most_bytes`` (0: any number).
    """
    # Reading the logs took memory for a while: what asks is imported only now.
    from .ask import ask, checked
    host_facts = diagnosed['ansible_facts']['memory']
    chosen = choose(diagnosed, choice['asked'], choice['by_rule'], host_facts.get('kept'), choice['left_out'])
    demand = ((diagnosed.get('advice') or {}).get('swap') or {}).get('demand_bytes')
    wanted = dict((remedy, meant(remedy, options[remedy], row['kept'], demand))
                  for remedy, row in chosen.items() if row['applied'] and options.get(remedy) is not None)
    try:
        answers = ask(host, checked(wanted, validator, most_bytes))
    except (RescueError, IOError, OSError):
        return None
    del answers['memory']
    answers['options'] = wanted
    return answers if not most_bytes or size_of(answers) <= most_bytes // 2 else None


def meant(remedy, options, kept, demand):
    """The options of a remedy on a host that keeps {variable of its role: value}, whose swap has to hold ``demand``
    bytes or None.
    """
    options, prefix = dict(options), remedy + '_'
    kept = dict((name[len(prefix):], value) for name, value in kept.items())
    if remedy == 'oom_protect' and any(kept.get(name) for name in TARGETS):
        # One way of naming a server is in place of another, and one that was named is not allowed to be missing.
        options = dict((name, value) for name, value in options.items() if name not in TARGETS)
        options['allow_missing'] = False
    options.update(kept)
    if remedy == 'swap' and demand:
        options.setdefault('demand', demand)
    return options
