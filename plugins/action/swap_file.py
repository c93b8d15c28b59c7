# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module swap_file, and shows how far a long write has come, which a module alone cannot do."""

from __future__ import annotations

import threading

from ansible.utils.display import Display
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._swap import progress
from ansible_collections.oom.rescue.plugins.plugin_utils.node_action import NodeAction

SECONDS = 10


class ActionModule(NodeAction):

    def run(self, tmp=None, task_vars=None):
        ended = threading.Event()
        threading.Thread(target=self._watch, args=(ended, task_vars['inventory_hostname']), daemon=True).start()
        try:
            return super().run(tmp, task_vars)
        finally:
            ended.set()

    def _watch(self, ended, host):
        told = ''
        while not ended.wait(SECONDS):
            try:
                _rc, out, _err = self._connection.exec_command(
                    f'head -c {progress.LONGEST} {progress.PATH}', sudoable=False)
            except Exception:
                # The module's own connection says what is wrong with it.
                return
            text = progress.written(out[:progress.LONGEST].decode(errors='replace'))
            if text not in (None, told) and not ended.is_set():
                path = self._task.args.get('path', '/swapfile')
                Display().display(plain(f'swap_file on {host}: {text} written to {path}'))
                told = text
