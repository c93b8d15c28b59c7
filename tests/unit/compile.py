# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles each file under the folders named: what no unit test imports must be this Python too. Writes nothing."""

from __future__ import absolute_import, division, print_function

import os
import sys

for folder in sys.argv[1:]:
    for parent, _folders, files in os.walk(folder):
        for path in (os.path.join(parent, name) for name in files if name.endswith('.py')):
            with open(path, 'rb') as stream:
                compile(stream.read(), path, 'exec')
