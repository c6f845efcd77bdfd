"""A visitor who opens everything that the viewer offers for a message: every link of its page, every API call.

What there is comes from the viewer itself: the links in the page's HTML (its frames' too) and `/api/openapi.json`.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import html
import io
import re
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import aiohttp

from tests.support.account import NAME, PASSWORD

_LINK = re.compile(r"""(?:href|src|action|data-[a-z-]+(?==["'][/?]))=["']([^"'#]+)""")
MOST_PARTS = 8
"""Parts of one message that are opened: some of our samples have a thousand."""
_WRITES = re.compile(r"/(resend|delete|edit|tags)\b")


@dataclass(slots=True)
class Seen:
    """`statuses`: (path, HTTP status) of everything asked for; `original`: hex SHA-256 of the download."""

    statuses: list[tuple[str, int]] = field(default_factory=list)
    original: str = ""


class Visitor:
    """Signed in with a name and a password, as in a browser. Asks for the evidence of one message in `evidence_every`:
    a second for each, most of it to draw a PDF."""

    def __init__(self, url: str, evidence_every: int = 1) -> None:
        self._url, self._evidence_every, self._visits = url, evidence_every, 0
        self._api: list[str] = []

    async def __aenter__(self) -> Visitor:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        form = {"name": NAME, "password": PASSWORD, "next": "/"}
        async with self._session.post(f"{self._url}/sign-in", data=form, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
        description = await self._json("/api/openapi.json")
        self._api = [path for path, methods in description["paths"].items() if "get" in methods]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._session.close()

    async def indexed(self, deadline: float) -> None:
        """Returns when the indexer has reached every message."""
        async with asyncio.timeout(deadline):
            while not re.search(
                r"^mailwitness_index_lag_messages 0(\.0)?$", await self._text("/metrics"), re.MULTILINE
            ):
                await asyncio.sleep(0.2)

    async def visit(self, message_id: str) -> Seen:
        """Opens the message's page, whatever it links to within the message, and every API path that takes its id."""
        seen = Seen()
        is_without = self._visits % self._evidence_every != 0
        self._visits += 1
        waiting = [f"/messages/{message_id}", f"/messages/{message_id}/preview", *await self._api_paths(message_id)]
        done: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path in done or (is_without and path.endswith("/evidence")):
                continue
            done.add(path)
            async with self._session.get(self._url + path, allow_redirects=False) as response:
                octets = await response.read()
                seen.statuses.append((path, response.status))
                if path == f"/api/messages/{message_id}/content":
                    seen.original = hashlib.sha256(octets).hexdigest()
                # Of the pages only: what a message itself says is never followed.
                if path.startswith("/messages/") and response.content_type == "text/html":
                    waiting += self._links(path, octets.decode("utf-8", "replace"), message_id)
        return seen

    def _links(self, path: str, page: str, message_id: str) -> list[str]:
        links = (html.unescape(match[1]) for match in _LINK.finditer(page))
        inner = []
        for link in links:
            target = urlsplit(urljoin(path, link)) if not link.startswith("//") else urlsplit(link)
            part = re.search(r"/parts/(\d+)$", target.path)
            is_one_more_part = part is not None and int(part[1]) >= MOST_PARTS
            is_inner = not target.netloc and message_id in target.path and not _WRITES.search(target.path)
            if is_inner and not is_one_more_part:
                inner.append(target.path + (f"?{target.query}" if target.query else ""))
        return inner

    async def _api_paths(self, message_id: str) -> list[str]:
        message = await self._json(f"/api/messages/{message_id}")
        parts = (await self._json(f"/api/messages/{message_id}/parts"))["parts"]
        paths: list[str] = []
        for template in self._api:
            if not template.startswith("/api/messages/{id}"):
                continue
            path = template.replace("{id}", message_id)
            if "{delivery_id}" in path:
                paths += [path.replace("{delivery_id}", one["id"]) for one in message["deliveries"]]
            elif "{" in path:
                paths += [re.sub(r"\{\w+\}", str(one["number"]), path) for one in parts[:MOST_PARTS]]
            else:
                paths.append(path)
        return paths

    async def exports(self, expected: Mapping[str, str]) -> AsyncIterator[tuple[str, str | None]]:
        """(what, problem or None) of each export of everything; `expected`: message id -> hex SHA-256."""
        with zipfile.ZipFile(io.BytesIO(await self._octets("/api/export?format=zip"))) as archive:
            is_right, otherwise = is_all_there(archive, expected)
        yield "zip: every .eml equal", None if is_right else otherwise
        rows = list(csv.reader(io.StringIO((await self._octets("/api/export?format=csv")).decode("utf-8-sig"))))
        yield "csv", None if len(rows) == len(expected) + 1 else f"{len(rows)} rows for {len(expected)} messages"

    async def _json(self, path: str):
        async with self._session.get(self._url + path) as response:
            assert response.status == 200, f"{path}: {response.status} {await response.text()}"
            return await response.json()

    async def _text(self, path: str) -> str:
        return (await self._octets(path)).decode()

    async def _octets(self, path: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=1800)
        async with self._session.get(self._url + path, timeout=timeout) as response:
            assert response.status == 200, f"{path}: {response.status} {await response.text()}"
            return await response.read()


def is_all_there(archive: zipfile.ZipFile, expected: Mapping[str, str]) -> tuple[bool, str]:
    """Whether the .eml files are those of the messages (`expected`: id -> hex SHA-256), and what is said otherwise."""
    found = sorted(
        hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name.endswith(".eml")
    )
    return found == sorted(expected.values()), f"{len(found)} .eml files for {len(expected)} messages, or not all equal"
