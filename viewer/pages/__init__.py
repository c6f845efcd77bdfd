"""The pages that people see; one module a page."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from viewer.drawing import DRAWING
from viewer.figures import naming
from viewer.grid.automation import automations
from viewer.grid.row import Rows
from viewer.keys import CONFIG, RENDER_ROW
from viewer.message import pictures
from viewer.pages import (
    account,
    alerts,
    application,
    application_settings,
    applications,
    approval,
    audit,
    bounces,
    bulk,
    deletion,
    domains,
    endpoints,
    erasures,
    grid,
    help,
    hold,
    language,
    mailings,
    message,
    panel,
    parts,
    passkeys,
    payload,
    printing,
    queue,
    queue_work,
    recipient,
    reports,
    resend,
    roles,
    rows,
    second_factor,
    sent,
    sessions,
    settings,
    suppressions,
    tagging,
    users,
    views,
)
from viewer.retelling import retold
from viewer.work import drafts

PAGES = (
    grid,
    panel,
    views,
    mailings,
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
    erasures,
    hold,
    tagging,
    audit,
    settings,
    alerts,
    application_settings,
    suppressions,
    endpoints,
    account,
    second_factor,
    passkeys,
    sessions,
    users,
    roles,
    applications,
    reports,
    bounces,
    domains,
    recipient,
    application,
    help,
    language,
)


def setup(app: web.Application) -> None:
    """Registers the pages' routes and gives the templates their words."""
    environment = aiohttp_jinja2.get_env(app)
    environment.filters.update(rows.FILTERS)
    environment.filters["retold"] = retold
    link = environment.globals["link"] = rows.reference_links(app)
    app[rows.GRID_ROWS] = Rows(app[DRAWING], link, automations(app[CONFIG]))
    app[RENDER_ROW] = rows.render_row
    naming.setup(app)
    pictures.setup(app)
    drafts.setup(app)
    printing.setup(app)
    for page in PAGES:
        app.add_routes(page.routes)
