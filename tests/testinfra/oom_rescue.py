# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin for pytest-testinfra: what a rescued host shows, read from the host itself.

In a suite of one's own: ``pytest -p ansible_collections.oom.rescue.tests.testinfra.oom_rescue --hosts=ansible://web``.
"""

import re

import pytest

CAP_SYS_RESOURCE = 1 << 24
KEEP_UNIT = 'oom-rescue-keep.service'
SCRIPTS = '/etc/default/* /etc/sysconfig/* /etc/conf.d/* /etc/sv/*/run /etc/service/*/run'
KEEP_RULES = '/etc/oom-rescue/keep.rules'
SYSCTL_DIRECTORIES = ('/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d')


def pytest_addoption(parser):
    group = parser.getgroup('oom.rescue', 'what the host should show (oom.rescue)')
    group.addoption('--rescue-remedies', default='swap,swappiness,oom_protect', help='the remedies to look at')
    group.addoption('--rescue-swap-path', default='/swapfile', help='the swap file')
    group.addoption('--rescue-swap-bytes', type=int, default=0, help='its size at least')
    group.addoption('--rescue-swappiness', type=int, default=10, help='vm.swappiness')
    group.addoption('--rescue-process', default='mysqld', help='the process to spare; mysqld is mariadbd as well')
    group.addoption('--rescue-score-adj', type=int, default=-600, help='its oom_score_adj')


class SwapFile:
    """A swap file, as the kernel and /etc/fstab know it."""

    def __init__(self, host, path):
        self.host = host
        self.path = path
        self.file = host.file(path)

    def area(self):
        """The line of /proc/swaps: {size_bytes, used_bytes, priority}, or None."""
        for line in self.host.check_output('cat /proc/swaps').splitlines()[1:]:
            path, _kind, size, used, priority = line.rsplit(None, 4)
            # The kernel writes a blank as \040.
            if path.replace('\\040', ' ') == self.path:
                return {'size_bytes': int(size) * 1024, 'used_bytes': int(used) * 1024, 'priority': int(priority)}
        return None

    def fstab(self):
        """The fields of each line of /etc/fstab that names it."""
        rows = [line.split() for line in self.host.run('cat /etc/fstab').stdout.splitlines()]
        return [row for row in rows if row and row[0].replace('\\040', ' ') == self.path]


class Swappiness:
    """vm.swappiness, now and after a reboot."""

    def __init__(self, host):
        self.host = host

    def now(self):
        return int(self.host.check_output('cat /proc/sys/vm/swappiness'))

    def after_reboot(self):
        """What sysctl.d(5) makes of the files, None where none sets it: of one name the first directory's file counts,
        the last of the names wins, and procps reads /etc/sysctl.conf after them all."""
        names = {}
        found = self.host.run("find -L %s -maxdepth 1 -name '*.conf'" % ' '.join(SYSCTL_DIRECTORIES))
        for path in found.stdout.splitlines():
            names.setdefault(path.rsplit('/', 1)[1], path)
        paths = [names[name] for name in sorted(names)] + ['/etc/sysctl.conf']
        lines = self.host.run("grep -sh 'vm[./]swappiness' " + ' '.join(['%s'] * len(paths)), *paths).stdout
        values = re.findall(r'^\s*-?\s*vm[./]swappiness\s*=\s*(\d+)\s*$', lines, re.MULTILINE)
        return int(values[-1]) if values else None


class Spared:
    """A process that the kernel should choose late."""

    def __init__(self, host, pid):
        self.host = host
        self.pid = pid

    def name(self):
        return self.host.check_output('cat /proc/%s/comm', self.pid)

    def score_adj(self):
        return int(self.host.check_output('cat /proc/%s/oom_score_adj', self.pid))

    def unit(self):
        """The systemd unit it belongs to, asked by pid: in a container the paths in /proc/PID/cgroup mislead."""
        answer = self.host.run('busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 '
                               'org.freedesktop.systemd1.Manager GetUnitByPID u %s', self.pid)
        found = re.search(r'/unit/(\w+)"', answer.stdout)
        return found and re.sub('_([0-9a-f]{2})', lambda code: chr(int(code.group(1), 16)), found.group(1))

    def docker_container(self):
        found = re.search(r'docker[-/]([0-9a-f]{64})', self.host.check_output('cat /proc/%s/cgroup', self.pid))
        return found and found.group(1)

    def kept_score_adj(self):
        """What the unit that gives scores again has for its name, user and executable, None where it has nothing or
        is not both running and enabled."""
        rules = self.host.run('cat ' + KEEP_RULES).stdout
        if not rules or self.host.run('systemctl is-active --quiet %s && systemctl is-enabled --quiet %s',
                                      KEEP_UNIT, KEEP_UNIT).rc:
            return None
        user = re.search(r'^Uid:\s*(\d+)', self.host.check_output('cat /proc/%s/status', self.pid), re.MULTILINE)
        executable = self.host.check_output('readlink /proc/%s/exe', self.pid)
        known = [user.group(1), self.name(), re.sub(r' \(deleted\)$', '', executable)]
        rows = [line.split(None, 3) for line in rules.splitlines() if not line.startswith('#')]
        scores = [int(row[0]) for row in rows if row[1:] == known]
        return scores[-1] if scores else None

    def scripted_score_adj(self):
        """What the script that starts it, or a file that this reads, has of the collection's; None where none has."""
        lines = self.host.run("grep -shA1 '^# BEGIN oom.rescue' " + SCRIPTS).stdout
        scores = re.findall(r'^\{ echo (-?\d+) > /proc/', lines, re.MULTILINE)
        return int(scores[-1]) if scores else None

    def score_adj_at_next_start(self):
        """What it has soon after it starts again, from the unit that gives scores again or from its own manager; None
        where neither says."""
        kept = self.kept_score_adj()
        if kept is not None:
            return kept
        container = self.docker_container()
        if container:
            return int(self.host.check_output("docker inspect --format '{{.HostConfig.OomScoreAdj}}' %s", container))
        unit = self.unit()
        if unit and unit.endswith('.service'):
            return int(self.host.check_output('systemctl show --property OOMScoreAdjust %s', unit).split('=')[1])
        return self.scripted_score_adj()


@pytest.fixture
def rescue(request):
    """The options: ``rescue('swap_path')``."""
    def option(name):
        return request.config.getoption('--rescue-' + name.replace('_', '-'))
    return option


@pytest.fixture
def swap_file(host, rescue):
    return SwapFile(host, rescue('swap_path'))


@pytest.fixture
def swappiness(host):
    return Swappiness(host)


@pytest.fixture
def may_lower_scores(host):
    """Whether root here may lower an oom_score_adj: it takes CAP_SYS_RESOURCE, and that of the first user namespace."""
    capabilities = re.search(r'CapEff:\s*(\w+)', host.check_output('cat /proc/1/status')).group(1)
    identity = host.check_output('cat /proc/1/uid_map').split() == ['0', '0', '4294967295']
    return identity and bool(int(capabilities, 16) & CAP_SYS_RESOURCE)


@pytest.fixture
def spared(host, rescue):
    """The processes to spare, skipped where none runs."""
    name = rescue('process')
    pattern = 'mysqld|mariadbd' if name == 'mysqld' else re.escape(name)
    found = host.run('grep -sxlE %s /proc/[0-9]*/comm', pattern).stdout
    if not found:
        pytest.skip('no %s runs on this host' % name)
    return [Spared(host, path.split('/')[2]) for path in found.split()]


def pytest_collection_modifyitems(config, items):
    """Leaves out the tests of remedies that were not asked for: ``test_swappiness.py`` is swappiness's."""
    remedies = config.getoption('--rescue-remedies').split(',')
    wanted, others = [], []
    for item in items:
        marker = item.get_closest_marker('remedy')
        (wanted if marker is None or marker.args[0] in remedies else others).append(item)
    items[:] = wanted
    config.hook.pytest_deselected(items=others)


def pytest_configure(config):
    config.addinivalue_line('markers', 'remedy(name): the remedy of oom.rescue whose effect the test looks at')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds to a failure what the host itself says: the kernel's log, and the journal of the spared process's unit."""
    outcome = yield
    report = outcome.get_result()
    host = getattr(item, 'funcargs', {}).get('host')
    if call.when != 'call' or not report.failed or host is None:
        return
    units = {process.unit() for process in item.funcargs.get('spared', [])} or {'mariadb.service'}
    for unit in sorted(filter(None, units)):
        journal = host.run('journalctl --no-pager --lines 40 --unit %s', unit)
        report.sections.append(('journal of ' + unit, journal.stdout))
    report.sections.append(('kernel log', '\n'.join(host.run('dmesg').stdout.splitlines()[-40:])))
