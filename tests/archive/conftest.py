"""An archive of each backend, empty and open. PostgreSQL's place is in `BACKENDS`."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive.api import Archive
from tests.support.audited import Bench, put_filled
from tests.support.fresh import fresh_archive, open_archive

BACKENDS = ("sqlite",)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"sqlite": f"sqlite:///{tmp_path}/data/archive.db"}[request.param]


@pytest.fixture
async def archive(url: str) -> AsyncIterator[Archive]:
    path = Path(url.removeprefix("sqlite:///"))
    opened = await (fresh_archive(path) if url.startswith("sqlite:") else open_archive(url))
    yield opened
    await opened.close()


@pytest.fixture
def audited_path(url: str) -> Path:
    path = Path(url.removeprefix("sqlite:///"))
    put_filled(path)
    return path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = tmp_path_factory.mktemp("bench") / "archive.db"
    put_filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield Bench(database)
