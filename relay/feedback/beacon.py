"""The public port: pixels, links and unsubscribing. An application of its own; nothing of the viewer is reachable here.

    GET  /o/TOKEN.gif   the pixel, at once, also for tokens that do not exist
    GET  /c/TOKEN       302 to the address stored with the token (never to one in the request), or the preview page
    GET  /u/TOKEN       the page that asks; POST unsubscribes (RFC 8058)
    POST /hooks/NAME    what a provider reports (`webhooks/listener.py`)
    GET  /checkpoint, /tile/…   the log, where it is public (`relay/notary/serving.py`)

HEAD is answered alike, without a body. Everything else is 404. Any Host is answered: applications have public addresses
of their own, and a token is all that counts. Fetches go to `gathering.py`, which is never in the way.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.config import Tracking
from relay.feedback import pages
from relay.feedback.address import client_of
from relay.feedback.destination import destination
from relay.feedback.gathering import Gathering, Hit
from relay.feedback.webhooks.listener import Hooks
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.token import TokenKind

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""
MAX_BODY = 4096
BODY_DEADLINE = 10.0
"""Seconds for the body of a POST."""
KEEPALIVE = 15.0
"""Seconds; also closes those who send their request too slowly."""
MAX_CONNECTIONS = 2000
"""More are closed at once: memory is bounded, and browsers try again."""
AGENT_LIMIT = 400
SIGNAL_LIMIT = 100
"""Characters kept of User-Agent and of each signal."""

_NAME = "{token:[A-Za-z0-9_-]{8,100}}"
SIGNALS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Fields by which browsers say that they fetch in advance."""

_COMMON = {
    "Server": "mailwitness",
    "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
    "X-Content-Type-Options": "nosniff",
}
_PIXEL = CIMultiDictProxy(
    CIMultiDict({**_COMMON, "Content-Type": "image/gif", "Cross-Origin-Resource-Policy": "cross-origin"})
)
_PRIVATE = {**_COMMON, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_PAGE = {
    **_PRIVATE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


Log = Callable[[str], Awaitable[web.Response | None]]
"""Answers for the log at a path; None: there is nothing."""


class Beacon:
    """`bound`: where it listens, once started."""

    def __init__(
        self,
        table: Tracking,
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        rules: SuppressionRules = NO_RULES,
        hooks: Hooks | None = None,
        log: Log | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._table = table
        self._hooks = hooks
        self._log = log
        self._max_connections = max_connections
        self._archive = archive
        self._clock = clock
        self._gathering = Gathering(archive, clock=clock, new_id=new_id, detail=table.address_detail, rules=rules)
        self._runner = web.AppRunner(
            self._app(), keepalive_timeout=KEEPALIVE, access_log=None, handle_signals=False, shutdown_timeout=2.0
        )
        self._listening: asyncio.Server | None = None
        self.bound: tuple[str, int] = ("", 0)

    def use(self, table: Tracking, rules: SuppressionRules = NO_RULES) -> None:
        """Other settings from now on; host and port stay."""
        self._table = table
        self._gathering.detail, self._gathering.rules = table.address_detail, rules

    async def start(self) -> None:
        """Listens. Raises OSError if the port is taken."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._accept, self._table.host, self._table.port, backlog=1024)
        except OSError:
            await self._runner.cleanup()
            raise
        self.bound = self._listening.sockets[0].getsockname()[:2]
        self._gathering.start()

    async def stop(self, grace: float) -> None:
        """Ends listening, answers what is under way; returns when all fetches are kept, or after `grace` seconds."""
        if self._listening is None:
            return
        self._listening.close()
        await self._runner.cleanup()
        await self._gathering.stop(grace)

    def _accept(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._max_connections:
            return _Refusal()
        return server()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        add = app.router.add_route
        for method in ("GET", "HEAD"):
            add(method, f"/o/{_NAME}.gif", self._pixel)
            add(method, f"/c/{_NAME}", _answering(self._link))
            add(method, f"/u/{_NAME}", _answering(self._ask))
            add(method, "/{log:checkpoint|tile/[0-9a-z/.]{1,80}}", _answering(self._show))
        add("POST", f"/u/{_NAME}", _answering(self._unsubscribe))
        add("*", "/hooks/{name:[^/]{1,80}}", self._report)
        add("*", r"/{rest:[\s\S]*}", self._nothing)
        return app

    # -- handlers --------------------------------------------------------------------------------------------
    async def _pixel(self, request: web.Request) -> web.Response:
        self._gathering.note(self._hit(request))
        return web.Response(body=GIF, headers=_PIXEL)

    async def _link(self, request: web.Request) -> web.Response:
        token = await self._archive.tracking_token(request.match_info["token"])
        leads = None
        if token is not None and token.kind in (TokenKind.CLICK, TokenKind.HONEYPOT):
            self._gathering.note(self._hit(request))
            leads = destination(token.url)
        if leads is None:
            return _page(pages.NOT_FOUND, 404)
        if self._table.link_preview:
            return _page(pages.leads_to(leads))
        return web.Response(status=302, headers={**_PRIVATE, "Location": leads})

    async def _ask(self, request: web.Request) -> web.Response:
        token = await self._archive.tracking_token(request.match_info["token"])
        if token is None or token.kind is not TokenKind.UNSUBSCRIBE:
            return _page(pages.NOT_FOUND, 404)
        self._gathering.note(self._hit(request))
        found = await self._archive.unsubscribing(token.delivery_id, self._clock())
        page = pages.done if found.is_done else pages.ask
        return _page(page(found.sender, found.recipient, stops=self._stops))

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        token = await self._archive.tracking_token(request.match_info["token"])
        if token is None or token.kind is not TokenKind.UNSUBSCRIBE:
            return _page(pages.NOT_FOUND, 404)
        if not await _is_one_click(request):
            return _page(pages.NOT_ASKED, 400)
        # Committed before it is answered: a promise to a person.
        await self._gathering.keep([self._hit(request)])
        found = await self._archive.unsubscribing(token.delivery_id, self._clock())
        return _page(pages.done(found.sender, found.recipient, stops=self._stops))

    @property
    def _stops(self) -> bool:
        return self._gathering.rules.on_unsubscribe

    async def _report(self, request: web.Request) -> web.Response:
        if self._hooks is None:
            return _page(pages.NOT_FOUND, 404)
        return await self._hooks.receive(request, self._client(request))

    async def _show(self, request: web.Request) -> web.Response:
        found = await self._log(request.match_info["log"]) if self._log else None
        return found or _page(pages.NOT_FOUND, 404)

    async def _nothing(self, request: web.Request) -> web.Response:
        return _page(pages.NOT_FOUND, 404)

    def _hit(self, request: web.Request) -> Hit:
        headers = request.headers
        return Hit(
            request.match_info["token"],
            self._clock(),
            request.method,
            self._client(request),
            headers.get("User-Agent", "")[:AGENT_LIMIT],
            _signals(headers),
        )

    def _client(self, request: web.Request) -> str:
        peer, trusted = request.remote or "", self._table.trusted_proxies
        return client_of(peer, request.headers.getall("X-Forwarded-For", []), trusted) if trusted else peer


def _signals(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple([(name, headers[name][:SIGNAL_LIMIT]) for name in SIGNALS if name in headers])


class _Refusal(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _answering(handler: Handler) -> Handler:
    """The handler, answering 503 while the archive cannot be read or written."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ArchiveError as error:
            maillog.beacon_failed(request.path[:2], error)
            return _page(pages.LATER, 503, {"Retry-After": "30"})

    return answer


def _page(body: bytes, status: int = 200, more: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers={**_PAGE, **(more or {})})


async def _is_one_click(request: web.Request) -> bool:
    """Whether the body is `List-Unsubscribe=One-Click`, urlencoded or multipart/form-data (RFC 8058 section 3.2)."""
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            form = await request.post()
    except (ValueError, LookupError, TimeoutError, web.HTTPRequestEntityTooLarge):
        return False
    return form.get("List-Unsubscribe") == "One-Click"
