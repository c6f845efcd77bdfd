"""What the courier's tests share: an archive on disk, a clock that stands until moved, ids in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive.api import Archive
from tests.support.authority import Certificate, issue
from tests.support.fresh import fresh_archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await fresh_archive(tmp_path / "archive.db")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For 127.0.0.1 and localhost."""
    return issue(tmp_path_factory.mktemp("certificates"), "localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def foreign_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For another host."""
    return issue(tmp_path_factory.mktemp("certificates"), "mail.example", name="foreign")
