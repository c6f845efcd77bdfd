"""A query as an SQL condition on `message.seq`. SQLite's dialect: FTS5.

Text of a person never becomes FTS5 syntax: only tokens of letters and digits, each phrase quoted, reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, bindparam, false, func, literal, not_, or_, select, text, true
from sqlalchemy.sql.elements import TextClause

from relay.archive import schema
from relay.archive.normalise import normalised, tokens
from relay.archive.query import PENDING, And, Node, Not, Or, Term

_message, _listing, _delivery = schema.message.c, schema.listing.c, schema.delivery.c

COLUMNS = {
    "": "subject author addressees cc sender recipients filenames body",
    "subject": "subject",
    "from": "author",
    "to": "addressees",
    "cc": "cc",
    "sender": "sender",
    "recipient": "recipients",
    "filename": "filenames",
    "body": "body",
    "header": "headers",
}
PENDING_STATES = ("queued", "sending", "deferred", "unconfirmed")


def condition(node: Node) -> ColumnElement[bool]:
    """True for messages that match."""
    match node:
        case And(nodes):
            return and_(true(), *(condition(inner) for inner in nodes))
        case Or(nodes):
            return or_(false(), *(condition(inner) for inner in nodes))
        case Not(inner):
            return not_(condition(inner))
        case Term(field, value):
            # A lone surrogate is no character: SQLite could not be asked for it.
            return _FIELDS[field](replace(node, value=value.encode("utf-8", "replace").decode()))


def match_expression(term: Term) -> str:
    """The FTS5 expression of a text term; '' if the term has no letter or digit.

    `subject:INV-12` -> `{subject} : "inv 12" *`: the tokens in a row, the last one a prefix unless quoted.
    """
    found = tokens(term.value)
    if not found:
        return ""
    phrase = " ".join(found)
    return f'{{{COLUMNS[term.field]}}} : "{phrase}"' + ("" if term.is_phrase else " *")


def _text(term: Term) -> ColumnElement[bool]:
    expression = match_expression(term)
    if expression:
        return _matches(expression)
    if term.is_phrase and term.value.strip() and term.field in ("", "subject"):
        # Nothing that the index knows, `"***"`: looked for literally in the subject.
        found = func.instr(_listing.subject, term.value) > 0
        return _message.seq.in_(select(_listing.seq).where(found))
    # Punctuation between words, as in `Tom & Jerry`, says nothing.
    return true()


def _matches(expression: str) -> ColumnElement[bool]:
    return _message.seq.in_(_hits(expression).columns(schema.document.c.seq))


def _hits(expression: str) -> TextClause:
    """The rows that match; the parameter is unique, or the last term of a query would stand for all of them."""
    hits = text("SELECT rowid FROM full_text WHERE full_text MATCH :expression")
    return hits.bindparams(bindparam("expression", expression, unique=True))


def _header(term: Term) -> ColumnElement[bool]:
    name, _, value = term.value.partition("=")
    expression = " AND ".join(
        f'{{headers}} : "{" ".join(found)}"{star}'
        for found, star in ((tokens(name), ""), (tokens(value), "" if term.is_phrase else " *"))
        if found
    )
    exact = func.has_header(schema.document.c.headers, normalised(name), normalised(value).strip())
    narrowed = select(schema.document.c.seq).where(exact)
    if expression:
        narrowed = narrowed.where(schema.document.c.seq.in_(_hits(expression).columns(schema.document.c.seq)))
    return _message.seq.in_(narrowed)


def has_header(headers: str, name: str, value: str) -> bool:
    """True if a line of `headers` is the named field and contains the value; all are normalised. Used in SQL."""
    for line in headers.split("\n"):
        field, _, rest = line.partition(":")
        if field.strip() == name and value in rest:
            return True
    return False


def _reference(term: Term) -> ColumnElement[bool]:
    table = schema.message_reference.c
    return _message.seq.in_(select(table.seq).where(table.code == term.value.casefold()))


def _tag(term: Term) -> ColumnElement[bool]:
    table = schema.message_tag.c
    return _message.seq.in_(select(table.seq).where(table.tag == term.value.casefold()))


def _application(term: Term) -> ColumnElement[bool]:
    return _message.application == term.value


def _id(term: Term) -> ColumnElement[bool]:
    return _message.id == term.value.upper()


def _message_id(term: Term) -> ColumnElement[bool]:
    value = term.value.strip("<>")
    found = (_listing.header_message_id == value) & (_listing.header_message_id != literal(""))
    return _message.seq.in_(select(_listing.seq).where(found))


def _status(term: Term) -> ColumnElement[bool]:
    value = term.value.lower()
    states = PENDING_STATES if value == PENDING else (value,)
    return _message.seq.in_(select(_delivery.message_seq).where(_delivery.state.in_(states)))


def _has(_term: Term) -> ColumnElement[bool]:
    return _message.seq.in_(select(_listing.seq).where(text("attachment_count > 0")))


def _is(term: Term) -> ColumnElement[bool]:
    match term.value.lower():
        case "held":
            return _message.seq.in_(select(_delivery.message_seq).where(_delivery.state == "held"))
        case "resent":
            event = schema.event.c
            return _message.id.in_(select(event.message_id).where(text("kind = 'resent'")))
        case _:
            return _message.parent_id.is_not(None)


def _received(term: Term) -> ColumnElement[bool]:
    return _between(_message.received_at, term)


def _size(term: Term) -> ColumnElement[bool]:
    return _between(_message.size, term)


def _between(column: ColumnElement[int], term: Term) -> ColumnElement[bool]:
    start, stop = term.span or (None, None)
    lower = true() if start is None else column >= start
    upper = true() if stop is None else column < stop
    return and_(lower, upper)


_FIELDS: dict[str, Callable[[Term], ColumnElement[bool]]] = {
    **dict.fromkeys(("", "from", "to", "cc", "recipient", "sender", "subject", "body", "filename"), _text),
    "header": _header,
    "ref": _reference,
    "tag": _tag,
    "application": _application,
    "id": _id,
    "message-id": _message_id,
    "status": _status,
    "has": _has,
    "is": _is,
    **dict.fromkeys(("before", "after", "on"), _received),
    **dict.fromkeys(("larger", "smaller"), _size),
}
