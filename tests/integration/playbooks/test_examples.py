# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of modules, filters, READMEs and docs, copied out as they stand: each is a playbook that Ansible takes
with options that exist, and those that only read are run.
"""

import ast
import os
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLAYBOOK = ROOT / '.venv/bin/ansible-playbook'
# Modules that change nothing on any host.
READ_ONLY = {'ansible.builtin.debug', 'oom.rescue.memory_facts', 'oom.rescue.oom_log_info'}
KEYWORDS = {'name', 'register', 'when', 'loop', 'loop_control', 'delegate_to', 'run_once', 'become', 'check_mode',
            'vars', 'notify', 'tags', 'ignore_errors', 'failed_when', 'changed_when', 'block', 'always', 'rescue'}
PLAY = {'hosts': 'localhost', 'connection': 'local', 'gather_facts': False}


def documented(path):
    """{name: parsed YAML} of a module's or filter's documentation."""
    if path.suffix == '.yml':
        found = yaml.safe_load(path.read_text(encoding='utf-8'))
        return {'DOCUMENTATION': found['DOCUMENTATION'], 'EXAMPLES': yaml.safe_load(found['EXAMPLES'])}
    return {node.targets[0].id: yaml.safe_load(node.value.value) for node in ast.parse(
        path.read_text(encoding='utf-8')).body if isinstance(node, ast.Assign) and isinstance(
            node.value, ast.Constant) and node.targets[0].id in ('DOCUMENTATION', 'EXAMPLES')}


def of_text(path):
    """The lists of YAML in a Markdown text, as they are indented or fenced there."""
    blocks = re.findall(r'(?:^    .*\n|^\n(?=    ))+', path.read_text(encoding='utf-8'), re.MULTILINE)
    for block in map(textwrap.dedent, blocks):
        if block.strip().startswith(('- ', '---')):
            yield yaml.safe_load(block)


MODULES = {path.stem: documented(path) for path in sorted(ROOT.glob('plugins/modules/*.py'))}
EXAMPLES = [(name, found['EXAMPLES']) for name, found in MODULES.items()]
EXAMPLES += [(path.name, documented(path)['EXAMPLES']) for path in sorted(ROOT.glob('plugins/filter/*.yml'))]
EXAMPLES += [('%s %d' % (path.relative_to(ROOT), number), found) for path in [ROOT / 'README.md'] + sorted(
    ROOT.glob('roles/*/README.md')) + sorted(ROOT.glob('docs/*.md')) for number, found in enumerate(of_text(path))]


def plays_of(example):
    is_plays = any(key in example[0] for key in ('hosts', 'import_playbook', 'ansible.builtin.import_playbook'))
    return example if is_plays else [dict(PLAY, tasks=example)]


def tasks_of(rows):
    """All tasks in a list of tasks or plays, those of blocks too."""
    for row in rows or []:
        inner = [task for key in ('tasks', 'pre_tasks', 'post_tasks', 'handlers', 'block', 'always', 'rescue')
                 for task in tasks_of(row.get(key) if isinstance(row.get(key), list) else [])]
        yield from inner if inner else [row]


def run(playbook, *words):
    environment = {key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')}
    return subprocess.run([PLAYBOOK, playbook, '--inventory', 'localhost,', *words], cwd=ROOT, text=True, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=dict(environment, ANSIBLE_CONFIG=str(ROOT / 'ansible.cfg')))


@pytest.mark.parametrize('name, example', EXAMPLES, ids=lambda value: value if isinstance(value, str) else '')
def test_the_options_of_an_example_exist(name, example):
    for task in tasks_of(example):
        for key in set(task) - KEYWORDS:
            module = MODULES.get(key.rpartition('.')[2]) if key.startswith('oom.rescue.') else None
            if module:
                unknown = set(task[key] or {}) - set(module['DOCUMENTATION'].get('options') or {})
                assert not unknown, '%s in an example of %s' % (sorted(unknown), name)


def test_the_examples_are_playbooks(tmp_path):
    playbook = tmp_path / 'examples.yml'
    playbook.write_text(yaml.safe_dump([play for _name, example in EXAMPLES for play in plays_of(example)]))
    done = run(playbook, '--syntax-check')
    assert done.returncode == 0, done.stdout


def test_the_examples_that_read_run_as_they_stand(tmp_path):
    reading = [example for _name, example in EXAMPLES if all(
        set(task) - KEYWORDS <= READ_ONLY for task in tasks_of(example)) and 'hosts' not in example[0]]
    assert len(reading) >= 2
    playbook = tmp_path / 'reading.yml'
    playbook.write_text(yaml.safe_dump([play for example in reading for play in plays_of(example)]))
    done = run(playbook, '--extra-vars', 'ansible_become=false ansible_python_interpreter=%s' % sys.executable)
    assert done.returncode == 0, done.stdout
