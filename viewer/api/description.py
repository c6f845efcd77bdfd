"""The API's own description."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from aiohttp import web

from viewer.description.openapi import description

routes = web.RouteTableDef()


@routes.get("/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    return web.json_response(description(_version()))


def _version() -> str:
    """The installed version; `0` when run from a folder without being installed."""
    try:
        return version("mailwitness")
    except PackageNotFoundError:
        return "0"
