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
    assert program().exit_status({'hosts': [{'status': 'ok', 'claims': claims}]}, 0, strict) == status


@pytest.mark.parametrize('hosts, code, status', [
    ([{'status': 'ok', 'not_read': ['/var/log/x']}], 2, 5), ([{'status': 'failed', 'not_read': ['/x']}], 2, 5),
    ([{'status': 'failed', 'not_read': []}], 2, 2), ([{'status': 'ok', 'not_read': ['/x'], 'claims': [FALSE]}], 2, 2),
    ([{'status': 'failed', 'not_read': ['/x']}, {'status': 'failed', 'not_read': []}], 2, 2),
    ([{'status': 'ok', 'not_read': []}], 0, 0),
])
def test_a_log_that_was_named_on_a_host_and_not_read_is_told_by_the_exit_status(hosts, code, status):
    assert program().exit_status({'hosts': hosts}, code) == status


def program():
    spec = importlib.util.spec_from_file_location('rescue', ROOT / 'rescue.py')
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
