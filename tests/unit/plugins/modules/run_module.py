# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's own main() on a node of files: arguments in, the result that it prints out."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import importlib
import io
import json
import os
import sys

import pytest

pytest.importorskip('ansible')
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'module_utils'))

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # ansible-core before 2.18.
    from ansible.module_utils import basic

    @contextlib.contextmanager
    def patch_module_args(args):
        basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': args}).encode('utf-8')
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = None

from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host  # noqa: E402

MODULES = ('ask_remedies', 'memory_facts', 'oom_log_info', 'oom_score_adj', 'oom_watch', 'rescue_info', 'swap_file',
           'swappiness')


def load(name):
    return importlib.import_module('ansible_collections.oom.rescue.plugins.modules.' + name)


def run(name, host, check=False, uid=0, **arguments):
    """The result of a module, as Ansible reads it; ``failed`` is there if it failed.

    ``host`` is the node that it sees in place of this machine.
    """
    def become(self, root='/', run=None, move=None):
        self.__dict__.update(host.__dict__)

    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(Host, '__init__', become)
        patch.setattr(os, 'geteuid', lambda: uid)
        with patch_module_args(dict(arguments, _ansible_check_mode=check, _ansible_diff=True)):
            with pytest.raises(SystemExit) as ended:
                load(name).main()
    result = json.loads(printed.getvalue())
    assert bool(ended.value.code) == bool(result.get('failed'))
    return result
