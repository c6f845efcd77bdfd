"""Text terms as FTS5 expressions. Text of a person never becomes FTS5 syntax: only tokens of letters and digits do.

A word that is not quoted stands for every word that begins with it. FTS5 can look for beginnings itself (`"inv" *`),
but then it first puts the lists of all those words together, which for common words takes as long as a table scan.
So the words are looked up (`lexicon.py`) and named one by one where they are few: FTS5 walks them without gathering.
Beginnings of three letters have an index of their own, and are walked as a word is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.archive.normalise import is_spaceless, tokens
from relay.archive.query import Node, Not, Or, Term, Within

COLUMNS = {
    "": "subject author addressees cc sender recipients filenames body attachments",
    "subject": "subject",
    "from": "author",
    "to": "addressees",
    "cc": "cc",
    "sender": "sender",
    "recipient": "recipients",
    "filename": "filenames",
    "body": "body",
    "attachment": "attachments",
    "header": "headers",
}
TEXT = ("", "from", "to", "cc", "recipient", "sender", "subject", "body", "filename", "attachment")
"""Fields that FTS5 answers."""
FRAGMENTS = {
    "address": "author addressees cc sender recipients",
    "code": "subject filenames body",
    "file": "filenames",
}
"""Where each kind of fragment stands."""
SHORTEST = 3
"""Characters from which on a word stands for what begins with it, or contains it."""

PHRASES = 200
"""Phrases that one term may become."""
_GATHERED = re.compile(rf'[^" ]{{{SHORTEST + 1},}}" \*')


@dataclass(frozen=True, slots=True)
class Words:
    """What the words of one term stand for, as far as the archive knows."""

    beginnings: tuple[str, ...] | None
    """Words that begin with the last one; None: too many to name."""
    fragments: tuple[tuple[str, str], ...] = ()
    """(kind, word) of addresses, codes and file names that contain the only word, or end with the first of several."""
    is_recipient: bool = False
    """The term is the whole address of somebody who was written to: a table knows the messages."""


Lexicon = Mapping[Term, Words]


def is_address(term: Term) -> bool:
    """True for a whole address: nobody who writes `ann@example.com` means `joann@example.community`."""
    return "." in term.value.partition("@")[2]


def is_recipient(term: Term) -> bool:
    """True for somebody's whole address in ASCII, asked for as a recipient: `recipient:ann@example.com`."""
    return term.field == "recipient" and term.value.isascii() and not term.value.startswith("@") and is_address(term)


def is_open(term: Term) -> bool:
    """True if the term's last word stands for all that begins with it."""
    found = tokens(term.value)
    if term.is_phrase or not found or is_address(term):
        return False
    return len(found[-1]) >= SHORTEST and not is_spaceless(found[-1])


def text_expression(node: Node, lexicon: Lexicon) -> str:
    """The FTS5 expression of a node that consists of text terms; '' where FTS5 has no words for it."""
    if isinstance(node, Term):
        return match_expression(node, lexicon.get(node)) if node.field in TEXT else ""
    if isinstance(node, Not | Within):
        return ""
    if isinstance(node, Or):
        parts = [text_expression(inner, lexicon) for inner in node.nodes]
        return " OR ".join(f"({part})" for part in parts) if all(parts) else ""
    wanted = [text_expression(inner, lexicon) for inner in node.nodes if not isinstance(inner, Not)]
    unwanted = [text_expression(inner.node, lexicon) for inner in node.nodes if isinstance(inner, Not)]
    if not wanted or not all(wanted) or not all(unwanted):
        return ""
    return " NOT ".join(["(" + " AND ".join(f"({part})" for part in wanted) + ")", *(f"({part})" for part in unwanted)])


def match_expression(term: Term, words: Words | None = None) -> str:
    """The FTS5 expression of a text term; '' if the term has no letter or digit, or another index knows better.

    `subject:INV-12` -> `{subject} : "inv 12" *`; with words: `{subject} : ("inv 123" OR "inv 124")`.
    """
    found = tokens(term.value)
    if not found or (words is not None and words.is_recipient):
        return ""
    columns = COLUMNS[term.field]
    lasts = words.beginnings if words and is_open(term) else None
    star = " *" if is_open(term) else ""
    parts = [_any(columns, [found[:-1]], found[-1], lasts, star)]
    for kind, allowed in FRAGMENTS.items():
        where = [column for column in allowed.split() if column in columns.split()]
        fragments = [fragment for of, fragment in (words.fragments if words else ()) if of == kind]
        if where and fragments and len(found) == 1:
            parts.append(_any(" ".join(where), [[]], found[0], fragments, ""))
        elif where and fragments:
            heads = [[fragment, *found[1:-1]] for fragment in fragments]
            parts.append(_any(" ".join(where), heads, found[-1], lasts, star))
    return parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)


def _any(columns: str, heads: Sequence[Sequence[str]], last: str, lasts: Sequence[str] | None, star: str) -> str:
    """The phrases of each head with each last word; with `star` where those are not known, or too many together."""
    if lasts is not None and len(heads) * len(lasts) <= PHRASES:
        # None begins so: the word itself, which finds nothing either, keeps the expression whole.
        phrases = [f'"{" ".join([*head, word])}"' for head in heads for word in lasts or (last,)]
    else:
        phrases = [f'"{" ".join([*head, last])}"{star}' for head in heads]
    return f"{{{columns}}} : {phrases[0] if len(phrases) == 1 else '(' + ' OR '.join(phrases) + ')'}"


def is_gathered(expression: str) -> bool:
    """True if FTS5 puts lists of hits together before it gives the first: too dear to be asked again and again."""
    return _GATHERED.search(expression) is not None


def has_header(headers: str, name: str, value: str) -> bool:
    """True if a line of `headers` is the named field and contains the value; all are normalised. Used in SQL."""
    for line in headers.split("\n"):
        field, _, rest = line.partition(":")
        if field.strip() == name and value in rest:
            return True
    return False
