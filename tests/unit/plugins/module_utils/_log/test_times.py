# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import calendar

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.times import parse_iso, utc_seconds


@pytest.mark.parametrize('year', [1969, 1970, 1999, 2000, 2024, 2026, 2100, 2400, 2500])
def test_a_time_in_utc_is_the_calendar_s_on_each_first_and_last_day_of_a_month(year):
    for month in range(1, 13):
        for day in (1, calendar.monthrange(year, month)[1]):
            parts = (year, month, day, 23, 59, 58)
            assert utc_seconds(*parts) == calendar.timegm(parts)


@pytest.mark.parametrize('day, is_one', [
    ('2024-02-29', True), ('2000-02-29', True), ('2023-02-29', False), ('2100-02-29', False), ('2024-02-30', False)])
def test_a_day_that_its_year_has_not_is_no_time(day, is_one):
    assert (parse_iso(day + 'T00:00:00Z') is not None) is is_one
