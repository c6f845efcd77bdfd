"""What leaves commit to, spelt straight from rows, many at a time: several times as fast as through values.

The octets are those of `canonical(opening_of(…))`; a test compares them for whatever can be recorded. What is unusual
(text beyond ASCII, numbers beyond ±(2^53 - 1), reports) is left to `leaves.openings`, which has the rule.
"""

from __future__ import annotations

import json
import json.encoder
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from operator import itemgetter
from secrets import token_hex
from typing import Any

from relay.archive.rows import MESSAGE_COLUMNS, Row
from relay.ledger.canonical import GREATEST, canonical
from relay.ledger.opening import plain
from relay.model.event import Kind
from relay.model.message import Trait
from relay.model.signature import Signature

BROUGHT_IN = frozenset({Kind.CAPTURED, Kind.IMPORTED})
"""Kinds of events that commit to the facts of their message."""

_OF_MESSAGE = (
    *("id", "received_at", "declared_size", "envid", "sender", "parent_id", "peer", "size", "sha256", "recipients"),
    # What messages of one application have in common, mostly.
    *("application", "auth", "body", "ret", "smtputf8", "hops", "mode", "auth_user", "helo", "listener", "protocol"),
    *("tls_cipher", "tls_version", "via_proxy", "tags", "traits"),
)
_MESSAGES = f"SELECT {', '.join(_OF_MESSAGE)} FROM message WHERE id IN (SELECT value FROM json_each(?))"
_reordered = itemgetter(*map(MESSAGE_COLUMNS.index, _OF_MESSAGE))
_OF_ATTEMPT = (
    *("attempt.began_at", "attempt.delivery_id", "attempt.finished_at", "attempt.id", "attempt.is_uncertain"),
    *("message.id", "attempt.number", "attempt.peer", "attempt.provider_id", "attempt.reply_code"),
    *("attempt.reply_enhanced", "attempt.reply_is_local", "attempt.reply_text", "attempt.sender"),
    *("attempt.tls_cipher", "attempt.tls_version", "attempt.upstream", "attempt.wire_size"),
)
_ATTEMPTS = (
    f"SELECT {', '.join(_OF_ATTEMPT)}, attempt.signatures, attempt.wire_sha256 FROM attempt"
    " JOIN message ON message.seq = message_seq WHERE attempt.id IN (SELECT value FROM json_each(?))"
)
_RECIPIENTS = "SELECT id, recipient FROM delivery WHERE id IN (SELECT value FROM json_each(?))"
_PLAIN_LIST = re.compile(r'\[(?:"[^"\\\x00-\x1f]*"(?:,"[^"\\\x00-\x1f]*")*)?\]')
_ONE_ATTEMPT = re.compile(r'\{"attempt":"([0-9A-Z]{26})"\}')
_SCALARS = frozenset({str, int, type(None)})
_DEEPEST = 30
"""Lists and objects in the data of an event, beyond which it is not asked how deep they lie."""


class _Unusual(Exception):
    """Not to be spelt here."""


Brought = Mapping[str, Row]
"""Messages that were written just now, by id, as rows of MESSAGE_COLUMNS: they need not be read again."""
NONE: Brought = {}


def spelt_openings(database: sqlite3.Connection, rows: Sequence[Row], brought: Brought = NONE) -> list[bytes | None]:
    """What the commitment of each event is of, from rows of EVENT_COLUMNS; None: ask `leaves.openings`."""
    try:
        return _spelt(database, rows, brought)
    except (_Unusual, ValueError, TypeError, KeyError, AttributeError):
        return [None] * len(rows)


def _spelt(database: sqlite3.Connection, rows: Sequence[Row], brought: Brought) -> list[bytes | None]:
    data = _data([row[7] for row in rows])
    messages = _messages(database, [row[4] for row in rows if row[2] in BROUGHT_IN], brought)
    attempts = _attempts(_found(database, _ATTEMPTS, [attempt for _, attempt in data if attempt]))
    recipients = _recipients(database, {row[5] for row in rows} - {None})
    openings: list[bytes | None] = []
    for row, (text, attempt) in zip(rows, data, strict=True):
        about = f',"message":{messages[row[4]]}' if row[2] in BROUGHT_IN and row[4] in messages else ""
        tried = f',"attempt":{attempts[attempt]}' if attempt in attempts else ""
        to = f',"recipient":{recipients[row[5]]}' if row[5] in recipients else ""
        spelt = f'{{"actor":{_text(row[3])}{tried},"data":{text},"grade":{_text(row[6])}{about}{to}}}'
        # Beyond ASCII the order of names is another one.
        openings.append(spelt.encode() if text and spelt.isascii() else None)
    return openings


def _messages(database: sqlite3.Connection, ids: Sequence[str], brought: Brought) -> dict[str, str]:
    """The facts of messages, spelt, by id."""
    rows = [_reordered(brought[id_]) for id_ in ids if id_ in brought]
    rows += _found(database, _MESSAGES, [id_ for id_ in ids if id_ not in brought])
    return {row[0]: _message(row) for row in rows}


def _found(database: sqlite3.Connection, statement: str, ids: Sequence[str]) -> list[Any]:
    return database.execute(statement, (json.dumps(ids),)).fetchall() if ids else []


def _attempts(rows: Sequence[Row]) -> dict[str, str]:
    """Spelt facts by id. A row has the values that are spelt one by one first, then those that are not."""
    if not rows:
        return {}
    width = len(_OF_ATTEMPT)
    tokens = _tokens([value for row in rows for value in row[:width]])
    return dict(_attempt(row, tokens[n * width : (n + 1) * width]) for n, row in enumerate(rows))


def _recipients(database: sqlite3.Connection, ids: Iterable[str]) -> dict[str, str]:
    return {id_: _text(recipient) for id_, recipient in _found(database, _RECIPIENTS, list(ids))}


def _tokens(values: list[object]) -> list[str]:
    """The JSON of each. One call for all: a line end stands between them, and none in what is quoted."""
    if not _SCALARS.issuperset(map(type, values)):
        raise _Unusual
    return _encoded(values)[1:-1].split("\n")


_quoted = json.encoder.encode_basestring
_encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=("\n", ":")).encode


def _message(row: Row) -> str:
    """What messages of one application have in common is spelt once."""
    id_, received_at, declared_size, envid, sender, parent, peer, size, sha256, recipients, *common = row
    _check(received_at, declared_size or 0, size)
    first, second, third, fourth, fifth, sixth, last = _common(*common)
    declared = "null" if declared_size is None else declared_size
    return (
        f'{first}{declared},"envid":{_text(envid)},"recipients":{_envelope(recipients)}{second}{_text(sender)}{third}'
        f'{_text(id_)}{fourth}{_text(parent)},"received_at":{received_at}{fifth}{_text(peer)}{sixth}{sha256.hex()}",'
        f'"size":{size}{last}'
    )


@lru_cache(256, typed=True)
def _common(
    application: str,
    auth: str | None,
    body: str | None,
    ret: str | None,
    smtputf8: int,
    hops: int,
    mode: str,
    auth_user: str | None,
    helo: str,
    listener: str,
    protocol: str,
    tls_cipher: str | None,
    tls_version: str | None,
    via_proxy: str | None,
    tags: str,
    traits: str,
) -> tuple[str, ...]:
    """What stands before, between and behind the values of one message."""
    _check(hops)
    is_utf8 = "true" if smtputf8 else "false"
    return (
        f'{{"application":{_text(application)},"envelope":{{"auth":{_text(auth)},"body":{_text(body)},"declared_size":',
        f',"ret":{_text(ret)},"sender":',
        f',"smtputf8":{is_utf8}}},"hops":{hops},"id":',
        f',"mode":{_text(mode)},"parent":',
        f',"reception":{{"auth_user":{_text(auth_user)},"helo":{_text(helo)},"listener":{_text(listener)},"peer":',
        f',"protocol":{_text(protocol)},"tls_cipher":{_text(tls_cipher)},"tls_version":{_text(tls_version)},'
        f'"via_proxy":{_text(via_proxy)}}},"sha256":"',
        f',"tags":{_tags(tags)},"traits":{_traits(traits)}}}',
    )


_ATTEMPT_FORM = (
    '{"began_at":%s,"delivery":%s,"finished_at":%s,"id":%s,"is_uncertain":%s,"message":%s,"number":%s,"peer":%s,'
    '"provider_id":%s,"reply":%s,"sender":%s,"signatures":%s,"tls_cipher":%s,"tls_version":%s,"upstream":%s,'
    '"wire_sha256":"%s","wire_size":%s}'
)
_REPLY_FORM = '{"code":%s,"enhanced":%s,"is_local":%s,"text":%s}'


def _attempt(row: Row, tokens: list[str]) -> tuple[str, str]:
    _check(row[0], row[2] or 0, row[6], row[9] or 0, row[17])
    is_uncertain, is_local = ("true" if row[n] else "false" for n in (4, 11))
    reply = "null" if row[9] is None else _REPLY_FORM % (*tokens[9:11], is_local, tokens[12])
    signatures, sha256 = row[len(_OF_ATTEMPT) :]
    values = (*tokens[:4], is_uncertain, *tokens[5:9], reply, tokens[13], _signatures(signatures), *tokens[14:17])
    return row[3], _ATTEMPT_FORM % (*values, sha256.hex(), tokens[17])


def _check(*numbers: int) -> None:
    for number in numbers:
        if type(number) is not int or not 0 <= number <= GREATEST:
            raise _Unusual


def _text(value: str | None) -> str:
    if value is None:
        return "null"
    if type(value) is not str:
        raise _Unusual
    return _quoted(value)


def _envelope(text: str) -> str:
    """The recipients of an envelope, from the JSON that `rows` makes of them."""
    if text.count('"') == 2 and _PLAIN_LIST.fullmatch(text):
        return f'[{{"address":{text[1:-1]},"notify":null,"orcpt":null}}]'
    spelt = []
    for value in json.loads(text):
        address, notify, orcpt = _tokens([value, None, None] if isinstance(value, str) else value)
        spelt.append(f'{{"address":{address},"notify":{notify},"orcpt":{orcpt}}}')
    return f"[{','.join(spelt)}]"


@lru_cache(1024)
def _tags(text: str) -> str:
    return text if _PLAIN_LIST.fullmatch(text) else canonical(plain(json.loads(text))).decode()


@lru_cache(64)
def _traits(text: str) -> str:
    return canonical(sorted(map(str, map(Trait, text.split())))).decode()


@lru_cache(256)
def _signatures(text: str | None) -> str:
    return canonical([plain(asdict(Signature(**value))) for value in json.loads(text or "[]")]).decode()


def _data(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The data of each event, spelt, and the id of the attempt that is named there. Both '' for what is unusual."""
    if texts.count("{}") == len(texts):
        return [("{}", "")] * len(texts)
    found: list[tuple[str, str]] = []
    values: list[object] = []
    # One call spells all; what stands between them was never seen before.
    mark = token_hex(16)
    for text in texts:
        if text == "{}":
            found.append((text, ""))
        elif one := _ONE_ATTEMPT.fullmatch(text):
            found.append((text, one[1]))
        elif text.count("{") + text.count("[") > _DEEPEST or "payload" in (value := _decoded(text)):
            found.append(("", ""))
        else:
            attempt = value.get("attempt")
            found.append((mark, attempt if isinstance(attempt, str) else ""))
            values += value, mark
    spelt = iter(_sorted(values)[1:].split(f',"{mark}"')) if values else iter(())
    return [(next(spelt).removeprefix(",") if text is mark else text, attempt) for text, attempt in found]


def _whole(digits: str) -> int | str:
    number = int(digits)
    return number if -GREATEST <= number <= GREATEST else str(number)


def _fraction(spelt: str) -> str:
    return str(float(spelt))


_decoded = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=_fraction).decode
_sorted = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True).encode
