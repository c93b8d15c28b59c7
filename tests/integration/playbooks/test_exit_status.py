# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./rescue exits with for the claims of a report."""

import importlib.util

import pytest
from conftest import ROOT

HELD, OPEN, CANNOT, FALSE = ({'state': state} for state in ('held', 'open', 'cannot', 'false'))


@pytest.mark.parametrize('claims, strict, status', [
    ([HELD], True, 0), ([HELD, CANNOT], False, 0), ([HELD, CANNOT], True, 3), ([HELD, OPEN], False, 3),
    ([dict(OPEN, accepted=True)], True, 0), ([dict(OPEN, accepted=True), OPEN], False, 3), ([OPEN, FALSE], False, 2),
    ([dict(OPEN, accepted=True), FALSE], False, 2), ([], True, 0),
])
def test_the_worst_claim_decides_the_exit_status(claims, strict, status):
    spec = importlib.util.spec_from_file_location('rescue', ROOT / 'rescue.py')
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.exit_status({'hosts': [{'status': 'ok', 'claims': claims}]}, 0, strict) == status
