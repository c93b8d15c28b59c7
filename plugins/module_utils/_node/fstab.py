# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of fstab(5), for swap and for mounts."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .swap_areas import unescape

PATH = '/etc/fstab'
# getmntent(3) separates fields by blanks and tabs alone; str.split() would split at others too.
_FIELD = re.compile(r'[^ \t]+')
_BY_TAG = {'UUID': 'by-uuid', 'LABEL': 'by-label', 'PARTUUID': 'by-partuuid', 'PARTLABEL': 'by-partlabel'}


def parse(text):
    """The entries of an fstab, in its order: {line (from 0), raw, source, mount_point, type, options: [...], spans}."""
    entries = []
    for number, raw in enumerate((text or '').split('\n')):
        # libmount takes lines with DOS line ends as well.
        fields = list(_FIELD.finditer(raw[:-1] if raw.endswith('\r') else raw))
        if len(fields) < 3 or fields[0].group().startswith('#'):
            continue
        entries.append({
            'line': number,
            'raw': raw,
            'source': unescape(fields[0].group()),
            'mount_point': unescape(fields[1].group()),
            'type': fields[2].group(),
            'options': fields[3].group().split(',') if len(fields) > 3 else [],
            'spans': [field.span() for field in fields],
        })
    return entries


def device(source):
    """The path of the file or device that a source names; of a tag such as ``UUID=`` the link below /dev/disk."""
    tag, _equals, value = source.partition('=')
    if tag in _BY_TAG and value:
        return '/dev/disk/%s/%s' % (_BY_TAG[tag], value.strip('"'))
    return source
