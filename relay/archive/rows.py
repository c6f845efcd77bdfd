"""Values to table rows and back. The order of each `*_COLUMNS` is the order of the tuples.

Lists and mappings are JSON text; edits and summaries are zstd-compressed JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from relay.archive.compression import compressor, decompressor
from relay.model.bounce import BounceClass
from relay.model.delivery import Attempt, Delivery, State
from relay.model.edit import Edit
from relay.model.event import Event, Grade, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait
from relay.model.reply import Reply
from relay.model.signature import Signature
from relay.model.summary import Addressee, Reference, Summary

_LEVEL = 3
"""Of zstd, for edits and summaries."""

Row = Sequence[Any]

MESSAGE_COLUMNS = [
    "id",
    "received_at",
    "application",
    "mode",
    "size",
    "sha256",
    "parent_id",
    "sender",
    "recipient_count",
    "traits",
    "hops",
    "tags",
    "body",
    "smtputf8",
    "declared_size",
    "ret",
    "envid",
    "auth",
    "peer",
    "helo",
    "protocol",
    "listener",
    "tls_version",
    "tls_cipher",
    "auth_user",
    "via_proxy",
    "recipients",
]
REPLY_COLUMNS = ("reply_code", "reply_enhanced", "reply_text", "reply_is_local")
DELIVERY_COLUMNS = [
    "id",
    "recipient",
    "notify",
    "orcpt",
    "state",
    "created_at",
    "due_at",
    "expires_at",
    "attempts",
    "reply_code",
    "reply_enhanced",
    "reply_text",
    "reply_is_local",
    "upstream",
    "priority",
    "lane",
    "wanted_upstream",
    "original",
    "why",
    "bounce",
    "grade",
    "source",
    "complained_at",
    "unsubscribed_at",
]
ATTEMPT_COLUMNS = [
    "id",
    "delivery_id",
    "number",
    "upstream",
    "began_at",
    "wire_sha256",
    "wire_size",
    "finished_at",
    "reply_code",
    "reply_enhanced",
    "reply_text",
    "reply_is_local",
    "is_uncertain",
    "peer",
    "tls_version",
    "tls_cipher",
    "sender",
    "signatures",
    "provider_id",
]
EVENT_COLUMNS = ["id", "at", "kind", "actor", "message_id", "delivery_id", "grade", "data"]


def to_json(value: Any) -> str:
    """Compact JSON; deterministic for equal values built alike."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else _EMPTY.get(type(value), "null")


_EMPTY = {list: "[]", tuple: "[]", dict: "{}", str: '""', int: "0", bool: "false", float: "0.0"}


def message_row(message: Message) -> tuple[Any, ...]:
    envelope, reception = message.envelope, message.reception
    return (
        message.id,
        message.received_at,
        message.application,
        message.mode.value,
        message.size,
        message.sha256,
        message.parent_id,
        envelope.sender,
        len(envelope.recipients),
        " ".join(sorted(message.traits)) if message.traits else "",
        message.hops,
        to_json(message.tags),
        envelope.body,
        envelope.smtputf8,
        envelope.declared_size,
        envelope.ret,
        envelope.envid,
        envelope.auth,
        reception.peer,
        reception.helo,
        reception.protocol,
        reception.listener,
        reception.tls_version,
        reception.tls_cipher,
        reception.auth_user,
        reception.via_proxy,
        to_json([_recipient_value(recipient) for recipient in envelope.recipients]),
    )


def message_of(row: Row) -> Message:
    envelope = Envelope(
        sender=row[7],
        recipients=tuple(recipient_of(value) for value in json.loads(row[26])),
        body=row[12],
        smtputf8=bool(row[13]),
        declared_size=row[14],
        ret=row[15],
        envid=row[16],
        auth=row[17],
    )
    return Message(
        id=row[0],
        received_at=row[1],
        application=row[2],
        mode=Mode(row[3]),
        envelope=envelope,
        reception=Reception(*row[18:26]),
        size=row[4],
        sha256=row[5],
        traits=frozenset(map(Trait, row[9].split())),
        hops=row[10],
        tags=tuple(json.loads(row[11])),
        parent_id=row[6],
    )


def _recipient_value(recipient: Recipient) -> str | list[str | None]:
    """`"a@b"`, or `["a@b", NOTIFY, ORCPT]` where there are parameters."""
    if recipient.notify is None and recipient.orcpt is None:
        return recipient.address
    return [recipient.address, recipient.notify, recipient.orcpt]


def recipient_of(value: str | list[str]) -> Recipient:
    return Recipient(value) if isinstance(value, str) else Recipient(*value)


def reply_row(reply: Reply | None) -> tuple[Any, ...]:
    return (None, None, None, None) if reply is None else (reply.code, reply.enhanced, reply.text, reply.is_local)


def reply_of(row: Row) -> Reply | None:
    return None if row[0] is None else Reply(row[0], row[2], row[1], bool(row[3]))


def delivery_row(delivery: Delivery) -> tuple[Any, ...]:
    recipient = delivery.recipient
    return (
        delivery.id,
        recipient.address,
        recipient.notify,
        recipient.orcpt,
        delivery.state.value,
        delivery.created_at,
        delivery.due_at,
        delivery.expires_at,
        delivery.attempts,
        *reply_row(delivery.reply),
        delivery.upstream,
        int(delivery.priority),
        delivery.lane or "",
        delivery.wanted_upstream,
        delivery.original,
        delivery.why,
        *reported_row(delivery),
    )


def reported_row(delivery: Delivery) -> tuple[Any, ...]:
    """What only reports bring about: bounce, grade, source, complained_at, unsubscribed_at."""
    return (
        delivery.bounce.value if delivery.bounce else None,
        delivery.grade.value if delivery.grade else None,
        delivery.source,
        delivery.complained_at,
        delivery.unsubscribed_at,
    )


def delivery_of(row: Row, message_id: str) -> Delivery:
    return Delivery(
        id=row[0],
        message_id=message_id,
        recipient=Recipient(row[1], row[2], row[3]),
        state=State(row[4]),
        created_at=row[5],
        due_at=row[6],
        expires_at=row[7],
        attempts=row[8],
        reply=reply_of(row[9:13]),
        upstream=row[13],
        priority=row[14],
        lane=row[15] or None,
        wanted_upstream=row[16],
        original=row[17],
        why=row[18],
        bounce=BounceClass(row[19]) if row[19] else None,
        grade=Grade(row[20]) if row[20] else None,
        source=row[21],
        complained_at=row[22],
        unsubscribed_at=row[23],
    )


def attempt_row(attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.id,
        attempt.delivery_id,
        attempt.number,
        attempt.upstream,
        attempt.began_at,
        attempt.wire_sha256,
        attempt.wire_size,
        attempt.finished_at,
        *reply_row(attempt.reply),
        attempt.is_uncertain,
        attempt.peer,
        attempt.tls_version,
        attempt.tls_cipher,
        attempt.sender,
        to_json([asdict(signature) for signature in attempt.signatures]) if attempt.signatures else None,
        attempt.provider_id,
    )


def attempt_of(row: Row, message_id: str, edits: tuple[Edit, ...]) -> Attempt:
    return Attempt(
        id=row[0],
        delivery_id=row[1],
        message_id=message_id,
        number=row[2],
        upstream=row[3],
        began_at=row[4],
        edits=edits,
        wire_sha256=row[5],
        wire_size=row[6],
        finished_at=row[7],
        reply=reply_of(row[8:12]),
        is_uncertain=bool(row[12]),
        peer=row[13],
        tls_version=row[14],
        tls_cipher=row[15],
        sender=row[16],
        signatures=tuple(Signature(**value) for value in json.loads(row[17] or "[]")),
        provider_id=row[18],
    )


def event_row(event: Event) -> tuple[Any, ...]:
    return (
        event.id,
        event.at,
        event.kind.value,
        event.actor,
        event.message_id,
        event.delivery_id,
        event.grade.value,
        to_json(dict(event.data)),
    )


def event_of(row: Row) -> Event:
    return Event(row[0], row[1], Kind(row[2]), row[3], row[4], row[5], Grade(row[6]), json.loads(row[7]))


def edits_data(edits: Sequence[Edit]) -> bytes:
    """The edits as JSON, uncompressed: `[[start, stop, base64 of the replacement, step], …]`."""
    values = [[edit.start, edit.stop, base64.b64encode(edit.replacement).decode("ascii"), edit.step] for edit in edits]
    return to_json(values).encode()


def edits_of(data: bytes) -> tuple[Edit, ...]:
    return tuple(Edit(start, stop, base64.b64decode(text), step) for start, stop, text, step in json.loads(data))


def summary_data(summary: Summary) -> bytes:
    """The summary as zstd-compressed JSON."""
    value = {
        "subject": summary.subject,
        "senders": _addressee_values(summary.senders),
        "to": _addressee_values(summary.to),
        "cc": _addressee_values(summary.cc),
        "reply_to": _addressee_values(summary.reply_to),
        "header_message_id": summary.header_message_id,
        "in_reply_to": summary.in_reply_to,
        "date": summary.date,
        "header_text": summary.header_text,
        "body_text": summary.body_text,
        "snippet": summary.snippet,
        "filenames": summary.filenames,
        "attachment_count": summary.attachment_count,
        "tags": summary.tags,
        "metadata": summary.metadata,
        "references": [[reference.name, reference.code] for reference in summary.references],
        "defects": summary.defects,
    }
    return compress(json.dumps(value).encode("ascii"))


def summary_of(data: bytes) -> Summary:
    value: dict[str, Any] = json.loads(decompress(data))
    for name in ("senders", "to", "cc", "reply_to"):
        value[name] = tuple(Addressee(*pair) for pair in value[name])
    for name in ("filenames", "tags", "defects"):
        value[name] = tuple(value[name])
    value["metadata"] = tuple((name, text) for name, text in value["metadata"])
    value["references"] = references_of(value["references"])
    return Summary(**value)


def _addressee_values(addressees: Sequence[Addressee]) -> list[list[str]]:
    return [[addressee.name, addressee.address] for addressee in addressees]


def references_of(values: Sequence[Sequence[str]]) -> tuple[Reference, ...]:
    return tuple(Reference(name, code) for name, code in values)


def compress(data: bytes) -> bytes:
    return compressor(_LEVEL).compress(data)


def decompress(data: bytes) -> bytes:
    return decompressor().decompress(data, allow_extra_data=False)
