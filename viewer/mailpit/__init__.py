"""Mailpit's HTTP API (`/api/v1`, `/view`), so that test clients written for Mailpit work with us as they are.

What differs, because this is an archive and not a trap, is in docs/mailpit.md: who asks must be somebody
(`callers.py`), deleting needs its permission and leaves the fact, and deleting everything reaches only what was never
sent.
"""

from __future__ import annotations

from aiohttp import web

from viewer.mailpit import changing, reading, sending, status
from viewer.mailpit.marks import MARKS, Marks


def setup(app: web.Application) -> None:
    app[MARKS] = Marks()
    for part in (status, reading, changing, sending):
        app.add_routes(part.routes)
