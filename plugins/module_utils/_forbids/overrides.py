# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of all that can forbid a remedy, by which a user lifts one; `forbids.py` finds them on a host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

IDS = ('kubelet', 'k3s', 'rke2', 'microk8s', 'waagent', 'rpi-swap', 'dphys-swapfile', 'swapspace', 'systemd-swap',
       'cloud-init', 'zram-generator', 'hibernation', 'btrfs-snapshots', 'gpt-auto', 'memory-lock', 'masked',
       'container', 'stronger-score')
