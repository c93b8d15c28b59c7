#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads who imports whom in ``plugins``, and prints it: the picture of ``docs/architecture.md``, or a table with
``--table``. The unit test ``test_architecture.py`` uses the same functions."""

from __future__ import absolute_import, division, print_function

import ast
import collections
import io
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLUGINS = os.path.join(ROOT, 'plugins')
_OURS = 'ansible_collections.oom.rescue.plugins.'
# {file: what it imports}: a file does not change while this runs, and is asked for by several questions.
_READ = {}


def python_files(directory):
    """The dotted names of the Python files below plugins/``directory``, sorted: ``module_utils._log.messages``."""
    found = []
    for place, _directories, names in os.walk(os.path.join(PLUGINS, directory)):
        below = os.path.relpath(place, PLUGINS).replace(os.sep, '.')
        found += ['%s.%s' % (below, name[:-3]) for name in names if name.endswith('.py') and name != '__init__.py']
    return sorted(found)


def _imported(node, name):
    """The dotted names that an import statement of the file ``name`` asks for; those of the collection by plugins."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = name.split('.')[:-node.level] if node.level else []
    module = '.'.join(above + ([node.module] if node.module else []))
    # What stands behind ``import`` may be a file, or a name in one.
    return ['%s.%s' % (module, alias.name) for alias in node.names]


def _path(name):
    return os.path.join(PLUGINS, *name.split('.')) + '.py'


def code_of(name):
    """The lines of the file ``name`` without documentation, text: comments, docstrings and what a module documents."""
    with io.open(_path(name), encoding='utf-8') as stream:
        text = re.sub(r'(?:(?<=\n)|(?<= ))r?""".*?"""', '', stream.read(), flags=re.DOTALL)
    return '\n'.join(line for line in text.splitlines() if not line.lstrip().startswith('#'))


def imports_of(name):
    """The dotted names that the file ``name`` imports, a set: ``module_utils._log.prefix.PrefixReader``, ``os``."""
    if name not in _READ:
        _READ[name] = frozenset(_imports_of(name))
    return _READ[name]


def tree_of(name):
    """The syntax tree (ast.Module) of the file ``name``."""
    with open(_path(name), 'rb') as stream:
        return ast.parse(stream.read(), _path(name))


def _imports_of(name):
    found = set()
    for node in ast.walk(tree_of(name)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(_imported(node, name))
    return set(one[len(_OURS):] if one.startswith(_OURS) else one for one in found)


def file_arrows(directory='module_utils'):
    """{file: set of files of module_utils that it imports} of the files below plugins/``directory``."""
    known = set(python_files('module_utils'))
    arrows = {}
    for name in python_files(directory):
        asked = imports_of(name)
        arrows[name] = known.intersection(asked | set(one.rpartition('.')[0] for one in asked))
    return arrows


def package_of(name):
    """``_log`` of ``module_utils._log.messages``."""
    return name.split('.')[1]


def package_arrows(arrows):
    """{(package, package): how many of the file arrows run between the two}."""
    return collections.Counter((package_of(name), package_of(other)) for name in arrows for other in arrows[name]
                               if package_of(name) != package_of(other))


def circle(arrows):
    """The members of a circle in {name: names that it points to}, in order; None if there is none."""
    done, way = set(), []

    def visit(name):
        if name in way:
            return way[way.index(name):] + [name]
        if name in done:
            return None
        way.append(name)
        for other in sorted(arrows.get(name, ())):
            found = visit(other)
            if found:
                return found
        done.add(way.pop())
        return None

    return next((found for found in map(visit, sorted(arrows)) if found), None)


def picture(arrows, modules):
    """The packages, the modules and their arrows as a Mermaid flowchart, without what all of them have: each package
    imports ``_files``, and each module ``_node`` too."""
    lines = ['flowchart TD']
    for name in sorted(modules):
        for package in sorted(set(map(package_of, modules[name])) - set(['_files', '_node'])):
            lines.append('    %s([%s]) --> %s' % (package_of(name), package_of(name), package))
    lines += ['    %s --> %s' % pair for pair in sorted(package_arrows(arrows)) if pair[1] != '_files']
    return '\n'.join(lines) + '\n'


def table(arrows):
    """One line for each pair of packages, with the number of imports."""
    counts = package_arrows(arrows)
    lines = ['%-12s -> %-12s %3d' % (pair + (counts[pair],)) for pair in sorted(counts)]
    between = '%d arrows between %d files, %d of them between packages, along %d ways' % (
        sum(map(len, arrows.values())), len(arrows), sum(counts.values()), len(counts))
    return '\n'.join(lines + [between]) + '\n'


if __name__ == '__main__':
    if '--table' in sys.argv[1:]:
        sys.stdout.write(table(file_arrows()))
    else:
        sys.stdout.write(picture(file_arrows(), file_arrows('modules')))
