"""What the herald's tests share: an archive on disk, a receiver on loopback, heralds that are stopped at the end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.config import Endpoint
from relay.herald.herald import Herald
from tests.support.dispatch import new_id
from tests.support.fresh import fresh_archive
from tests.support.listening import Listening

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Ahead:
    """The real clock, because a receiver compares with its own, and some seconds."""

    seconds = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.seconds * 1_000_000


Heralds = Callable[..., Awaitable[Herald]]


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await fresh_archive(tmp_path / "archive.db")
    yield opened
    await opened.close()


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    async with Listening(SECRET) as made:
        yield made


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def herald_of(archive: Archive, clock: Ahead) -> AsyncIterator[Heralds]:
    """Starts a herald for these endpoints."""
    made: list[Herald] = []

    async def start(*endpoints: Endpoint) -> Herald:
        herald = Herald(endpoints, archive=archive, clock=clock, new_id=new_id, spread=lambda: 0.5)
        await herald.start()
        made.append(herald)
        return herald

    yield start
    for herald in made:
        await herald.stop()
