"""The opening of a leaf: what of an event, its message and its attempt is committed to. Shapes as in docs/evidence.md.

Made when the fact is recorded and kept beside the salt; the log has the commitment alone. The same shapes are in an
evidence bundle, so that whoever has it can compare word for word. Values that JSON cannot say exactly are written as
text, for no fact may go unrecorded because of its form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from relay.ledger.canonical import GREATEST
from relay.model.delivery import Attempt
from relay.model.event import Event
from relay.model.message import Message
from relay.model.report import Payload


def opening_of(
    event: Event,
    *,
    message: Message | None = None,
    attempt: Attempt | None = None,
    payload: Payload | None = None,
    recipient: str | None = None,
) -> dict[str, Any]:
    """What `commit` hashes for this event, ready for `canonical`.

    `message`: with `captured` (and what else brings a message in). `attempt`: with the event that closes it, as it was
    closed. `payload`: with an event that tells of a report. `recipient`: the address of the event's delivery.

    >>> opening_of(Event("01J00000000000000000000001", 0, Kind("paused"), "user:ann"))
    {'actor': 'user:ann', 'data': {}, 'grade': 'A'}
    """
    opening: dict[str, Any] = {"actor": plain(event.actor), "data": plain(event.data), "grade": str(event.grade)}
    if message is not None:
        opening["message"] = message_facts(message)
    if attempt is not None:
        opening["attempt"] = attempt_facts(attempt)
    if payload is not None:
        opening["payload"] = payload_facts(payload)
    if recipient is not None:
        opening["recipient"] = plain(recipient)
    return opening


def message_facts(message: Message) -> dict[str, Any]:
    """Everything that was known when the message was kept: `envelope.json` of a bundle. Hashes are hexadecimal."""
    envelope = asdict(message.envelope)
    facts = {
        "id": message.id,
        "received_at": message.received_at,
        "application": message.application,
        "mode": message.mode,
        "size": message.size,
        "sha256": message.sha256.hex(),
        "envelope": envelope,
        "reception": asdict(message.reception),
        "traits": sorted(message.traits),
        "hops": message.hops,
        "tags": message.tags,
        "parent": message.parent_id,
    }
    return _object(facts)


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    """One attempt with the whole reply: a line of `smtp.jsonl`. The edits are witnessed by the hash of their result."""
    facts = {
        "id": attempt.id,
        "delivery": attempt.delivery_id,
        "message": attempt.message_id,
        "number": attempt.number,
        "upstream": attempt.upstream,
        "began_at": attempt.began_at,
        "finished_at": attempt.finished_at,
        "wire_sha256": attempt.wire_sha256.hex(),
        "wire_size": attempt.wire_size,
        "reply": None if attempt.reply is None else asdict(attempt.reply),
        "is_uncertain": attempt.is_uncertain,
        "peer": attempt.peer,
        "tls_version": attempt.tls_version,
        "tls_cipher": attempt.tls_cipher,
        "sender": attempt.sender,
        "signatures": [asdict(signature) for signature in attempt.signatures],
        "provider_id": attempt.provider_id,
    }
    return _object(facts)


def payload_facts(payload: Payload) -> dict[str, Any]:
    """What a provider reported, as it came, but for its octets, which are named by their hash."""
    facts = {
        "id": payload.id,
        "received_at": payload.received_at,
        "source": payload.source,
        "grade": payload.grade,
        "verdict": payload.verdict,
        "headers": payload.headers,
        "peer": payload.peer,
        "size": len(payload.body),
        "sha256": hashlib.sha256(payload.body).hexdigest(),
    }
    return _object(facts)


def plain(value: object, depth: int = 0) -> Any:
    """The value with only what canonical JSON knows: tuples as lists, the rest as text.

    A fraction becomes its shortest decimal spelling, a number beyond ±(2^53 - 1) its digits, octets hexadecimal; of
    text that is not Unicode the surrogates are written as `\\udcNN`; what lies too deep is written as Python would.
    No value is refused.

    >>> plain({"rate": 0.1, "pair": (1, None)})
    {'rate': '0.1', 'pair': [1, None]}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -GREATEST <= value <= GREATEST else str(int(value))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {_text(str(name)): plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and depth < _DEEPEST:
        items = [plain(item, depth + 1) for item in value]
        return sorted(items, key=repr) if isinstance(value, (set, frozenset)) else items
    return _text(str(value))


_DEEPEST = 32
"""Leaves room for the objects around it (`canonical.DEEPEST`)."""


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _object(facts: Mapping[str, object]) -> dict[str, Any]:
    return {name: plain(value) for name, value in facts.items()}
