"""The process is killed before each write of a deletion: the content is whole and nothing said, or it is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

from relay.archive.api import Gone
from relay.archive.content import stored
from relay.model.deletion import Fate, Order
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.summary import Summary
from tests.support.archive_values import NOON, a_message, captured_event, deliveries_of, make_id
from tests.support.doomed import killed_before, read_for_processes
from tests.support.fresh import open_archive
from tests.support.thoroughness import one_in

CONTENT = b"Subject: secret\r\n\r\nsecret\r\n"
MESSAGE = a_message(1, content=stored(CONTENT))
DELIVERY = deliveries_of(MESSAGE, State.HELD)[0]
FIRST = 'INSERT INTO "deletion"'
read_for_processes(__name__)


async def prepare(path: Path) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    await archive.add_message(MESSAGE, stored(CONTENT), [DELIVERY], [captured_event(MESSAGE)])
    await archive.add_summaries([(MESSAGE.id, Summary(subject="secret", body_text="secret", snippet="secret"))])
    await archive.close()


def order() -> Order:
    event = Event(make_id(1, 7000), NOON, Kind.DELETED, "user:anna", MESSAGE.id, data={"reason": "asked"})
    cancelled = Event(make_id(1, 7001), NOON, Kind.CANCELLED, "user:anna", MESSAGE.id, DELIVERY.id)
    return Order(MESSAGE.id, event, [cancelled])


async def _delete(path: str) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    await archive.delete_content([order()])
    await archive.close()


async def is_whole(path: Path) -> bool:
    """Whether the message is as it was; raises AssertionError if it is neither that nor gone."""
    archive = await open_archive(f"sqlite:///{path}")
    try:
        found, row = await archive.message(MESSAGE.id), await archive.listing(MESSAGE.id)
        kinds = [event.kind for _, event in await archive.events(message_id=MESSAGE.id)]
        state = found.deliveries[0].state
        try:
            content = await archive.content(MESSAGE.id)
        except Gone:
            assert (row.subject, row.snippet, state) == ("", "", State.CANCELLED)
            assert kinds == [Kind.CAPTURED, Kind.CANCELLED, Kind.DELETED]
            assert found.deletion is not None
            return False
        assert (content, row.subject, state) == (CONTENT, "secret", State.HELD)
        assert (found.deletion, kinds) == (None, [Kind.CAPTURED])
        return True
    finally:
        await archive.close()


async def test_killed_before_any_write_of_a_deletion_leaves_all_or_nothing(tmp_path: Path):
    prepared, undisturbed = tmp_path / "prepared" / "archive.db", tmp_path / "undisturbed" / "archive.db"
    await prepare(prepared)
    shutil.copytree(prepared.parent, undisturbed.parent)
    writes = await killed_before(None, FIRST, _delete, str(undisturbed))
    assert not await is_whole(undisturbed)
    commit = writes.index("COMMIT") + 1
    assert commit > 8, writes
    for number in [*one_in(3, range(1, commit + 1)), commit + 1]:
        path = tmp_path / str(number) / "archive.db"
        shutil.copytree(prepared.parent, path.parent)
        await killed_before(number, FIRST, _delete, str(path))
        assert await is_whole(path) == (number <= commit), writes[number - 1]
        if number <= commit:
            # It can be asked for again.
            archive = await open_archive(f"sqlite:///{path}")
            assert [one.fate for one in await archive.delete_content([order()])] == [Fate.DELETED]
            await archive.close()
