"""What somebody further on reported, as a line of a timeline: who, how sure, when it happened and when we heard. Pure.

Reads the data of a report's event as the archive writes it; what is missing there is simply not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.model.bounce import BounceClass
from relay.model.event import Event, Kind
from viewer.message.standing import BOUNCES, KINDS_OF_BOUNCE, source_name
from viewer.translation import joined, say


@dataclass(frozen=True, slots=True)
class Told:
    """One report. `heard_at`: when it came, None where it is not known or the same."""

    source: str
    verdict: str
    status: str
    diagnostic: str
    """What the receiving server said, untruncated."""
    explanation: str
    action: str
    payload: str
    """Id of what came, '' if it was not kept."""
    provider_event: str
    recipient: str
    heard_at: int | None


def told(event: Event) -> Told | None:
    """The report that the event tells of; None for an event of another kind."""
    data = event.data
    if not data.get("payload") and not data.get("source"):
        return None
    heard = data.get("received_at")
    return Told(
        source=source_name(str(data.get("source") or event.actor)),
        verdict=_text(data, "verdict"),
        status=_text(data, "status"),
        diagnostic=_text(data, "diagnostic"),
        explanation=_text(data, "explanation"),
        action=_text(data, "action"),
        payload=_text(data, "payload"),
        provider_event=_text(data, "provider_event"),
        recipient=_text(data, "recipient"),
        heard_at=heard if isinstance(heard, int) and heard != event.at else None,
    )


def heading(event: Event, text: str) -> str:
    """The text of a bounce with its class: `Bounced, hard: no such mailbox or domain`."""
    bounce = event.data.get("bounce")
    if event.kind is Kind.BOUNCED and bounce in list(BounceClass):
        found = BounceClass(bounce)
        return joined("", [say("Bounced, %(kind)s", kind=KINDS_OF_BOUNCE[found]), ": ", BOUNCES[found][0]])
    return text


def _text(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name) or "")
