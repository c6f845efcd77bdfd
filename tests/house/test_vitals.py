"""What /readyz and /metrics say, asked of a real archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.vitals import Vitals
from tests.support.fresh import open_archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    yield opened
    await opened.close()


async def test_an_open_archive_is_ready(archive: Archive) -> None:
    assert await Vitals(archive, lambda: 0).is_ready() == (True, "ready")


async def test_a_closed_archive_is_not_and_says_why(archive: Archive) -> None:
    await archive.close()
    is_ready, reason = await Vitals(archive, lambda: 0).is_ready()
    assert not is_ready
    assert reason not in ("", "ready")


async def test_the_metrics_name_every_state_of_the_queue(archive: Archive) -> None:
    text = (await Vitals(archive, lambda: 0).metrics_text()).decode()
    for state in ("queued", "deferred", "unconfirmed", "sending", "held"):
        assert f'mailwitness_queue_depth{{state="{state}"}} 0.0' in text
    assert "mailwitness_queue_age_seconds 0.0" in text
    assert "mailwitness_index_lag_messages 0.0" in text
