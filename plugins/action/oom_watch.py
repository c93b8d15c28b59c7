# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tempfile

from ansible import constants
from ansible_collections.oom.rescue.plugins.plugin_utils.node_action import NodeAction
from ansible_collections.oom.rescue.plugins.plugin_utils.single_file import NAME, single_file


class ActionModule(NodeAction):
    """Makes the program here and sends it to the node, where the module installs it."""

    def run(self, tmp=None, task_vars=None):
        if self._task.args.get('state', 'present') == 'present':
            self._task.args = dict(self._task.args, src=self._send())
        return super().run(tmp, task_vars)

    def _send(self):
        """The path on the node of the program, in the directory that goes with this task."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        target = shell.join_path(shell.tmpdir, NAME)
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP) as source:
            source.write(single_file())
            source.flush()
            self._transfer_file(source.name, target)
        self._fixup_perms2((shell.tmpdir, target))
        return target
