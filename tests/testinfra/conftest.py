# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets ``pytest --hosts=ansible://web tests/testinfra`` find the plugin beside it."""

pytest_plugins = ('oom_rescue',)
