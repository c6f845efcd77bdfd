"""A query as an SQL condition on `message.seq`. SQLite's dialect: FTS5.

Text of a person never becomes FTS5 syntax: only tokens of letters and digits, each phrase quoted, reach it.

Theory: most terms name a set of messages that an index knows (`Members`). A small set is best asked for as a whole,
`seq IN (…)`, and then sorted; of a large one a page needs few, so that messages are best walked in the page's order
and each tried: `EXISTS (… = seq)`. In the order of dates a large set that an index has by number is gathered in
windows of numbers instead (`walking.py`): the rarest is visited, what it has in the window; for the others `seq + 0`
keeps SQLite from visiting their members one by one. A try of FTS5 costs fifty times what another costs: in other
orders, too, only what nearly every message has is tried. Which it is, is measured first, up to `DENSE` members
(`measuring.py`). Text terms that stand together become one expression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
)

from relay.archive import schema
from relay.archive.matching import TEXT, Lexicon, is_recipient, text_expression
from relay.archive.members import Members, a_set, dated, hits, matching, ordered, tried
from relay.archive.normalise import normalised, tokens
from relay.archive.query import ENGAGEMENT, ENGAGEMENT_FIELDS, MARKS, PENDING, And, Node, Not, Or, Term, Within
from relay.model.access import Scope, Share
from relay.model.token import TokenKind

_message, _listing, _delivery = schema.message.c, schema.listing.c, schema.delivery.c

DENSE = 5000
"""Members from which on a set is walked past instead of gathered."""

PENDING_STATES = ("queued", "sending", "deferred", "unconfirmed")


Part = Callable[[], ColumnElement[bool]]
"""Gives the condition once the sets in it have been measured."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A query on its way to SQL: the sets to be measured, then `condition()`."""

    members: list[Members]
    condition: Part

    @property
    def visited(self) -> Members | None:
        """The set that is visited in windows, if one is: nothing is found beside it."""
        return next((one for one in self.members if one.is_windowed and one.is_visited), None)


def translate(node: Node, lexicon: Lexicon | None = None) -> Translation:
    """The query's sets and, once `is_dense` is right in each, its condition."""
    members: list[Members] = []
    return Translation(members, _part(node, members, lexicon or {}, is_needed=True))


def _part(node: Node, members: list[Members], lexicon: Lexicon, *, is_needed: bool = False) -> Part:
    expression = text_expression(node, lexicon)
    if expression:
        return _noted(matching(expression), members, is_needed=is_needed)
    if isinstance(node, Term):
        # A lone surrogate is no character: SQLite could not be asked for it.
        term = replace(node, value=node.value.encode("utf-8", "replace").decode())
        if term.field in ENGAGEMENT_FIELDS and term.value.lower() == "no":
            return _part(Not(replace(term, value="yes")), members, lexicon)
        found = _FIELDS[term.field](term)
        return _noted(found, members, is_needed=is_needed) if isinstance(found, Members) else lambda: found
    if isinstance(node, Not):
        inner = _part(node.node, members, lexicon)
        return lambda: not_(inner())
    if isinstance(node, Within):
        return _scope(node.scope, members)
    is_needed = is_needed and isinstance(node, And)
    parts = [_part(inner, members, lexicon, is_needed=is_needed) for inner in _gathered(node, lexicon)]
    if isinstance(node, Or):
        return lambda: or_(false(), *(part() for part in parts))
    return lambda: and_(true(), *(part() for part in parts))


def _noted(found: Members, members: list[Members], *, is_needed: bool = False) -> Part:
    found.is_needed = is_needed
    members.append(found)
    return found.condition


def _gathered(node: And | Or, lexicon: Lexicon) -> tuple[Node, ...]:
    """The nodes of an AND with those that FTS5 can answer put together as one."""
    textual = tuple(inner for inner in node.nodes if text_expression(inner, lexicon))
    if isinstance(node, Or) or len(textual) < 2:
        return node.nodes
    return (And(textual), *(inner for inner in node.nodes if inner not in textual))


def _text(term: Term) -> Members | ColumnElement[bool]:
    """A text term that is none for the index: a recipient's whole address, or nothing with a letter or digit."""
    if is_recipient(term):
        found = schema.addressed.c
        return ordered(found.seq, found.address == term.value.lower())
    if term.is_phrase and term.value.strip() and term.field in ("", "subject"):
        # `"***"`: looked for literally in the subject.
        return a_set(_listing.seq, func.instr(_listing.subject, term.value) > 0)
    # Punctuation between words, as in `Tom & Jerry`, says nothing.
    return true()


def _header(term: Term) -> Members:
    name, _, value = term.value.partition("=")
    expression = " AND ".join(
        f'({{headers}} : "{" ".join(found)}"{star})'
        for found, star in ((tokens(name), ""), (tokens(value), "" if term.is_phrase else " *"))
        if found
    )
    document = schema.document.c
    exact = func.has_header(document.headers, normalised(name), normalised(value).strip())
    if not expression:
        return a_set(document.seq, exact)
    chosen = select(document.seq).where(exact)
    found = hits(expression)
    return Members(chosen.where(document.seq.in_(found)), document.seq, tried(chosen, document.seq), found, chosen)


# -- scopes: compared exactly, never by words of the full-text index alone ------------------------------------------
def _scope(scope: Scope, members: list[Members]) -> Part:
    if scope.shares is None:
        return true
    parts = [_share(share, members) for share in scope.shares if share.is_asking]
    return parts[0] if len(parts) == 1 else lambda: or_(false(), *(part() for part in parts))


def _share(share: Share, members: list[Members]) -> Part:
    sets = []
    if share.applications:
        sets.append(_applications(share.applications))
    if share.senders:
        sets.append(_senders(share.senders))
    if share.tags:
        found = schema.message_tag.c
        sets.append(a_set(found.seq, found.tag.in_([tag.casefold() for tag in share.tags])))
    parts = [_noted(one, members) for one in sets]
    return parts[0] if len(parts) == 1 else lambda: and_(*(part() for part in parts))


def _applications(names: tuple[str, ...]) -> Members:
    sent = schema.message.alias("sent").c
    return replace(a_set(sent.seq, sent.application.in_(names)), walked=_message.application.in_(names))


def _senders(patterns: tuple[str, ...]) -> Members:
    """Messages whose author or reverse-path is one of the addresses, or is in one of the `@domains`.

    The full-text index only says where to look; one without any letter is no address, so there it is not asked.
    """
    sent = schema.message.alias("sent")
    joined = sent.join(schema.listing, _listing.seq == sent.c.seq)
    exact = or_(_is_from(_listing.author, patterns), _is_from(func.lower(sent.c.sender), patterns))
    whole = select(sent.c.seq).select_from(joined).where(exact)
    phrases = [" ".join(tokens(pattern)) for pattern in patterns]
    found = hits(" OR ".join(f'{{author sender}} : "{phrase}"' for phrase in phrases if phrase) or '"" NOT ""')
    narrowed = whole.where(sent.c.seq.in_(found))
    return Members(narrowed, sent.c.seq, tried(whole, sent.c.seq), found, whole)


def _is_from(address: ColumnElement[str], patterns: tuple[str, ...]) -> ColumnElement[bool]:
    lowered = [pattern.lower() for pattern in patterns]
    domains = [pattern for pattern in lowered if pattern.startswith("@")]
    ends = [func.substr(address, -len(domain)) == domain for domain in domains]
    return or_(address.in_([one for one in lowered if one not in domains]), *ends)


def _reference(term: Term) -> Members:
    """`INV-12*`: codes that begin so."""
    found, code = schema.message_reference.c, term.value.casefold()
    if code.endswith("*") and not term.is_phrase:
        start = code.rstrip("*")
        return a_set(found.seq, found.code >= start, found.code < start + "\U0010ffff")
    return ordered(found.seq, found.code == code)


def _tag(term: Term) -> Members:
    found = schema.message_tag.c
    return ordered(found.seq, found.tag == term.value.casefold())


def _application(term: Term) -> Members:
    sent = schema.message.alias("sent").c
    found = dated(sent.seq, sent.received_at, sent.application == term.value)
    return replace(found, walked=_message.application == term.value)


def _mailing(term: Term) -> Members:
    mailed = schema.mailed.c
    number = int(term.value) if term.value.isascii() and term.value.isdigit() and len(term.value) < 19 else -1
    return ordered(mailed.seq, mailed.mailing == number)


def _id(term: Term) -> ColumnElement[bool]:
    return _message.id == term.value.upper()


def _message_id(term: Term) -> Members:
    value = term.value.strip("<>")
    # The second condition is the index's own: it leaves messages without the field out.
    return a_set(_listing.seq, _listing.header_message_id == value, text("header_message_id <> ''"))


def _status(term: Term) -> Members:
    value = term.value.lower()
    if value in MARKS:
        return ordered(_delivery.message_seq, _delivery[f"{value}_at"].is_not(None))
    if value == PENDING:
        return a_set(_delivery.message_seq, _delivery.state.in_(PENDING_STATES))
    return ordered(_delivery.message_seq, _delivery.state == value)


def _bounce(term: Term) -> Members:
    is_bounced = _delivery.state == literal("bounced")
    return ordered(_delivery.message_seq, is_bounced, _delivery.bounce == term.value.lower())


def _has(_term: Term) -> Members:
    return a_set(_listing.seq, text("attachment_count > 0"))


def _is(term: Term) -> Members | ColumnElement[bool]:
    match term.value.lower():
        case "held":
            return ordered(_delivery.message_seq, _delivery.state == literal("held"))
        case "deleted":
            deletion = schema.deletion.c
            return a_set(deletion.message_seq, true())
        case "erased":
            return a_set(schema.deletion.c.message_seq, schema.deletion.c.erased_at.is_not(None))
        case "resent":
            event = schema.event.c
            return _message.id.in_(select(event.message_id).where(text("kind = 'resent'")))
        case _:
            return _message.parent_id.is_not(None)


def _engagement(term: Term) -> Members:
    fetch = schema.fetch.c
    kind = TokenKind.OPEN if term.field == "opened" else TokenKind.CLICK
    first, *others = [verdict.value for verdict in ENGAGEMENT[term.value.lower()]]
    if not others:
        return ordered(fetch.message_seq, fetch.kind == kind.value, fetch.verdict == first)
    return a_set(fetch.message_seq, fetch.kind == kind.value, fetch.verdict.in_([first, *others]))


def _received(term: Term) -> ColumnElement[bool]:
    return _between(_message.received_at, term)


def _size(term: Term) -> ColumnElement[bool]:
    return _between(_message.size, term)


def _between(column: ColumnElement[int], term: Term) -> ColumnElement[bool]:
    start, stop = term.span or (None, None)
    lower = true() if start is None else column >= start
    upper = true() if stop is None else column < stop
    return and_(lower, upper)


_FIELDS: dict[str, Callable[[Term], Members | ColumnElement[bool]]] = {
    **dict.fromkeys(TEXT, _text),
    "header": _header,
    "ref": _reference,
    "tag": _tag,
    "application": _application,
    "id": _id,
    "mailing": _mailing,
    "message-id": _message_id,
    "status": _status,
    "bounce": _bounce,
    "has": _has,
    "is": _is,
    **dict.fromkeys(ENGAGEMENT_FIELDS, _engagement),
    **dict.fromkeys(("before", "after", "on"), _received),
    **dict.fromkeys(("larger", "smaller"), _size),
}
