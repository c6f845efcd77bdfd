"""Secrets hidden in what is shown: reset links, one-time codes, whatever the rules `[[mask]]` find. Pure.

    rules = rules_of(config.mask)
    masked("Your code is 493021", rules, "body")      -> "Your code is [hidden: code]"
    withheld(content, rules, bodies=True, attachments=False)   -> the message with what may not be seen taken out

The patterns come from the configuration and the text from anybody, so they run in RE2: time linear in the text.
Does not decide who may see what (`discretion.py`).
"""

from __future__ import annotations

import codecs
import html
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from relay.config import Mask
from relay.model.edit import Edit
from relay.rendition.charsets import is_known
from relay.rendition.decode import decode_field, decode_text, parameter
from relay.rendition.edit import splice
from relay.rendition.entity import segments
from relay.rendition.mime import Part, parse, walk
from relay.rendition.parts import bodies as bodies_of
from relay.rendition.parts import is_message
from relay.rendition.text import SNIPPET_LENGTH, html_to_text

MARK = "[hidden: "
"""What stands in place of something hidden begins so."""
WHOLE_PART = f"{MARK}this part holds what is not shown to you]"


@dataclass(frozen=True, slots=True)
class Rule:
    """`places`: where it looks: `subject`, `headers`, `body`."""

    name: str
    pattern: Any
    """Of RE2; its first group, or all of it, is hidden."""
    places: frozenset[str]

    def hide(self, text: str) -> str:
        pieces, position = [], 0
        for found in self.pattern.finditer(text):
            start, stop = found.span(1 if self.pattern.groups and found.span(1) != (-1, -1) else 0)
            if start < stop:
                pieces += [text[position:start], f"{MARK}{self.name}]"]
                position = stop
        return "".join([*pieces, text[position:]]) if pieces else text


Rules = Sequence[Rule]


def rules_of(masks: Iterable[Mask]) -> tuple[Rule, ...]:
    return tuple(Rule(mask.name, re2.compile(mask.pattern), frozenset(mask.where)) for mask in masks)


def masked(text: str, rules: Rules, *places: str) -> str:
    """The text with all that the rules for any of the places find hidden."""
    for rule in rules:
        if not rule.places.isdisjoint(places):
            text = rule.hide(text)
    return text


def masked_snippet(text: str, rules: Rules) -> str:
    """A snippet may end within a secret, which no rule would know any more: its last word goes."""
    shown = masked(text, rules, "body")
    is_cut = len(text) >= SNIPPET_LENGTH - 1 and any("body" in rule.places for rule in rules)
    return shown.rpartition(" ")[0] if is_cut and not shown.endswith("]") else shown


def withheld(content: bytes, rules: Rules, *, bodies: bool = True, attachments: bool = True) -> bytes:
    """The message with secrets hidden, without its bodies, without its attachments: as somebody may see it.

    The very same octets where nothing had to go. What is replaced keeps its charset and transfer encoding, so that
    the message can be read as before.
    """
    root = parse(content)
    parts = list(walk(root))
    read = {part.number for part in bodies_of(root)}
    edits = [edit for part in parts for edit in _fields(part, content, rules)]
    for tile in segments(root):
        part = parts[tile.number]
        if tile.kind in ("preamble", "epilogue"):
            hidden = masked(content[tile.start : tile.stop].decode("latin-1"), rules, "body").encode(
                "latin-1", "replace"
            )
            replacement = hidden if bodies else b""
        elif tile.kind != "body":
            continue
        elif not (bodies if part.number in read else attachments):
            replacement = b""
        else:
            replacement = _body(part, content, rules)
        if replacement != content[tile.start : tile.stop]:
            edits.append(Edit(tile.start, tile.stop, replacement, "withheld"))
    return splice(content, sorted(edits, key=lambda edit: edit.start))


def _fields(part: Part, content: bytes, rules: Rules) -> Iterator[Edit]:
    for field in part.fields:
        text = decode_field(field.value(content))
        shown = masked(text, rules, "headers", *(["subject"] if field.key == "subject" else []))
        if shown != text:
            yield Edit(field.value_start, field.value_stop, b" " + shown.encode(), "withheld")


def is_looked_into(part: Part) -> bool:
    """Whether rules look into what the leaf holds."""
    return part.content_type.startswith(("text/", "multipart/")) or is_message(part)


def _body(part: Part, content: bytes, rules: Rules) -> bytes:
    """The leaf's octets; those of text with what the rules find in it hidden."""
    octets = part.body(content)
    if not is_looked_into(part) or not any("body" in rule.places for rule in rules):
        return octets
    text = decode_text(part, content)
    shown = masked(text, rules, "body")
    if part.content_type == "text/html" and _is_still_told(shown, rules):
        shown = WHOLE_PART
    return octets if shown == text else _encoded(shown, part)


def _is_still_told(source: str, rules: Rules) -> bool:
    """Whether HTML says in other words what was hidden in its source: by entities, or in pieces between tags."""
    return any(text != masked(text, rules, "body") for text in (html.unescape(source), html_to_text(source)))


def _encoded(text: str, part: Part) -> bytes:
    charset = parameter(part.parameters, "charset") or ""
    try:
        codec = codecs.lookup(charset).name if is_known(charset) and charset else "utf-8"
    except LookupError:
        codec = "utf-8"
    data = text.replace("\n", "\r\n").encode(codec, "replace")
    if part.transfer_encoding == "base64":
        return encodebytes(data).replace(b"\n", b"\r\n")
    if part.transfer_encoding == "quoted-printable":
        return b2a_qp(data, istext=True)
    return data
