# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the four layers of a swap file, which are file, signature, activation and persistence, and what is around them:
the directory, the disk, the memory, other swap.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import stat

from .._boot.answers import no
from .._boot.boot import boot_of
from .._change.record import backup_path
from .._files import permissions, xattr
from .._forbids import forbids, swap_managers
from .._node import disks, mounts, subvolumes
from .._node.meminfo import read_meminfo, room_in_ram
from .._node.swap_areas import parse_swaps
from .._systemd import systemd
from . import cgroups, filesystem, fstab, syscalls
from . import signature as swap_signature
from . import unit as swap_unit

# Names that a run uses beside the file; a file of such a name is found only if a run was stopped.
NEW, HELPER = '.oom-rescue-new', '.oom-rescue-helper'
_SELINUX = 'security.selinux'
_LABEL_TYPE = 'swapfile_t'


def read_facts(host, path, kernel=syscalls, lifted=()):
    """All that a plan for the swap file ``path`` depends on, as a dictionary. Raises OSError if a file cannot be read.

    ``file``, ``new`` and ``helper`` are file_facts() of the file, of one that a run has not finished, and of a second
    area; ``other_areas`` the areas of parse_swaps() that are none of these, with ``kept``: True if a boot turns it on,
    or None. ``at_boot`` is of at_boot(), ``gpt_swap`` of Boot.gpt_swap(). ``subvolume`` is {path, exists} of the
    subvolume of btrfs that the file has, or is to have, for itself, or None. ``directory`` is {path, exists, others:
    who could put another file there, or None} of the first directory above that has to be there, ``persistence``
    {fstab: its text or None, paths: the file's names, the first for a new line, backup: the text before our edits or
    None, entries: its lines for the file, unit: the file of a ``.swap`` unit or None, own_unit: of read_unit(),
    systemd: True if that runs, systemd_behind}. ``swapon_refusal`` is a text or None, ``forbidden`` what
    forbids.forbidden() says of swap, ``selinux`` True if the file takes labels, ``page_size`` in bytes, ``notes`` of
    disks.notes(). The others are what the functions named below return. ``lifted`` are the ids that the user lifts.
    """
    where = subvolumes.place(host, _without_links(host, path), lifted)
    real, subvolume = where['path'], where['subvolume'] and {'path': where['subvolume'], 'exists': where['exists']}
    directory = os.path.dirname(subvolume['path'] if subvolume and not subvolume['exists'] else real)
    areas = parse_swaps(host.read('/proc/swaps'))
    managers, boot = swap_managers.managers(host), boot_of(host)
    mount = mounts.mount_of(mounts.mounts(host), directory) or {}
    release = (host.read('/proc/sys/kernel/osrelease') or '').strip()
    directory_there = os.path.isdir(host.path(directory))
    if mount.get('filesystem') == 'btrfs' and directory_there and not host.exists(real):
        # Space that was freed just now counts as free only after the next commit.
        kernel.sync_filesystem(host.path(directory))
    files = dict((name, file_facts(host, name, areas, kernel)) for name in (real, real + NEW, real + HELPER))
    active = [files[name]['area'] for name in files if files[name]['area']]
    return {
        'path': path,
        'real_path': real,
        'file': files[real],
        'new': files[real + NEW],
        'helper': files[real + HELPER],
        'other_areas': [dict(area, kept=_kept(host, area, boot, managers)) for area in areas if area not in active],
        'at_boot': at_boot(host, real, boot, managers),
        'gpt_swap': boot.gpt_swap(),
        'notes': disks.notes(host, real, mount),
        'subvolume': subvolume,
        'directory': {
            'path': directory,
            'exists': directory_there,
            'others': permissions.who_may_replace(host.path(directory), directory) if directory_there else None,
        },
        'mount': mount,
        'disk': mounts.disk_space(host.path(directory)) if directory_there else None,
        'rule': filesystem.rule(mount.get('filesystem'), release),
        'room_in_ram': room_in_ram(read_meminfo(host)),
        'cgroups': cgroups.lacking(host) if any(area['used_bytes'] for area in active) else [],
        'page_size': os.sysconf('SC_PAGE_SIZE'),
        'persistence': _persistence(host, [real, real] if subvolume else [path, real], managers),
        'managers': managers,
        'forbidden': forbids.forbidden(host, path=real)['swap'],
        'swapon_refusal': kernel.swapon_refusal(),
        # A filesystem without this option, as one mounted with context=, does not take labels.
        'selinux': host.exists('/sys/fs/selinux/enforce') and 'seclabel' in mount.get('options', ()),
    }


def real_path(host, path, lifted=()):
    """The path of the swap file that ``path`` means, by subvolumes.place(), without links in its directory."""
    return subvolumes.place(host, _without_links(host, path), lifted)['path']


def _without_links(host, path):
    """The path with the links of its directory resolved. The last name stays, as a link there has to be seen."""
    directory, name = os.path.split(os.path.normpath(path))
    if host.root == '/':
        directory = os.path.realpath(directory)
    return os.path.join(directory, name)


def file_facts(host, path, areas, kernel=syscalls):
    """A file's own layer, with its signature and the area of /proc/swaps that it is, each None if it has none.

    {path, kind: ``missing``, ``file`` or what else it is}, and of a file {inode, size_bytes, allocated_bytes,
    hole_bytes, mode: ``0600``, uid, gid, links, exposed: how others can read it, in words, or None, flaws: see
    extents(), nocow, starts_blank, label: of SELinux}.
    """
    file = {'path': path, 'kind': 'missing', 'signature': None, 'area': None}
    try:
        status = os.lstat(host.path(path))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return file
    file.update(
        kind=_kind(status.st_mode), size_bytes=status.st_size, allocated_bytes=status.st_blocks * 512,
        inode=status.st_ino, mode='%04o' % stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid,
        links=status.st_nlink)
    if file['kind'] != 'file':
        return file
    descriptor = os.open(host.path(path), os.O_RDONLY | os.O_NOFOLLOW)
    try:
        extents = kernel.extents(descriptor, status.st_size)
        file['exposed'] = _exposed(descriptor, _names_in_fstab(host, path))
        file['nocow'] = kernel.is_nocow(descriptor)
    finally:
        os.close(descriptor)
    if extents is None:
        extents = (min(file['allocated_bytes'], status.st_size), [])
    file['hole_bytes'], file['flaws'] = status.st_size - extents[0], extents[1]
    file['signature'] = swap_signature.read_signature(host.path(path))
    file['starts_blank'] = swap_signature.starts_blank(host.path(path))
    file['label'] = _label(host, path, kernel)
    file['area'] = _area(host, path, file, areas)
    return file


def _names_in_fstab(host, path):
    """The names of a swap file, without links, that root's fstab has, and its own."""
    found = set([path])
    for entry in fstab.parse(host.read(fstab.PATH)):
        named = entry['type'] == 'swap' and entry['source'].startswith('/')
        status = host.status(entry['source'], follow=False) if named else None
        if status is not None and stat.S_ISREG(status.st_mode) and _same_file(host, entry['source'], path):
            found.add(_without_links(host, entry['source']))
    return found


def _exposed(descriptor, names):
    """How somebody besides root can read a file, or may hold it open from before, in words; None if nobody can.

    ``names`` are the paths that root gave the file.
    """
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        return 'owner %d' % status.st_uid
    if xattr.named_in_acl(xattr.get(descriptor, xattr.ACL)):
        return 'an ACL'
    if status.st_mode & 0o077:
        return 'mode %04o' % stat.S_IMODE(status.st_mode)
    # A name that root did not give it may be in another's directory.
    return '%d hard links' % status.st_nlink if status.st_nlink > len(names) else None


def _area(host, path, file, areas):
    # /proc/swaps names a file by its path in the namespace of whoever switched it on: a container sees the host's
    # /swapfile there, which is not its own, and a bind mount gives one file two names. So the file itself is asked.
    candidates = [area for area in areas if area['type'] == 'file']
    named = [area for area in candidates if area['path'] == path and not area['deleted']]
    used = in_use(host.path(path)) if candidates and (named or file['signature']) else False
    if used is None:
        return named[0] if named else None
    if not used:
        return None
    signature = file['signature'] or {}
    sized = [area for area in candidates
             if area['size_bytes'] == signature.get('size_bytes', 0) - signature.get('page_size_bytes', 0)]
    return (named or sized or candidates)[0]


def in_use(path):
    """True if the kernel uses a file as swap now; None if the file cannot be opened for writing, such as an immutable
    one.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except (IOError, OSError):
        return None
    try:
        return syscalls.is_swap(descriptor)
    finally:
        os.close(descriptor)


def _kind(mode):
    for test, name in ((stat.S_ISREG, 'file'), (stat.S_ISLNK, 'symbolic link'), (stat.S_ISDIR, 'directory'),
                       (stat.S_ISBLK, 'block device'), (stat.S_ISCHR, 'character device')):
        if test(mode):
            return name
    return 'special file'


def _persistence(host, paths, managers):
    text = host.read(fstab.PATH)
    paths = paths[::-1] + [entry['source'] for entry in fstab.parse(text) if entry['type'] == 'swap'
                           and entry['source'] not in paths and _same_file(host, entry['source'], paths[-1])]
    entries = fstab.swap_entries(text, paths)
    units = [unit for unit in (swap_managers.unit_of(managers, path) for path in paths) if unit]
    return {
        'fstab': text,
        'paths': paths,
        'backup': host.read(backup_path(fstab.PATH)),
        'entries': entries,
        'unit': units[0]['config'] if units else None,
        'own_unit': swap_unit.read_unit(host, paths[0]),
        'systemd': systemd.is_running(host),
        'systemd_behind': bool(entries) and _systemd_behind(host, entries[0]['source']),
    }


def _same_file(host, source, path):
    """True if a source of fstab is the file by another name, as through a bind mount."""
    one, other = (host.status(name) if name.startswith('/') else None for name in (source, path))
    return one is not None and other is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _systemd_behind(host, source):
    """True if fstab has changed since systemd read it: a unit that systemd made of an entry is as old as that reading.
    """
    try:
        changed = os.stat(host.path(fstab.PATH)).st_mtime
        unit = host.path('/run/systemd/generator/' + swap_managers.unit_name(source))
        # In a container systemd makes no unit for swap. It touches the other file, which mount(8) looks at as well.
        if not os.path.exists(unit):
            unit = host.path('/run/systemd/systemd-units-load')
        return changed > os.stat(unit).st_mtime
    except OSError:
        return False


def _kept(host, area, boot, managers):
    """True if an area is on after a boot too; None for an area that is not this node's, as in a container."""
    if area['deleted'] or not host.exists(area['path']):
        return False if area['deleted'] else None
    return at_boot(host, area['path'], boot, managers)['kept']


def _label(host, path, kernel):
    value = kernel.get_xattr(host.path(path), _SELINUX)
    return value.rstrip(b'\0').decode('ascii', 'replace') if value else None


def wanted_label(label):
    """An SELinux label with the type that a swap file has to have; None if the file has no label to go by."""
    parts = (label or '').split(':')
    if len(parts) < 3 or parts[2] == _LABEL_TYPE:
        return None
    return ':'.join(parts[:2] + [_LABEL_TYPE] + parts[3:])


def summary(state):
    """The four layers as the module returns them."""
    file, area, persistence = state['file'], state['file']['area'], state['persistence']
    layers = {'file': None, 'signature': None, 'activation': None, 'persistence': None}
    if file['kind'] != 'missing':
        layers['file'] = dict((key, file.get(key)) for key in
                              ('kind', 'size_bytes', 'allocated_bytes', 'hole_bytes', 'mode', 'uid', 'gid', 'links'))
    if file['signature']:
        layers['signature'] = dict((key, file['signature'][key]) for key in
                                   ('version', 'size_bytes', 'page_size_bytes'))
    if area:
        layers['activation'] = dict((key, area[key]) for key in ('size_bytes', 'used_bytes', 'priority'))
    if persistence['entries']:
        layers['persistence'] = {'by': 'fstab', 'lines': [entry['raw'] for entry in persistence['entries']]}
    elif persistence['unit']:
        layers['persistence'] = {'by': 'systemd', 'lines': [persistence['unit']]}
    return layers


def _is_unwritable(host, path):
    try:
        descriptor = os.open(host.path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and syscalls.is_unwritable(descriptor)
    finally:
        os.close(descriptor)


def at_boot(host, path, boot=None, managers=None):
    """{kept, why, would_tell, by} of Boot.swap(); ``by`` may also be the name of another manager of swap."""
    told = _turned_on(host, path, boot or boot_of(host), managers)
    if told['kept'] and _is_unwritable(host, path):
        return dict(no('%s can be changed by nobody (chattr +i or +a), and swapon opens it for writing: chattr -i -a %s'
                       % (path, path)), by=told['by'])
    return told


def _turned_on(host, path, boot, managers):
    told = boot.swap(path)
    if told['by'] in (None, 'command'):
        managers = swap_managers.managers(host) if managers is None else managers
        manager = swap_managers.manager_of(managers, path) or path.startswith('/dev/zram') and next(
            (one for one in managers if one['name'].startswith('zram-')), None)
        if manager:
            return {'kept': True, 'why': None, 'would_tell': None, 'by': manager['name']}
    return told
