# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of antsibull-nox.toml, for the workflow on GitHub: `nox --list`."""

# /// script
# dependencies = ["nox==2026.10.20", "antsibull-nox==1.10.0"]
# ///

import antsibull_nox
import nox

antsibull_nox.load_antsibull_nox_toml()

if __name__ == '__main__':
    nox.main()
