# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host is as it was before: in check mode, and after the rollback."""


def test_no_file_and_no_setting_differs(host_before, host_now):
    assert sorted(set(host_now) - set(host_before)) == []
    assert sorted(set(host_before) - set(host_now)) == []
