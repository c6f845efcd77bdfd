"""Business codes such as INV-12345 found in a message by configured patterns.

A pattern may be careless: text is searched in short windows, so that one of quadratic cost stays cheap. Against one
of exponential cost there is only the time limit of the process that runs it (`relay/extractor.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import re2

from relay.model.summary import Reference

MAX_REFERENCES = 50
MAX_CODE = 200
MAX_TEXT = 256 * 1024
"""Characters of one text that are searched."""
_WINDOW = 500
_OVERLAP = MAX_CODE


@dataclass(frozen=True, slots=True)
class ReferencePattern:
    """What to look for: `pattern` is a regular expression; its group 1, or all of it, is the code.

    `where` holds `subject`, `headers`, `body`. `link` is for the viewer: `{code}` stands for the code.
    """

    name: str
    pattern: str
    where: tuple[str, ...] = ("subject", "body")
    link: str = ""
    is_linear: bool = False
    """In RE2's syntax: run in a time that grows with the text alone, whatever the pattern."""


def find_references(patterns: Sequence[ReferencePattern], texts: Mapping[str, str]) -> tuple[Reference, ...]:
    """Each code once, in the order of patterns and places; at most MAX_REFERENCES. `texts`: place -> text.

    Raises re.error for a pattern that is none; the configuration refuses those.

    >>> find_references([ReferencePattern("invoice", r"INV-\\d+")], {"subject": "Your invoice INV-7", "body": ""})
    (Reference(name='invoice', code='INV-7'),)
    """
    found: dict[Reference, None] = {}
    for pattern in patterns:
        regex = re2.compile(pattern.pattern) if pattern.is_linear else re.compile(pattern.pattern)
        for place in pattern.where:
            for code in _codes(regex, texts.get(place, "")[:MAX_TEXT]):
                found.setdefault(Reference(pattern.name, code))
                if len(found) == MAX_REFERENCES:
                    return tuple(found)
    return tuple(found)


def _codes(regex: re.Pattern[str], text: str) -> Iterator[str]:
    for match in _matches(regex, text):
        code = (match[1] if regex.groups and match[1] is not None else match[0]).strip()
        if code:
            yield code[:MAX_CODE]


def _matches(regex: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that do not cross a line end; one that a window cuts off is found whole in the next window."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        line_stop = end if end >= 0 else len(text)
        position = start
        while position < line_stop:
            stop = min(position + _WINDOW, line_stop)
            following = stop if stop == line_stop else stop - _OVERLAP
            for match in regex.finditer(text, position, stop):
                if stop < line_stop and match.end() == stop and match.start() >= following:
                    break
                yield match
                following = max(following, match.end())
            position = following
        start = line_stop + 1
