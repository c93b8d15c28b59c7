# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does around the package that it calls. It imports nothing of Ansible: the module is handed to it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError, said
from .._files.host import Host
from .privilege import require_root
from .room import fitted


def run(module, work, only_root=None):
    """End a module with the result of ``work(host, options, check_mode)``, or with its error in one line.

    ``only_root`` names what only root may do. It is asked for before anything is read, in check mode too, as a user
    sees less of a host and would get another plan. ``warnings`` of a result become the module's. A fault of the
    program, and an OSError that names no file, stay a traceback.
    """
    try:
        if only_root is not None:
            require_root(only_root)
        most = module.params.get('most_bytes') or 0
        if most < 0:
            raise RescueError('most_bytes is {value}', value=most, allowed='0 or more',
                              next_step='give 0 for all, or a count')
        result = work(Host(), dict(module.params), module.check_mode)
    except RescueError as error:
        module.fail_json(msg=str(error), changed=error.changed, **error.result)
    except (IOError, OSError) as error:
        if error.filename is None:
            raise
        module.fail_json(msg=said(error), changed=False)
    for warning in result.pop('warnings', []):
        module.warn(warning)
    module.exit_json(**(fitted(result, most) if most else result))
