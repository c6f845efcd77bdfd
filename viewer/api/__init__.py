"""The JSON API under /api: what the pages can do, for programs. Described by `viewer/description/openapi.py`.

One module for each kind of thing; `shape.py` says how things look as JSON.
"""

from __future__ import annotations

from aiohttp import web

from viewer.api import (
    approval,
    audit,
    bulk,
    content,
    deletion,
    deliveries,
    description,
    endpoints,
    erasures,
    events,
    evidence,
    explained,
    export,
    figures,
    hold,
    messages,
    parts,
    people,
    queue,
    reports,
    resend,
    roles,
    settings,
    submit,
    suggest,
    suppressions,
    switches,
    tagging,
    views,
)

PARTS = (
    figures,
    hold,
    queue,
    bulk,
    views,
    switches,
    reports,
    messages,
    suggest,
    submit,
    content,
    evidence,
    deliveries,
    parts,
    resend,
    approval,
    suppressions,
    endpoints,
    events,
    export,
    deletion,
    erasures,
    tagging,
    audit,
    settings,
    people,
    roles,
    explained,
    description,
)


def setup(app: web.Application) -> None:
    for part in PARTS:
        app.add_routes(part.routes)
