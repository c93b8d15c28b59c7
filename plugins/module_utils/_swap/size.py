# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a swap file is to be, and what there is room for: Red Hat's table by RAM, raised by demand, lowered by the
disk.

The table is "Recommended system swap space" of Red Hat Enterprise Linux 7 to 9, "Managing storage devices",
chapter "Getting started with swap", its column without hibernation.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.errors import RescueError
from .._files.sizes import SizeError, format_size, parse_size

_GIB = 1 << 30
_MIB = 1 << 20
# A kernel sees a little less than the RAM that was bought (262014 of 262144 pages): whole steps make up for it.
_STEP = 512 * _MIB
SMALLEST_FILE_BYTES = _MIB
_MULTIPLE = re.compile(r'^\s*(\d+(?:\.\d+)?)\s*x\s*ram\s*$', re.IGNORECASE)
# Less than this is not worth an area of its own.
SMALLEST_BYTES = 64 * _MIB
# Swap that is there and lacks no more than this part of what the rule asks for serves: a partition of "2 GB" does.
_TOLERATED_PART = 8


def wanted(facts, wished):
    """(bytes of the file, None if none is wanted; recommend()'s result, or None with an explicit size).

    The one place where the text of an option becomes a size. Raises RescueError.
    """
    file, page, text = facts['file'], facts['page_size'], str(wished['size']).strip()
    if not facts['room_in_ram']['total_bytes'] and (text == 'auto' or _MULTIPLE.match(text)):
        raise RescueError('{path} does not tell how much RAM there is', path='/proc/meminfo',
                          next_step='mount /proc, or give size in bytes')
    if text != 'auto':
        size = _explicit(facts, wished, text)
        return size if wished['exact'] else size // page * page, None
    current = file['size_bytes'] if file['kind'] == 'file' else 0
    held = min(current, file.get('allocated_bytes', 0))
    result = recommend(
        # What is on by hand alone is gone after a reboot.
        facts['room_in_ram']['total_bytes'],
        wished['beside_bytes'] + sum(
            area['size_bytes'] for area in facts['other_areas'] if area.get('kept') is not False),
        wished['demand_bytes'], wished['expected_peak_bytes'], spare_bytes(facts, wished) + held)
    if current and serves(current, result['size_bytes']):
        result['reasons'].append('the file has %s already, and keeps them' % format_size(current))
        return current, result
    return result['size_bytes'] // page * page or None, result


def _explicit(facts, wished, text):
    try:
        size = size_of_text(text, facts['room_in_ram']['total_bytes'])
    except SizeError as error:
        raise RescueError('%s, auto or a multiple of RAM such as 2xram' % error, 'size', text, error.allowed)
    if size < SMALLEST_FILE_BYTES and not (size == 0 and wished['claimed']):
        raise RescueError('%s is {value} bytes, and the smallest swap file is {allowed} bytes (1M)%s' % (
            text, '; did you mean %sM?' % text if text.isdigit() and size else ''), 'size', size, SMALLEST_FILE_BYTES)
    return size


def size_of_text(text, ram_bytes):
    """Bytes of an explicit size or of a multiple of RAM such as ``2xram``. Raises SizeError."""
    multiple = _MULTIPLE.match(text)
    return multiple_of_ram(ram_bytes, float(multiple.group(1))) if multiple else parse_size(text)


def margin(room_in_ram):
    """RAM that has to stay available when a swap area's pages come back into it."""
    return max(64 * _MIB, room_in_ram['total_bytes'] // 16)


def room_without(used_bytes, other_areas, room_in_ram):
    """How many bytes are missing to switch off areas that hold ``used_bytes``; negative if there is room to spare."""
    room = room_in_ram['available_bytes'] - margin(room_in_ram) if used_bytes else 0
    return used_bytes - max(0, room) - free_bytes(other_areas)


def free_bytes(areas):
    """What areas can still take. What zram takes it keeps in RAM."""
    return sum(area['size_bytes'] - area['used_bytes'] for area in areas if area.get('type') != 'zram')


def spare_bytes(facts, wished):
    """What the disk can give, with what leftovers of a stopped run hold, without the reserve."""
    leftovers = sum(file.get('allocated_bytes', 0) for file in (facts['new'], facts['helper']) if not file['area'])
    return facts['disk']['available_bytes'] + leftovers - wished['reserve_bytes']


def missing_on_disk(facts, size):
    """The bytes that the disk has to give for a file of this size, beyond those that it has."""
    file = facts['file']
    return size - (min(file['size_bytes'], file['allocated_bytes']) if file['kind'] == 'file' else 0)


def table(ram_bytes):
    """(bytes, row) of Red Hat's table for this much RAM."""
    if ram_bytes <= 2 * _GIB:
        return _round_up(2 * ram_bytes), "Red Hat's table, up to 2 GiB of RAM: twice the RAM"
    if ram_bytes <= 8 * _GIB:
        return _round_up(ram_bytes), "Red Hat's table, more than 2 and up to 8 GiB of RAM: as much as the RAM"
    if ram_bytes <= 64 * _GIB:
        return 4 * _GIB, "Red Hat's table, more than 8 and up to 64 GiB of RAM: at least 4 GiB"
    return 4 * _GIB, "Red Hat's table, more than 64 GiB of RAM: at least 4 GiB"


def recommend(ram_bytes, other_swap_bytes=0, demand_bytes=None, expected_peak_bytes=None, disk_available_bytes=None):
    """The swap that this host should have, and how much of it one more area has to give.

    ``other_swap_bytes`` is the swap that is active besides that area, ``demand_bytes`` the swap that OOM reports
    ask for, ``expected_peak_bytes`` the memory (RAM and swap together) that the host's work is declared to need at
    its peak, and ``disk_available_bytes`` what the disk can spare. ``total_bytes`` of the result is the whole swap
    wanted, ``size_bytes`` the area's size, 0 if none is needed or possible; ``decided_by`` names the number that
    won, and ``shortfall_bytes`` is what the disk denies.
    """
    table_bytes, row = table(ram_bytes)
    reasons = ['%s, so %s for %s of RAM' % (row, format_size(table_bytes), format_size(ram_bytes))]
    total, decided_by = table_bytes, 'table'

    for name, asked, words in (
            ('demand', demand_bytes, 'the OOM reports ask for %s of swap'),
            ('expected_peak', None if expected_peak_bytes is None else max(0, expected_peak_bytes - ram_bytes),
             'the expected peak is %s more than the RAM')):
        if asked is None:
            continue
        wins = _round_up(asked) > total
        reasons.append('%s: %s' % (words % format_size(asked), 'that wins' if wins else 'that is no more'))
        if wins:
            total, decided_by = _round_up(asked), name

    size = total
    if other_swap_bytes:
        size = max(0, total - other_swap_bytes)
        if size <= total // _TOLERATED_PART:
            size, decided_by = 0, 'other_swap'
            reasons.append('other swap areas give %s already: no more is needed' % format_size(other_swap_bytes))
        else:
            # An area is a page or a few MiB short of the step that it was made for.
            size = _round_up(size - SMALLEST_BYTES)
            reasons.append('other swap areas give %s: %s are missing'
                           % (format_size(other_swap_bytes), format_size(size)))

    wanted = size
    if disk_available_bytes is not None and size > disk_available_bytes:
        size = max(0, disk_available_bytes) // _MIB * _MIB
        if size < SMALLEST_BYTES:
            size = 0
        decided_by = 'disk'
        reasons.append('the disk can spare %s: %s' % (
            format_size(max(0, disk_available_bytes)),
            'the size is lowered to that' if size else 'too little for a swap area'))

    return {
        'size_bytes': size,
        'total_bytes': total,
        'rule': row,
        'decided_by': decided_by,
        'table_bytes': table_bytes,
        'demand_bytes': demand_bytes,
        'expected_peak_bytes': expected_peak_bytes,
        'disk_available_bytes': disk_available_bytes,
        'other_swap_bytes': other_swap_bytes,
        'reasons': reasons,
        'shortfall_bytes': wanted - size,
    }


def serves(current_bytes, wanted_bytes):
    """True if a swap area of ``current_bytes`` does where the rule wants ``wanted_bytes``, and so stays as it is."""
    return wanted_bytes - current_bytes <= wanted_bytes // _TOLERATED_PART


def multiple_of_ram(ram_bytes, factor):
    """A multiple of the RAM in whole steps, so that another kernel's few pages more do not resize the area."""
    return _round_up(int(ram_bytes * factor))


def _round_up(size_bytes):
    return -(-size_bytes // _STEP) * _STEP
