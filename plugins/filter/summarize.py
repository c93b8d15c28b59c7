# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.errors import AnsibleFilterError
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize


def _summarize(names, hostvars, reached=None, check_mode=False, page=None):
    missing = [name for name in names if name not in hostvars]
    if missing:
        raise AnsibleFilterError('oom.rescue.summarize knows no host %s' % ', '.join(missing))
    return summarize(list(names), hostvars, reached=reached, check_mode=check_mode, page=page)


class FilterModule:
    def filters(self):
        return {'summarize': _summarize}
