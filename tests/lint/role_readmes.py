#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails where the table of variables in a role's README is not that of its argument spec; with --write, makes it so."""

import pathlib
import re
import sys

import yaml

ROLES = pathlib.Path(__file__).resolve().parents[2] / 'roles'
TITLE = '## Variables'
# Ansible's markup of documentation, as Markdown has it.
MARKUP = ((re.compile(r'\b[CVOEP]\(((?:[^()]|\([^()]*\))*)\)'), r'`\1`'), (re.compile(r'\bM\(([^()]*)\)'), r'`\1`'))


def plain(text):
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)
    return ' '.join(re.sub(r'#(?:filter|role|module)`', '`', text).split()).replace('|', '\\|')


def shown(value):
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).replace('\n...', '').strip()
    return '`%s`' % text.replace('|', '\\|')


def row(name, option):
    kind = option['type'] + (' of %s' % option['elements'] if 'elements' in option else '')
    if 'choices' in option:
        kind = ', '.join('`%s`' % choice for choice in option['choices'])
    description = option['description']
    text = ' '.join([description] if isinstance(description, str) else description)
    default = shown(option['default']) if 'default' in option else ''
    return '| `%s` | %s | %s | %s |' % (name, kind, default, plain(text))


def table(spec):
    rows = [row(name, option) for name, option in spec['argument_specs']['main']['options'].items()]
    return '\n'.join([TITLE, '', 'From the argument spec, as `ansible-doc -t role` shows it.', '',
                      '| variable | type or values | default | what it says |', '|---|---|---|---|'] + rows) + '\n'


def wanted(text, spec):
    """The README with the table, which is its last part."""
    return text.partition(TITLE)[0].rstrip() + '\n\n' + table(spec)


def main(arguments):
    failed = False
    for path in sorted(ROLES.glob('*/meta/argument_specs.yml')):
        readme = path.parents[1] / 'README.md'
        text = readme.read_text(encoding='utf-8')
        new = wanted(text, yaml.safe_load(path.read_text(encoding='utf-8')))
        if new != text and '--write' in arguments:
            readme.write_text(new, encoding='utf-8')
        elif new != text:
            failed = True
            print('%s: not the argument spec: run tests/lint/role_readmes.py --write' % readme)
    return failed


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
