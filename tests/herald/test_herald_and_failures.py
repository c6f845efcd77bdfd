"""The herald while the archive cannot keep or answer: it goes on when it can, and nothing is told twice or left out."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pydantic import SecretStr

from relay.archive.api import Archive
from relay.config import Endpoint
from relay.herald.herald import Herald
from relay.model.event import Event, Kind
from tests.herald.conftest import SECRET, Ahead
from tests.support.archive_values import make_id
from tests.support.dispatch import new_id
from tests.support.failing_archive import FailingArchive
from tests.support.listening import Listening


def an_event() -> Event:
    return Event(new_id(), 1_700_000_000_000_000, Kind.DELIVERED, "relay", make_id(77))


@pytest.mark.parametrize(
    ("method", "how", "times"),
    [
        ("cursors", "lost", 1),
        ("facts", "broken", 1),
        ("add_notifications", "lost", 1),
        ("add_notifications", "done", 1),
        ("due_notifications", "lost", 1),
        ("forget_notifications", "lost", 1),
        ("finish_notifications", "done", 1),
        # What was told and not written down is told again: the receiver knows it by its id.
        ("finish_notifications", "lost", 2),
    ],
)
async def test_a_failing_archive_is_asked_again(
    archive: Archive, listening: Listening, clock: Ahead, method: str, how: str, times: int
) -> None:
    failing = FailingArchive(archive, {method: [how]})
    endpoint = Endpoint(name="crm", url=listening.url, secret=SecretStr(SECRET))
    options: dict[str, Any] = {"clock": clock, "new_id": new_id, "spread": lambda: 0.5, "retry": 0.01}
    herald = Herald([endpoint], archive=cast(Archive, failing), **options)
    await herald.start()
    try:
        await archive.add_events([an_event()])
        await listening.has(times)
        await archive.add_events([an_event()])
        await listening.has(times + 1)
    finally:
        await herald.stop()
    assert len(set(listening.ids)) == 2
    assert len(listening.ids) == times + 1
