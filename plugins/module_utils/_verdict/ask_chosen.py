# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the remedies that follow from a diagnosis in the process that made it: one run on a host in place of two.

The playbooks choose remedies and their options on the controller. The same rule, applied here to the same diagnosis,
tells what they will ask; if they ask something else, they ask the host again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.errors import RescueError
from .._node.room import size_of
from . import log_info
from .choice import choose

_PREFIX = {'swap': 'swap_', 'swappiness': 'swappiness_', 'oom_protect': 'oom_protect_'}
_SERVERS = ('process', 'unit', 'container', 'pid_file')


def rescue_info(host, options, validator):
    """The result of the module rescue_info, as a dictionary. Raises RescueError, or OSError with a file's name.

    ``validator`` is Ansible's ArgumentSpecValidator.
    """
    read = validator(log_info.OPTIONS).validate(dict(
        options['diagnosis'], with_facts=True, most_bytes=options['most_bytes']))
    if read.error_messages:
        raise RescueError('{found}', found='; '.join(read.error_messages))
    return log_info.log_info(host, read.validated_parameters, lambda found: ask_chosen(
        host, found, options, options['remedies'], validator, options['most_bytes']))


def ask_chosen(host, found, choice, options, validator, most_bytes=0):
    """What ask_remedies returns of the chosen remedies, and their ``options``; None if they have to be asked again.

    ``found`` is what oom_log_info returned with the facts, ``choice`` {by_rule, asked, left_out} as choose() takes it,
    ``options`` {remedy: what its module would be asked for if a host kept nothing}, ``validator`` as in ask.checked().
    They have to be asked again if one of them refuses, so that it says why in its own name, and if their answers leave
    of ``most_bytes``, 0 for any number, less than half.
    """
    # Logs were read before, which takes memory for a while: what asks is not even imported before.
    from .ask import ask, checked
    memory = found['ansible_facts']['memory']
    chosen = choose(found, choice['asked'], choice['by_rule'], memory.get('kept'), choice['left_out'])
    demand = ((found.get('advice') or {}).get('swap') or {}).get('demand_bytes')
    wanted = dict((remedy, meant(remedy, options[remedy], row['kept'], demand))
                  for remedy, row in chosen.items() if row['applied'] and options.get(remedy) is not None)
    try:
        answers = ask(host, checked(wanted, validator, most_bytes))
    except (RescueError, IOError, OSError):
        return None
    del answers['memory']
    warnings = [text for answer in answers.values() if answer for text in answer.pop('warnings', [])]
    answers.update(options=wanted, warnings=warnings)
    return answers if not most_bytes or size_of(answers) <= most_bytes // 2 else None


def meant(remedy, options, kept, demand):
    """The options of a remedy on a host that keeps {variable of its role: value}, whose swap has to hold ``demand``
    bytes or None.
    """
    options, prefix = dict(options), _PREFIX[remedy]
    kept = dict((name[len(prefix):], value) for name, value in kept.items())
    if remedy == 'oom_protect' and any(kept.get(name) for name in _SERVERS):
        # One way of naming a server is in place of another, and one that was named is not allowed to be missing.
        options = dict((name, value) for name, value in options.items() if name not in _SERVERS)
        options['allow_missing'] = False
    options.update(kept)
    if remedy == 'swap' and demand:
        options.setdefault('demand', demand)
    return options
