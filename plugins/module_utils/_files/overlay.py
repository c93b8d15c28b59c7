# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host, or a snapshot of one, as it would be after some edits: a plan can be judged before it is applied."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import posixpath

from .reader import FAILURES

_MAX_LINKS = 40


class Overlay:
    """Reads like ``host``, with ``edits`` (path -> text, or None for a removed file) on top.

    Symbolic links are resolved to the node's own paths, so an absolute link stays below the host's root.
    """

    def __init__(self, host):
        self._host = host
        self.edits = {}

    def real(self, path):
        """The path that a file's symbolic links lead to."""
        for _count in range(_MAX_LINKS):
            if path in self.edits:
                return path
            target = self._host.readlink(path)
            if target is None:
                return path
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return path

    def read(self, path):
        """The text of a file, or None if there is none or it cannot be read."""
        real = self.real(path)
        if real in self.edits:
            return self.edits[real]
        try:
            # Without ``name``, so that a host that keeps what was read knows the file again.
            return self._host.read(real) if real == path else self._host.read(real, name=path)
        except FAILURES:
            return None

    def problem(self, path):
        """The reason why a file that is there cannot be read, in one line, or None."""
        real = self.real(path)
        return None if real in self.edits else self._host.problem(real, path)

    def readlink(self, path):
        """The target of a symbolic link, or None; a file that was edited is no link."""
        return None if path in self.edits else self._host.readlink(path)

    def exists(self, path):
        """True if anything has this name, with the planned files and without those that are to be removed."""
        if path in self.edits:
            return self.edits[path] is not None
        return self._host.exists(path)

    def is_directory(self, path):
        """True if it is a directory of the host, or a link to one."""
        return self._host.is_directory(path)

    def listdir(self, path):
        """Sorted names in a directory, planned ones included."""
        try:
            names = set(self._host.listdir(path))
        except (IOError, OSError):
            names = set()
        for edited, text in self.edits.items():
            if posixpath.dirname(edited) == path:
                (names.discard if text is None else names.add)(posixpath.basename(edited))
        return sorted(names)

    def edit(self, path, text):
        """Plan the text of a file, None to remove it. Of a link the file that it names is edited. The text that is
        there is no edit.
        """
        path = self.real(path)
        self.edits.pop(path, None)
        if self.read(path) != text:
            self.edits[path] = text
