# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials with which systemd hands a service of the boot lines beside those of its files
(systemd.system-credentials(7)): ``sysctl.extra``, ``tmpfiles.extra``.

The boot loader or the virtual machine's host may give one, or a file of that name in a store of this host.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch

ETC = '/etc/credstore'
# Of one name the first counts (systemd.exec(5), LoadCredential=).
_STORES = (ETC, '/usr/local/lib/credstore', '/usr/lib/credstore')
_ENCRYPTED = ('.encrypted', '@encrypted')
# What was given to this boot alone may be given to the next as well.
_OF_THIS_BOOT = ('/run/credstore', '/run/credentials/@system', '/run/credentials/@encrypted')
_LOADS = ('LoadCredential', 'LoadCredentialEncrypted')


def places(units, unit, name):
    """The paths at which a unit (of ``units``, Units or None) would find a credential, the first that counts first.

    None of them has to be there. It is an empty list if the unit does not ask for such a credential.
    """
    found = []
    for _path, _line, key, value in units.settings(unit) if units is not None else []:
        asked, _colon, path = value.partition(':')
        if key in _LOADS and asked == name:
            found += [path] if path.startswith('/') else _everywhere(name)
        elif key == 'ImportCredential' and fnmatch.fnmatchcase(name, asked):
            found += _everywhere(name)
    return found


def _everywhere(name):
    return ['%s%s/%s' % (store, kind, name) for store in _STORES for kind in ('', '.encrypted')] + [
        '%s/%s' % (store, name) for store in _OF_THIS_BOOT]


def files(view, paths):
    """The paths of those of places() that are there and count, the last one with the last word."""
    there = [path for path in paths if view.exists(path)]
    of_this_boot = [path for path in there if path.startswith('/run/')]
    return [path for path in there if path not in of_this_boot][:1] + of_this_boot


def is_encrypted(path):
    """True if a path of files() is one that systemd alone can read."""
    return path.rsplit('/', 1)[0].endswith(_ENCRYPTED)


def masked_path(path):
    """The path in /etc of a file that counts before one of that name in another store."""
    return '%s/%s' % (ETC, path.rsplit('/', 1)[1])


def is_stored(path):
    """True if a path is one of a credential in a store."""
    return path.rsplit('/', 1)[0] in _STORES


def paths(places_of):
    """All paths of {name: places()}."""
    return [path for name in sorted(places_of) for path in places_of[name]]
