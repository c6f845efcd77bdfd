"""/healthz, /readyz and /metrics: for the machinery around us, without signing in."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from viewer.keys import CONFIG, IS_READY, METRICS_TEXT
from viewer.security import is_near

routes = web.RouteTableDef()


def setup(app: web.Application) -> None:
    app.add_routes(routes)


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """200 as long as this process answers requests."""
    return web.Response(text="ok\n")


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 when messages can be kept, else 503; the text says why."""
    is_ready, reason = await request.app[IS_READY]()
    return web.Response(text=reason + "\n", status=200 if is_ready else 503)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Prometheus text, for loopback peers and `metrics.allow_from` only."""
    table = request.app[CONFIG].metrics
    if not table.enabled:
        raise web.HTTPNotFound
    if not is_near(request, table.allow_from):
        raise web.HTTPForbidden(text="Only addresses in metrics.allow_from may read this.")
    body = await request.app[METRICS_TEXT]()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
