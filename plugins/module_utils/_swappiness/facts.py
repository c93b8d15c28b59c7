# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where vm.swappiness comes from: each place that sets it, in the order in which the node applies them at boot."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._boot import credentials
from .._boot.boot import boot_of
from .._boot.kernel_line import command_lines
from .._change.record import backup_path
from .._files.overlay import Overlay
from .._files.snapshot import Snapshot
from .._forbids import forbids
from .._node.cgroup import swappiness_of_cgroups
from .._node.kernel import kernel_version
from .._node.meminfo import number_of
from .._node.privilege import SWAPPINESS as RUNTIME
from .._node.privilege import is_container, swappiness_refused
from .._systemd.systemd import version as systemd_version
from . import boot_sets, sysctl, tuned

KEY = 'vm.swappiness'
FORCE_KEY = 'vm.force_cgroup_v2_swappiness'
FORCE_RUNTIME = '/proc/sys/vm/force_cgroup_v2_swappiness'
# After 99-sysctl.conf, the link to /etc/sysctl.conf of Debian 12 and EL, in the order of sysctl.d(5).
OWN = '/etc/sysctl.d/99-zz-oom-rescue.conf'
# Units that systemd starts before systemd-sysctl keep the kernel's default, and what is below them copies it.
TMPFILES = '/etc/tmpfiles.d/oom-rescue-swappiness.conf'
# mm/vmscan.c: int vm_swappiness = 60;
KERNEL_DEFAULT = 60
_PROGRAMS = {'systemd': sysctl.SYSTEMD, 'procps': sysctl.PROCPS}


def maximum(kernel):
    """The largest value that a kernel takes: 200 since 5.8 (commit c843966c556d). An unknown kernel is asked."""
    return 100 if kernel and kernel < (5, 8) else 200


def cannot_set(host):
    """The reason that this node has no say over vm.swappiness, or None if it has."""
    if number_of(host, RUNTIME) is None:
        return '%s cannot be read here' % RUNTIME
    return swappiness_refused(host)


def _procps_version(host):
    """(major, minor, patch) of sysctl, or None if it is not there or is busybox's."""
    _rc, out, _err = host.run(['sysctl', '--version'])
    return kernel_version(out.split()[-1]) if 'procps' in out else None


def environment(host):
    """A dictionary of what decides, beside the files themselves, how the boot applies them. It is read once, and is the
    same before and after a plan.
    """
    view, boot = Overlay(host), boot_of(host)
    place, words = command_lines(view)[0 if is_container(host) else -1]
    systemd, procps, applied = systemd_version(host), _procps_version(host), boot.sysctl()
    return {
        'kernel': kernel_version(host.read('/proc/sys/kernel/osrelease')),
        # None if the boot applies no sysctl files, with the answer that says so.
        'program': _PROGRAMS[applied['by']] if applied['kept'] else None,
        'boot': applied,
        'tmpfiles': boot.tmpfiles(),
        'credentials': boot.credentials(),
        'commands': boot_sets.of_ufw(view, boot.units) + boot_sets.setting_commands(boot.commands, KEY, RUNTIME),
        'modern': {sysctl.SYSTEMD: systemd is None or systemd >= 245, sysctl.PROCPS: not procps or procps >= (4, 0)},
        'command_line': ' '.join(words),
        'command_line_in': place,
        'keeps': boot.keeps,
        'applies': cannot_set(host) is None,
        'procps': any(view.exists(path) for path in ('/usr/sbin/sysctl', '/sbin/sysctl')),
    }


def _stages(view, env):
    """[(by, steps)] of what is applied at boot; a step is {source, line, raw, excludes}."""
    stages = [('kernel', [{'source': 'kernel default', 'line': None, 'raw': str(KERNEL_DEFAULT), 'excludes': False}])]
    words = re.findall(r'(?:^|\s)sysctl\.vm[./]swappiness=(\S+)', env['command_line'])
    if not env['kernel'] or env['kernel'] >= (5, 8):
        stages.append(('kernel', [{'source': env['command_line_in'], 'line': 1, 'raw': word, 'excludes': False}
                                  for word in words]))
    if env['program']:
        stages.append((env['program'], sysctl.assignments(view, KEY, env['program'], env['modern'][env['program']], env[
            'credentials']['sysctl'] if env['program'] == sysctl.SYSTEMD else ())))
    if tuned.installed(view) and tuned.enabled(view):
        setting = tuned.profile_setting(view, KEY)
        if setting['sets'] or not setting['complete']:
            stages.append(('tuned', [{'source': setting['source'] or tuned.ACTIVE_PROFILE, 'line': setting['line'],
                                      'raw': setting['raw'], 'excludes': False,
                                      'unknown': not setting['complete']}]))
        if tuned.reapplies_sysctl(view) and (setting['sysctl'] or not setting['complete']):
            stages.append((sysctl.TUNED, sysctl.assignments(view, KEY, sysctl.TUNED)))
    if env['tmpfiles']:
        # systemd-tmpfiles waits for all filesystems, systemd-sysctl does not.
        stages.insert(-1 if stages[-1][0] in ('tuned', sysctl.TUNED) else len(stages),
                      (boot_sets.TMPFILES, boot_sets.of_tmpfiles(view, RUNTIME, env['credentials']['tmpfiles'])))
    stages.append((boot_sets.COMMAND, boot_sets.of_commands(view, env['commands'], KEY, env['modern'][sysctl.PROCPS])))
    return stages


def _step_value(step, by, current, limit):
    """(the value after a step, True if the step set it)."""
    raw = step['raw'] or ''
    if by == 'tuned' and raw[:1] in ('<', '>') and current is not None:
        # tuned.conf(5): only where it raises or lowers.
        number = sysctl.kernel_integer(raw[1:])
        applies = number is not None and (number > current if raw[0] == '>' else number < current)
        return (number, True) if applies and 0 <= number <= limit else (current, False)
    number = sysctl.kernel_integer(raw)
    # The kernel refuses what it cannot read and what is out of range, and keeps what it had.
    return (number, True) if number is not None and 0 <= number <= limit else (current, False)


def resolve(view, env):
    """(declared, value after a reboot, the step that decides it) for the files as ``view`` has them."""
    limit = maximum(env['kernel'])
    value, winner = None, None
    rows, order = {}, []
    for by, steps in _stages(view, env):
        before = (value, winner)
        for step in steps:
            step = dict(step, by=by)
            if by == boot_sets.COMMAND and before[1] and before[1]['by'] in ('tuned', sysctl.TUNED):
                # tuned applies its profile while these run, or after them.
                step['perhaps'] = True
            place = (step['source'], step['line'])
            row = rows.setdefault(place, {'source': step['source'], 'line': step['line'],
                                          'value': sysctl.kernel_integer((step['raw'] or '').lstrip('<>')),
                                          'by': []})
            row['by'].append(by)
            order = [known for known in order if known != place] + [place]
            if step.get('unknown'):
                value, winner = None, step
            elif step['excludes']:
                value, winner = before[0], step
            else:
                new, sets = _step_value(step, by, value, limit)
                if sets and step.get('perhaps') and new != value:
                    value, winner = None, step
                elif sets and not step.get('perhaps'):
                    value, winner = new, step
                elif not sets and by == sysctl.SYSTEMD and not step.get('glob'):
                    # It keeps the last assignment of a key alone, and writes no other if the kernel refuses that one.
                    value, winner = None if step.get('perhaps') and value != before[0] else before[0], step
    idle = []
    for path in sysctl.all_files(view):
        for entry in sysctl.parse(view.read(path), KEY):
            place = (view.real(path), entry['line'])
            if place not in rows:
                rows[place] = {'source': place[0], 'line': place[1],
                               'value': sysctl.kernel_integer(entry['raw']), 'by': []}
                idle.append(place)
    known = env['applies'] and env['boot']['kept'] is not None
    declared = [dict(rows[place], wins=bool(winner) and known and place == (winner['source'], winner['line']))
                for place in idle + order]
    if not known:
        # Nothing here is known to apply any of it: a container without init, or without a say.
        return declared, None, None
    lost = _lost(env, winner)
    return (declared, value, winner) if lost is None else (declared, lost[0], dict(winner, lost=lost[1]))


def _lost(env, winner):
    """(value after a reboot, reason) if the file that decides it may be gone by then; else None."""
    if not winner or not winner['source'].startswith('/') or winner['source'].startswith(('/proc/', '/run/', '/usr/')):
        return None
    kept = env['keeps'](winner['source'])
    return None if kept['kept'] else (KERNEL_DEFAULT if kept['kept'] is False else None, kept['why'])


def decided_by(env, winner):
    """What decides the value after a reboot, in words, or why that is not known."""
    if not env['applies']:
        return None
    if env['boot']['kept'] is None or winner['by'] == 'kernel' and env['boot']['kept'] is False:
        return env['boot']['why']
    if winner.get('lost'):
        return winner['lost']
    if winner['line'] is None and winner['by'] == 'kernel':
        return 'nothing sets it at boot, and %s is the kernel\'s own' % winner['raw']
    place = winner['source'] if winner['line'] is None else '%s line %d' % (winner['source'], winner['line'])
    words = 'may set' if winner.get('perhaps') else 'sets'
    return '%s %s %s' % (place, words, winner['raw'] if winner['raw'] is not None else 'a value that cannot be told')


def _after_sysctl_system(view, env):
    """The value after ``sysctl --system``, run by hand or by a package's script; None if it leaves the value alone."""
    if not env['procps']:
        return None
    limit = maximum(env['kernel'])
    last = None
    for step in sysctl.assignments(view, KEY, sysctl.PROCPS, env['modern'][sysctl.PROCPS]):
        if step.get('unknown'):
            last = {'value': None, 'source': step['source'], 'line': None}
            continue
        value, sets = _step_value(step, sysctl.PROCPS, None, limit)
        if sets:
            last = {'value': value, 'source': step['source'], 'line': step['line']}
    return last


def _tuned_facts(view):
    if not tuned.installed(view):
        return None
    setting = tuned.profile_setting(view, KEY)
    return {
        'profile': ' '.join(tuned.active_profiles(view)) or None,
        'value': sysctl.kernel_integer((setting['raw'] or '').lstrip('<>')) if setting['sets'] else None,
        'source': setting['source'],
        'reapply_sysctl': tuned.reapplies_sysctl(view),
        'enabled': tuned.enabled(view),
        'running': tuned.running(view),
    }


def cgroups_count(env, forced):
    """True if the kernel looks at a cgroup's own value when the whole node reclaims memory.

    Only version 1 has one. Before 3.16 (kernel commit 688eb988d15a), EL7's 3.10 included, it matters to a cgroup that
    meets its own limit alone; EL8 and Oracle's kernels can be told (``forced`` is 1) to look at vm.swappiness alone.
    """
    return (not env['kernel'] or env['kernel'] >= (3, 16)) and forced != 1


def read_facts(host, state):
    """All that a plan depends on.

    {env: of environment(), files: a Snapshot, systemd: bool, runtime and forced: the values of RUNTIME and
    FORCE_RUNTIME or None, cgroups: of swappiness_of_cgroups(), records: of ``state``, backups: {path: text or None} and
    flaws: {path: of Host.flaw_of_own()} of our own files, cannot_set: a reason or None, forbidden:
    of forbids.forbidden(), before: of provenance()}. Raises RescueError and OSError.
    """
    view, env = Overlay(host), environment(host)
    own = (OWN, TMPFILES, tuned.child_profile_path(view))
    facts = {
        'env': env,
        'files': Snapshot(host, [OWN, TMPFILES] + sysctl.paths(view) + tuned.paths(view)
                          + boot_sets.paths(view, env['commands']) + credentials.paths(env['credentials'])),
        'systemd': host.exists('/run/systemd/system'),
        'runtime': number_of(host, RUNTIME),
        'forced': number_of(host, FORCE_RUNTIME),
        'cgroups': swappiness_of_cgroups(host),
        'records': state.records(),
        'backups': dict((path, host.read(backup_path(path))) for path in own),
        'flaws': dict((path, host.flaw_of_own(path)) for path in own),
        'cannot_set': cannot_set(host),
        'forbidden': forbids.forbidden(host)['swappiness'],
    }
    facts['before'] = provenance_of(facts, Overlay(facts['files']))
    return facts


def provenance(host):
    """Where vm.swappiness comes from and what it will be, as memory_facts returns it."""
    return provenance_of({'env': environment(host), 'runtime': number_of(host, RUNTIME),
                          'forced': number_of(host, FORCE_RUNTIME), 'cgroups': swappiness_of_cgroups(host)},
                         Overlay(host))


def provenance_of(facts, view):
    """provenance() of facts, with the files as ``view`` has them."""
    declared, after_reboot, winner = resolve(view, facts['env'])
    counts = cgroups_count(facts['env'], facts['forced'])
    runtime = facts['runtime']
    differing = [{'path': group['path'], 'value': group['value']} for group in facts['cgroups']
                 if group['value'] != runtime]
    return {
        'runtime': runtime,
        'after_reboot': after_reboot,
        'decided_by': decided_by(facts['env'], winner),
        'after_sysctl_system': _after_sysctl_system(view, facts['env']),
        'declared': declared,
        'tuned': _tuned_facts(view),
        'cgroups': differing,
        'cgroups_count': counts,
        'holds': _holds(runtime, after_reboot, differing, counts),
    }


def _holds(runtime, after_reboot, differing, counts):
    """True if the running value is what a reboot brings and what every cgroup has; None if that is unknown."""
    if runtime is None:
        return None
    if differing and counts:
        return False
    return None if after_reboot is None else runtime == after_reboot


def holds(facts, value):
    """{now, after_reboot, in_cgroups} of a value against provenance(); None if a thing is unknown."""
    def same(number):
        return None if number is None or value is None else number == value

    differing = [group for group in facts['cgroups'] if group['value'] != value]
    return {
        'now': same(facts['runtime']),
        'after_reboot': same(facts['after_reboot']),
        'in_cgroups': not (differing and facts['cgroups_count']) and same(facts['runtime']),
    }
