# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.errors import AnsibleFilterError
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._verdict.replay import replay


def _replay(event, setting=None):
    if not isinstance(event, dict):
        raise AnsibleFilterError('oom.rescue.replay takes one event of oom_log_info, a dictionary, and not a %s'
                                 % type(event).__name__)
    try:
        return replay(event, setting)
    except RescueError as error:
        raise AnsibleFilterError('oom.rescue.replay: %s' % plain(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError('oom.rescue.replay takes one event of oom_log_info: %s' % plain(error)) from error


class FilterModule:
    def filters(self):
        return {'replay': _replay}
