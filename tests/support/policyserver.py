"""The web server of a domain's MTA-STS policy, on loopback, with TLS."""

from __future__ import annotations

import ssl

from aiohttp import web


class PolicyServer:
    """Answers `/.well-known/mta-sts.txt`; counts in `fetches`."""

    def __init__(self, context: ssl.SSLContext, policy: bytes, *, status: int = 200, kind: str = "text/plain") -> None:
        self.policy, self.status, self.kind = policy, status, kind
        self._context = context
        self.fetches: list[str] = []

    async def __aenter__(self) -> PolicyServer:
        app = web.Application()
        app.router.add_get("/.well-known/mta-sts.txt", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.fetches.append(request.host)
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(body=self.policy, status=self.status, content_type=self.kind, headers=headers)
