"""The pages that people see; one module a page."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from viewer import drafts, pictures
from viewer.keys import RENDER_ROW
from viewer.pages import (
    account,
    applications,
    approval,
    bulk,
    deletion,
    endpoints,
    grid,
    help,
    message,
    parts,
    passkeys,
    payload,
    printing,
    queue,
    queue_work,
    resend,
    rows,
    second_factor,
    sent,
    sessions,
    suppressions,
    tagging,
    users,
)

PAGES = (
    grid,
    message,
    parts,
    sent,
    payload,
    printing,
    resend,
    approval,
    queue,
    queue_work,
    bulk,
    deletion,
    tagging,
    suppressions,
    endpoints,
    account,
    second_factor,
    passkeys,
    sessions,
    users,
    applications,
    help,
)


def setup(app: web.Application) -> None:
    """Registers the pages' routes and gives the templates their words."""
    environment = aiohttp_jinja2.get_env(app)
    environment.filters.update(rows.FILTERS)
    environment.globals["link"] = rows.reference_links(app)
    app[RENDER_ROW] = rows.render_row
    pictures.setup(app)
    drafts.setup(app)
    printing.setup(app)
    for page in PAGES:
        app.add_routes(page.routes)
