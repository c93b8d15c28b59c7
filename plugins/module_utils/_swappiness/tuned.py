# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuned's active profile does about a sysctl key, and a child profile that sets another value."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import posixpath
import re

MAIN_CONF = '/etc/tuned/tuned-main.conf'
ACTIVE_PROFILE = '/etc/tuned/active_profile'
PROFILE_MODE = '/etc/tuned/profile_mode'
CHILD = 'oom-rescue'
_PID_FILE = '/run/tuned/tuned.pid'
_UNITS = '/etc/systemd/system'
_ENABLING = ('.wants', '.requires')
_MAX_PROFILES = 50


def _options(text):
    """Sections of a tuned file: [(name, [(option, value, line)])], in order; options before a section are in ''."""
    sections = [('', [])]
    for number, line in enumerate((text or '').splitlines(), 1):
        # A '#' after white space begins a comment, as tuned's parser has it.
        line = re.sub(r'(^|\s)#.*', '', line).strip()
        if not line or line[0] == ';':
            continue
        if line[0] == '[' and line[-1] == ']':
            sections.append((line[1:-1], []))
        elif '=' in line:
            option, _equals, value = line.partition('=')
            sections[-1][1].append((option.strip(), value.strip(), number))
    return sections


def _main_option(view, name):
    value = None
    for _section, options in _options(view.read(MAIN_CONF)):
        for option, text, _line in options:
            if option == name:
                value = text
    return value


def reapplies_sysctl(view):
    """reapply_sysctl of tuned-main.conf; on if it is not named (since tuned 2.5)."""
    value = _main_option(view, 'reapply_sysctl')
    return value is None or value.strip('"').lower() in ('1', 'y', 'yes', 't', 'true')


def profile_directories(view):
    """The directories of profiles, in rising precedence; tuned 2.24 moved the profiles down one level."""
    named = _main_option(view, 'profile_dirs')
    if named:
        return [path for path in re.split(r'\s*[,;]\s*', named) if path]
    if view.is_directory('/usr/lib/tuned/profiles'):
        return ['/usr/lib/tuned/profiles', '/etc/tuned/profiles']
    return ['/usr/lib/tuned', '/etc/tuned']


def active_profiles(view):
    """Names of the active profile, or of the several that are merged."""
    return (view.read(ACTIVE_PROFILE) or '').split()


def _find(view, name, seen):
    for directory in reversed(profile_directories(view)):
        path = '%s/%s/tuned.conf' % (directory, posixpath.basename(name.lstrip('-')))
        if path not in seen and view.read(path) is not None:
            return path
    return None


def _load(view, names, seen, chain):
    """Append (path, sections) of the profiles in the order in which tuned merges them: included ones come first.

    A variable in place of a name is None in the chain. False if a file is missing: tuned applies nothing then.
    """
    is_whole = True
    for name in names:
        path = _find(view, name, seen)
        if path is None or len(seen) >= _MAX_PROFILES:
            known = [posixpath.basename(posixpath.dirname(each)) for each in seen]
            is_whole = is_whole and (name in known or name.startswith('-'))
            continue
        seen.append(path)
        sections = _options(view.read(path))
        for section, options in sections:
            for option, value, _line in options:
                if section == 'main' and option == 'include':
                    if '${' in value:
                        chain.append(None)
                    else:
                        included = [each for each in re.split(r'\s*[,;]\s*', value) if each]
                        is_whole = _load(view, included, seen, chain) and is_whole
        chain.append((path, sections))
    return is_whole


def _enabled(options):
    values = [value for option, value, _line in options if option == 'enabled']
    return not values or values[-1] in ('1', 'true', 'True')


def _merge(chain):
    """Units of the merged profile: [{type, enabled, conditional, settings: {option: (value, path, line)}}].

    A None in the chain may have set anything: nothing before it is known any more.
    """
    units, order = {}, []
    for part in chain:
        if part is None:
            for unit in units.values():
                unit['settings'].clear()
            continue
        path, sections = part
        for name, options in sections:
            if name in ('', 'main', 'variables'):
                continue
            special = dict((option, value) for option, value, _line in options)
            if name not in units or special.get('replace') in ('1', 'true', 'True'):
                if name not in units:
                    order.append(name)
                units[name] = {'settings': collections.OrderedDict()}
            unit = units[name]
            unit['type'] = special.get('type', name)
            unit['enabled'] = _enabled(options)
            unit['conditional'] = unit.get('conditional') or 'uname_regex' in special or 'cpuinfo_regex' in special
            for dropped in re.split(r'\s*[,;]\s*', special.get('drop', '')):
                unit['settings'].pop(dropped, None)
            for option, value, line in options:
                unit['settings'][option] = (value, path, line)
    return [units[name] for name in order]


def _key_of(option):
    # tuned's own rule: every dot is a slash.
    return option.replace('.', '/')


def profile_setting(view, key):
    """{sets: bool, raw, source, line, sysctl: bool, complete: bool} of the active profile.

    ``sysctl`` is true if the profile has a sysctl unit at all: only then does tuned reapply the system's files.
    ``complete`` is false if a part of the profile is not known that could set it: a variable, a missing file, a unit
    for some processors alone.
    """
    chain = []
    names = active_profiles(view)
    whole = _load(view, names, [], chain) and bool(names)
    setting = {'sets': False, 'raw': None, 'source': None, 'line': None, 'sysctl': False,
               'complete': whole and None not in chain}
    if not whole:
        return setting
    for unit in _merge(chain):
        if unit['type'] != 'sysctl' or not unit['enabled']:
            continue
        setting['sysctl'] = True
        for option, (value, path, line) in unit['settings'].items():
            if _key_of(option) == _key_of(key):
                if unit['conditional']:
                    setting['complete'] = False
                    continue
                raw = re.sub(r'^"(.*)"$', r'\1', value)
                setting.update(sets=True, raw=raw, source=path, line=line, complete='${' not in raw)
    return setting


def paths(view):
    """All paths that the functions here look at."""
    unit = '/tuned.service'
    found = [MAIN_CONF, ACTIVE_PROFILE, PROFILE_MODE, _PID_FILE, _UNITS, _UNITS + unit, '/usr/lib/tuned/profiles']
    found += ['%s/%s%s' % (_UNITS, name, unit) for name in view.listdir(_UNITS) if name.endswith(_ENABLING)]
    for directory in profile_directories(view):
        found += ['%s/%s/tuned.conf' % (directory, name) for name in view.listdir(directory)]
    pid = _pid(view)
    return found + (['/proc/%s/comm' % pid] if pid else [])


def installed(view):
    """True if tuned is on this host, or has left a profile active."""
    return view.exists(MAIN_CONF) or view.exists(ACTIVE_PROFILE)


def enabled(view):
    """True if systemd starts tuned at boot."""
    if view.readlink(_UNITS + '/tuned.service') == '/dev/null':
        return False
    return any(view.exists('%s/%s/tuned.service' % (_UNITS, name))
               for name in view.listdir(_UNITS) if name.endswith(_ENABLING))


def running(view):
    """True if a tuned daemon runs now."""
    pid = _pid(view)
    return pid is not None and (view.read('/proc/%s/comm' % pid) or '').startswith('tuned')


def _pid(view):
    pid = (view.read(_PID_FILE) or '').strip()
    return pid if pid.isdigit() else None


def child_profile_path(view):
    """The path at which this tuned reads the profile that child_profile() makes."""
    return '%s/%s/tuned.conf' % (profile_directories(view)[-1], CHILD)


def child_profile(names, key, value):
    """The text of a profile that sets another value of one key than the profiles of these names.

    It includes one of them; several stay active beside it, as older tuned includes no more than one.
    """
    include = 'include=%s\n' % names[0] if len(names) == 1 else ''
    return ('# Made by the Ansible collection oom.rescue: another profile with one setting more.\n'
            '[main]\n'
            'summary=%s, with %s = %s\n'
            '%s'
            '\n'
            '[sysctl]\n'
            '%s=%s\n') % (', '.join(names), key, value, include, key, value)


def with_child(names):
    """The names of the active profiles with the child in place of these, or merged over them."""
    return [CHILD] if len(names) == 1 else names + [CHILD]


def has_child(view):
    """True if the child profile is active, where it has the last word."""
    return active_profiles(view)[-1:] == [CHILD]


def profiles_below_child(view):
    """The names of the active profiles, or of those from which the active child was made."""
    names = active_profiles(view)
    if names != [CHILD]:
        return [name for name in names if name != CHILD]
    for section, options in _options(view.read(child_profile_path(view))):
        for option, value, _line in options:
            if section == 'main' and option == 'include':
                return [value]
    return []
