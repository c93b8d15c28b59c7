# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single-file program with its code compiled for the Python that will run it, as compiling it is most of what a
run costs.

The archive keeps each file beside its compiled code: a newer Python that cannot read the code still runs the program.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import io
import marshal
import struct
import sys
import time
import zipfile
import zlib

# The last entry: what the others were made of. Pythons before 3.8 import nothing from an archive with a comment.
_NOTE = 'made-of'
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
# Python 3.7 and newer take code whatever time the file has (PEP 552).
_ANY_TIME = struct.pack('<LQ', 1, 0)


def compiled(program, before=b''):
    """The bytes of the program with its code compiled for this Python: ``before`` if it holds just that, ``program``
    itself if that is no archive.
    """
    if not _entries(program):
        return program
    known = _entries(before)
    if known and known[-1] == (_NOTE, known[-1][1], _note(program, known[:-1])) and _archive(known) == before:
        return before
    made = [entry for name, moment, content in _entries(program) for entry in _with_code(name, moment, content)]
    return _archive(made + [(_NOTE, _LONG_AGO, _note(program, made))])


def _entries(archive):
    """[(name, time, content)] of an archive; [] of anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as stream:
            return [(info.filename, info.date_time, stream.read(info)) for info in stream.infolist()]
    except (zipfile.BadZipfile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, NotImplementedError):
        return []


def _archive(entries):
    """The bytes of an archive, the same for the same entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_STORED) as archive:
        for name, moment, content in entries:
            info = zipfile.ZipInfo(name, moment)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, content)
    return target.getvalue()


def _note(program, entries):
    digest = hashlib.sha256(program + _magic())
    for name, _moment, content in entries:
        digest.update(name.encode('utf-8') + b'\n' + content)
    return digest.hexdigest().encode('ascii')


def _with_code(name, moment, content):
    """The entries of a file: itself, and what it is compiled to."""
    found = [(name, moment, content)]
    if name.endswith('.py'):
        code = marshal.dumps(compile(content, name, 'exec', 0, True))
        found.append((name + 'c', moment, _magic() + _stamp(moment, content) + code))
    return found


def _magic():
    if sys.version_info < (3,):
        import imp
        return imp.get_magic()
    import importlib.util
    return importlib.util.MAGIC_NUMBER


def _stamp(moment, content):
    """The bytes behind the magic number, which tell of which file this is the code."""
    if sys.version_info >= (3, 7):
        return _ANY_TIME
    # In local time, as zipimport reads it; where that changes, the file itself is read.
    seconds = struct.pack('<L', int(time.mktime(moment + (0, 0, -1))))
    return seconds + (struct.pack('<L', len(content)) if sys.version_info >= (3, 3) else b'')
