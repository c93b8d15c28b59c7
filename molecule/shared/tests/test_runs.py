# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runs of a scenario said they did, in the order of its sequence."""

import pytest

RUNS = ('check', 'converge', 'again', 'check again', 'after the drift')


@pytest.fixture
def runs(records):
    """By run and role: {changed, actions, skipped_reason …}."""
    assert [record['check'] for record in records] == ['check' in run for run in RUNS]
    return {run: record['results'] for run, record in zip(RUNS, records)}


def said(run, name):
    return {role: result.get(name) for role, result in run.items()}


def test_check_mode_reports_what_the_run_then_does(runs):
    assert said(runs['check'], 'changed') == said(runs['converge'], 'changed')
    assert said(runs['check'], 'actions') == said(runs['converge'], 'actions')


def test_a_second_run_changes_nothing(runs):
    assert not any(said(runs['again'], 'changed').values())
    assert not any(said(runs['check again'], 'changed').values())


def test_a_run_after_the_drift_repairs_it(runs):
    # A role that changed nothing on a clean host has nothing to repair.
    assert said(runs['after the drift'], 'changed') == said(runs['converge'], 'changed')
