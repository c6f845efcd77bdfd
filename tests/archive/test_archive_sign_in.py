"""Second factors, recovery codes, passkeys, identities and signed-in browsers in the archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from ulid import ULID

from relay.archive.api import Archive, ArchiveError, NotFound, User, WebSession
from relay.archive.api.sign_in import Identity, Passkey, SecondFactor
from relay.model.event import Event, Kind
from tests.support.fresh import open_archive

NOW = 1_795_521_600_000_000
NUMBERS = count(1)


def new_id() -> str:
    return str(ULID.from_bytes((NOW // 1000).to_bytes(6, "big") + next(NUMBERS).to_bytes(10, "big")))


def event(change: str = "") -> Event:
    return Event(new_id(), NOW, Kind.ACCOUNT_CHANGED, "user:ann", data={"change": change})


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await open_archive(f"sqlite:///{tmp_path / 'archive.db'}")
    for name in ("ann", "bob"):
        await opened.put_user(User(name, "operator", "x", NOW), event())
    yield opened
    await opened.close()


def key(name: str = "phone", user: str = "ann", credential: bytes = b"c1") -> Passkey:
    return Passkey(new_id(), user, name, credential, b"public", 0, NOW)


def session(token: bytes, user: str = "ann", **more: object) -> WebSession:
    return WebSession(token, user, NOW, NOW + 100, "192.0.2.1", **more)  # type: ignore[arg-type]


async def test_a_time_step_is_used_once_even_by_two_at_once(archive: Archive) -> None:
    await archive.put_second_factor(SecondFactor("ann", b"s" * 20, NOW), event())
    answers = await asyncio.gather(*(archive.use_step("ann", 7) for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]
    assert not await archive.use_step("ann", 6)
    assert await archive.use_step("ann", 8)
    assert not await archive.use_step("bob", 9)
    factor = await archive.second_factor("ann")
    assert factor is not None
    assert (factor.secret, factor.last_step) == (b"s" * 20, 8)


async def test_a_second_factor_needs_a_user_and_can_be_replaced_and_removed(archive: Archive) -> None:
    with pytest.raises(NotFound):
        await archive.put_second_factor(SecondFactor("nobody", b"s", NOW), event())
    first = event()
    await archive.put_second_factor(SecondFactor("ann", b"one", NOW), first)
    await archive.put_second_factor(SecondFactor("ann", b"two", NOW), event())
    await archive.put_second_factor(SecondFactor("ann", b"one", NOW), first)
    assert (await archive.second_factor("ann")) == SecondFactor("ann", b"two", NOW)
    await archive.remove_second_factor("ann", event())
    assert await archive.second_factor("ann") is None


async def test_a_recovery_code_works_once_and_new_ones_replace_the_old(archive: Archive) -> None:
    made = event()
    await archive.put_recovery_codes("ann", [b"a", b"b"], made)
    await archive.put_recovery_codes("ann", [b"z"], made)
    assert await archive.recovery_codes("ann") == 2
    assert await archive.use_recovery_code("ann", b"a", event("used"))
    assert not await archive.use_recovery_code("ann", b"a", event("used"))
    assert not await archive.use_recovery_code("bob", b"b", event("used"))
    await archive.put_recovery_codes("ann", [b"c"], event())
    assert not await archive.use_recovery_code("ann", b"b", event("used"))
    used = [one for _, one in await archive.events() if one.data.get("change") == "used"]
    assert len(used) == 1


async def test_passkeys_are_found_renamed_counted_and_removed(archive: Archive) -> None:
    one, two = key(), key("laptop", credential=b"c2")
    for each in (one, two):
        await archive.add_passkey(each, event())
    with pytest.raises(ArchiveError):
        await archive.add_passkey(key("again", "bob"), event())
    await archive.use_passkey(b"c1", 5, NOW + 1)
    await archive.rename_passkey(one.id, "old phone", event())
    assert [each.name for each in await archive.passkeys("ann")] == ["old phone", "laptop"]
    found = await archive.passkey(b"c1")
    assert found is not None
    assert (found.user, found.sign_count, found.used_at) == ("ann", 5, NOW + 1)
    removal = event()
    for _ in range(2):
        await archive.remove_passkey(one.id, removal)
    assert await archive.passkey(b"c1") is None
    for missing in (archive.remove_passkey(one.id, event()), archive.rename_passkey(one.id, "x", event())):
        with pytest.raises(NotFound):
            await missing


async def test_an_identity_makes_its_user_in_the_same_commit_or_is_not_kept(archive: Archive) -> None:
    made = Identity("https://idp.example", "1", "cleo", True, NOW)
    with pytest.raises(NotFound):
        await archive.add_identity(made, None, event())
    first = event()
    for _ in range(2):
        await archive.add_identity(made, User("cleo", "auditor", "", NOW), first)
    assert await archive.user("cleo") is not None
    with pytest.raises(ArchiveError):
        await archive.add_identity(
            Identity("https://idp.example", "2", "ann", True, NOW), User("ann", "auditor", "", NOW), event()
        )
    assert await archive.identity("https://idp.example", "2") is None
    await archive.add_identity(Identity("https://idp.example", "3", "ann", False, NOW), None, event())
    assert await archive.identities("ann") == [Identity("https://idp.example", "3", "ann", False, NOW)]
    await archive.remove_identity("https://idp.example", "3", event())
    assert await archive.identities("ann") == []


async def test_sessions_are_listed_seen_strengthened_and_ended(archive: Archive) -> None:
    for token in (b"1", b"2", b"3"):
        await archive.add_session(session(token, user_agent="Firefox", method="password"), event())
    await archive.add_session(session(b"4", "bob"), event())
    await archive.see_session(b"2", NOW + 50, "192.0.2.9")
    await archive.see_session(b"2", NOW + 40, "192.0.2.8")
    await archive.strengthen_session(b"2", "password and code")
    first = (await archive.sessions("ann", NOW))[0]
    assert (first.token_hash, first.seen_at, first.address) == (b"2", NOW + 50, "192.0.2.9")
    assert (first.method, first.user_agent) == ("password and code", "Firefox")
    assert await archive.sessions("ann", NOW + 100) == []
    assert await archive.end_sessions("ann", b"2", event("ended")) == 2
    assert await archive.end_sessions("ann", b"2", event("ended")) == 0
    assert [one.token_hash for one in await archive.sessions("ann", NOW)] == [b"2"]
    assert len(await archive.sessions("bob", NOW)) == 1
    assert len([one for _, one in await archive.events() if one.data.get("change") == "ended"]) == 1


async def test_lost_factors_go_together_with_the_sessions_and_all_goes_with_the_user(archive: Archive) -> None:
    async def fill() -> None:
        await archive.put_second_factor(SecondFactor("ann", b"s", NOW), event())
        await archive.put_recovery_codes("ann", [b"a"], event())
        await archive.add_passkey(key(), event())
        await archive.add_session(session(b"1"), event())

    await fill()
    await archive.remove_factors("ann", event())
    assert await archive.second_factor("ann") is None
    assert await archive.recovery_codes("ann") == 0
    assert await archive.passkeys("ann") == []
    assert await archive.sessions("ann", NOW) == []
    await fill()
    await archive.add_identity(Identity("https://idp.example", "1", "ann", False, NOW), None, event())
    await archive.remove_user("ann", event())
    assert await archive.identity("https://idp.example", "1") is None
    assert await archive.passkeys("ann") == []
