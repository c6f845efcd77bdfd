"""Replies of servers with a class that others publish for them: what the rules here were not made from.

ZoneMTA (npm) publishes a list of rules `regex,action,category,message`, many with the reply they were made from as a
comment above. Of each rule comes one reply: that comment if the rule fits it, else the shortest words that the rule
fits. `bounce_classes.tsv` says which of our classes is right for a category. Half of the replies, by the hash of their
text, is held out: nobody looks at what is wrong with those.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined, unused-ignore]
from re import _parser  # type: ignore[attr-defined, unused-ignore]
from typing import Any

from relay.rendition.diagnosis import classify

WORDS = re.compile(r"(?i)[a-z]{3}.*[^a-z][a-z]{3}")
"""What is more than a code: two words."""
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


def measure(cache: Path) -> Iterator[str]:
    """Lines that say how many replies of each source are classified as published; before them, those that are not."""
    lists = {"zone-mta": (of_zone_mta, "zone-mta/*_bounces.txt"), "sisimai": (of_sisimai, "sisimai-replies/*.tsv")}
    for source, (replies, pattern) in lists.items():
        counts: Counter[str] = Counter()
        for path in cache.glob(pattern):
            yield from _count(source, replies(path.read_text()), counts)
        for half in ("tuned", "held out"):
            shares = (f"{counts[f'{half}{kind} right']} of {counts[half + kind]}" for kind in ("", " words"))
            yield f"replies of {source}, {half}: class right {', of those with words '.join(shares)}"


def _count(source: str, replies: Iterable[PublishedReply], counts: Counter[str]) -> Iterator[str]:
    for reply in (one for one in replies if one.classes):
        half = "held out" if is_held_out(reply.text) else "tuned"
        found = classify(None, "", reply.text).bounce
        right = found in reply.classes or (found == "soft" and "hard" in reply.classes and reply.text[0] == "4")
        for kind in ("", " words") if WORDS.search(reply.text) else ("",):
            counts[half + kind] += 1
            counts[f"{half}{kind} right"] += right
        if not right and half == "tuned":
            yield f"{source}: {reply.text[:200]}: class {found}, not {' '.join(sorted(reply.classes))}"


def of_sisimai(text: str) -> Iterator[PublishedReply]:
    """Lines `their word, reply`, as its own tests pair them (go-sisimai, reason/*_test.go)."""
    classes = classes_of("sisimai")
    for word, reply in (line.split("\t") for line in text.splitlines()):
        yield PublishedReply(reply, word, classes[word])


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
