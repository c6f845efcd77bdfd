"""An archive of each backend, empty and open. PostgreSQL's place is in `BACKENDS`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive import open_archive
from relay.archive.api import Archive
from tests.support.fresh import fresh_archive

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
