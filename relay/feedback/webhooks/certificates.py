"""The certificates that signed messages name: fetched once, kept in memory. Which addresses may be asked is decided
before (`sns.py`); here is how much is taken, how long it may take and how often.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import aiohttp

MAX_SIZE = 64 * 1024
TIMEOUT = 5.0
"""Seconds."""
KEPT_FOR = 24 * 3600.0
"""Seconds after which a certificate is fetched again."""
KEPT = 32
"""Certificates; SNS has one for each region at a time."""
FETCHES = 20
PERIOD = 60.0
"""So many fetches in so many seconds, whoever asks: names can be made up faster than they can be fetched."""

Fetch = Callable[[str], Awaitable[bytes]]
"""GET; the body of a 200. Raises FetchError."""


class FetchError(Exception):
    """It could not be had. Temporary."""


def fetcher(trust: ssl.SSLContext | None = None, *, timeout: float = TIMEOUT) -> Fetch:
    """Fetches over HTTPS, without redirects, cookies or proxies. `trust`: other authorities than the system's."""

    async def fetch(url: str) -> bytes:
        if not url.startswith("https://"):
            raise FetchError("not https")
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=timeout), cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.get(url, allow_redirects=False, ssl=trust or True) as response,
            ):
                if response.status != 200:
                    raise FetchError(f"answered {response.status}")
                return await _bounded(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise FetchError(f"{type(error).__name__}: {error}") from error

    return fetch


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        body += chunk
        if len(body) > MAX_SIZE:
            raise FetchError(f"larger than {MAX_SIZE} octets")
    return bytes(body)


class Certificates:
    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._fetched: list[float] = []
        self._one_at_a_time = asyncio.Lock()

    async def get(self, url: str) -> bytes:
        """The PEM. Raises FetchError."""
        found = self._found(url)
        if found is not None:
            return found
        async with self._one_at_a_time:
            found = self._found(url)
            return await self._get(url) if found is None else found

    def _found(self, url: str) -> bytes | None:
        when, pem = self._kept.get(url, (0.0, b""))
        return pem if pem and self._now() - when < KEPT_FOR else None

    async def _get(self, url: str) -> bytes:
        self._fetched = [when for when in self._fetched if self._now() - when < PERIOD]
        if len(self._fetched) >= FETCHES:
            raise FetchError("too many certificates were asked for")
        self._fetched.append(self._now())
        pem = await self._fetch(url)
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = (self._now(), pem)
        return pem

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
