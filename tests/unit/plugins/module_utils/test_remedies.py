# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three remedies have one shape: facts reads, plan is pure, apply does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ast
import importlib
import io
import os

import pytest
from conftest import ROOT

SHARED = 'ansible_collections.oom.rescue.plugins.module_utils.'
REMEDIES = ('_swap', '_swappiness', '_score')
# What reads or changes a host, or waits for something.
IMPURE = set(['os', 'io', 'errno', 'fcntl', 'subprocess', 'time', 'lock', 'command', 'writer', 'pinned', 'syscalls',
              'apply', 'allocate'])
# The one error and its kinds that are caught by themselves, a function that makes one, a fault of the program, and
# what was caught.
ERRORS = set(['RescueError', 'PutBack', 'KernelRefusal', '_conflict', 'TypeError', None])


def tree_of(package, name):
    with io.open(os.path.join(ROOT, 'plugins/module_utils', package, name), encoding='utf-8') as stream:
        return ast.parse(stream.read())


def imported(tree):
    """The names that a file imports, and the parts of the modules that it imports them from."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.ImportFrom, ast.Import)):
            found.update((getattr(node, 'module', None) or '').split('.'))
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize('package', REMEDIES)
def test_a_remedy_reads_plans_and_applies(package):
    for module, name in (('facts', 'read_facts'), ('plan', 'plan'), ('apply', 'converge')):
        assert callable(getattr(importlib.import_module('%s%s.%s' % (SHARED, package, module)), name))


@pytest.mark.parametrize('package, name', [
    ('_swap', 'plan.py'), ('_swap', 'steps.py'), ('_swap', 'refusals.py'), ('_swap', 'size.py'),
    ('_swappiness', 'plan.py'), ('_score', 'plan.py'), ('_score', 'persistence.py'), ('_score', 'before.py'),
    ('_score', 'score.py')])
def test_a_plan_neither_reads_nor_changes_a_host(package, name):
    tree = tree_of(package, name)
    assert not IMPURE & set(imported(tree))
    names = [argument.arg if hasattr(argument, 'arg') else argument.id for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef) for argument in node.args.args]
    assert 'host' not in names


@pytest.mark.parametrize('package', REMEDIES)
def test_a_remedy_raises_one_kind_of_error(package):
    raised = set()
    for name in os.listdir(os.path.join(ROOT, 'plugins/module_utils', package)):
        if name.endswith('.py') and name not in ('syscalls.py', 'allocate.py'):
            for node in ast.walk(tree_of(package, name)):
                if isinstance(node, ast.Raise):
                    # Python 2 calls it type.
                    call = getattr(node, 'exc', None) or getattr(node, 'type', None)
                    raised.add(getattr(getattr(call, 'func', None), 'id', None))
    assert raised <= ERRORS
