# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a node is the code that is here, without what only people read."""

from __future__ import absolute_import, division, print_function

import ast
import base64
import functools
import glob
import io
import os
import time
import zipfile

import pytest

pytest.importorskip('ansible')

from conftest import ROOT  # noqa: E402

dataclasses = pytest.importorskip('dataclasses')
payload = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.payload')

FILES = sorted(path for folder in ('modules', 'module_utils')
               for path in glob.glob(os.path.join(ROOT, 'plugins', folder, '**', '*.py'), recursive=True))
OURS = 'ansible_collections/oom/rescue/plugins/module_utils/_node/x.py'
THEIRS = 'ansible/module_utils/basic.py'
CODE = '"""Says.\n\nMore."""\n# Why.\nx = 1\n'
BARE = '""\n\n\n\nx = 1\n'
TEXT = b'import a\nZIPDATA = "%s"\nrest()\n'


Built = dataclasses.make_dataclass('Built', [('b_module_data', bytes), ('shebang', str, '#!')], frozen=True)


def code_of(text):
    """What a program does, with the line of each part: its docstrings and documentation are empty."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, 'body', None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and body and isinstance(body[0], ast.Expr) \
                and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            del body[0]
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) in (
                'DOCUMENTATION', 'EXAMPLES', 'RETURN'):
            node.value = ast.Constant(value='')
    return [(type(node).__name__, getattr(node, 'lineno', None)) for node in ast.walk(tree)], ast.dump(tree)


@functools.lru_cache(maxsize=None)
def text_and_bare(path):
    with io.open(path, encoding='utf-8') as stream:
        text = stream.read()
    return text, payload.bare(text)


@pytest.mark.slow
@pytest.mark.parametrize('path', FILES, ids=lambda path: os.path.relpath(path, ROOT))
def test_the_code_of_each_file_and_its_lines_stay(path):
    text, found = text_and_bare(path)
    assert code_of(found) == code_of(text)


def test_it_is_a_quarter_less():
    before, after = (sum(map(len, texts)) for texts in zip(*map(text_and_bare, FILES)))
    assert after < 0.75 * before


def packed(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return base64.b64encode(target.getvalue())


def unpacked(text):
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text.split(b'"')[1]))) as archive:
        return {name: archive.read(name).decode('ascii') for name in archive.namelist()}


@pytest.fixture(name='built')
def fixture_built(tmp_path, monkeypatch):
    monkeypatch.setattr(payload.constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))
    # Noise, so that the packed text is as long as Ansible's.
    return TEXT % packed({OURS: CODE, OURS.replace('x.', 'y.'): '', THEIRS: CODE, 'ansible/old.py': 'print 1\n',
                          'noise': os.urandom(8192).hex()})


@pytest.mark.parametrize('form', ['a tuple', 'a dataclass'])
def test_our_packages_are_a_text_each_and_all_files_are_shorter(built, form):
    for _again in range(2):
        if form == 'a tuple':
            style, shebang, text, path = payload.smaller(('new', '#!', built, '/x.py'))
            assert (style, shebang, path) == ('new', '#!', '/x.py')
        else:
            made, path = payload.smaller((Built(built), '/x.py'))
            text = made.b_module_data
            assert (made.shebang, path) == ('#!', '/x.py')
        assert text.startswith(b'import a\n') and text.endswith(b'rest()\n')
        files = unpacked(text)
        assert files['ansible_collections/oom/rescue/plugins/module_utils/_node.txt'] == '\0'.join(['x', BARE, 'y', ''])
        assert files[THEIRS] == BARE and files['ansible/old.py'] == 'print 1\n' and OURS not in files


def test_it_is_made_once_for_hosts_whose_workers_build_it_at_the_same_time(built, monkeypatch, tmp_path):
    made = tmp_path / 'made'

    def _packed_anew(packed):
        with open(str(made), 'ab') as stream:
            stream.write(b'x')
        time.sleep(0.2)
        return packed

    monkeypatch.setattr(payload, '_packed_anew', _packed_anew)
    workers = []
    for _number in range(4):
        pid = os.fork()
        if pid == 0:
            os._exit(payload.smaller(('new', '#!', built, '/x.py')) != ('new', '#!', built, '/x.py'))
        workers.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 4
    assert made.read_bytes() == b'x'


def test_whoever_keeps_the_files_on_a_node_finds_them_as_ansible_makes_them(built, monkeypatch):
    monkeypatch.setattr(payload.constants, 'DEFAULT_KEEP_REMOTE_FILES', True)
    assert payload.smaller(('new', '#!', built, '/x.py')) == ('new', '#!', built, '/x.py')


@pytest.mark.parametrize('other', [
    ('new', '#!', b'print(1)', '/x'), ('new', '#!', TEXT % (b'A' * 9000), '/x'), ('new', '#!', None, '/x'), None, (),
    (Built('text'), '/x')], ids=['a script', 'no archive', 'nothing', 'None', 'empty', 'of another type'])
def test_what_is_made_in_another_way_is_sent_as_it_is(tmp_path, monkeypatch, other):
    monkeypatch.setattr(payload.constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))
    assert payload.smaller(other) == other


@pytest.mark.parametrize('text, expected', [
    ('x = """a\n# none\n"""\n# one\n', 'x = """a\n# none\n"""\n\n'),
    ('def f():\n    "says"; return """\n  # none"""\n', 'def f():\n    ""; return """\n  # none"""\n'),
    ('DOCUMENTATION = r\'\'\'\n# all\n\'\'\' + x\n', 'DOCUMENTATION = r\'\'\'\n# all\n\'\'\' + x\n'),
    ('class A:\n    """:\n    \'\'\' #"""\n    b = "#"  # kept\n', 'class A:\n    ""\n\n    b = "#"  # kept\n'),
    (u'x = [u"\u00e9",\n  # one\n 1]\n', u'x = [u"\u00e9",\n\n 1]\n'),
])
def test_what_looks_like_a_comment_or_a_docstring_and_is_none_stays(text, expected):
    assert payload.bare(text) == expected
    ast.parse(expected)
