"""Our identifier in the field that a provider hands back with its reports: added, or merged with what is there. Pure.

    provider    field                                                     where in it
    postmark    X-PM-Metadata-mailwitness: ID                             a field of its own
    resend      X-Mailwitness-Id: ID                                      the same; it names the fields of a mail
    ses         X-SES-MESSAGE-TAGS: mailwitness=ID, a=b                   before the application's tags
    mailgun     X-Mailgun-Variables: {"mailwitness":"ID", …}              in the object
    brevo       X-Mailin-custom: {"mailwitness":"ID", …}                  in the object
    mailjet     X-MJ-EventPayload: {"mailwitness":"ID", …}                in the object, or in X-MJ-CustomID
    sendgrid    X-SMTPAPI: {"unique_args":{"mailwitness":"ID", …}, …}     in the object within
    sparkpost   X-MSYS-API: {"metadata":{"mailwitness":"ID", …}, …}       in the object within

What the application wrote stays, octet for octet; our part is put between. Where it cannot be told for certain how the
provider reads the application's value, nothing is changed, and a reason says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from relay.model.edit import Edit
from relay.rendition.entity import Field
from relay.rendition.mime import header_fields

STEP = "metadata"
KEY = "mailwitness"
LINE = 998
"""Octets of a line before its CRLF (RFC 5322 section 2.1.1)."""
SENDGRID_LIMIT = 10_000
"""Octets of an X-SMTPAPI field."""

_IDENTIFIER_LENGTH = 26
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]:]', re.DOTALL)
_FOLD = re.compile(rb"\r\n|\r|\n")
_TAG = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_OBJECT = {
    "mailgun": ("X-Mailgun-Variables", ""),
    "brevo": ("X-Mailin-custom", ""),
    "mailjet": ("X-MJ-EventPayload", ""),
    "sendgrid": ("X-SMTPAPI", "unique_args"),
    "sparkpost": ("X-MSYS-API", "metadata"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the identifier goes in a content, the same for every copy; `reason`: why there is none."""

    position: int = 0
    before: bytes = b""
    after: bytes = b""
    reason: str = ""

    def edits(self, identifier: str) -> tuple[Edit, ...]:
        """The edit that puts the identifier (a ULID) there."""
        if self.reason:
            return ()
        octets = self.before + identifier.encode("ascii") + self.after
        return (Edit(self.position, self.position, octets, STEP),)


def place(content: bytes, provider: str) -> Place:
    """Where `provider`, one of the table above, gets the identifier."""
    fields = header_fields(content)
    if provider == "resend":
        # One that is there speaks to us alone, and is taken out of every copy.
        return _new("X-Mailwitness-Id")
    if provider == "postmark":
        return _own(fields, "X-PM-Metadata-mailwitness")
    if provider == "ses":
        return _tags(content, fields)
    name, inner = _OBJECT[provider]
    found = _object(content, fields, name, inner)
    if found.reason and provider == "mailjet" and not _named(fields, "X-MJ-CustomID"):
        return _new("X-MJ-CustomID")
    return found


def _named(fields: Sequence[Field], name: str) -> list[Field]:
    return [field for field in fields if field.key == name.lower()]


def _new(name: str, before: str = "", after: str = "") -> Place:
    """A new field on top."""
    return Place(0, f"{name}: {before}".encode("ascii"), f"{after}\r\n".encode("ascii"))


def _own(fields: Sequence[Field], name: str) -> Place:
    return Place(reason=f"{name} left alone: the message has one") if _named(fields, name) else _new(name)


def _tags(content: bytes, fields: Sequence[Field]) -> Place:
    name = "X-SES-MESSAGE-TAGS"
    found = _named(fields, name)
    if not found:
        return _new(name, f"{KEY}=")
    if len(found) > 1:
        return Place(reason=f"{name} left alone: the message has {len(found)}")
    value = _unfolded(found[0].value(content)).decode("latin-1").strip()
    names = [_TAG.match(tag) for tag in value.split(",")] if value else []
    if not all(names):
        return Place(reason=f"{name} left alone: it is no list of name=value")
    if any(match is not None and match[1] == KEY for match in names):
        return Place(reason=f"{name} left alone: it has {KEY} already")
    return _between(content, found[0].value_start, f" {KEY}=", "," if value else "")


def _object(content: bytes, fields: Sequence[Field], name: str, inner: str) -> Place:
    found = _named(fields, name)
    if not found:
        head, tail = (f'{{"{inner}":', "}") if inner else ("", "")
        return _new(name, f'{head}{{"{KEY}":"', f'"}}{tail}')
    # Of several fields the first: where a provider takes them together they are one object to it.
    if len(found) > 1 and name != "X-Mailgun-Variables":
        return Place(reason=f"{name} left alone: the message has {len(found)}")
    value = found[0].value(content)
    if name == "X-SMTPAPI" and len(value) > SENDGRID_LIMIT - 100:
        return Place(reason=f"{name} left alone: it would be longer than {SENDGRID_LIMIT} octets")
    whole = _json(value)
    if whole is None:
        return Place(reason=f"{name} left alone: it is no JSON object")
    held = whole.get(inner) if inner else whole
    if held is None and inner not in whole:
        head, tail, is_alone, opening = f'"{inner}":{{"{KEY}":"', '"}', not whole, _opening(value, "")
    elif not isinstance(held, dict):
        return Place(reason=f"{name} left alone: its {inner} is no object")
    elif KEY in held:
        return Place(reason=f"{name} left alone: it has {KEY} already")
    else:
        head, tail, is_alone, opening = f'"{KEY}":"', '"', not held, _opening(value, inner)
    return _between(content, found[0].value_start + opening, head, tail if is_alone else f"{tail},")


def _unfolded(value: bytes) -> bytes:
    return _FOLD.sub(b"", value)


def _json(value: bytes) -> dict[str, Any] | None:
    """The object in a field's value; None if it is none, by RFC 8259."""
    try:
        given = json.loads(_unfolded(value), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _opening(value: bytes, inner: str) -> int:
    """Where the outer object of `value`, which is JSON, begins inside, or that under the key `inner`: of several the
    last, which is the one that counts."""
    opening = -1
    for kind, key, position in _openings(value):
        if kind == 1 and not inner:
            return position
        if kind == 2 and inner and key == inner:
            opening = position
    return opening


def _openings(value: bytes) -> Iterator[tuple[int, str, int]]:
    """(depth, key in the outer object, place after the brace) of each object down to depth 2."""
    depth, string, key = 0, b"", ""
    for token in _TOKEN.finditer(value):
        octets = token[0]
        if octets == b"{":
            depth += 1
            if depth <= 2:
                yield depth, key, token.end()
        elif octets == b"[":
            depth += 1
        elif octets in b"}]":
            depth -= 1
        elif octets == b":":
            if depth == 1:
                key = json.loads(_unfolded(string))
        else:
            string = octets


def _between(content: bytes, position: int, head: str, tail: str) -> Place:
    """Between two octets of a field, on a line of its own where the line there would be too long."""
    before, after = head.encode("ascii"), tail.encode("ascii")
    start = max(content.rfind(b"\n", 0, position), content.rfind(b"\r", 0, position)) + 1
    end = _FOLD.search(content, position)
    rest = content[position : end.start() if end else len(content)]
    if position - start + len(before) + _IDENTIFIER_LENGTH + len(after) + len(rest) > LINE:
        before = b"\r\n " + before.lstrip()
        if rest.strip():
            after += b"\r\n "
    return Place(position, before, after)
