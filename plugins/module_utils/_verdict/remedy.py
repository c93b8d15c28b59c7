# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One remedy: what it is, what it would have changed, why, in figures, and its effect over all reports."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain

PREVENTS, DELAYS, NONE, HARMS, UNKNOWN = 'prevents', 'delays', 'none', 'harms', 'unknown'
# Over several reports a remedy is as good as on the one where it does least; each of them has to be known.
_LEAST_FIRST = (HARMS, NONE, UNKNOWN, DELAYS, PREVENTS)
SHORTAGE = 'shortage'


def make_effect(effect, why, room_bytes=None, would_tell=(), instead=None):
    """The effect of a remedy on one report: {effect, why, room_bytes, would_tell, instead}."""
    return {'effect': effect, 'why': why, 'room_bytes': room_bytes, 'would_tell': list(would_tell), 'instead': instead}


def least(effects):
    """The effect that does least, of those of make_effect() on each report; its room is the smallest of its kind."""
    worst = min(effects, key=lambda one: _LEAST_FIRST.index(one['effect']))
    rooms = [one['room_bytes'] for one in effects
             if one['effect'] == worst['effect'] and one['room_bytes'] is not None]
    return dict(worst, room_bytes=min(rooms) if rooms else None)


def make_remedy(name, what, effect, target=SHORTAGE, goes_with=None, command=None, **more):
    """A remedy as VERDICT's readers know it; ``effect`` is make_effect()'s.

    {name, what, target, effect, room_bytes, instead, goes_with, forbidden_by, why, would_tell, command, applied}
    """
    return dict({
        'name': name, 'what': plain(what), 'target': target and plain(target), 'effect': effect['effect'],
        'room_bytes': effect['room_bytes'], 'instead': effect['instead'], 'goes_with': goes_with, 'forbidden_by': [],
        'why': plain(effect['why']), 'would_tell': effect['would_tell'], 'applied': False,
        # A command that changes nothing, or makes it worse, is not shown, for nobody should paste it; one that goes
        # with another remedy is.
        'command': command if goes_with or effect['effect'] not in (NONE, HARMS) else None,
        'by_rule': False,
    }, **more)
