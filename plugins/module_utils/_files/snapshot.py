# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a host as they were at one moment, read like a Host: a plan that is made of them reads nothing itself."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import posixpath

from .reader import FAILURES, said


class Snapshot:
    """The files, links and directories of ``paths``, and what the links lead to. All else is not there.

    A file that cannot be read has no text. Of a directory the names are taken, not the files in it.
    """

    def __init__(self, host, paths):
        self._there, self._links, self._names, self._texts, self._errors = set(), {}, {}, {}, {}
        for path in paths:
            self._take(host, path)

    def _take(self, host, path):
        if path in self._there or not host.exists(path):
            return
        self._there.add(path)
        target = host.readlink(path)
        try:
            if target is not None:
                self._links[path] = target
                self._take(host, _joined(path, target))
            elif host.is_directory(path):
                self._names[path] = host.listdir(path)
            else:
                self._texts[path] = host.read(path)
        except FAILURES as error:
            self._errors[path] = error

    def _real(self, path):
        seen = set()
        while path in self._links and path not in seen:
            seen.add(path)
            path = _joined(path, self._links[path])
        return path

    def read(self, path, name=None):
        """The text of a file, or None. ``name`` is for the errors of Host, and is not used here."""
        return self._texts.get(self._real(path))

    def problem(self, path, name=None):
        """The reason why a file that is there could not be read, in one line, or None."""
        error = self._errors.get(self._real(path))
        return None if error is None else said(name or path, error)

    def readlink(self, path):
        """The target of a symbolic link, or None."""
        return self._links.get(path)

    def exists(self, path):
        """True if anything, a dangling link included, has this name."""
        return path in self._there

    def is_directory(self, path):
        """True if it is a directory, or a link to one."""
        return self._real(path) in self._names

    def listdir(self, path):
        """Sorted names in a directory; none if there is no such directory."""
        return self._names.get(self._real(path), [])


def _joined(path, target):
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
