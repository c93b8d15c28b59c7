# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.errors import AnsibleFilterError
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge


def _judge(facts, **asked):
    try:
        return judge(facts, **asked)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError('oom.rescue.judge takes the memory facts and results of this collection: %s'
                                 % plain(error)) from error


class FilterModule:
    def filters(self):
        return {'judge': _judge}
