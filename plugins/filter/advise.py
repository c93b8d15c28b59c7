# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.errors import AnsibleFilterError
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise


def _advise(facts, events, swap_path='/swapfile', swappiness=10, protect=-600, total=None, remedies=None):
    if not isinstance(facts, dict):
        raise AnsibleFilterError('oom.rescue.advise takes the memory facts, a dictionary, and not a %s'
                                 % type(facts).__name__)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise AnsibleFilterError('oom.rescue.advise takes the events of oom_log_info, a list of dictionaries')
    try:
        return advise(facts, events, swap_path=swap_path, swappiness=swappiness, protect=protect, total=total,
                      remedies=remedies)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError('oom.rescue.advise takes the memory facts and the events of oom_log_info: %s'
                                 % plain(error)) from error


class FilterModule:
    def filters(self):
        return {'advise': _advise}
