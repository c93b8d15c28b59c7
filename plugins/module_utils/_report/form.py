# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a signal: one line of one program, and what that line alone proves."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.cgroup_paths import cgroup_names

# Groups of a match that are fields of the signal as they are.
_TEXTS = ('name', 'unit', 'container', 'host')
_NUMBERS = ('pid', 'bytes', 'limit_bytes')

# The tags that programs write in front of a line.
SYSTEMD = ('systemd', 'init')
OOMD = ('systemd-oomd',)
KUBELET = ('kubelet', 'hyperkube', 'k3s', 'kubelite', 'microk8s', 'microk8s.daemon-kubelite', 'microk8s.daemon-kubelet',
           'rke2')
ENGINES = ('dockerd', 'dockerd-current', 'docker', 'containerd', 'podman', 'crio', 'conmon', 'k3s', 'kubelite', 'rke2')
KERNEL = ('kernel',)

# (was_memory, limit, actor)
KERNEL_HOST = ('yes', 'host', 'kernel')
KERNEL_CGROUP = ('yes', 'cgroup', 'kernel')
KERNEL_SOMEWHERE = ('yes', 'unknown', 'kernel')
REFUSED_BY_HOST = ('yes', 'host', 'kernel_refused')
REFUSED = ('yes', 'unknown', 'kernel_refused')
REFUSED_PERHAPS = ('unknown', 'unknown', 'kernel_refused')
TOO_MANY_PROCESSES = ('no', 'none', 'kernel_refused')
OWN_LIMIT = ('yes', 'program', 'program')
STOPPED = ('no', 'none', 'manager')
CRASHED = ('no', 'none', 'program')
BY_KUBELET = ('no', 'none', 'kubelet')
UNPROVEN = ('unknown', 'unknown', 'unknown')

UNIT = r'(?<!\S)(?P<unit>[^\s:/]{1,255}\.(?:service|scope|slice|socket|mount|swap|timer))'


def longest_of(words):
    """The text of a regular expression that finds the longest of the words that stands at a place."""
    return '(?:%s)' % '|'.join(re.escape(word) for word in sorted(words, key=len, reverse=True))


class Form:
    """One line of one program, and what it proves.

    Each such line has one of ``markers`` (bytes). ``pattern`` is searched in the message, and so is ``also`` if it is
    given. ``refine`` may correct the signal by the match and the lines around: it returns the signal, or None if the
    line is none.
    """

    def __init__(self, kind, says, markers, pattern, programs=None, name=None, refine=None, also=None):
        self.kind = kind
        self.was_memory, self.limit, self.actor = says
        self.markers = tuple(marker.encode('utf-8') if str is not bytes else marker for marker in markers)
        self._words, self._pattern = pattern, None
        self.also = also
        self.programs = programs
        self.name = name
        self.refine = refine

    @property
    def pattern(self):
        """The regular expression. There are hundreds, of which a run needs few: each is compiled when it is needed."""
        if self._pattern is None:
            self._pattern = re.compile(self._words)
        return self._pattern

    def fields(self, match):
        """{name, pid, unit, container, bytes, limit_bytes} of a line; None for what it does not tell."""
        told = match.groupdict()
        fields = dict((key, told.get(key) or None) for key in _TEXTS)
        for key in _NUMBERS:
            text = told.get(key)
            fields[key] = int(text) * _scale(told.get(key + '_scale')) if text and len(text) < 20 else None
        fields['name'] = fields['name'] or self.name
        return fields


def _scale(word):
    return {'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}.get((word or ' ')[0].upper(), 1)


def last_part(path):
    """The last component of a cgroup's path, which names its unit; None if it names none."""
    part = path.rstrip('/').rsplit('/', 1)[-1].lstrip(u'\u2026' if str is not bytes else '\xe2\x80\xa6')
    return part or None


def of_path(signal, match, dummy):
    """Refine a signal of a line that names a cgroup's path."""
    last = signal['unit'] = last_part(match.group('path'))
    container = cgroup_names(match.group('path'))['container_id']
    if container and last and container in last:
        signal['container'] = container
        signal['unit'] = None if last == container else last
    return signal
