# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.facts import cannot_set, maximum, provenance
from fake_sysctl_node import SysctlNode, bookworm, el7, trixie

OWN = '/etc/sysctl.d/99-oom.conf'


def winner(facts):
    found = [(row['source'], row['line'], row['value']) for row in facts['declared'] if row['wins']]
    assert len(found) <= 1
    return found[0] if found else None


def test_without_a_declaration_the_kernel_s_own_value_comes_back(tmp_path):
    facts = provenance(bookworm(tmp_path).host)
    assert facts == {
        'runtime': 60, 'after_reboot': 60, 'after_sysctl_system': None, 'tuned': None, 'cgroups': [],
        'cgroups_count': True, 'holds': True, 'decided_by': 'nothing sets it at boot, and 60 is the kernel\'s own',
        'declared': [{'source': 'kernel default', 'line': None, 'value': 60, 'by': ['kernel'], 'wins': True}],
    }


@pytest.mark.parametrize('make, sysctl_conf, after_reboot, by_hand', [
    (bookworm, 'vm.swappiness = 5\n', 5, 5),
    (trixie, 'vm.swappiness = 5\n', 20, 5),
    (trixie, None, 20, 20),
    (el7, 'vm.swappiness = 5\n', 5, 5),
], ids=['by a link on bookworm', 'not on trixie', 'absent on trixie', 'by a link and by tuned on EL7'])
def test_sysctl_conf_counts_where_something_reads_it_at_boot(tmp_path, make, sysctl_conf, after_reboot, by_hand):
    node = make(tmp_path)
    if sysctl_conf:
        node.file('/etc/sysctl.conf', sysctl_conf)
    node.file('/etc/sysctl.d/50-local.conf', 'vm.swappiness = 20\n')
    facts = provenance(node.host)
    assert (facts['after_reboot'], facts['after_sysctl_system']['value']) == (after_reboot, by_hand)


def test_declarations_are_in_the_order_in_which_they_are_applied_and_idle_ones_first(tmp_path):
    node = trixie(tmp_path, 'vm.swappiness = 5\n')
    node.file('/proc/cmdline', 'quiet sysctl.vm.swappiness=40 rw\n')
    node.file('/usr/lib/sysctl.d/90-vendor.conf', 'vm.swappiness = 70\n')
    node.file('/usr/lib/sysctl.d/10-hidden.conf', 'vm.swappiness = 71\n')
    node.file('/etc/sysctl.d/10-hidden.conf', '')
    node.file('/etc/sysctl.d/95-local.conf', 'vm.swappiness = 20\n\nvm.swappiness = 25\n')
    rows = provenance(node.host)['declared']
    assert [(row['source'], row['line'], row['value'], row['wins']) for row in rows] == [
        ('/usr/lib/sysctl.d/10-hidden.conf', 1, 71, False),
        ('/etc/sysctl.conf', 1, 5, False),
        ('kernel default', None, 60, False),
        ('/proc/cmdline', 1, 40, False),
        ('/usr/lib/sysctl.d/90-vendor.conf', 1, 70, False),
        ('/etc/sysctl.d/95-local.conf', 1, 20, False),
        ('/etc/sysctl.d/95-local.conf', 3, 25, True),
    ]
    assert [row['by'] for row in rows[:3]] == [[], [], ['kernel']]


@pytest.mark.parametrize('reapply, files, expected', [
    (None, {}, ('/usr/lib/tuned/virtual-guest/tuned.conf', 7, 30)),
    (1, {OWN: 'vm.swappiness = 10\n'}, (OWN, 1, 10)),
    (0, {OWN: 'vm.swappiness = 10\n'}, ('/usr/lib/tuned/virtual-guest/tuned.conf', 7, 30)),
    (1, {'/usr/lib/sysctl.d/99-v.conf': 'vm.swappiness = 10\n'}, ('/usr/lib/tuned/virtual-guest/tuned.conf', 7, 30)),
    (1, {OWN: 'vm.swappiness = 10\n', '/etc/sysctl.conf': 'vm.swappiness = 5\n'}, ('/etc/sysctl.conf', 1, 5)),
    (0, {'/etc/tuned/virtual-guest/tuned.conf': '[main]\ninclude=virtual-guest\n[sysctl]\nvm.swappiness=3\n'},
     ('/etc/tuned/virtual-guest/tuned.conf', 4, 3)),
    (0, {'/etc/tuned/virtual-guest/tuned.conf': '[sysctl]\nvm.swappiness=>70\n'},
     ('/etc/tuned/virtual-guest/tuned.conf', 2, 70)),
    (0, {'/etc/tuned/virtual-guest/tuned.conf': '[sysctl]\nvm.swappiness=>50\n'}, ('kernel default', None, 60)),
    (0, {'/etc/tuned/virtual-guest/tuned.conf': '[sysctl]\nvm.swappiness=<50\n'},
     ('/etc/tuned/virtual-guest/tuned.conf', 2, 50)),
], ids=['tuned alone', 'reapplied file', 'no reapply', 'usr is not reapplied', 'sysctl.conf is reapplied last',
        'a profile that hides and includes one', 'raises', 'does not lower', 'lowers'])
def test_tuned_comes_after_boot_and_reapplies_what_it_is_told_to(tmp_path, reapply, files, expected):
    node = trixie(tmp_path).tuned(reapply=reapply)
    for path, text in files.items():
        node.file(path, text)
    facts = provenance(node.host)
    assert winner(facts) == expected
    assert facts['after_reboot'] == expected[2]


def test_tuned_says_what_it_is_and_does(tmp_path):
    assert provenance(el7(tmp_path, reapply=0).host)['tuned'] == {
        'profile': 'virtual-guest', 'value': 30, 'source': '/usr/lib/tuned/virtual-guest/tuned.conf',
        'reapply_sysctl': False, 'enabled': True, 'running': True}


def test_tuned_that_is_not_started_at_boot_has_no_say_after_it(tmp_path):
    node = trixie(tmp_path).tuned(reapply=0)
    node.host.remove('/etc/systemd/system/multi-user.target.wants/tuned.service')
    facts = provenance(node.host)
    assert (facts['after_reboot'], facts['tuned']['enabled'], facts['tuned']['running']) == (60, False, True)


def test_a_command_beside_tuned_may_run_before_it(tmp_path):
    node = trixie(tmp_path).tuned(reapply=0)
    node.file('/etc/rc.local', '#!/bin/sh\nsysctl -w vm.swappiness=10\n')
    os.chmod(node.path('/etc/rc.local'), 0o755)
    assert provenance(node.host)['after_reboot'] is None
    node.file('/etc/rc.local', '#!/bin/sh\nsysctl -w vm.swappiness=30\n')
    assert provenance(node.host)['after_reboot'] == 30


@pytest.mark.parametrize('profile, files, expected', [
    ('', {}, None),
    ('', {OWN: 'vm.swappiness = 10\n'}, 10),
    ('mine', {'/etc/tuned/mine/tuned.conf': '[main]\ninclude=${f:virt_check:a:b}\n'}, None),
], ids=['no profile yet', 'no profile yet, reapplied', 'variable'])
def test_what_tuned_will_do_is_unknown_where_its_profile_is(tmp_path, profile, files, expected):
    node = trixie(tmp_path).tuned(profile=profile)
    for path, text in files.items():
        node.file(path, text)
    assert provenance(node.host)['after_reboot'] == expected


@pytest.mark.parametrize('raw', ['201', 'ten', '-1'])
def test_systemd_writes_the_last_assignment_alone_also_if_the_kernel_refuses_it(tmp_path, raw):
    node = trixie(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    node.file('/etc/sysctl.d/20-b.conf', 'vm.swappiness = %s\n' % raw)
    facts = provenance(node.host)
    assert winner(facts)[:2] == ('/etc/sysctl.d/20-b.conf', 1) and facts['after_reboot'] == 60
    node.file('/etc/sysctl.d/30-c.conf', 'vm.swappiness = 30\n')
    assert provenance(node.host)['after_reboot'] == 30


def test_what_an_older_kernel_refuses_is_no_value_there(tmp_path):
    node = trixie(tmp_path)
    node.file('/proc/sys/kernel/osrelease', '4.18.0-553.el8.x86_64\n')
    node.file('/etc/sysctl.d/30-c.conf', 'vm.swappiness = 150\n')
    assert provenance(node.host)['after_reboot'] == 60


def test_procps_writes_each_line_and_what_the_kernel_refuses_does_not_win(tmp_path):
    node = trixie(tmp_path)
    node.file('/proc/1/comm', 'init\n')
    node.file('/etc/rcS.d/S03procps', 'sysctl --system\n')
    os.chmod(node.path('/etc/rcS.d/S03procps'), 0o755)
    node.file('/usr/sbin/sysctl', '')
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\nvm.swappiness = ten\n')
    assert provenance(node.host)['after_reboot'] == 20


@pytest.mark.parametrize('procps, after_reboot', [('4.0.2', 30), ('3.3.17', 60)])
def test_of_the_sysctl_that_applies_the_files_an_older_one_knows_no_wildcards(tmp_path, procps, after_reboot):
    node = trixie(tmp_path)
    node.procps = procps
    node.file('/proc/1/comm', 'init\n')
    node.file('/etc/rcS.d/S03procps', 'sysctl --system\n')
    os.chmod(node.path('/etc/rcS.d/S03procps'), 0o755)
    node.file('/etc/sysctl.d/20-b.conf', 'vm.swappi* = 30\n')
    assert provenance(node.host)['after_reboot'] == after_reboot


def test_a_refused_wildcard_takes_nothing_back(tmp_path):
    node = bookworm(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swap* = 20\nvm.swapp* = ten\n')
    assert provenance(node.host)['after_reboot'] == 20


def test_a_file_of_this_boot_alone_may_come_again(tmp_path):
    node = bookworm(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    node.file('/run/sysctl.d/20-b.conf', 'vm.swappiness = 30\n')
    facts = provenance(node.host)
    assert facts['after_reboot'] is None and '/run/sysctl.d/20-b.conf line 1 may set 30' in facts['decided_by']
    node.file('/run/sysctl.d/20-b.conf', 'vm.swappiness = 20\n')
    assert provenance(node.host)['after_reboot'] == 20


@pytest.mark.parametrize('version, expected', [(252, 60), (219, 20)])
def test_an_exclusion_takes_back_what_was_set_before_it(tmp_path, version, expected):
    node = bookworm(tmp_path)
    node.version = version
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    node.file('/etc/sysctl.d/20-b.conf', '-vm.swappiness\n')
    assert provenance(node.host)['after_reboot'] == expected


@pytest.mark.parametrize('init, files, after_reboot', [
    ('systemd', {'/etc/sysctl.d/10-a.conf': 'vm.swappiness = 20\n'}, 20),
    ('init', {'/etc/sysctl.d/10-a.conf': 'vm.swappiness = 20\n', '/etc/rcS.d/S03procps': 'sysctl --system\n'}, 20),
    ('init', {'/etc/sysctl.conf': 'vm.swappiness = 20\n', '/etc/rcS.d/S03procps': 'sysctl --system\n'}, 20),
    ('init', {'/etc/sysctl.d/10-a.conf': 'vm.swappiness = 20\n', '/etc/init.d/procps': 'sysctl --system\n'}, 60),
    ('sleep', {'/etc/sysctl.d/10-a.conf': 'vm.swappiness = 20\n'}, None),
], ids=['systemd', 'sysv', 'sysv reads sysctl.conf', 'sysv, a script that nothing runs', 'container without init'])
def test_what_applies_files_at_boot_is_this_node_s_init(tmp_path, init, files, after_reboot):
    node = trixie(tmp_path)
    node.file('/proc/1/comm', init + '\n')
    for path, text in files.items():
        node.file(path, text)
        os.chmod(node.path(path), 0o755)
    facts = provenance(node.host)
    assert facts['after_reboot'] == after_reboot
    assert facts['holds'] is (None if after_reboot is None else after_reboot == 60)


@pytest.mark.parametrize('more, after_reboot', [('', 60), ('sysctl -w vm.swappiness=30\n', None)],
                         ids=['it applies the files alone', 'it sets a value too'])
def test_a_script_of_the_boot_that_applies_files_does_not_compete_with_one_after_it(tmp_path, more, after_reboot):
    node = trixie(tmp_path)
    node.file('/proc/1/comm', 'init\n')
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    node.file('/etc/init.d/procps', '#!/bin/sh\nDAEMON=/sbin/sysctl\n$DAEMON -q --system\n' + more)
    node.file('/etc/rc.local', '#!/bin/sh\necho 60 > /proc/sys/vm/swappiness\n')
    for path in ('/etc/init.d/procps', '/etc/rc.local'):
        os.chmod(node.path(path), 0o755)
    node.link('/etc/rcS.d/S03procps', '/etc/init.d/procps')
    assert provenance(node.host)['after_reboot'] == after_reboot


def test_with_systemd_sysctl_masked_the_kernel_s_own_value_comes_back(tmp_path):
    node = trixie(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    node.link('/etc/systemd/system/systemd-sysctl.service', '/dev/null')
    facts = provenance(node.host)
    assert facts['after_reboot'] == 60
    assert 'systemctl unmask systemd-sysctl.service' in facts['decided_by']


UNITS = '/etc/systemd/system/'
ENABLED = {UNITS + 'multi-user.target.wants/tune.service': ''}


UFW = {'/etc/ufw/ufw.conf': 'ENABLED=yes\n', '/etc/default/ufw': 'IPT_SYSCTL=/etc/ufw/sysctl.conf\n',
       '/etc/ufw/sysctl.conf': 'net/ipv4/ip_forward=1\nvm/swappiness=60\n',
       UNITS + 'multi-user.target.wants/ufw.service': '', UNITS + 'ufw.service': '[Service]\nExecStart=/lib/ufw/x\n'}
SAPTUNE = {UNITS + 'saptune.service': '[Service]\nExecStart=/usr/sbin/saptune service apply\n',
           UNITS + 'multi-user.target.wants/saptune.service': '',
           '/etc/saptune/override/941735': '[sysctl]\nvm.swappiness = 60\n[rpm]\n'}


@pytest.mark.parametrize('files, after_reboot', [
    ({'/etc/tmpfiles.d/a.conf': 'w /proc/sys/vm/swappiness - - - - 60\n'}, 60),
    ({'/etc/tmpfiles.d/a.conf': 'w+ /proc/sys/vm/swappiness - - - - 60\n'}, 60),
    ({'/etc/tmpfiles.d/a.conf': 'w! "/proc/sys/vm/swappiness" - - - - "60"\n'}, 60),
    ({'/etc/tmpfiles.d/a.conf': 'F /proc/sys/vm/swappiness 0644 root root - 60\n'}, 60),
    ({'/usr/lib/tmpfiles.d/a.conf': 'w /proc/sys/vm/swap* - - - - 60\n'}, 60),
    ({'/etc/tmpfiles.d/a.conf': 'f /proc/sys/vm/swappiness - - - - 60\n'}, 20),
    ({'/etc/tmpfiles.d/a.conf': '#w /proc/sys/vm/swappiness - - - - 60\n'}, 20),
    ({'/etc/tmpfiles.d/a.txt': 'w /proc/sys/vm/swappiness - - - - 60\n'}, 20),
    ({'/run/tmpfiles.d/a.conf': 'w /proc/sys/vm/swappiness - - - - 60\n'}, 20),
    ({'/usr/lib/tmpfiles.d/a.conf': 'w /proc/sys/vm/swappiness - - - - 60\n', '/etc/tmpfiles.d/a.conf': ''}, 20),
    ({'/etc/tmpfiles.d/a.conf': 'w /proc/sys/vm/swappiness - - - - 20\n',
      '/etc/tmpfiles.d/b.conf': 'w /proc/sys/vm/swappiness - - - - 60\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w vm.swappiness=60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -q "vm/swappiness = 60"\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\necho 60 > /proc/sys/vm/swappiness\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\necho 60 | tee /proc/sys/vm/swappiness\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\ncat /etc/wanted > /proc/sys/vm/swappiness\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\ncat /proc/sys/vm/swappiness\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nif true; then\nsysctl vm.swappiness=60\nfi\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nif true; then\nsysctl vm.swappiness=20\nfi\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -p\n', '/etc/sysctl.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -p /etc/my.conf\n', '/etc/my.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -p\n', '/etc/sysctl.conf': 'vm.dirty_ratio = 60\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl --system\n', '/etc/sysctl.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w vm.swappiness=60\nsysctl --system\n'}, 20),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/sbin/sysctl -w vm.swappiness=60\n'}), 60),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/bin/sh -c "echo 60 > /proc/sys/vm/swappiness"\n'
                      }), 60),
    ({UNITS + 'tune.service': '[Service]\nExecStart=/sbin/sysctl -w vm.swappiness=60\n'}, 20),
    ({'/etc/cron.d/a': '@reboot root sysctl vm.swappiness=60\n'}, 60),
    ({'/etc/NetworkManager/dispatcher.d/a': '#!/bin/sh\nsysctl -w vm.swappiness=60\n'}, None),
    ({'/etc/cron.daily/a': '#!/bin/sh\necho 20 > /proc/sys/vm/swappiness\n'}, 20),
    ({'/etc/cloud/cloud.cfg.d/a.cfg': 'bootcmd:\n- [sysctl, -w, vm.swappiness=60]\n'}, None),
    ({'/etc/modprobe.d/a.conf': 'install b /sbin/sysctl -p\n', '/etc/sysctl.conf': 'vm.swappiness = 60\n'}, None),
    ({'/etc/udev/rules.d/a.rules': 'RUN+="/usr/lib/systemd/systemd-sysctl /etc/a"\n', '/etc/a': 'vm.swappiness=60\n'},
     None),
    ({'/etc/rc.local': '#!/bin/sh\nfor key in $(cat /etc/keys); do\nsysctl -w $key=60\ndone\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nwhile read line; do\nsysctl -w "$line"\ndone < /etc/mine\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w vm.$key=60\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w "vm.swappiness"="60"\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w vm.swappiness=$VALUE\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w net.ipv4.conf.$dev.rp_filter=1\nsysctl -n $key\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\ngenerate | sysctl -p -\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -qp/etc/my.conf\n', '/etc/my.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl --load=/etc/my.conf\n', '/etc/my.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -p /etc/a /etc/b\n', '/etc/b': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -e -p /etc/mine/*.conf\n', '/etc/mine/b.conf': 'vm.swappiness = 60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nfor k in swappiness dirty_ratio; do\necho 60 > /proc/sys/vm/$k\ndone\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nF=/proc/sys/vm/swappiness\n[ -w $F ] && echo 60 > $F\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\necho 60 > $F\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\ncd /proc/sys/vm && echo 60 > swappiness\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\necho 60 > /proc/sys/vm/swap*\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nprintf 60 | dd of=/proc/sys/vm/swappiness\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\ncp /proc/sys/vm/swappiness /tmp/was\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\ncp /etc/swappiness /proc/sys/vm/swappiness\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\ntuned-adm profile latency-performance\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\ntuned-adm active\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nKEY=vm.swappiness\nsysctl -w $KEY=60\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nKEY=vm.dirty_ratio\nsysctl -w $KEY=60\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nVALUE=60; sysctl -w vm.swappiness=$VALUE\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nfor key in vm.swappiness vm.dirty_ratio; do\nsysctl -w $key=60\ndone\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nfor key in vm.dirty_ratio net.a; do\nsysctl -w $key=60\ndone\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nfor key in vm.swappiness; do\nsysctl -w $key=20\ndone\n'}, 20),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/sbin/sysctl -w $KEY\n'
                                              'Environment="KEY=vm.swappiness=60"\n'}), 60),
    ({'/etc/rc.local': '#!/bin/sh\necho "sysctl -w vm.swappiness=60" > /run/motd\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\nssh backup sysctl -w vm.swappiness=60\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\ncat > /run/motd <<EOF\nsysctl -w vm.swappiness=60\nEOF\n'}, 20),
    ({'/etc/rc.local': '#!/bin/sh\necho vm.swappiness=60 > /etc/sysctl.d/99-zzz.conf\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nrm -f /etc/sysctl.d/10-a.conf\n'}, 60),
    ({'/etc/rc.local': '#!/bin/sh\nif true; then\nsed -i /swappiness/d /etc/sysctl.d/10-a.conf\nfi\n'}, None),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/bin/true\nExecStop=/bin/rm -r /etc/sysctl.d\n'}),
     60),
    ({'/etc/tmpfiles.d/a.conf': 'r! /etc/sysctl.d/10-a.conf\n'}, None),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/sbin/sysctl -w vm.swappiness=20\n',
                      '/etc/rc.local': '#!/bin/sh\nsysctl -w vm.swappiness=60\n'}), None),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/sbin/sysctl -w vm.swappiness=60\n',
                      '/etc/rc.local': '#!/bin/sh\nsysctl -w vm.swappiness=60\n'}), 60),
    (UFW, 60),
    (dict(UFW, **{'/etc/ufw/ufw.conf': 'ENABLED=no\n'}), 20),
    (dict(UFW, **{'/etc/default/ufw': '#IPT_SYSCTL=/etc/ufw/sysctl.conf\n'}), 20),
    (dict(UFW, **{UNITS + 'ufw.service': ''}), 20),
    ({UNITS + 'systemd-sysctl.service.d/a.conf': '[Service]\nProtectKernelTunables=yes\n'}, 60),
    ({'/etc/inittab': 'x:2345:once:/sbin/sysctl -w vm.swappiness=60\n'}, 20),
    ({'/proc/self/mountinfo': '24 1 254:1 / / rw - ext4 /dev/vda1 rw\n31 24 0:9 / /etc rw - tmpfs tmpfs rw\n'}, 60),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/usr/lib/systemd/systemd-sysctl --strict /etc/a\n',
                      '/etc/a': 'vm.swappiness=60\n'}), 60),
    (dict(ENABLED, **{UNITS + 'tune.service': '[Service]\nExecStart=/usr/lib/systemd/systemd-sysctl\n'}), 20),
    (SAPTUNE, None),
    (dict(SAPTUNE, **{'/etc/saptune/override/941735': '[sysctl]\nvm.swappiness = 20\n[rpm]\n'}), 20),
    ({'/etc/saptune/override/941735': 'vm.swappiness = 60\n'}, 20),
], ids=repr)
def test_what_else_sets_it_at_boot(tmp_path, files, after_reboot):
    node = trixie(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    for path, text in files.items():
        node.file(path, text)
        os.chmod(node.path(path), 0o755)
    facts = provenance(node.host)
    assert facts['after_reboot'] == after_reboot
    assert [row['source'] for row in facts['declared'] if row['wins']] != []


EXTRA = 'vm.swappiness = 60\n'
WRITES = 'w /proc/sys/vm/swappiness - - - - 60\n'
STORE, SYSTEM = '/etc/credstore/sysctl.extra', '/run/credentials/@system/'


@pytest.mark.parametrize('asked, files, after_reboot', [
    ('LoadCredential=sysctl.extra', {STORE: EXTRA}, 60),
    ('ImportCredential=sysctl.*', {'/usr/lib/credstore/sysctl.extra': EXTRA}, 60),
    ('ImportCredential=sysctl.*', {STORE: '-vm.swap*\n', '/usr/lib/credstore/sysctl.extra': EXTRA}, 20),
    ('LoadCredential=sysctl.extra:/etc/mine', {'/etc/mine': EXTRA}, 60),
    ('LoadCredential=sysctl.extra', {'/etc/credstore/sysctl.more': EXTRA}, 20),
    ('LoadCredential=tmpfiles.extra', {STORE: EXTRA}, 20),
    ('User=root', {STORE: EXTRA}, 20),
    ('ImportCredential=sysctl.*', {SYSTEM + 'sysctl.extra': EXTRA}, None),
    ('ImportCredential=sysctl.*', {SYSTEM + 'sysctl.extra': 'vm.swappiness = 20\n'}, 20),
    ('ImportCredential=sysctl.*', {'/run/credstore/sysctl.extra': EXTRA}, None),
    ('ImportCredential=sysctl.*', {'/etc/credstore.encrypted/sysctl.extra': '...'}, None),
    ('ImportCredential=sysctl.*', {'/run/credentials/@encrypted/sysctl.extra': '...'}, None),
    ('ImportCredential=tmpfiles.*', {'/etc/credstore/tmpfiles.extra': WRITES}, 60),
    ('ImportCredential=tmpfiles.*', {SYSTEM + 'tmpfiles.extra': WRITES}, None),
    ('ImportCredential=tmpfiles.*', {'/etc/credstore/tmpfiles.extra': WRITES, '/etc/tmpfiles.d/a.conf':
                                     WRITES.replace('60', '20')}, 20),
], ids=repr)
def test_a_credential_of_systemd_has_lines_beside_those_of_files(tmp_path, asked, files, after_reboot):
    node = trixie(tmp_path)
    node.file('/etc/sysctl.d/10-a.conf', 'vm.swappiness = 20\n')
    for name in ('systemd-sysctl', 'systemd-tmpfiles-setup'):
        node.file('/usr/lib/systemd/system/%s.service' % name, '[Service]\nExecStart=/usr/lib/systemd/systemd-sysctl\n'
                  '%s\n' % asked)
        node.file('/usr/lib/systemd/system/sysinit.target.wants/%s.service' % name, '')
    for path, text in files.items():
        node.file(path, text)
    assert provenance(node.host)['after_reboot'] == after_reboot


@pytest.mark.parametrize('files, expected', [
    ({'/proc/cmdline': 'sysctl.vm.swappiness=40\n'}, ('/proc/cmdline', 40)),
    ({'/proc/cmdline': 'quiet\n', '/boot/grub/grub.cfg': '\tlinux /vmlinuz sysctl.vm.swappiness=30\n'},
     ('/boot/grub/grub.cfg', 30)),
    ({'/proc/cmdline': 'sysctl.vm.swappiness=40\n', '/boot/grub/grub.cfg': '\tlinux /vmlinuz quiet\n'},
     ('kernel default', 60)),
], ids=['of this boot', 'of the next', 'taken out since'])
def test_the_command_line_of_the_next_boot_counts(tmp_path, files, expected):
    node = trixie(tmp_path)
    for path, text in files.items():
        node.file(path, text)
    facts = provenance(node.host)
    assert winner(facts)[::2] == expected and facts['after_reboot'] == expected[1]


@pytest.mark.parametrize('release, force, counts', [
    ('3.10.0-957.27.2.el7.x86_64', None, False),
    ('3.15.10', None, False),
    ('3.16.0', None, True),
    ('4.18.0-553.el8.x86_64', 0, True),
    ('4.18.0-553.el8.x86_64', 1, False),
    ('6.1.0', None, True),
    ('unknown', None, True),
])
def test_a_cgroup_s_own_value_counts_as_the_kernel_has_it(tmp_path, release, force, counts):
    node = trixie(tmp_path).memory_v1(docker=60, docker__a1=30, system__slice=60)
    node.file('/proc/sys/kernel/osrelease', release + '\n')
    if force is not None:
        node.file('/proc/sys/vm/force_cgroup_v2_swappiness', '%d\n' % force)
    facts = provenance(node.host)
    assert facts['cgroups'] == [{'path': '/docker/a1', 'value': 30}]
    assert (facts['cgroups_count'], facts['holds']) == (counts, not counts)


@pytest.mark.parametrize('release, limit', [
    ((3, 10, 0), 100), ((5, 7, 19), 100), ((5, 8, 0), 200), ((6, 12, 0), 200), (None, 200)])
def test_the_range_is_the_kernel_s(release, limit):
    assert maximum(release) == limit


def test_a_node_that_has_no_say_says_why(tmp_path, monkeypatch):
    node = trixie(tmp_path)
    assert cannot_set(node.host) is None
    node.file('/proc/self/uid_map', '0 100000 65536\n')
    assert 'user namespace' in cannot_set(node.host)

    class ReadOnly:
        f_flag = 1

    monkeypatch.setattr(privilege.os, 'statvfs', lambda path: ReadOnly)
    assert 'read-only' in cannot_set(node.host)
    facts = provenance(node.host)
    assert (facts['runtime'], facts['after_reboot'], facts['holds']) == (60, None, None)
    node.host.remove('/proc/sys/vm/swappiness')
    assert 'cannot be read' in cannot_set(node.host)
    assert provenance(node.host)['runtime'] is None


def test_reading_writes_nothing(tmp_path):
    node = el7(tmp_path)
    before = node.etc()
    provenance(node.host)
    assert node.etc() == before
    assert SysctlNode.runtime(node) == 60
