"""One delivery in full: the edits of a sent copy, its signatures, and every pixel and link with its fetches.

Tokens are not told: who has one can fetch, and would be taken for the recipient.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from relay.model.access import Permission
from relay.model.delivery import Attempt
from relay.model.edit import Edit
from relay.model.event import Grade
from relay.model.fetch import Fetch
from viewer.api import shape
from viewer.api.content import attempts_of, chosen, delivery_of
from viewer.journal import events_of
from viewer.keys import DELIVERY_ID, ID
from viewer.message import engagement
from viewer.message.copies import rebuilt
from viewer.message.discretion import original
from viewer.message.engagement import TokenStory
from viewer.message.parsing import in_thread
from viewer.security import archive_of, require

routes = web.RouteTableDef()

MOST_REPLACEMENT = 64 * 1024
"""Octets of a replacement that is told; the whole copy can be had as its content."""


@routes.get(f"/api/messages/{ID}/deliveries/{DELIVERY_ID}")
async def one(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    archive, message_id = archive_of(request), request.match_info["id"]
    stored = await archive.message(message_id)
    delivery = delivery_of(request, stored)
    attempts = attempts_of(stored, delivery)
    copy = None
    if attempts or "attempt" in request.query:
        attempt = chosen(request, attempts)
        content = await original(archive, message_id)
        wire = await in_thread(request, lambda: rebuilt(content, attempt))
        signatures = engagement.signatures(await events_of(archive, message_id), attempt)
        copy = _copy(attempt, wire is not None, signatures)
    stories = engagement.token_stories(
        await archive.tokens_of(message_id, delivery_id=delivery.id),
        await archive.fetches(message_id, delivery_id=delivery.id),
        attempts,
    )
    told = {"delivery": shape.delivery(delivery, attempts), "copy": copy, "tokens": [_token(one) for one in stories]}
    return web.json_response(told)


def _copy(attempt: Attempt, is_verified: bool, signatures: tuple[Mapping[str, Any], ...]) -> shape.Json:
    return {
        "attempt": attempt.number,
        "is_verified": is_verified,
        "edits": [_edit(edit) for edit in attempt.edits],
        "signatures": [dict(signature) for signature in signatures],
    }


def _edit(edit: Edit) -> shape.Json:
    size = len(edit.replacement)
    replacement = base64.b64encode(edit.replacement).decode("ascii") if size <= MOST_REPLACEMENT else None
    return {"start": edit.start, "stop": edit.stop, "step": edit.step, "size": size, "replacement": replacement}


def _token(story: TokenStory) -> shape.Json:
    token = story.token
    return {
        "kind": token.kind.value,
        "url": token.url,
        "part": token.part,
        "attempt": story.attempt,
        "created_at": shape.time(token.created_at),
        "fetches": [_fetch(fetch) for fetch, _ in story.fetches],
    }


def _fetch(fetch: Fetch) -> shape.Json:
    return {
        "id": fetch.id,
        "at": shape.time(fetch.at),
        "method": fetch.method,
        "address": fetch.address,
        "network": fetch.network,
        "user_agent": fetch.user_agent,
        "signals": [{"name": name, "value": value} for name, value in fetch.signals],
        "verdict": fetch.verdict.value,
        "reason": fetch.reason,
        "rules_version": fetch.rules_version,
        "count": fetch.count,
        "grade": Grade.HEURISTIC.value,
    }
