# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a running host that is not in processes: page cache, slab, page tables, huge pages, sockets and the
like.

mm/show_mem.c, fs/proc/meminfo.c. A part is None if the kernel lacks its counter.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.ledger import largest_names, make_part
from .._node.meminfo import is_of_container, zones_text

_CACHE = re.compile(r'^(\S.*?) +\d+ +\d+ +\d+ +\d+ +(\d+) : tunables.* : slabdata +\d+ +(\d+) +\d+ *$', re.MULTILINE)
_VMALLOC = re.compile(r' ([\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])? pages=(\d+) vmalloc', re.MULTILINE)
# The function that allocates stacks of threads, which have a counter of their own (CONFIG_VMAP_STACK).
_STACKS = re.compile(r'(?:kernel_clone|_?do_fork|copy_process|dup_task_struct|alloc_thread_stack_node|fork_idle)\b')
_PER_CPU = re.compile(r'^\s+count:\s+(\d+)', re.MULTILINE)
_SOCKETS = re.compile(r'^(?:TCP|UDP|UDPLITE): .*\bmem (\d+)', re.MULTILINE)
_FRAGMENTS = re.compile(r'^FRAG6?: .*\bmemory (\d+)', re.MULTILINE)
# Counted in sockstat, or with another's counter.
_SOCKSTAT = ('TCP', 'TCPv6', 'UDP', 'UDPv6', 'UDP-Lite', 'UDPLITEv6', 'MPTCP', 'MPTCPv6', 'SMC', 'SMC6')
_OF_THE_MACHINE = ('slab_unreclaimable', 'slab_reclaimable', 'page_tables', 'kernel_stacks', 'percpu', 'vmalloc',
                   'hugepages', 'zram', 'zswap')
_ZSMALLOC = 'zsmalloc'
_OTHERS = (
    ('Bounce', 'bounce buffers'), ('WritebackTmp', 'pages that FUSE writes'), ('HardwareCorrupted', 'broken memory'),
    ('ShadowCallStack', 'shadow call stacks'), ('Quicklists', 'free page tables'), ('Balloon', 'balloon'),
    ('GPUActive', 'graphics'),
)
_RECLAIMABLE = ('GPUReclaim', 'graphics, reclaimable')


def kernel_parts(host, meminfo, page_bytes):
    """The parts of a ledger, except those for processes, shared memory and sockets."""
    if is_of_container(host):
        return _container_parts(meminfo)
    get = meminfo.get
    parts = _page_cache(meminfo)
    parts += _slab(host, meminfo, page_bytes)
    parts += [
        make_part('page_tables', get('PageTables')),
        make_part('kernel_stacks', get('KernelStack')),
        make_part('percpu', get('Percpu')),
        _vmalloc(host, meminfo, page_bytes),
        make_part('free', get('MemFree')),
        make_part('free', _in_cpu_lists(host, page_bytes), 'in lists of each CPU'),
        make_part('other', _swap_cache(meminfo), 'swap cache'),
    ]
    if get('SecPageTables'):
        parts.append(make_part('page_tables', get('SecPageTables'), 'secondary, of KVM and IOMMUs'))
    if get('KReclaimable') is not None and get('SReclaimable') is not None:
        parts.append(make_part('other', max(0, get('KReclaimable') - get('SReclaimable')), 'reclaimable, of drivers',
                               droppable=True))
    parts += [make_part('other', get(key), name) for key, name in _OTHERS if get(key)]
    if get(_RECLAIMABLE[0]):
        parts.append(make_part('other', get(_RECLAIMABLE[0]), _RECLAIMABLE[1], droppable=True))
    return parts + _huge_pages(host, meminfo) + _compressed(host, meminfo, page_bytes)


def _container_parts(meminfo):
    """The parts of a container's ledger: what the kernel itself holds is told of the whole machine alone."""
    return _page_cache(meminfo) + [
        make_part('free', meminfo.get('MemFree')), make_part('other', _swap_cache(meminfo), 'swap cache'),
    ] + [make_part(kind, None) for kind in _OF_THE_MACHINE]


def _page_cache(meminfo):
    """The page cache: Cached without shared memory. What of it is not on the lists of files cannot be dropped."""
    if None in (meminfo.get('Cached'), meminfo.get('Buffers')):
        return [make_part('page_cache', None)]
    cache = max(0, meminfo['Cached'] + meminfo['Buffers'] - meminfo.get('Shmem', 0))
    lists = meminfo.get('Active(file)'), meminfo.get('Inactive(file)')
    locked = 0 if None in lists else min(meminfo.get('Unevictable', 0), max(0, cache - sum(lists)))
    unwritten = meminfo.get('Dirty', 0) + meminfo.get('Writeback', 0)
    return [make_part('page_cache', cache - locked, droppable=unwritten * 2 < cache),
            make_part('locked', locked, 'page cache, ramfs')]


def _swap_cache(meminfo):
    """The least that can be in the swap cache and in no process's page tables: the lists of anonymous pages hold it."""
    lists = meminfo.get('Active(anon)'), meminfo.get('Inactive(anon)')
    if None in lists:
        return 0
    held = meminfo.get('AnonPages', 0) + meminfo.get('Shmem', 0)
    return max(0, min(meminfo.get('SwapCached', 0), sum(lists) - held))


def slab_caches(text, page_bytes):
    """{cache: bytes} of /proc/slabinfo."""
    return dict((name, int(pages) * int(slabs) * page_bytes) for name, pages, slabs in _CACHE.findall(text or ''))


def _slab(host, meminfo, page_bytes):
    caches = slab_caches(host.read('/proc/slabinfo'), page_bytes)
    reclaimable, unreclaimable = meminfo.get('SReclaimable'), meminfo.get('SUnreclaim')
    if reclaimable is None and unreclaimable is None:
        return [make_part('slab_unreclaimable', meminfo.get('Slab'), largest_names(caches, meminfo.get('Slab')),
                          approximate=True)]
    # It cannot be told of a cache without a mark: SLAB has no /sys/kernel/slab.
    large = [name for name in caches if caches[name] * 20 >= min(reclaimable or 1, unreclaimable or 1)]
    marks = dict((name, _mark(host, name)) for name in large)
    return [
        make_part(kind, nbytes, droppable=mark, name=largest_names(
            dict((name, caches[name]) for name in large if marks[name] is mark), nbytes))
        for kind, nbytes, mark in (
            ('slab_unreclaimable', unreclaimable, False), ('slab_reclaimable', reclaimable, True))
    ]


def _mark(host, cache):
    """True if a cache's memory can be reclaimed, None if that is not told."""
    if '/' in cache or cache.startswith('.'):
        return None
    return {'0': False, '1': True}.get((host.read('/sys/kernel/slab/%s/reclaim_account' % cache) or '').strip())


def vmalloc_callers(text, page_bytes):
    """{function that allocated it: bytes} of /proc/vmallocinfo, without the stacks of threads."""
    found = {}
    for match in _VMALLOC.finditer(text or ''):
        function, module, pages = match.groups()
        if not _STACKS.match(function):
            name = '%s [%s]' % (function, module) if module else function
            found[name] = found.get(name, 0) + int(pages) * page_bytes
    return found


def _vmalloc(host, meminfo, page_bytes):
    """The pages of vmalloc. VmallocUsed counts pages since 97105f0ab7b8 (5.2), with the stacks of threads; before, it
    is 0 or address space.
    """
    callers = vmalloc_callers(host.read('/proc/vmallocinfo'), page_bytes)
    if callers:
        total = sum(callers.values())
        return make_part('vmalloc', total, largest_names(callers, total))
    if 'Percpu' not in meminfo or not meminfo.get('VmallocUsed'):
        # Percpu came with 5.0: a kernel without it counts no pages here.
        return make_part('vmalloc', None)
    return make_part('vmalloc', max(0, meminfo['VmallocUsed'] - meminfo.get('KernelStack', 0)), approximate=True)


def _in_cpu_lists(host, page_bytes):
    text = zones_text(host)
    return None if text is None else sum(int(pages) for pages in _PER_CPU.findall(text)) * page_bytes


def _huge_pages(host, meminfo):
    """A part for each size of huge pages. They are set aside, in use or not."""
    sizes = {}
    for name in host.listdir('/sys/kernel/mm/hugepages'):
        size = re.match(r'hugepages-(\d+)kB\Z', name)
        pages = (host.read('/sys/kernel/mm/hugepages/%s/nr_hugepages' % name) or '').strip()
        if size and pages.isdigit():
            sizes[int(size.group(1)) * 1024] = int(pages)
    if not sizes and 'HugePages_Total' in meminfo:
        sizes = {meminfo.get('Hugepagesize', 0): meminfo['HugePages_Total']}
    if not sizes:
        return [make_part('hugepages', None)]
    return [make_part('hugepages', size * pages, 'of %d KiB' % (size >> 10)) for size, pages in sorted(sizes.items())]


def _compressed(host, meminfo, page_bytes):
    """The parts of zram, by device, of zswap, and of what else zsmalloc holds."""
    parts = [make_part('zram', uses and uses[1], '/dev/' + name) for name, uses in sorted(zram_uses(host).items())]
    zswap = meminfo.get('Zswap')
    if zswap is None:
        text = (host.read('/sys/kernel/debug/zswap/pool_total_size') or '').strip()
        zswap = int(text) if text.isdigit() else None
    parts.append(make_part('zswap', zswap))
    match = re.search(r'^nr_zspages (\d+)$', host.read('/proc/vmstat') or '', re.MULTILINE)
    rest = int(match.group(1)) * page_bytes - sum(part['bytes'] or 0 for part in parts) if match else 0
    return parts + [make_part('other', max(0, rest), _ZSMALLOC)]


def zram_uses(host):
    """{device: (bytes of the pages in it, bytes of RAM that these take), or None if that is not told}.

    Before 4.1 these numbers had files of their own.
    """
    return dict((name, _zram_use(host, '/sys/block/' + name)) for name in host.listdir('/sys/block')
                if name.startswith('zram'))


def _zram_use(host, directory):
    words = (host.read(directory + '/mm_stat') or '').split()
    if not words:
        words = [(host.read('%s/%s' % (directory, name)) or '').strip() for name in (
            'orig_data_size', 'compr_data_size', 'mem_used_total')]
    return (int(words[0]), int(words[2])) if len(words) > 2 and words[0].isdigit() and words[2].isdigit() else None


def socket_part(host, page_bytes, uncounted_bytes):
    """The part of the buffers of sockets that is in no other counter: some of them are in slab.

    ``uncounted_bytes`` is what no other part holds. The counters are of the whole host in every namespace.
    """
    sockstat = host.read('/proc/net/sockstat')
    if sockstat is None or is_of_container(host):
        return make_part('sockets', None)
    nbytes = sum(int(pages) for pages in _SOCKETS.findall(sockstat)) * page_bytes
    for text in (sockstat, host.read('/proc/net/sockstat6')):
        nbytes += sum(int(number) for number in _FRAGMENTS.findall(text or ''))
    nbytes += sum(protocols(host.read('/proc/net/protocols')).values()) * page_bytes
    return make_part('sockets', min(nbytes, max(0, uncounted_bytes)), approximate=True)


def protocols(text):
    """{protocol: pages} of /proc/net/protocols but for those of sockstat; both versions of IP have one counter."""
    found = {}
    for line in (text or '').splitlines()[1:]:
        words = line.split()
        if len(words) > 3 and words[3].isdigit() and words[0] not in _SOCKSTAT:
            name = words[0][:-2] if words[0].endswith('v6') else words[0]
            found[name] = max(found.get(name, 0), int(words[3]))
    return found
