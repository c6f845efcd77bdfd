from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive.api import Archive
from tests.support.fresh import fresh_archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await fresh_archive(tmp_path / "archive.db")
    yield opened
    await opened.close()
