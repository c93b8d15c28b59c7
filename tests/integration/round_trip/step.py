# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a container: the steps of a sequence, and pictures of the host as it is. Reads and prints lines of JSON."""

import base64
import json
import os
import pathlib
import stat
import subprocess
import sys

sys.path.insert(0, '/root-of-collections')

from ansible_collections.oom.rescue.plugins.module_utils._files.host import DIRECTORY, Host  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._score import apply as score  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._score import options as score_options  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply as swap  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import options as swap_options  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import apply as swappiness  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness_options  # noqa: E402

DISK = '/disk'
SEEN = ('/etc', '/var/lib', '/root', '/usr/local', DISK)
# What systemd and its timers write by themselves, packages, and a server's data.
NOT_OURS = ('/var/lib/systemd', '/var/lib/private', '/var/lib/dpkg', '/var/lib/mysql', '/etc/machine-id',
            DISK + '/lost+found')
UNITS = ('server.service', 'db.service')
# What 0.1.0's records did not have, and the file that it did not write.
LATER = {'swap.json': ('left', 'fstab_above'), 'swappiness.json': ('mode',), 'oom_score_adj.json': ()}


def _with(spec, given):
    return dict({name: one.get('default') for name, one in spec.items()}, **given)


def _swap(given):
    return swap.swap_file(Host(), _with(swap_options.OPTIONS, dict(given, reserve='8M')), False, lambda text: None)


def _swappiness(given):
    return swappiness.converge(Host(), _with(swappiness_options.OPTIONS, given))


def _score(given):
    return score.converge(Host(), _with(score_options.OPTIONS, given))


def _upgrade(_given):
    """Leave the records as 0.1.0 would have written them."""
    for name, keys in LATER.items():
        path = pathlib.Path(DIRECTORY, name)
        if not path.exists():
            continue
        found = json.loads(path.read_text())
        records = found['records'] if 'version' in found else found
        for record in records.values():
            for key in keys:
                record.pop(key, None)
        path.write_text(json.dumps(records))
    pathlib.Path(DIRECTORY, 'asked.json').unlink(missing_ok=True)


def edited(text, row, place):
    """An administrator's line at the top, in the middle or at the end of a text."""
    lines = text.splitlines(True)
    lines.insert({'top': 0, 'middle': len(lines) // 2, 'end': len(lines)}[place], row + '\n')
    return ''.join(lines)


def _edit(given):
    path = pathlib.Path(given['path'])
    path.write_text(edited(path.read_text(), given['row'], given['place']))


def _kill(given):
    """A server dies, and systemd starts it again."""
    subprocess.run(['systemctl', 'kill', '--signal=KILL', given['unit']], check=True)
    for _attempt in range(100):
        if subprocess.run(['systemctl', 'is-active', '--quiet', given['unit']], check=False).returncode == 0:
            return


def picture():
    """{files: {path: [kind, mode, uid, gid, content]}, live: {name: value}} of the host."""
    return {'files': dict(row for top in SEEN for row in _files(top)), 'live': _live()}


def _files(top):
    for directory, names, files in os.walk(top):
        for path in [directory] * (directory == top) + [os.path.join(directory, name) for name in names + files]:
            if not path.startswith(NOT_OURS):
                yield path, _file(path)


def _file(path):
    status = os.lstat(path)
    content = None
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        # The signature of a swap file has a new UUID with each mkswap.
        content = status.st_size if path.startswith(DISK) else base64.b64encode(
            pathlib.Path(path).read_bytes()).decode()
    return [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content]


def _live():
    found = {'swappiness': pathlib.Path('/proc/sys/vm/swappiness').read_text()}
    for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:]:
        if line.startswith(DISK):
            found[line.split()[0]] = [line.split()[2], line.split()[4]]
    for unit in UNITS:
        shown = dict(line.split('=', 1) for line in subprocess.run(
            ['systemctl', 'show', '-p', 'MainPID,OOMScoreAdjust,Restart,OOMPolicy,DropInPaths,UnitFileState', unit],
            stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout.splitlines())
        shown['score'] = pathlib.Path('/proc', shown.pop('MainPID'), 'oom_score_adj').read_text()
        found[unit] = shown
    found['units'] = subprocess.run(['systemctl', 'list-unit-files', '--no-legend', 'oom-rescue*', '*.swap'],
                                    stdout=subprocess.PIPE, universal_newlines=True, check=False).stdout
    return found


STEPS = {'swap': _swap, 'swappiness': _swappiness, 'score': _score, 'upgrade': _upgrade, 'edit': _edit, 'kill': _kill}


def main():
    """Each step is done by a process of its own, as runs of Ansible are; what is imported is imported once."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            what, given = json.loads(line)
            print(json.dumps(picture() if what == 'picture' else STEPS[what](given)), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit(1)


if __name__ == '__main__':
    main()
