# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.sysctl import (
    PROCPS,
    SYSTEMD,
    TUNED,
    all_files,
    assignments,
    files_in_order,
    kernel_integer,
    normalise,
    parse,
    with_lines_back,
    without_line,
)
from fake_sysctl_node import SysctlNode, bookworm, trixie

KEY = 'vm.swappiness'


@pytest.mark.parametrize('raw, number', [
    ('10', 10),
    (' 10 ', 10),
    ('0x1e', 30),
    ('010', 8),
    ('0', 0),
    ('-1', -1),
    ('10 # and a comment', 10),
    ('10\t20', 10),
    ('10abc', None),
    ('08', None),
    ('ten', None),
    ('', None),
    (None, None),
], ids=repr)
def test_a_value_is_the_number_that_the_kernel_makes_of_it(raw, number):
    assert kernel_integer(raw) == number


@pytest.mark.parametrize('key, path', [
    ('vm.swappiness', 'vm/swappiness'),
    ('vm/swappiness', 'vm/swappiness'),
    ('net.ipv4.conf.enp3s0/200.forwarding', 'net/ipv4/conf/enp3s0.200/forwarding'),
    ('net/ipv4/conf/enp3s0.200/forwarding', 'net/ipv4/conf/enp3s0.200/forwarding'),
    ('hostname', 'hostname'),
])
def test_the_first_separator_of_a_key_says_which_one_separates(key, path):
    assert normalise(key) == path


@pytest.mark.parametrize('line, expected', [
    ('vm.swappiness = 10', ('10', False, False)),
    ('  vm.swappiness=10  ', ('10', False, False)),
    ('vm/swappiness = 10', ('10', False, False)),
    ('-vm.swappiness = 10', ('10', True, False)),
    ('- vm.swappiness = 10', ('10', True, False)),
    ('-vm.swappiness', (None, True, False)),
    ('vm.swap* = 10', ('10', False, True)),
    ('vm.*=10', ('10', False, True)),
    ('*.swappiness=10', ('10', False, True)),
    ('vm/swappine[rs]s = 10', ('10', False, True)),
    ('-vm.*', (None, True, True)),
    ('vm.swappiness = 10=20', ('10=20', False, False)),
    ('* = 10', None),
    ('vm.swappiness', None),
    ('# vm.swappiness = 10', None),
    ('; vm.swappiness = 10', None),
    ('vm.swappiness_x = 10', None),
    ('vm.swappines = 10', None),
    ('', None),
    ('=', None),
    ('-', None),
], ids=repr)
def test_a_line_is_of_the_key_in_every_form_it_may_have(line, expected):
    found = parse('# head\n%s\n# tail' % line, KEY)
    assert [(each['raw'], each['dash'], bool(each['glob'])) for each in found] == ([expected] if expected else [])
    assert [each['line'] for each in found] == ([2] if expected else [])


DIRECTORIES = {
    '/etc/sysctl.d/20-a.conf': '', '/run/sysctl.d/20-a.conf': '', '/usr/lib/sysctl.d/20-a.conf': '',
    '/run/sysctl.d/10-b.conf': '', '/usr/lib/sysctl.d/10-b.conf': '',
    '/usr/local/lib/sysctl.d/30-c.conf': '', '/usr/lib/sysctl.d/30-c.conf': '',
    '/usr/lib/sysctl.d/05-d.conf': '', '/etc/sysctl.d/40-e': '', '/etc/sysctl.conf': '',
}


@pytest.mark.parametrize('program, order', [
    (SYSTEMD, ['/usr/lib/sysctl.d/05-d.conf', '/run/sysctl.d/10-b.conf', '/etc/sysctl.d/20-a.conf',
               '/usr/local/lib/sysctl.d/30-c.conf']),
    (PROCPS, ['/usr/lib/sysctl.d/05-d.conf', '/run/sysctl.d/10-b.conf', '/etc/sysctl.d/20-a.conf',
              '/usr/local/lib/sysctl.d/30-c.conf', '/etc/sysctl.conf']),
    (TUNED, ['/run/sysctl.d/10-b.conf', '/run/sysctl.d/20-a.conf', '/etc/sysctl.conf']),
])
def test_each_program_has_its_own_order_of_files(tmp_path, program, order):
    node = SysctlNode(tmp_path)
    for path, text in DIRECTORIES.items():
        node.file(path, text)
    assert files_in_order(Overlay(node.host), program) == order


@pytest.mark.parametrize('lines, program, modern, raws', [
    ({'10': 'vm.swappiness=1', '20': 'vm.swappiness=2'}, SYSTEMD, True, ['1', '2']),
    ({'10': 'vm.swappiness=1\nvm/swappiness=3'}, SYSTEMD, True, ['1', '3']),
    ({'10': 'vm.swappiness=1', '20': 'vm.*=2'}, SYSTEMD, True, ['1']),
    ({'10': 'vm.swappiness=1', '20': 'vm.*=2'}, PROCPS, True, ['1']),
    ({'20': 'vm.*=2'}, SYSTEMD, True, ['2']),
    ({'20': 'vm.*=2'}, SYSTEMD, False, []),
    ({'20': 'vm.*=2'}, TUNED, True, []),
    ({'20': '-vm.swappiness=2'}, SYSTEMD, True, ['2']),
    ({'20': '-vm.swappiness=2'}, SYSTEMD, False, []),
    ({'20': '-vm.swappiness=2'}, PROCPS, False, ['2']),
    ({'10': 'vm.swappiness=1', '20': '-vm.swappiness'}, PROCPS, False, ['1']),
    ({'20': 'vm.*=2'}, PROCPS, False, []),
    ({'20': '-vm.swappiness=2'}, TUNED, True, []),
    ({'10': '-vm.swappiness', '20': 'vm.*=2'}, SYSTEMD, True, [None]),
    ({'10': '-vm.swappiness', '20': 'vm.*=2'}, PROCPS, True, []),
    ({'10': 'vm.*=1', '20': '-vm.*'}, SYSTEMD, True, []),
    ({'10': 'vm.*=1', '20': '-vm.*'}, PROCPS, True, ['1']),
    ({'10': 'vm.*=1', '20': '-vm.s*'}, SYSTEMD, True, ['1']),
    ({'10': 'vm.swappiness=1', '20': '-vm.swappiness'}, SYSTEMD, True, ['1', None]),
    ({'10': 'vm.swappiness=1', '20': '-vm.swappiness'}, PROCPS, True, ['1']),
], ids=repr)
def test_what_a_program_does_about_the_key(tmp_path, lines, program, modern, raws):
    node = SysctlNode(tmp_path)
    for name, text in lines.items():
        node.file('/etc/sysctl.d/%s.conf' % name, text)
    assert [step['raw'] for step in assignments(Overlay(node.host), KEY, program, modern)] == raws


def test_a_link_is_followed_to_the_file_that_has_the_line(tmp_path):
    view = Overlay(bookworm(tmp_path, 'x = 1\nvm.swappiness = 5\n').host)
    step = assignments(view, KEY, SYSTEMD)[-1]
    assert (step['source'], step['read_as'], step['line']) == ('/etc/sysctl.conf', '/etc/sysctl.d/99-sysctl.conf', 2)


def test_systemd_does_not_read_sysctl_conf_by_itself(tmp_path):
    view = Overlay(trixie(tmp_path, 'vm.swappiness = 5\n').host)
    assert assignments(view, KEY, SYSTEMD) == []
    assert [step['raw'] for step in assignments(view, KEY, PROCPS)] == ['5']


def test_a_merged_lib_is_listed_once(tmp_path):
    paths = all_files(Overlay(bookworm(tmp_path).host))
    assert paths == ['/etc/sysctl.d/99-sysctl.conf', '/usr/lib/sysctl.d/50-pid-max.conf', '/etc/sysctl.conf']


@pytest.mark.parametrize('text', ['a\nb\nc\n', 'a\nb\nc', '\n  vm.swappiness=1\r\n\n', 'one line'])
def test_a_line_made_a_comment_comes_back_to_the_byte(text):
    for line in range(1, len(text.split('\n')) + 1):
        changed = without_line(text, line, '#mark: ')
        assert changed != text
        assert with_lines_back(changed, '#mark: ') == text
