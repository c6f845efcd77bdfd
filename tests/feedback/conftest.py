from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive import open_archive
from relay.archive.api import Archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    yield opened
    await opened.close()
