# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os
import shutil

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.actions import outcome
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.apply import apply, converge
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.facts import (
    OWN,
    TMPFILES,
    holds,
    provenance,
    read_facts,
)
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.plan import check_value, plan
from fake_sysctl_node import VIRTUAL_GUEST, bookworm, el7, trixie

CHILD = '/etc/tuned/oom-rescue/tuned.conf'
TUNED_NOTES = ('/etc/tuned/active_profile', '/etc/tuned/profile_mode')


def planned(node, value=10, conflicts='fail', cgroups='report', state='present'):
    options = {'state': state, 'value': value, 'conflicts': conflicts, 'cgroups': cgroups, 'allow_zero': False}
    return plan(read_facts(node.host, State(node.host, 'swappiness')), options)


def done(node, made):
    apply(node.host, made, State(node.host, 'swappiness'))
    assert provenance(node.host) == made['after'], 'the plan is what becomes true'
    return made


def present(node, value=10, conflicts='override', cgroups='report'):
    return done(node, planned(node, value, conflicts, cgroups))


def absent(node):
    return done(node, planned(node, None, state='absent'))


def says(made):
    return ['%(layer)s %(action)s' % action for action in made['actions']]


def competing(path, text):
    def make(root, base=trixie):
        node = base(root)
        node.file(path, text)
        return node
    return make


def handed(service, files):
    """A host whose systemd hands credentials to one of its own services."""
    def make(root):
        node = trixie(root)
        asked = '[Service]\nExecStart=systemd-sysctl\nImportCredential=sysctl.*\nLoadCredential=tmpfiles.extra\n'
        node.file('/usr/lib/systemd/system/systemd-%s.service' % service, asked)
        node.link('/usr/lib/systemd/system/sysinit.target.wants/systemd-%s.service' % service,
                  '../systemd-%s.service' % service)
        for path, text in files.items():
            node.file(path, text)
        return node
    return make


def mixed(root):
    """Every kind of competitor at once."""
    node = el7(root, reapply=1)
    node.file('/etc/sysctl.conf', '# head\r\n\tvm.swappiness = 70\nvm.swappiness=71')
    node.file('/etc/sysctl.d/zz-local.conf', 'kernel.x = 1\nvm/swappiness = 80\n')
    node.file('/usr/lib/sysctl.d/zzz-vendor.conf', 'vm.swappiness = 90\nkernel.y = 1\n')
    return node


HOSTS = {
    'bookworm': bookworm,
    'bookworm with a line in sysctl.conf': lambda root: bookworm(root, 'vm.swappiness = 60\n'),
    'trixie': trixie,
    'trixie with a sysctl.conf that is not read': lambda root: trixie(root, 'vm.swappiness = 60\n'),
    'EL7 with tuned': el7,
    'EL7 with tuned that does not reapply': lambda root: el7(root, reapply=0),
    'tuned with two profiles': lambda root: trixie(root).tuned('throughput-performance virtual-guest', reapply=0),
    'a file that sorts later': competing('/etc/sysctl.d/zz.conf', 'vm.swappiness = 60\n'),
    'a file without a line end': competing('/etc/sysctl.d/zz.conf', 'a = 1\nvm.swappiness = 60'),
    'an exclusion': competing('/etc/sysctl.d/zz.conf', '-vm.swappiness\n'),
    'a file of a package that sorts later': competing('/usr/lib/sysctl.d/zz.conf', 'x = 1\nvm.swappiness = 60\n'),
    'a file of a generator that sorts later': competing('/run/sysctl.d/zz.conf', 'vm.swappiness = 60\n'),
    'a file of ours that somebody made': competing(OWN, 'vm.swappiness = 42\n'),
    'a credential of this host': handed('sysctl', {'/etc/credstore/sysctl.extra': 'x = 1\nvm.swappiness = 60\n'}),
    'a credential of a package': handed('sysctl', {'/usr/lib/credstore/sysctl.extra': 'vm.swappiness = 60\n'}),
    'a credential of tmpfiles': handed('tmpfiles-setup', {
        '/usr/lib/credstore/tmpfiles.extra': 'w /proc/sys/vm/swappiness - - - - 60\n'}),
    'several': mixed,
}


@pytest.mark.parametrize('make', [HOSTS[name] for name in sorted(HOSTS)], ids=sorted(HOSTS))
def test_the_value_holds_a_second_run_changes_nothing_and_all_comes_back(tmp_path, make):
    node = make(tmp_path)
    node.file('/proc/sys/vm/swappiness', '33\n')
    before = node.etc()
    made = present(node)
    assert holds(provenance(node.host), 10)['now'] and holds(provenance(node.host), 10)['after_reboot']
    assert node.host.read(OWN).splitlines()[-1] == 'vm.swappiness = 10'
    assert planned(node, 10, 'override')['actions'] == []
    assert made['actions']
    absent(node)
    assert node.etc() == before
    assert node.runtime() == 33
    assert planned(node, state='absent')['actions'] == []


@pytest.mark.parametrize('make', [HOSTS[name] for name in sorted(HOSTS)], ids=sorted(HOSTS))
def test_a_plan_alone_changes_nothing(tmp_path, make):
    node = make(tmp_path)
    before = node.etc()
    planned(node, 10, 'override', 'set')
    planned(node, state='absent')
    assert (node.etc(), node.runtime(), [line for line in node.commands if 'tuned' in line]) == (before, 60, [])


@pytest.mark.parametrize('make', [HOSTS[name] for name in sorted(HOSTS)], ids=sorted(HOSTS))
@pytest.mark.parametrize('state', ['present', 'absent'])
def test_a_plan_is_made_of_facts_alone(tmp_path, make, state):
    node = make(tmp_path)
    if state == 'absent':
        present(node)
    facts = read_facts(node.host, State(node.host, 'swappiness'))
    options = {'state': state, 'value': 10, 'conflicts': 'override', 'cgroups': 'set', 'allow_zero': False}
    made = plan(facts, options)
    shutil.rmtree(str(tmp_path))
    assert plan(facts, options) == made and made['actions']


@pytest.mark.slow
@pytest.mark.parametrize('make', [HOSTS[name] for name in sorted(HOSTS)] + [
    lambda root: trixie(root).systemd().memory_v1(docker=60, docker__a1=30)], ids=sorted(HOSTS) + ['cgroups'])
@pytest.mark.parametrize('state', ['present', 'absent'])
def test_an_action_that_is_not_said_is_not_done(tmp_path, make, state):
    """What is said and what is done are one list: each action that is left out of it leaves the host otherwise."""
    def whole(number, left_out=None):
        node = make(tmp_path / str(number))
        if state == 'absent':
            present(node, cgroups='set')
        made = planned(node, 10, 'override', 'set', state)
        actions = list(made['actions'])
        if left_out is not None:
            del made['actions'][left_out]
        apply(node.host, made, State(node.host, 'swappiness'))
        return node, actions, (node.etc(), provenance(node.host))
    node, actions, after = whole('all')
    told = outcome(node.host, actions)
    assert len(told['actions']) == len(told['diff']) == len(actions)
    for number in range(len(actions)):
        try:
            assert whole(number, number)[2] != after, actions[number]['detail']
        except RescueError as error:
            assert 'something else on this host sets it' in str(error)


@pytest.mark.parametrize('make, words', [
    (bookworm, ['file write', 'runtime set']),
    (HOSTS['bookworm with a line in sysctl.conf'], ['file write', 'runtime set']),
    (el7, ['file write', 'runtime set']),
    (HOSTS['EL7 with tuned that does not reapply'],
     ['file write', 'tuned child_profile', 'tuned switch', 'runtime set']),
    (HOSTS['a file that sorts later'], ['file write', 'file comment_out', 'runtime set']),
    (HOSTS['a file of a package that sorts later'], ['file write', 'file hide', 'runtime set']),
], ids=['alone', 'its name sorts after 99-sysctl.conf', 'tuned reapplies it', 'tuned does not', 'etc', 'usr'])
def test_no_more_is_changed_than_makes_the_value_hold(tmp_path, make, words):
    assert says(present(make(tmp_path))) == words


@pytest.mark.parametrize('make, names', [
    (HOSTS['a file that sorts later'], '/etc/sysctl.d/zz.conf:1 sets 60'),
    (HOSTS['an exclusion'], '/etc/sysctl.d/zz.conf:1 takes back every value set before'),
    (HOSTS['EL7 with tuned that does not reapply'], '/usr/lib/tuned/virtual-guest/tuned.conf:7 sets 30'),
    (HOSTS['several'], '/etc/sysctl.conf:3 sets 71'),
    (lambda root: trixie(root).tuned(profile='absent', reapply=0), '/etc/tuned/active_profile sets a value'),
], ids=['etc', 'exclusion', 'tuned', 'the one that wins', 'unknown'])
def test_a_conflict_fails_naming_file_and_line_and_changes_nothing(tmp_path, make, names):
    node = make(tmp_path)
    before = node.etc()
    with pytest.raises(RescueError) as caught:
        planned(node)
    assert names in str(caught.value) and 'conflicts=override' in str(caught.value)
    assert (node.etc(), node.runtime()) == (before, 60)


def test_a_declaration_of_the_same_value_is_no_conflict(tmp_path):
    node = competing('/etc/sysctl.d/zz.conf', 'vm.swappiness = 10\n')(tmp_path)
    assert says(present(node, conflicts='fail')) == ['file write', 'runtime set']


@pytest.mark.parametrize('files, after_reboot', [
    ({'/etc/rc.local': '#!/bin/sh\nsysctl -w $key=60\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\ntuned-adm profile mine\n'}, None),
    ({'/etc/rc.local': '#!/bin/sh\nrm -f %s\n' % OWN}, 60),
    ({'/proc/self/mountinfo': '1 0 254:1 / / rw - ext4 a rw\n2 1 0:9 / /etc rw - tmpfs t rw\n'}, 60),
    ({'/boot/grub/grub.cfg': 'set default=0\n\tlinux /vmlinuz sysctl.vm.swappiness=60\n'}, 10),
], ids=['a variable', 'a profile', 'taken away', 'in memory', 'the boot loader'])
@pytest.mark.parametrize('conflicts', ['fail', 'override'])
def test_what_no_file_of_ours_decides_is_left_alone_and_no_reason_to_fail(tmp_path, files, after_reboot, conflicts):
    node = trixie(tmp_path)
    for path, text in files.items():
        node.file(path, text)
        os.chmod(node.path(path), 0o755)
    made = present(node, conflicts=conflicts)
    assert (made['after']['runtime'], made['after']['after_reboot']) == (10, after_reboot)
    assert [node.host.read(path) for path in files] == list(files.values())
    assert planned(node, conflicts=conflicts)['actions'] == []
    absent(node)
    assert node.host.read(OWN) is None


def test_report_sets_the_value_and_says_that_it_will_not_hold(tmp_path):
    node = HOSTS['a file that sorts later'](tmp_path)
    made = present(node, conflicts='report')
    assert holds(made['after'], 10) == {'now': True, 'after_reboot': False, 'in_cgroups': True}
    assert node.host.read('/etc/sysctl.d/zz.conf') == 'vm.swappiness = 60\n'


def test_a_hiding_copy_keeps_the_other_lines(tmp_path):
    node = HOSTS['a file of a package that sorts later'](tmp_path)
    present(node)
    assert node.host.read('/usr/lib/sysctl.d/zz.conf') == 'x = 1\nvm.swappiness = 60\n'
    assert node.host.read('/etc/sysctl.d/zz.conf').splitlines()[1:] == ['x = 1', '#oom-rescue: vm.swappiness = 60']


def test_what_runs_before_etc_cannot_be_hidden_from_tuned(tmp_path):
    node = trixie(tmp_path).tuned(reapply=1)
    node.file('/run/sysctl.d/zz.conf', 'vm.swappiness = 60\n')
    with pytest.raises(RescueError) as caught:
        planned(node, 10, 'override')
    assert '/run/sysctl.d/zz.conf:1' in str(caught.value) and 'no means' in str(caught.value)


def test_tuned_gets_a_child_of_its_profile_and_the_profile_back(tmp_path):
    node = el7(tmp_path, reapply=0)
    before = node.etc()
    present(node)
    assert 'include=virtual-guest\n' in node.host.read(CHILD)
    assert [line for line in node.commands if line.startswith('tuned-adm')] == ['tuned-adm profile oom-rescue']
    present(node, 20)
    assert node.host.read(CHILD).endswith('vm.swappiness=20\n')
    absent(node)
    assert node.commands[-1:] != [] and 'tuned-adm profile virtual-guest' in node.commands
    assert node.etc() == before


def test_an_undo_takes_away_the_directory_that_was_made_and_leaves_the_others(tmp_path):
    node = el7(tmp_path, reapply=0)
    present(node)
    assert os.path.isdir(node.path(os.path.dirname(CHILD)))
    absent(node)
    assert not os.path.exists(node.path(os.path.dirname(CHILD)))
    assert os.path.isdir(node.path('/etc/tuned')) and os.path.isdir(node.path('/etc/sysctl.d'))


def test_tuned_that_does_not_run_is_switched_for_its_next_start(tmp_path):
    node = trixie(tmp_path).tuned(reapply=0, running=False)
    before = node.etc()
    present(node)
    assert (node.host.read('/etc/tuned/active_profile'), node.host.read('/etc/tuned/profile_mode')) == (
        'oom-rescue\n', 'manual\n')
    absent(node)
    assert node.etc() == before


def test_a_profile_that_was_chosen_meanwhile_stays(tmp_path):
    node = el7(tmp_path, reapply=0)
    present(node)
    node.file('/etc/tuned/active_profile', 'throughput-performance\n')
    present(node, 20)
    assert 'include=throughput-performance\n' in node.host.read(CHILD)
    absent(node)
    assert node.host.read('/etc/tuned/active_profile') == 'throughput-performance\n'


def test_a_line_that_was_added_meanwhile_stays(tmp_path):
    node = HOSTS['a file that sorts later'](tmp_path)
    present(node)
    node.file('/etc/sysctl.d/zz.conf', node.host.read('/etc/sysctl.d/zz.conf') + 'kernel.new = 1\n')
    absent(node)
    assert node.host.read('/etc/sysctl.d/zz.conf') == 'vm.swappiness = 60\nkernel.new = 1\n'
    assert not node.host.exists('/var/lib/oom-rescue')


def test_a_second_value_still_goes_back_to_the_first_one(tmp_path):
    node = trixie(tmp_path)
    before = node.etc()
    present(node, 10)
    present(node, 20)
    assert provenance(node.host)['after_reboot'] == 20
    absent(node)
    assert (node.etc(), node.runtime()) == (before, 60)


def test_without_the_record_the_remaining_declarations_decide(tmp_path):
    node = HOSTS['a file that sorts later'](tmp_path)
    present(node)
    node.host.remove('/var/lib/oom-rescue/swappiness.json')
    absent(node)
    assert node.runtime() == 60
    assert not node.host.exists(OWN)
    assert node.host.read('/etc/sysctl.d/zz.conf') == 'vm.swappiness = 60\n'


@pytest.mark.parametrize('mode,shown', [(0o644, True), (0o600, False)])
@pytest.mark.parametrize('path,state', [('/etc/sysctl.d/zz.conf', 'present'), ('/usr/lib/sysctl.d/zz.conf', 'present'),
                                        ('/etc/sysctl.d/zz.conf', 'absent')])
def test_a_file_that_others_may_not_read_is_in_no_difference(tmp_path, mode, shown, path, state):
    node = bookworm(tmp_path)
    node.file(path, '# password\nvm.swappiness = 60\n')
    os.chmod(node.host.path(path), mode)
    if state == 'absent':
        present(node)
    options = {'state': state, 'value': 10, 'conflicts': 'override', 'cgroups': 'report', 'allow_zero': False}
    said = converge(node.host, options, check_mode=True)
    result = converge(node.host, options)
    assert result['changed'] and said['diff'] == result['diff']
    assert ('password' in repr(result)) is shown
    copy = node.host.status('/etc/sysctl.d/zz.conf')
    assert copy is None or copy.st_mode & 0o777 == mode


def test_cgroups_are_left_alone_unless_asked(tmp_path):
    node = trixie(tmp_path).memory_v1(docker=60, docker__a1=30)
    made = present(node)
    assert holds(made['after'], 10) == {'now': True, 'after_reboot': True, 'in_cgroups': False}
    assert [group['path'] for group in made['after']['cgroups']] == ['/docker', '/docker/a1']


def test_cgroups_are_set_when_asked_and_go_back(tmp_path):
    node = trixie(tmp_path).systemd().memory_v1(docker=60, docker__a1=30, other=10)
    before = node.etc()
    made = present(node, cgroups='set')
    assert [action['detail'] for action in made['actions'] if action['layer'] == 'cgroup'] == [
        '/docker from 60 to 10', '/docker/a1 from 30 to 10']
    assert holds(provenance(node.host), 10)['in_cgroups'] is True
    assert 'w /sys/fs/cgroup/memory/*/memory.swappiness - - - - 10\n' in node.host.read(TMPFILES)
    assert planned(node, cgroups='set')['actions'] == []
    present(node, 20)
    assert 'swappiness - - - - 20\n' in node.host.read(TMPFILES)
    absent(node)
    assert node.host.read('/sys/fs/cgroup/memory/docker/a1/memory.swappiness').split() == ['30']
    assert node.etc() == before


def test_cgroups_of_el7_are_no_reason_for_alarm(tmp_path):
    node = el7(tmp_path)
    made = present(node, cgroups='set')
    assert says(made) == ['file write', 'runtime set']
    assert holds(made['after'], 10)['in_cgroups'] is True


def test_a_kernel_that_can_be_told_to_ignore_cgroups_is_told(tmp_path):
    node = trixie(tmp_path).memory_v1(docker=60)
    node.file('/proc/sys/kernel/osrelease', '4.18.0-553.el8.x86_64\n')
    node.file('/proc/sys/vm/force_cgroup_v2_swappiness', '0\n')
    made = present(node, cgroups='set')
    assert says(made) == ['file write', 'runtime set', 'cgroup force']
    assert 'vm.force_cgroup_v2_swappiness = 1\n' in node.host.read(OWN)
    assert holds(provenance(node.host), 10)['in_cgroups'] is True
    assert planned(node, cgroups='set')['actions'] == []
    absent(node)
    assert node.host.read('/proc/sys/vm/force_cgroup_v2_swappiness').split() == ['0']


@pytest.mark.parametrize('value, allow_zero, kernel, word', [
    (-1, False, (6, 1, 0), '0 to 200'),
    (201, False, (6, 1, 0), '0 to 200'),
    (101, False, (3, 10, 0), '0 to 100'),
    (0, False, (6, 1, 0), 'allow_zero'),
    (101, False, (6, 1, 0), None),
    (100, False, (3, 10, 0), None),
    (0, True, (6, 1, 0), None),
])
def test_a_value_is_refused_before_anything_is_touched(value, allow_zero, kernel, word):
    if word is None:
        check_value(value, allow_zero, kernel)
        return
    with pytest.raises(RescueError) as caught:
        check_value(value, allow_zero, kernel)
    assert word in str(caught.value) and str(value) in str(caught.value)


def test_a_value_that_does_not_stay_is_an_error(tmp_path, monkeypatch):
    node = trixie(tmp_path)
    made = planned(node)
    monkeypatch.setattr(node.host, 'write', lambda path, text: None)
    with pytest.raises(RescueError) as caught:
        apply(node.host, made, State(node.host, 'swappiness'))
    assert '/proc/sys/vm/swappiness is 60 after 10 was written' in str(caught.value)


def test_a_failure_of_tuned_adm_is_said_and_can_be_undone(tmp_path, monkeypatch):
    node = el7(tmp_path, reapply=0)
    before = node.etc()
    made = planned(node, 10, 'override')
    monkeypatch.setattr(node.host, 'run', lambda argv: (1, '', 'Cannot talk to\nTuned\n'))
    with pytest.raises(RescueError) as caught:
        apply(node.host, made, State(node.host, 'swappiness'))
    assert str(caught.value) == 'tuned-adm profile oom-rescue failed: Cannot talk to Tuned'
    monkeypatch.undo()
    absent(node)
    assert node.etc() == before


@pytest.mark.parametrize('profile', ['virtual-guest', 'balanced'])
def test_after_a_failure_tuned_has_its_profile_and_its_notes_again(tmp_path, monkeypatch, profile):
    node = trixie(tmp_path).tuned(profile, reapply=0)
    node.file('/usr/lib/tuned/balanced/tuned.conf', VIRTUAL_GUEST)
    before = node.etc()
    made = planned(node, 10, 'override')

    def refused(path, text):
        raise OSError(errno.EPERM, 'Operation not permitted')

    monkeypatch.setattr(node.host, 'write', refused)
    with pytest.raises(RescueError) as caught:
        apply(node.host, made, State(node.host, 'swappiness'))
    assert str(caught.value) == 'cannot write 10 to /proc/sys/vm/swappiness: Operation not permitted'
    after = node.etc()
    assert [after[path] for path in TUNED_NOTES] == [before[path] for path in TUNED_NOTES] == [
        profile + '\n', 'auto\n']
    assert [line for line in node.commands if line.startswith('tuned-adm')] == [
        'tuned-adm profile oom-rescue', 'tuned-adm profile ' + profile]


class Crash(Exception):
    """Stands for a kill: nothing after it is done."""


CHANGES = ('replace', 'remove', 'write', 'make_directory', 'remove_empty_directory')


def stop_at(host, number, error, once):
    """Let ``host`` raise at its change of this number, counted from 0, and at later ones unless ``once``."""
    left = [number]

    def stopping(change):
        def method(*arguments, **options):
            left[0] -= 1
            if left[0] == -1 or left[0] < 0 and not once:
                raise error
            return change(*arguments, **options)
        return method

    for name in CHANGES:
        setattr(host, name, stopping(getattr(host, name)))


def crash_at(host, number):
    """Let ``host`` die at its change of this number; what comes after a failure does not come after a kill."""
    stop_at(host, number, Crash(), once=False)

    @contextlib.contextmanager
    def not_put_back():
        yield
    host.whole = not_put_back


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    'several', 'EL7 with tuned that does not reapply', 'a file of ours that somebody made'])
@pytest.mark.parametrize('dies', ['present', 'absent'])
def test_wherever_a_run_is_killed_absent_brings_all_back(tmp_path, name, dies):
    for number in range(100):
        node = HOSTS[name](tmp_path / str(number))
        before = node.etc()
        if dies == 'absent':
            present(node)
        crash_at(node.host, number)
        try:
            (present if dies == 'present' else absent)(node)
            break
        except Crash:
            for method in ('replace', 'remove', 'write', 'make_directory', 'remove_empty_directory'):
                delattr(node.host, method)
        absent(node)
        assert node.etc() == before, 'killed at change %d' % number
        assert node.runtime() == 60
    assert 4 < number < 99


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    'several', 'EL7 with tuned that does not reapply', 'a file of ours that somebody made'])
@pytest.mark.parametrize('fails', ['present', 'absent'])
def test_a_change_that_fails_leaves_all_as_it_was(tmp_path, name, fails):
    for number in range(100):
        node = HOSTS[name](tmp_path / str(number))
        if fails == 'absent':
            present(node)
        before = node.etc(), node.runtime()
        stop_at(node.host, number, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), '/etc/x'), once=True)
        try:
            (present if fails == 'present' else absent)(node)
            break
        except (OSError, RescueError) as error:
            assert 'No space left' in str(error)
        assert (node.etc(), node.runtime()) == before, 'failed at change %d' % number
    assert 4 < number < 99


@pytest.mark.parametrize('spoil, found', [
    (lambda path: os.chmod(path, 0o666), 'mode 0666'),
    (lambda path: os.chown(path, 65534, 0), 'owner 65534:0'),
], ids=['mode', 'owner'])
@pytest.mark.parametrize('name, path', [('bookworm', OWN), ('EL7 with tuned that does not reapply', CHILD)])
def test_a_file_of_ours_that_others_may_write_to_is_made_anew_and_said(tmp_path, name, path, spoil, found):
    node = HOSTS[name](tmp_path)
    present(node)
    spoil(node.path(path))
    made = planned(node, conflicts='override')
    assert [(action['action'], action['path']) for action in made['actions']] == [('protect', path)]
    assert found in made['actions'][0]['detail']
    done(node, made)
    assert node.host.flaw_of_own(path) is None
    assert planned(node, conflicts='override')['actions'] == []


def test_a_file_of_our_name_that_was_there_gets_its_mode_back(tmp_path):
    node = HOSTS['a file of ours that somebody made'](tmp_path)
    os.chmod(node.path(OWN), 0o640)
    present(node)
    assert os.stat(node.path(OWN)).st_mode & 0o7777 == 0o644
    absent(node)
    assert os.stat(node.path(OWN)).st_mode & 0o7777 == 0o640


@pytest.mark.parametrize('path, text, loses', [
    ('/etc/sysctl.conf', 'vm.swappiness = 60\n', True),
    ('/etc/sysctl.d/zz-local.conf', 'kernel.x = 1\nvm.swappiness = 60\n', True),
    ('/etc/sysctl.d/10-early.conf', 'vm.swappiness = 60\n', False),
    ('/etc/sysctl.d/zz-local.conf', 'vm.swappiness = 10\n', False),
], ids=['read last by procps', 'read last by both', 'read before ours', 'the same value'])
@pytest.mark.parametrize('conflicts', ['override', 'report', 'fail'])
def test_what_an_unknown_init_may_apply_loses_if_that_is_asked_for(tmp_path, path, text, loses, conflicts):
    node = trixie(tmp_path)
    shutil.rmtree(node.path('/run/systemd'), ignore_errors=True)
    node.file('/proc/1/comm', 's6-svscan\n')
    node.file(path, text)
    made = present(node, conflicts=conflicts)
    assert made['after']['after_reboot'] is None and 'which init' in made['after']['decided_by']
    assert ('#oom-rescue: vm.swappiness = 60' in node.host.read(path)) is (loses and conflicts == 'override')
    absent(node)
    assert node.host.read(path) == text
