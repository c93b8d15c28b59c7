# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that reaches a user. All else that is raised is a fault of the program, and stays a traceback.

An OSError is the system's own word and reaches a user as well, if it names its file.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import re

_FIELD = re.compile(r'\{(path|found|allowed)\}')


class RescueError(Exception):
    """What was asked cannot be done; str() is one line, ``path: problem: next step``.

    ``path`` is the file or option that it is about, ``found`` the value there, ``allowed`` what may be there, and
    ``next_step`` what to do; each is None if there is none. ``problem`` may say ``{path}``, ``{found}`` and
    ``{allowed}`` in its own words. ``changed`` is True if the host is not as it was before. ``result`` is what the
    module's result has beside these.
    """

    result = {}

    def __init__(self, problem, path=None, found=None, allowed=None, next_step=None, changed=False):
        self.path, self.found, self.allowed, self.next_step = path, found, allowed, next_step
        self.changed = changed
        Exception.__init__(self, self._line(problem))

    def _line(self, problem):
        # One pass: a value that has braces of its own stays as it is.
        line = _FIELD.sub(lambda match: '%s' % (getattr(self, match.group(1)),), problem)
        if self.path is not None and '{path}' not in problem:
            line = '%s: %s' % (self.path, line)
        if self.next_step is not None:
            line = '%s: %s' % (line, self.next_step)
        return one_line(line)


def one_line(text):
    """A text as one line: what its lines say, with ``; `` between them."""
    return '; '.join(line.strip() for line in text.splitlines() if line.strip())


def said(error):
    """An error in one line, str; of an OSError its file and the system's word."""
    if isinstance(error, (IOError, OSError)) and error.strerror:
        return ': '.join(one_line(str(part)) for part in (error.filename, error.strerror) if part)
    return one_line(str(error)) or type(error).__name__


@contextlib.contextmanager
def naming(path):
    """A context that names ``path`` in an OSError that names no file: of a descriptor, the system does not say it."""
    try:
        yield
    except (IOError, OSError) as error:
        if error.filename is None:
            error.filename = path
        raise
