# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a node for a module: Ansible's own file, with this collection's code without what only people read.

Ansible sends a module with all that it imports for each run. A third of that is docstrings, comments and documentation.
Lines keep their numbers, so a traceback names the line of the file here.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import os
import re
import tempfile
import zipfile

from ansible import constants

# The packed files in Ansible's text, and those of them that are ours.
_PACKED = re.compile(rb'[A-Za-z0-9+/]{4096,}={0,2}')
_OURS = re.compile(r'ansible_collections/oom/rescue/plugins/.*\.py\Z')
# A line that is a comment, what a docstring or a module's documentation begins with and its text, any other long text.
_READ = re.compile(r"""^ *\#[^\n]*|((?:(?<=:\n) +|^(?:DOCUMENTATION = |EXAMPLES = |RETURN = )?)r?)\"{3}.*?\"{3}|"""
                   r"""(\"{3}|'{3}).*?\2""", re.DOTALL | re.MULTILINE)


def bare(text):
    """Python code with empty docstrings and documentation, and empty lines in place of comments."""
    return _READ.sub(_emptied, text)


def _emptied(match):
    before, other = match.groups()
    if other is not None:
        return match.group()
    return (before + '""' if before is not None else '') + '\n' * match.group().count('\n')


def smaller(built):
    """What ActionBase._configure_module() returns, with a shorter text of the module; the same if it is another's."""
    try:
        if dataclasses.is_dataclass(built[0]):
            return (dataclasses.replace(built[0], b_module_data=_shorter(built[0].b_module_data)), *built[1:])
        style, shebang, text, *rest = built
        return (style, shebang, _shorter(text), *rest)
    except (AttributeError, LookupError, TypeError, ValueError, OSError, zipfile.BadZipFile):
        # Another ansible-core may pack it in another way: then it is sent as it is.
        return built


def _shorter(text):
    found = max(_PACKED.finditer(text), key=lambda match: len(match.group()))
    return text[:found.start()] + _kept(found.group()) + text[found.end():]


def _kept(packed):
    """The packed files, packed anew: once in a run of Ansible, whose tasks are processes of their own."""
    path = os.path.join(constants.DEFAULT_LOCAL_TMP, 'oom_rescue-' + hashlib.sha256(packed).hexdigest())
    try:
        with open(path, 'rb') as stream:
            return stream.read()
    except FileNotFoundError:
        pass
    shorter = _packed_anew(packed)
    with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP, delete=False) as stream:
        stream.write(shorter)
    os.rename(stream.name, path)
    return shorter


def _packed_anew(packed):
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed, validate=True))) as before, \
            zipfile.ZipFile(target, 'w') as after:
        for entry in before.infolist():
            data = before.read(entry)
            if _OURS.match(entry.filename):
                data = bare(data.decode('utf-8')).encode('utf-8')
            after.writestr(entry, data, compresslevel=9)
    return base64.b64encode(target.getvalue())
