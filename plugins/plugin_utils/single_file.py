# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes oom-rescue.pyz: the code of plugins/module_utils that the program needs, as one file that any Python runs.

    python3 plugins/plugin_utils/single_file.py [oom-rescue.pyz]

The same code gives the same bytes, with each Python and zlib: nothing is compressed, and no time is in it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ast
import io
import os
import sys
import zipfile

NAME = 'oom-rescue.pyz'
START = '_cli.start'
CODE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'module_utils')
_PACKAGE = 'oom_rescue'
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MAIN = b'''\
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import sys

from oom_rescue._cli.start import start

if __name__ == '__main__':
    sys.exit(start(sys.argv[1:]))
'''


def _path(name):
    return os.path.join(CODE, *name.split('.')) + '.py'


def _content(name):
    with io.open(_path(name), 'rb') as stream:
        return stream.read()


def _imported(name):
    """The files of module_utils that the file ``name`` imports, in a function too."""
    found = set()
    for node in ast.walk(ast.parse(_content(name))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = name.split('.')[:-node.level] + ([node.module] if node.module else [])
            # What stands behind ``import`` may be a file, or a name in one.
            found.update(['.'.join(above)] + ['.'.join(above + [alias.name]) for alias in node.names])
    return set(one for one in found if one and os.path.isfile(_path(one)))


def needed(start=START):
    """The names of the files that the file ``start`` needs, itself included, sorted: ``_log.messages``."""
    found, ahead = set(), [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead.extend(_imported(name))
    return sorted(found)


def single_file():
    """The program's bytes."""
    files = {'__main__.py': _MAIN, _PACKAGE + '/__init__.py': b''}
    for name in needed():
        package, _dot, file_name = name.rpartition('.')
        files['%s/%s/__init__.py' % (_PACKAGE, package)] = b''
        files['%s/%s/%s.py' % (_PACKAGE, package, file_name)] = _content(name)
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, files[name])
    return target.getvalue()


def main(path=NAME):
    """Write the program into the file ``path``."""
    with io.open(path, 'wb') as stream:
        stream.write(single_file())


if __name__ == '__main__':
    main(*sys.argv[1:2])
