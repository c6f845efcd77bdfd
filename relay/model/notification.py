"""What an endpoint is told of one event, and how often that is tried. Pure.

Standard Webhooks 1.0 (standardwebhooks.com): a POST of JSON, signed with a secret that both sides know. The octets, the
signature and what an answer means are made here; sending is the work of `herald/`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from relay.model.event import Event, Kind

SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_SIZES = range(24, 65)
"""Octets of a secret (Standard Webhooks, "Signature scheme")."""

WAITS = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""Seconds before the second, third … try, the last one between all later ones (Standard Webhooks, "Retry schedule")."""
LONGEST_WAIT = 24 * 3600
"""Seconds; an answer that asks for more patience is not believed further."""
TEXT = 300
"""Characters of an error that are kept."""
GONE = 410

NOT_TOLD = frozenset(
    {
        *(Kind.SIGNED_IN, Kind.SIGNED_OUT, Kind.SIGN_IN_REFUSED, Kind.ACCOUNT_CHANGED),
        *(Kind.ENDPOINT_FAILED, Kind.REPLAYED, Kind.VIEWED, Kind.DOWNLOADED, Kind.EXPORTED),
        *(Kind.DELETION_ASKED, Kind.DELETION_REFUSED, Kind.TAGGED, Kind.SETTING_CHANGED),
        *(Kind.ALERT_RAISED, Kind.ALERT_CLEARED, Kind.KEY_CHANGED),
        *(Kind.IMPORTED, Kind.RESTORED, Kind.ENCRYPTION_CHANGED),
        *(Kind.HOLD_MADE, Kind.HOLD_PLACED, Kind.HOLD_LIFTED, Kind.HOLD_ENDED, Kind.RETENTION_RUN),
        *(Kind.ERASURE_ASKED, Kind.ERASURE_DECIDED, Kind.ERASED),
    }
)
"""Kinds that an endpoint must ask for by name: not about mail, or about who looked at it, or about endpoints."""
_TOLD = (
    *("code", "enhanced", "text", "is_local", "upstream"),
    *("source", "verdict", "status", "diagnostic", "bounce", "explanation", "action", "is_machine"),
    *("why", "reason", "cause", "endpoint", "attempts", "count", "notice_of"),
)
"""Keys of an event's data that are passed on. Not among them: tokens, and addresses of links, which may themselves be
the right to something (a new password, a download)."""


class Standing(StrEnum):
    """Of a notification."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    """The endpoint answered 2xx."""
    FAILED = "failed"
    """Given up."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as far as choosing what it is told goes. Empty: all of them."""

    name: str
    kinds: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()

    def wants(self, kind: Kind, application: str, has_message: bool) -> bool:
        is_wanted = kind.value in self.kinds if self.kinds else has_message and kind not in NOT_TOLD
        return is_wanted and (not self.applications or application in self.applications)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the event is about, as far as an endpoint is told."""

    application: str = ""
    recipient: str = ""
    sender: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notification:
    """One event that one endpoint is to be told. `id` is the `webhook-id`: the same at every try and replay."""

    id: str
    endpoint: str
    event_seq: int
    """Of the event; 0: a trial, which a person asked for."""
    created_at: int
    """UTC microseconds."""
    begun_at: int
    """From when on the time is counted in which it must succeed: a replay begins anew."""
    standing: Standing = Standing.WAITING
    attempts: int = 0
    due_at: int | None = None
    tried_at: int | None = None
    status: int | None = None
    """Of the last answer."""
    error: str = ""
    """Why the last try failed, in words; of the answer's text nothing is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try. `status` None: there was no answer, `error` says why."""

    status: int | None
    error: str = ""
    retry_after: int | None = None
    """Seconds, as the answer asked for."""

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


TRIAL = "trial"
"""The type of what is sent when a person tries an endpoint."""


def trial(at: int) -> bytes:
    """The octets of a trial: nothing happened, nothing is told."""
    return _written(TRIAL, at, {})


def body(event: Event, about: Subject) -> bytes:
    """The octets to send: `{"type": "sent", "timestamp": "2026-05-04T…Z", "data": {…}}`."""
    told = {key: event.data[key] for key in _TOLD if event.data.get(key) not in (None, "")}
    due_at = event.data.get("due_at")
    if isinstance(due_at, int):
        told["next_try"] = _instant(due_at)
    data: dict[str, Any] = {
        "event_id": event.id,
        "message_id": event.message_id,
        "delivery_id": event.delivery_id,
        "application": about.application,
        "sender": about.sender,
        "recipient": about.recipient,
        "subject": about.subject,
        "tags": list(about.tags),
        "grade": event.grade.value,
        "actor": event.actor,
        "detail": told,
    }
    return _written(event.kind.value, event.at, data)


def _written(kind: str, at: int, data: Mapping[str, Any]) -> bytes:
    given = {key: value for key, value in data.items() if value not in (None, "", [], {})}
    whole = {"type": kind, "timestamp": _instant(at), "data": given}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def key_of(secret: str) -> bytes:
    """The octets of a `whsec_…` secret. Raises ValueError for anything else."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not secret.startswith(SECRET_PREFIX) or len(key) not in SECRET_SIZES:
        raise ValueError("not whsec_ and base64 of 24 to 64 octets")
    return key


def headers(notification_id: str, at: int, content: bytes, key: bytes) -> Mapping[str, str]:
    """The three headers of Standard Webhooks; `at`: UTC microseconds of this try, which each try signs anew."""
    stamp = str(at // 1_000_000)
    signed = f"{notification_id}.{stamp}.".encode() + content
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": notification_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{digest}"}


def after(notification: Notification, answer: Answer, now: int, *, give_up_after: int, spread: float) -> Notification:
    """The notification after one try. `give_up_after`: seconds since it began; `spread`: chance, 0 to 1."""
    tried = replace(
        notification,
        attempts=notification.attempts + 1,
        tried_at=now,
        due_at=None,
        status=answer.status,
        error="" if answer.is_good else answer.error[:TEXT],
    )
    if answer.is_good:
        return replace(tried, standing=Standing.DELIVERED)
    due_at = now + _wait(tried.attempts, answer, spread) * 1_000_000
    if answer.status == GONE or due_at > notification.begun_at + give_up_after * 1_000_000:
        return replace(tried, standing=Standing.FAILED)
    return replace(tried, standing=Standing.WAITING, due_at=due_at)


def _wait(attempts: int, answer: Answer, spread: float) -> int:
    """Seconds until the next try: the schedule's, a fifth more or less, and never less than the endpoint asked for."""
    planned = WAITS[min(attempts, len(WAITS)) - 1]
    jittered = round(planned * (0.8 + 0.4 * spread))
    return max(jittered, min(answer.retry_after or 0, LONGEST_WAIT), 1)


def _instant(at: int) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
