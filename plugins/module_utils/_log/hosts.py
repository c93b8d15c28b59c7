# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host a line of a log is of, by the host name in it: a syslog may have lines of many hosts, and any user may
write any name.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

# Names that a syslog daemon writes before the host has one, or if it does not ask for it.
_OWN = ('localhost', '(none)', '-', '127.0.0.1', '::1')


def same_host(first, second):
    """True if two names may be those of one host, or one is missing. Syslog writes the short name, the journal the long
    one.
    """
    if not first or not second:
        return True
    first, second = [name.strip('[].').lower() for name in (first, second)]
    if first == second:
        return True
    first, second = first.split('.')[0], second.split('.')[0]
    return first == second and not first.isdigit()


def is_of(name, own):
    """True if a host name in a log may be that of the host ``own``. None is a name that is not known."""
    return same_host(name, own) or name.strip('[].').lower().split('.localdomain')[0] in _OWN


def is_named(name, own):
    """True if a host name in a log is that of the host ``own``, and not one that many hosts have."""
    if not name or not own or not same_host(name, own):
        return False
    return own.lower().split('.localdomain')[0] not in _OWN
