# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test file and every scenario stands in a target of the Makefile; every skip that CI accepts has its reason."""

from __future__ import absolute_import, division, print_function

import fnmatch
import io
import os
import re

import pytest
from conftest import ROOT

WORD = re.compile(r'[\w.*/-]*\w')


def read(path):
    with io.open(os.path.join(ROOT, path), encoding='utf-8') as stream:
        return stream.read()


def walk(folder):
    """Paths below the repository of all files in a folder of it."""
    for parent, _folders, names in os.walk(os.path.join(ROOT, folder)):
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), ROOT)


def runners():
    """{script that a recipe of the Makefile calls: the words in it}, with the playbooks that the scenarios share.

    What changes the code to see the unit tests fail is no place where a test passes.
    """
    recipes = '\n'.join(line for line in read('Makefile').splitlines() if line.startswith('\t'))
    scripts = sorted(set(word for word in WORD.findall(recipes)
                         if re.match('tests/(?!mutate/)|molecule/', word) and os.path.isfile(os.path.join(ROOT, word))))
    # What these scripts call in turn.
    scripts += ['molecule/test', 'molecule/shared/verify.yml', 'molecule/shared/verify_unchanged.yml']
    found = dict((script, set(WORD.findall(read(script)))) for script in scripts)
    found['Makefile'] = set(WORD.findall(recipes))
    return found


def runner_of(path, scripts):
    """A script that names a test file or a folder that it is in, or None."""
    names = [path] + [path[:place.start()] for place in re.finditer('/', path)][1:]
    return next((script for script, words in sorted(scripts.items()) if words.intersection(names)), None)


def files_of_tests():
    return sorted(path for folder in ('tests', 'molecule') for path in walk(folder)
                  if fnmatch.fnmatch(os.path.basename(path), 'test_*.py'))


def scenarios():
    return sorted(path.split('/')[1] for path in walk('molecule') if path.endswith('/molecule.yml'))


@pytest.mark.parametrize('path', [path for path in files_of_tests() if not path.startswith('tests/unit/')])
def test_a_test_file_stands_in_a_target(path):
    assert runner_of(path, runners()), '%s is run by no target: name it in tests/integration/run or tests/vm/all' % path


def test_unit_tests_are_all_run_by_their_folder():
    assert runner_of('tests/unit/test_new.py', runners()) == 'tests/unit/matrix'


@pytest.mark.parametrize('path', ['tests/integration/swap/test_new.py', 'tests/integration/new/test_new.py',
                                  'molecule/shared/tests/test_new.py'])
def test_a_new_test_file_is_missed_until_somebody_names_it(path):
    scripts = runners()
    assert runner_of(path, scripts) is None
    scripts['tests/vm/all'].add(path)
    assert runner_of(path, scripts) == 'tests/vm/all'


@pytest.mark.parametrize('scenario', scenarios())
def test_a_scenario_stands_in_a_target(scenario):
    """Those of virtual machines are found by their name."""
    if '_vm' in scenario:
        assert fnmatch.fnmatch('molecule/%s/molecule.yml' % scenario, 'molecule/*_vm*/molecule.yml')
        assert 'molecule/*_vm*/molecule.yml' in runners()['tests/vm/all']
    else:
        assert scenario in runners()['molecule/run']


def skips():
    """{reason: why it is accepted} of tests/skips.txt, whose format tests/results.py tells."""
    parts = re.split(r'\n(?=\S)', '\n'.join(line for line in read('tests/skips.txt').splitlines()
                                            if line and not line.startswith('#')))
    return dict(part.partition('\n')[::2] for part in parts)


@pytest.mark.parametrize('reason', sorted(skips()))
def test_a_skip_that_ci_accepts_has_a_reason_and_is_still_given(reason):
    assert len(skips()[reason].split()) > 5
    given = re.sub(r"^could not import ('\w+')\*$", r'importorskip(\1)', reason)
    sources = [read(path) for path in files_of_tests() + ['tests/unit/matrix', 'tests/testinfra/oom_rescue.py']]
    assert any(all(part.strip() in source for part in given.split('*')) for source in sources)


def test_each_attack_stands_in_their_table():
    listed = set(re.findall(r'(?m)\| `(\w+)`[^|]* \|$', read('tests/attacks/README.md')))
    there = set(name for path in walk('tests/attacks') if re.search(r'/test_\w+\.py\Z', path)
                for name, doc in re.findall(r'\ndef test_(\w+)\([^)]*\):\n    """(.*)', read(path))
                if not doc.startswith('No attack:'))
    assert listed == there and len(there) > 80
