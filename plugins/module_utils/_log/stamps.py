# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times that programs write into lines of their own, which no logger has stamped.

Nothing but a line that tells of a kill or a refusal is looked at here: each form costs a search.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.host import to_native
from .text import Prefix
from .times import ISO

# What engines, pages and mails put before the line of a program: a container's name, a bar, marks of Markdown.
_BEFORE = re.compile(
    r'(?:\[pod/[\w./-]{1,400}\] +|[\w.-]{1,80} +\|+ ?|[|>*`] ?|%s ?|\s)*' % to_native(b'\xe2\x94\x82'))

_CLOCK = r'\d\d:\d\d:\d\d(?:[.,]\d{1,9})?'
_MONTH = r'[A-Z][a-z]{2}'

# (style, where the stamp stands, as its only group)
_FORMS = tuple((style, re.compile(words)) for style, words in (
    # logfmt and JSON: logrus, zap, slog, pino
    ('iso', r'(?:^|[\s{,])"?@?(?:time|ts|timestamp|t)"?[=:] ?"?(%s)(?=[",}\s])' % ISO),
    # libvirt hands on the words of QEMU, which begin with the time
    ('iso', r'(?:^|: |\[)(%s)(?=[\]\s:,|])' % ISO),
    # nginx, and the package log of Go
    ('stated', r'^\[?(\d{4}/\d\d/\d\d %s)(?=[\]\s:])' % _CLOCK),
    # ClickHouse
    ('stated', r'^(\d{4}\.\d\d\.\d\d %s)(?= )' % _CLOCK),
    # asctime(3), as uWSGI writes it
    ('ctime', r'^([A-Z][a-z]{2} %s [ \d]\d %s \d{4})(?= )' % (_MONTH, _CLOCK)),
    # PHP's error_log, Tomcat's JULI
    ('stated', r'^\[?(\d\d-%s-\d{4} %s)(?=[\]\s])' % (_MONTH, _CLOCK)),
    # Apache's httpd since 2.4
    ('stated', r'^\[[A-Z][a-z]{2} (%s \d\d %s \d{4})\]' % (_MONTH, _CLOCK)),
    # Redis and Valkey, before 5.0 without the year
    ('stated', r'^\[?\d{1,10}(?::[XCSM]|\]) (\d\d %s \d{4} %s) [.*#-] ' % (_MONTH, _CLOCK)),
    ('yearless', r'^\[?\d{1,10}(?::[XCSM]|\]) (\d\d %s %s) [.*#-] ' % (_MONTH, _CLOCK)),
    # klog, as Kubernetes' programs write it
    ('yearless', r'^[IWEF](\d{4} %s)(?= +\d+ [\w.-]{1,80}:\d+\])' % _CLOCK),
    # Erlang's error_logger
    ('stated', r'^=[A-Z]{1,16} REPORT==== (\d{1,2}-%s-\d{4}::%s)(?= )' % (_MONTH, _CLOCK)),
    # MySQL before 5.6 and MariaDB before 10.1
    ('stated', r'^(\d{6} [ \d]\d:\d\d:\d\d) '),
    # A person cut host and tag out of a line of syslog
    ('yearless', r'^(%s [ \d]\d %s)(?=:? )' % (_MONTH, _CLOCK)),
))


def without_container(text):
    """A line without what an engine or a page put before it."""
    return text[_BEFORE.match(text).end():]


def stated(text):
    """The Prefix, with nothing but a time, of a line as a program wrote it; None if it states none."""
    for style, pattern in _FORMS:
        match = pattern.search(text)
        if match:
            return Prefix(style, match.group(1))
    return None


def stated_above(lines):
    """The Prefix of the nearest of some lines that consists of a time alone; None without one."""
    for line in reversed(lines):
        found = stated(line.strip() + ' ') if 18 < len(line.strip()) < 60 else None
        if found is not None and line.rstrip('= ').endswith(found.stamp):
            return found
    return None
