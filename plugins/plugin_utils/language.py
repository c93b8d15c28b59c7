# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads, in another language than English: each finished sentence is looked up in tables of phrases.

The tables are roles/report/files/LANGUAGE/*.json, ``{English: other}``. ``{1}`` stands for a name, a figure or a phrase
that is looked up by itself, with none of ``,:;`` and no end of a sentence in it; ``{+1}`` for any text. What stands in
no table stays as it is, as names, paths and commands do. report.json is not translated.
"""

from __future__ import annotations

import functools
import html
import json
import pathlib
import re

TABLES = pathlib.Path(__file__).resolve().parents[2] / 'roles/report/files'
LANGUAGES = ('en',) + tuple(sorted(path.name for path in TABLES.iterdir()))
# What <html lang> says of a language.
TAGS = {'zh': 'zh-Hans'}
_PLACE = re.compile(r'\{(\+?)(\d)\}')
_SENTENCES = re.compile(r'(?<=[^.]\.)\s+(?=[A-Z0-9])')
# How parts of a sentence are told apart; marks.json says what stands for that.
_MARK = re.compile(', and |[,:;] ')
_LISTED = (' and ', ' or ')
_BRACKETS = '{+1} ({+2})'
_ENDS_PLACE = re.compile('[,:;] |%s' % _SENTENCES.pattern)
# Blanks are for words in Latin letters.
_NO_BLANK = re.compile(r'(?<=[^\x00-\u2fff]) (?=[^\x00-\u2fff])| (?=\uff08)')
_HAS_WORDS = re.compile('[a-z]{2}')
_WITH_PID = re.compile(r'pid \d+')
_ENGLISH = re.compile(r'(?<![^ ])(?:the|is|was|not|of|in|no|to|and|it|by|for|with|at|on|this|that|a|an|has|had|from|be|'
                      r'are|were)(?![^ ,;:])')
# Text of a page, and what of its tags is not for people.
_TAG = re.compile(r'(<[^>]*>)')
_NOT_FOR_PEOPLE = ('style', 'code', 'pre')
_LABEL = re.compile(r'(?<= aria-label=")[^"]*')
# Where the whole of a cell is a name; of a log it is `node, in kern.log`.
_NAME = re.compile(r'<th scope="row"|<h2 id="(?!log-)|<a href="(?!#log-)|<title')


class _Template:
    """One phrase with places: the texts between these, in both languages."""

    def __init__(self, english, other):
        places = _PLACE.findall(english)
        self.between = _PLACE.split(english)[::3]
        self.long = [plus == '+' for plus, _number in places]
        self.numbers = [number for _plus, number in places]
        self.longest = max(self.between, key=len)
        self.weight = sum(map(len, self.between))
        self.other = other

    def match(self, text):
        """{number: text} of the places in a text, or None if it is not this phrase."""
        first, last = self.between[0], self.between[-1]
        if self.longest not in text or not text.startswith(first) or not text.endswith(last):
            return None
        found, at, end = {}, len(first), len(text) - len(last)
        for place, number in enumerate(self.numbers):
            words = self.between[place + 1]
            stop = end if place == len(self.numbers) - 1 else text.find(words, at, end)
            part = text[at:stop] if stop > at else ''
            if not part or (not self.long[place] and _ENDS_PLACE.search(part)):
                return None
            found[number] = part
            at = stop + len(words)
        return found

    def filled(self, parts):
        return _NO_BLANK.sub('', _PLACE.sub(lambda place: parts[place.group(2)], self.other))


class Phrases:
    """The tables of one language; called with an English text it returns the other's."""

    def __init__(self, table, marks):
        self._marks = marks
        self._brackets = _Template(_BRACKETS, marks[_BRACKETS])
        self._exact = {_first_low(english): other for english, other in table.items() if not _PLACE.search(english)}
        templates = [_Template(_first_low(english), other) for english, other in table.items()
                     if _PLACE.search(english)]
        self._templates = sorted(templates, key=lambda template: (not template.between[0], -template.weight))
        self._known = functools.lru_cache(maxsize=1 << 14)(self._look_up)

    def __call__(self, text):
        return self._said(text)[0]

    def missing(self, text):
        """The parts of a text that are English words and stand in no table."""
        return self._said(text)[1]

    def _said(self, text):
        if not _HAS_WORDS.search(text):
            return text, ()
        stripped = text.strip()
        start, end = text[:len(text) - len(text.lstrip())], text[len(text.rstrip()):]
        said, missing = self._known(stripped)
        return start + said + end, missing

    def _look_up(self, text):
        """(the text in the other language, the parts that stay English)."""
        if text[-1:] in '.:' and text[-2:] != '..':
            said, missing = self._said(text[:-1])
            return (text, missing) if said == text[:-1] else (said + self._marks[text[-1]], missing)
        found = self._phrase(text)
        if found:
            return found
        sentences = _SENTENCES.split(text)
        if len(sentences) > 1:
            return self._joined(sentences, '')
        return self._in_parts(text)

    def _in_parts(self, text):
        """The same of a text that is no phrase: from its begin on, each time the most parts that are one."""
        head, inside = _bracketed(text)
        whole = head and self._phrase(head)
        if whole:
            said, missing = self._said(inside)
            return self._brackets.filled({'1': whole[0], '2': said}), whole[1] + missing
        marks = _marks(text)
        starts, ends = zip(*_between(text, _MARK), strict=True)
        said, missing, at, was_said = '', (), 0, True
        while at < len(ends):
            found = next(((end, found) for end in range(len(ends), at, -1) if end - at < len(ends)
                          for found in [self._phrase(text[starts[at]:ends[end - 1]])] if found), None)
            end, (words, left) = found or (at + 1, self._word(text[starts[at]:ends[at]]))
            is_said = words != text[starts[at]:ends[end - 1]]
            if at:
                # Between two parts that stay, all stays.
                mark = marks[at - 1].group()
                said += self._marks[mark] if is_said or was_said else mark
            said, missing, at, was_said = said + words, missing + left, end, is_said
        return _NO_BLANK.sub('', said), missing

    def _word(self, text):
        """The same of a text without marks that is no phrase: of what stands in brackets behind it, or of a list."""
        for word in _LISTED:
            other = self._marks[word]
            parts = [text[start:end] for start, end in _between(text, re.compile(word))]
            if len(parts) > 1:
                said, missing = self._joined(parts, other)
                if not missing or said != _NO_BLANK.sub('', other.join(parts)):
                    return said, missing
        head, inside = _bracketed(text)
        if head:
            said, missing = zip(*(self._said(part) for part in (head, inside)), strict=True)
            if said != (head, inside):
                return self._brackets.filled({'1': said[0], '2': said[1]}), sum(missing, ())
        return text, (text,) if _ENGLISH.search(text) and ' ' in text else ()

    def _phrase(self, text):
        """What a table has for the whole of a text, or None."""
        low = _first_low(text)
        if low in self._exact:
            return self._exact[low], ()
        for template in self._templates:
            # A name or a time at the begin is as it is.
            parts = template.match(low if template.between[0] else text)
            if parts is not None:
                said = {number: self._said(part) for number, part in parts.items()}
                return (template.filled({number: part[0] for number, part in said.items()}),
                        sum((part[1] for part in said.values()), ()))
        return None

    def _joined(self, parts, mark):
        said, missing = zip(*(self._said(part) for part in parts), strict=True)
        return _NO_BLANK.sub('', mark.join(said)), sum(missing, ())


def _marks(text, pattern=_MARK):
    """The places where a text has parts, but for those in brackets."""
    found, deep, at = [], 0, 0
    for mark in pattern.finditer(text):
        deep = max(0, deep + text.count('(', at, mark.start()) - text.count(')', at, mark.start()))
        at = mark.start()
        if not deep:
            found.append(mark)
    return found


def _between(text, pattern):
    """(start, end) of each part of a text between the marks of a pattern."""
    marks = _marks(text, pattern)
    return list(zip([0] + [mark.end() for mark in marks], [mark.start() for mark in marks] + [len(text)], strict=True))


def _bracketed(text):
    """(what stands before the brackets at a text's end, what is in them); (None, None) if there is nothing to read."""
    at, deep = len(text), 0
    while text[-1:] == ')' and at > 0:
        at -= 1
        deep += {')': 1, '(': -1}.get(text[at], 0)
        if not deep:
            head, inside = text[:at], text[at + 1:-1]
            return (head[:-1], inside) if head[-1:] == ' ' and not _WITH_PID.fullmatch(inside) else (None, None)
    return None, None


def _first_low(text):
    """The text with a small first letter, unless its first word is a name in capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == ' ' else text


def _same(text):
    return text


@functools.lru_cache(maxsize=None)
def phrases(language):
    """What turns English texts into a language's; raises ValueError if there are no tables of it."""
    if language not in LANGUAGES:
        raise ValueError('rescue_language is %r: give %s' % (language, ' or '.join(LANGUAGES)))
    if language == 'en':
        return _same
    found = {path.name: json.loads(path.read_text(encoding='utf-8')) for path in (TABLES / language).glob('*.json')}
    marks, table = found.pop('marks.json'), {}
    for phrases_of_file in found.values():
        table.update(phrases_of_file)
    return Phrases(table, marks)


def page_texts(page):
    """The texts of a page that are for people: (parts, numbers of those that are texts)."""
    parts, closed, named, texts = _TAG.split(page), None, False, []
    for number, part in enumerate(parts):
        if number % 2:
            name = part.strip('</>').split(' ')[0].split('\n')[0]
            if name in _NOT_FOR_PEOPLE:
                closed = None if part.startswith('</') else name
            named = bool(_NAME.match(part))
        elif not closed and not named and part.strip():
            texts.append(number)
    return parts, texts


def translated_page(page, language):
    """A finished page in a language: the text between its tags, but what is a name, a command or a log's own."""
    say = phrases(language)
    if say is _same:
        return page
    parts, texts = page_texts(page)
    for number in texts:
        parts[number] = _text(parts[number], say)
    for number in range(1, len(parts), 2):
        parts[number] = _LABEL.sub(lambda found: html.escape(say(html.unescape(found.group()))), parts[number])
    return ''.join(parts).replace('<html lang="en">', '<html lang="%s">' % TAGS.get(language, language), 1)


def _text(text, say):
    words = ' '.join(html.unescape(text).split())
    start, end = (' ' if text[:1].isspace() else ''), (' ' if text[-1:].isspace() else '')
    return start + html.escape(say(words), quote=False) + end
