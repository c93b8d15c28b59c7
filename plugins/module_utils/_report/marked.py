# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the lines that have one of hundreds of words: by grep, which looks for all of them at once, else word by word.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import subprocess
import threading

from .._files.command import start

# To start a program takes as long as to search so many bytes word by word.
LEAST = 1 << 18
_SECONDS = 20
_MOST_OUTPUT = 1 << 24
_PROBE = b'x\nyy words zz\n'


class Words:
    """Some words, and the way to look for them here. ``with_grep`` None is grep if it can tell where words stand."""

    def __init__(self, words, with_grep=None):
        self.words = tuple(words)
        self._ascii = tuple(word for word in self.words if _is_ascii(word))
        self._with_grep = with_grep

    def line_offsets(self, data, begin, end):
        """The sorted offsets of the lines of ``data`` that have a word from ``begin`` on and before ``end``.

        A line that begins before ``begin`` was looked at before, unless ``begin`` is the beginning of the data.
        """
        places = self._by_grep(data, begin, end) if end - begin >= LEAST and self._has_grep() else None
        if places is None:
            places = self._one_by_one(data, begin, end)
        starts = set(data.rfind(b'\n', 0, place) + 1 for place in places)
        return sorted(start for start in starts if start >= begin or begin == 0)

    def within(self, line):
        """The words that a line has."""
        return [word for word in self.words if word in line]

    def _one_by_one(self, data, begin, end):
        places = []
        for word in self._ascii if _is_ascii(data[begin:end]) else self.words:
            place = data.find(word, begin, end)
            while place >= 0:
                places.append(place)
                place = data.find(word, place + len(word), end)
        return places

    def _has_grep(self):
        if self._with_grep is None:
            # busybox's has no -b, and others print the offset of the line.
            self._with_grep = _grep((b'words',), _PROBE) == [5]
        return self._with_grep

    def _by_grep(self, data, begin, end):
        # Python 2 passes on only what it can slice.
        places = _grep(self.words, data[begin:end] if str is bytes else memoryview(data)[begin:end])
        if places is None:
            self._with_grep = False
            return None
        return [begin + place for place in places]


def _is_ascii(data):
    try:
        data.decode('ascii')
    except UnicodeDecodeError:
        return False
    return True


def _grep(words, data):
    """The offsets of words in some bytes, at least one for each line that has any; None if grep does not tell."""
    try:
        process = start(['grep', '-abFo', '-e', b'\n'.join(words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE)
    except (OSError, ValueError):
        return None
    timer = threading.Timer(_SECONDS, process.kill)
    timer.start()
    try:
        out = process.communicate(data)[0]
    except (IOError, OSError):
        process.kill()
        process.wait()
        return None
    finally:
        timer.cancel()
    # no line: Status 1 means that no line has one.
    if process.returncode not in (0, 1) or len(out) > _MOST_OUTPUT:
        return None
    try:
        return [int(row.partition(b':')[0]) for row in out.splitlines() if row]
    except ValueError:
        return None
