# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module swap_file, and shows how far a long write has come, which a module alone cannot do."""

from __future__ import annotations

import threading

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.oom.rescue.plugins.module_utils._swap import progress

SECONDS = 10


class ActionModule(NormalAction):

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
                _rc, out, _err = self._connection.exec_command('cat ' + progress.PATH, sudoable=False)
            except Exception:
                # The module's own connection says what is wrong with it.
                return
            text = out.decode(errors='replace').strip()
            if text not in ('', told) and not ended.is_set():
                Display().display('swap_file on %s: %s' % (host, text))
                told = text
