# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that could not start another: fork(2) failed with ENOMEM. Users call that out of memory too.

glibc has the words ``Cannot allocate memory`` for the error, musl ``Out of memory``.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._log.prefix import PrefixReader

MARKERS = (b'annot allocate memory', b'ut of memory', b' ENOMEM')
MOST = 1000
_LONGEST = 500

_GLIBC = re.compile(r'[Cc]annot allocate memory')
_MUSL = re.compile(r'\bOut of memory\b')
_FORK = re.compile(
    r"""\bv?fork(?:ed|ing)?\b|\bclone\d?\b|\bspawn(?:Sync|ing)?\b|posix_spawn|proc_open|popen|shell_exec|\bcan't\sfork|fork/exec
        |\berror=12\b|\[Errno\s12\]|\bcannot\srun\sprogram\b|fork_process|create\s(?:child\s)?process""",
    re.VERBOSE | re.IGNORECASE,
)
# The kernel's own words about its kills.
_KERNEL = re.compile(
    r'[Oo]ut of memory(?: \(oom_kill_allocating_task\))?(?:: Kill| and no killable)|oom-kill|panic_on_oom'
)

_QUOTED = re.compile(r"""(?<!\w)(["'`])(.*?)(?:\1(?!\w)|$)""")
_BRACKETED = re.compile(r'\[(?!Errno\b|client\b|pid\b)([^]]*)(?:\]|$)')
_OPTIONS = re.compile(r'\s--?[A-Za-z].*?(?=:? (?:- )?(?:error=|\[Errno|\(12\)|[Cc]annot allocate|Out of memory)|$)')


def without_arguments(message):
    """A message that names programs, without their arguments: a password may be among them."""
    message = _BRACKETED.sub(lambda match: '[%s]' % _program(match.group(1)), message)
    message = _QUOTED.sub(lambda match: match.group(1) + _program(match.group(2)) + match.group(1), message)
    return _OPTIONS.sub(' ...', message)


def _program(command):
    """The first word of a command line, with ``...`` behind it if there are more."""
    words = command.split(None, 1)
    if not words:
        return command
    program = '...' if '=' in words[0] else words[0].strip("'\",")
    return program if len(words) == 1 else program.replace('...', '') + ' ...'


class ForkFailures:
    """Takes the lines of a log from a Scanner, as Messages does, and keeps the failures in ``kept``."""

    def __init__(self):
        self.kept = []
        self.count = 0
        self._reader = PrefixReader()

    def wants_more(self):
        """False: a failure is told in one line."""
        return False

    def begin(self):
        """Do nothing: each line stands alone."""

    def pause(self):
        """Do nothing: no line is held."""

    def feed(self, batch):
        """Look at one line. The number of lines taken."""
        self._look_at(batch.texts[0], batch)
        return 1

    def _look_at(self, line, batch):
        libc = None
        if _GLIBC.search(line):
            libc = 'glibc'
        elif _MUSL.search(line):
            libc = 'musl'
        elif ' ENOMEM' not in line:
            return
        if not _FORK.search(line[: _LONGEST * 8]) or _KERNEL.search(line):
            return
        self.count += 1
        prefix, message = self._reader.split(line)
        if prefix is not None and prefix.says_kernel():
            return
        path, number, offset = batch.place(0)
        self.kept.append(
            {
                'prefix': prefix,
                'host': prefix.host if prefix else None,
                'program': prefix.program if prefix else None,
                'libc': libc,
                'message': without_arguments(message.strip()[: _LONGEST * 2])[:_LONGEST],
                'source': {'path': path, 'line': number, 'offset': offset},
            }
        )
        if len(self.kept) > MOST:
            del self.kept[0]
