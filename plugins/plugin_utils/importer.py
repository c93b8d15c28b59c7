# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the packages of module_utils on a node, each from one text: what payload.py sends as their __init__.py.

Files alike are smaller in one text than each by itself in an archive. Runs on Python 2.7 and 3.6 and newer.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pkgutil
import sys
import types

# Stands in a text between a file's name and its code, and before the next file's name.
BETWEEN = b'\0'
SUFFIX = '.txt'


class Importer(object):
    """A finder and a loader, of Python 2 and of Python 3, of what is below the package ``base``, in ``directory``."""

    def __init__(self, base, directory):
        self._base, self._directory, self._files = base, directory, {}

    def _below(self, name):
        """The names of the package and of the file in it that a module is, or None if it is none of these."""
        if not name.startswith(self._base + '.'):
            return None
        package, _dot, module = name[len(self._base) + 1:].partition('.')
        if package not in self._files:
            try:
                self._files[package] = self._read(package)
            except (IOError, OSError):
                self._files[package] = {}
        module = module or '__init__'
        return (package, module) if module in self._files[package] else None

    def _read(self, package):
        """{name of a file of a package: its code in bytes}"""
        words = pkgutil.get_data(self._base, package + SUFFIX).split(BETWEEN)
        return dict(zip(words[::2], words[1::2])) if str is bytes else dict(
            zip((word.decode('ascii') for word in words[::2]), words[1::2]))

    def _path(self, package, module):
        return '%s/%s/%s.py' % (self._directory, package, module)

    def _run(self, name, variables):
        package, module = self._below(name)
        # What is not needed anew makes room: a traceback, which shows code, reads the text again.
        code = self._files[package][module]
        self._files[package][module] = b''
        exec(compile(code, self._path(package, module), 'exec', 0, True), variables)

    def get_source(self, name):
        """The code of a module, of which a traceback shows lines."""
        package, module = self._below(name)
        code = self._read(package)[module]
        return code if str is bytes else code.decode('utf-8')

    def find_spec(self, name, _path=None, _target=None):
        """What Python 3 asks of a finder."""
        found = self._below(name)
        if found is None:
            return None
        from importlib.util import spec_from_file_location
        path = self._path(*found)
        inside = [path.rpartition('/')[0]] if found[1] == '__init__' else None
        return spec_from_file_location(name, path, loader=self, submodule_search_locations=inside)

    def create_module(self, _spec):
        """Leave it to Python 3 to make the module."""

    def exec_module(self, module):
        """What Python 3 asks of a loader."""
        self._run(module.__name__, module.__dict__)

    def find_module(self, name, _path=None):
        """What Python 2 asks of a finder."""
        return self if self._below(name) else None

    def load_module(self, name):
        """What Python 2 asks of a loader."""
        module = sys.modules[name] = types.ModuleType(name)
        module.__file__, module.__loader__ = self._path(*self._below(name)), self
        module.__package__ = name.rpartition('.')[0]
        if self._below(name)[1] == '__init__':
            module.__package__, module.__path__ = name, [module.__file__.rpartition('/')[0]]
        try:
            self._run(name, module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
        return module
