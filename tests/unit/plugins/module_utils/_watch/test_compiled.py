# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as the watch has it: the same program, with nothing left to compile, on the Python that runs this."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._watch.compiled import compiled

SINGLE_FILE = os.path.join(os.path.dirname(__file__), '..', '..', '..', '..', '..', 'plugins', 'plugin_utils',
                           'single_file.py')


pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp('pyz') / 'oom-rescue.pyz'
    subprocess.check_call([sys.executable, SINGLE_FILE, str(path)])
    return path.read_bytes()


def archive_of(entries):
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w') as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return target.getvalue()


def small(text=b'print(1)\n'):
    return archive_of([('__main__.py', text)])


def changed(program, change):
    """The program with change(name, content) in place of the content of each of its files."""
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        return archive_of([(name, change(name, archive.read(name))) for name in archive.namelist()])


def run(program, folder, *words):
    path = folder / 'run.pyz'
    path.write_bytes(program)
    return subprocess.check_output([sys.executable, '-B', str(path)] + list(words))


@pytest.fixture(scope='module')
def made(program):
    return compiled(program)


@pytest.fixture(scope='module')
def said(program, tmp_path_factory):
    """What the program says that has to be compiled."""
    text = run(program, tmp_path_factory.mktemp('run'), '--help')
    assert b'why that unit' in text
    return text


def test_nothing_of_it_is_compiled_when_it_runs(made, said, tmp_path):
    without = changed(made, lambda name, content: b'no Python' if name.endswith('.py') else content)
    assert run(without, tmp_path, '--help') == run(made, tmp_path, '--help') == said


def test_after_an_upgrade_of_python_it_still_runs(made, said, tmp_path):
    other = changed(made, lambda name, content: b'????' + content[4:] if name.endswith('c') else content)
    assert run(other, tmp_path, '--help') == said


def test_it_is_made_once(program, made):
    assert compiled(program, made) is made


@pytest.mark.parametrize('place', [40, -400, -1])
def test_what_somebody_changed_in_it_is_made_again(place):
    made = bytearray(compiled(small()))
    made[place] ^= 1
    assert compiled(small(), bytes(made)) == compiled(small())


@pytest.mark.parametrize('before', [b'', b'PK', small(), compiled(small(b'print(2)\n')), compiled(small()) + b'x'])
def test_another_program_takes_its_place(before):
    assert compiled(small(), before) == compiled(small())


def test_what_is_no_archive_is_left():
    assert compiled(b'the program') == b'the program'
