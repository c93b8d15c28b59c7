# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a program which tunes a host runs at its start: scripts of tuned's profiles, notes of saptune.

Profiles and notes of a package leave the host as it is meant to be: those of an administrator are read. What a profile
of tuned sets by its own section of sysctl is no command.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .commands import Command, of_script, perhaps

_ACTIVE_PROFILE = '/etc/tuned/active_profile'
# Since tuned 2.24 the first.
_PROFILES = ('/etc/tuned/profiles/', '/etc/tuned/')
_MOST_PROFILES = 20
_OPTION = re.compile(r'(?m)^\s*(include|script)\s*=\s*(.*)$')
# What saptune-note(5) has in the section [sysctl]; no other section has keys with a dot before the first blank.
_NOTES = ('/etc/saptune/override/', '/etc/saptune/extra/')
_KEY = re.compile(r'\s*((?:vm|kernel)[./]\w+)\s*=\s*(\S+)')


def at_start(host, view, units):
    """The commands (Command) of tuned and saptune, if the boot starts them; ``units`` are None without systemd."""
    started = units.started() if units is not None else []
    return (perhaps(_of_tuned(host, view)) if 'tuned.service' in started else []) + (
        _of_saptune(view) if 'saptune.service' in started else [])


def _of_tuned(host, view):
    """The commands of the scripts of the active profiles, and of those that they include."""
    names, found = (view.read(_ACTIVE_PROFILE) or '').split(), []
    for name in names:
        folder = next((place + name for place in _PROFILES if view.exists('%s%s/tuned.conf' % (place, name))), None)
        for option, value in _OPTION.findall(view.read(folder + '/tuned.conf') or '') if folder else ():
            words = re.split(r'[\s,;]+', value.strip())
            if option == 'script':
                found += of_script(host, view, words[0].replace('${i:PROFILE_DIR}', folder))
            else:
                names += [word for word in words if '/' not in word and word not in names][
                    :max(0, _MOST_PROFILES - len(names))]
    return found


def _of_saptune(view):
    """What each note would set; which of them are applied is not told."""
    return [Command(folder + name, number, 'sysctl -w %s=%s' % _KEY.match(line).groups(), False)
            for folder in _NOTES for name in view.listdir(folder)
            for number, line in enumerate((view.read(folder + name) or '').splitlines(), 1) if _KEY.match(line)]
