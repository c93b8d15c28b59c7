# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mem-Info block of an OOM report or an allocation failure, as show_mem() in mm/show_mem.c prints it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_MOST_ZONES = 2048
_MOST_COUNTERS = 96

# A figure of a zone, or, after a colon, its free blocks.
_ZONE = re.compile(r'(?:Node (\d{1,6}),? )?(DMA|DMA32|Normal|HighMem|Movable|Device)(?:(:) |(?= free:\d))')
_NODE = re.compile(r'Node (\d{1,6}) \w{1,20}:\d')
_YES_OR_NO = re.compile(r'(?:yes|no)\b')
_BLOCK = re.compile(r'(\d{1,12})\*\s?(\d{1,9})kB(?: \(([A-Z]{1,8})\))?')
_TOTAL = re.compile(r' = (\d{1,12})kB')
_MOST_ORDERS = 32
_HUGE_PAGES = re.compile(
    r'Node (\d{1,6}) hugepages_total=(\d{1,12}) hugepages_free=(\d{1,12})(?: hugepages_surp=\d{1,12})?'
    r' hugepages_size=(\d{1,12})kB'
)
_COUNTER = re.compile(r'(?<!\S)([^\s:]{1,40}):([0-9]{1,20})(?!\S)')
_SWAP = re.compile(r'(Free|Total) swap *[=:] *(\d{1,20})kB')
_COUNT = re.compile(
    r'(\d{1,20}) (pages RAM|pages of RAM|pages HighMem|pages HIGHMEM|pages reserved|reserved pages'
    r'|total pagecache pages|pages in swap cache|pages swap cached|pages cma reserved|pages hwpoisoned'
    r'|pages shared|pages non-shared|free pages|slab pages)\b'
)
_NAMES = {
    'pages RAM': 'ram',
    'pages of RAM': 'ram',
    'pages reserved': 'reserved',
    'reserved pages': 'reserved',
    'pages HighMem': 'highmem',
    'pages HIGHMEM': 'highmem',
    'total pagecache pages': 'pagecache',
    'pages in swap cache': 'swapcache',
    'pages swap cached': 'swapcache',
    'pages cma reserved': 'cma_reserved',
    'pages hwpoisoned': 'hwpoisoned',
}
ZONE_WORDS = frozenset(
    name + mark for name in ('DMA', 'DMA32', 'Normal', 'HighMem', 'Movable', 'Device') for mark in ('', ':')
)
# The figures of a zone, in kB.
ZONE_COUNTERS = ('free', 'min', 'low', 'high', 'present', 'managed', 'free_cma')
# Figures of each zone or of each node, as kernels differ, in kB. They are summed.
SUMMED = (
    'kernel_stack',
    'shadow_call_stack',
    'mlocked',
    'writeback_tmp',
    'zspages',
    'Balloon',
    'gpu_active',
    'gpu_reclaim',
)
_ZONE_COUNTER = re.compile(r' (%s):(\d{1,20})kB' % '|'.join(ZONE_COUNTERS + SUMMED))
_NODE_COUNTER = re.compile(r' (%s):(\d{1,20})kB' % '|'.join(SUMMED))
# Linux 6.10 prints bytes, later ones a rounded size.
_ALLOCATION = re.compile(
    r'(\d{1,20}(?:\.\d{1,6})?) ?([KMGTPE]iB|B)?\s+\d{1,20}\s+(\S{1,200}:\d{1,7}(?: \[\S{1,64}\])?) func:(\S{1,128})$'
)
_UNITS = dict((letter + 'iB', 1 << 10 * power) for power, letter in enumerate('KMGTPE', 1))
_MOST_CACHES = 2048
_LONGEST_CACHE = 64
_LONGEST_NUMBER = 15
_MOST_ALLOCATIONS = 64
# The words that may begin a line of page counts.
COUNTERS = frozenset(
    (
        'active_anon',
        'active_file',
        'unevictable',
        'slab_reclaimable',
        'mapped',
        'free',
        'sec_pagetables',
        'kernel_misc_reclaimable',
        'free_cma',
        'inactive_anon',
        'inactive_file',
        'Active',
        'Active_anon',
        'free_pcp',
    )
)


def _number(text):
    """A count of at most 20 digits, or None."""
    try:
        return int(text) if len(text) <= 20 else None
    except ValueError:
        return None


def _unreclaimable(message, unknown):
    word = message.partition(' all_unreclaimable? ')[2]
    return word[:1] == 'y' if _YES_OR_NO.match(word) else unknown


_SIZES = {}


def _sizes_from(unit):
    """The sizes of the orders as text, as they are printed if a page has so many kB."""
    sizes = _SIZES.get(unit)
    if sizes is None:
        sizes = tuple(str(unit << order) for order in range(_MOST_ORDERS))
        if len(_SIZES) < _MOST_ORDERS:
            _SIZES[unit] = sizes
    return sizes


class MemoryBlock:
    """What one block says. Counters are in pages, zones in kB; what it does not say is not there.

    The methods take a line and return True if they know it.
    """

    def __init__(self):
        self.counters = {}
        self.counts = {}
        self.zones = []
        self.huge_pages = []
        self.swap_kb = {}
        self.page_kb = None
        self.free_blocks_kb = None
        self.summed_kb = {}
        self.slab_caches = []
        self.allocations = []
        # A log that was joined of two has lines twice: (node, zone, mark) of those that were read.
        self._told = set()
        # Since 4.8 the line of a node says this of all its zones.
        self._unreclaimable = {}

    def counter_line(self, message):
        """Read ``active_anon:214440 inactive_anon:63 ...``, the page counts below Mem-Info."""
        if len(self.counters) < _MOST_COUNTERS:
            for name, digits in _COUNTER.findall(message):
                self.counters.setdefault(name.lower(), int(digits))
        return True

    def node_line(self, message):
        """Read a line that begins with ``Node`` or with the name of a zone."""
        match = _ZONE.match(message)
        if match:
            node, zone, mark = match.groups()
            node = int(node) if node else None
            rest = message[match.end() :]
            if (node, zone, mark) in self._told:
                return True
            self._told.add((node, zone, mark))
            if mark:
                self._blocks(node, zone, rest)
            elif len(self.zones) < _MOST_ZONES:
                values = {name: int(value) for name, value in _ZONE_COUNTER.findall(rest)}
                self._sum(values)
                self._zone(node, zone, values, _unreclaimable(rest, self._unreclaimable.get(node)))
            return True
        match = _HUGE_PAGES.match(message)
        if match:
            pool = tuple(int(value) for value in match.groups())
            if len(self.huge_pages) < _MOST_ZONES and pool not in self.huge_pages:
                self.huge_pages.append(pool)
            return True
        match = _NODE.match(message)
        if match:
            node = int(match.group(1))
            if len(self._unreclaimable) < _MOST_ZONES and node not in self._unreclaimable:
                self._unreclaimable[node] = _unreclaimable(message, None)
                self._sum(dict((name, int(value)) for name, value in _NODE_COUNTER.findall(message)))
            return True
        return message[-9:] == ' per-cpu:'

    def _sum(self, values):
        for name in SUMMED:
            if name in values:
                self.summed_kb[name] = self.summed_kb.get(name, 0) + values.pop(name)

    def _blocks(self, node, zone, rest):
        blocks = _BLOCK.findall(rest)
        if not blocks:
            return
        counts, units, types = zip(*blocks[:_MOST_ORDERS])
        unit = int(units[0])
        if self.page_kb is None and unit and not unit & (unit - 1):
            # The smallest block of the buddy allocator is the page: 64kB on ppc64 and on arm64 kernels built for it.
            self.page_kb = unit
        total = _TOTAL.search(rest)
        if total:
            self.free_blocks_kb = (self.free_blocks_kb or 0) + int(total.group(1))
        if total is None or units != _sizes_from(unit)[: len(units)]:
            # The line was cut, or a piece of it is lost: nothing tells the order of the rest.
            return
        counts, types = list(map(int, counts)), [letters or None for letters in types]
        for entry in self.zones:
            if entry['zone'] == zone and entry['node'] == node and entry['blocks'] is None:
                entry['blocks'], entry['types'] = counts, types
                return
        if len(self.zones) < _MOST_ZONES:
            self._zone(node, zone, {}, None)
            self.zones[-1].update(blocks=counts, types=types)

    def _zone(self, node, zone, values, unreclaimable):
        self.zones.append(
            {
                'node': node,
                'zone': zone,
                'kb': values,
                'blocks': None,
                'types': None,
                'reserve': None,
                'unreclaimable': unreclaimable,
            }
        )

    def reserve_line(self, message):
        """Read ``lowmem_reserve[]: 0 972 972 972``, in pages, of the zone in the line before."""
        values = [_number(value) for value in message.partition(':')[2].split()[:16]]
        if self.zones and None not in values:
            self.zones[-1]['reserve'] = values
        return True

    def swap_line(self, message):
        """Read ``Free swap  = 0kB`` or ``Total swap = 0kB``."""
        match = _SWAP.match(message)
        if not match:
            return False
        self.swap_kb.setdefault(match.group(1), int(match.group(2)))
        return True

    def count_line(self, message):
        """Read ``262014 pages RAM`` and the like."""
        match = _COUNT.match(message)
        if not match:
            return False
        name = _NAMES.get(match.group(2))
        if name:
            self.counts.setdefault(name, int(match.group(1)))
        return True

    def cache_line(self, message):
        """Read ``kmalloc-4k  1234KB  5678KB`` below "Unreclaimable slab info": a cache, the size in use and the whole
        size.
        """
        cells = message.rsplit(None, 2)
        kb = cells[-1][:-2]
        if len(cells) < 3 or cells[-1][-2:] != 'KB' or not kb.isdigit() or len(kb) > _LONGEST_NUMBER:
            return cells[0] == 'Name'
        if len(self.slab_caches) < _MOST_CACHES:
            self.slab_caches.append((cells[0][:_LONGEST_CACHE], int(kb) * 1024))
        return True

    def allocation_line(self, message):
        """Read ``69318528 28179 fs/xfs/xfs_log_priv.h:703 [xfs] func:xlog_kvmalloc`` below "Memory allocations"."""
        match = _ALLOCATION.match(message.strip())
        if not match:
            return False
        size, unit, place, function = match.groups()
        if len(self.allocations) < _MOST_ALLOCATIONS:
            self.allocations.append(('%s %s' % (function, place), int(float(size) * _UNITS.get(unit, 1))))
        return True
