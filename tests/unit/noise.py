#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""10,000 lines of a quiet host: the journal of a virtual machine with MariaDB, Docker, earlyoom and systemd-oomd as it
boots and idles, and what a kubelet says from its printf formats. Nothing in it was killed or refused.

    tests/unit/noise.py > FILE
"""

from __future__ import absolute_import, division, print_function

import gzip
import os
import random
import sys

JOURNAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fixtures', 'noise', 'bookworm.journal.gz')
COUNT = 10000
_KLOG = '%(level)s1128 %(clock)s.%(micro)06d   22620 '
# Each behind klog's own prefix; a line that begins with a blank goes on with the one above it.
_KUBELET = r"""
kubelet.go:2458] "SyncLoop (PLEG): event for pod" pod="default/web-%(number)d"
 event={"ID":"27aff94d","Type":"ContainerStarted","Data":"%(hash)s"}
prober.go:107] "Probe failed" probeType="Readiness" pod="default/web-%(number)d" probeResult="failure"
 output="HTTP probe failed with statuscode: 503"
eviction_manager.go:173] "Eviction manager: no observation found for eviction signal"
 signal="allocatableMemory.available"
watcher.go:93] Error while processing event ("/sys/fs/cgroup/%(hash)s": 0x40000100 == IN_CREATE|IN_ISDIR):
 inotify_add_watch /sys/fs/cgroup/%(hash)s: no such file or directory
kubelet_node_status.go:696] "Recording event message for node" node="node1" event="NodeHasSufficientMemory"
kuberuntime_container.go:808] "Killing container with a grace period" pod="default/web-%(number)d"
 containerName="web" gracePeriod=30
topology_manager.go:215] "Topology Admit Handler" podUID="%(hash)s"
pod_workers.go:1298] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"web\" with
 CrashLoopBackOff: \"back-off 5m0s restarting failed container\""
""".strip().replace('\n ', ' ').split('\n')


def lines(count=COUNT):
    """So many lines of noise, text."""
    with gzip.open(JOURNAL) as stream:
        journal = stream.read().decode('utf-8').splitlines()
    chance, found = random.Random(1), []
    while len(found) < count:
        place = len(found) % len(journal)
        found.append(journal[place])
        if place % 3 == 0:
            stamp = found[-1][:15]
            words = {'level': chance.choice('IWE'), 'clock': stamp[7:], 'micro': chance.randrange(10 ** 6),
                     'number': chance.randrange(99), 'hash': '%032x' % chance.getrandbits(128)}
            found.append('%s node1 kubelet[22620]: %s' % (stamp, (_KLOG + chance.choice(_KUBELET)) % words))
    return found[:count]


if __name__ == '__main__':
    sys.stdout.write('\n'.join(lines()) + '\n')
