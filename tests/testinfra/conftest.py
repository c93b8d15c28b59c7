# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets ``pytest --hosts=ansible://web tests/testinfra`` find the plugin beside it."""

import sys

INSTALLED = 'ansible_collections.oom.rescue.tests.testinfra.oom_rescue'

# Whoever names the installed plugin with -p has it already, and its options can be added once only.
pytest_plugins = (INSTALLED if INSTALLED in sys.modules else 'oom_rescue',)
