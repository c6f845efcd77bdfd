"""The control socket and the errands that commands send through it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from relay.archive.api import ApplicationRecord, Archive, User
from relay.control import Control
from relay.errand import ERRANDS, SOCKET_NAME, NobodyThere, Refused, ask, packed, status, unpacked
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Judgement, Verdict
from tests.support.fresh import open_archive

EVENT = Event("01J0000000000000000000000A", 7, Kind.ACCOUNT_CHANGED, "command:ann", data={"what": "x", "n": [1]})
USER = User("ann", "administrator", "hash", 5)
RECORD = ApplicationRecord("shop", "shop", b"\x00\xff", 5, senders=("@example.com",), tags=("a", "b"))


class Counter:
    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    yield opened
    await opened.close()


@pytest.fixture
async def changed(tmp_path: Path, archive: Archive) -> AsyncIterator[Counter]:
    counter = Counter()
    control = Control(tmp_path, archive, status=lambda: {"pid": 1}, changed=counter, switches_changed=counter)
    await control.start()
    yield counter
    await control.stop()


async def _away(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


@pytest.mark.parametrize(("kind", "value"), [(User, USER), (ApplicationRecord, RECORD), (Event, EVENT), (str, "x")])
def test_what_is_packed_is_unpacked_the_same(kind: type, value: object) -> None:
    assert unpacked(kind, json.loads(json.dumps(packed(value)))) == value


def test_lists_of_judgements_travel_too() -> None:
    opinion = Judgement("01J0000000000000000000000C", 9, "01J0000000000000000000000D", Verdict.PROXY, "why", 2)
    assert unpacked(list[Judgement], json.loads(json.dumps(packed([opinion])))) == [opinion]


def test_lists_of_events_travel_too() -> None:
    graded = Event("01J0000000000000000000000B", 8, Kind.EXPORTED, "x", message_id="m", grade=Grade.PEER)
    assert unpacked(list, json.loads(json.dumps(packed([EVENT, graded])))) == [EVENT, graded]


def test_every_errand_is_a_method_of_the_archive() -> None:
    assert all(hasattr(Archive, name) for name in ERRANDS)


async def test_an_errand_is_committed_and_told_of(tmp_path: Path, archive: Archive, changed: Counter) -> None:
    await _away(ask, tmp_path, "put_user", [USER, EVENT])
    await _away(ask, tmp_path, "put_application", [RECORD, EVENT])
    assert await archive.user("ann") == USER
    assert await archive.applications() == [RECORD]
    assert changed.count == 2


async def test_the_status_is_told(tmp_path: Path, changed: Counter) -> None:
    assert await _away(status, tmp_path) == {"pid": 1}


async def test_an_errand_that_fails_says_why(tmp_path: Path, changed: Counter) -> None:
    with pytest.raises(Refused, match="nobody"):
        await _away(ask, tmp_path, "remove_user", ["nobody", EVENT])
    with pytest.raises(Refused, match="no errand"):
        await _away(ask, tmp_path, "close", [])
    with pytest.raises(Refused, match="not what put_user takes"):
        await _away(ask, tmp_path, "put_user", [USER])
    with pytest.raises(Refused, match="not what put_user takes"):
        await _away(ask, tmp_path, "put_user", [7, EVENT])
    assert changed.count == 0


def test_without_a_server_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(NobodyThere):
        ask(tmp_path, "put_user", [USER, EVENT])


async def test_a_socket_left_by_a_crash_is_nobody_and_is_replaced(tmp_path: Path, archive: Archive) -> None:
    control = Control(tmp_path, archive, status=dict, changed=Counter(), switches_changed=Counter())
    await control.start()
    left = tmp_path / "left"
    (tmp_path / SOCKET_NAME).rename(left)
    await control.stop()
    left.rename(tmp_path / SOCKET_NAME)
    with pytest.raises(NobodyThere):
        await _away(status, tmp_path)
    again = Control(tmp_path, archive, status=dict, changed=Counter(), switches_changed=Counter())
    await again.start()
    assert await _away(status, tmp_path) == {}
    await again.stop()


async def test_an_answer_that_is_none_is_refused(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n")
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / SOCKET_NAME)
    with pytest.raises(Refused, match="did not answer"):
        await _away(status, tmp_path)
    server.close()


async def test_a_folder_may_lie_deeper_than_a_socket_may_be_named(tmp_path: Path, archive: Archive) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    control = Control(deep, archive, status=lambda: {"pid": 2}, changed=Counter(), switches_changed=Counter())
    await control.start()
    assert (deep / SOCKET_NAME).is_socket()
    assert await _away(status, deep) == {"pid": 2}
    await control.stop()
    with pytest.raises(NobodyThere):
        await _away(status, deep)
