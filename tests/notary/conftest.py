"""An archive, empty and open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive.api import Archive
from tests.support.fresh import open_archive


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/archive.db"


@pytest.fixture
async def archive(url: str) -> AsyncIterator[Archive]:
    opened = await open_archive(url)
    yield opened
    await opened.close()
