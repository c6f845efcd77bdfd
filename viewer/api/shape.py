"""How things look as JSON. Names are part of the outside contract; times are RFC 3339 in UTC with microseconds.

Does not read requests or the archive.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from relay.archive.api import Listing, StoredMessage
from relay.model.deletion import Deletion
from relay.model.delivery import Attempt, Delivery
from relay.model.event import Event
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.summary import Addressee, Summary
from relay.rendition.decode import filename
from relay.rendition.mime import Part
from viewer.message.standing import standing

Json = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time(microseconds: int) -> str:
    """1764000000000000 -> `2025-11-24T16:00:00.000000Z`."""
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        moment = _EPOCH
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_or_none(microseconds: int | None) -> str | None:
    return None if microseconds is None else time(microseconds)


def listing(row: Listing) -> Json:
    return {
        "id": row.id,
        "seq": row.seq,
        "received_at": time(row.received_at),
        "sender": row.sender,
        "recipients": list(row.recipients),
        "recipient_count": row.recipient_count,
        "subject": row.subject,
        "snippet": row.snippet,
        "application": row.application,
        "states": {state.value: count for state, count in row.states.items()},
        "references": [{"name": found.name, "code": found.code} for found in row.references],
        "tags": list(row.tags),
        "size": row.size,
        "attachment_count": row.attachment_count,
        "parent_id": row.parent_id,
        "opened": sorted(verdict.value for verdict in row.opened),
        "clicked": sorted(verdict.value for verdict in row.clicked),
        "reports": [
            {
                "state": one.state.value,
                "bounce": one.bounce.value if one.bounce else None,
                "grade": one.grade.value,
                "source": one.source,
                "count": one.count,
            }
            for one in row.reports
        ],
        "complained": row.complained,
        "unsubscribed": row.unsubscribed,
        "is_deleted": row.is_deleted,
        "imported": row.is_imported,
    }


def message(stored: StoredMessage) -> Json:
    attempts: dict[str, list[Attempt]] = {}
    for one in stored.attempts:
        attempts.setdefault(one.delivery_id, []).append(one)
    return {
        **_reception(stored.message),
        "seq": stored.seq,
        "children": list(stored.children),
        "is_indexed": stored.summary is not None,
        **_summary(stored.summary or Summary()),
        "tags": list(stored.tags),
        "deletion": _deletion(stored.deletion) if stored.deletion else None,
        "deliveries": [delivery(duty, attempts.get(duty.id, [])) for duty in stored.deliveries],
    }


def _deletion(deletion: Deletion) -> Json:
    return {
        "at": time(deletion.at),
        "by": deletion.by,
        "asked_by": deletion.asked_by,
        "reason": deletion.reason,
        "erased_at": time_or_none(deletion.erased_at),
    }


def _reception(kept: Message) -> Json:
    envelope, reception = kept.envelope, kept.reception
    return {
        "id": kept.id,
        "received_at": time(kept.received_at),
        "application": kept.application,
        "mode": kept.mode.value,
        "imported": kept.is_imported,
        "size": kept.size,
        "sha256": kept.sha256.hex(),
        "traits": sorted(trait.value for trait in kept.traits),
        "hops": kept.hops,
        "parent_id": kept.parent_id,
        "envelope": {
            "sender": envelope.sender,
            "recipients": [
                {"address": to.address, "notify": to.notify, "orcpt": to.orcpt} for to in envelope.recipients
            ],
            "body": envelope.body,
            "smtputf8": envelope.smtputf8,
            "declared_size": envelope.declared_size,
            "ret": envelope.ret,
            "envid": envelope.envid,
            "auth": envelope.auth,
        },
        "reception": {
            "peer": reception.peer,
            "helo": reception.helo,
            "protocol": reception.protocol,
            "listener": reception.listener,
            "tls_version": reception.tls_version,
            "tls_cipher": reception.tls_cipher,
            "auth_user": reception.auth_user,
            "via_proxy": reception.via_proxy,
        },
    }


def _summary(summary: Summary) -> Json:
    return {
        "subject": summary.subject,
        "from": [_addressee(one) for one in summary.senders],
        "to": [_addressee(one) for one in summary.to],
        "cc": [_addressee(one) for one in summary.cc],
        "reply_to": [_addressee(one) for one in summary.reply_to],
        "header_message_id": summary.header_message_id,
        "in_reply_to": summary.in_reply_to,
        "date": time_or_none(summary.date),
        "snippet": summary.snippet,
        "filenames": list(summary.filenames),
        "attachment_count": summary.attachment_count,
        "tags": list(summary.tags),
        "metadata": [{"name": name, "value": value} for name, value in summary.metadata],
        "references": [{"name": found.name, "code": found.code} for found in summary.references],
        "defects": list(summary.defects),
    }


def _addressee(one: Addressee) -> Json:
    return {"name": one.name, "address": one.address}


def delivery(duty: Delivery, attempts: list[Attempt]) -> Json:
    told = standing(duty)
    return {
        "id": duty.id,
        "message_id": duty.message_id,
        "recipient": duty.recipient.address,
        "state": duty.state.value,
        "created_at": time(duty.created_at),
        "due_at": time_or_none(duty.due_at),
        "expires_at": time_or_none(duty.expires_at),
        "reply": _reply(duty.reply),
        "upstream": duty.upstream,
        "original_recipient": duty.original,
        "priority": int(duty.priority),
        "lane": duty.lane,
        "wanted_upstream": duty.wanted_upstream,
        "why": duty.why,
        "bounce": duty.bounce.value if duty.bounce else None,
        "grade": told.word.grade.value,
        "source": duty.source,
        "standing": told.line,
        "explanation": told.explanation,
        "action": told.action,
        "complained_at": time_or_none(duty.complained_at),
        "unsubscribed_at": time_or_none(duty.unsubscribed_at),
        "attempts": [_attempt(one) for one in attempts],
    }


def _attempt(one: Attempt) -> Json:
    return {
        "id": one.id,
        "number": one.number,
        "upstream": one.upstream,
        "began_at": time(one.began_at),
        "finished_at": time_or_none(one.finished_at),
        "reply": _reply(one.reply),
        "is_uncertain": one.is_uncertain,
        "edits": [{"start": edit.start, "stop": edit.stop, "step": edit.step} for edit in one.edits],
        "wire_sha256": one.wire_sha256.hex(),
        "wire_size": one.wire_size,
        # Not the return path: who has its token could send bounces in the recipient's name.
        "provider_id": one.provider_id,
        "peer": one.peer,
        "tls_version": one.tls_version,
        "tls_cipher": one.tls_cipher,
    }


def _reply(reply: Reply | None) -> Json | None:
    if reply is None:
        return None
    return {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text, "is_local": reply.is_local}


def event(number: int, fact: Event) -> Json:
    return {
        "number": number,
        "id": fact.id,
        "at": time(fact.at),
        "kind": fact.kind.value,
        "actor": fact.actor,
        "message_id": fact.message_id,
        "delivery_id": fact.delivery_id,
        "grade": fact.grade.value,
        "data": dict(fact.data),
    }


def part(one: Part) -> Json:
    return {
        "number": one.number,
        "depth": one.depth,
        "content_type": one.content_type,
        "disposition": one.disposition.value,
        "transfer_encoding": one.transfer_encoding,
        "filename": filename(one),
        "size": one.stop - one.body_start,
        "is_multipart": bool(one.children),
        "defects": list(one.defects),
    }
