# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
short_description: The incidents that the role watch writes into a journal
description:
  - Follows a journal, this host's or one that systemd-journal-remote collects, and makes an event of each record of the
    role P(oom.rescue.watch#role).
  - The event is the record as the journal has it. P(oom.rescue.incident#event_filter) makes the incident of it.
options:
  directory:
    description: The directory of the journals to follow; this host's without it.
    type: str
  since:
    description: A time as journalctl takes it, to read from there on; without it only what comes.
    type: str
"""

EXAMPLES = r"""
- oom.rescue.journal:
  filters:
    - oom.rescue.incident:
"""

import asyncio
import json

IDENTIFIER = 'oom-rescue'
_LONGEST = 1 << 20


def command(args):
    """The words of the journalctl that follows the journal."""
    words = ['journalctl', '--follow', '--output=json', '--all', '--no-pager', f'SYSLOG_IDENTIFIER={IDENTIFIER}']
    words.append(f'--since={args["since"]}' if args.get('since') else '--lines=0')
    if args.get('directory'):
        # Without --merge it follows one boot of one host, the newest in the directory when it starts.
        words += [f'--directory={args["directory"]}', '--merge']
    return words


async def main(queue, args):
    """Put each record of the watch into the queue. It ends with an error if journalctl does: nothing is told then."""
    process = await asyncio.create_subprocess_exec(
        *command(args), stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL, limit=_LONGEST)
    try:
        async for line in process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                await queue.put({'journal': record})
        raise RuntimeError(f'journalctl ended with status {await process.wait()}, and no incident is heard of any more')
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
