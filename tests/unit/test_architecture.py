# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom. docs/architecture.md says it in words and draws it; this reads the imports."""

from __future__ import absolute_import, division, print_function

import ast
import io
import os
import re
import sys

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from conftest import ROOT

sys.path.insert(0, os.path.join(ROOT, 'tests', 'lint'))

import arrows  # noqa: E402

REMEDIES = ('_swap', '_swappiness', '_score')
# What remedies ask of a host, and how they change it.
OF_A_HOST = ('_files', '_systemd', '_node', '_boot', '_forbids', '_change')
# A package, and what its files may import from other packages: a whole package, or one file of it.
ALLOWED = {
    '_files': (),
    '_systemd': ('_files',),
    '_node': ('_files', '_systemd'),
    '_boot': ('_files', '_systemd', '_node'),
    '_change': ('_files',),
    '_forbids': ('_files', '_systemd', '_node', '_boot', '_change'),
    '_log': ('_files',),
    '_report': ('_log', '_files', '_node'),
    '_swap': OF_A_HOST,
    '_swappiness': OF_A_HOST,
    '_score': OF_A_HOST,
    '_facts': ('_log.times',) + tuple(remedy + '.facts' for remedy in REMEDIES) + OF_A_HOST,
    '_verdict': ('_facts', '_report', '_log', '_files', '_node', '_change') + REMEDIES,
    '_watch': ('_verdict', '_facts', '_report', '_log', '_files', '_systemd', '_change'),
    '_cli': ('_verdict', '_watch', '_facts', '_files'),
}
FILES = arrows.file_arrows('module_utils')
MODULES = arrows.file_arrows('modules')


def short(name):
    """``_log.messages`` of ``module_utils._log.messages``."""
    return name.partition('.')[2]


def test_each_file_of_the_shared_code_is_in_a_package():
    assert set(map(arrows.package_of, FILES)) == set(ALLOWED)


@pytest.mark.parametrize('package', sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package):
    allowed = ALLOWED[package] + (package,)
    up = ['%s imports %s' % (short(name), short(other)) for name in FILES if arrows.package_of(name) == package
          for other in FILES[name] if arrows.package_of(other) not in allowed and short(other) not in allowed]
    assert sorted(up) == []


def test_no_file_imports_itself_through_others():
    assert arrows.circle(FILES) is None


def test_no_package_imports_itself_through_others():
    packages = {}
    for package, other in arrows.package_arrows(FILES):
        packages.setdefault(package, set()).add(other)
    assert arrows.circle(packages) is None


def test_the_shared_code_knows_no_ansible():
    found = [(name, one) for name in FILES for one in arrows.imports_of(name)
             if one.split('.')[0] in ('ansible', 'ansible_collections')]
    assert found == []


@pytest.mark.parametrize('module', sorted(MODULES))
def test_a_module_imports_one_package_beside_node(module):
    assert len(set(map(arrows.package_of, MODULES[module])) - set(['_node', '_files'])) <= 1


def imported_late(tree):
    """The lines of a tree's imports that stand in functions."""
    return sorted(set(inner.lineno for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
                      for inner in ast.walk(node) if isinstance(inner, (ast.Import, ast.ImportFrom))))


@pytest.mark.parametrize('package', sorted(REMEDIES + OF_A_HOST))
def test_what_changes_a_host_has_all_that_it_imports_before_its_first_change(package):
    assert dict((name, lines) for name, lines in (
        (name, imported_late(arrows.tree_of(name))) for name in FILES if arrows.package_of(name) == package)
        if lines) == {}


@pytest.mark.parametrize('text, lines', [
    ('import a\ntry:\n    import b\nexcept ImportError:\n    b = None\n', []),
    ('def f():\n    if x:\n        from a import b\n', [3]),
    ('class A:\n    def f(self):\n        import a\n', [3]),
], ids=['of the file', 'of a function', 'of a method'])
def test_an_import_is_late_if_it_stands_in_a_function(text, lines):
    assert imported_late(ast.parse(text)) == lines


def page():
    with io.open(os.path.join(ROOT, 'docs', 'architecture.md'), encoding='utf-8') as stream:
        return stream.read()


def test_the_picture_of_the_page_is_drawn_from_the_imports():
    drawn = page().partition('```mermaid\n')[2].partition('```')[0]
    assert drawn == arrows.picture(FILES, MODULES), 'put in what tests/lint/arrows.py prints'


def test_the_page_names_files_that_there_are():
    named = re.findall(r'`(_\w+/\w+)\.py`', page())
    assert len(named) > 25
    assert sorted(set(named) - set(short(name).replace('.', '/') for name in FILES)) == []


# What a file has to say if it answers a question, and the files that may.
ONE_PLACE = {
    'how much memory there is': (r"(?:read|text_of)\(.*'/proc/meminfo'", ['_node.meminfo']),
    'what this process may do': (r'CapEff|/proc/self/uid_map', ['_node.privilege']),
    'whether this is root': (r"geteuid\(\) [!=]= 0", ['_node.privilege']),
    'whether this is a container': (r'dockerenv', ['_node.privilege']),
    'what a cgroup means': (r"kubepods|'libpod|lxc\.payload", ['_node.cgroup_paths']),
}


@pytest.mark.parametrize('question', sorted(ONE_PLACE))
def test_a_question_has_one_place_that_answers_it(question):
    pattern, places = ONE_PLACE[question]
    found = [name for directory in ('module_utils', 'modules') for name in arrows.python_files(directory)
             if re.search(pattern, arrows.code_of(name))]
    assert [short(name) for name in found] == places


# A name that means one thing, and the files that may bind it; CONTRIBUTING.md says what it means.
ONE_MEANING = {
    'ram': [],
    'left': [],
    'read': ['_files.host', '_files.overlay', '_files.reader', '_files.snapshot', '_node.pinned'],
    'plan': ['_score.plan', '_swap.plan', '_swappiness.plan', '_watch.plan'],
}


def bound(tree):
    """The names of a tree's parameters, variables, attributes that are set, functions and classes, as a set."""
    names = set()
    for node in ast.walk(tree):
        kind = type(node).__name__
        if kind in ('FunctionDef', 'ClassDef'):
            names.add(node.name)
        elif kind == 'arg':
            names.add(node.arg)
        elif kind in ('Name', 'Attribute') and not isinstance(node.ctx, ast.Load):
            names.add(node.id if kind == 'Name' else node.attr)
    return names


@pytest.mark.parametrize('name', sorted(ONE_MEANING))
def test_a_name_is_bound_only_where_it_has_its_one_meaning(name):
    assert [short(one) for one in sorted(FILES) if name in bound(arrows.tree_of(one))] == ONE_MEANING[name]


@pytest.mark.parametrize('text, names', [
    ('def read(path, links=1): pass', ['links', 'path', 'read']),
    ('self.read = ram = host.left', ['ram', 'read']),
    ('for left in plan(read, ram=1): [found for found in left]', ['found', 'left']),
], ids=['a function', 'an assignment', 'loops'])
def test_a_name_that_is_only_used_is_not_bound(text, names):
    assert sorted(bound(ast.parse(text))) == names


def test_an_error_is_given_nothing_by_a_name_that_it_does_not_take():
    trees = [arrows.tree_of(name) for name in FILES]
    errors = set(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
                 and any(getattr(base, 'id', None) == 'RescueError' for base in node.bases)) | set(['RescueError'])
    given = [key.arg for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)
             and getattr(node.func, 'id', None) in errors for key in node.keywords]
    assert 'next_step' in given
    assert sorted(set(given) - set(RescueError.__init__.__code__.co_varnames)) == []


@pytest.mark.parametrize('graph, expected', [
    ({}, None),
    ({'a': ['b'], 'b': ['c'], 'c': []}, None),
    ({'a': ['b', 'c'], 'b': ['c'], 'c': []}, None),
    ({'a': ['a']}, ['a', 'a']),
    ({'a': ['b'], 'b': ['c'], 'c': ['b']}, ['b', 'c', 'b']),
], ids=['nothing', 'a chain', 'two ways to one', 'itself', 'two'])
def test_a_circle_is_told_by_its_members(graph, expected):
    assert arrows.circle(graph) == expected


@pytest.mark.parametrize('folder', ['plugins/modules', 'plugins/module_utils', 'tests/unit/plugins/module_utils',
                                    'tests/unit/plugins/modules'])
def test_each_file_that_python_2_may_read_has_the_lines_that_sanity_of_core_2_16_asks_for(folder):
    lacking = []
    for parent, _folders, names in os.walk(os.path.join(ROOT, folder)):
        for name in names:
            path = os.path.join(parent, name)
            if name.endswith('.py') and os.path.getsize(path):
                with io.open(path, encoding='utf-8') as stream:
                    lacking += [] if '\n__metaclass__ = type\n' in stream.read() else [path]
    assert lacking == []
