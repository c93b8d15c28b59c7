# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that vm.swappiness has its value, or the one from before. Pure: it makes a plan of facts and
options.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._boot import credentials, tmpfiles
from .._change.actions import Action, file_action
from .._files.errors import RescueError
from .._files.overlay import Overlay
from .._forbids import forbids
from . import sysctl, tuned
from .boot_sets import COMMAND
from .boot_sets import TMPFILES as TMPFILES_D
from .facts import FORCE_KEY, FORCE_RUNTIME, KEY, OWN, RUNTIME, TMPFILES, cgroups_count, maximum, provenance_of, resolve

HEADER = '# Made by the Ansible collection oom.rescue'
MASK_HEADER = HEADER + ': hides %s, whose other lines it keeps.\n'
MARKER = '#oom-rescue: '
# What packages or generators own: a file of that name in /etc hides it (sysctl.d(5)).
_NOT_EDITED = ('/usr/', '/lib/', '/run/')
# tuned reads its profile when it is switched to it, so the file is made before and removed after.
_ORDER = {'present': ('file', 'tuned', 'runtime', 'cgroup', 'state'),
          'absent': ('tuned', 'file', 'runtime', 'cgroup', 'state')}


class _Draft:
    """The actions of a plan, and the files as they leave them (``view``)."""

    def __init__(self, facts):
        self.view = Overlay(facts['files'])
        self.actions = []

    def act(self, layer, action, detail, **needs):
        self.actions.append(Action(layer, action, detail, **needs))

    def edit(self, layer, action, path, text, detail, **needs):
        """Give a file a text, None for no file; do nothing if it has that. A file that is edited twice has one action.
        """
        path = self.view.real(path)
        before = self.view.read(path)
        if before == text:
            return
        for known in self.actions:
            if known.get('path') == path:
                self.actions.remove(known)
                before, detail = known['before'], '%s; %s' % (known['detail'], detail)
        self.view.edit(path, text)
        self.act(layer, action, detail, path=path, before=before, after=text, **needs)

    def switch(self, action, detail, profiles, files):
        """Have tuned use other profiles; ``files`` is [(path, text)] of its notes about them."""
        before = self.view.read(tuned.ACTIVE_PROFILE)
        for path, text in files:
            self.view.edit(path, text)
        self.act('tuned', action, detail, path=tuned.ACTIVE_PROFILE, before=before, after=files[0][1],
                 profiles=profiles, files=files)


def plan(facts, options):
    """{state, target, actions, before, after, skipped_reason} by facts of read_facts() and the module's options.

    ``before`` and ``after`` are provenance(), the second as the actions leave it. Raises RescueError if the value is
    refused, or another declaration wins.
    """
    state = options['state']
    if state == 'present':
        check_value(options['value'], options['allow_zero'], facts['env']['kernel'])
    made = {'state': state, 'target': options['value'], 'actions': [], 'before': facts['before'],
            'after': facts['before'], 'skipped_reason': facts['cannot_set'] or _forbidden(facts, options)}
    if made['skipped_reason']:
        return made
    draft = _Draft(facts)
    made['target'] = _present(draft, facts, options) if state == 'present' else _absent(draft, facts)
    made['actions'] = sorted(draft.actions, key=lambda action: _ORDER[state].index(action['layer']))
    if made['actions']:
        made['after'] = provenance_of(_as_changed(facts, made['actions']), draft.view)
    return made


def _forbidden(facts, options):
    """One line on what wants a smaller value than is asked for; None if nothing does."""
    if options['state'] != 'present':
        return None
    entries = [entry for entry in facts['forbidden'] if options['value'] > entry.get('at_most', options['value'])]
    return forbids.said(forbids.not_overridden(entries, options.get('override')))


def _as_changed(facts, actions):
    """The facts with the values that actions leave in the kernel."""
    values = dict((action['path'], action['after']) for action in actions if action['layer'] in ('runtime', 'cgroup'))
    groups = [dict(group, value=values.get(group['file'], group['value'])) for group in facts['cgroups']]
    return dict(facts, runtime=values.get(RUNTIME, facts['runtime']), cgroups=groups,
                forced=values.get(FORCE_RUNTIME, facts['forced']))


def check_value(value, allow_zero, kernel):
    """Raise RescueError if a value is not one that the kernel takes, or is 0 and nobody allowed that."""
    limit = maximum(kernel)
    if value < 0 or value > limit:
        raise RescueError('value {value} is out of range: this kernel takes {allowed} for vm.swappiness%s' % (
            '' if limit == 200 else ' (0 to 200 since 5.8)'), value=value, allowed='0 to %d' % limit)
    if value == 0 and not allow_zero:
        raise RescueError('value 0 makes kernels since 3.5 kill before they swap anonymous memory', value=0,
                          next_step='use 1, or allow_zero=true to have it all the same')


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


def _present(draft, facts, options):
    """Plan the value that is to be set."""
    value = options['value']
    force = options['cgroups'] == 'set' and facts['forced'] is not None
    draft.edit('file', 'write', OWN, own_text(value, force), '%s: %s = %d' % (OWN, KEY, value))
    if options['conflicts'] != 'report':
        _win(draft, facts, value, options['conflicts'])
    _set(draft, 'runtime', 'set', RUNTIME, facts['runtime'], value, KEY)
    # A boot's part that is there is kept in step, whatever is asked now.
    if (options['cgroups'] == 'set' or draft.view.exists(TMPFILES)) and cgroups_count(facts['env'], facts['forced']):
        _set_cgroups(draft, facts, value)
    _close(draft, facts['flaws'])
    return value


def _close(draft, flaws):
    """Plan to make our own files anew if others may write to them, or they have another mode."""
    for path in sorted(flaws):
        text = draft.view.read(path)
        if flaws[path] and (text or '').startswith(HEADER) and path not in [act.get('path') for act in draft.actions]:
            draft.actions += file_action('file', path, text, text, path, flaws[path])


def _win(draft, facts, value, conflicts):
    """Plan that no other declaration wins after a reboot. Raises RescueError."""
    if conflicts == 'override' and facts['env']['boot']['kept'] is None:
        _win_in_either_order(draft, facts, value)
        return
    seen = []
    while True:
        _declared, after_reboot, winner = resolve(draft.view, facts['env'])
        # Where a boot applies no such files, may run a command or not, or has lost them by then, no file of ours would
        # decide it.
        perhaps = winner and winner.get('perhaps') and not winner.get('volatile')
        if winner is None or perhaps or winner.get('lost') or not facts['env']['program']:
            return
        if after_reboot == value and not winner.get('unknown'):
            return
        if conflicts == 'fail':
            raise _conflict(value, winner, 'applied later than %s' % OWN, 'remove that, or use conflicts=override to '
                            'have it overridden, or conflicts=report to go on without it')
        place = (winner['source'], winner['line'], winner['by'])
        if place in seen or not _make_lose(draft, winner, value):
            raise _conflict(value, winner, 'applied by %s, and this host offers no means to override it'
                            % winner['by'], 'remove it there')
        seen.append(place)


def _win_in_either_order(draft, facts, value):
    """Plan that no sysctl file wins if the init, which is not known, applies them by one program or the other.

    What cannot be made to lose is no reason to fail: perhaps nothing applies it.
    """
    for program in (sysctl.SYSTEMD, sysctl.PROCPS):
        env, seen = dict(facts['env'], program=program, boot=dict(facts['env']['boot'], kept=True)), []
        while True:
            winner = resolve(draft.view, env)[2]
            place = winner and (winner['source'], winner['line'])
            if winner is None or winner['by'] != program or winner.get('lost') or place in seen:
                break
            if sysctl.kernel_integer(winner['raw']) == value or not _make_lose(draft, winner, value):
                break
            seen.append(place)


def _conflict(value, winner, applied, next_step):
    return RescueError('%s = {allowed} would not hold: {path} {value} and is %s' % (KEY, applied), _place(winner),
                       _says(winner), value, next_step)


def _place(step):
    return step['source'] if step['line'] is None else '%s:%d' % (step['source'], step['line'])


def _says(step):
    if step.get('unknown'):
        reason = step['unknown']
        return 'sets a value that cannot be told beforehand' + ('' if reason is True else ' (%s)' % reason)
    return 'takes back every value set before' if step['excludes'] else 'sets %s' % step['raw']


def _make_lose(draft, winner, value):
    """Plan that the winner wins no longer. False if there is no way on this host."""
    if winner['by'] == 'tuned':
        return _use_child(draft, value)
    view, source = draft.view, winner['source']
    text = view.read(source)
    if winner['line'] is None or text is None or winner['by'] in (COMMAND, 'kernel'):
        # A script, or the file of a boot loader, is its administrator's, and not a line of settings.
        return False
    hidden = sysctl.without_line(text, winner['line'], MARKER)
    if not source.startswith(_NOT_EDITED):
        draft.edit('file', 'comment_out', source, hidden,
                   '%s: %s' % (_place(winner), text.split('\n')[winner['line'] - 1].strip()))
        return True
    hides = tmpfiles if winner['by'] == TMPFILES_D else sysctl
    if credentials.is_stored(winner['read_as']):
        hides = credentials
    mask = hides.masked_path(winner['read_as'])
    if view.exists(mask):
        return False
    draft.edit('file', 'hide', mask, MASK_HEADER % source + hidden,
               '%s by %s, a copy without line %d' % (source, mask, winner['line']), copy_of=source)
    return True


def _use_child(draft, value):
    names, path = tuned.profiles_below_child(draft.view), tuned.child_profile_path(draft.view)
    if not names:
        return False
    draft.edit('tuned', 'child_profile', path, tuned.child_profile(names, KEY, value),
               '%s: %s with %s = %d' % (path, ', '.join(names), KEY, value))
    if not tuned.has_child(draft.view):
        profiles = ' '.join(tuned.with_child(names))
        draft.switch('switch', 'profile %s to %s' % (' '.join(names), profiles), profiles,
                     [(tuned.ACTIVE_PROFILE, profiles + '\n'), (tuned.PROFILE_MODE, 'manual\n')])
    return True


def _set(draft, layer, action, path, before, after, name):
    if before != after:
        draft.act(layer, action, '%s from %s to %d' % (name, before, after), path=path, before=before, after=after,
                  name=name)


def _set_cgroups(draft, facts, value):
    if facts['forced'] is not None:
        _set(draft, 'cgroup', 'force', FORCE_RUNTIME, facts['forced'], 1, FORCE_KEY)
        return
    if facts['cgroups'] and facts['systemd']:
        draft.edit('file', 'write', TMPFILES, tmpfiles_text(value), '%s: cgroups get %d at boot' % (TMPFILES, value))
    for group in facts['cgroups']:
        _set(draft, 'cgroup', 'set', group['file'], group['value'], value, group['path'])


def _absent(draft, facts):
    """Plan the value that was there before the collection's own."""
    records, runtime = facts['records'], facts['runtime']
    _tuned_back(draft, records.get('tuned'))
    _files_back(draft, facts['backups'], facts['env']['credentials'])
    target = records.get('runtime', {}).get('before')
    if target is None and draft.view.edits:
        target = resolve(draft.view, facts['env'])[1]
    target = runtime if target is None else target
    _set(draft, 'runtime', 'set', RUNTIME, runtime, target, KEY)
    if 'force' in records and facts['forced'] is not None:
        _set(draft, 'cgroup', 'force', FORCE_RUNTIME, facts['forced'], records['force']['before'], FORCE_KEY)
    for group in facts['cgroups']:
        record = records.get('cgroup:' + group['path'])
        if record:
            _set(draft, 'cgroup', 'set', group['file'], group['value'], record['before'], group['path'])
    if records and not draft.actions:
        draft.act('state', 'forget', 'the record of what was before, which is so again')
    return target


def _tuned_back(draft, before):
    view, names = draft.view, tuned.active_profiles(draft.view)
    child = tuned.has_child(view)
    if child:
        before = before or {'active_profile': ' '.join(tuned.profiles_below_child(view)) + '\n',
                            'profile_mode': 'manual\n'}
    elif not before or names != (before['active_profile'] or '').split():
        # Somebody chose another profile meanwhile.
        return
    profiles = (before['active_profile'] or '').strip()
    files = [(tuned.ACTIVE_PROFILE, before['active_profile']), (tuned.PROFILE_MODE, before['profile_mode'])]
    if child:
        draft.switch('switch', 'profile %s to %s' % (' '.join(names), profiles or 'none'), profiles, files)
    elif any(view.read(path) != text for path, text in files):
        draft.switch('restore', 'what tuned notes about the profile %s' % profiles, None, files)


def _files_back(draft, backups, handed):
    view = draft.view
    for path in sorted(backups):
        if (view.read(path) or '').startswith(HEADER):
            draft.edit('file', 'remove', path, backups[path], path)
    lines_of_files = sysctl.all_files(view) + [path for path in tmpfiles.paths(view) if path.endswith('.conf')]
    for path in lines_of_files + credentials.paths(handed):
        text = view.read(path) or ''
        if text.startswith(HEADER + ': hides '):
            draft.edit('file', 'remove', path, None, path)
        elif '\n' + MARKER in '\n' + text:
            draft.edit('file', 'bring_back', path, sysctl.with_lines_back(text, MARKER), path)
