# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where sysctl files set a key, and the order in which the programs that read them apply it.

Three programs read them, each in an order of its own:

- systemd-sysctl at boot (sysctl.d(5)): all directories sorted by file name; /etc/sysctl.conf not since systemd 207, so
  only if a link in sysctl.d leads to it (Debian up to 12, EL), and not at all on Debian 13;

- ``sysctl --system`` of procps (sysctl(8)), at boot without systemd: the same files, then /etc/sysctl.conf;

- tuned with reapply_sysctl (tuned-main.conf(5)): /run before /etc, neither /usr, then /etc/sysctl.conf.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import posixpath
import re

from .._boot import credentials

MAIN = '/etc/sysctl.conf'
_ETC, _RUN = '/etc/sysctl.d', '/run/sysctl.d'
_VENDOR = ('/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d')
DIRECTORIES = (_ETC, _RUN) + _VENDOR

SYSTEMD, PROCPS, TUNED = 'systemd-sysctl', 'sysctl --system', 'tuned reapply_sysctl'
# The first directory that has a name hides it in the others.
_DIRECTORIES_OF = {SYSTEMD: DIRECTORIES, PROCPS: DIRECTORIES, TUNED: (_RUN, _ETC)}

_WILDCARD = re.compile(r'[*?\[]')
_GLOB_PART = re.compile(r'\[!?\]?[^\]]*\]|.', re.DOTALL)
_NUMBER = re.compile(r'^\s*(-?)(0[xX][0-9a-fA-F]+|[0-9]+)(?:\s|\Z)')


def kernel_integer(raw):
    """The number that the kernel makes of a text written to a /proc/sys file, or None if it refuses the text.

    It takes C's base 0 (0x1e, 010 is 8), and ignores what follows white space, as proc_dointvec() does.
    """
    match = _NUMBER.match(raw or '')
    if not match:
        return None
    sign, digits = match.groups()
    if digits[:2] in ('0x', '0X'):
        number = int(digits, 16)
    elif digits[0] == '0':
        if digits.strip('01234567'):
            return None
        number = int(digits, 8)
    else:
        number = int(digits)
    return -number if sign else number


def normalise(key):
    """The path below /proc/sys of a key as it is written: its first separator says whether dots or slashes separate."""
    first = re.search(r'[./]', key)
    if first and first.group() == '.':
        key = ''.join({'.': '/', '/': '.'}.get(letter, letter) for letter in key)
    return key.strip('/')


def parse(text, key):
    """[{line, raw, dash, glob}] of the lines of a sysctl file that concern ``key``.

    ``raw`` is the value as written; None is an exclusion (``-key`` alone). ``dash`` is true with a leading ``-``,
    ``glob`` is the pattern of a key with wildcards, else None.
    """
    wanted = normalise(key)
    last = wanted.rsplit('/', 1)[-1]
    found = []
    for number, line in enumerate((text or '').split('\n'), 1):
        if last not in line and not _WILDCARD.search(line):
            continue
        line = line.strip()
        if line[0] in '#;':
            continue
        name, equals, raw = line.partition('=')
        dash = name.startswith('-')
        name = normalise(name.lstrip('-').strip() if dash else name.strip())
        if not equals and not dash:
            continue
        glob = name if _WILDCARD.search(name) else None
        if name == wanted or (glob and _glob_matches(name, wanted)):
            found.append({'line': number, 'raw': raw.strip() if equals else None, 'dash': dash, 'glob': glob})
    return found


def _glob_matches(pattern, path):
    """glob(3): a wildcard matches within one level."""
    patterns, names = pattern.split('/'), path.split('/')
    return len(patterns) == len(names) and all(map(_matches, patterns, names))


def _matches(pattern, name):
    """As fnmatch(3), in time that grows with the pattern's length: Python's before 3.9 tries every way to share a name
    among the stars.
    """
    parts = _GLOB_PART.findall(pattern)
    place, index, star, tried = 0, 0, None, 0
    while place < len(name):
        if index < len(parts) and parts[index] == '*':
            star, tried, index = index, place, index + 1
        elif index < len(parts) and fnmatch.fnmatchcase(name[place], parts[index]):
            place, index = place + 1, index + 1
        elif star is not None:
            index, tried = star + 1, tried + 1
            place = tried
        else:
            return False
    return not ''.join(parts[index:]).strip('*')


def files_in_order(view, program):
    """The paths that a program reads, in its order, with /etc/sysctl.conf if it reads that by name."""
    chosen = {}
    for directory in _DIRECTORIES_OF[program]:
        for name in view.listdir(directory):
            if name.endswith('.conf'):
                chosen.setdefault(name, '%s/%s' % (directory, name))
    paths = [chosen[name] for name in sorted(chosen)]
    if program != SYSTEMD and view.exists(MAIN):
        paths.append(MAIN)
    return paths


def all_files(view):
    """Every sysctl file there is, read by a program or not."""
    paths = []
    for directory in DIRECTORIES:
        # /lib is a link to /usr/lib if they are merged.
        if directory == '/lib/sysctl.d' and view.readlink('/lib') is not None:
            continue
        paths += ['%s/%s' % (directory, name) for name in view.listdir(directory) if name.endswith('.conf')]
    return paths + ([MAIN] if view.exists(MAIN) else [])


def paths(view):
    """All paths that the functions here look at."""
    found = ['/lib', MAIN]
    for directory in DIRECTORIES:
        found += [directory] + ['%s/%s' % (directory, name) for name in view.listdir(directory)
                                if name.endswith('.conf')]
    return found


def assignments(view, key, program, modern=True, more=()):
    """What a program does about ``key``, in its order: {source, read_as, line, raw, excludes}; the last one counts.

    A file that cannot be read may set anything: its step has ``unknown``, the reason. ``source`` is the file that
    ``read_as`` leads to if that is a link. A file in /run is ``perhaps``, and ``volatile`` if one in /etc can hide it;
    a pattern is ``glob``. ``more`` are the paths of a credential (credentials.places()), read after all files.
    ``modern`` is false for systemd before 245, which knows neither a leading ``-`` nor wildcards, as tuned never did,
    and for procps before 4, which has no wildcards and writes nothing useful for ``-key`` alone.
    """
    modern = modern and program != TUNED
    explicit, wildcards, excluded = [], [], False
    for path in files_in_order(view, program) + credentials.files(view, more):
        closed = credentials.is_encrypted(path)
        text = None if closed else view.read(path)
        if text is None and not view.is_directory(path):
            problem = 'it is encrypted' if closed else view.problem(path)
            # What is encrypted need not be about this key at all.
            explicit += [dict(_unknown(view.real(path), path, problem), perhaps=closed)] if problem else []
        for entry in parse(text, key):
            if not modern and (entry['glob'] or entry['raw'] is None):
                continue
            if entry['dash'] and (program == TUNED or (program == SYSTEMD and not modern)):
                continue
            step = {'source': view.real(path), 'read_as': path, 'line': entry['line'],
                    'raw': entry['raw'], 'excludes': entry['raw'] is None}
            if path.startswith('/run/'):
                # It goes with this boot: only what made it may tell whether it does so again.
                step['perhaps'], step['volatile'] = True, path.startswith(_RUN)
            if entry['glob'] and not step['excludes']:
                wildcards.append((entry['glob'], dict(step, glob=True)))
            elif entry['glob']:
                # To systemd it takes back this very pattern; procps compares it with paths, which it never equals.
                wildcards = [pair for pair in wildcards if program != SYSTEMD or pair[0] != entry['glob']]
            elif step['excludes'] and program == PROCPS:
                excluded = True
            else:
                explicit.append(step)
    # A wildcard never sets a key that is named outright (sysctl.d(5)).
    if explicit:
        return explicit
    return [] if excluded else [step for _pattern, step in wildcards]


def _unknown(source, read_as, problem):
    return {'source': source, 'read_as': read_as, 'line': None, 'raw': None, 'excludes': False, 'unknown': problem}


def without_line(text, line, marker):
    """The text with one line made a comment by ``marker`` in front of it."""
    lines = text.split('\n')
    lines[line - 1] = marker + lines[line - 1]
    return '\n'.join(lines)


def with_lines_back(text, marker):
    """The inverse of without_line: every line that the marker made a comment as it was."""
    return '\n'.join(line[len(marker):] if line.startswith(marker) else line for line in text.split('\n'))


def masked_path(path):
    """The path in /etc of a file that hides the one of that name in /run or /usr."""
    return '%s/%s' % (_ETC, posixpath.basename(path))
