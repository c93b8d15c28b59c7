# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that reaches a user. Any other exception is a fault of the program, and stays a traceback.

An OSError has the system's own words and reaches a user as well, if it names its file.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import re

_FIELD = re.compile(r'\{(path|value|allowed)\}')


class RescueError(Exception):
    """What was asked cannot be done. str() is one line, ``path: problem: next step``.

    ``path`` is the file or option in question, ``value`` the value there, ``allowed`` the values that it may have, and
    ``next_step`` what to do; each may be None. ``problem`` may name them as ``{path}``, ``{value}`` and ``{allowed}``.
    ``changed`` is True if the host is not as it was before. ``result`` has what the module returns beside these.
    """

    result = {}

    def __init__(self, problem, path=None, value=None, allowed=None, next_step=None, changed=False):
        self.path, self.value, self.allowed, self.next_step = path, value, allowed, next_step
        self.changed = changed
        Exception.__init__(self, self._line(problem))

    def _line(self, problem):
        # One pass: braces in a value stay as they are.
        line = _FIELD.sub(lambda match: '%s' % (getattr(self, match.group(1)),), problem)
        if self.path is not None and '{path}' not in problem:
            line = '%s: %s' % (self.path, line)
        if self.next_step is not None:
            line = '%s: %s' % (line, self.next_step)
        return one_line(line)


def one_line(text):
    """A text as one line: its lines joined by ``; ``."""
    return '; '.join(line.strip() for line in text.splitlines() if line.strip())


def said(error):
    """An error as one line (str): of an OSError its file and the system's words."""
    if isinstance(error, (IOError, OSError)) and error.strerror:
        return ': '.join(one_line(str(part)) for part in (error.filename, error.strerror) if part)
    return one_line(str(error)) or type(error).__name__


@contextlib.contextmanager
def naming(path):
    """A context that puts ``path`` into an OSError that names no file, as the system names none for a descriptor."""
    try:
        yield
    except (IOError, OSError) as error:
        if error.filename is None:
            error.filename = path
        raise
