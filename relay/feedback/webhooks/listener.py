"""`POST /hooks/NAME` of the public port: what a provider reports is verified, kept, and only then answered 200.

The order in which a request passes: method, source, address, refusals before, type and size, body, JSON, proof; then
the payload is committed and answered. Reading it is `mapping.py`'s. Nothing that a request names is fetched before the
provider's file has found the address to be its own (`Needs`), and nothing of a refused request is kept but a count.

What a provider's machine sees of a refusal is its status and one line of text; 503 asks it to come again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from aiohttp import ClientError, web

from relay import maillog
from relay.archive.api import Archive, ArchiveError, Keeping
from relay.config import WebhookSource
from relay.feedback.address import parsed as parsed_address
from relay.feedback.webhooks.certificates import Certificates, Fetch, FetchError
from relay.feedback.webhooks.document import Malformed, parsed
from relay.feedback.webhooks.provider import MALFORMED, Needs, Provider, Refusal, Request, Verified, malformed
from relay.feedback.webhooks.providers import PROVIDERS
from relay.feedback.webhooks.refusals import PERIOD, Refusals
from relay.model.report import Payload

BODY_DEADLINE = 15.0
"""Seconds for the whole body."""
AT_A_TIME = 64
PER_ADDRESS = 32
"""Bodies in memory, in all and from one address; further requests are asked to come again."""
HEADER_LIMIT = 500
"""Characters kept of a header field."""
TYPES = ("application/json", "text/plain", "application/octet-stream")
"""SNS says text/plain of its JSON."""
KEPT_HEADERS = ("Content-Type", "User-Agent")
UNKNOWN = "unknown"
"""As source of a request to a name that is not configured: a metric must not grow with what people try."""

_HEADERS = {"Server": "mailwitness", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Hooks:
    """`kept`: called after a payload was committed. `fetch`: how a certificate is had."""

    def __init__(
        self,
        sources: Mapping[str, WebhookSource],
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        fetch: Fetch,
        kept: Callable[[], None],
        body_deadline: float = BODY_DEADLINE,
        at_a_time: int = AT_A_TIME,
    ) -> None:
        self._sources = sources
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._fetch = fetch
        self._kept = kept
        self._body_deadline = body_deadline
        self._at_a_time = at_a_time
        self._bodies: Counter[str] = Counter()
        self._certificates = Certificates(fetch)
        self._refusals = Refusals()

    def use(self, sources: Mapping[str, WebhookSource]) -> None:
        """Others from now on."""
        self._sources = sources

    async def receive(self, request: web.Request, client: str) -> web.Response:
        """The answer. `client`: the address that the request is from, proxies that are trusted looked through."""
        name = request.match_info["name"]
        table = self._sources.get(name)
        source = name if table is not None else UNKNOWN
        outcome = await self._outcome(request, client, name, table)
        if outcome is None:
            return _answer(200, "kept")
        maillog.payload_refused(source, client, outcome.reason, outcome.words)
        if outcome.status < 500 and outcome.status != 429:
            self._refusals.note(client, self._clock())
        return _answer(outcome.status, outcome.words)

    async def _outcome(
        self, request: web.Request, client: str, name: str, table: WebhookSource | None
    ) -> Refusal | None:
        """Why it is refused; None: it is kept."""
        refusal = self._at_the_door(request, client, table)
        if refusal is not None or table is None:
            return refusal
        if self._bodies.total() >= self._at_a_time or self._bodies[client] >= PER_ADDRESS:
            return Refusal(503, "busy", "too much at a time")
        self._bodies[client] += 1
        try:
            body = await _body(request, table.max_size, self._body_deadline)
            return body if isinstance(body, Refusal) else await self._look_at(request, body, client, name, table)
        except ArchiveError as error:
            maillog.beacon_failed("/hooks", error)
            return Refusal(503, "archive", "cannot be kept just now")
        finally:
            self._bodies[client] -= 1
            self._bodies += Counter()  # addresses without any are forgotten

    def _at_the_door(self, request: web.Request, client: str, table: WebhookSource | None) -> Refusal | None:
        if self._refusals.are_many(client, self._clock()):
            return Refusal(429, "rate", "refused too often")
        if request.method != "POST":
            return Refusal(405, "method", "expected POST")
        if table is None:
            return Refusal(404, "name", "not found")
        if table.allow_from and not _is_among(client, table.allow_from):
            return Refusal(403, "address", "this address is not on the list")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return Refusal(415, "type", "expected a body without Content-Encoding")
        if request.content_type not in TYPES:
            return Refusal(415, "type", "expected application/json")
        if (request.content_length or 0) > table.max_size:
            return _TOO_LARGE
        return None

    async def _look_at(
        self, request: web.Request, body: bytes, client: str, name: str, table: WebhookSource
    ) -> Refusal | None:
        provider = PROVIDERS[table.provider or name]
        try:
            asked = Request(body, request.headers, parsed(body), self._clock())
        except Malformed as error:
            return malformed(str(error))
        verdict = await self._verdict(provider, asked, table, name)
        if isinstance(verdict, Refusal):
            return verdict
        return await self._keep(provider, verdict, asked, client, name)

    async def _verdict(self, provider: Provider, asked: Request, table: WebhookSource, name: str) -> Verified | Refusal:
        verdict = provider.verify(asked, table)
        if not isinstance(verdict, Needs):
            return verdict
        try:
            certificate = await self._certificates.get(verdict.url)
        except FetchError as error:
            maillog.fetch_failed(name, verdict.url, error)
            return Refusal(503, "fetch", "the certificate could not be fetched")
        again = provider.verify(replace(asked, certificates={verdict.url: certificate}), table)
        return Refusal(403, MALFORMED, "not verified") if isinstance(again, Needs) else again

    async def _keep(
        self, provider: Provider, verified: Verified, asked: Request, client: str, name: str
    ) -> Refusal | None:
        kept = (*KEPT_HEADERS, *provider.kept_headers)
        payload = Payload(
            id=self._new_id(),
            received_at=asked.now,
            source=f"webhook:{name}",
            grade=verified.grade,
            verdict=verified.verdict,
            headers={field: _shown(asked.headers[field]) for field in kept if field in asked.headers},
            body=asked.body,
            peer=client,
            nonce=verified.nonce,
        )
        # Crash before this commit: no 200, the provider comes again. After it: read at the next start.
        keeping = await self._archive.add_payload(payload)
        if keeping is Keeping.SPENT:
            return Refusal(406, "replayed", "this signature came before with another body")
        maillog.payload_kept(payload, is_known=keeping is Keeping.KNOWN)
        self._kept()
        return await self._confirm(verified.confirm, name) if verified.confirm else None

    async def _confirm(self, url: str, name: str) -> Refusal | None:
        """Says that we want what a topic publishes: its address was signed, and is the provider's."""
        try:
            await self._fetch(url)
        except FetchError as error:
            maillog.fetch_failed(name, url, error)
            return Refusal(503, "fetch", "the subscription could not be confirmed")
        maillog.subscription_confirmed(name, url)
        return None


_TOO_LARGE = Refusal(413, "size", "too large")


async def _body(request: web.Request, max_size: int, deadline: float) -> bytes | Refusal:
    """The octets; not one more than allowed is kept, however the request says how many there are."""
    body = bytearray()
    try:
        async with asyncio.timeout(deadline):
            async for chunk in request.content.iter_any():
                if len(body) + len(chunk) > max_size:
                    return _TOO_LARGE
                body += chunk
    except TimeoutError:
        return Refusal(408, "slow", "the body took too long")
    except (ClientError, ConnectionError, web.HTTPException, ValueError):
        return malformed("the body broke off")
    return bytes(body)


def _is_among(client: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    address = parsed_address(client)
    return address is not None and any(address in network for network in networks)


def _shown(value: str) -> str:
    return value[:HEADER_LIMIT].encode("utf-8", "replace").decode()


def _answer(status: int, words: str) -> web.Response:
    headers = dict(_HEADERS)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="hooks"'
    if status == 405:
        headers["Allow"] = "POST"
    if status in (429, 503):
        headers["Retry-After"] = str(PERIOD // 1_000_000)
    return web.Response(text=f"{words}\n", status=status, headers=headers)
