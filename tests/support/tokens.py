"""A server that changes refresh tokens for access tokens (RFC 6749 section 6), on a real socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from aiohttp import web


class TokenServer:
    """Gives `access-1`, `access-2` …; `answers` are given first: (status, JSON), or octets as they are."""

    def __init__(self, answers: Sequence[tuple[int, Any] | bytes] = (), *, expires_in: object = 3600) -> None:
        self._answers, self._expires_in = list(answers), expires_in
        self._numbers = itertools.count(1)
        self.forms: list[dict[str, str]] = []
        self.hold: asyncio.Event | None = None
        """The answers wait for it."""

    async def __aenter__(self) -> TokenServer:
        app = web.Application()
        app.router.add_post("/token", self._token)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/token"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        self.forms.append({key: str(value) for key, value in (await request.post()).items()})
        if self.hold is not None:
            await self.hold.wait()
        if not self._answers:
            answer = {"access_token": f"access-{next(self._numbers)}", "token_type": "Bearer"}
            return web.json_response(answer | {"expires_in": self._expires_in})
        scripted = self._answers.pop(0)
        if isinstance(scripted, bytes):
            return web.Response(body=scripted)
        return web.json_response(scripted[1], status=scripted[0])
