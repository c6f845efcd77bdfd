"""Making reports of what a provider's event says. Pure.

A report made here has no id and no payload yet: whoever keeps it gives both. Our identifier comes back under the name
`mailwitness` in what the provider calls metadata, variables, tags or unique arguments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from relay.feedback.webhooks.document import clean, inner, text
from relay.model.bounce import BounceClass
from relay.model.report import Report, ReportKind
from relay.rendition.diagnosis import Classification, classify
from relay.rendition.findings import Finding

IDENTIFIER = "mailwitness"
"""The key of our identifier."""
NAME_LIMIT = 1000
"""Characters kept of an address, an id or a provider's name for something."""
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"(\.\d{6})\d+")
_ADDRESS = re.compile(r"<([^<>]*)>\s*$")


def report(
    kind: ReportKind,
    key: str,
    at: int,
    *,
    event: str,
    recipient: str = "",
    identifier: str = "",
    provider_id: str = "",
    header_message_id: str = "",
    bounce: BounceClass | None = None,
    status: str = "",
    diagnostic: str = "",
    explanation: str = "",
    is_exact: bool = False,
    is_machine: bool | None = None,
    more: Mapping[str, Any] | None = None,
) -> Report:
    """`event`: the provider's own name of it. `at`: UTC microseconds, 0 if not said. `more`: what else to keep; empty
    values are left out. `is_exact`: the provider's class is finer than hard and soft."""
    detail = {"event": event, **(more or {})}
    status = status or status_in(diagnostic)
    verdict = classify(None, status, diagnostic) if bounce is not None else None
    return Report(
        id="",
        payload_id="",
        at=at,
        kind=kind,
        event_key=key[:NAME_LIMIT],
        recipient=bare_address(recipient)[:NAME_LIMIT],
        delivery_id=identifier[:NAME_LIMIT],
        provider_id=provider_id.strip("<> ")[:NAME_LIMIT],
        header_message_id=header_message_id.strip("<> ")[:NAME_LIMIT],
        bounce=bounce if verdict is None or bounce is None or is_exact else _class(bounce, verdict),
        status=status,
        diagnostic=diagnostic,
        explanation=explanation or (verdict.explanation if verdict is not None else ""),
        action=verdict.action if verdict is not None else "",
        is_machine=is_machine,
        detail={name: value for name, value in detail.items() if value not in ("", None)},
    )


def _class(named: BounceClass, verdict: Classification) -> BounceClass:
    """The provider's class, but as ours where the provider only says hard or soft and the server's words say more.

    Never hard because of the words alone: the provider saw more of it than one line, and hard keeps all later mail.
    """
    if verdict.finding in (Finding.UNKNOWN, Finding.TEMPORARY) or verdict.bounce is BounceClass.HARD:
        return named
    return verdict.bounce if named in (BounceClass.HARD, BounceClass.SOFT) else named


def key_of(*parts: object) -> str:
    """An event key for providers that give events no id: the same for the same parts."""
    joined = "\0".join(clean(str(part)) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()


def status_in(words: str) -> str:
    """The first enhanced status code (RFC 3463) in a server's words, '' if there is none."""
    found = _STATUS.search(words)
    return found[1] if found else ""


def identifier_in(value: Any) -> str:
    """Our identifier in an object, or in the JSON of a string; a string that is an identifier by itself too."""
    found = inner(value)
    if isinstance(found, dict):
        return text(found, IDENTIFIER)
    if isinstance(value, str) and _ULID.fullmatch(value.strip()):
        return value.strip()
    return ""


_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def bare_address(value: str) -> str:
    """`Jane <jane@example.com>` -> `jane@example.com`"""
    found = _ADDRESS.search(value)
    return (found[1] if found else value).strip()


def moment(value: str) -> int:
    """UTC microseconds of a time as in ISO 8601; without a zone it is UTC. 0: it is none."""
    try:
        when = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip().replace("Z", "+00:00")))
    except ValueError:
        return 0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1)


def since_1970(value: Any, *path: str | int, per_second: int = 1) -> int:
    """UTC microseconds of a number of seconds (or, `per_second=1000`, of milliseconds) there. 0: it is none."""
    try:
        seconds = float(text(value, *path))
    except ValueError:
        return 0
    if not 0 < seconds / per_second < _FAR:
        return 0
    return round(seconds * 1_000_000 / per_second)


_FAR = 32_503_680_000
"""Seconds: the year 3000."""
