"""What is kept in memory of sessions, accounts, preferences and settings is never older than what was written."""

from __future__ import annotations

import asyncio
import hashlib

from relay.archive.api import Archive, User, WebSession
from relay.archive.seldom import KEPT, Seldom
from relay.model.event import Event, Kind
from tests.support.archive_values import new_id

NOW = 1_000_000_000
TOKEN = hashlib.sha256(b"token").digest()


def changed() -> Event:
    return Event(new_id(), NOW, Kind.ACCOUNT_CHANGED, "relay")


async def test_each_change_is_seen_at_once(archive: Archive) -> None:
    await archive.put_user(User("ann", "auditor", "", NOW), changed())
    for role in ("operator", "auditor", "operator"):
        await archive.put_user(User("ann", role, "", NOW), changed())
        assert (account := await archive.account("ann")) is not None
        assert account.user.role == role
        await archive.put_preference("ann", "language", role)
        assert (await archive.preferences("ann"))["language"] == role
        await archive.put_setting("key", [role])
        assert await archive.setting("key") == [role]
    await archive.add_session(WebSession(TOKEN, "ann", NOW, NOW + 10, "127.0.0.1"), changed())
    assert await archive.session(TOKEN, NOW) is not None
    assert await archive.session(TOKEN, NOW + 10) is None, "it ran out meanwhile"
    await archive.remove_session(TOKEN, changed())
    assert await archive.session(TOKEN, NOW) is None


async def test_what_is_given_may_be_changed_by_whoever_got_it(archive: Archive) -> None:
    await archive.put_setting("key", {"rules": [1]})
    await archive.put_preference("ann", "zone", "UTC")
    for _ in range(2):
        (await archive.setting("key"))["rules"].append(2)
        (await archive.preferences("ann"))["zone"] = "Asia/Tokyo"
    assert await archive.setting("key") == {"rules": [1]}
    assert await archive.preferences("ann") == {"zone": "UTC"}


async def test_what_was_read_while_it_changed_is_not_kept() -> None:
    seldom, may_end = Seldom(), asyncio.Event()

    async def slowly() -> str:
        await may_end.wait()
        return "old"

    reading = asyncio.create_task(seldom.get("key", slowly))
    await asyncio.sleep(0)
    seldom.changed()
    may_end.set()
    assert await reading == "old"

    async def now() -> str:
        return "new"

    assert await seldom.get("key", now) == "new"


async def test_it_does_not_grow_without_end() -> None:
    seldom = Seldom()

    async def read() -> int:
        return 1

    async def nothing() -> None:
        return None

    for key in range(3 * KEPT):
        await seldom.get(key, read)
        await seldom.get((key,), nothing)
    assert len(seldom._kept) <= KEPT
