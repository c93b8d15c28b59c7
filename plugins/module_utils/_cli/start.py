# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of the single-file program. A watch that finds nothing new ends before the rest is read."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import signal


def start(arguments):
    """Run the command that the arguments name; returns the exit status."""
    # Whoever reads no further, as `head` does, ends it quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        if arguments[:1] == ['watch']:
            from .._watch.run import main as watch
            return watch(arguments[1:])
        from .main import main
        return main(arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
