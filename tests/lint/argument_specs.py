#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails where a role's ``defaults/main.yml`` and ``meta/argument_specs.yml`` say different things, where the role
verify asks about a remedy with another default than the remedy has, or where a README is missing."""

import ast
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ROOT / 'roles'
ASK = ROLES / 'verify' / 'vars' / 'main.yml'
# The dictionary there that has the options of a module.
ASKED = {'__verify_swap_options': 'swap_file', '__verify_swappiness_options': 'swappiness',
         '__verify_oom_protect_options': 'oom_score_adj'}
DEFAULT = re.compile(r"\b(\w+) \| default\(('[^']*'|[^,()]+)(?:, true)?\)")


def load(path):
    return (yaml.safe_load(path.read_text(encoding='utf-8')) if path.exists() else None) or {}


def drift(role):
    if not (role / 'README.md').exists():
        yield 'README.md is missing: Galaxy then refuses the collection'
    defaults = load(role / 'defaults' / 'main.yml')
    options = load(role / 'meta' / 'argument_specs.yml').get('argument_specs', {}).get('main', {}).get('options', {})
    for name in sorted(set(defaults) | set(options)):
        option = options.get(name, {})
        if not name.startswith(role.name + '_'):
            yield f'{name} does not start with {role.name}_'
        if name not in options:
            yield f'{name} has a default and is not in the argument spec'
        elif option.get('required') and name in defaults:
            yield f'{name} is required and has a default'
        elif ('default' in option) != (name in defaults):
            yield f'{name} has a default in only one of the two'
        elif name in defaults and option['default'] != defaults[name]:
            yield f'{name} is {defaults[name]!r} by default, the argument spec says {option["default"]!r}'
        if not option.get('description', name not in options):
            yield f'{name} has no description'


def module_defaults(name):
    """The default of each option of a module that has one, by its documentation."""
    tree = ast.parse((ROOT / 'plugins' / 'modules' / f'{name}.py').read_text(encoding='utf-8'))
    text = next(node.value.value for node in tree.body if isinstance(node, ast.Assign)
                and [target.id for target in node.targets] == ['DOCUMENTATION'])
    return {option: spec['default'] for option, spec in yaml.safe_load(text)['options'].items() if 'default' in spec}


def asked_otherwise():
    """Where the role verify asks a module with another value than the role's, of a variable that nobody has set."""
    defaults = {}
    for role in ROLES.iterdir():
        defaults.update(load(role / 'defaults' / 'main.yml'))
    for name, module in ASKED.items():
        arguments, of_module = load(ASK)[name], module_defaults(module)
        for option, expression in arguments.items():
            found = DEFAULT.search(expression)
            if not found:
                yield f'{module} has {option} without a default'
                continue
            name, literal = found.groups()
            if name not in defaults and literal != 'omit':
                # What a role without a default asks for is in its tasks.
                continue
            asked = of_module.get(option) if literal == 'omit' else yaml.safe_load(literal)
            # An option that takes a number or a word has it as text.
            if str(asked) != str(defaults.get(name)):
                yield f'{name} is {defaults.get(name)!r} by default, and {module} is asked with {asked!r}'


found = [f'roles/{role.name}: {line}' for role in sorted(ROLES.iterdir()) if role.is_dir() for line in drift(role)]
found += [f'{ASK.relative_to(ROOT)}: {line}' for line in asked_otherwise()]
sys.exit('\n'.join(found) or None)
