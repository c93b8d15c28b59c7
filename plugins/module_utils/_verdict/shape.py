# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a node returned before anything reads it: that it has the shape on which the verdict relies, that its
text is plain, and that a controller can bear its size.

A shape is a dictionary of the keys that must be there, a list with the shape of each item, Maybe(shape) for what may be
missing or None, or the name of a kind below. Keys that a shape does not name are let through.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain, plain_lines

DEEPEST = 40
MOST_VALUES = 3000000
LONGEST_TEXT = 1 << 16
_LONGEST_KEY = 500
# Warnings that Ansible shows, and rows of a difference: more than a person reads, and a host has actions.
_MOST_WORDS = 5000
_LARGEST = 1 << 64
# Python 2 has another type for what is larger than a word.
_NUMBERS = (int, float, type(1 << 64))
_TEXTS = (str, bytes, type(u''))
# The kinds of single values; each may be null, which is unknown.
_KINDS = {
    'number': lambda value: isinstance(value, _NUMBERS) and not isinstance(value, bool) and abs(value) <= _LARGEST,
    'text': lambda value: isinstance(value, _TEXTS),
    'yes or no': lambda value: isinstance(value, bool),
    'anything': lambda value: True,
}


class ShapeError(ValueError):
    """Data has another shape than what its module returns."""


class Maybe:
    """The shape of what may be missing or null."""

    def __init__(self, shape):
        self.shape = shape


_ACTIONS = [{'detail': 'text'}]
_TASK = {'pid': 'number', 'name': 'text', 'rss_bytes': Maybe('number'), 'rss_pages': Maybe('number'),
         'pgtables_bytes': Maybe('number'), 'swapents_pages': Maybe('number'), 'oom_score_adj': Maybe('number'),
         'uid': Maybe('number')}
_VICTIM = {'pid': Maybe('number'), 'name': Maybe('text'), 'score': Maybe('number'), 'total_vm_bytes': Maybe('number'),
           'anon_rss_bytes': Maybe('number'), 'shmem_rss_bytes': Maybe('number')}
LEDGER = {'total_bytes': 'number', 'unaccounted_bytes': 'number', 'parts': [
    {'kind': 'text', 'name': 'text', 'bytes': 'number', 'share': 'number', 'swappable': 'yes or no',
     'droppable': 'yes or no', 'approximate': 'yes or no'}]}
NEXT = {'pid': 'number', 'name': 'text', 'distance_bytes': Maybe({'low': 'number', 'high': 'number'}),
        'lead_bytes': Maybe('number'),
        'fork_refused': 'yes or no', 'caveat': Maybe('text')}
MEMORY = {
    'ram': {'total_bytes': 'number', 'available_bytes': 'number'},
    'swap': {'total_bytes': 'number', 'areas': [
        {'path': 'text', 'size_bytes': 'number', 'used_bytes': 'number', 'persisted_by': 'text'}]},
    'commit': Maybe({'mode': Maybe('number'), 'limit_bytes': Maybe('number')}),
    'vm': Maybe({'panic_on_oom': Maybe('number'), 'oom_kill_allocating_task': Maybe('number')}),
    'swappiness': {'runtime': 'number', 'after_reboot': 'number', 'cgroups': [{'path': 'text', 'value': 'number'}]},
    'oom': {
        'kills_since_boot': 'number',
        'user_space_killers': Maybe([{'name': 'text', 'active': 'yes or no'}]),
        'candidates': [{'pid': 'number', 'name': 'text', 'score': 'number', 'oom_score_adj': 'number',
                        'rss_bytes': 'number'}],
    },
    'ledger': Maybe(LEDGER),
    'cgroups': Maybe([{'path': 'text', 'limit_bytes': 'number', 'usage_bytes': 'number', 'ledger': Maybe(LEDGER)}]),
    'forecast': Maybe({'host': NEXT, 'cgroups': [dict(NEXT, path='text')]}),
    'cgroups_left_out': Maybe('number'),
    'closed': Maybe(['text']),
    'host': {'kernel': 'text', 'can_swapon': 'yes or no'},
    'kept': Maybe(dict((remedy, Maybe({'set': 'yes or no', 'asked': 'anything'})) for remedy in (
        'swap', 'swappiness', 'oom_protect'))),
    'forbidden': Maybe(dict((remedy, [{'id': 'text', 'where': 'text', 'text': 'text'}])
                            for remedy in ('swap', 'swappiness', 'score'))),
}
LEDGER = {'total_bytes': 'number', 'unaccounted_bytes': 'number', 'parts': [
    {'kind': 'text', 'name': Maybe('text'), 'bytes': Maybe('number'), 'share': Maybe('number')}]}
EVENT = {
    'time': Maybe('text'), 'time_text': Maybe('text'), 'host': Maybe('text'), 'kernel': Maybe('text'),
    'kind': 'text', 'scope': Maybe('text'), 'cause': Maybe('text'),
    'complete': Maybe('yes or no'), 'trusted': Maybe('yes or no'), 'elsewhere': Maybe('yes or no'),
    'trigger': Maybe({'name': Maybe('text'), 'pid': Maybe('number'), 'order': Maybe('number'),
                      'oom_score_adj': Maybe('number'), 'manual': Maybe('yes or no')}),
    'victims': [_VICTIM],
    'selected': Maybe(_VICTIM),
    'memory': Maybe(dict((key, Maybe('number')) for key in (
        'page_size_bytes', 'ram_bytes', 'reserved_bytes', 'free_bytes', 'swap_total_bytes', 'swap_free_bytes'))),
    'cgroup': Maybe({'path': Maybe('text'), 'usage_bytes': Maybe('number'), 'limit_bytes': Maybe('number')}),
    'ledger': Maybe(LEDGER),
    'tasks': [_TASK],
    'tasks_left_out': Maybe({'count': 'number', 'rss_bytes': 'number'}),
    'source': {'path': Maybe('text'), 'line': Maybe('number')},
}
VERDICT = {
    'incident': 'number', 'was_memory': 'text', 'limit': 'text', 'actor': 'text', 'sentence': 'text',
    'victims': [{'name': Maybe('text'), 'pid': Maybe('number'), 'unit': Maybe('text'), 'container': Maybe('text')}],
    'evidence': [{'path': Maybe('text'), 'line': Maybe('number'), 'time': Maybe('text'), 'time_text': Maybe('text'),
                  'text': 'text'}],
    'eater': Maybe({'kind': 'text', 'name': Maybe('text'), 'bytes': 'number', 'share': Maybe('number')}),
    'caveats': ['text'], 'would_tell': ['text'], 'older_reports': Maybe('number'), 'other_incidents': Maybe('number'),
}
INCIDENTS = [{'signals': ['number'], 'reports': ['text'], 'first': Maybe('text'), 'last': Maybe('text')}]
REMEDIES = [{
    'name': 'text', 'what': 'text', 'target': Maybe('text'), 'effect': 'text', 'room_bytes': Maybe('number'),
    'instead': Maybe({'pid': Maybe('number'), 'name': Maybe('text'), 'rss_bytes': Maybe('number')}),
    'goes_with': Maybe('text'), 'forbidden_by': [{'id': 'text', 'where': Maybe('text'), 'text': Maybe('text')}],
    'why': 'text', 'would_tell': ['text'], 'command': Maybe('text'), 'applied': 'yes or no', 'by_rule': 'yes or no',
    'size_bytes': Maybe('number'), 'present_bytes': Maybe('number'), 'value': Maybe('number'),
    'with_present': Maybe('yes or no'), 'sizing': Maybe({
        'size_bytes': 'number', 'total_bytes': 'number', 'other_bytes': 'number', 'demand_bytes': Maybe('number'),
        'rule': 'text', 'reasons': ['text']}),
}]
LOG = {'path': 'text', 'error': Maybe('text'), 'incidents': INCIDENTS, 'verdict': Maybe(VERDICT), 'events': [EVENT],
       'raw': Maybe(['text']), 'ledger': Maybe(LEDGER), 'remedies': Maybe(REMEDIES), 'caveats': Maybe(['text'])}
ADVICE = {
    'report': 'text', 'cause': 'text', 'evidence': ['text'], 'notes': ['text'], 'remarks': ['text'],
    'reports': Maybe('number'), 'left_out': Maybe(['text']),
    'swap': Maybe({'size_bytes': 'number', 'total_bytes': 'number', 'other_bytes': 'number', 'demand_bytes': 'number',
                   'rule': 'text', 'reasons': ['text']}),
    'swappiness': Maybe({'value': 'number', 'reason': 'text'}),
    'protect': [{'process': 'text', 'value': 'number', 'reason': 'text'}],
    'setting': 'anything',
}
_RANK = {'pid': 'number', 'name': 'text', 'score': 'number', 'rss_bytes': Maybe('number'),
         'oom_score_adj': Maybe('number')}
REPLAYS = [{'event_id': 'text', 'victim': Maybe(_RANK), 'before': Maybe(_RANK), 'ranking': [_RANK],
            'reproduces': 'yes or no', 'reason': 'text', 'caveat': 'text'}]
FORK_FAILURES = [{'message': 'text', 'source': {'path': Maybe('text')}}]
WHY = {'kind': 'text', 'name': 'text', 'sources': [{'name': 'text', 'error': Maybe('text')}]}
_WITH_FACTS = ('memory_facts', 'oom_log_info', 'ask_remedies', 'rescue_info')
_OPTIONS = dict((remedy, Maybe({})) for remedy in ('swap', 'swappiness', 'oom_protect'))
_SWAP_FILE = {
    'path': 'text', 'size_bytes': 'number', 'actions': [{'layer': 'text', 'detail': 'text'}],
    'skipped_reason': 'text', 'after': {'activation': 'anything', 'persistence': 'anything'}, 'notes': Maybe(['text'])}
# What each module of this collection returns, where it did not fail.
RESULTS = {
    'memory_facts': {'ansible_facts': {'memory': MEMORY}},
    'oom_log_info': {'events': [EVENT], 'summary': Maybe({'events': Maybe('number')}), 'logs': Maybe([LOG]),
                     'fork_failures': Maybe(FORK_FAILURES), 'incidents': Maybe(INCIDENTS),
                     'verdict': Maybe(VERDICT), 'ledger': Maybe(LEDGER), 'remedies': Maybe(REMEDIES),
                     'advice': Maybe(ADVICE), 'replays': Maybe(REPLAYS), 'raw': Maybe(['text']),
                     'caveats': Maybe(['text']), 'why': Maybe(WHY)},
    'oom_watch': {'actions': _ACTIONS, 'skipped_reason': 'text'},
    'swap_file': dict(_SWAP_FILE, files=Maybe([_SWAP_FILE])),
    'swappiness': {
        'after': {'runtime': 'number', 'after_reboot': 'number'}, 'actions': _ACTIONS, 'skipped_reason': 'text'},
    'oom_score_adj': {
        'found': 'yes or no', 'value': 'number', 'actions': _ACTIONS, 'skipped_reason': 'text',
        'processes': [{'pid': 'number', 'name': 'text', 'value': Maybe('number'), 'skipped_reason': 'text',
                       'recreate_required': 'text',
                       'live': {'before': 'number', 'after': 'number'},
                       'persistent': {'before': 'number', 'after': 'number'}}]},
}
RESULTS['ask_remedies'] = dict(
    dict((remedy, Maybe(RESULTS[module])) for remedy, module in (
        ('swap', 'swap_file'), ('swappiness', 'swappiness'), ('oom_protect', 'oom_score_adj'))),
    ansible_facts=Maybe(RESULTS['memory_facts']['ansible_facts']))
_ASKED = Maybe(dict(RESULTS['ask_remedies'], options=Maybe(_OPTIONS), warnings=Maybe(['text'])))
RESULTS['rescue_info'] = {'diagnosis': RESULTS['oom_log_info'], 'asked': _ASKED,
                          'ansible_facts': RESULTS['memory_facts']['ansible_facts']}
# A playbook's diagnosis may be that of rescue_info.
RESULTS['oom_log_info'] = dict(RESULTS['oom_log_info'], asked=_ASKED)

# What oom_log_info has to return of a host that it was to read whole.
WHOLE_HOST = {'ansible_facts': {'memory': MEMORY}, 'summary': {'events': 'number'}, 'verdict': Maybe(VERDICT),
              'incidents': INCIDENTS, 'remedies': REMEDIES, 'advice': ADVICE, 'replays': REPLAYS}


def misfit(value, shape, name):
    """The first thing that is not as ``shape`` says, such as ``memory.ram is missing``; None if all is."""
    if isinstance(shape, Maybe):
        return None if value is None else misfit(value, shape.shape, name)
    if isinstance(shape, dict):
        return _misfit_of_keys(value, shape, name)
    if isinstance(shape, list):
        if not isinstance(value, (list, tuple)):
            return '%s is %s and not a list' % (name, _words(value))
        return next((wrong for wrong in (
            misfit(item, shape[0], '%s[%d]' % (name, index)) for index, item in enumerate(value)) if wrong), None)
    if value is None or _KINDS[shape](value):
        return None
    return '%s is %s and not %s' % (name, _words(value), shape if shape == 'yes or no' else 'a ' + shape)


def _misfit_of_keys(value, shape, name):
    if not isinstance(value, dict):
        return '%s is %s and not a dictionary' % (name, _words(value))
    for key in shape:
        within = '%s.%s' % (name, key) if name else key
        if key not in value:
            if isinstance(shape[key], Maybe):
                continue
            return '%s is missing' % within
        wrong = misfit(value[key], shape[key], within)
        if wrong:
            return wrong
    return None


def _words(value):
    """What a value is, in two words; never the value itself, which is a stranger's."""
    for kinds, words in (((dict,), 'a dictionary'), ((list, tuple), 'a list'), ((bool,), 'yes or no'),
                         (_TEXTS, 'a text'), (_NUMBERS, 'a number')):
        if isinstance(value, kinds):
            return words
    return 'null' if value is None else 'something else'


def cleaned(data):
    """The same data with plain text, as new lists and dictionaries.

    Raises ShapeError if they are nested too deep, are too many, or hold a number that no kernel has.
    """
    return _cleaned(data, 0, [0])


def _cleaned(data, depth, count):
    count[0] += 1
    if depth > DEEPEST:
        raise ShapeError('it is nested more than %d deep' % DEEPEST)
    if count[0] > MOST_VALUES:
        raise ShapeError('it has more than %d values' % MOST_VALUES)
    if isinstance(data, dict):
        return dict((plain(key, _LONGEST_KEY), _cleaned(value, depth + 1, count)) for key, value in data.items())
    if isinstance(data, (list, tuple)):
        return [_cleaned(item, depth + 1, count) for item in data]
    if isinstance(data, _TEXTS):
        return plain_lines(data, LONGEST_TEXT)
    if isinstance(data, _NUMBERS) and not isinstance(data, bool) and not abs(data) <= _LARGEST:
        raise ShapeError('it has a number that no kernel has')
    return data


_LINE = re.compile(r'^(?=\S)', re.MULTILINE)
_ESCAPE = re.compile(r'\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|'
                     r'(r\\n)|([bfr])|.)', re.DOTALL)


def cleaned_json(text):
    """JSON text with nothing in it, escaped or not, that its decoded strings may not have."""
    return _ESCAPE.sub(_cleaned_escape, plain_lines(text, len(text)))


def _cleaned_escape(match):
    high, low, unit, line_end, blank = match.groups()
    if line_end or blank:
        return u'\\n' if line_end else u'?'
    if high:
        code = 0x10000 + ((int(high, 16) - 0xd800) << 10) + int(low, 16) - 0xdc00
    elif unit:
        code = int(unit, 16)
    else:
        return match.group()
    character = (u'\\U%08x' % code).encode('ascii').decode('unicode_escape')
    return u'?' if plain_lines(character) != character else match.group()


def told(result):
    """A node's result with nothing in it that Ansible would show as lines of its own.

    A message, a warning and a difference's header are one line; other lines are moved in.
    """
    shown = dict(result)
    for key in ('warnings', 'deprecations', 'diff'):
        if isinstance(shown.get(key), list):
            shown[key] = shown[key][:_MOST_WORDS]
    for key in ('msg', 'warnings', 'deprecations'):
        if key in shown:
            shown[key] = _each_text(shown[key], lambda text: plain(text.replace(u'\n', u' '), LONGEST_TEXT))
    if 'exception' in shown:
        shown['exception'] = _each_text(shown['exception'], _moved_in)
    if 'diff' in shown:
        rows = shown['diff'] if isinstance(shown['diff'], list) else [shown['diff']]
        shown['diff'] = [_difference(row) for row in rows if row and isinstance(row, dict)]
    return shown


def _each_text(data, change):
    if isinstance(data, dict):
        return dict((key, _each_text(value, change)) for key, value in data.items())
    if isinstance(data, (list, tuple)):
        return [_each_text(item, change) for item in data]
    return change(u'%s' % (data,)) if isinstance(data, _TEXTS) else data


def _difference(row):
    """A row of a difference: what Ansible compares itself, headers of one line, and moved in what it shows as it is."""
    kept = dict((key, row[key]) for key in ('before', 'after') if key in row)
    kept.update((key, plain(u'%s' % row[key])) for key in ('before_header', 'after_header') if key in row)
    if 'prepared' in row:
        kept['prepared'] = _moved_in(u'%s' % row['prepared'])
    return kept


def _moved_in(text):
    """Text whose lines all begin with a blank."""
    return _LINE.sub(u'  ', text)


def accepted(module, result, whole_host=False):
    """A node's result of a module of this collection as a controller may take it: cleaned, without facts or words to
    Ansible that are not this module's. One of another shape is a failure that says so. ``whole_host`` is whether
    oom_log_info was to return memory facts and advice too.
    """
    try:
        result = _without_words_to_ansible(module, told(cleaned(result)))
        shapes = ([WHOLE_HOST] if whole_host else []) + [RESULTS[module]]
        told_nothing = result.get('failed') or result.get('skipped')
        misfits = [] if told_nothing else [misfit(result, shape, '') for shape in shapes]
        wrong = next((found for found in misfits if found), None)
    except ShapeError as error:
        return _refused(module, error)
    return _refused(module, wrong) if wrong else result


def _refused(module, reason):
    reason = ('%s' % reason).replace('ansible_facts.', '')
    return {'failed': True, 'changed': False, 'msg': 'what it returned is not what %s returns: %s' % (module, reason)}


def _without_words_to_ansible(module, result):
    ansible_facts = result.pop('ansible_facts', None)
    kept = dict((key, value) for key, value in result.items()
                if not key.startswith('ansible_') and key != 'unreachable')
    for key in ('warnings', 'deprecations'):
        if not isinstance(kept.get(key, []), list):
            del kept[key]
    for key, kind in (('failed', bool), ('changed', bool), ('skipped', bool), ('msg', u'%s'.__mod__)):
        if key in kept:
            kept[key] = kind((kept[key],) if key == 'msg' else kept[key])
    ansible_facts = ansible_facts if isinstance(ansible_facts, dict) else {}
    own = dict((key, value) for key, value in ansible_facts.items() if key.startswith('discovered_interpreter_') or (
        key == 'memory' and module in _WITH_FACTS))
    return dict(kept, ansible_facts=own) if own or module == 'memory_facts' else kept
