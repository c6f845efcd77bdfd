"""The page of one sent copy: beside the original, with every edit marked; its signatures; its pixel and links.

`attempt` in the address chooses which copy; without it, the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import StoredMessage
from relay.model.access import Permission
from relay.model.delivery import Attempt, Delivery
from relay.model.signature import Alignment
from viewer.api.content import attempts_of, chosen, delivery_of
from viewer.journal import events_of
from viewer.keys import CLOCK, DELIVERY_ID, ID
from viewer.message import engagement
from viewer.message.copies import copy_of
from viewer.message.discretion import original
from viewer.message.engagement import TokenStory
from viewer.message.parsing import in_thread
from viewer.pages.message import record_view
from viewer.security import archive_of, require
from viewer.translation import say

routes = web.RouteTableDef()

MOST_TOKENS = 500
MOST_FETCHES = 60
"""Fetches of one token that are listed; the rest are counted."""

STEPS: Mapping[str, tuple[str, str]] = {
    "dkim": (say("DKIM signature"), say("our signature, put on top when everything else was done")),
    "trace": (say("Trace"), say("our Received field")),
    "own-headers": (say("Own fields"), say("X-Mailwitness-… fields taken out: they are for us alone")),
    "line-ends": (say("Line ends"), say("every line made to end with CRLF")),
    "tracking": (say("Tracking"), say("pixel and links, or signatures that they would break")),
    "metadata": (
        say("Provider's field"),
        say("our number for the delivery, which the provider's reports bring back"),
    ),
    "unsubscribe": (
        say("Unsubscribe"),
        say("List-Unsubscribe with one-click, its own address for this recipient"),
    ),
    "redirect": (say("Redirected"), say("whom the copy was for, before it went to a test address")),
    "decoded": (say("Change"), say("what the recipient's mail program sees differently")),
}
"""Name and meaning of each step of rendition."""

ALIGNMENTS: Mapping[str, str] = {
    Alignment.STRICT: say("strict: signed by the very domain of From, so DMARC passes by it"),
    Alignment.RELAXED: say("relaxed: DMARC passes by it, unless the domain asks for adkim=s"),
    Alignment.NONE: say("none: another domain than that of From, so it does not count for DMARC"),
}


@routes.get(f"/messages/{ID}/sent/{DELIVERY_ID}")
async def show(request: web.Request) -> web.Response:
    """The page; 404 for what is not kept and for a delivery that was never attempted."""
    person = require(request, Permission.READ)
    archive, message_id = archive_of(request), request.match_info["id"]
    stored = await archive.message(message_id)
    delivery = delivery_of(request, stored)
    attempts = attempts_of(stored, delivery)
    attempt = chosen(request, attempts)
    events = await events_of(archive, message_id)
    await record_view(request, person, message_id, events)
    content = await original(archive, message_id)
    copy = await in_thread(request, lambda: copy_of(content, attempt))
    stories = engagement.token_stories(
        await archive.tokens_of(message_id, delivery_id=delivery.id),
        await archive.fetches(message_id, delivery_id=delivery.id),
        attempts,
    )
    context = _context(stored, delivery, attempts, attempt) | _tracked(stories, attempt)
    context |= {
        "copy": copy,
        "signatures": engagement.signatures(events, attempt),
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("sent.html", request, context)


def _context(stored: StoredMessage, delivery: Delivery, attempts: list[Attempt], attempt: Attempt) -> dict[str, Any]:
    return {
        "q": "",
        "message": stored.message,
        "subject": stored.summary.subject if stored.summary else "",
        "delivery": delivery,
        "attempts": sorted(attempts, key=lambda one: one.number),
        "attempt": attempt,
        "steps": STEPS,
        "alignments": ALIGNMENTS,
    }


def _tracked(stories: tuple[TokenStory, ...], attempt: Attempt) -> dict[str, Any]:
    """The tokens in the copy; those of other copies are counted."""
    mine = [story for story in stories if story.attempt == attempt.number]
    others = sum(story.count for story in stories) - sum(story.count for story in mine)
    return {
        "tokens": mine[:MOST_TOKENS],
        "more_tokens": max(0, len(mine) - MOST_TOKENS),
        "other_fetches": others,
        "most_fetches": MOST_FETCHES,
    }
