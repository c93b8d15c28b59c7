# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of which this ansible-core cannot use the Python, as a traceback shows, and the core that can.

Core 2.16 is the last for nodes with Python 2.7 and 3.6, 2.17 for 3.7 and 2.19 for 3.8 (ansible-core's support matrix).
2.16 runs on all of them.
"""

from __future__ import annotations

import re

CORE = '2.16'
_PYTHONS = 'Python 2.7 and 3.6 to 3.12'
_FILE = re.compile(r'^\s*File "([^"]*)"', re.MULTILINE)
_REFUSED = re.compile(r'ansible-core requires a minimum of Python')
# Where discovery finds none that it looks for, this name is tried all the same.
_NOT_FOUND = re.compile(
    r"The module interpreter '/usr/bin/python3' was not found|/usr/bin/python3: (?:No such file|not found)")


def told(result, core, interpreter=None):
    """The result of a failed module with a sentence for the traceback, and ``needs_core``, if the node's Python is the
    reason; else the same result.

    ``core`` is the version of this ansible-core, ``interpreter`` the ansible_python_interpreter of the host.
    """
    reason = _reason(result, interpreter)
    if not reason or core.startswith(CORE + '.'):
        return result
    short = '.'.join(core.split('.')[:2])
    message = '%s %s: ansible-core %s on the controller runs on %s, and ./rescue takes it by itself' % (
        reason, short, CORE, _PYTHONS)
    left = {key: value for key, value in result.items() if key not in ('exception', 'module_stderr', 'module_stdout')}
    return dict(left, msg=message, needs_core=CORE)


def _reason(result, interpreter):
    """The first words of the sentence, or None."""
    if not result.get('failed'):
        return None
    said = '%s\n%s' % (result.get('module_stderr') or '', result.get('module_stdout') or '')
    message = '%s' % (result.get('msg') or '')
    if _REFUSED.search(message) or _REFUSED.search(said) or _is_syntax_of_ansible(said):
        return 'its Python is too old for ansible-core'
    if str(interpreter or 'auto').startswith('auto') and _NOT_FOUND.search('%s\n%s' % (message, said)):
        return 'it has no Python of those that can be used by ansible-core'
    return None


def _is_syntax_of_ansible(said):
    """True if Ansible's own code, which comes first, is no Python of that node's; ours runs on all of them."""
    files = _FILE.findall(said)
    return bool(files) and 'SyntaxError: ' in said.rpartition('File "')[2] and 'ansible_collections/' not in files[-1]
