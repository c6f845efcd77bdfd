"""A program that takes what endpoints are told, on loopback, with answers as the test wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listening:
    """`received`: the verified bodies, in order; `ids`: their `webhook-id`. `answer` may be replaced at any time."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)
        self.received: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = self.takes
        self._came = asyncio.Event()

    async def __aenter__(self) -> Listening:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hooks"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        # Raises if the signature is not right: the answer is then 500.
        self.received.append(self._webhook.verify(content, dict(request.headers)))
        self.ids.append(request.headers["webhook-id"])
        self.headers.append(dict(request.headers))
        self._came.set()
        return await self.answer(request)

    async def takes(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    def refuses(self, status: int, **headers: str) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})

        self.answer = answer

    def hangs(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        self.answer = answer

    async def has(self, count: int, within: float = 10.0) -> None:
        """Returns when so many have come."""
        async with asyncio.timeout(within):
            while len(self.received) < count:
                self._came.clear()
                await self._came.wait()
