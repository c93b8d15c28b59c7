# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the facts say of the next boot is what the next boot brings: without the collection, with it, and after it."""

import pytest

TUNED = 'systemctl enable --now tuned; tuned-adm profile virtual-guest'
NO_TUNED = 'systemctl disable --now tuned'
REAPPLY = "sed -i 's/^reapply_sysctl.*/reapply_sysctl = %d/' /etc/tuned/tuned-main.conf"
SYSCTL_CONF = 'echo vm.swappiness = 50 > /etc/sysctl.conf'
ZZ = 'printf "kernel.panic = 0\\nvm.swappiness = 70" > /etc/sysctl.d/zz-local.conf'
VENDOR = 'printf "vm.swappiness = 65\\nkernel.panic = 0\\n" > /usr/lib/sysctl.d/zzz-vendor.conf'

# What is on the machine: the value at its next boot (by suite where they differ), and what `conflicts: fail` names.
PLACES = {
    'tuned that does not reapply': ([TUNED, REAPPLY % 0], 30, '/virtual-guest/tuned.conf:'),
    'tuned and sysctl.conf': ([TUNED, SYSCTL_CONF], 50, '/etc/sysctl.conf:1 sets 50'),
    'tuned': ([TUNED], 30, None),
    'files that sort later': ([NO_TUNED, ZZ, VENDOR], 65, '/usr/lib/sysctl.d/zzz-vendor.conf:1 sets 65'),
    'sysctl.conf': ([NO_TUNED, SYSCTL_CONF], {'bookworm': 50, 'trixie': 60}, None),
}
CLEAN = ('rm -f /etc/sysctl.d/zz-local.conf /usr/lib/sysctl.d/zzz-vendor.conf; : > /etc/sysctl.conf; '
         + REAPPLY % 1 + '; [ "$(cat /etc/debian_version | cut -d. -f1)" = 12 ] || rm -f /etc/sysctl.conf')


@pytest.fixture(params=list(PLACES), scope='module')
def place(request, guest):
    commands, expected, conflict = PLACES[request.param]
    guest.check(CLEAN)
    for command in commands:
        guest.check(command)
    guest.expected = expected[guest.suite] if isinstance(expected, dict) else expected
    guest.conflict = conflict
    assert guest.facts()['after_reboot'] == guest.expected
    assert guest.boot() == guest.expected
    guest.before, guest.name = guest.files(), request.param
    yield guest
    guest.swappiness(state='absent')


def test_a_conflict_fails_naming_the_place_and_changes_nothing(place):
    """Where nothing wins over the file of the collection, there is none."""
    result = place.swappiness(check=place.conflict is None, value=10)
    assert (place.conflict or '') in result.get('msg', '') and ('msg' in result) == (place.conflict is not None)
    assert (place.files(), place.runtime()) == (place.before, place.expected)


@pytest.mark.parametrize('place', ['files that sort later'], indirect=True, scope='module')
def test_a_value_that_will_not_hold_is_seen_by_verify_and_by_the_boot(place, tmp_path):
    result = place.swappiness(value=10, conflicts='report')
    assert result['holds'] == {'now': True, 'after_reboot': False, 'in_cgroups': True}
    agrees, said = place.verify(tmp_path)
    assert not agrees
    assert 'it is 10 now and %d after a reboot' % place.expected in said
    assert place.boot() == place.expected
    assert place.swappiness(state='absent')['changed']
    assert place.files() == place.before


def test_the_value_holds_now_and_after_a_reboot_and_verify_agrees(place, tmp_path):
    planned = place.swappiness(check=True, value=10, conflicts='override')
    assert (place.files(), place.runtime()) == (place.before, place.expected)
    result = place.swappiness(value=10, conflicts='override')
    assert result['actions'] == planned['actions'] and result['after'] == planned['after']
    assert result['holds'] == {'now': True, 'after_reboot': True, 'in_cgroups': True}
    assert place.runtime() == 10
    assert place.boot() == 10
    assert not place.swappiness(value=10, conflicts='override')['changed']
    agrees, said = place.verify(tmp_path)
    assert agrees, said
    if place.run('systemctl is-active tuned').rc == 0:
        place.check('systemctl restart tuned && tuned-adm active')
        assert place.runtime() == 10


def test_what_was_before_comes_back_to_the_byte_and_boots_as_before(place, tmp_path):
    assert place.swappiness(state='absent')['changed']
    assert place.files() == place.before
    assert place.runtime() == place.expected
    assert not place.swappiness(state='absent')['changed']
    agrees, said = place.verify(tmp_path)
    assert not agrees
    assert 'it is %d now and %d after a reboot' % (place.expected, place.expected) in said
    if place.name == 'tuned that does not reapply':
        # Elsewhere the files, which are the same, say it all.
        assert place.boot() == place.expected
