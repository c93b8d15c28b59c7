# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say why a server ran out of memory, fix it, prove the fix, undo it: runs the playbooks of this collection."""

import argparse
import contextlib
import datetime
import difflib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
REPORTS = 'oom-rescue-report'
VENV = os.path.join(HERE, '.venv')
# Servers whose Python is too old for the newest ansible-core are run with this one, and the others are not.
OLD_CORE = '2.16'
OLD_VENV = os.path.join(HERE, '.cache', 'core-' + OLD_CORE)
STANDARD_INPUT = 'standard-input'
HOLDS, WRONG_USE, FAILED, OPEN, NO_ANSWER, NOT_READ = range(6)
# ansible-playbook ends so if a host gave no answer (ansible/executor/task_queue_manager.py).
ANSIBLE_UNREACHABLE = 4
ANSIBLE_FAILED = 2
TAGS = ('diagnose', 'swap', 'swappiness', 'oom_protect', 'verify', 'report')
UNREAD = ('unreadable', 'directory', 'binary')
QUIET = {
    'ANSIBLE_DISPLAY_OK_HOSTS': 'false',
    'ANSIBLE_DISPLAY_SKIPPED_HOSTS': 'false',
    'ANSIBLE_DISPLAY_FAILED_STDERR': 'true',
    'ANSIBLE_LOCALHOST_WARNING': 'false',
    'ANSIBLE_INVENTORY_UNPARSED_WARNING': 'false',
    'ANSIBLE_PYTHON_INTERPRETER': 'auto_silent',
}
EXAMPLES = """
examples:
  rescue remediate --by-rule --check --diff    what would be changed on this machine
  rescue remediate                             the whole job on this machine, if it ran out of memory
  rescue remediate --by-rule                   the whole job also if nothing happened
  rescue diagnose --log messages               a log that was copied here; this machine is not looked at
  rescue verify -i hosts --limit db            prove it on the hosts of an inventory
  rescue diagnose --log messages --json -      the same as JSON, for a program
  rescue where                                 what holds the memory of this machine now
  rescue why mariadb                           why that unit, container or pid ended

exit status:
  0  it holds, or the host cannot by its nature (3 with --strict)
  1  wrong use; nothing was tried
  2  a remedy failed, or a claim is false
  3  open: it holds now and will not after the next start, or a person has to do the rest
  4  a host gave no answer
  5  a log that was named was not read
"""


class Refused(Exception):
    """Wrong use: nothing was tried."""


class Parser(argparse.ArgumentParser):
    """An argument parser that names the option that was meant, and exits with 1."""

    def error(self, message):
        words = [word.split('=')[0].rstrip(':,') for word in message.split() if word.startswith('-')]
        near = [match for word in words if word not in _long_options()
                for match in difflib.get_close_matches(word, _long_options(), 1)]
        hint = '; did you mean %s?' % near[0] if near else ''
        self.exit(WRONG_USE, '%s: %s%s\ntry `%s --help`\n' % (self.prog, message, hint, self.prog))


def variable(text):
    """An argument of -e: NAME=VALUE, JSON or YAML, or @FILE, as ansible-playbook takes it."""
    if not text.strip():
        raise argparse.ArgumentTypeError('it is empty: give NAME=VALUE or @FILE')
    if text.startswith('@') and not os.path.isfile(text[1:]):
        raise argparse.ArgumentTypeError('%s is not there: give the path of a file of variables' % text[1:])
    if '=' not in text and text[0] not in '@{[':
        raise argparse.ArgumentTypeError('%r has no value: give NAME=VALUE or @FILE' % text)
    return text


def tags(text):
    """Tags of the playbooks with commas between them."""
    for word in text.split(','):
        if word not in TAGS:
            near = difflib.get_close_matches(word, TAGS, 1)
            raise argparse.ArgumentTypeError('%r is no tag of the playbooks, which are %s%s' % (
                word, ', '.join(TAGS), '; did you mean %s?' % near[0] if near else ''))
    return text


def one_that_ended(text):
    """A unit, a container or a pid."""
    if not text.strip() or text.startswith('-') or not text.isprintable() or len(text) > 300 or set('{}') & set(text):
        raise argparse.ArgumentTypeError('%r is no name: give unit:NAME, container:NAME, pid:NUMBER or a name' % text)
    return text


def _common():
    common = Parser(add_help=False, allow_abbrev=False)
    where = common.add_argument_group('where')
    where.add_argument('-i', '--inventory', action='append', metavar='FILE', default=[],
                       help='servers of an Ansible inventory; this machine without it')
    where.add_argument('-l', '--limit', metavar='PATTERN', help='only these hosts of the inventory')
    where.add_argument('-u', '--user', metavar='NAME', help='log in as this user')
    where.add_argument('-b', '--become', dest='become', action='store_true', default=None,
                       help='become root (the default)')
    where.add_argument('--no-become', dest='become', action='store_false', help='stay the user that logs in')
    where.add_argument('-K', '--ask-become-pass', action='store_true', help='ask for the password of sudo')
    what = common.add_argument_group('what')
    what.add_argument('-e', '--extra-vars', action='append', type=variable, metavar='NAME=VALUE', default=[],
                      help='a variable of a role, such as swap_size=2G; @FILE for a file of them')
    what.add_argument('-C', '--check', action='store_true', help='change nothing, and say what would be changed')
    what.add_argument('-D', '--diff', action='store_true', help='show the changes of files')
    what.add_argument('-t', '--tags', type=tags, metavar='TAGS',
                      help='only these of %s, with what they need' % ', '.join(TAGS))
    what.add_argument('--skip-tags', type=tags, metavar='TAGS', help='all but these')
    what.add_argument('--since', metavar='TIME', help='leave out what happened before, such as 2026-10-28')
    what.add_argument('--until', metavar='TIME', help='leave out what happened after')
    out = common.add_argument_group('output')
    out.add_argument('--report', metavar='DIR', default=REPORTS,
                     help='a folder a run goes below it, and the newest is DIR/latest (%(default)s)')
    out.add_argument('--json', metavar='FILE', help='write report.json there as well; - prints it and nothing else')
    out.add_argument('--language', choices=('en', 'zh'), help='of the summary and the page; zh is Chinese')
    out.add_argument('--anonymise', action='store_true',
                     help='pseudonyms for names, hosts, containers, paths and addresses in all files')
    out.add_argument('--strict', action='store_true', help='exit with 3 if a host cannot by its nature')
    out.add_argument('-v', '--verbose', action='count', default=0, help='show all that Ansible says')
    return common


def _long_options():
    options = [option for action in _common()._actions for option in action.option_strings]
    return sorted(set(option for option in options + ['--by-rule', '--log', '--help'] if option.startswith('--')))


def parser():
    """The program's argument parser."""
    top = Parser(prog='rescue', description=__doc__, epilog=EXAMPLES, allow_abbrev=False,
                 formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest='command', metavar='COMMAND', parser_class=Parser)
    for name, text in (('diagnose', 'read and advise only'),
                       ('remediate', 'diagnose, remedy, verify, report'),
                       ('verify', 'prove that each remedy holds, now and after a reboot'),
                       ('rollback', 'bring back what was there before'),
                       ('why', 'say why a unit, container or process ended, and whether it was memory'),
                       ('where', 'say where the memory is, and who is killed next; without root as far as it goes')):
        command = commands.add_parser(name, parents=[_common()], help=text, description=text, allow_abbrev=False)
        if name in ('remediate', 'verify'):
            command.add_argument('--by-rule', action='store_true',
                                 help='also if nothing happened: what the rule says of a host of this size')
        if name == 'why':
            command.add_argument('why', metavar='NAME', type=one_that_ended,
                                 help='unit:NAME, container:NAME, pid:NUMBER, or the name alone')
        if name == 'diagnose':
            command.add_argument('--log', action='append', metavar='FILE', default=[],
                                 help='a log that was copied here, - for standard input; this machine is not looked at')
    completion = commands.add_parser('completion', help='print the completion for bash', allow_abbrev=False)
    completion.set_defaults(report=REPORTS)
    return top


def completion_text():
    """The lines that complete commands and options in bash."""
    top = parser()
    commands = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction)).choices
    return "complete -o default -W '%s %s' rescue ./rescue\n" % (' '.join(sorted(commands)), ' '.join(_long_options()))


def known_variables():
    """The names of the variables that the roles and playbooks take."""
    names = {'rescue_hosts', 'rescue_serial', 'rescue_by_rule', 'rescue_language', 'rescue_override'}
    for role in os.listdir(os.path.join(HERE, 'roles')):
        with open(os.path.join(HERE, 'roles', role, 'meta', 'argument_specs.yml'), encoding='utf-8') as stream:
            names.update(re.findall(r'^      (%s_\w+):' % role, stream.read(), re.MULTILINE))
    return names


def refuse_unknown(texts):
    """Raise Refused if an -e names a variable as this collection names its own, and no role takes it."""
    known = known_variables()
    prefixes = tuple({name.split('_')[0] + '_' for name in known})
    for text in texts:
        for name in re.findall(r'(?:^|\s)(\w+)=', text) if text[0] not in '@{[' else ():
            if name.startswith(prefixes) and name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise Refused('%s is no variable of this collection%s' % (
                    name, '; did you mean %s?' % near[0] if near else ''))


def asked(arguments):
    """The namespace of the arguments. Exits with 1 if they are wrong."""
    top = parser()
    options = top.parse_args(arguments)
    if not options.command:
        top.error('give a command: diagnose, remediate, verify, rollback, where or why')
    if options.command != 'completion' and options.limit and not options.inventory:
        raise Refused('--limit %s chooses from an inventory: give --inventory FILE' % options.limit)
    refuse_unknown(getattr(options, 'extra_vars', []))
    for path in getattr(options, 'inventory', []):
        if not os.path.exists(path) and ',' not in path:
            raise Refused('%s is not there: give an inventory file, or hosts with a comma behind each' % path)
    return options


def variables(options, report, logs):
    """The variables that this program sets itself, for -e as JSON: nothing is pasted into another language."""
    found = {'report_dir': report}
    if logs:
        found['diagnose_controller_logs'] = logs
    if options.inventory:
        found['report_join'] = True
    else:
        found['rescue_hosts'] = 'localhost'
        # A log that was copied here is of another host: this one is not looked at.
        found['diagnose_host'] = not logs
    for name in ('since', 'until'):
        if getattr(options, name):
            found['diagnose_' + name] = getattr(options, name)
    if options.anonymise:
        found['report_anonymise'] = True
    if options.language:
        found['rescue_language'] = options.language
    if getattr(options, 'why', None):
        found['diagnose_why'] = options.why
    if getattr(options, 'by_rule', False):
        found['rescue_by_rule'] = True
    if options.become is not None:
        found['ansible_become'] = options.become
    elif found.get('diagnose_host') is False or (_needs_no_root(options) and os.geteuid() != 0
                                                 and not options.inventory and not options.ask_become_pass):
        found['ansible_become'] = False
    return found


def _needs_no_root(options):
    return options.check or options.command == 'where'


def playbook(options, report, logs, venv=VENV):
    """The words of the ansible-playbook command."""
    words = [os.path.join(venv, 'bin', 'ansible-playbook'), 'oom.rescue.' + options.command]
    for path in options.inventory:
        words += ['--inventory', path]
    for name in ('limit', 'user', 'tags', 'skip_tags'):
        if getattr(options, name):
            words += ['--' + name.replace('_', '-'), getattr(options, name)]
    words += ['--' + name.replace('_', '-') for name in ('check', 'diff', 'ask_become_pass') if getattr(options, name)]
    if options.verbose:
        words.append('-' + 'v' * options.verbose)
    # What the user set comes last, and wins.
    words += ['--extra-vars', json.dumps(variables(options, report, logs))]
    for text in options.extra_vars:
        words += ['--extra-vars', text]
    return words


def make_environment(target='env', where='.venv and .cache'):
    """Make .venv with ansible-core, if it is not there or not up to date. Raises Refused if that fails."""
    words = ['make', '--no-print-directory', '--silent', target]
    if subprocess.call(words[:1] + ['--question'] + words[1:], cwd=HERE, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL) == 0:
        return
    sys.stderr.write('making what this needs in %s below %s\n' % (where, HERE))
    if subprocess.call(words, cwd=HERE, stdout=sys.stderr, stdin=subprocess.DEVNULL) != 0:
        raise Refused('the environment could not be made: run `make %s` in %s' % (target, HERE))


def report_folder(base, command):
    """A new folder for this run, below ``base``, and ``base``/latest as a link to it."""
    base = os.path.abspath(base)
    os.makedirs(base, mode=0o700, exist_ok=True)
    status = os.lstat(base)
    if stat.S_ISLNK(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused('%s is a link, or others may write to it: name a directory of your own with --report' % base)
    stamp = datetime.datetime.now().strftime('%Y-%m-%dT%H%M%S')
    folder = os.path.join(base, '%s-%s' % (stamp, command))
    number = 1
    while os.path.lexists(folder):
        number += 1
        folder = os.path.join(base, '%s-%s.%d' % (stamp, command, number))
    os.mkdir(folder, 0o700)
    link = os.path.join(base, '.latest-%d' % os.getpid())
    os.symlink(os.path.basename(folder), link)
    os.replace(link, os.path.join(base, 'latest'))
    return folder


def _standard_input(folder):
    """Standard input as a file of this run, so that one reader reads everything."""
    path = os.path.join(folder, STANDARD_INPUT)
    with open(path, 'wb') as target:
        shutil.copyfileobj(sys.stdin.buffer, target)
    return path


def run_playbook(options, folder, logs, venv=VENV):
    """Run the playbook; its return code. What Ansible says of errors goes to errors.txt in the run's folder."""
    path = '%s:%s' % (os.path.join(venv, 'bin'), os.environ.get('PATH', os.defpath))
    environment = dict(os.environ, PATH=path, ANSIBLE_CONFIG=os.path.join(HERE, 'ansible.cfg'))
    environment.update({} if options.verbose else QUIET)
    if options.inventory:
        environment['ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED'] = 'true'
    quiet = options.json == '-'
    with open(os.path.join(folder, 'errors.txt'), 'ab') as errors:
        return subprocess.call(playbook(options, folder, logs, venv), env=environment,
                               stdout=sys.stderr if quiet else None, stderr=None if options.verbose else errors)


def run_on_all(options, folder, logs):
    """Run the playbook, and once more with the older core on the servers that need it; the return code of both."""
    code = run_playbook(options, folder, logs)
    if not options.inventory:
        return code
    hosts = (report_of(folder) or {}).get('hosts') or []
    old = [host['name'] for host in hosts if host.get('needs_core')]
    if old:
        sys.stderr.write('%s: too old a Python for this ansible-core; the same with ansible-core %s\n' % (
            ', '.join(old), OLD_CORE))
        try:
            make_environment('env-' + OLD_CORE, os.path.relpath(OLD_VENV, HERE))
        except Refused as refused:
            sys.stderr.write('%s\n' % refused)
            return code
        others = [host for host in hosts if host['name'] not in old and host['status'] == 'failed']
        again = argparse.Namespace(**dict(vars(options), limit=','.join(old) + ','))
        # Ansible's code is of all hosts, and the first run failed on these.
        code = run_playbook(again, folder, logs, OLD_VENV) or (code if others or code != ANSIBLE_FAILED else 0)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, 'parts.json'))
    return code


def report_of(folder):
    """report.json of a run, or None if the run ended before it was written."""
    try:
        with open(os.path.join(folder, 'report.json'), encoding='utf-8') as stream:
            return _as_given(json.load(stream), os.path.join(folder, STANDARD_INPUT))
    except (OSError, ValueError):
        return None


def _as_given(value, path):
    """The same data with ``-``, as the user named it, for the file that standard input became."""
    if isinstance(value, dict):
        return {key: _as_given(part, path) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_given(part, path) for part in value]
    return '-' if value == path else value


def exit_status(report, code, strict=False):
    """What this program exits with: the worst of what report.json says, and of Ansible's own code."""
    hosts = (report or {}).get('hosts') or []
    logs = (report or {}).get('logs') or []
    states = [claim.get('state') for host in hosts for claim in host.get('claims') or []
              if not claim.get('accepted')]
    if 'false' in states or any(host.get('status') == 'failed' and not host.get('not_read') for host in hosts):
        return FAILED
    if any(host.get('not_read') for host in hosts) or any(log.get('error') in UNREAD for log in logs):
        return NOT_READ
    if code == ANSIBLE_UNREACHABLE or any(host.get('status') == 'unreachable' for host in hosts):
        return NO_ANSWER
    if code:
        return FAILED
    if 'open' in states or (strict and ('cannot' in states or any(host.get('status') == 'skipped' for host in hosts))):
        return OPEN
    return HOLDS


def tell(options, folder, report):
    """Print the summary, or the JSON, and what kept a play from starting."""
    text = json.dumps(report if report is not None else empty_report(), ensure_ascii=False, indent=None) + '\n'
    if options.json and options.json != '-':
        with open(options.json, 'w', encoding='utf-8') as stream:
            stream.write(text)
    summary, errors = (_text(os.path.join(folder, name)) for name in ('summary.txt', 'errors.txt'))
    # Without its path, which names somebody, in the file alone.
    if summary.endswith(': index.html\n'):
        summary = summary[:-len('index.html\n')] + os.path.join(folder, 'index.html') + '\n'
    target = sys.stderr if options.json == '-' else sys.stdout
    hosts = (report or {}).get('hosts') or []
    if not summary or any(host['status'] == 'unreachable' for host in hosts):
        fatal = [line for line in errors.splitlines() if line.startswith('fatal:')]
        sys.stderr.write('\n'.join(fatal) + '\n' if fatal else errors)
    target.write(summary)
    if options.json == '-':
        sys.stdout.write(text)


def empty_report():
    """report.json of a run that ended before it could write one."""
    written = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0).isoformat()
    return {'schema': 1, 'written': written, 'hosts': [], 'logs': []}


def _text(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as stream:
            return stream.read()
    except OSError:
        return ''


def main(arguments):
    """Run one command; returns the exit status."""
    options = asked(arguments)
    if options.command == 'completion':
        sys.stdout.write(completion_text())
        return HOLDS
    os.umask(0o077)
    make_environment()
    folder = report_folder(options.report, options.command)
    logs = [_standard_input(folder) if path == '-' else path for path in getattr(options, 'log', [])]
    code = run_on_all(options, folder, logs)
    report = report_of(folder)
    tell(options, folder, report)
    return exit_status(report, code, options.strict)


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as refused:
        sys.exit('rescue: %s' % refused)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
