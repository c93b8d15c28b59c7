# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs another program in the C locale, with a limit on its time and its output, and in a group that can be ended."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import select
import signal
import subprocess
import time

NOT_THERE = 127
TOO_LONG = 124
SECONDS = 90
_LARGEST = 16 << 20
# How long to wait, after a program has ended, for its output to close: a child of its own may hold it open.
_LINGER = 0.5


def environment():
    """The environment variables for a program that root runs: of the caller's only those that tell where its own files
    are.
    """
    path = os.environ.get('PATH', os.defpath) + ':/usr/sbin:/sbin'
    return dict(os.environ, LC_ALL='C', LANGUAGE='C', PATH=path)


def start(argv, **streams):
    """The process of a program in the C locale, with the ``streams`` of subprocess.Popen; who starts it reads it and
    ends it. Raises OSError if it is not there.

    AnsibleModule.run_command would keep all that it says in memory, and there is no module where a log is read.
    """
    return subprocess.Popen(argv, env=environment(), close_fds=True, **streams)  # pylint: disable=ansible-bad-function


def run(argv, seconds=SECONDS):
    """(rc, stdout, stderr) of a program, the last two as bytes.

    rc is 127 if the program is not there and 124 if it was ended after ``seconds``; stderr then says so.
    AnsibleModule.run_command would end the module, would wait for ever, and would keep the caller's locale.
    """
    try:
        with open(os.devnull, 'rb') as nothing:
            process = start(argv, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=os.setsid)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
        text = '%s is not on this host' % argv[0] if missing else '%s: %s' % (argv[0], error.strerror)
        return NOT_THERE, b'', text.encode('utf-8')
    try:
        out, err, whole = _collect(process, time.time() + seconds)
        if not whole:
            return TOO_LONG, out, ('%s gave no answer within %d seconds and was ended'
                                   % (argv[0], seconds)).encode('utf-8')
        return process.returncode, out, err
    finally:
        _end(process)


def _collect(process, deadline):
    """(stdout, stderr, True if the program ended before the deadline)."""
    parts = {process.stdout.fileno(): [], process.stderr.fileno(): []}
    open_ends, sizes = set(parts), dict.fromkeys(parts, 0)
    ended = None
    while open_ends and (ended is None or time.time() - ended < _LINGER):
        if time.time() >= deadline:
            break
        for descriptor in _readable(open_ends):
            data = os.read(descriptor, 65536)
            if not data:
                open_ends.discard(descriptor)
            elif sizes[descriptor] < _LARGEST:
                parts[descriptor].append(data)
                sizes[descriptor] += len(data)
        if ended is None and process.poll() is not None:
            ended = time.time()
    while process.poll() is None and time.time() < deadline:
        time.sleep(0.01)
    texts = [b''.join(parts[stream.fileno()]) for stream in (process.stdout, process.stderr)]
    return texts[0], texts[1], process.poll() is not None


def _readable(descriptors):
    try:
        return select.select(list(descriptors), [], [], 0.05)[0]
    except select.error as error:
        if error.args[0] == errno.EINTR:
            return []
        raise


def _end(process):
    """End the program and its children, if any still run, and fetch its status."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EPERM):
                raise
        process.wait()
    process.stdout.close()
    process.stderr.close()
