"""Replies of servers with a class that others publish for them: what the rules here were not made from.

ZoneMTA (npm) publishes a list of rules `regex,action,category,message`, many with the reply they were made from as a
comment above. Of each rule comes one reply: that comment if the rule fits it, else the shortest words that the rule
fits. `bounce_classes.tsv` says which of our classes is right for a category. Half of the replies, by the hash of their
text, is held out: nobody looks at what is wrong with those.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

CLASSES = Path(__file__).with_name("bounce_classes.tsv")


@dataclass(frozen=True, slots=True)
class PublishedReply:
    """`classes`: any of these is right; empty: not compared."""

    text: str
    category: str
    classes: frozenset[str]


def is_held_out(name: str) -> bool:
    """Whether it belongs to the half that is measured only."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def classes_of(source: str) -> dict[str, frozenset[str]]:
    """Our classes by the words of a source."""
    lines = (line.split("\t") for line in CLASSES.read_text().splitlines() if not line.startswith("#"))
    return {word: frozenset(ours.split()) - {"-"} for name, word, ours, _ in lines if name == source}


def of_zone_mta(text: str) -> Iterator[PublishedReply]:
    """One reply of each rule that is the first to fit it, as ZoneMTA takes the first."""
    classes = classes_of("zone-mta")
    rules = list(_rules(text))
    for number, (pattern, category, examples) in enumerate(rules):
        for reply in (*examples, _shortest(pattern)):
            first = next((n for n, rule in enumerate(rules) if rule[0].search(reply)), None)
            if first == number:
                yield PublishedReply(reply, category, classes[category])
                break


def _rules(text: str) -> Iterator[tuple[re.Pattern[str], str, list[str]]]:
    comments: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#"):
            comments.append(line.strip("# "))
        elif line:
            pattern, _, category, *_ = line.split(",")
            yield re.compile(pattern, re.IGNORECASE | re.MULTILINE), category, [c for c in comments if c[:1] in "45"]
            comments = []
        else:
            comments = []


def _shortest(pattern: re.Pattern[str]) -> str:
    source = pattern.pattern
    for digits, code in ((r"5\d\d", "550"), (r"4\d\d", "450"), (r"\d\d\d", "550"), (r"\d{3}", "550")):
        source = source.replace(digits, code)
    return " ".join(_words(_parser.parse(source)).split())


def _words(parts: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_word(kind, value) for kind, value in parts)


def _word(kind: Any, value: Any) -> str:
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.BRANCH:
        return _words(value[1][0])
    if kind is op.SUBPATTERN:
        return _words(value[-1])
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, _, repeated = value
        return " " if repeated[0][0] is op.ANY else _words(repeated) * least
    if kind is op.IN:
        return _one_of(value)
    return " " if kind is op.ANY else ""


def _one_of(choices: list[tuple[Any, Any]]) -> str:
    if (op.LITERAL, ord(" ")) in choices or (op.CATEGORY, op.CATEGORY_SPACE) in choices:
        return " "
    if choices[0][0] is op.NEGATE:
        return "x"
    kind, value = choices[0]
    return chr(value) if kind is op.LITERAL else chr(value[0]) if kind is op.RANGE else "1"
