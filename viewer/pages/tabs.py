"""What each tab of a message's page shows, and who may see it. Made only when the tab is looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relay.archive.api import StoredMessage
from relay.model.access import Permission
from relay.notary.problem import NotaryProblem
from viewer import present
from viewer.identity.people import Person
from viewer.keys import CONFIG, EVIDENCE
from viewer.message import conversation, fields, hops
from viewer.message.attached import attached
from viewer.message.evidence import NOT_PROVEN, PROVEN, in_the_log
from viewer.message.fields import Item
from viewer.message.invitation import calendar_parts, invitations
from viewer.message.parsing import in_thread
from viewer.message.preview import TooMuch
from viewer.message.related import related
from viewer.pages import reading
from viewer.pages.looking import looking
from viewer.pages.reading import HeaderField, Reading
from viewer.security import archive_of, signed_in_user
from viewer.translation import say

NAMES: Mapping[str, str] = {
    "preview": say("Preview"),
    "text": say("Text"),
    "event": say("Event"),
    "headers": say("Headers"),
    "structure": say("Structure"),
    "source": say("Source"),
    "attachments": say("Attachments"),
    "smtp": "SMTP",
    "related": say("Related"),
    "evidence": say("Evidence"),
}
NEEDS: Mapping[str, Permission] = {
    "preview": Permission.BODY,
    "text": Permission.BODY,
    "event": Permission.BODY,
    "source": Permission.BODY,
    "attachments": Permission.ATTACHMENTS,
}
"""What a tab takes beyond reading."""
KINDS: Mapping[str, tuple[str, str]] = {
    "resent": (say("Sent again"), say("The message this one was edited from, and edited copies of it.")),
    "thread": (say("Same conversation"), say("By Message-ID, In-Reply-To and References.")),
    "reference": (say("Same reference"), say("Messages in which the same business code was found.")),
    "mailing": (say("Same mailing"), say("Sent by the same application on the same day as one mailing.")),
}
"""Title and meaning of each kind of related messages."""
MAX_WANTED = 200
WHOLE = (Permission.BODY, Permission.ATTACHMENTS, Permission.EXPORT)
"""What an evidence bundle takes beyond reading."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A header field with what it is for and what stands in it."""

    field: HeaderField
    meaning: str
    items: tuple[Item, ...]


def tabs_of(read: Reading, person: Person) -> list[str]:
    """The tabs that there are for this message and this person, in their order; never empty."""
    has = {"preview": read.has_html, "event": bool(calendar_parts(read.root))}
    return [name for name in NAMES if has.get(name, True) and (name not in NEEDS or person.may(NEEDS[name]))]


async def shown(request: web.Request, read: Reading, stored: StoredMessage, tab: str, q: str) -> dict[str, Any]:
    """What the chosen tab's template needs."""
    match tab:
        case "preview":
            return await _preview(request, read, q)
        case "text":
            return {"body": await in_thread(request, lambda: reading.text_of(read))}
        case "event":
            return {"invitations": await in_thread(request, lambda: invitations(read.root, read.content))}
        case "headers":
            return await _headers(request, read)
        case "structure":
            return {"root": await in_thread(request, lambda: reading.structure_of(read))}
        case "source":
            text, is_cut = await in_thread(request, lambda: reading.source_of(read.content))
            return {"source": text, "is_cut": is_cut, "shown": reading.MAX_SOURCE}
        case "smtp":
            message = stored.message
            sessions = (
                conversation.reception(message),
                *conversation.attempts(message, stored.deliveries, stored.attempts),
            )
            return {"sessions": sessions}
        case "evidence":
            return await logged(request, stored)
        case "related":
            return {"groups": await related(archive_of(request), stored), "kinds": KINDS}
    return {"attachments": await in_thread(request, lambda: attached(read.root, read.content))}


async def logged(request: web.Request, stored: StoredMessage) -> dict[str, Any]:
    """What the log has of the message, and whether the person may take the evidence away."""
    maker, person = request.app[EVIDENCE], signed_in_user(request)
    policy = None
    with contextlib.suppress(NotaryProblem):  # no key: nothing is known of witnesses
        policy = (await maker.keys()).policy if maker else None
    found = await in_the_log(archive_of(request), stored.message.id, policy)
    return {
        "logged": found,
        "gives_evidence": maker is not None and all(map(person.may, WHOLE)),
        "proven": PROVEN,
        "not_proven": NOT_PROVEN,
    }


async def _preview(request: web.Request, read: Reading, q: str) -> dict[str, Any]:
    allows_images = request.app[CONFIG].viewer.remote_images
    way = looking(request.query, q, allows_images=allows_images)
    context = {"looking": way, "allows_images": allows_images}
    try:
        made = await in_thread(request, lambda: reading.preview_of(read, way.look))
    except TooMuch:
        return context | {"is_too_much": True}
    return context | {"is_too_much": False, "made": made}


async def _headers(request: web.Request, read: Reading) -> dict[str, Any]:
    found, is_cut = await in_thread(request, lambda: reading.header_of(read))
    wanted = request.query.get("find", "").strip()[:MAX_WANTED]
    kept = [one for one in found if _matches(one, wanted.lower())]
    return {
        "fields": [Explained(one, fields.meaning(one.name), fields.items(one.name, one.value)) for one in kept],
        "count": len(found),
        "find": wanted,
        "is_cut": is_cut,
        "is_raw": request.query.get("raw") == "1",
        "hops": hops.hops([one.value for one in found if one.name.lower() == "received"]),
        "shown_delay": hops.shown_delay,
        "exact": present.exact,
    }


def _matches(field: HeaderField, wanted: str) -> bool:
    return wanted in field.name.lower() or wanted in field.value.lower()
