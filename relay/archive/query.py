"""The search language: text -> Query. One grammar for URL, grid, API and command line.

    query   = [ or ] ;  or = and *( "OR" and ) ;  and = 1*not ;  not = *"-" term
    term    = "(" or ")" / field ":" value / word / quoted phrase ;  value = word / quoted phrase

A quoted phrase is between double quotes; in it `\\"` is a quote and `\\\\` a backslash. A field's name is letters
and `-` before the first colon. Times are UTC. Pure; never fails but with QuerySyntaxError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relay.model.access import Scope
from relay.model.bounce import BounceClass
from relay.model.delivery import State
from relay.model.fetch import Verdict


class QuerySyntaxError(ValueError):
    """The text is not a query. `start`, `stop`: the half-open range of characters at fault."""

    def __init__(self, message: str, start: int, stop: int) -> None:
        super().__init__(message)
        self.start = start
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is '' for free text; `is_phrase`: was quoted."""

    field: str
    value: str
    is_phrase: bool = False
    span: tuple[int | None, int | None] | None = None
    """Half-open range of UTC microseconds (before, after, on) or octets (larger, smaller); None: unbounded."""


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """The messages within a scope. Made by `scoping.within` only: the language has no words for it."""

    scope: Scope


Node = Term | Not | And | Or | Within


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `And(())` matches everything. Dates in terms are already UTC microsecond ranges."""

    root: Node = And(())


TEXT_FIELDS = ("from", "to", "cc", "recipient", "sender", "subject", "body", "filename", "attachment")
EXACT_FIELDS = ("ref", "tag", "application", "id", "message-id", "mailing")
DATE_FIELDS = ("before", "after", "on")
SIZE_FIELDS = ("larger", "smaller")
ENGAGEMENT_FIELDS = ("opened", "clicked")
FIELDS = (
    *TEXT_FIELDS,
    *EXACT_FIELDS,
    *DATE_FIELDS,
    *SIZE_FIELDS,
    *ENGAGEMENT_FIELDS,
    *("header", "status", "bounce", "has", "is"),
)

PENDING = "pending"
"""`status:pending`: any state in which more will be tried."""
MARKS = ("complained", "unsubscribed")
"""`status:` also takes the recipient's will, which stays beside any state."""
STATUSES = (*(state.value for state in State), PENDING, *MARKS)
BOUNCES = tuple(bounce.value for bounce in BounceClass)
HAS = ("attachment",)
IS = ("held", "resent", "edited", "deleted", "erased")
ENGAGEMENT = {
    "yes": tuple(Verdict),
    "no": tuple(Verdict),
    "human": (Verdict.HUMAN,),
    "proxy": (Verdict.PROXY,),
    "scanner": (Verdict.SCANNER,),
}
"""`opened:` and `clicked:`: the verdicts that count; `yes`: any fetch at all, `no`: none."""

TEXT_LIMIT = 2000
TERM_LIMIT = 100
DEPTH_LIMIT = 20


def parse_query(text: str, *, now: int) -> Query:
    """The query that `text` says; `now` (UTC microseconds) gives relative dates such as `after:7d` their meaning."""
    if len(text) > TEXT_LIMIT:
        raise QuerySyntaxError(f"longer than {TEXT_LIMIT} characters", TEXT_LIMIT, len(text))
    parser = _Parser(_scan(text), now, len(text))
    if parser.is_at_end:
        return Query()
    root = parser.alternatives(0)
    if not parser.is_at_end:
        token = parser.take()
        raise QuerySyntaxError("a closing parenthesis without an opening one", token.start, token.stop)
    return Query(root)


def format_query(query: Query) -> str:
    """Text that parses to an equal query (given the same `now`). Raises ValueError for one narrowed by a scope."""
    return "" if query.root == And(()) else _format(query.root, 0)


def quoted(value: str) -> str:
    """The value as a quoted phrase."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _format(node: Node, level: int) -> str:
    """`level` is how tightly the surroundings bind: 0 none, 1 OR, 2 AND, 3 negation."""
    if isinstance(node, Term):
        return (f"{node.field}:" if node.field else "") + (quoted(node.value) if node.is_phrase else node.value)
    if isinstance(node, Not):
        return "-" + _format(node.node, 3)
    if isinstance(node, Within):
        raise ValueError("a scope cannot be said in the search language")
    if isinstance(node, And):
        text, own = " ".join(_format(inner, 2) for inner in node.nodes), 1
    else:
        text, own = " OR ".join(_format(inner, 1) for inner in node.nodes), 0
    return f"({text})" if level > own else text


# -- tokens --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Token:
    """`kind`: `(`, `)`, `-`, `OR` or `term`."""

    kind: str
    start: int
    stop: int
    field: str = ""
    value: str = ""
    is_phrase: bool = False


_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r"([A-Za-z][A-Za-z-]*):")
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r'[^\s()"]+')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NEGATION = re.compile(r"-(?=[^\s)])")


def _scan(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = _skip(text, 0)
    while position < len(text):
        token = _next_token(text, position)
        tokens.append(token)
        position = token.stop if token.kind == "-" else _skip(text, token.stop)
    return tokens


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _next_token(text: str, start: int) -> _Token:
    if text[start] in "()":
        return _Token(text[start], start, start + 1)
    if _NEGATION.match(text, start):
        return _Token("-", start, start + 1)
    named = _FIELD.match(text, start)
    if named is None:
        value, is_phrase, stop = _value(text, start)
        kind = "OR" if value == "OR" and not is_phrase else "term"
        return _Token(kind, start, stop, "", value, is_phrase)
    field = named[1].lower()
    if field not in FIELDS:
        known = ", ".join(f"{name}:" for name in sorted(FIELDS))
        raise QuerySyntaxError(
            f"there is no field {named[0]} (known are {known}); quote it to search for it as text", start, named.end()
        )
    value, is_phrase, stop = _value(text, named.end(), field)
    return _Token("term", start, stop, field, value, is_phrase)


def _value(text: str, start: int, field: str = "") -> tuple[str, bool, int]:
    """(value, is_phrase, stop) of the word or phrase at `start`."""
    phrase = _PHRASE.match(text, start)
    if phrase is not None:
        return _ESCAPE.sub(r"\1", phrase[1]), True, phrase.end()
    if text.startswith('"', start):
        raise QuerySyntaxError("a quotation mark without its partner", start, len(text))
    word = _WORD.match(text, start)
    if word is None:
        raise QuerySyntaxError(f"{field}: needs a value", start - len(field) - 1, start)
    return word[0], False, word.end()


# -- grammar -------------------------------------------------------------------------------------------------
class _Parser:
    def __init__(self, tokens: list[_Token], now: int, length: int) -> None:
        self._tokens = tokens
        self._now = now
        self._length = length
        self._position = 0
        self._terms = 0

    @property
    def is_at_end(self) -> bool:
        return self._position == len(self._tokens)

    def take(self) -> _Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _peek(self) -> str:
        return "" if self.is_at_end else self._tokens[self._position].kind

    def alternatives(self, depth: int) -> Node:
        nodes = [self._conjunction(depth)]
        while self._peek() == "OR":
            self.take()
            nodes.append(self._conjunction(depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def _conjunction(self, depth: int) -> Node:
        nodes: list[Node] = []
        while self._peek() in ("(", "-", "term"):
            nodes.append(self._negation(depth))
        if not nodes:
            raise self._missing()
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def _missing(self) -> QuerySyntaxError:
        if self.is_at_end:
            return QuerySyntaxError("a search term is missing at the end", self._length, self._length)
        token = self.take()
        return QuerySyntaxError(f"a search term is missing before {token.kind}", token.start, token.stop)

    def _negation(self, depth: int) -> Node:
        if self._peek() != "-":
            return self._term(depth)
        sign = self.take()
        if depth == DEPTH_LIMIT:
            raise QuerySyntaxError(f"nested more than {DEPTH_LIMIT} deep", sign.start, sign.stop)
        return Not(self._negation(depth + 1))

    def _term(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "(":
            return self._group(token, depth + 1)
        self._terms += 1
        if self._terms > TERM_LIMIT:
            raise QuerySyntaxError(f"more than {TERM_LIMIT} terms", token.start, token.stop)
        if token.kind != "term":
            raise QuerySyntaxError(f"a search term is missing before {token.kind}", token.start, token.stop)
        return _checked(token, self._now)

    def _group(self, opening: _Token, depth: int) -> Node:
        if depth > DEPTH_LIMIT:
            raise QuerySyntaxError(f"nested more than {DEPTH_LIMIT} deep", opening.start, opening.stop)
        node = self.alternatives(depth)
        if self.is_at_end:
            raise QuerySyntaxError("a parenthesis is not closed", opening.start, opening.stop)
        self.take()
        return node


# -- values --------------------------------------------------------------------------------------------------
def _checked(token: _Token, now: int) -> Term:
    """The term, if its field takes such a value."""
    check = _CHECKS.get(token.field, _any_value)
    try:
        span = check(token.field, token.value, now)
    except ValueError as error:
        raise QuerySyntaxError(str(error), token.start, token.stop) from None
    return Term(token.field, token.value, token.is_phrase, span)


Span = tuple[int | None, int | None] | None


def _any_value(_field: str, _value: str, _now: int) -> Span:
    return None


def _one_of(known: tuple[str, ...]) -> Callable[[str, str, int], Span]:
    def check(field: str, value: str, _now: int) -> Span:
        if value.lower() not in known:
            raise ValueError(f"{field}: takes one of {', '.join(known)}")
        return None

    return check


_HEADER = re.compile(r"[!-9;-<>-~]+=.+", re.DOTALL)


def _header_value(_field: str, value: str, _now: int) -> Span:
    if not _HEADER.fullmatch(value):
        raise ValueError("header: takes NAME=value, such as header:X-Mailer=Acme")
    return None


_SIZE = re.compile(r"([0-9]{1,12})([KMG]?)B?", re.IGNORECASE)
_SCALE = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def _size_span(field: str, value: str, _now: int) -> Span:
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError(f"{field}: takes a size in octets, such as 2000, 10K or 5M")
    size = int(match[1]) * _SCALE[match[2].upper()]
    return (size + 1, None) if field == "larger" else (None, size)


def _date_span(field: str, value: str, now: int) -> Span:
    start, stop = _period(field, value, now)
    if field == "before":
        return None, start
    return (start, None) if field == "after" else (start, stop)


_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_RELATIVE = re.compile(r"([0-9]{1,5})([mhdw])", re.IGNORECASE)
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _period(field: str, value: str, now: int) -> tuple[int, int]:
    """[start, stop) of the year, month, day or second that the value names, in UTC microseconds."""
    relative = _RELATIVE.fullmatch(value)
    if relative is not None and field != "on":
        ago = now - int(relative[1]) * _UNITS[relative[2].lower()] * 1_000_000
        return ago, ago
    try:
        start, stop = _calendar(value)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{field}: takes a date such as 2026-05-31, 2026-05, 2026 or 2026-05-31T14:30"
            + ("" if field == "on" else ", or an age such as 7d, 12h or 30m")
        ) from None
    return _microseconds(start), _microseconds(stop)


def _calendar(value: str) -> tuple[datetime, datetime]:
    match = _DAY.fullmatch(value)
    if match is None:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return moment, moment + (timedelta(minutes=1) if _is_whole_minute(value) else timedelta(seconds=1))
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    start = datetime(year, month, day, tzinfo=UTC)
    if match[3]:
        return start, start + timedelta(days=1)
    if match[2]:
        return start, start.replace(year=year + month // 12, month=month % 12 + 1)
    return start, start.replace(year=year + 1)


def _is_whole_minute(value: str) -> bool:
    return bool(re.fullmatch(r".*T[0-9]{2}:?[0-9]{2}(Z|[+-][0-9:]+)?", value, re.IGNORECASE))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


_CHECKS: dict[str, Callable[[str, str, int], Span]] = {
    **dict.fromkeys(DATE_FIELDS, _date_span),
    **dict.fromkeys(SIZE_FIELDS, _size_span),
    "header": _header_value,
    "status": _one_of(STATUSES),
    "bounce": _one_of(BOUNCES),
    "has": _one_of(HAS),
    "is": _one_of(IS),
    **dict.fromkeys(ENGAGEMENT_FIELDS, _one_of(tuple(ENGAGEMENT))),
}
