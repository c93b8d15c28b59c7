# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node imports from texts what is imported here from files, whether Ansible's archive is unpacked or not."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import io
import os
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.oom.rescue.plugins.plugin_utils import importer
from conftest import ROOT

CODE = os.path.join(ROOT, 'plugins', 'plugin_utils', 'importer.py')
INSTALLED = '\nsys.meta_path.insert(0, Importer(__name__, __path__[0]))\n'
TEXTS = {
    'a': ['__init__', 'kind = "package"\n', 'one', 'from ..b.two import value\nfrom . import kind\n',
          'wrong', '\n\nraise ValueError(1)\n',
          'caught', 'try:\n    from . import wrong\nexcept ValueError:\n    pass\n'],
    'b': ['__init__', '', 'two', 'value = 2\n\n\ndef fail():\n    raise KeyError(value)  # here\n'],
}


@pytest.fixture(name='path', params=['directory', 'archive'])
def fixture_path(request, tmp_path):
    with io.open(CODE, encoding='utf-8') as stream:
        files = {'base/__init__.py': stream.read() + INSTALLED}
    for package, words in TEXTS.items():
        files['base/%s.txt' % package] = '\0'.join(words)
    if request.param == 'archive':
        with zipfile.ZipFile(str(tmp_path / 'x.zip'), 'w') as archive:
            for name, text in files.items():
                archive.writestr(name, text.encode('utf-8'))
        return str(tmp_path / 'x.zip')
    (tmp_path / 'base').mkdir()
    for name, text in files.items():
        with io.open(str(tmp_path / name), 'wb') as stream:
            stream.write(text.encode('utf-8'))
    return str(tmp_path)


def run(path, code):
    """(exit status, standard output, standard error) of a program that finds what is below ``path``."""
    done = subprocess.Popen([sys.executable, '-c', 'from __future__ import print_function; import sys; '
                             'sys.path.insert(0, %r)\n%s' % (path, code)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    out, err = done.communicate()
    return done.returncode, out, err


@pytest.mark.parametrize('code, expected', [
    ('from base.a.one import value, kind; print(value, kind)', "2 package"),
    ('import base.a.one as m; print(m.__file__[-13:], m.__package__, m.__name__)', 'base/a/one.py base.a base.a.one'),
    ('import base.a as m; print(m.__file__[-18:], m.__package__, m.__path__[0][-6:])',
     'base/a/__init__.py base.a base/a'),
    ('from base.a import caught; print("base.a.wrong" in sys.modules, "base.a.caught" in sys.modules)', 'False True'),
    ('for name in ("base.c", "base.a.c", "base.b.two.x"):\n  try: __import__(name)\n  except ImportError: print(0)',
     '0\n0\n0'),
])
def test_texts_are_imported_as_files_are(path, code, expected):
    rc, out, err = run(path, code)
    assert (rc, out.strip()) == (0, expected), err


def test_a_traceback_names_the_file_and_shows_the_line(path):
    rc, _out, err = run(path, 'import traceback\nfrom base.b.two import fail\n'
                        'try: fail()\nexcept KeyError: traceback.print_exc()')
    assert rc == 0 and 'base/b/two.py", line 5, in fail' in err and 'raise KeyError(value)  # here' in err


@pytest.fixture(name='finder')
def fixture_finder(path, monkeypatch):
    """The importer of this checkout, in this process, in the place of the one that the texts brought with them."""
    monkeypatch.syspath_prepend(path)
    found = list(sys.meta_path)
    base = importlib.import_module('base')
    finder = importer.Importer('base', base.__path__[0])
    monkeypatch.setattr(sys, 'meta_path', [finder] + found)
    yield finder
    for name in [name for name in sys.modules if name.split('.')[0] == 'base']:
        del sys.modules[name]


@pytest.mark.parametrize('load', [
    lambda finder, name: importlib.import_module(name), lambda finder, name: finder.find_module(name).load_module(name)
], ids=['as Python 3 asks', 'as Python 2 asks'])
def test_a_module_is_the_same_however_it_is_asked_for(finder, load):
    two = load(finder, 'base.b.two')
    assert (two.value, two.__name__, two.__package__) == (2, 'base.b.two', 'base.b')
    assert two is sys.modules['base.b.two']
    # Python 2 loads a package before what is in it.
    assert load(finder, 'base.a').__name__ == 'base.a' and load(finder, 'base.a.one').kind == 'package'
    with pytest.raises(ValueError):
        load(finder, 'base.a.wrong')
    assert 'base.a.wrong' not in sys.modules


def test_the_code_of_a_module_is_there_before_it_is_imported_and_after(finder):
    text = 'value = 2\n\n\ndef fail():\n    raise KeyError(value)  # here\n'
    assert finder.get_source('base.b.two') == text
    importlib.import_module('base.b.two')
    assert finder.get_source('base.b.two') == text


@pytest.mark.parametrize('name', ['base', 'base.c', 'base.a.c', 'base.b.two.x', 'other.a', 'os'])
def test_what_is_in_no_text_is_left_to_others(finder, name):
    assert finder.find_module(name) is None and finder.find_spec(name) is None
