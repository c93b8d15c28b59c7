# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._forbids.swap_managers import (
    manager_of,
    managers,
    unit_name,
    unit_of,
)

ZRAM = '/etc/systemd/zram-generator.conf'
CLOUD = '/etc/cloud/cloud.cfg'
DATA = '/var/lib/cloud/instance/cloud-config.txt'
UNIT = '/etc/systemd/system/data-swap.swap'
WANTED = '/etc/systemd/system/swap.target.wants/data-swap.swap'


def host_with(tmpdir, files):
    for path, text in files.items():
        tmpdir.join(path.lstrip('/')).write(text, ensure=True)
    return Host(root=str(tmpdir))


@pytest.mark.parametrize('files, expected', [
    pytest.param({}, [], id='none'),
    pytest.param({ZRAM: '[zram0]\nzram-size = ram / 2\n'}, [('zram-generator', ZRAM, None)], id='zram-generator'),
    pytest.param({ZRAM: '# [zram0]\n', '/usr/lib/systemd/zram-generator.conf': '[zram0]\n'}, [],
                 id='zram-generator switched off'),
    pytest.param({'/usr/sbin/zramswap': '', '/etc/default/zramswap': '#PERCENT=50\n'},
                 [('zram-tools', '/etc/default/zramswap', None)], id='zram-tools'),
    pytest.param({'/usr/bin/init-zram-swapping': ''}, [('zram-config', '/usr/bin/init-zram-swapping', None)],
                 id='zram-config'),
    pytest.param({'/sbin/dphys-swapfile': '', '/etc/dphys-swapfile': 'CONF_SWAPSIZE=100\n#CONF_SWAPFILE=/x\n'},
                 [('dphys-swapfile', '/etc/dphys-swapfile', '/var/swap')], id='dphys-swapfile with its own path'),
    pytest.param({'/usr/sbin/dphys-swapfile': '', '/etc/dphys-swapfile': 'CONF_SWAPFILE="/data/swap"\n'},
                 [('dphys-swapfile', '/etc/dphys-swapfile', '/data/swap')], id='dphys-swapfile with a path'),
    pytest.param({'/etc/dphys-swapfile': 'CONF_SWAPSIZE=100\n'}, [], id='only the configuration of dphys-swapfile'),
    pytest.param({'/usr/sbin/swapspace': '', '/etc/swapspace.conf': 'swappath="/data/s"\n'},
                 [('swapspace', '/etc/swapspace.conf', '/data/s/')], id='swapspace'),
    pytest.param({'/etc/swapspace.conf': 'swappath="/data/s"\n'}, [], id='only the configuration of swapspace'),
    pytest.param({'/usr/bin/systemd-swap': ''},
                 [('systemd-swap', '/etc/systemd/swap.conf', '/var/lib/systemd-swap/swapfc/')], id='systemd-swap'),
    pytest.param({CLOUD: 'users: []\nswap:\n  # a comment\n  filename: "/swap.img"\n  size: auto\nruncmd: []\n'},
                 [('cloud-init', CLOUD, '/swap.img')], id='cloud-init'),
    pytest.param({CLOUD: 'mounts: []\n#swap:\n#  filename: /x\n'}, [], id='cloud-init without swap'),
    pytest.param({CLOUD + '.d/90.cfg': 'swap:\n  size: 1G\n', CLOUD + '.d/91.txt': 'swap:\n  size: 1G\n'},
                 [('cloud-init', CLOUD + '.d/90.cfg', '/swap.img')], id='cloud-init in a part'),
    pytest.param({CLOUD: 'swap: {size: 1G, filename: /big.swap}\n'}, [('cloud-init', CLOUD, '/big.swap')],
                 id='cloud-init in one line'),
    pytest.param({CLOUD: 'swap: {\n  filename: "/big.swap",\n  size: 1G}\n'}, [('cloud-init', CLOUD, '/big.swap')],
                 id='cloud-init in braces'),
    pytest.param({DATA: '#cloud-config\nswap:\n  size: 1G\n  filename: /big.swap  # mine\n'},
                 [('cloud-init', DATA, '/big.swap')], id='cloud-init as handed in by the cloud'),
    pytest.param({UNIT: '[Unit]\n[Swap]\nWhat = /data/swap\n', WANTED: ''}, [('systemd', UNIT, '/data/swap')],
                 id='a unit'),
    pytest.param({UNIT: '[Swap]\nWhat=/data/swap\n'}, [], id='a unit that nothing starts'),
    pytest.param({UNIT: '[Swap]\nWhat=/data/other\n', WANTED: ''}, [], id='a unit that systemd does not load'),
    pytest.param({'/run/systemd/generator/swapfile.swap': '[Swap]\nWhat=/swapfile\n'}, [],
                 id='a unit that systemd made of fstab'),
])
def test_managers_are_found_by_their_configuration(tmpdir, files, expected):
    found = managers(host_with(tmpdir, files))
    assert [(manager['name'], manager['config'], manager['path']) for manager in found] == expected


def test_a_file_has_the_manager_that_makes_it(tmpdir):
    found = managers(host_with(tmpdir, {'/sbin/swapspace': '', UNIT: '[Swap]\nWhat=/data/swap\n', WANTED: ''}))
    assert manager_of(found, '/var/lib/swapspace/3')['name'] == 'swapspace'
    assert manager_of(found, '/swapfile') is None
    assert manager_of(found, '/data/swap') is None
    assert unit_of(found, '/data/swap')['config'] == UNIT
    assert unit_of(found, '/swapfile') is None


@pytest.mark.parametrize('path, name', [
    ('/swapfile', 'swapfile.swap'), ('/data//swap', 'data-swap.swap'), ('/a-b/c d', 'a\\x2db-c\\x20d.swap'),
    ('/.swap', '\\x2eswap.swap'), ('/a.b:c_d', 'a.b:c_d.swap'),
])
def test_a_unit_has_systemds_name(path, name):
    assert unit_name(path) == name
