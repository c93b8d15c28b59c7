# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes a message on: to a webhook, by mail, to a command, and to the host's own journal.

A hook is {kind, ...}: webhook, slack and wecom have ``url`` or ``url_secret``, and ``bearer_secret``; mail has ``to``;
command has ``argv``. A file that root alone reads has the text for the name of each secret. Nothing of a message is a
word of a shell, a header or a mark-up: it is JSON, or text with the characters escaped that mean something there.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import json
import os
import select
import signal
import socket
import stat

from .._files.errors import RescueError
from .._files.host import to_bytes
from .._files.plain import plain
from .._files.reader import parse_json, required_object
from .look import IDENTIFIER

# A hook's time, and what is left of it if something else happens meanwhile.
SECONDS, IMPATIENT = 20, 5
# How long it is waited for an answer before that other work is asked for again.
_PAUSE = 1
_HTTP = ('webhook', 'slack', 'wecom')
# Hooks that are tried beside each other, and the time after which none is begun: the unit is ended after three minutes.
_AT_ONCE, _MOST_SECONDS = 3, 100
KINDS = ('webhook', 'slack', 'wecom', 'mail', 'command')
# Of the journal's message ids, one of our own (sd_journal_send(3)).
MESSAGE_ID = '6a1f2c0f0d7c4f6bb0a4f6d2f2a45d11'
_JOURNAL = '/run/systemd/journal/socket'
_ERROR = 3
_SENDMAIL = ('/usr/sbin/sendmail', '/usr/lib/sendmail')
_MOST_ANSWER = 1 << 16


class Refused(Exception):
    """A hook did not take a message. The text has no secret in it."""


def secrets_of(host, path):
    """{name: text} of the file of secrets, empty without one.

    Raises RescueError if others than root may read it, or if it is no JSON object.
    """
    status = host.status(path, follow=False) if path else None
    if status is None:
        return {}
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o077:
        raise RescueError('{path} has {value}, and has to be {allowed}', path=path,
                          value='owner %d and mode %04o' % (status.st_uid, stat.S_IMODE(status.st_mode)),
                          allowed='a file that root alone can read', next_step='chown root and chmod 0600')
    return required_object(host.read(path, links=False), path, 'write it again, as {"name": "secret"}')


def lines_of(message):
    """The message as lines of text for a person."""
    lines = ['%s: %s' % (message['host'], message['sentence'])]
    if message['time']:
        lines.append('At %s.' % message['time'])
    remedy = message['remedy']
    if remedy:
        lines.append('%s: %s. %s' % (remedy['effect'], remedy['what'], remedy['why']))
        lines.append(remedy['command'])
    lines += message['caveats'] + ['To tell: %s' % command for command in message['would_tell']]
    return [plain(line) for line in lines if line] + [message['page']]


def deliver(hook, message, secrets):
    """Pass a message to a hook, within SECONDS, in a process of its own. Raises Refused."""
    for _place, error in deliver_all({0: [message]}, [hook], secrets):
        if error:
            raise error


def deliver_all(queues, hooks, secrets, is_wanted=lambda: False):
    """Pass messages to several hooks beside each other; yields ((number, message), None or Refused) as each ends.

    ``queues`` is {number of a hook: its messages}; each hook gets one after the other, and none after one that it did
    not take. A hook is begun when the one before has answered, or has not for _PAUSE seconds. As soon as ``is_wanted``
    says that there is other work, a hook has IMPATIENT seconds.
    """
    ahead = [(number, list(messages)) for number, messages in sorted(queues.items())]
    busy = []
    begin = _elapsed()
    if any(hooks[number]['kind'] in _HTTP for number in queues):
        # Once for all of them: what is read before the fork is in memory once.
        _http_client()
    try:
        while ahead or busy:
            if _elapsed() - begin >= _MOST_SECONDS:
                ahead = []
            # One a turn, which is _PAUSE if nothing answers: each has megabytes, and most answer within it.
            if ahead and len(busy) < _AT_ONCE:
                number, messages = ahead.pop(0)
                busy.append((number, messages, _Delivery(hooks[number], messages[0], secrets)))
            for entry in _ended(busy, is_wanted):
                busy.remove(entry)
                number, messages, delivery = entry
                error = delivery.end()
                yield (number, messages[0]), error
                if messages[1:] and not error:
                    ahead.append((number, messages[1:]))
    finally:
        for _number, _messages, delivery in busy:
            delivery.end()


def _ended(busy, is_wanted):
    """The entries of ``busy`` whose delivery has an answer or no time left; [] if _PAUSE seconds pass without one."""
    answered = select.select([delivery.reader for dummy, dummy_messages, delivery in busy], [], [], _PAUSE)[0]
    seconds = IMPATIENT if is_wanted() else SECONDS
    return [entry for entry in busy if entry[2].reader in answered or entry[2].is_late(seconds)]


def _elapsed():
    """Seconds since some moment, whatever the clock is set to; Python 2.7 has no time.monotonic()."""
    return os.times()[4]


class _Delivery:
    """A message on its way to a hook, in a process of its own."""

    def __init__(self, hook, message, secrets):
        self.reader, writer = os.pipe()
        self._begin = _elapsed()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self.reader)
            _end_with(writer, hook, message, secrets)
        os.close(writer)

    def is_late(self, seconds):
        return _elapsed() - self._begin >= seconds

    def end(self):
        """End the process. None if the hook took the message, else the Refused of what it said."""
        try:
            answer = os.read(self.reader, 500) if select.select([self.reader], [], [], 0)[0] else b''
        finally:
            os.close(self.reader)
            _end(self._pid)
        return None if answer == b'done' else Refused(plain(answer, 200) or 'it gave no answer in time')


def _end_with(writer, hook, message, secrets):
    """Deliver in the child, write ``done`` or the reason into the pipe, and end."""
    words = b'it failed'
    try:
        os.setsid()
        _BY_KIND[hook['kind']](hook, message, secrets)
        words = b'done'
    except Refused as error:
        words = to_bytes('%s' % error)
    except Exception as error:
        # The error's text may have the address, with what is secret in it.
        words = to_bytes('%s' % type(error).__name__)
    finally:
        os.write(writer, words[:500])
        os._exit(0)


def _end(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    os.waitpid(pid, 0)


def _secret(secrets, name):
    if name not in secrets:
        raise Refused('the file of secrets has no %s' % plain(name, 60))
    return secrets[name]


def _url(hook, secrets):
    return _secret(secrets, hook['url_secret']) if hook.get('url_secret') else hook['url']


def _post(hook, body, secrets, key):
    """Send JSON to the hook's address. Returns the answer as bytes. Raises Refused."""
    client = _http_client()

    class NoRedirect(client.HTTPRedirectHandler):
        # Else the secret would go to another address.
        def redirect_request(self, *dummy):
            return None

    request = client.Request(_url(hook, secrets), json.dumps(body).encode('ascii'), {
        'Content-Type': 'application/json', 'User-Agent': IDENTIFIER, 'Idempotency-Key': str(key)})
    if hook.get('bearer_secret'):
        request.add_header('Authorization', 'Bearer %s' % _secret(secrets, hook['bearer_secret']))
    try:
        return client.build_opener(NoRedirect).open(request, timeout=SECONDS).read(_MOST_ANSWER)
    except client.HTTPError as error:
        raise Refused('it answered %d' % error.code)


def _http_client():
    """The standard library's module, as this also runs in a single file, without ansible.module_utils.urls."""
    try:
        return importlib.import_module('urllib.request')
    except ImportError:
        return importlib.import_module('urllib2')


def _webhook(hook, message, secrets):
    _post(hook, message, secrets, message['id'])


def _slack(hook, message, secrets):
    # https://api.slack.com/reference/surfaces/formatting#escaping
    text = '\n'.join(lines_of(message)).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    _post(hook, {'text': text}, secrets, message['id'])


def _wecom(hook, message, secrets):
    # Text in angle brackets mentions people.
    text = '\n'.join(lines_of(message)).replace('<', u'\u2039').replace('>', u'\u203a')
    answer = parse_json(_post(hook, {'msgtype': 'text', 'text': {'content': text}}, secrets,
                              message['id']).decode('utf-8', 'replace'))
    # It answers 200 even if it refuses.
    if not isinstance(answer, dict) or answer.get('errcode') != 0:
        raise Refused('it answered errcode %s' % plain(answer.get('errcode') if isinstance(answer, dict) else '?', 20))


def _mail(hook, message, dummy):
    from email.header import Header
    from email.mime.text import MIMEText
    mail = MIMEText('\n'.join(lines_of(message)).encode('utf-8'), 'plain', 'utf-8')
    mail['To'] = plain(hook['to'])
    mail['From'] = plain(hook.get('from') or 'root')
    mail['Subject'] = Header(plain('[%s] %s' % (message['host'], message['sentence']), 150), 'utf-8')
    mail['Message-ID'] = '<%s@%s>' % (message['id'], IDENTIFIER)
    program = next((path for path in _SENDMAIL if os.path.exists(path)), None)
    if program is None:
        raise Refused('there is no sendmail on this host')
    _run([program, '-i', '-t'], to_bytes(mail.as_string()))


def _command(hook, message, dummy):
    _run(hook['argv'], json.dumps(message).encode('ascii') + b'\n')


def _run(argv, data):
    """Run a program with data on its standard input. Raises Refused if it fails."""
    import subprocess

    from .._files.command import start
    with open(os.devnull, 'wb') as nothing:
        try:
            process = start(argv, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing)
        except OSError as error:
            raise Refused('%s: %s' % (argv[0], error.strerror))
        process.communicate(data)
    if process.returncode:
        raise Refused('%s ended with status %d' % (argv[0], process.returncode))


_BY_KIND = {'webhook': _webhook, 'slack': _slack, 'wecom': _wecom, 'mail': _mail, 'command': _command}


def journal(message, priority=_ERROR, path=_JOURNAL):
    """Write a record with fields into the journal, or a line to syslog if there is none. False if neither took it."""
    fields = [('MESSAGE', message['sentence']), ('MESSAGE_ID', MESSAGE_ID), ('PRIORITY', priority),
              ('SYSLOG_IDENTIFIER', IDENTIFIER), ('SYSLOG_PID', os.getpid()),
              ('OOM_RESCUE', json.dumps(message, sort_keys=True))]
    fields += [('OOM_RESCUE_%s' % key.upper(), message[key])
               for key in ('id', 'time', 'actor', 'limit', 'proven') if message.get(key) is not None]
    fields += [('OOM_RESCUE_VICTIM', victim['name']) for victim in message['victims'] if victim['name']]
    fields += [('OOM_RESCUE_UNIT', victim['unit']) for victim in message['victims'] if victim['unit']]
    data = b''.join(_field(name, value) for name, value in fields)
    if _sent(path, data):
        return True
    # A line as syslog(3) writes it: facility daemon.
    line = '<%d>%s[%d]: %s' % (3 * 8 + priority, IDENTIFIER, os.getpid(), plain(message['sentence'], 900))
    return _sent('/dev/log', line.encode('utf-8'))


def _field(name, value):
    """A field in the journal's own protocol, on one line."""
    text = value if isinstance(value, type(u'')) else '%s' % (value,)
    return to_bytes(name) + b'=' + _utf8(text).replace(b'\n', b' ') + b'\n'


def _utf8(text):
    return text if isinstance(text, bytes) else text.encode('utf-8', 'replace')


def _sent(path, data):
    target = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        target.settimeout(SECONDS)
        target.sendto(data, path)
        return True
    except (IOError, OSError, socket.error):
        return False
    finally:
        target.close()
