# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node answers what it likes, and whoever can write on the controller stands beside the report."""

import json
import os
import resource
import stat
import sys

import pytest
from victim import NOBODY

PASSWORD = 'hunter2-of-the-database'
PRECIOUS = 'Nov 28 01:02:03 x kernel: Out of memory: Killed process 1 (%s)\n' % PASSWORD
EMPTY = {'changed': False, 'events': [], 'summary': {}, 'fork_failures': []}


@pytest.fixture(name='facts', scope='module')
def fixture_facts(request):
    """What an honest memory_facts returns."""
    from victim import Victim
    machine = Victim(request.config.getoption('--tree'))
    try:
        return machine.module('memory_facts')['ansible_facts']['memory']
    finally:
        machine.close()


class Nodes:
    """An inventory of nodes on this machine: ``honest`` ones, and those whose interpreter answers for the modules."""

    def __init__(self, victim):
        self._victim = victim
        self._hosts = {}

    def honest(self, name):
        self._hosts[name] = {'ansible_python_interpreter': sys.executable}

    def hostile(self, name, **answers):
        """answers: what each module prints, as data or as text."""
        self._hosts[name] = {'ansible_python_interpreter': '/nodes/%s/python' % name}
        self._victim.directory('/nodes/' + name)
        program = self._victim.path('/attackers/hostile_python.py').read_text()
        self._victim.write('/nodes/%s/python' % name, '#!/usr/bin/python3\n' + program, 0o755)
        for module, answer in answers.items():
            self._victim.write('/nodes/%s/%s.json' % (name, module),
                               answer if isinstance(answer, (str, bytes)) else json.dumps(answer))

    def inventory(self):
        hosts = {name: dict(words, ansible_connection='local', ansible_become=False)
                 for name, words in self._hosts.items()}
        self._victim.write('/root/inventory.json', json.dumps({'all': {'hosts': hosts}}))
        return '--inventory=/root/inventory.json'

    def play(self, name, *options, **variables):
        variables.setdefault('report_dir', '/root/report')
        variables = {key: value for key, value in variables.items() if value is not None}
        played = self._victim.play(name, self.inventory(), *options, **variables)
        assert not played.hung, 'the play of all hosts hangs'
        return played


@pytest.fixture(name='nodes')
def fixture_nodes(victim):
    return Nodes(victim)


def page(victim, directory='/root/report'):
    file = victim.path(directory + '/index.html')
    return file.read_bytes().decode('utf-8', 'replace') if file.exists() else None


def mode(path):
    return '%04o' % stat.S_IMODE(path.stat().st_mode)


def test_facts_that_outrank_the_roles(victim, nodes, facts):
    """A node returns report_dir and diagnose_controller_logs beside its facts, with names of Ansible's own."""
    private = victim.directory('/root/private', 0o700)
    victim.write('/root/private/index.html', 'mine\n', 0o600)
    victim.write('/etc/precious.log', PRECIOUS, 0o600)
    more = {'report_dir': '/root/private', 'diagnose_controller_logs': ['/etc/precious.log'],
            'ansible_python_interpreter': '/tmp/x', 'ansible_connection': 'local', 'ansible_shell_executable': '/tmp/x',
            'ansible_become_exe': '/tmp/x', 'rescue_hosts': 'all', 'ansible_play_hosts_all': ['x'],
            'verify_fail': False, 'diagnose_paths': ['/etc/precious.log'], '__report_dir': '/root/private',
            'playbook_dir': '/tmp'}
    nodes.hostile('web1', memory_facts={'changed': False, 'ansible_facts': dict(more, memory=facts)},
                  oom_log_info=dict(EMPTY, ansible_facts=more))
    nodes.honest('web2')
    played = nodes.play('diagnose', report_dir=None)
    assert mode(private) == '0700' and (private / 'index.html').read_text() == 'mine\n', \
        'a directory of the controller, %s, and its index.html' % mode(private)
    assert PASSWORD not in played.text + str(page(victim, '/root/oom-rescue-report')), 'a file of the controller'


@pytest.mark.parametrize('module, poll', [('memory_facts', 0), ('oom_log_info', 1)])
def test_an_answer_to_a_job_in_the_background(victim, nodes, facts, module, poll):
    """A node answers an asynchronous task, whose result Ansible fetches itself, with variables of the controller."""
    more = {'report_dir': '/root/private', 'diagnose_controller_logs': ['/etc/precious.log'], 'memory': facts}
    said = {'changed': False, 'ansible_facts': more, 'ansible_job_id': 'j1.1', 'started': 1, 'finished': 1,
            'results_file': '/tmp/x', 'msg': 'x\x1b[2K'}
    nodes.hostile('web1', async_wrapper=said, async_status=said, **{module: said})
    victim.write('/root/play.yml', json.dumps([{'hosts': 'web1', 'gather_facts': False, 'tasks': [
        {'oom.rescue.' + module: {}, 'async': 20, 'poll': poll, 'ignore_errors': True},
        {'ansible.builtin.debug': {'msg': 'it is {{ report_dir | default(\'unset\') }}'}}]}]))
    played = victim.play('diagnose', nodes.inventory(), first='/root/play.yml')
    assert 'it is unset' in played.text, 'a variable of the controller'
    assert 'does not support async' in played.text and '\x1b' not in played.text


def test_facts_of_an_earlier_play(victim, nodes):
    """In a play before ours, with gather_facts, the node says report_dir and diagnose_controller_logs."""
    private = victim.directory('/root/private', 0o700)
    victim.write('/etc/precious.log', PRECIOUS, 0o600)
    nodes.hostile('web1', setup={'changed': False, 'ansible_facts': {
        'report_dir': '/root/private', 'diagnose_controller_logs': ['/etc/precious.log'], 'report_open': True,
        'swap_path': '/tmp/x'}})
    victim.write('/root/first.yml', '- hosts: all\n  gather_facts: true\n  tasks: []\n')
    played = victim.play('diagnose', nodes.inventory(), first='/root/first.yml')
    assert mode(private) == '0700' and not os.listdir(private), 'a directory of the controller'
    assert PASSWORD not in played.text, 'a file of the controller'


SHAPES = {
    'empty': {}, 'nothing': None, 'list': [], 'text': 'x' * 1000, 'number': 7, 'ram': {'ram': None},
    'bytes': {'ram': {'total_bytes': 'x', 'available_bytes': {}}}, 'huge': {'ram': {'total_bytes': 10 ** 400}},
    'negative': {'ram': {'total_bytes': -1, 'available_bytes': -(1 << 63)}},
    'deep': json.loads('{"a":' * 300 + '1' + '}' * 300),
    'lists': {'swap': {'areas': {'a': 1}}, 'oom': {'candidates': 'abc'}},
}


def test_answers_of_every_shape(victim, nodes, facts):
    """Nodes return memory: {}, null, a list, a text, numbers of 400 digits, 300 levels; broken events; no JSON at
    all.
    """
    nodes.honest('honest-1')
    for name, shape in SHAPES.items():
        nodes.hostile('facts-' + name, memory_facts={'changed': False, 'ansible_facts': {'memory': shape}})
        broken = dict(facts, swap=shape, ram=shape)
        nodes.hostile('parts-' + name, memory_facts={'changed': False, 'ansible_facts': {'memory': broken}})
        nodes.hostile('events-' + name, oom_log_info=dict(
            EMPTY, events=[shape], summary=shape, incidents=[shape], verdict=shape, signals=[shape]))
        nodes.hostile('list-' + name, oom_log_info=dict(
            EMPTY, events=shape, summary={'kills': shape, 'sources': shape}))
    nodes.hostile('no-json', memory_facts='{"changed": false, "ansible_facts": {"memory": ')
    nodes.hostile('no-answer', memory_facts='')
    nodes.hostile('bytes', memory_facts=b'\xff\xfe\0{}')
    nodes.hostile('brackets', memory_facts='[' * 100000)
    nodes.hostile('nan', memory_facts='{"changed": false, "ansible_facts": {"memory": {"ram": {"total_bytes": NaN}}}}')
    played = nodes.play('diagnose', '--forks=12')
    text = page(victim)
    assert text and 'honest-1' in text, 'the page of all hosts: ' + played.text[-200:].replace('\n', ' ')
    assert 'Traceback' not in played.text, 'a stack trace in place of a page'
    missing = [name for name in SHAPES if 'facts-' + name not in text]
    assert not missing, 'hosts that are not told of: ' + ', '.join(missing)


ESCAPES = '\x1b[2K\x1b[1A\rok: [prod-db1]\x1b]0;owned\x07\u202e\u2066\x9b31m\x7f\u200f\ufeff\r\n'
ESCAPES += 'ok: [prod-db1] => all is well\n'


def strings(value, text):
    """The data with ``text`` for every text in it."""
    if isinstance(value, dict):
        return {key: strings(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [strings(item, text) for item in value]
    return text if isinstance(value, str) else value


def test_escapes_in_what_a_node_returns(victim, nodes, facts):
    """Every text that a node returns has escapes, a faked line `ok: [prod-db1]` and marks that turn text about."""
    hostile = dict(facts, oom=dict(facts['oom'], candidates=[
        {'pid': 1, 'name': ESCAPES, 'uid': 0, 'score': 1, 'oom_score_adj': 0, 'rss_bytes': 1, 'swap_bytes': 0,
         'manager': {'kind': 'docker', 'name': ESCAPES}}]))
    nodes.hostile('web1', memory_facts={'changed': False, 'ansible_facts': {'memory': strings(hostile, ESCAPES)}})
    nodes.hostile('web2', memory_facts={'changed': False, 'ansible_facts': {'memory': hostile}, 'warnings': [ESCAPES]})
    nodes.hostile('web3', memory_facts={'failed': True, 'msg': ESCAPES, 'exception': ESCAPES})
    nodes.hostile('web4', memory_facts=ESCAPES)
    nodes.honest('web5')
    played = nodes.play('diagnose')
    for name, text in (('the terminal', played.output.decode('utf-8', 'replace')), ('the page', page(victim) or ''),
                       ('the summary', victim.path('/root/report/summary.txt').read_text())):
        raw = sorted(set(text) & set('\x1b\x07\u202e\u2066\x9b\x7f\u200f\ufeff'))
        assert not raw, '%s of the operator: raw %r' % (name, raw)
        assert not any(line.startswith('ok: [prod-db1]') for line in text.splitlines()), 'a faked line on ' + name


def test_escapes_in_a_progress_file(victim, nodes):
    """While a swap file is written, a node's progress file has escapes and a faked `ok: [prod-db1]`."""
    nodes.hostile('web1', swap_file={'changed': False, 'failed': True, 'msg': 'x'})
    victim.write('/nodes/web1/waits', '')
    victim.write('/run/oom-rescue-swap_file', '1 MiB of 2 MiB written to /x' + ESCAPES)
    go = (b'1 MiB of 2 MiB written to ', victim.path('/nodes/web1/waits').unlink)
    played = victim.adhoc('web1', 'swap_file', 'path=/swapfile size=1M', nodes.inventory(), when=go)
    assert go[0] in played.output, 'the file was not shown'
    assert b'\x1b' not in played.output and b'\x07' not in played.output, 'escapes on the operator\'s terminal'
    assert b'\nok: [prod-db1]' not in played.output, 'a faked line on the operator\'s terminal'


TEMPLATES = ('{{ lookup("pipe", "touch /tmp/owned") }}', '{% for x in range(9**9) %}{% endfor %}', '__import__("os")',
             '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>')


def test_templates_in_what_a_node_returns(victim, nodes, facts):
    """Nodes' facts and reports are templates, or tags: they would run on the controller, or in who reads the page."""
    for number, text in enumerate(TEMPLATES):
        tampered = strings(facts, text)
        nodes.hostile('facts%d' % number, memory_facts={'changed': False, 'ansible_facts': {'memory': tampered}})
        nodes.hostile('msg%d' % number, memory_facts={'failed': True, 'msg': text})
    nodes.honest('web3')
    nodes.play('diagnose')
    assert not victim.path('/tmp/owned').exists(), 'a command of his on the controller'
    assert '<script' not in page(victim) and '<img' not in page(victim), 'a script in the page'


@pytest.mark.parametrize('kind', ['rows', 'escapes'])
def test_an_answer_of_15_mb(victim, nodes, facts, kind):
    """A node returns facts of 15 MB, to have the controller of all hosts work on them."""
    row = {'pid': 1, 'name': 'n', 'uid': 0, 'score': 1, 'oom_score_adj': 0, 'rss_bytes': 1, 'swap_bytes': 0,
           'manager': {'kind': 'none', 'name': None}}
    rows = [row] * 110000 if kind == 'rows' else [dict(row, name='\u0416' * 2600000)]
    big = dict(facts, oom=dict(facts['oom'], candidates=rows))
    nodes.hostile('web1', memory_facts={'changed': False, 'ansible_facts': {'memory': big}})
    nodes.honest('web2')
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    nodes.play('diagnose')
    seconds = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before
    assert 'web2' in page(victim), 'no page of the other hosts'
    assert seconds < 25, '%d s of the CPU' % seconds


def test_an_answer_of_1_mb(victim, nodes, facts):
    """A node returns 1 MB: a name of 500 kB, 3,000 candidates, 1,000 areas of swap."""
    area = {'path': '/x', 'type': 'file', 'size_bytes': 1, 'used_bytes': 0, 'priority': 0, 'filesystem': None,
            'persisted_by': None}
    row = {'pid': 1, 'name': 'n', 'uid': 0, 'score': 1, 'oom_score_adj': 0, 'rss_bytes': 1, 'swap_bytes': 0,
           'manager': {'kind': 'none', 'name': None}}
    big = dict(facts, swap=dict(facts['swap'], areas=[area] * 1000),
               oom=dict(facts['oom'], candidates=[dict(row, name='n' * 500000)] + [row] * 3000))
    nodes.hostile('web1', memory_facts={'changed': False, 'ansible_facts': {'memory': big}})
    nodes.honest('web2')
    nodes.play('diagnose')
    text = page(victim)
    assert text and 'web2' in text and len(text) < 300000, 'a page of %d kB' % (len(text or '') // 1000)


# The report's place.

def test_a_directory_that_was_there_keeps_its_mode(victim, nodes):
    """No attacker needed: the report's directory was closed, and the report opens it to all."""
    place = victim.directory('/root/mine', 0o710)
    nodes.honest('web1')
    nodes.play('diagnose', report_dir='/root/mine')
    assert mode(place) == '0710', 'a closed directory, now ' + mode(place)


def test_the_page_is_for_its_reader(victim, nodes):
    """Any user of the controller reads what is wrong with all servers."""
    nodes.honest('web1')
    played = nodes.play('diagnose')
    assert played.status == 0 and 'web1' in page(victim), played.text[-300:]
    place = victim.path('/root/report')
    opened = [file.name + ' ' + mode(file) for file in [place] + sorted(place.iterdir()) if file.stat().st_mode & 0o077]
    assert not opened, 'to read: ' + ', '.join(opened)


@pytest.mark.parametrize('how', ['owner', 'link', 'page-link', 'fifo'])
def test_a_place_for_the_report_that_a_user_made(victim, nodes, how):
    """The report's directory is a user's, or his link; or it is open to all, and he made a link or a FIFO for the
    page.
    """
    precious = victim.write('/root/precious', 'mine\n', 0o600)
    target = victim.directory('/root/target', 0o700)
    place = victim.path('/srv/r/report')
    if how == 'link':
        victim.directory('/srv/r', owner=NOBODY)
        place.symlink_to('/root/target')
    else:
        victim.directory('/srv/r/report', {'page-link': 0o777, 'fifo': 0o1777}.get(how, 0o755),
                         NOBODY if how == 'owner' else 0)
    if how == 'page-link':
        (place / 'index.html').symlink_to('/root/precious')
    elif how == 'fifo':
        os.mkfifo(place / 'index.html')
        os.chown(place / 'index.html', NOBODY, NOBODY)
    nodes.honest('web1')
    nodes.play('diagnose', report_dir='/srv/r/report')
    assert precious.read_text() == 'mine\n', 'a file of root\'s'
    assert not os.listdir(target), 'the report in a directory of his choice'
    file = place / 'index.html'
    if how == 'fifo' and file.is_file():
        # The sticky bit keeps what is root's from him.
        assert file.stat().st_uid == 0 and mode(file) == '0600', 'the report in a file of his'
    elif how != 'link' and file.is_file() and not file.is_symlink():
        assert 'web1' not in file.read_text(), 'the report where he can put another in its place'


# Secrets of the node.

def test_a_password_in_a_supervised_programs_command(victim, nodes):
    """The command of a supervisord's program has a password, in a file that only root may read: the page has it."""
    victim.write('/etc/supervisor/supervisord.conf', '[program:mysqld]\n'
                 'command=/usr/sbin/mysqld --password=%s\nenvironment=SECRET="%s"\n' % (PASSWORD, PASSWORD), 0o600)
    from test_identity import supervised
    supervised(victim)
    nodes.honest('web1')
    played = nodes.play('remediate', '--check', swap_state='absent')
    run = victim.module('oom_score_adj', check=True, process='mysqld', value=300)
    everything = played.text + str(page(victim)) + run.output
    assert PASSWORD not in everything, 'the password of the database'


def test_a_password_in_a_command_line(victim, nodes):
    """A process has a password in its arguments and its environment: facts, page and terminal are read by others."""
    disguise = {'comm': 'backup', 'argv': ['backup', '--password=' + PASSWORD], 'env': {'PGPASSWORD': PASSWORD}}
    victim.attacker('disguised', json.dumps(disguise), uid=0)
    nodes.honest('web1')
    played = nodes.play('diagnose', '-vvv')
    run = victim.module('memory_facts', candidates=0)
    assert PASSWORD not in played.text + str(page(victim)) + run.output, 'a password'
