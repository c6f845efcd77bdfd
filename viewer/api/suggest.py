"""What could be meant: completions of the word at a place of a search, for the box in which it is typed."""

from __future__ import annotations

import re

from aiohttp import web

from relay.archive.query import BOUNCES, ENGAGEMENT, FIELDS, HAS, IS, STATUSES, quoted
from relay.model.access import Permission
from viewer.api.parameters import number
from viewer.security import archive_of, require

routes = web.RouteTableDef()

MOST = 8
KNOWN = {
    "status": STATUSES,
    "bounce": BOUNCES,
    "has": HAS,
    "is": IS,
    "opened": tuple(ENGAGEMENT),
    "clicked": tuple(ENGAGEMENT),
}
"""Fields whose values the language itself names."""
STORED = {
    "tag": "tag",
    "application": "application",
    "ref": "ref",
    "recipient": "recipient",
    "to": "recipient",
    "from": "from",
    "sender": "from",
}
"""Field -> whose values in the archive are meant."""
_WORD = re.compile(r'(?:^|(?<=[\s(]))-?(?:([A-Za-z-]+):)?"?([^\s()"]*)$')
_PLAIN = re.compile(r'[^\s()"]+')


@routes.get("/api/suggest")
async def suggest(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    text = request.query.get("q", "")[:1000]
    place = min(number(request, "at", len(text), 0, 1000), len(text))
    start, found = await _completions(request, text[:place])
    return web.json_response({"start": start, "stop": place, "suggestions": found[:MOST]})


async def _completions(request: web.Request, before: str) -> tuple[int, list[str]]:
    """Where the word begins that ends the text, without a sign, and what it could become."""
    match = _WORD.search(before)
    if match is None:
        return len(before), []
    field, begun = (match[1] or "").lower(), match[2]
    start = match.start() + (1 if match[0].startswith("-") else 0)
    if not match[1]:
        names = [f"{name}:" for name in sorted(FIELDS) if begun and name.startswith(begun.lower())]
        return start, names
    if field in KNOWN:
        values = [value for value in KNOWN[field] if value.startswith(begun.lower())]
    elif field in STORED:
        values = await archive_of(request).values(STORED[field], begun, most=MOST)
    else:
        values = []
    return start, [f"{field}:{value if _PLAIN.fullmatch(value) else quoted(value)}" for value in values]
