#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails where a role's ``defaults/main.yml`` and ``meta/argument_specs.yml`` say different things, or its README is
missing."""

import pathlib
import sys

import yaml

ROLES = pathlib.Path(__file__).resolve().parents[2] / 'roles'


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


found = [f'roles/{role.name}: {line}' for role in sorted(ROLES.iterdir()) if role.is_dir() for line in drift(role)]
sys.exit('\n'.join(found) or None)
