# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify claims of the next boot is what the boot brings: breaks that do not touch each other share a boot."""

import pytest

RC_LOCAL = 'printf "#!/bin/sh\\n%s\\n" > /etc/rc.local; chmod +x /etc/rc.local'
FOLDER = '/etc/systemd/system/demo.service.d'
DROP_IN = 'mkdir -p ' + FOLDER + '; printf "[Service]\\n%s\\n" > ' + FOLDER + '/x.conf; systemctl daemon-reload'
# Swap leaves half a GiB of a filesystem free.
DATA = ('mkdir -p /data; truncate -s 800M /data.img; mkfs.ext4 -q -F /data.img; mount -o loop /data.img /data', )
NO_DATA = 'umount /data; rm -rf /data.img /data; sed -i "\\|/data|d" /etc/fstab; systemctl daemon-reload'
OFF_UNIT = ('printf "[Service]\\nExecStart=/sbin/sysctl -w vm.swappiness=60\\n[Install]\\n'
            'WantedBy=multi-user.target\\n" > /etc/systemd/system/off.service; systemctl enable -q off')
WRAPPER = ('printf "#!/bin/sh\\necho 0 > /proc/self/oom_score_adj\\nexec sleep infinity\\n" > /usr/local/bin/demo; '
           'chmod +x /usr/local/bin/demo')
# systemd runs no /etc/rc.local since 260: what stands in it breaks nothing there.
BY_RC_LOCAL = object()

# Before the remedies, the wish for swap, how each is broken after them, what clears that, what holds after the boot.
BOOTS = {
    'healthy, and fstab was edited': (
        [], {}, ['sleep 1; echo "# a comment" >> /etc/fstab', 'sleep 1; touch /etc/fstab'],
        ['sed -i "/# a comment/d" /etc/fstab; rm -f /etc/rc.local'], {}),
    'swap.target, tmpfiles, a file removed': (
        [], {}, ['systemctl mask swap.target', 'echo "w /proc/sys/vm/swappiness - - - - 60" > /etc/tmpfiles.d/x.conf',
                 'rm %s/*' % FOLDER],
        ['systemctl unmask swap.target; rm /etc/tmpfiles.d/x.conf'],
        {'swap': False, 'swappiness': False, 'oom_protect': False}),
    'the unit, rc.local, choom': (
        [], {}, ['systemctl mask swapfile.swap', RC_LOCAL % 'sysctl -w vm.swappiness=60',
                 DROP_IN % 'ExecStartPost=/usr/bin/choom -n 0 -p \\$MAINPID'],
        ['systemctl unmask swapfile.swap; rm /etc/rc.local %s/x.conf' % FOLDER],
        {'swap': False, 'swappiness': BY_RC_LOCAL, 'oom_protect': False}),
    'swapoff, a unit, a wrapper': (
        [], {}, [RC_LOCAL % 'swapoff -a', OFF_UNIT,
                 WRAPPER,
                 DROP_IN % 'ExecStart=\\nExecStart=/usr/local/bin/demo'],
        ['systemctl disable -q off; rm /etc/rc.local /etc/systemd/system/off.service /usr/local/bin/demo',
         'rm %s/x.conf' % FOLDER],
        {'swap': BY_RC_LOCAL, 'swappiness': False, 'oom_protect': False}),
    'a mount by hand, systemd-sysctl masked': (
        DATA, {'path': '/data/swapfile'}, ['systemctl mask systemd-sysctl'],
        ['systemctl unmask systemd-sysctl', NO_DATA], {'swap': False, 'swappiness': False}),
    'a mount with noauto, masks that end with the boot': (
        [*DATA, 'echo "/data.img /data ext4 loop,noauto 0 0" >> /etc/fstab; systemctl daemon-reload'],
        {'path': '/data/swapfile'},
        ['systemctl mask --runtime swap.target systemd-sysctl'], [NO_DATA], {}),
    'a unit in place of a line': (
        [], {'persist': 'systemd'}, ['! grep swap /etc/fstab', 'systemctl is-enabled swapfile.swap'], [], {}),
    'a unit beside which swap.target is masked': (
        [], {'persist': 'systemd'}, ['systemctl mask swap.target'], ['systemctl unmask swap.target'], {'swap': False}),
    'by another name': (
        ['mkdir -p /real; ln -s /real /link'], {'path': '/link/swapfile'}, [], ['rm -rf /real /link'], {}),
}


@pytest.mark.parametrize('name', list(BOOTS))
def test_the_boot_brings_what_verify_says(guest, name):
    before, swap, breaks, clear, broken = BOOTS[name]
    try:
        for command in before:
            guest.check(command)
        guest.remedy(swap)
        claims = guest.claims(swap)
        if name != 'a mount by hand, systemd-sysctl masked':
            assert {claim['state'] for claim in claims.values()} == {'held'}, claims
        for command in breaks:
            guest.check(command)
        claims = guest.claims(swap)
        guest.boot()
        expected = {remedy: broken.get(remedy, True) for remedy in ('swap', 'swappiness', 'oom_protect')}
        expected = {remedy: not guest.runs_rc_local() if holds is BY_RC_LOCAL else holds
                    for remedy, holds in expected.items()}
        assert guest.truth(swap) == expected
        assert {remedy: claim['after_reboot'] for remedy, claim in claims.items()} == expected, claims
        assert {claim['state'] for remedy, claim in claims.items() if expected[remedy]} <= {'held'}, claims
        assert not {claim['state'] for remedy, claim in claims.items() if not expected[remedy]} & {'held', 'cannot'}
    finally:
        for command in clear:
            guest.run(command)
        guest.run('systemctl daemon-reload')
        guest.undo(swap)
