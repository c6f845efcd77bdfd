"""The control socket: lets commands write to the archive of the running server, and tells its status.

A UNIX socket with mode 0600 in the archive's folder (mode 0700): who can open it could read the archive's file as
well, so there is no other check. The commands' half is `errand.py`.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from relay.archive.api import Archive, ArchiveError
from relay.errand import ERRANDS, NOTARY_ERRANDS, SOCKET_NAME, packed, reachable, unpacked
from relay.notary.problem import NotaryProblem


class Control:
    """The server's end of the socket. `changed` is awaited after each write, so that the server can act on it;
    `switches_changed` after one of the switches. `notary`: whose errands are `NOTARY_ERRANDS`."""

    def __init__(
        self,
        folder: Path,
        archive: Archive,
        *,
        status: Callable[[], dict[str, Any]],
        changed: Callable[[], Awaitable[None]],
        switches_changed: Callable[[], Awaitable[None]],
        notary: object = None,
    ) -> None:
        self._path = folder / SOCKET_NAME
        self._archive = archive
        self._status = status
        self._changed = changed
        self._switches_changed = switches_changed
        self._notary = notary
        app = web.Application()
        app.router.add_get("/status", self._tell)
        app.router.add_post("/{errand}", self._do)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)

    async def start(self) -> None:
        """Listens, or raises OSError. The archive is locked by now, so a socket that is there is left from a crash."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound()).start()

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with reachable(self._path) as name:
                bound.bind(name)
        except BaseException:
            bound.close()
            raise
        finally:
            os.umask(before)
        bound.setblocking(False)
        return bound

    async def stop(self) -> None:
        await self._runner.cleanup()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _tell(self, request: web.Request) -> web.Response:
        return web.json_response(self._status())

    async def _do(self, request: web.Request) -> web.Response:
        errand = request.match_info["errand"]
        is_notary = self._notary is not None and errand in NOTARY_ERRANDS
        kinds = (NOTARY_ERRANDS if is_notary else ERRANDS).get(errand)
        if kinds is None:
            return web.json_response({"error": f"no errand is called {errand}"}, status=404)
        try:
            given = await request.json()
            arguments = [unpacked(kind, value) for kind, value in zip(kinds, given, strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return web.json_response({"error": f"not what {errand} takes: {error!r}"}, status=400)
        try:
            result = await getattr(self._notary if is_notary else self._archive, errand)(*arguments)
        except (ArchiveError, NotaryProblem) as error:
            return web.json_response({"error": str(error)}, status=409)
        await (self._switches_changed() if errand == "put_switches" else self._changed())
        return web.json_response({"result": packed(result)})
