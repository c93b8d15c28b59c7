# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to break a remedy, and hosts that are healthy though they look odd: what is done, what is true after it, and
what verify has to say.

In a command @P@ is the swap file, @U@ its unit, @S@ the server's unit; HELPERS are functions for all of them.
"""

import collections

HELPERS = r'''
rc() {
    [ -e /etc/rc.local ] || { printf '#!/bin/sh\n' > /etc/rc.local; chmod +x /etc/rc.local; }
    echo "$1" >> /etc/rc.local
}
initd() {
    put /etc/init.d/$1 "#!/bin/sh\n$2"; chmod +x /etc/init.d/$1
    for level in 2 3 4 5; do mkdir -p /etc/rc$level.d; ln -sf ../init.d/$1 /etc/rc$level.d/S99$1; done
}
put() { mkdir -p "${1%/*}"; printf -- "$2\n" > "$1"; }
service() {
    put /etc/systemd/system/$1.service "[Service]\nType=oneshot\nExecStart=$2\n[Install]\nWantedBy=multi-user.target"
    systemctl enable -q $1
}
timer() {
    put /etc/systemd/system/$1.service "[Service]\nType=oneshot\nExecStart=$2"
    put /etc/systemd/system/$1.timer "[Timer]\nOnBootSec=1\nAccuracySec=1\n[Install]\nWantedBy=timers.target"
    systemctl enable -q $1.timer
}
drop() { put /etc/systemd/system/$1.d/$2.conf "$3"; }
wrapper() { printf '#!/bin/sh\n%s\nexec sleep infinity\n' "$2" > /usr/local/bin/$1; chmod +x /usr/local/bin/$1; }
pid() { systemctl show -p MainPID --value $1; }
'''
SERVERS = {'one': 'server1.service', 'two': 'server2.service', 'three': 'server3.service', 'four': 'server4.service',
           'instance': 'server@1.service', 'transient': 'passing.service'}
SERVERS_SETUP = r'''
cp /bin/sleep /usr/local/sbin/served
put /etc/systemd/system/server@.service "[Service]\nExecStart=/usr/local/sbin/served infinity\nRestart=on-failure\n\
RestartSec=1\n[Install]\nWantedBy=multi-user.target"
for number in 1 2 3 4; do cp /etc/systemd/system/server@.service /etc/systemd/system/server$number.service; done
printf '[Service]\nExecStart=/usr/bin/python3 -B /root/oom/breaks_guest.py\nStandardOutput=journal\n'\
'[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/breaks.service
systemctl daemon-reload
systemctl enable -q breaks
systemctl enable -q --now server1 server2 server3 server4 server@1
systemctl start --no-block breaks
'''
# What breaks_guest.py does before it asks and after a boot, and how it reboots. A boot is over when no job is left, and
# what waits a moment in rc.local or a timer has run.
PLAN = {
    'by': 'unit', 'reboot': ('systemctl', 'reboot', '--force', '--force'),
    'settled': '%s; sleep 5; %s' % (('systemctl is-system-running --wait > /dev/null', ) * 2),
    'begin': 'systemctl is-active -q passing || systemd-run -q --unit=passing sleep infinity',
}
# What undoes all that the rows below may have left.
CLEAN = r'''
systemctl unmask swap.target systemd-sysctl swap1.swap swap2.swap swap3.swap data-swap4.swap swap5.swap data.mount -q
for unit in /etc/systemd/system/row-*.timer /etc/systemd/system/row-*.service; do
    [ ! -e "$unit" ] || systemctl disable -q "${unit##*/}"; rm -f "$unit"
done
rm -rf /etc/rc.local /etc/init.d/row-* /etc/rc?.d/S99row-* /etc/credstore/*.extra /etc/tmpfiles.d/row-* \
    /etc/udev/rules.d/*row* /etc/sysctl.d/*-row* /run/sysctl.d \
    /usr/lib/sysctl.d/99-zz* /usr/local/lib/sysctl.d /usr/local/bin/row-* /etc/systemd/system/*.d/row.conf \
    /etc/systemd/system/*.d/zz-row.conf /etc/systemd/system.control /etc/systemd/system-generators
[ ! -h /etc/fstab ] || { cp /etc/fstab /etc/fstab.new; mv /etc/fstab.new /etc/fstab; rm -f /etc/fstab.real; }
systemctl daemon-reload
'''

Row = collections.namedtuple('Row', 'name remedy how now later state undo before slot wide append differs')
_OFF = '/sbin/swapoff'
_SET = '/sbin/sysctl -w vm.swappiness=60'
_OWN = '/etc/sysctl.d/99-zz-oom-rescue.conf'
_DROP = '/etc/systemd/system/@S@.d/50-oom-rescue.conf'
_AGAIN = 'systemctl daemon-reload'


def row_of(remedy, name, how, now, later, state, undo='', before='', slot='', wide=False, append='', differs=False):
    return Row(name, remedy, how, now, later, state, undo, before, slot, wide, append, differs)


def _swap(name, *fields, **more):
    return row_of('swap', name, *fields, **more)


def _value(name, *fields, **more):
    return row_of('swappiness', name, *fields, **more)


def _score(name, *fields, **more):
    return row_of('score', name, *fields, **more)


T, F = True, False
LINE = r'sed -i "s|^@P@ .*|%s|" /etc/fstab'
BACK = LINE % '@P@ none swap sw,nofail 0 0'
ROWS = [
    # Swap: a boot does not turn it on.
    _swap('swap.target masked', 'systemctl mask -q swap.target', T, F, 'false', wide=True, differs=T),
    _swap('its unit masked', 'systemctl mask -q @U@', T, F, 'false'),
    _swap('its line is a comment', 'sed -i "s|^@P@|#&|" /etc/fstab', T, F, 'false',
          undo='sed -i "/^#@P@/d" /etc/fstab'),
    _swap('its line gone', 'sed -i "\\|^@P@|d" /etc/fstab', T, F, 'false'),
    _swap('its line with noauto', LINE % '@P@ none swap sw,noauto 0 0', T, F, 'false'),
    _swap('its line of another type', LINE % '@P@ none ignore sw 0 0', T, F, 'false', undo=BACK),
    _swap('its line with a UUID that is none', LINE % 'UUID=00000000-0000-4000-8000-000000000000 none swap '
          'nofail,x-systemd.device-timeout=3 0 0', T, F, 'false', undo='sed -i "/^UUID=0000/d" /etc/fstab'),
    _swap('fstab empty', 'cp /etc/fstab /root/fstab; : > /etc/fstab', T, F, 'false', wide=True,
          undo='cp /root/fstab /etc/fstab; systemctl daemon-reload; mount /data'),
    _swap('the generator masked', 'put /etc/systemd/system-generators/x x; '
          'ln -s /dev/null /etc/systemd/system-generators/systemd-fstab-generator', T, F, 'false', wide=True,
          undo='mountpoint -q /data || mount -o loop /data.img /data', differs=T),
    _swap('a condition that is not met', 'drop @U@ row "[Unit]\\nConditionPathExists=/no"', T, F, 'false'),
    _swap('a filesystem that nothing mounts', 'sed -i "\\|^/data.img|d" /etc/fstab', T, F, 'false', slot='data',
          undo='echo "/data.img /data ext4 loop 0 0" >> /etc/fstab; systemctl daemon-reload; mount /data', differs=T),
    _swap('its mount masked', 'systemctl mask -q data.mount', T, F, 'false', slot='data',
          undo='systemctl unmask -q data.mount; mount /data', differs=T),
    _swap('its unit disabled', 'systemctl disable -q @U@', T, F, 'false', slot='unit'),
    _swap('its unit with another file', 'drop @U@ row "[Swap]\\nWhat=/other"', T, F, 'false', slot='unit'),
    _swap('its unit removed', 'rm /etc/systemd/system/@U@', T, F, 'false', slot='unit'),
    _swap('systemd.swap=no', '', None, F, 'cannot', wide=True, append='systemd.swap=no', differs=T),
    _swap('systemd.mask of its unit', '', None, F, 'cannot', append='systemd.mask=swap1.swap', slot='first', differs=T),
    # Swap: something turns it off again.
    _swap('swapoff -a in rc.local', 'rc "sleep 3; swapoff -a"', T, F, 'false', wide=True),
    _swap('swapoff of it in rc.local', 'rc "sleep 3; /sbin/swapoff @P@"', T, F, 'false'),
    _swap('its unit stopped in rc.local', 'rc "sleep 3; systemctl stop @U@"', T, F, 'false'),
    _swap('swapoff -a in a unit', 'service row-off "%s -a"' % _OFF, T, F, 'false', wide=True),
    _swap('swapoff in a unit, by a shell', "service row-off \"/bin/sh -c '%s @P@'\"" % _OFF, T, F, 'false'),
    _swap('swapoff by a timer', 'timer row-off-later "%s @P@"' % _OFF, T, F, 'false'),
    _swap('swapoff in a drop-in of another unit', 'drop ssh.service row "[Service]\\nExecStartPost=-%s @P@"' % _OFF,
          T, F, 'false'),
    _swap('swapoff in a script of a script', 'wrapper row-off-script "/usr/local/bin/row-inner"; printf "#!/bin/sh\\n'
          'sleep 3; swapoff @P@\\n" > /usr/local/bin/row-inner; chmod +x /usr/local/bin/row-inner; '
          'rc "/usr/local/bin/row-inner now"', T, F, 'false'),
    _swap('swapoff in an init script', 'initd row-init "sleep 3; swapoff @P@"', T, F, 'open', differs=T),
    # Swap: it is not what it was.
    _swap('turned off by hand', 'swapoff @P@', F, T, 'false'),
    _swap('the file removed', 'swapoff @P@; rm @P@', F, F, 'false'),
    _swap('another file in its place', 'swapoff @P@; mv @P@ @P@.old; fallocate -l 16M @P@; chmod 600 @P@', F, F,
          'false', undo='rm -f @P@.old'),
    _swap('its signature gone', 'swapoff @P@; dd if=/dev/zero of=@P@ bs=4096 count=1 conv=notrunc 2> /dev/null', F, F,
          'false'),
    _swap('cut', 'swapoff @P@; truncate -s 4M @P@', F, F, 'false'),
    _swap('smaller than it was asked for', 'swapoff @P@; truncate -s 4M @P@; mkswap -q @P@; swapon @P@', None, None,
          'false'),
    _swap('for others to read', 'chmod 644 @P@', None, None, 'false'),
    _swap('chattr +i', 'chattr +i @P@', T, F, 'false', undo='chattr -i @P@; swapon @P@'),
    _swap('chattr +a', 'chattr +a @P@', T, F, 'false', undo='chattr -a @P@; swapon @P@'),
    # Swap: it is healthy.
    _swap('a unit runs swapon, in the place of its line', 'sed -i "\\|^@P@|d" /etc/fstab; service row-on '
          '"/sbin/swapon @P@"', T, T, 'held'),
    _swap('nofail taken out', LINE % '@P@ none swap sw 0 0', T, T, 'held', undo=BACK),
    _swap('a comment in fstab, not reloaded', 'sleep 1; echo "# comment" >> /etc/fstab', T, T, 'held',
          undo='sed -i "/^# comment/d" /etc/fstab'),
    _swap('its mount with noauto', 'sed -i "s|^/data.img .*|/data.img /data ext4 loop,noauto 0 0|" /etc/fstab', T, T,
          'held', slot='data', undo='sed -i "s|^/data.img .*|/data.img /data ext4 loop 0 0|" /etc/fstab', differs=T),
    _swap('a second name in fstab', 'ln @P@ @P@b; ' + LINE % '@P@b none swap sw,nofail 0 0', T, T, 'held',
          undo='swapoff @P@b; rm -f @P@b; sed -i "s|^@P@b .*|@P@ none swap sw,nofail 0 0|" /etc/fstab; swapon @P@'),
    _swap('a link in fstab', 'ln -s @P@ @P@l; ' + LINE % '@P@l none swap sw,nofail 0 0', T, T, 'held',
          undo='sed -i "s|^@P@l .*|@P@ none swap sw,nofail 0 0|" /etc/fstab; rm -f @P@l; swapoff @P@; swapon @P@'),
    _swap('fstab is a link', 'mv /etc/fstab /etc/fstab.real; ln -s fstab.real /etc/fstab', T, T, 'held'),
    _swap('a mask that ends with the boot', 'systemctl mask -q --runtime @U@', T, T, 'held', differs=T),
    _swap('other swap beside it', 'fallocate -l 8M /other; chmod 600 /other; mkswap -q /other; swapon -p 9 /other', T,
          T, 'held', undo='swapoff /other; rm -f /other'),
    _swap('swapoff behind exit', 'printf "#!/bin/sh\\nexit 0\\nswapoff -a\\n" > /usr/local/bin/row-exit; '
          'chmod +x /usr/local/bin/row-exit; service row-exit /usr/local/bin/row-exit', T, T, 'held'),
    _swap('swapoff at the end of a unit', 'service row-stop "/bin/true\\nExecStop=-%s -a\\nRemainAfterExit=yes"' % _OFF,
          T, T, 'held'),
    _swap('two lines of it', 'grep "^@P@ " /etc/fstab >> /etc/fstab', T, T, 'held',
          undo='sed -i "\\|^@P@ |d" /etc/fstab', differs=T),
    # Swap: nobody can know.
    _swap('swapoff behind a test', 'rc "[ ! -e /no ] || swapoff @P@"', T, T, 'open'),
    _swap('tmpfiles removes it', 'put /etc/tmpfiles.d/row-swap.conf "r! @P@"', T, None, 'open',
          undo='rm /etc/tmpfiles.d/row-swap.conf; swapoff @P@; swapon @P@', differs=T),
    # Swappiness: another value after a boot.
    _value('set by hand', 'sysctl -qw vm.swappiness=60', F, T, 'false'),
    _value('its file removed', 'rm %s' % _OWN, T, F, 'false'),
    _value('its file a link to /dev/null', 'ln -sf /dev/null %s' % _OWN, T, F, 'false', undo='rm -f %s' % _OWN),
    _value('its file edited', 'sed -i "s/swappiness.*/swappiness = 60/" %s' % _OWN, T, F, 'false'),
    _value('a later file', 'put /etc/sysctl.d/99-zzz-row.conf vm.swappiness=60', T, F, 'false'),
    _value('a later file, with slashes', 'put /etc/sysctl.d/99-zzz-row.conf vm/swappiness=60', T, F, 'false'),
    _value('a later file, with a dash', 'put /etc/sysctl.d/99-zzz-row.conf -vm.swappiness=60', T, F, 'false',
           differs=T),
    _value('a later file, in hexadecimal', 'put /etc/sysctl.d/99-zzz-row.conf vm.swappiness=0x3c', T, F, 'false'),
    _value('a later file, with a comment behind', 'put /etc/sysctl.d/99-zzz-row.conf "vm.swappiness = 60 # x"', T, F,
           'false'),
    _value('a later file of /usr/local', 'put /usr/local/lib/sysctl.d/99-zzz-row.conf vm.swappiness=60', T, F,
           'false', differs=T),
    _value('systemd-sysctl masked', 'systemctl mask -q systemd-sysctl', T, F, 'false'),
    _value('systemd-sysctl with a condition', 'drop systemd-sysctl.service row "[Unit]\\nConditionPathExists=/no"',
           T, F, 'false'),
    _value('systemd-sysctl runs another program', 'drop systemd-sysctl.service row "[Service]\\nExecStart=\\n'
           'ExecStart=/bin/true"', T, F, 'false', differs=T),
    _value('tmpfiles', 'put /etc/tmpfiles.d/row-set.conf "w /proc/sys/vm/swappiness - - - - 60"', T, F, 'false',
           differs=T),
    _value('sysctl in rc.local', 'rc "sysctl -w vm.swappiness=60"', T, F, 'false'),
    _value('echo in rc.local', 'rc "echo 60 > /proc/sys/vm/swappiness"', T, F, 'false'),
    _value('sysctl --system in rc.local', 'rc "sysctl --system"; echo vm.swappiness=60 >> /etc/sysctl.conf', T, F,
           'false', undo='sed -i /swappiness/d /etc/sysctl.conf'),
    _value('sysctl -p in rc.local', 'rc "sysctl -p"; echo vm.swappiness=60 >> /etc/sysctl.conf', T, F, 'false',
           undo='sed -i /swappiness/d /etc/sysctl.conf'),
    _value('a unit', 'service row-set "%s"' % _SET, T, F, 'false'),
    _value('a unit, by a shell', "service row-set \"/bin/sh -c 'echo 60 > /proc/sys/vm/swappiness'\"", T, F, 'false'),
    _value('a timer', 'timer row-set-later "%s"' % _SET, T, F, 'false'),
    _value('a drop-in of another unit', 'drop ssh.service zz-row "[Service]\\nExecStartPost=%s"' % _SET, T, F, 'false'),
    _value('udev', "put /etc/udev/rules.d/99-row.rules 'SUBSYSTEM==\"net\", RUN+=\"%s\"'" % _SET, T, None, 'open'),
    _value('a later file of this boot alone', 'put /run/sysctl.d/99-zzz-row.conf vm.swappiness=60', T, T, 'open'),
    _value('no number in a later file', 'put /etc/sysctl.d/99-zzz-row.conf vm.swappiness=sixty', T, F, 'false',
           differs=T),
    _value('a number out of range in a later file', 'put /etc/sysctl.d/99-zzz-row.conf vm.swappiness=500', T, F,
           'false', differs=T),
    _value('a credential of systemd-sysctl', 'put /etc/credstore/sysctl.extra vm.swappiness=60', T, F, 'false',
           differs=T),
    _value('a credential of systemd-tmpfiles', 'put /etc/credstore/tmpfiles.extra "w /proc/sys/vm/swappiness - - - - '
           '60"', T, F, 'false', differs=T),
    _value('a credential on the kernel\'s command line', '', T, F, 'open',
           append='systemd.set_credential=sysctl.extra:vm.swappiness=60', differs=T),
    # Swappiness: it is healthy.
    _value('a wildcard in a later file', 'put /etc/sysctl.d/99-zzz-row.conf "vm.swapp*=60"', T, T, 'held', differs=T),
    _value('a file of a package with its file\'s name', 'put /usr/lib/sysctl.d/99-zz-oom-rescue.conf '
           'vm.swappiness=60', T, T, 'held'),
    _value('a value in sysctl.conf, which is read before', 'echo vm.swappiness=60 >> /etc/sysctl.conf', T, T, 'held',
           undo='sed -i /swappiness/d /etc/sysctl.conf', differs=T),
    _value('the kernel\'s command line', '', T, T, 'held', append='sysctl.vm.swappiness=60', differs=T),
    # Score: another one at the next start.
    _score('its drop-in removed', 'rm %s; %s' % (_DROP, _AGAIN), T, F, 'false'),
    _score('its drop-in removed, not reloaded', 'rm %s' % _DROP, T, F, 'false'),
    _score('its drop-in a link to /dev/null', 'ln -sf /dev/null %s' % _DROP, T, F, 'false', undo='rm -f %s' % _DROP,
           differs=T),
    _score('a later drop-in', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust=0"; %s' % _AGAIN, T, F, 'failed'),
    _score('a later drop-in, not reloaded', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust=0"', T, F, 'failed'),
    _score('a later drop-in that takes it back', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust="', T, F, 'failed',
           differs=T),
    _score('a later drop-in of all services', 'drop service zz-row "[Service]\\nOOMScoreAdjust=0"', T, F, 'failed',
           wide=True, differs=T),
    _score('a later drop-in of the template', 'drop server@.service zz-row "[Service]\\nOOMScoreAdjust=0"', T, F,
           'failed', slot='instance'),
    _score('a later drop-in of system.control', 'put /etc/systemd/system.control/@S@.d/zz-row.conf '
           '"[Service]\\nOOMScoreAdjust=0"', T, F, 'failed', differs=T),
    _score('choom in ExecStartPost', 'drop @S@ row "[Service]\\nExecStartPost=/bin/sleep 1\\n'
           'ExecStartPost=/usr/bin/choom -n 0 -p \\$MAINPID"', T, F, 'false'),
    _score('echo in ExecStartPost', 'drop @S@ row "[Service]\\nExecStartPost=/bin/sleep 1\\n'
           'ExecStartPost=/bin/sh -c \'echo 0 > /proc/\\$\\${MAINPID}/oom_score_adj\'"', T, F, 'false'),
    _score('a wrapper', 'wrapper row-server "echo 0 > /proc/self/oom_score_adj"; drop @S@ row '
           '"[Service]\\nExecStart=\\nExecStart=/usr/local/bin/row-server"', None, F, 'false'),
    _score('a wrapper by choom', 'drop @S@ row "[Service]\\nExecStart=\\nExecStart=/usr/bin/choom -n 0 -- sleep '
           'infinity"', None, F, 'false'),
    _score('choom in rc.local', 'rc "sleep 3; choom -n 0 -p \\$(systemctl show -p MainPID --value @S@)"', T, F, 'open'),
    _score('a reset by another unit', 'service row-reset "/bin/sh -c \'sleep 3; echo 0 > /proc/\\$\\$(systemctl show '
           '-p MainPID --value @S@)/oom_score_adj\'"', T, F, 'open'),
    _score('disabled and stopped', 'systemctl disable -q --now @S@', F, F, 'open',
           undo='systemctl enable -q --now @S@'),
    _score('disabled, and running', 'systemctl disable -q @S@', T, None, 'held', undo='systemctl enable -q --now @S@'),
    _score('masked', 'mv /etc/systemd/system/@S@ /root/; systemctl mask -q @S@', T, None, 'held',
           undo='systemctl unmask -q @S@; mv /root/@S@ /etc/systemd/system/; systemctl enable -q --now @S@'),
    _score('transient', '', T, F, 'open', slot='transient', differs=T),
    _score('its file removed', 'mv /etc/systemd/system/@S@ /root/; %s' % _AGAIN, T, F, 'open',
           undo='mv /root/@S@ /etc/systemd/system/; systemctl daemon-reload; systemctl enable -q --now @S@'),
    _score('another score by hand', 'echo 0 > /proc/$(pid @S@)/oom_score_adj', F, T, 'false'),
    _score('a score below ours in a later drop-in', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust=-900"', T, T, 'held'),
    # Score: it is healthy.
    _score('a stronger one by hand', 'echo -900 > /proc/$(pid @S@)/oom_score_adj', T, T, 'held'),
    _score('killed and started again', 'kill -9 $(pid @S@); sleep 3', T, T, 'held'),
    _score('a score in the unit\'s own file', 'sed -i "s/^ExecStart/OOMScoreAdjust=0\\n&/" /etc/systemd/system/@S@', T,
           T, 'held', undo='sed -i /^OOMScoreAdjust/d /etc/systemd/system/@S@'),
    _score('no number in a later drop-in', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust=none"', T, T, 'held'),
    _score('a number out of range in a later drop-in', 'drop @S@ zz-row "[Service]\\nOOMScoreAdjust=-5000"', T, T,
           'held', differs=T),
    _score('another section in a later drop-in', 'drop @S@ zz-row "[Unit]\\nOOMScoreAdjust=0"', T, T, 'held'),
    _score('a file that is no drop-in', 'put /etc/systemd/system/@S@.d/zz-row.conf.bak "[Service]\\nOOMScoreAdjust=0"',
           T, T, 'held', undo='rm -f /etc/systemd/system/@S@.d/*.bak'),
    _score('a default for all of systemd', 'put /etc/systemd/system.conf.d/row.conf "[Manager]\\n'
           'DefaultOOMScoreAdjust=300"', T, T, 'held', undo='rm -r /etc/systemd/system.conf.d', differs=T),
    _score('choom of itself before the start', 'drop @S@ row "[Service]\\nExecStartPre=/bin/sh -c '
           '\'echo 0 > /proc/self/oom_score_adj\'"', T, T, 'held'),
]
