# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change for vm.swappiness to hold, or to be as it was, and the doing of it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import posixpath

from . import sysctl, tuned
from .._node.cgroup import swappiness_of_cgroups
from .._node.errors import RescueError
from .._node.meminfo import number_of
from .._node.overlay import Overlay
from .._node.record import backup_once, backup_path, drop_backup
from .facts import (FORCE_KEY, FORCE_RUNTIME, KEY, RUNTIME, cgroups_count, environment, maximum, provenance,
                          resolve)

# After 99-sysctl.conf, the link to /etc/sysctl.conf of Debian 12 and EL, in the order of sysctl.d(5).
OWN = '/etc/sysctl.d/99-zz-oom-rescue.conf'
HEADER = '# Made by the Ansible collection oom.rescue'
MASK_HEADER = HEADER + ': hides %s, whose other lines it keeps.\n'
MARKER = '#oom-rescue: '
# Units that systemd starts before systemd-sysctl keep the kernel's default, and what is below them copies it.
TMPFILES = '/etc/tmpfiles.d/oom-rescue-swappiness.conf'
# What packages or generators own: a file of that name in /etc hides it (sysctl.d(5)).
_NOT_EDITED = ('/usr/', '/lib/', '/run/')


class Conflict(RescueError):
    """Another declaration wins."""


class Plan:
    """Changes in order: ``actions`` says them, the rest is what apply() does. Empty where all is as it should be."""

    def __init__(self, before):
        self.before = before
        self.after = before
        self.target = None
        self.actions = []
        self.files = []
        self.runtime = None
        self.force = None
        self.cgroups = []
        self.tuned = None
        self.undo = False

    def act(self, layer, action, detail):
        self.actions.append({'layer': layer, 'action': action, 'detail': detail})

    def diff(self):
        """The plan as Ansible's diff mode prints it."""
        parts = [{'before_header': path, 'after_header': path, 'before': old or '', 'after': new or ''}
                 for path, old, new in self.files]
        for path, old, new in ([self.runtime] if self.runtime else []) + ([self.force] if self.force else []) + [
                (group['file'], group['value'], group['set']) for group in self.cgroups]:
            parts.append({'before_header': path, 'after_header': path,
                          'before': '%s\n' % old, 'after': '%s\n' % new})
        return parts


def check_value(value, allow_zero, kernel):
    """Raises RescueError where a value is out of what the kernel takes, or is 0 unasked."""
    limit = maximum(kernel)
    if value < 0 or value > limit:
        raise RescueError('value %d is out of range: this kernel takes 0 to %d for vm.swappiness%s' % (
            value, limit, '' if limit == 200 else ' (0 to 200 since 5.8)'))
    if value == 0 and not allow_zero:
        raise RescueError('value 0 makes kernels since 3.5 kill before they swap anonymous memory: use 1, '
                              'or allow_zero=true to have it all the same')


def own_text(value, force):
    """The text of the collection's own sysctl file."""
    lines = [HEADER + ' (role swappiness).', '%s = %d' % (KEY, value)]
    if force:
        lines.append('%s = 1' % FORCE_KEY)
    return '\n'.join(lines) + '\n'


def tmpfiles_text(value):
    """The text that has systemd-tmpfiles set cgroups of version 1 at boot (tmpfiles.d(5))."""
    lines = [HEADER + ' (role swappiness).']
    lines += ['w /sys/fs/cgroup/memory/%s/memory.swappiness - - - - %d' % (depth, value) for depth in ('*', '*/*')]
    return '\n'.join(lines) + '\n'


def _place(step):
    return step['source'] if step['line'] is None else '%s:%d' % (step['source'], step['line'])


def _says(step):
    if step.get('unknown'):
        reason = step['unknown']
        return 'sets a value that cannot be told beforehand' + ('' if reason is True else ' (%s)' % reason)
    return 'takes back every value set before' if step['excludes'] else 'sets %s' % step['raw']


def _make_lose(plan, view, winner, value):
    """Change ``view`` so that the winner no longer wins. False where the host offers no means."""
    if winner['by'] == 'tuned':
        names = tuned.profiles_below_child(view)
        if not names:
            return False
        view.edit(tuned.child_profile_path(view), tuned.child_profile(names, KEY, value))
        plan.act('tuned', 'child_profile', '%s: %s with %s = %d' % (
            tuned.child_profile_path(view), ', '.join(names), KEY, value))
        if not tuned.has_child(view):
            plan.tuned = ' '.join(tuned.with_child(names))
            plan.act('tuned', 'switch', 'profile %s to %s' % (' '.join(names), plan.tuned))
            view.edit(tuned.ACTIVE_PROFILE, plan.tuned + '\n')
            view.edit(tuned.PROFILE_MODE, 'manual\n')
        return True
    source = winner['source']
    text = view.read(source)
    if winner['line'] is None or text is None or not source.startswith('/') or source.startswith('/proc/'):
        return False
    hidden = sysctl.without_line(text, winner['line'], MARKER)
    if not source.startswith(_NOT_EDITED):
        view.edit(source, hidden)
        plan.act('file', 'comment_out', '%s: %s' % (_place(winner), text.split('\n')[winner['line'] - 1].strip()))
        return True
    mask = sysctl.masked_path(winner['read_as'])
    if view.exists(mask):
        return False
    view.edit(mask, MASK_HEADER % source + hidden)
    plan.act('file', 'hide', '%s by %s, a copy without line %d' % (source, mask, winner['line']))
    return True


def _write(plan, view, path, text, says):
    if view.read(path) != text:
        view.edit(path, text)
        plan.act('file', 'write', '%s: %s' % (path, says))


def plan_present(host, value, conflicts='fail', cgroups='report'):
    """The plan that makes ``value`` hold. Raises Conflict as ``conflicts`` says."""
    env = environment(host)
    view = Overlay(host)
    plan = Plan(provenance(host, view, env))
    plan.target = value
    force = cgroups == 'set' and number_of(host, FORCE_RUNTIME) is not None
    _write(plan, view, OWN, own_text(value, force), '%s = %d' % (KEY, value))
    if view.exists(TMPFILES):
        cgroups = 'set'
    seen = []
    while True:
        _declared, after_reboot, winner = resolve(view, env)
        if winner is None or (after_reboot == value and not winner.get('unknown')):
            break
        if conflicts == 'report':
            break
        place = (winner['source'], winner['line'], winner['by'])
        if conflicts == 'fail':
            raise Conflict('%s = %d would not hold: %s %s and is applied later than %s. Remove that, or use '
                           'conflicts=override to have it overridden, or conflicts=report to go on without it' % (
                               KEY, value, _place(winner), _says(winner), OWN))
        if place in seen or not _make_lose(plan, view, winner, value):
            raise Conflict('%s = %d would not hold: %s %s and is applied by %s, and this host offers no means to '
                           'override it. Remove it there' % (KEY, value, _place(winner), _says(winner), winner['by']))
        seen.append(place)
    _plan_kernel(plan, host, view, env, value, cgroups)
    _finish(plan, host, view, env)
    return plan


def _plan_kernel(plan, host, view, env, value, cgroups):
    current = plan.before['runtime']
    if current != value:
        plan.runtime = (RUNTIME, current, value)
        plan.act('runtime', 'set', '%s from %s to %d' % (KEY, current, value))
    if cgroups != 'set' or not cgroups_count(host, env):
        return
    forced = number_of(host, FORCE_RUNTIME)
    if forced is not None:
        plan.force = (FORCE_RUNTIME, forced, 1)
        plan.act('cgroup', 'force', '%s from %d to 1' % (FORCE_KEY, forced))
        return
    if swappiness_of_cgroups(host) and view.exists('/run/systemd/system'):
        _write(plan, view, TMPFILES, tmpfiles_text(value), 'cgroups get %d at boot' % value)
    for group in swappiness_of_cgroups(host):
        if group['value'] != value:
            plan.cgroups.append(dict(group, set=value))
            plan.act('cgroup', 'set', '%s from %d to %d' % (group['path'], group['value'], value))


def _finish(plan, host, view, env):
    for path in sorted(view.edits):
        plan.files.append((path, host.read(path), view.edits[path]))
    if plan.tuned or plan.runtime or plan.force or plan.cgroups or plan.files:
        changed = dict((group['path'], group['set']) for group in plan.cgroups)
        groups = [dict(group, value=changed.get(group['path'], group['value']))
                  for group in swappiness_of_cgroups(host)]
        plan.after = provenance(host, view, env, plan.runtime[2] if plan.runtime else None, groups,
                                plan.force[2] != 1 if plan.force else None)


def plan_absent(host, state):
    """The plan that takes the collection's setting away and brings back what was before it."""
    env = environment(host)
    view = Overlay(host)
    plan = Plan(provenance(host, view, env))
    plan.undo = True
    records = state.records()
    _plan_tuned_back(plan, view, records.get('tuned'))
    _plan_files_back(plan, host, view)
    target = records.get('runtime', {}).get('before')
    if target is None and view.edits:
        target = resolve(view, env)[1]
    plan.target = plan.before['runtime'] if target is None else target
    if plan.target != plan.before['runtime']:
        plan.runtime = (RUNTIME, plan.before['runtime'], plan.target)
        plan.act('runtime', 'set', '%s from %s to %d' % (KEY, plan.before['runtime'], plan.target))
    forced = number_of(host, FORCE_RUNTIME)
    if 'force' in records and forced is not None and forced != records['force']['before']:
        plan.force = (FORCE_RUNTIME, forced, records['force']['before'])
        plan.act('cgroup', 'force', '%s from %d to %d' % (FORCE_KEY, forced, records['force']['before']))
    for group in swappiness_of_cgroups(host):
        record = records.get('cgroup:' + group['path'])
        if record and record['before'] != group['value']:
            plan.cgroups.append(dict(group, set=record['before']))
            plan.act('cgroup', 'set', '%s from %d to %d' % (group['path'], group['value'], record['before']))
    if records and not plan.actions:
        plan.act('state', 'forget', 'the record of what was before, which is so again')
    _finish(plan, host, view, env)
    return plan


def _plan_tuned_back(plan, view, before):
    names = tuned.active_profiles(view)
    if tuned.has_child(view):
        before = before or {'active_profile': ' '.join(tuned.profiles_below_child(view)) + '\n',
                            'profile_mode': 'manual\n'}
        plan.tuned = (before['active_profile'] or '').strip()
        plan.act('tuned', 'switch', 'profile %s to %s' % (' '.join(names), plan.tuned or 'none'))
    elif not before or names != (before['active_profile'] or '').split():
        # Somebody chose another profile meanwhile.
        return
    view.edit(tuned.ACTIVE_PROFILE, before['active_profile'])
    view.edit(tuned.PROFILE_MODE, before['profile_mode'])


def _plan_files_back(plan, host, view):
    for path in (OWN, TMPFILES, tuned.child_profile_path(view)):
        text = view.read(path)
        if text is not None and text.startswith(HEADER):
            view.edit(path, host.read(backup_path(path)))
            plan.act('file', 'remove', path)
    for path in sysctl.all_files(view):
        text = view.read(path) or ''
        if text.startswith(HEADER + ': hides '):
            view.edit(path, None)
            plan.act('file', 'remove', path)
        elif '\n' + MARKER in '\n' + text:
            view.edit(path, sysctl.with_lines_back(text, MARKER))
            plan.act('file', 'bring_back', path)


def apply_plan(host, plan, state):
    """Do what a plan says, all of it or, if something fails, nothing.

    What was before is recorded first, so that a crash leaves nothing that cannot be undone.
    """
    for path, _old, new in plan.files:
        host.try_to_change(path, new)
    with host.whole():
        _apply(host, plan, state)


def _apply(host, plan, state):
    if plan.undo:
        _switch_tuned(host, plan)
        for path, _old, new in plan.files:
            _change_file(host, path, new)
    else:
        _record(host, plan, state)
        for path, _old, new in plan.files:
            if path not in (tuned.ACTIVE_PROFILE, tuned.PROFILE_MODE):
                _change_file(host, path, new)
        _switch_tuned(host, plan)
    for path, _old, new in [change for change in (plan.force, plan.runtime) if change]:
        _write_kernel(host, path, new)
    for group in plan.cgroups:
        try:
            _write_kernel(host, group['file'], group['set'])
        except RescueError:
            # A cgroup may end between reading and writing; one that stays is seen when read back.
            continue
    left = number_of(host, RUNTIME)
    if left != plan.target:
        raise RescueError('%s is %s after %d was written: something else on this host sets it' % (
            RUNTIME, left, plan.target))
    if plan.undo:
        _forget(host, plan, state)


def _record(host, plan, state):
    if plan.actions:
        state.remember('runtime', {'before': plan.before['runtime']})
    if plan.force:
        state.remember('force', {'before': plan.force[1]})
    for group in plan.cgroups:
        state.remember('cgroup:' + group['path'], {'before': group['value']})
    if plan.tuned:
        state.put('tuned', {'active_profile': host.read(tuned.ACTIVE_PROFILE),
                            'profile_mode': host.read(tuned.PROFILE_MODE)})
    for path, old, _new in plan.files:
        if path in (tuned.ACTIVE_PROFILE, tuned.PROFILE_MODE):
            continue
        state.remember('file:' + path, {'existed': old is not None})
        directory = posixpath.dirname(path)
        if not host.exists(directory):
            state.remember('directory:' + directory, {'existed': False})
        if old is not None and not old.startswith(HEADER):
            backup_once(host, path)


def _change_file(host, path, text):
    if text is None:
        host.remove(path)
        return
    host.make_directory(posixpath.dirname(path))
    if host.read(path) != text:
        host.replace(path, text)


def _switch_tuned(host, plan):
    if plan.tuned is None:
        return
    if plan.tuned and tuned.running(Overlay(host)):
        names = tuned.active_profiles(Overlay(host))
        before = [(path, host.read(path)) for path in (tuned.ACTIVE_PROFILE, tuned.PROFILE_MODE)]
        host.on_failure(lambda: _tuned_back(host, names, before))
        _tuned_profile(host, plan.tuned)
    for path, _old, new in plan.files:
        if path in (tuned.ACTIVE_PROFILE, tuned.PROFILE_MODE):
            _change_file(host, path, new)


def _tuned_back(host, names, files):
    """After a failure: the profiles ``names``, and what tuned itself wrote down about them."""
    if names and tuned.active_profiles(Overlay(host)) != names:
        _tuned_profile(host, ' '.join(names))
    for path, text in files:
        _change_file(host, path, text)


def _tuned_profile(host, names):
    rc, out, err = host.run(['tuned-adm', 'profile'] + names.split())
    if rc != 0:
        raise RescueError('tuned-adm profile %s failed: %s' % (
            names, ' '.join((err or out).split()) or 'exit status %d' % rc))


def _write_kernel(host, path, value):
    try:
        host.write(path, '%d\n' % value)
    except (IOError, OSError) as error:
        reason = 'the kernel refuses it' if error.errno == errno.EINVAL else error.strerror
        raise RescueError('cannot write %d to %s: %s' % (value, path, reason))


def _forget(host, plan, state):
    for key in sorted(state.records()):
        if key.startswith('file:'):
            path = key[len('file:'):]
            if not drop_backup(host, path):
                # The lines are back; what else differs from the backup, somebody else changed.
                host.remove(backup_path(path))
        elif key.startswith('directory:'):
            host.remove_empty_directory(key[len('directory:'):])
        state.forget(key)


def holds(facts, value):
    """{now, after_reboot, in_cgroups} of a value against provenance facts; None where a thing is unknown."""
    def same(found):
        return None if found is None or value is None else found == value

    differing = [group for group in facts['cgroups'] if group['value'] != value]
    return {
        'now': same(facts['runtime']),
        'after_reboot': same(facts['after_reboot']),
        'in_cgroups': not (differing and facts['cgroups_count']) and same(facts['runtime']),
    }
