# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a node for a module: Ansible's own file, without what only people read, and each package as one text.

Ansible sends a module with all that it imports for each run. A third of that is docstrings, comments and documentation;
a quarter of the rest is what many small files in an archive cost more than one. Lines keep their numbers, so that a
traceback names the line of the file here.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import dataclasses
import fcntl
import hashlib
import io
import os
import re
import tempfile
import zipfile
from pathlib import Path

from ansible import constants
from ansible_collections.oom.rescue.plugins.plugin_utils import importer

# The packed files in Ansible's text, and those of them that are in a package of ours.
_PACKED = re.compile(rb'[A-Za-z0-9+/]{4096,}={0,2}')
_BASE = 'ansible_collections/oom/rescue/plugins/module_utils/'
_OURS = re.compile(_BASE + r'(\w+)/(\w+)\.py\Z')
_INSTALLED = '\nsys.meta_path.insert(0, Importer(__name__, __path__[0]))\n'
# How the files begin that this keeps below DEFAULT_LOCAL_TMP within a run.
_KEPT = 'oom_rescue-%s-'
_DOCUMENTATION = ('DOCUMENTATION', 'EXAMPLES', 'RETURN')


def bare(text):
    """Return Python code with empty docstrings and documentation, and empty lines in place of comments.

    Lines keep their numbers. Raises SyntaxError or ValueError for what this Python does not read.
    """
    lines, tree = text.split('\n'), ast.parse(text)
    for node in _statements(tree):
        read = _read_by_people(node)
        if read is not None:
            first, last = read.lineno - 1, read.end_lineno - 1
            # Columns are of UTF-8.
            before = lines[first].encode('utf-8')[:read.col_offset].decode('utf-8')
            behind = lines[last].encode('utf-8')[read.end_col_offset:].decode('utf-8')
            lines[first:last + 1] = [before + '""'] + [''] * (last - first)
            lines[last] += behind
    strings = _lines_in_strings(tree, '\n'.join(lines))
    return '\n'.join('' if line.lstrip(' ').startswith('#') and number not in strings else line
                     for number, line in enumerate(lines))


def _statements(tree):
    """Return the statements of a syntax tree and the tree itself, the last first, as they are to be cut.

    Expressions are not walked through: they are most of a tree.
    """
    found, left = [], [tree]
    while left:
        node = left.pop()
        found.append(node)
        for field in ('body', 'handlers', 'orelse', 'finalbody', 'cases'):
            left.extend(getattr(node, field, ()))
    return sorted(found, key=lambda node: getattr(node, 'lineno', 0), reverse=True)


def _lines_in_strings(tree, text):
    """Return the numbers, from 0, of lines that begin within a string: what looks like a comment there is none."""
    if not any(words in text for words in ('"""', "'''", '\\\n')):
        return ()
    return {number for node in ast.walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr))
            for number in range(node.lineno, node.end_lineno)}


def _read_by_people(node):
    """Return the text that is a docstring or a module's documentation at a node of the syntax tree, else None."""
    value = None
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body and isinstance(
            node.body[0], ast.Expr):
        value = node.body[0].value
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) in _DOCUMENTATION:
        value = node.value
    return value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def smaller(built):
    """What ActionBase._configure_module() returns, with a shorter text of the module; the same if it is another's.

    Whoever keeps Ansible's files on the node, to look for a fault there, finds them as Ansible makes them.
    """
    if constants.DEFAULT_KEEP_REMOTE_FILES:
        return built
    try:
        if dataclasses.is_dataclass(built[0]):
            return (dataclasses.replace(built[0], b_module_data=_shorter(built[0].b_module_data)), *built[1:])
        style, shebang, text, *rest = built
        return (style, shebang, _shorter(text), *rest)
    except (AttributeError, LookupError, SyntaxError, TypeError, ValueError, OSError, zipfile.BadZipFile):
        # Another ansible-core may pack it in another way: then it is sent as it is.
        return built


def _shorter(text):
    found = max(_PACKED.finditer(text), key=lambda match: len(match.group()))
    with _turn():
        packed = _kept(_packed_anew, found.group())
    return text[:found.start()] + packed + text[found.end():]


@contextlib.contextmanager
def _turn():
    """Work while no other process of this run of Ansible does: each host's would make the same at the same time."""
    with open(os.path.join(constants.DEFAULT_LOCAL_TMP, _KEPT % 'turn'), 'ab') as stream:
        with contextlib.suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _kept(function, data):
    """What a function makes of bytes: made once in a run of Ansible, whose tasks are processes of their own."""
    name = _KEPT % function.__name__.strip('_') + hashlib.sha256(data).hexdigest()
    path = os.path.join(constants.DEFAULT_LOCAL_TMP, name)
    try:
        with open(path, 'rb') as stream:
            return stream.read()
    except FileNotFoundError:
        pass
    made = function(data)
    write_whole(path, made)
    return made


def write_whole(path, data):
    """Write a file that is there whole or not at all, whoever else writes it. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as stream:
        stream.write(data)
    os.rename(stream.name, path)


def _packed_anew(packed):
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed, validate=True))) as before, \
            zipfile.ZipFile(target, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as after:
        for name, data in _sent({name: before.read(name) for name in before.namelist()}).items():
            after.writestr(name, data)
    return base64.b64encode(target.getvalue())


def _sent(files):
    """{name: bytes} of what is sent of an archive of Python files."""
    sent, packages = {}, {}
    for name, data in files.items():
        # Each module has half of these files.
        code = _kept(_bare_bytes, data) if name.endswith('.py') else data
        ours = _OURS.match(name)
        if ours:
            packages.setdefault(ours[1], []).append((ours[2].encode('ascii'), code))
        else:
            sent[name] = code
    for package, rows in packages.items():
        words = [word for row in sorted(rows) for word in row]
        sent[_BASE + package + importer.SUFFIX] = importer.BETWEEN.join(words)
    if packages:
        sent[_BASE + '__init__.py'] = (bare(Path(importer.__file__).read_text(encoding='utf-8')) + _INSTALLED).encode()
    return sent


def _bare_bytes(data):
    """A file's code as bare() has it; the same where this Python does not read it, as Ansible's may be of another."""
    try:
        return bare(data.decode('utf-8')).encode('utf-8')
    except (SyntaxError, ValueError):
        return data


# Of these files, those with what is sent of a module.
SENT = _KEPT % _packed_anew.__name__.strip('_')
