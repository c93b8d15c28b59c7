# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load of the outage, the same before and after the remedy, and what it did, as JSON.

Waits until the database serves, runs composer so that it forks with a large heap, runs it so that it fills a large
heap, and tells of each how it ended, whom the kernel killed, and what the customer saw meanwhile.
"""

import json
import os
import re
import subprocess
import time

KERNEL_LOG = '/var/log/kern.log'
COMPOSER = '/usr/local/lib/outage/composer.php'
FORK_MEGABYTES = 1200
GROW_MEGABYTES = 600


def output(*argv):
    return subprocess.run(argv, check=False, stdout=subprocess.PIPE, text=True).stdout.strip()


def server():
    """The database server's process, as the kernel knows it."""
    return output('pidof', '-s', 'mysqld', 'mariadbd')


def composer(mode, megabytes):
    # In a unit of its own: a hog in an ssh session would take ssh.service with it.
    argv = ['systemd-run', '--quiet', '--collect', '--pipe', '--wait', '--unit=composer-' + mode]
    if os.path.isdir('/srv/composer'):
        argv += ['--property=RootDirectory=/srv/composer', '--property=MountAPIVFS=yes', '--property=BindReadOnlyPaths='
                 + os.path.dirname(COMPOSER), 'php']
    else:
        argv += ['docker', 'run', '--rm', '--network=none', '--volume=%s:%s:ro' % ((os.path.dirname(COMPOSER),) * 2),
                 'app', 'php']
    began = time.time()
    done = subprocess.run(argv + ['-d', 'memory_limit=-1', COMPOSER, mode, str(megabytes)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False)
    subprocess.run(['logger', '--tag', 'composer'], input=done.stdout, text=True, check=True)
    return {'rc': done.returncode, 'seconds': round(time.time() - began, 1), 'output': done.stdout.split('\n')}


def main():
    # Waits for a start that is under way: after a boot the customer comes when the database is whole.
    subprocess.run(['systemctl', 'start', 'outage-client'], check=True)
    subprocess.run(['outage-client', 'wait'], check=True)
    with open(KERNEL_LOG) as log:
        log.seek(0, os.SEEK_END)
        result = {'pid': server(), 'score_adj': open('/proc/%s/oom_score_adj' % server()).read().strip()}
        since = time.time()
        result['fork'] = composer('fork', FORK_MEGABYTES)
        result['grow'] = composer('grow', GROW_MEGABYTES)
        # Long enough that the customer is seen to be served, however fast the load was.
        time.sleep(12)
        result['pid_after'] = server()
        lines = log.read().splitlines()
    result['kernel'] = [line for line in lines if re.search('invoked oom-killer|oom-kill:|Out of memory: ', line)]
    result['killed'] = [found.group(1) for found in (re.search(r'Killed process \d+ \((\S+)\)', line) for line in lines)
                        if found]
    result['memory'] = output('free', '--mega').splitlines()
    result['customer'] = json.loads(output('outage-client', 'report', str(since)))
    print(json.dumps(result))


main()
