"""What a provider's file offers, and what it is given. Pure.

verify(request, table) -> Verified | Refusal | Needs    never raises, whatever was sent
read(payload) -> reports without ids                    may raise Malformed: the payload stays, unread
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relay.config import WebhookSource
from relay.model.event import Grade
from relay.model.report import Payload, Report


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. `headers` finds a field whatever its case. `document`: the body as JSON."""

    body: bytes
    headers: Mapping[str, str]
    document: Any
    now: int
    """UTC microseconds."""
    certificates: Mapping[str, bytes] = field(default_factory=dict)
    """PEM by address: those that were asked for (`Needs`)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """It is from the provider. `verdict`: how that is known, in words."""

    grade: Grade
    verdict: str
    nonce: str = ""
    """What may be used once, see `Payload.nonce`."""
    confirm: str = ""
    """An address to fetch once, to say that we want more of it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status`: of HTTP. `reason`: one of a small fixed set of words, for the metric; `words`: for the sender."""

    status: int
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Needs:
    """A certificate is wanted, from an address that was found to be the provider's."""

    url: str


Verdict = Verified | Refusal | Needs


@dataclass(frozen=True, slots=True)
class Provider:
    verify: Callable[[Request, WebhookSource], Verdict]
    read: Callable[[Payload], Sequence[Report]]
    kept_headers: tuple[str, ...] = ()
    """Fields that the verdict rests on: kept with the payload."""


FORGED = "forged"
STALE = "stale"
UNAUTHENTICATED = "unauthenticated"
MALFORMED = "malformed"
UNTRUSTED = "untrusted"
"""Signed, but by or for somebody else: another topic, another host."""


def forged(words: str = "the signature does not match") -> Refusal:
    return Refusal(403, FORGED, words)


def stale(words: str = "the signed time is too far from now") -> Refusal:
    return Refusal(403, STALE, words)


def malformed(words: str) -> Refusal:
    return Refusal(400, MALFORMED, words)
