# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remedy does not restart what it protects."""


def servers(lines):
    return [line.split()[1] for line in lines if line.startswith('mysqld ')]


def test_the_database_server_has_the_same_pid(host_before, host_now):
    assert servers(host_now) == servers(host_before)
