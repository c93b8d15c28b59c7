# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._swap import fstab as _fstab
from ansible_collections.oom.rescue.plugins.module_utils._swap.filesystem import rule
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import plan, recorded, restoring, wish, wish_of
from ansible_collections.oom.rescue.plugins.module_utils._swap.refusals import refusals
from ansible_collections.oom.rescue.plugins.module_utils._swap.unit import HEADER, text_of

MIB = 1 << 20
GIB = 1 << 30
PAGE = 4096
LINE = '/swapfile none swap sw,nofail 0 0'
UNIT = '/etc/systemd/system/swapfile.swap'
OURS = text_of('/swapfile')


def missing(path):
    return {'path': path, 'kind': 'missing', 'signature': None, 'area': None}


def area(size, used=0, priority=-2, path='/swapfile', kind='file'):
    return {'path': path, 'type': kind, 'size_bytes': size - PAGE, 'used_bytes': used, 'priority': priority,
            'deleted': False, 'kept': True}


def swap_file(size, on=True, used=0, path='/swapfile', **other):
    facts = {
        'path': path, 'kind': 'file', 'size_bytes': size, 'allocated_bytes': size + PAGE, 'mode': '0600', 'uid': 0,
        'gid': 0, 'links': 1, 'exposed': None, 'hole_bytes': 0, 'flaws': [], 'nocow': False, 'label': None,
        'starts_blank': True,
        'signature': {'page_size_bytes': PAGE, 'version': 1, 'size_bytes': size, 'uuid': '', 'label': '',
                      'suspended': False},
        'area': area(size, used, path=path) if on else None,
    }
    facts.update(other)
    return facts


def node(file=None, fstab='', filesystem='ext4', disk=20 * GIB, ram=GIB, available=GIB // 2, unit_text=None,
         enabled=False, **other):
    state = {
        'path': '/swapfile', 'real_path': '/swapfile', 'file': file or missing('/swapfile'),
        'new': missing('/swapfile.oom-rescue-new'), 'helper': missing('/swapfile.oom-rescue-helper'), 'subvolume': None,
        'other_areas': [], 'directory': {'path': '/', 'exists': True, 'others': None},
        'mount': {'mount_point': '/', 'filesystem': filesystem, 'read_only': False},
        'disk': {'available_bytes': disk, 'free_bytes': disk, 'total_bytes': 2 * disk, 'block_bytes': PAGE},
        'rule': rule(filesystem, '6.1.0'), 'room_in_ram': {'total_bytes': ram, 'available_bytes': available},
        'page_size': PAGE, 'cgroups': [], 'managers': [], 'forbidden': [], 'swapon_refusal': None, 'selinux': False,
        'at_boot': {'kept': True, 'why': None, 'would_tell': None, 'by': 'fstab'}, 'gpt_swap': False,
        'persistence': {'fstab': fstab, 'paths': ['/swapfile'], 'backup': None, 'unit': None,
                        'entries': _fstab.swap_entries(fstab, ['/swapfile']),
                        'systemd_behind': False, 'systemd': True,
                        'own_unit': {'name': 'swapfile.swap', 'path': UNIT, 'text': unit_text, 'enabled': enabled,
                                     'ours': (unit_text or '').startswith(HEADER)}},
    }
    state.update(other)
    return state


def there(size, **other):
    return node(swap_file(size, **other), LINE + '\n')


def steps(planned):
    return ['%(layer)s %(action)s' % step for step in planned['actions']]


HELPER = ['file create', 'signature write', 'activation on']
RETIRE = ['activation off', 'file remove']


@pytest.mark.parametrize('state, wished, expected', [
    pytest.param(node(), {'size': '2G'}, ['file create', 'signature write', 'activation on', 'persistence add'],
                 id='from nothing'),
    pytest.param(there(2 * GIB), {'size': '2G'}, [], id='nothing to do'),
    pytest.param(there(2 * GIB, used=GIB), {'size': '2G'}, [], id='nothing to do however much is in use'),
    pytest.param(there(2 * GIB), {'size': '4G'},
                 HELPER + ['activation off', 'file grow', 'signature write', 'activation on'] + RETIRE,
                 id='growing goes by a second area'),
    pytest.param(there(4 * GIB), {'size': '2G'},
                 HELPER + ['activation off', 'file shrink', 'signature write', 'activation on'] + RETIRE,
                 id='shrinking goes by a second area'),
    pytest.param(there(2 * GIB, on=False), {'size': '4G'}, ['file grow', 'signature write', 'activation on'],
                 id='an inactive file needs no second area'),
    pytest.param(there(2 * GIB), {'size': '2G', 'priority': 5},
                 HELPER + ['activation off', 'activation on', 'persistence change'] + RETIRE,
                 id='another priority is a new activation'),
    pytest.param(there(2 * GIB, mode='0700'), {'size': '2G'}, ['file protect'], id='the mode alone'),
    pytest.param(there(2 * GIB, mode='0644', exposed='mode 0644'), {'size': '2G'},
                 HELPER + ['activation off', 'file create', 'signature write', 'activation on'] + RETIRE,
                 id='a file that others can read is made anew'),
    pytest.param(there(2 * GIB, on=False, exposed='an ACL'), {'size': '2G'},
                 ['file create', 'signature write', 'activation on'], id='one that is off, too'),
    pytest.param(node(swap_file(2 * GIB, on=False, exposed='an ACL'), LINE + '\n', disk=2 * GIB), {'size': '2G'},
                 ['file remove', 'file create', 'signature write', 'activation on'], id='in its place on a full disk'),
    pytest.param(node(swap_file(2 * GIB, on=False, exposed='an ACL'), LINE + '\n', disk=2 * GIB),
                 {'size': '2G', 'reserve_bytes': 0}, ['file create', 'signature write', 'activation on'],
                 id='beside the old one where the disk has just room for both'),
    pytest.param(node(swap_file(2 * GIB, on=False, exposed='an ACL'), LINE + '\n', disk=2 * GIB - 1),
                 {'size': '2G', 'reserve_bytes': 0}, ['file remove', 'file create', 'signature write', 'activation on'],
                 id='in its place where a byte is missing'),
    pytest.param(there(2 * GIB, exposed='mode 0644', mode='0644'), {'size': '2G', 'tolerated': True}, [],
                 id='what failed halfway stays as it was found'),
    pytest.param(there(2 * GIB, on=False), {'size': '2G', 'active': False}, [], id='off may stay off'),
    pytest.param(there(2 * GIB), {'size': '2G', 'active': False}, ['activation off'], id='on may go off'),
    pytest.param(node(swap_file(2 * GIB)), {'size': '2G', 'persist': 'none'}, [], id='no line is wanted'),
    pytest.param(there(2 * GIB), {'size': '2G', 'persist': 'none'}, ['persistence remove'], id='the line is unwanted'),
    pytest.param(there(2 * GIB), {'state': 'absent'}, ['activation off', 'persistence remove', 'file remove'],
                 id='all four layers go'),
    pytest.param(node(), {'state': 'absent'}, [], id='nothing is there to remove'),
    pytest.param(node(fstab=LINE), {'state': 'absent'}, ['persistence remove'], id='a line without a file goes'),
    pytest.param(node(swap_file(2 * GIB, label='system_u:object_r:default_t:s0'), LINE + '\n', selinux=True),
                 {'size': '2G'}, ['file label'], id='the SELinux label'),
    pytest.param(node(swap_file(2 * GIB, label='system_u:object_r:swapfile_t:s0'), LINE + '\n', selinux=True),
                 {'size': '2G'}, [], id='the SELinux label is right'),
    pytest.param(node(swap_file(2 * GIB, label='system_u:object_r:swapfile_t:s0'), LINE + '\n', selinux=True),
                 {'size': '2G', 'label': 'system_u:object_r:default_t:s0'}, ['file label'],
                 id='the SELinux label that was there'),
    pytest.param(node(swap_file(2 * GIB, on=False), LINE + '\n', filesystem='btrfs'), {'size': '2G'},
                 ['file remove', 'file create', 'signature write', 'activation on'],
                 id='a btrfs file with copy on write is made anew'),
])
def test_actions_by_state_and_wish(state, wished, expected):
    before = copy.deepcopy(state)
    assert steps(plan(state, wish(**wished))) == expected
    assert state == before


@pytest.mark.parametrize('disk, available, used, expected', [
    pytest.param(6 * GIB, 0, GIB, HELPER, id='the disk holds a whole second area'),
    pytest.param(4 * GIB, 0, GIB, HELPER, id='the disk holds a second area for what is swapped out'),
    pytest.param(2 * GIB + 600 * MIB, 2 * GIB, GIB, [], id='only RAM can take it'),
    pytest.param(2 * GIB + 600 * MIB, 900 * MIB, GIB, None, id='neither can'),
    pytest.param(2 * GIB + 600 * MIB, 0, 0, HELPER, id='a little of a second area serves when nothing is swapped out'),
    pytest.param(2 * GIB + 512 * MIB, 0, 0, [], id='no second area is needed when nothing is swapped out'),
])
def test_how_an_active_file_of_2_gib_is_grown_to_4(disk, available, used, expected):
    state = there(2 * GIB, used=used)
    state['disk']['available_bytes'] = disk
    state['room_in_ram']['available_bytes'] = available
    if expected is None:
        with pytest.raises(RescueError, match='bytes are missing'):
            plan(state, wish(size='4G'))
    else:
        found = steps(plan(state, wish(size='4G')))
        assert found[:3] == HELPER if expected else found[0] == 'activation off'


def test_a_second_area_that_a_stopped_run_left_on_is_used_and_retired():
    state = there(2 * GIB, on=False)
    state['helper'] = swap_file(2 * GIB, path='/swapfile.oom-rescue-helper', used=GIB)
    assert steps(plan(state, wish(size='4G'))) == ['file grow', 'signature write', 'activation on'] + RETIRE


@pytest.mark.parametrize('size, holes, wished, step', [
    (2 * GIB, 0, '4G', {'action': 'grow', 'start': 2 * GIB, 'size_bytes': 4 * GIB}),
    (2 * GIB, MIB, '4G', {'action': 'grow', 'start': 0, 'size_bytes': 4 * GIB}),
    (2 * GIB, MIB, '2G', {'action': 'fill', 'start': 0, 'size_bytes': 2 * GIB}),
], ids=['a whole file', 'one with holes', 'one with holes alone'])
def test_a_file_is_written_from_its_end_on_and_from_its_beginning_where_it_has_holes(size, holes, wished, step):
    (found,) = [action for action in plan(there(size, on=False, hole_bytes=holes), wish(size=wished))['actions']
                if action['layer'] == 'file']
    assert dict((key, found[key]) for key in step) == step


def test_an_unfinished_file_of_a_stopped_run_goes_first():
    state = node()
    state['new'] = swap_file(GIB, on=False, path='/swapfile.oom-rescue-new')
    planned = plan(state, wish(size='2G'))
    assert steps(planned)[:2] == ['file remove', 'file create']
    assert planned['actions'][0]['path'] == '/swapfile.oom-rescue-new'


@pytest.mark.parametrize('wished, used, available, missing_bytes', [
    pytest.param({'state': 'absent'}, GIB, 500 * MIB, GIB - 436 * MIB, id='removing'),
    pytest.param({'size': '2G', 'active': False}, GIB, 100 * MIB, GIB - 36 * MIB, id='switching off'),
    pytest.param({'size': '100M'}, GIB, 100 * MIB, GIB - 36 * MIB - 100 * MIB + PAGE, id='shrinking too far'),
])
def test_what_ram_cannot_take_back_is_refused_with_the_bytes_that_are_missing(wished, used, available, missing_bytes):
    state = there(2 * GIB, used=used)
    state['room_in_ram']['available_bytes'] = available
    with pytest.raises(RescueError, match=r'\b%d bytes are missing' % missing_bytes):
        plan(state, wish(**wished))


@pytest.mark.parametrize('wished, disk, refused', [
    pytest.param({'state': 'absent'}, 20 * GIB, True, id='removing'),
    pytest.param({'size': '2G', 'active': False}, 20 * GIB, True, id='switching off'),
    pytest.param({'size': '4G'}, 20 * GIB, False, id='a second area takes it'),
    pytest.param({'size': '4G'}, 2 * GIB + 512 * MIB, True, id='no room for a second area'),
])
def test_a_cgroup_that_its_limit_would_have_killed_is_not_given_its_pages_back(wished, disk, refused):
    state = there(2 * GIB, used=MIB)
    state['disk']['available_bytes'] = disk
    state['cgroups'] = [{'path': '/sys/fs/cgroup/db', 'missing_bytes': MIB}]
    if refused:
        with pytest.raises(RescueError, match='/sys/fs/cgroup/db.* 1048576 '):
            plan(state, wish(**wished))
    else:
        assert steps(plan(state, wish(**wished)))[:3] == HELPER


@pytest.mark.parametrize('kind, takes', [('partition', True), ('file', True), ('zram', False)])
def test_other_swap_can_take_what_is_swapped_out_unless_it_is_ram_itself(kind, takes):
    state = there(2 * GIB, used=GIB)
    state['room_in_ram']['available_bytes'] = 0
    state['other_areas'] = [area(3 * GIB, used=GIB, path='/dev/x', kind=kind)]
    if takes:
        assert steps(plan(state, wish(state='absent'))) == ['activation off', 'persistence remove', 'file remove']
    else:
        with pytest.raises(RescueError, match='%d bytes are missing' % GIB):
            plan(state, wish(state='absent'))


@pytest.mark.parametrize('state, size_bytes, decided_by', [
    pytest.param(node(), 2 * GIB, 'table', id='by the table'),
    pytest.param(node(other_areas=[area(2 * GIB, path='/dev/sda2')]), None, 'other_swap', id='other swap is enough'),
    pytest.param(node(other_areas=[area(GIB, path='/dev/sda2')]), GIB, 'table', id='other swap counts'),
    pytest.param(there(4 * GIB), 4 * GIB, 'table', id='a larger file stays'),
    pytest.param(node(swap_file(GIB), LINE + '\n', other_areas=[area(8 * GIB, path='/dev/sda2')]), GIB, 'other_swap',
                 id='a file that is not needed stays'),
    pytest.param(there(2 * GIB - 200 * MIB), 2 * GIB - 200 * MIB, 'table', id='a file that lacks a little stays'),
    pytest.param(there(GIB), 2 * GIB, 'table', id='a file that lacks much grows'),
    pytest.param(node(disk=GIB + 512 * MIB), GIB, 'disk', id='the disk has less'),
])
def test_auto(state, size_bytes, decided_by):
    planned = plan(state, wish(size='auto'))
    assert (planned['size_bytes'], planned['size']['decided_by']) == (size_bytes, decided_by)
    if size_bytes is None or state['file']['kind'] == 'file' and size_bytes == state['file']['size_bytes']:
        assert planned['actions'] == []


@pytest.mark.parametrize('size, expected', [
    ('2147483648', 2 * GIB), ('512M', 512 * MIB), ('1.5G', 1536 * MIB), ('2xram', 2 * GIB), ('0.5 x RAM', 512 * MIB),
    ('1048577', MIB),
])
def test_sizes(size, expected):
    assert plan(node(), wish(size=size))['size_bytes'] == expected


def container_without_capability():
    return node(swapon_refusal='Operation not permitted')


@pytest.mark.parametrize('state, words', [
    pytest.param(container_without_capability(), 'Operation not permitted', id='the kernel refuses swapon'),
    pytest.param(node(filesystem='overlay'), 'overlay', id='the root is an overlay'),
    pytest.param(node(filesystem='zfs'), 'ZFS', id='the root is ZFS'),
    pytest.param(node(mount={'mount_point': '/', 'filesystem': 'ext4', 'read_only': True}), 'read-only',
                 id='the root is read-only'),
    pytest.param(node(managers=[{'name': 'cloud-init', 'config': '/etc/cloud/cloud.cfg', 'path': '/swapfile'}]),
                 'cloud-init', id='another program manages the file'),
    pytest.param(node(disk=520 * MIB), 'too little', id='the disk has nothing to spare'),
])
def test_a_host_that_cannot_is_skipped_with_the_reason(state, words):
    planned = plan(state, wish())
    assert words in planned['skipped_reason'] and planned['actions'] == []


@pytest.mark.parametrize('state, wished, words', [
    pytest.param(node(mount={'mount_point': '/mnt', 'filesystem': 'nfs4'}, rule=rule('nfs4', '6.1')), {}, 'network',
                 id='a path on NFS where the root could'),
    pytest.param(node(disk=GIB), {'size': '2G'}, '2147483648 bytes are needed, 1073741824 are available',
                 id='a small disk'),
    pytest.param(node(dict(missing('/swapfile'), kind='directory', links=2)), {}, 'is a directory', id='a directory'),
    pytest.param(node(swap_file(GIB, on=False, signature=None, links=2, exposed='2 hard links')), {}, 'not swap',
                 id='a hard link to data'),
    pytest.param(node(swap_file(GIB, on=False, signature=None)), {}, 'not swap', id='data'),
    pytest.param(node(swap_file(GIB, on=False, signature=None)), {'state': 'absent'}, 'not swap', id='removing data'),
    pytest.param(node(directory={'path': '/x', 'exists': False, 'others': None}), {}, 'does not exist',
                 id='no directory'),
    pytest.param(node(directory={'path': '/tmp', 'exists': True, 'others': 'anybody may write to /tmp'}), {},
                 'anybody may write to /tmp, and could', id='a world-writable directory'),
    pytest.param(node(), {'size': '12'}, 'smallest', id='too small'),
    pytest.param(node(), {'size': '2048'}, 'did you mean 2048M?', id='MiB were meant'),
    pytest.param(node(), {'size': '50%'}, '0.5xram', id='a share of the RAM'),
    pytest.param(node(), {'size': 'big'}, 'not a size', id='no size'),
])
def test_what_cannot_be_is_refused_in_one_line(state, wished, words):
    with pytest.raises(RescueError) as caught:
        plan(state, wish(**wished))
    error = caught.value
    assert words in str(error) and '\n' not in str(error)
    assert error.path and (error.value is None or str(error.value) in str(error))
    assert error.next_step or error.allowed, 'what to do, or what may be given'


@pytest.mark.parametrize('size, near', [('2048', '2048M'), ('1', '1M'), ('0', None), ('0M', None), ('12K', None)])
def test_a_number_without_a_unit_may_be_meant_in_mib_unless_it_is_0(size, near):
    with pytest.raises(RescueError) as caught:
        plan(node(), wish(size=size))
    assert str(caught.value).partition('did you mean ')[2].split('?')[0] == (near or '')


def test_refusals_are_all_told_and_the_plan_raises_the_first():
    state = node(swap_file(2 * GIB, on=False, signature=None), disk=0,
                 directory={'path': '/tmp', 'exists': True, 'others': 'anybody may write to /tmp'})
    state['persistence']['unit'] = UNIT
    found = refusals(state, wish(persist='none'), {'size': 4 * GIB, 'way': None})
    for error, words in zip(found, ('anybody may write', 'not swap', 'persist is none', 'no room for 4 GiB')):
        assert words in str(error)
    assert len(found) == 4
    with pytest.raises(RescueError, match='anybody may write'):
        plan(state, wish(size='4G', persist='none'))


@pytest.mark.parametrize('size, refused', [('auto', True), ('2xram', True), ('512M', False)])
def test_a_size_by_the_ram_is_refused_where_nothing_tells_the_ram(size, refused):
    facts = node(ram=0, available=0)
    if refused:
        with pytest.raises(RescueError, match='/proc/meminfo does not tell how much RAM there is: mount /proc'):
            plan(facts, wish(size=size))
    else:
        assert plan(facts, wish(size=size))['size_bytes'] == 512 * MIB


@pytest.mark.parametrize('size, size_bytes', [
    ('2G', 2 * GIB), ('1048577', MIB), ('0.5xram', 512 * MIB), ('auto', 2 * GIB)])
def test_a_size_is_the_same_in_every_step_of_a_plan(size, size_bytes):
    planned = plan(node(), wish(size=size))
    assert planned['size_bytes'] == size_bytes
    assert set(step['size_bytes'] for step in planned['actions'] if 'size_bytes' in step) == set([size_bytes])
    assert planned['after']['file']['size_bytes'] == planned['after']['signature']['size_bytes'] == size_bytes


def test_a_plan_says_the_layers_that_it_leads_to():
    planned = plan(there(2 * GIB), wish(size='2G', priority=5))
    assert planned['before']['persistence'] == {'by': 'fstab', 'lines': [LINE]}
    assert planned['after']['persistence'] == {'by': 'fstab', 'lines': ['/swapfile none swap sw,nofail,pri=5 0 0']}
    assert plan(there(2 * GIB), wish(size='2G', persist='none'))['after']['persistence'] is None
    assert set(plan(there(2 * GIB), wish(state='absent'))['after'].values()) == set([None])
    unchanged = plan(there(2 * GIB), wish(size='2G'))
    assert unchanged['after'] == unchanged['before']


@pytest.mark.parametrize('options, words', [
    ({'priority': 32768}, 'priority: 32768 is not from 0 to 32767'),
    ({'reserve': 'much'}, "reserve: 'much' is not a size"),
    ({'demand': '-1'}, "demand: '-1' is not a size"),
])
def test_an_option_that_cannot_be_is_told_by_its_name(options, words):
    given = {'state': 'present', 'size': 'auto', 'active': True, 'priority': None, 'discard': None, 'persist': 'auto',
             'allocate': 'auto', 'reserve': '512M', 'demand': '', 'expected_peak': None, 'conflicts': 'report'}
    assert wish_of(given) == wish()
    with pytest.raises(RescueError) as caught:
        wish_of(dict(given, **options))
    assert str(caught.value).startswith(words)


def test_a_file_without_signature_is_ours_where_something_says_so():
    state = there(GIB, on=False, signature=None)
    assert steps(plan(state, wish(size='1G'))) == ['signature write', 'activation on']
    state = node(swap_file(GIB, on=False, signature=None))
    assert steps(plan(state, wish(size='1G', claimed=True))) == ['signature write', 'activation on', 'persistence add']
    state['file']['starts_blank'] = False
    for wished in ({'size': '1G'}, {'state': 'absent'}):
        with pytest.raises(RescueError, match='not swap'):
            plan(state, wish(claimed=True, **wished))


UNIT = '/etc/systemd/system/swapfile.swap'


@pytest.mark.parametrize('managers, unit, wished, expected', [
    pytest.param(['swapspace'], None, {'state': 'absent'}, 'managed by swapspace', id='removing what is managed'),
    pytest.param([], UNIT, {'state': 'absent'}, 'managed by systemd', id='removing what a unit activates'),
    pytest.param([], UNIT, {'state': 'absent', 'override': ['systemd']}, ['activation off', 'file remove'],
                 id='asked to'),
    pytest.param([], UNIT, {'size': '2G'}, [], id='a unit is no obstacle to what is there'),
    pytest.param([], UNIT, {'size': '2G', 'persist': 'none'}, RescueError, id='a unit persists it all the same'),
])
def test_what_others_manage_is_left_unless_asked(managers, unit, wished, expected):
    state = node(swap_file(2 * GIB))
    state['managers'] = [{'name': name, 'config': '/etc/x', 'path': '/swapfile'} for name in managers]
    state['persistence']['unit'] = unit
    if expected is RescueError:
        with pytest.raises(RescueError, match=UNIT):
            plan(state, wish(**wished))
    elif isinstance(expected, str):
        planned = plan(state, wish(**wished))
        assert expected in planned['skipped_reason'] and planned['actions'] == []
    else:
        assert steps(plan(state, wish(**wished))) == expected


WRITE, ENABLE, DISABLE = 'persistence write_unit', 'persistence enable', 'persistence disable'
ADD, REMOVE = 'persistence add', 'persistence remove'


def of_others(unit):
    state = node(swap_file(2 * GIB), unit_text='[Swap]\nWhat=/swapfile\n')
    state['persistence']['unit'] = unit
    return state


def by_unit(**other):
    return node(swap_file(2 * GIB), unit_text=OURS, enabled=True, **other)


@pytest.mark.parametrize('state, persist, expected', [
    (there(2 * GIB), 'systemd', [WRITE, ENABLE, REMOVE]),
    (node(swap_file(2 * GIB)), 'systemd', [WRITE, ENABLE]),
    (node(swap_file(2 * GIB)), 'auto', [ADD]),
    (node(swap_file(2 * GIB), gpt_swap=True), 'auto', [WRITE, ENABLE]),
    (node(swap_file(2 * GIB), LINE + '\n', gpt_swap=True), 'auto', [WRITE, ENABLE, REMOVE]),
    (by_unit(), 'auto', []),
    (by_unit(), 'systemd', []),
    (node(swap_file(2 * GIB), unit_text=OURS), 'auto', [ENABLE]),
    (node(swap_file(2 * GIB), unit_text=text_of('/swapfile', 5, 'once'), enabled=True), 'systemd', []),
    (node(swap_file(2 * GIB), unit_text=HEADER + '[Swap]\n', enabled=True), 'systemd', [WRITE]),
    (of_others(unit='/etc/systemd/system/swapfile.swap'), 'systemd', []),
    (by_unit(), 'fstab', [ADD, DISABLE, WRITE]),
    (by_unit(), 'none', [DISABLE, WRITE]),
], ids=['from a line', 'from nothing', 'auto', 'auto beside a partition that systemd finds',
        'auto beside such a partition and our line', 'auto keeps a unit', 'a unit is there',
        'a unit that is not enabled', 'a priority and a policy that are there', 'a unit that was cut',
        'a unit of others', 'from a unit to a line', 'from a unit to nothing'])
def test_what_keeps_a_file_over_a_reboot(state, persist, expected):
    planned = plan(state, wish(size='2G', persist=persist))
    assert steps(planned) == expected
    if expected:
        after = planned['after']['persistence']
        assert (after or {}).get('by') == {ADD: 'fstab', WRITE: 'systemd', ENABLE: None, DISABLE: None}[expected[0]]


def test_a_line_that_would_take_a_partition_away_is_refused_until_that_is_lifted():
    state = node(swap_file(2 * GIB), gpt_swap=True)
    refused = plan(state, wish(size='2G', persist='fstab'))
    assert refused['actions'] == [] and refused['skipped_reason'].startswith('gpt-auto (/etc/fstab): ')
    assert steps(plan(state, wish(size='2G', persist='fstab', override=['gpt-auto']))) == [ADD]


def test_an_undo_takes_our_unit_away_and_a_record_of_one_brings_it_back():
    record = {'existed': False, 'fstab_lines': [], 'size_bytes': None, 'mode': None, 'uid': None, 'gid': None}
    assert steps(plan(by_unit(), restoring(record, closed=True))) == ['activation off', DISABLE, WRITE, 'file remove']
    record = dict(recorded(by_unit()))
    assert record['unit_text'] == OURS
    assert steps(plan(there(2 * GIB), restoring(record, closed=True))) == ['persistence restore', WRITE, ENABLE]


def test_an_undo_brings_back_a_file_that_was_empty():
    record = recorded(node(swap_file(0, on=False, signature=None)))
    planned = plan(node(swap_file(2 * GIB)), restoring(record, closed=True))
    assert steps(planned) == ['activation off', 'file shrink']
    assert planned['after']['file']['size_bytes'] == 0


def test_a_unit_is_refused_where_another_init_starts_the_host():
    state = node(swap_file(2 * GIB))
    state['persistence']['systemd'] = False
    with pytest.raises(RescueError) as error:
        plan(state, wish(size='2G', persist='systemd'))
    assert 'leave persist at auto' in str(error.value)


def test_a_unit_of_others_that_no_boot_starts_is_left_and_named():
    with pytest.raises(RescueError) as error:
        plan(of_others(None), wish(size='2G', persist='systemd'))
    assert UNIT in str(error.value) and 'set persist to fstab' in str(error.value)


def test_other_swap_that_a_boot_does_not_turn_on_does_not_count():
    by_hand = dict(area(GIB + GIB // 2, path='/by-hand'), kept=False)
    assert plan(node(other_areas=[by_hand]), wish(size='auto'))['size_bytes'] == 2 * GIB
    assert plan(node(other_areas=[dict(by_hand, kept=None)]), wish(size='auto'))['size_bytes'] == GIB // 2
