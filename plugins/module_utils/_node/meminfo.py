# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RAM and swap as /proc/meminfo tells them, and the settings below /proc/sys/vm that govern them (proc(5))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .mounts import mounts

_LINE = re.compile(r'^([A-Za-z0-9_()]+):\s+(\d+)( kB)?\s*$', re.MULTILINE)
_RAM = (
    ('total_bytes', 'MemTotal'),
    ('available_bytes', 'MemAvailable'),  # Since 3.14; EL7's 3.10 has it too.
    ('free_bytes', 'MemFree'),
    ('buffers_bytes', 'Buffers'),
    ('cached_bytes', 'Cached'),
    ('shmem_bytes', 'Shmem'),
    ('anonymous_bytes', 'AnonPages'),
    ('mlocked_bytes', 'Mlocked'),
    ('slab_reclaimable_bytes', 'SReclaimable'),
    ('slab_unreclaimable_bytes', 'SUnreclaim'),
    ('kernel_stack_bytes', 'KernelStack'),
    ('page_tables_bytes', 'PageTables'),
    ('hugepages_total', 'HugePages_Total'),
    ('hugepages_free', 'HugePages_Free'),
    ('hugepage_size_bytes', 'Hugepagesize'),
)
# The lines that lxcfs makes for a container; the others are those of its host, and CommitLimit is one limit for all.
_OF_A_CONTAINER = frozenset((
    'MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'Shmem', 'AnonPages', 'Mapped', 'Dirty', 'Writeback',
    'Active', 'Inactive', 'Active(anon)', 'Inactive(anon)', 'Active(file)', 'Inactive(file)', 'Unevictable',
    'SwapTotal', 'SwapFree', 'SwapCached', 'CommitLimit', 'Committed_AS'))
_VM = ('panic_on_oom', 'oom_kill_allocating_task', 'oom_dump_tasks', 'min_free_kbytes', 'vfs_cache_pressure',
       'overcommit_memory', 'overcommit_ratio', 'overcommit_kbytes', 'admin_reserve_kbytes', 'user_reserve_kbytes',
       'watermark_scale_factor', 'page-cluster')
_ZSWAP = '/sys/module/zswap/parameters/'


def text_of(host, path):
    """The text of a file without white space at its ends, or None if there is none or it cannot be read."""
    try:
        text = host.read(path)
    except (IOError, OSError):
        return None
    return None if text is None else text.strip()


def number_of(host, path):
    """The whole number in a file, or None."""
    text = text_of(host, path)
    return int(text) if text and re.match(r'-?\d+\Z', text) else None


def parse_meminfo(text):
    """{name: bytes, or a count for lines without a unit} of /proc/meminfo."""
    return dict((name, int(number) * (1024 if unit else 1)) for name, number, unit in _LINE.findall(text or ''))


def read_meminfo(host):
    """parse_meminfo() of this host, without what is told of another than its RAM; {} if it cannot be read."""
    meminfo = parse_meminfo(text_of(host, '/proc/meminfo'))
    if is_of_container(host):
        return dict((name, value) for name, value in meminfo.items() if name in _OF_A_CONTAINER)
    return meminfo


def is_of_container(host):
    """True if lxcfs tells the memory of a container here: the kernel's other files are of the whole machine."""
    return host.once('lxcfs', lambda: any(mount['mount_point'] == '/proc/meminfo' for mount in mounts(host)))


def zones_text(host):
    """The text of /proc/zoneinfo; None if there is none, or if its zones are not of the RAM of read_meminfo()."""
    return None if is_of_container(host) else host.read('/proc/zoneinfo')


def ram_and_swap_bytes(meminfo):
    """The bytes of RAM and swap together, against which the kernel ranks processes (oom_badness()). What it does not
    say counts as 0.
    """
    return meminfo.get('MemTotal', 0) + meminfo.get('SwapTotal', 0)


def room_in_ram(meminfo):
    """{total_bytes, available_bytes} of RAM. What an old kernel does not say of the available RAM is worked out."""
    available = meminfo.get('MemAvailable')
    if available is None:
        # Kernels before 3.14. Shmem is in Cached, and cannot be dropped.
        available = max(0, meminfo.get('MemFree', 0) + meminfo.get('Cached', 0) - meminfo.get('Shmem', 0))
    return {'total_bytes': meminfo.get('MemTotal', 0), 'available_bytes': available}


def ram_facts(meminfo):
    """RAM as memory_facts returns it; what this kernel does not say is None."""
    return dict((name, meminfo.get(line)) for name, line in _RAM)


def swap_totals(meminfo):
    """{total_bytes, free_bytes, used_bytes, cached_bytes} of all swap areas together."""
    total, free = meminfo.get('SwapTotal'), meminfo.get('SwapFree')
    return {
        'total_bytes': total,
        'free_bytes': free,
        'used_bytes': None if total is None or free is None else total - free,
        'cached_bytes': meminfo.get('SwapCached'),
    }


def zswap(host):
    """{enabled, compressor, zpool, max_pool_percent} of zswap, or None if the kernel has none."""
    enabled = text_of(host, _ZSWAP + 'enabled')
    if enabled is None:
        return None
    return {
        'enabled': enabled in ('Y', '1'),
        'compressor': text_of(host, _ZSWAP + 'compressor'),
        'zpool': text_of(host, _ZSWAP + 'zpool'),
        'max_pool_percent': number_of(host, _ZSWAP + 'max_pool_percent'),
    }


def vm_settings(host):
    """Settings of /proc/sys/vm by their kernel names, with ``_`` for ``-``."""
    return dict((name.replace('-', '_'), number_of(host, '/proc/sys/vm/' + name)) for name in _VM)


def vmstat(host, name):
    """A counter of /proc/vmstat, or None if this kernel does not count it."""
    match = re.search(r'^%s (\d+)$' % re.escape(name), text_of(host, '/proc/vmstat') or '', re.MULTILINE)
    return int(match.group(1)) if match else None
