# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module is documentation, an argument spec, and a call of one package: read from the modules' own text."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ast
import glob
import io
import os

import pytest
from conftest import ROOT

# Of the others only the documentation is here: an action plugin of that name runs on the controller.
MODULES = sorted(path for path in glob.glob(os.path.join(ROOT, 'plugins/modules/*.py'))
                 if io.open(path, encoding='utf-8').read().rstrip().endswith('main()'))
SHARED = 'ansible_collections.oom.rescue.plugins.module_utils.'


def code_of(path):
    with io.open(path, encoding='utf-8') as stream:
        return ast.parse(stream.read())


def packages_of(tree):
    """The packages of shared code that a module imports."""
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return set(name[len(SHARED):].split('.')[0] for name in names if name and name.startswith(SHARED))


def lines_of(node):
    """How many lines a part of a program has, up to its last word."""
    return max(part.lineno for part in ast.walk(node) if hasattr(part, 'lineno')) - node.lineno + 1


def test_these_are_all_modules_that_run_on_a_node():
    assert len(MODULES) == 8


@pytest.mark.parametrize('path', MODULES, ids=os.path.basename)
def test_a_module_imports_one_package_beside_the_node(path):
    assert len(packages_of(code_of(path)) - set(['_node', '_files'])) == 1


@pytest.mark.parametrize('path', MODULES, ids=os.path.basename)
def test_a_module_catches_nothing_and_ends_in_one_place(path):
    tree = code_of(path)
    caught = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    called = [node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Attribute)]
    assert not caught and not set(called) & set(['exit_json', 'fail_json'])


@pytest.mark.parametrize('path', MODULES, ids=os.path.basename)
def test_a_module_is_forty_lines_beside_its_documentation_and_its_argument_spec(path):
    functions = [node for node in code_of(path).body if isinstance(node, ast.FunctionDef)]
    specs = [keyword.value for node in ast.walk(code_of(path)) if isinstance(node, ast.Call)
             for keyword in node.keywords if keyword.arg == 'argument_spec']
    assert len(specs) == 1 and sum(lines_of(node) for node in functions) - lines_of(specs[0]) <= 45
