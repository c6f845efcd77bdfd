"""The courier's process is killed at every step between claim and end: nothing is lost, and doubt is called doubt.

Two lists: what the upstream can see, in the order of the protocol; and every write of the archive from the claim to
the last commit, as SQLite itself tells them. After each kill another courier takes over, as after a restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relay.archive import open_archive
from relay.model.event import Kind
from relay.model.message import Message
from tests.crash.autopsy import examine
from tests.support.dispatch import CONTENT, RunningClock, courier_of, message_of, queue, upstream_of, when_sent
from tests.support.doomed import Doomed
from tests.support.keeping import opened
from tests.support.upstream import EVERYTHING, HANG, ScriptedUpstream, Step
from tests.support.waiting import until

RECIPIENTS = ("b@example.com", "c@example.com", "d@example.com")
ONE_BY_ONE = tuple(word for word in EVERYTHING if word != "PIPELINING")
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 64 * 8_000 + b"\r\n"
Reached = Callable[[ScriptedUpstream], bool]


def asked(verb: str, times: int = 1) -> Reached:
    return lambda upstream: sum(line.startswith(verb) for line in upstream.commands) >= times


@dataclass(frozen=True)
class Moment:
    """Killed when `reached`, the upstream being silent from then on. `is_begun`: commit 2 was made."""

    name: str
    reached: Reached
    is_begun: bool
    script: dict[str, Step] = field(default_factory=dict)
    takes: int = 1
    """Copies that each recipient may get: two only where the upstream said 250, or meant to (RFC 1047)."""
    content: bytes = CONTENT
    settings: dict[str, Any] = field(default_factory=dict)


MOMENTS = [
    Moment("connected, not greeted", lambda upstream: upstream.sessions > 0, False, {"banner": HANG}),
    Moment("EHLO without an answer", asked("EHLO"), False, {"EHLO": HANG}),
    Moment("MAIL without an answer", asked("MAIL"), True, {"MAIL": HANG}),
    Moment("first RCPT without an answer", asked("RCPT", 1), True, {"RCPT": [HANG]}),
    Moment("second RCPT without an answer", asked("RCPT", 2), True, {"RCPT": [None, HANG]}),
    Moment("third RCPT without an answer", asked("RCPT", 3), True, {"RCPT": [None, None, HANG]}),
    Moment("DATA without an answer", asked("DATA"), True, {"DATA": HANG}),
    Moment(
        "in the middle of the content",
        lambda upstream: upstream.content_octets >= 300_000,
        True,
        content=LARGE,
        settings={"hang_up_after_content": 300_000, "hang_up_how": HANG},
    ),
    Moment("the final dot without an answer", lambda upstream: upstream.dots > 0, True, {"DOT": HANG}),
    Moment("the 250 came too late", lambda upstream: upstream.dots > 0, True, takes=2, settings={"hold": None}),
]


async def prepared(path: Path, content: bytes = CONTENT) -> Message:
    archive = await open_archive(f"sqlite:///{path}")
    message = await queue(archive, message_of(content, *RECIPIENTS), content)
    await archive.close()
    return message


def left(path: Path) -> tuple[set[str], int]:
    """States of the deliveries in the file, and the number of open attempts."""
    with opened(path) as connection:
        states = {state for (state,) in connection.execute("SELECT state FROM delivery")}
        (count,) = connection.execute("SELECT count(*) FROM attempt WHERE finished_at IS NULL").fetchone()
    return states, count


async def recovered(path: Path, message: Message, port: int, *, is_begun: bool, is_finished: bool = False) -> None:
    """Another courier brings everything to its end; what was in doubt was called so in between."""
    archive = await open_archive(f"sqlite:///{path}")
    courier = courier_of(archive, [upstream_of(port)], RunningClock())
    await courier.start()
    found = await when_sent(archive, message, within=20)
    await courier.stop(5)
    events = [(event.delivery_id, event.kind) for _, event in await archive.events(message_id=message.id)]
    await archive.close()
    told = [kind for _, kind in events]
    assert told.count(Kind.SENT) == len(RECIPIENTS)
    assert told.count(Kind.UNCONFIRMED) == (len(RECIPIENTS) if is_begun else 0)
    if is_begun:
        for delivery in found.deliveries:
            assert events.index((delivery.id, Kind.UNCONFIRMED)) < events.index((delivery.id, Kind.SENT))
    assert len(found.attempts) == len(RECIPIENTS) * (2 if is_begun else 1)
    assert all(attempt.finished_at is not None for attempt in found.attempts)
    assert sum(attempt.is_uncertain for attempt in found.attempts) == (len(RECIPIENTS) if is_begun else 0)
    assert left(path) == ({"sent"}, 0)
    assert examine(path, is_finished=True).wrong == []


def copies(upstream: ScriptedUpstream) -> Counter[str]:
    return Counter(path.strip("<>") for message in upstream.accepted for path in message.recipients)


@pytest.mark.parametrize("extensions", [EVERYTHING, ONE_BY_ONE], ids=["pipelined", "one-by-one"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
async def test_killed_while_the_upstream_is_silent(tmp_path: Path, moment: Moment, extensions: tuple[str, ...]) -> None:
    path = tmp_path / "archive.db"
    message = await prepared(path, moment.content)
    settings = {**moment.settings, **({"hold": asyncio.Event()} if "hold" in moment.settings else {})}
    async with ScriptedUpstream(extensions=extensions, script=moment.script, **settings) as upstream:
        doomed = Doomed(path, upstream.port, timeout=60)
        doomed.start()
        await until(lambda: moment.reached(upstream), seconds=30)
        await doomed.kill()
        assert left(path) == ({"sending"}, len(RECIPIENTS) if moment.is_begun else 0)
        upstream.script, upstream.hang_up_after_content = {}, None
        if upstream.hold is not None:
            upstream.hold.set()
        await recovered(path, message, upstream.port, is_begun=moment.is_begun)
        assert copies(upstream) == dict.fromkeys(RECIPIENTS, moment.takes)
        assert all(each.content == moment.content for each in upstream.accepted)


async def test_killed_before_every_single_write(tmp_path: Path) -> None:
    """The list is what an undisturbed courier writes; a run for each, killed just before it."""
    path = tmp_path / "whole" / "archive.db"
    await prepared(path)
    async with ScriptedUpstream() as upstream:
        undisturbed = Doomed(path, upstream.port)
        undisturbed.start()
        writes = await undisturbed.told()
        await undisturbed.kill()
    claimed = _commit_after(writes, "UPDATE delivery SET state = 'sending'")
    begun = _commit_after(writes, "INSERT INTO attempt")
    finished = _commit_after(writes, "UPDATE attempt SET finished_at")
    assert claimed < begun < finished
    for n in range(1, finished + 2):
        await _killed_before(tmp_path / str(n), n, claimed, begun, finished)


def _commit_after(writes: list[str], statement: str) -> int:
    """The number of the COMMIT that makes the first such statement last."""
    first = next(n for n, write in enumerate(writes) if write.replace('"', "").startswith(statement))
    return writes.index("COMMIT", first) + 1


async def _killed_before(folder: Path, n: int, claimed: int, begun: int, finished: int) -> None:
    """Before the n-th write; one past the last: after all was written."""
    path = folder / "archive.db"
    message = await prepared(path)
    async with ScriptedUpstream() as upstream:
        doomed = Doomed(path, upstream.port, stop_at=n if n <= finished else None)
        doomed.start()
        await doomed.told()
        await doomed.kill()
        state = "queued" if n <= claimed else "sending" if n <= finished else "sent"
        is_begun = begun < n <= finished
        assert left(path) == ({state}, len(RECIPIENTS) if is_begun else 0), f"before write {n}"
        assert len(upstream.accepted) == (1 if n > begun else 0), f"before write {n}"
        await recovered(path, message, upstream.port, is_begun=is_begun)
        assert copies(upstream) == dict.fromkeys(RECIPIENTS, 2 if is_begun else 1), f"before write {n}"
