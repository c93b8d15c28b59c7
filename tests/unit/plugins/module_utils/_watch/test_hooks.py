# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hook is sent, to a server and programs that are there, and what of a message is escaped in it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import socket
import threading

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._watch import hooks
from ansible_collections.oom.rescue.plugins.module_utils._watch.hooks import Refused, deliver, journal, secrets_of

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

NAME = u'<!channel> & $(reboot) `id` "b\xf6se"'
MESSAGE = {
    'id': 'abc', 'time': '2026-01-01T00:00:00+00:00', 'host': u'db1', 'actor': 'kernel', 'limit': 'host',
    'proven': True, 'sentence': u'The kernel killed %s.' % NAME,
    'victims': [{'name': NAME, 'pid': 7, 'unit': 'a.service', 'container': None}],
    'caveats': [], 'remedy': {'name': 'swap', 'effect': 'delays', 'what': 'swap of 2 GiB', 'why': 'more room',
                              'command': 'rescue remediate'},
    'would_tell': [], 'page': 'https://example.org/watch'}


@pytest.fixture
def server():
    """An HTTP server: ``got`` is [(path, headers, body)], ``answer`` (status, headers, body) what it answers."""
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers['Content-Length']))
            made.got.append((self.path, dict(self.headers.items()), json.loads(body.decode('utf-8'))))
            status, headers, text = made.answer
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *dummy):
            pass

    made = HTTPServer(('127.0.0.1', 0), Handler)
    made.got, made.answer = [], (200, [], b'{"errcode": 0}')
    made.url = 'http://127.0.0.1:%d/' % made.server_port
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def lower(headers):
    return dict((name.lower(), value) for name, value in headers.items())


def test_a_webhook_gets_the_message_as_json_with_its_token(server):
    deliver({'kind': 'webhook', 'url': server.url, 'bearer_secret': 'token'}, MESSAGE, {'token': 'very-secret'})
    (dummy, headers, body), = server.got
    assert body == MESSAGE
    assert lower(headers)['authorization'] == 'Bearer very-secret' and lower(headers)['idempotency-key'] == 'abc'


def test_an_address_may_be_a_secret(server):
    deliver({'kind': 'webhook', 'url_secret': 'there'}, MESSAGE, {'there': server.url + 'key'})
    assert server.got[0][0] == '/key'
    with pytest.raises(Refused, match='no elsewhere'):
        deliver({'kind': 'webhook', 'url_secret': 'elsewhere'}, MESSAGE, {'there': server.url})


def test_slack_mentions_nobody_whom_a_process_names(server):
    deliver({'kind': 'slack', 'url': server.url}, MESSAGE, {})
    text = server.got[0][2]['text']
    assert u'&lt;!channel&gt; &amp; $(reboot)' in text and u'b\xf6se' in text and '<' not in text
    assert 'rescue remediate' in text and 'https://example.org/watch' in text


def test_wecom_gets_a_text_and_refuses_in_its_body(server):
    deliver({'kind': 'wecom', 'url': server.url}, MESSAGE, {})
    body = server.got[0][2]
    assert body['msgtype'] == 'text' and '<' not in body['text']['content']
    server.answer = (200, [], b'{"errcode": 45009, "errmsg": "api freq out of limit"}')
    with pytest.raises(Refused, match='errcode 45009'):
        deliver({'kind': 'wecom', 'url': server.url}, MESSAGE, {})


@pytest.mark.parametrize('answer, words', [
    ((500, [], b''), 'it answered 500'), ((404, [], b''), 'it answered 404'),
    ((302, [('Location', 'http://127.0.0.1:9/')], b''), 'it answered 302')])
def test_what_does_not_take_it_is_said_without_its_address(server, answer, words):
    server.answer = answer
    with pytest.raises(Refused) as refused:
        deliver({'kind': 'webhook', 'url': server.url + 'very-secret'}, MESSAGE, {})
    assert '%s' % refused.value == words and len(server.got) == 1


def test_what_is_not_there_is_said_without_its_address():
    with pytest.raises(Refused) as refused:
        deliver({'kind': 'webhook', 'url': 'http://127.0.0.1:9/very-secret'}, MESSAGE, {})
    assert 'very-secret' not in '%s' % refused.value


def test_a_server_that_hangs_is_left(monkeypatch):
    monkeypatch.setattr(hooks, 'SECONDS', 0.3)
    with_no_answer = socket.socket()
    with_no_answer.bind(('127.0.0.1', 0))
    with_no_answer.listen(1)
    with pytest.raises(Refused, match='no answer|[Tt]imeout|URLError'):
        deliver({'kind': 'webhook', 'url': 'http://127.0.0.1:%d/' % with_no_answer.getsockname()[1]}, MESSAGE, {})
    with_no_answer.close()


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """What hooks that are commands took of the messages a, b and c, and what deliver_all() said of each.

    As soon as so many of them have ended as said, there is other work.
    """
    monkeypatch.setattr(hooks, 'SECONDS', 600)
    monkeypatch.setattr(hooks, 'IMPATIENT', 0)
    monkeypatch.setattr(hooks, '_PAUSE', 0.02)

    def deliver_to(scripts, then_wanted):
        known = [{'kind': 'command', 'argv': ['/bin/sh', '-c', script]} for script in scripts]
        messages, said = [dict(MESSAGE, id=name) for name in 'abc'], {}
        for (number, message), error in hooks.deliver_all(
                dict((number, messages) for number in range(len(known))), known, {},
                lambda: len(said) >= then_wanted):
            said[number, message['id']] = error and '%s' % error
        told = tmp_path / 'told'
        return said, [json.loads(line)['id'] for line in told.read_bytes().decode('ascii').splitlines()]

    deliver_to.takes = 'cat >> %s' % (tmp_path / 'told')
    return deliver_to


def test_hooks_that_hang_keep_no_other_from_its_messages(beside):
    said, told = beside(['sleep 600', beside.takes, 'exit 3'], 4)
    assert told == ['a', 'b', 'c'] and [said[1, name] for name in 'abc'] == [None] * 3
    # What one message is refused, the next is not asked.
    assert said[0, 'a'] == 'it gave no answer in time' and 'status 3' in said[2, 'a'] and len(said) == 5


def test_more_hooks_than_are_tried_at_once_all_get_theirs(beside):
    said, told = beside([beside.takes] * 7, 99)
    assert len(told) == 21 and set(said.values()) == {None}


def test_hooks_that_answer_are_never_in_memory_together_and_take_turns(beside, monkeypatch, tmp_path):
    monkeypatch.setattr(hooks, '_PAUSE', 600)
    busy, turns = tmp_path / 'busy', tmp_path / 'turns'
    alone = 'mkdir %s || exit 9; %%s; echo %%d >> %s; rmdir %s' % (busy, turns, busy)
    said, told = beside([alone % (beside.takes, number) for number in range(3)], 99)
    assert set(said.values()) == {None} and told == ['a'] * 3 + ['b'] * 3 + ['c'] * 3
    assert turns.read_bytes().split() == [b'0', b'1', b'2'] * 3


@pytest.mark.parametrize('seconds, impatient, then_wanted', [(600, 0, 3), (0.5, 600, 99)])
def test_a_hook_that_hangs_gets_less_time_if_something_else_happens(
        beside, monkeypatch, seconds, impatient, then_wanted):
    monkeypatch.setattr(hooks, 'SECONDS', seconds)
    monkeypatch.setattr(hooks, 'IMPATIENT', impatient)
    said, dummy = beside([beside.takes, 'sleep 600'], then_wanted)
    assert said[1, 'a'] == 'it gave no answer in time' and (1, 'b') not in said


def test_what_has_no_time_left_is_not_begun(monkeypatch):
    monkeypatch.setattr(hooks, '_PAUSE', 0)
    monkeypatch.setattr(hooks, '_MOST_SECONDS', 0)
    assert list(hooks.deliver_all({0: [MESSAGE]}, [{'kind': 'command', 'argv': ['/bin/true']}], {})) == []


def test_a_command_gets_json_on_its_input_and_no_shell(tmp_path):
    target = tmp_path / 'got'
    deliver({'kind': 'command', 'argv': ['/usr/bin/tee', str(target)]}, MESSAGE, {})
    assert json.loads(target.read_bytes().decode('ascii')) == MESSAGE
    with pytest.raises(Refused, match='No such file'):
        deliver({'kind': 'command', 'argv': ['/nowhere/hook']}, MESSAGE, {})


def test_a_mail_has_one_subject_whatever_a_process_is_called(tmp_path, monkeypatch):
    program, target = tmp_path / 'sendmail', tmp_path / 'mail'
    program.write_bytes(('#!/bin/sh\ncat > %s\n' % target).encode('ascii'))
    os.chmod(str(program), 0o755)
    monkeypatch.setattr(hooks, '_SENDMAIL', (str(program),))
    message = dict(MESSAGE, sentence=u'The kernel killed x\nBcc: all@example.org')
    deliver({'kind': 'mail', 'to': 'root@example.org'}, message, {})
    head = target.read_bytes().decode('utf-8').partition('\n\n')[0]
    assert 'To: root@example.org' in head and 'Bcc:' not in [line[:4] for line in head.splitlines()]


def test_the_journal_gets_fields_a_line_each(tmp_path):
    path = str(tmp_path / 'socket')
    target = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    target.bind(path)
    target.settimeout(5)
    assert journal(dict(MESSAGE, sentence=u'killed\nOOM_RESCUE_PROVEN=True'), path=path)
    fields = target.recv(1 << 16).decode('utf-8').splitlines()
    target.close()
    assert 'MESSAGE=killed OOM_RESCUE_PROVEN=True' in fields
    assert [line for line in fields if line.startswith('OOM_RESCUE_PROVEN=')] == ['OOM_RESCUE_PROVEN=True']
    assert u'OOM_RESCUE_VICTIM=%s' % NAME in fields and 'OOM_RESCUE_UNIT=a.service' in fields


@pytest.mark.parametrize('mode', [0o644, 0o640, 0o604])
def test_secrets_that_others_may_read_are_not_used(tmp_path, mode):
    path = tmp_path / 'secrets'
    path.write_bytes(b'{"token": "x"}')
    os.chmod(str(path), 0o600)
    assert secrets_of(Host(), str(path)) == {'token': 'x'}
    os.chmod(str(path), mode)
    with pytest.raises(RescueError, match='root alone can read'):
        secrets_of(Host(), str(path))


@pytest.mark.parametrize('text', [b'{"token": ', b'["x"]', b'', b'token: x', b'[' * 5000])
def test_secrets_that_are_no_json_object_are_told_with_their_file_and_no_secret(tmp_path, text):
    path = tmp_path / 'secrets'
    path.write_bytes(text)
    os.chmod(str(path), 0o600)
    with pytest.raises(RescueError) as error:
        secrets_of(Host(), str(path))
    assert str(error.value).startswith('%s is no JSON object' % path) and 'token' not in str(error.value)


def test_without_a_file_there_are_no_secrets(tmp_path):
    assert secrets_of(Host(), str(tmp_path / 'none')) == {} and secrets_of(Host(), None) == {}
