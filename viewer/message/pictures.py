"""Small pictures of attachments, made by the worker of `thumbnail.py`; started with the viewer, asked one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from viewer.message.thumbnail import KINDS, MAX_DATA, SIDES, question
from viewer.message.worker import LENGTH, Worker

WORKER: web.AppKey[Worker] = web.AppKey("pictures", Worker)
TIME_LIMIT = 8.0
MEMORY = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Drawn:
    """A PNG, and how many pages there are to draw."""

    png: bytes
    pages: int


async def _running(app: web.Application) -> AsyncIterator[None]:
    app[WORKER] = Worker("viewer.message.thumbnail", time_limit=TIME_LIMIT, memory=MEMORY)
    yield
    await app[WORKER].close()


def setup(app: web.Application) -> None:
    app.cleanup_ctx.append(_running)


def can_draw(content_type: str, size: int) -> bool:
    return content_type in KINDS and size <= MAX_DATA


async def drawn(request: web.Request, content_type: str, data: bytes, size: str, page: int = 0) -> Drawn | None:
    """The picture in one of SIDES; None for what cannot be drawn, or not in time and memory."""
    if not can_draw(content_type, len(data)):
        return None
    answer = await request.app[WORKER].ask(question(content_type, data, SIDES[size], page))
    if answer is None or len(answer) <= LENGTH.size:
        return None
    return Drawn(answer[LENGTH.size :], LENGTH.unpack_from(answer)[0])
