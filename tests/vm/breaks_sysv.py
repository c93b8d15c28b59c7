# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of breaks_rows.py for Debian's sysvinit and OpenRC: what such an init does otherwise, and what it has alone.
"""

import functools

import breaks_rows
from breaks_rows import F, T, row_of

SERVERS = {'one': 'served1', 'two': 'served2', 'three': 'served3', 'four': 'served4'}
HELPERS = breaks_rows.HELPERS + r'''
script() {
    printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: %s\n# Required-Start: $all\n# Required-Stop:\n'\
'# Default-Start: 2 3 4 5\n# Default-Stop:\n### END INIT INFO\ncase "$1" in\nstart)\n    %s\n    ;;\n'\
'stop)\n    %s\n    ;;\nesac\n' "$1" "$2" "${3:-:}" > /etc/init.d/$1
    chmod +x /etc/init.d/$1
    update-rc.d $1 defaults > /dev/null
}
gone() {
    mkdir -p /root/gone
    for link in /etc/rc?.d/S[0-9][0-9]$1 /etc/runlevels/*/$1; do
        [ ! -h $link ] || mv $link /root/gone/$(echo $link | tr / =)
    done
}
pid() { pidof $1; }
'''
SERVERS_SETUP = r'''
for number in 1 2 3 4; do
    cp /bin/sleep /usr/local/sbin/served$number
    script served$number "start-stop-daemon --start --background --exec /usr/local/sbin/served$number -- infinity"
    sed -i "s|^case|[ ! -r /etc/default/served$number ] \|\| . /etc/default/served$number\n&|" /etc/init.d/served$number
    /etc/init.d/served$number start
done
script breaks "setsid python3 -B /root/oom/breaks_guest.py > /root/oom/log 2>&1 < /dev/null &"
/etc/init.d/breaks start
'''
PLAN = {
    'by': 'process', 'reboot': ('reboot', '-f'), 'begin': ':',
    # Until the init's own scripts have come to their end, and what waits a moment in rc.local.
    'settled': 'while pidof -x rc openrc startpar > /dev/null; do sleep 1; done; sleep 8',
}
CLEAN = r'''
for link in $(ls /root/gone 2> /dev/null); do mv /root/gone/$link $(echo $link | tr = /); done
for path in /etc/init.d/row-*; do
    [ ! -e $path ] || { update-rc.d -f ${path##*/} remove > /dev/null; rm $path; }
done
rm -rf /etc/rc.local /etc/sysctl.d/*-row* /run/sysctl.d /usr/lib/sysctl.d/99-zz* /usr/local/lib/sysctl.d \
    /usr/local/bin/row-*
sed -i '/^r[os]:/d' /etc/inittab
[ ! -h /etc/fstab ] || { cp /etc/fstab /etc/fstab.new; mv /etc/fstab.new /etc/fstab; rm -f /etc/fstab.real; }
'''
# What these inits do as systemd does, by other programs.
_ALIKE = {
    'swap': (
        'its line is a comment', 'its line gone', 'its line with noauto', 'its line of another type',
        'its line with a UUID that is none', 'fstab empty', 'a filesystem that nothing mounts',
        'swapoff -a in rc.local', 'swapoff of it in rc.local', 'swapoff in a script of a script', 'turned off by hand',
        'nofail taken out', 'a second name in fstab', 'a link in fstab', 'fstab is a link', 'two lines of it',
        'swapoff behind a test'),
    'swappiness': (
        'set by hand', 'its file removed', 'a later file', 'a later file, with slashes', 'a later file, with a dash',
        'a later file of /usr/local', 'sysctl in rc.local', 'echo in rc.local', 'sysctl --system in rc.local',
        'sysctl -p in rc.local', 'a later file of this boot alone', 'a wildcard in a later file',
        "a file of a package with its file's name"),
    'score': ('another score by hand', 'a stronger one by hand'),
}
_DEFAULTS, _SCRIPT = '/etc/default/@S@', '/etc/init.d/@S@'
_RESET = 'echo 0 > /proc/\\$\\$/oom_score_adj'
_swap, _value, _score = (functools.partial(row_of, remedy) for remedy in _ALIKE)
ROWS = [row for row in breaks_rows.ROWS if row.name in _ALIKE[row.remedy]] + [
    # Swap.
    _swap('no script turns it on', 'gone checkroot.sh; gone mountall.sh', T, F, 'false', wide=True),
    _swap('its mount with noauto', 'sed -i "s|^/data.img .*|/data.img /data ext4 loop,noauto 0 0|" /etc/fstab', T, F,
          'false', slot='data',
          undo='sed -i "s|^/data.img .*|/data.img /data ext4 loop 0 0|" /etc/fstab; mount /data'),
    _swap('noswap', '', None, F, 'cannot', wide=True, append='noswap'),
    # Which of its commands a script of the init runs at a start, its text does not tell for sure.
    _swap('a script', 'script row-off "/sbin/swapoff @P@"', T, F, 'open'),
    _swap('a script, at its end', 'script row-off-end : "/sbin/swapoff -a"', T, T, 'held'),
    _swap('a script in no runlevel', 'script row-off-none "/sbin/swapoff -a"; gone row-off-none', T, T, 'held'),
    _swap('inittab', 'echo "ro:2:once:/bin/sh -c \\"sleep 5; /sbin/swapoff @P@\\"" >> /etc/inittab', T, F, 'false'),
    _swap('a file that rc.local reads', 'echo "/sbin/swapoff @P@" > /root/row-off; rc "sleep 3; . /root/row-off"', T, F,
          'false', undo='rm /root/row-off'),
    _swap('rc.local that nothing runs', 'rc "/sbin/swapoff @P@"; gone rc.local', T, T, 'held', wide=True),
    # Swappiness.
    # procps writes line by line, and the kernel keeps what it had; systemd-sysctl writes the last line alone.
    _value('no number in a later file', 'echo vm.swappiness=high > /etc/sysctl.d/99-zzz-row.conf', T, T, 'held'),
    _value('procps in no runlevel', 'gone procps', T, F, 'false'),
    _value('procps may not be executed', 'chmod -x /etc/init.d/procps', T, F, 'false',
           undo='chmod +x /etc/init.d/procps'),
    _value('the settings of a script', 'echo "sysctl -w vm.swappiness=60" >> /etc/default/ssh', T, F, 'open',
           undo='sed -i /swappiness/d /etc/default/ssh'),
    _value('sysctl is gone', 'mv /sbin/sysctl /root/sysctl', T, F, 'false', undo='mv /root/sysctl /sbin/sysctl'),
    _value('a value in sysctl.conf, which is read last', 'echo vm.swappiness=60 >> /etc/sysctl.conf', T, F, 'false',
           undo='sed -i /swappiness/d /etc/sysctl.conf'),
    _value('a script', 'script row-set "sysctl -w vm.swappiness=60"', T, F, 'open'),
    _value('a script, by echo', 'script row-set "echo 60 > /proc/sys/vm/swappiness"', T, F, 'open'),
    _value('inittab', 'echo "ro:2:once:/sbin/sysctl -w vm.swappiness=60" >> /etc/inittab', T, F, 'false'),
    # Score.
    _score('its file removed', 'rm %s' % _DEFAULTS, T, F, 'false'),
    _score('its block taken out', 'sed -i "/oom.rescue/,/oom.rescue/d" %s' % _DEFAULTS, T, F, 'false'),
    # A score that a script gives by itself is left to a person: open, with the line to change.
    _score('a later line of its file', 'echo "%s" >> %s' % (_RESET, _DEFAULTS), T, F, 'open',
           undo='sed -i "/^echo 0/d" %s' % _DEFAULTS),
    _score('its script resets it', 'sed -i "/^ *start-stop-daemon/i %s" %s' % (_RESET, _SCRIPT), T, F, 'open',
           undo='sed -i "/^echo 0/d" %s' % _SCRIPT),
    _score('its script reads the file no more', 'sed -i.row "/default/d" %s; mv %s.row /root/@S@' % (_SCRIPT, _SCRIPT),
           T, F, 'open', undo='mv /root/@S@ %s' % _SCRIPT),
    _score('choom in its script', 'sed -i "s/start-stop-daemon/choom -n 0 -- &/" %s' % _SCRIPT, T, F, 'open',
           undo='sed -i "s/choom -n 0 -- //" %s' % _SCRIPT),
    _score('choom in rc.local', 'rc "sleep 3; choom -n 0 -p \\$(pidof @S@)"', T, F, 'open'),
    _score('choom in inittab', 'echo "rs:2:once:/bin/sh -c %s" >> /etc/inittab' % (
        "'sleep 3; choom -n 0 -p \\$(pidof @S@)'"), T, F, 'open'),
    _score('killed and started again', 'kill -9 $(pid @S@); sleep 1; %s start; sleep 3' % _SCRIPT, T, T, 'held'),
]
