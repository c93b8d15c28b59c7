# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a long write has come, told to the node's system log and to whoever runs the playbook."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.sizes import format_size

# In memory, and readable by the user whom Ansible logs in as: the action plugin looks at it over the connection.
PATH = '/run/oom-rescue-swap_file'
LONGEST = 4096
_SIZE = r'[0-9]{1,4}(?:\.[0-9])? (?:bytes|[KMGT]iB)'
_WRITTEN = re.compile(r'(%s of %s) written to ' % (_SIZE, _SIZE))


def written(text):
    """``12 MiB of 2 GiB`` of what a node says in that file; None of anything else, as a node may say what it likes."""
    match = _WRITTEN.match(text)
    return match.group(1) if match else None


class Progress:
    """A callable (done_bytes, total_bytes) about the file ``name``; as a context, it takes its file away at the end.

    ``log`` is a callable (text) like AnsibleModule.log.
    """

    def __init__(self, host, name, log):
        self._host, self._name, self._log = host, name, log

    def __enter__(self):
        # A run that was killed leaves its own.
        self._host.remove(PATH)
        return self

    def __exit__(self, *_exception):
        self._host.remove(PATH)

    def __call__(self, done_bytes, total_bytes):
        text = '%s of %s written to %s' % (format_size(done_bytes), format_size(total_bytes), self._name)
        self._log(text)
        try:
            self._host.replace(PATH, text + '\n')
        except (IOError, OSError):
            # No /run, or none that can be written to: the swap matters more than the word about it.
            pass
