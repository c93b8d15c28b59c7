# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would do, by its variables and by what was asked for on the host before: remedies are judged by that."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.sizes import SizeError, parse_size
from .case import DEFAULTS

_TEXTS = (str, type(u''))
_AUTO = 'auto'
_NUMBER = re.compile(r'-?[0-9]{1,4}\Z')
# Of a score; a swappiness has less.
_LARGEST = 1000
# A variable of a role, the option of remedies_of(), and the remedy whose record on the host keeps the variable.
_SIMPLE = (('swap_path', 'swap_path', 'swap'), ('swappiness_value', 'swappiness', 'swappiness'),
           ('oom_protect_value', 'protect', 'oom_protect'))
VARIABLES = ('swap_path', 'swap_size', 'swap_expected_peak', 'swappiness_value', 'oom_protect_process',
             'oom_protect_value')


def options_of(wanted=None, host_facts=None):
    """remedies_of()'s options for ``wanted``, {variable of a role: value}, on a host with these memory facts.

    If a variable is not given, what was asked for on the host before counts, else the role's default. A value that a
    role would refuse counts for nothing here: the role says so.
    """
    wanted = dict((name, value) for name, value in (wanted or {}).items() if value not in (None, '', []))
    options = {}
    for name, option, remedy in _SIMPLE:
        value = _value(name, remedy, wanted, host_facts, DEFAULTS[option])
        if _is_like(value, DEFAULTS[option]):
            options[option] = type(DEFAULTS[option])(value)
    options['swap_size'] = _value('swap_size', 'swap', wanted, host_facts, _AUTO)
    options['expected_peak_bytes'] = _size(_value('swap_expected_peak', 'swap', wanted, host_facts, None))
    options['protect_names'] = _names(_value('oom_protect_process', 'oom_protect', wanted, host_facts, None))
    return options


def _value(name, remedy, wanted, host_facts, default):
    value = wanted.get(name)
    if value is not None and value != default:
        return value
    kept = (((host_facts or {}).get('kept') or {}).get(remedy) or {}).get('asked')
    return kept.get(name, default) if isinstance(kept, dict) else default


def _is_like(value, default):
    if isinstance(default, int):
        return bool(_NUMBER.match('%s' % (value,))) and abs(int(value)) <= _LARGEST
    return isinstance(value, _TEXTS)


def _size(value):
    """Bytes; None if there is no value, or it is no size."""
    try:
        return None if value is None else parse_size(value)
    except SizeError:
        return None


def _names(value):
    """Names of servers to spare: those that were asked for, and the databases."""
    asked = value.split(',') if isinstance(value, _TEXTS) else value if isinstance(value, (list, tuple)) else []
    names = [name.strip() for name in asked if isinstance(name, _TEXTS) and name.strip()]
    return tuple(names) + tuple(name for name in DEFAULTS['protect_names'] if name not in names)
