# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this machine that is far away: sshd behind a proxy on loopback that delays each byte."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

KEYGEN = ('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f')
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
PermitRootLogin prohibit-password
UsePAM no
MaxStartups 100
Subsystem sftp internal-sftp
"""


def free_port():
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def far_away(folder, seconds):
    """The variables of an Ansible host that is this machine, by ssh, and ``seconds`` away and back."""
    folder, port = pathlib.Path(folder), free_port()
    for name in ('host', 'key'):
        subprocess.run([*KEYGEN, str(folder / name)], check=True)
    (folder / 'sshd_config').write_text(CONFIG.format(port=port, folder=folder), encoding='ascii')
    os.makedirs('/run/sshd', exist_ok=True)
    program = shutil.which('sshd', path='/usr/sbin:/sbin:/usr/bin')
    if not program:
        sys.exit('there is no sshd here: install openssh-server')
    with subprocess.Popen([program, '-D', '-f', str(folder / 'sshd_config')]) as daemon, delay(port, seconds) as slow:
        try:
            _wait_for(port)
            yield {'ansible_connection': 'ssh', 'ansible_host': '127.0.0.1', 'ansible_port': slow,
                   'ansible_user': 'root', 'ansible_ssh_private_key_file': str(folder / 'key'),
                   'ansible_ssh_common_args': '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'}
        finally:
            daemon.terminate()


def _wait_for(port):
    """Wait until somebody listens on a port of loopback. Exits if nobody does."""
    for _attempt in range(100):
        with socket.socket() as one:
            if one.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.1)
    sys.exit('sshd does not listen on port %d' % port)


@contextlib.contextmanager
def delay(port, seconds):
    """A port of loopback that leads to ``port``; half of ``seconds`` pass on each way."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    own = free_port()

    async def serve():
        await asyncio.start_server(lambda *ends: _pair(*ends, port, seconds / 2), '127.0.0.1', own)
        ready.set()

    def run():
        loop.create_task(serve())
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    ready.wait()
    try:
        yield own
    finally:
        loop.call_soon_threadsafe(loop.stop)


async def _pair(reader, writer, port, seconds):
    try:
        there = await asyncio.open_connection('127.0.0.1', port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_one_way(reader, there[1], seconds), _one_way(there[0], writer, seconds))


async def _one_way(reader, writer, seconds):
    """Hand on what is read, in its order, each part so much later."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        data = await reader.read(1 << 16)
        while data:
            loop.call_later(seconds, writer.write, data)
            data = await reader.read(1 << 16)
    loop.call_later(seconds, writer.close)
