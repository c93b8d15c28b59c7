# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says of a node whose Python is too old, as it was seen, and what else fails alike."""

from __future__ import absolute_import, division, print_function

import pytest

pytest.importorskip('ansible')

old_python = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.old_python')

AT = '  File "%s", line 3\n    x\n    ^\nSyntaxError: %s\n'
WRAPPER = '/root/.ansible/tmp/ansible-tmp-1-2-3/AnsiballZ_memory_facts.py'
ANNOTATIONS = 'future feature annotations is not defined'


@pytest.mark.parametrize('core, result, reason', [
    ('2.19.14', {'module_stderr': AT % (WRAPPER, ANNOTATIONS)}, 'its Python is too old for ansible-core 2.19: '),
    ('2.19.14', {'module_stderr': AT % (WRAPPER, 'invalid syntax')}, 'its Python is too old for ansible-core 2.19: '),
    ('2.21.5', {'module_stderr': AT % ('<stdin>', ANNOTATIONS)}, 'its Python is too old for ansible-core 2.21: '),
    ('2.17.14', {'module_stdout': AT % (WRAPPER, ANNOTATIONS)}, 'its Python is too old for ansible-core 2.17: '),
    ('2.19.14', {'module_stderr': AT % ('/tmp/a.zip/ansible/module_utils/_internal/__init__.py', 'invalid syntax')},
     'its Python is too old for ansible-core 2.19: '),
    ('2.20.10', {'msg': 'ansible-core requires a minimum of Python version 3.9. Current version: 3.8.18'},
     'its Python is too old for ansible-core 2.20: '),
    ('2.19.14', {'msg': "The module interpreter '/usr/bin/python3' was not found."},
     'it has no Python of those that can be used by ansible-core 2.19: '),
])
def test_an_old_python_is_told_with_the_core_that_runs_on_it(core, result, reason):
    found = old_python.told(dict(result, failed=True, exception='x', rc=1), core)
    assert found['needs_core'] == '2.16'
    assert found['msg'].startswith(reason + 'ansible-core 2.16 on the controller')
    assert not {'exception', 'module_stderr', 'module_stdout'} & set(found)


@pytest.mark.parametrize('core, result, interpreter', [
    pytest.param('2.16.19', {'module_stderr': AT % (WRAPPER, ANNOTATIONS)}, None, id='nothing older'),
    pytest.param('2.19.14', {'module_stderr': AT % ('/x/ansible_collections/oom/rescue/plugins/a.py', 'invalid')}, None,
                 id='a fault of ours'),
    pytest.param('2.19.14', {'msg': "The module interpreter '/usr/bin/python3' was not found."}, '/usr/bin/python3',
                 id='an interpreter of the user'),
    pytest.param('2.19.14', {'msg': 'no', 'module_stderr': 'SyntaxError: said by a shell\n'}, None, id='no traceback'),
])
def test_what_is_no_old_python_stays_as_it_is(core, result, interpreter):
    result = dict(result, failed=True)
    assert old_python.told(result, core, interpreter) is result


def test_what_did_not_fail_stays_as_it_is():
    result = {'module_stderr': AT % (WRAPPER, ANNOTATIONS)}
    assert old_python.told(result, '2.19.14') is result
