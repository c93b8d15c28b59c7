# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A score for what runit, daemontools or s6 starts: in the script ``run`` of its directory, before all that it does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.identity import trusted_path
from .own_score import own_score

# What a boot makes anew: s6-rc and runit's cpsv put copies of their services there.
_VOLATILE = ('/run/', '/tmp/', '/dev/')
# -c takes a command from the line, -n runs nothing, -s reads from elsewhere.
_SHELL = re.compile(r'#![ \t]*(?:\S*/env[ \t]+(?:-S[ \t]+)?)?(?:\S*/)?(?:busybox[ \t]+)?(?:ba|da|a|k|mk|z)?sh'
                    r'(?:[ \t]+-[abefhlmpuvx]+)*[ \t]*\Z')


def script_facts(host, directory):
    """{file, text, flaw, own} of a service's ``run``: what may be edited, or None, and ``flaw``, the reason if not.

    ``flaw`` is ``open`` if others than root can change it, ``volatile``, or ``no shell``; ``own`` as of own_score().
    """
    path = directory + '/run'
    trusted = trusted_path(host, path)
    text = host.read(trusted) if trusted else None
    flaw = _flaw(trusted, text)
    return {'file': None if flaw else trusted, 'path': trusted or path, 'text': text, 'flaw': flaw, 'start': True,
            'own': own_score([(trusted, text)]) if text else None}


def _flaw(path, text):
    if text is None:
        return 'open'
    if path.startswith(_VOLATILE):
        return 'volatile'
    return None if _SHELL.match(text.split('\n', 1)[0]) else 'no shell'
