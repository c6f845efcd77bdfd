"""Contents taken apart for showing: in a thread, a few at a time, so that a monster holds up no one else for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from relay.rendition.mime import Part, parse, walk
from viewer.security import archive_of

T = TypeVar("T")
PARSING: web.AppKey[asyncio.Semaphore] = web.AppKey("parsing", asyncio.Semaphore)
AT_ONCE = 2


def setup(app: web.Application) -> None:
    app[PARSING] = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A content and its tree of parts."""

    content: bytes
    root: Part

    @property
    def parts(self) -> list[Part]:
        """All parts; the one with number n is at place n."""
        return list(walk(self.root))


async def parsed(request: web.Request, message_id: str) -> Parsed:
    """The message's content, taken apart. Raises NotFound."""
    content = await archive_of(request).content(message_id)
    return await in_thread(request, lambda: Parsed(content, parse(content)))


async def in_thread(request: web.Request, work: Callable[[], T]) -> T:
    """What `work()` returns; it must be pure and take time linear in its input."""
    async with request.app[PARSING]:
        return await asyncio.to_thread(work)
