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

from relay.model.event import Kind
from relay.model.message import Message
from tests.crash.autopsy import examine
from tests.support.dispatch import CONTENT, RunningClock, courier_of, message_of, queue, states, upstream_of, when_sent
from tests.support.doomed import Doomed, read_for_processes
from tests.support.fresh import fresh_archive, open_archive
from tests.support.keeping import opened
from tests.support.thoroughness import IS_THOROUGH
from tests.support.upstream import EVERYTHING, HANG, Action, ScriptedUpstream, Step
from tests.support.waiting import until

read_for_processes(__name__)
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
    archive = await fresh_archive(path)
    message = await queue(archive, message_of(content, *RECIPIENTS), content)
    await archive.close()
    return message


def left(path: Path) -> tuple[set[str], int]:
    """States of the deliveries in the file, and the number of open attempts."""
    with opened(path) as connection:
        states = {state for (state,) in connection.execute("SELECT state FROM delivery")}
        (count,) = connection.execute("SELECT count(*) FROM attempt WHERE finished_at IS NULL").fetchone()
    return states, count


async def recovered(path: Path, message: Message, port: int, *, is_begun: bool) -> None:
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


@pytest.mark.parametrize("mix", ["245", "452", "524"])
@pytest.mark.parametrize("step", ["RCPT", "DATA", "DOT"])
async def test_killed_with_some_recipients_refused(tmp_path: Path, step: str, mix: str) -> None:
    """What the dead process had been told is not known any more: it is asked again, and each gets its own end."""
    answers: dict[str, Action] = {
        f"<{path}>": {"2": None, "4": "450 4.2.1 grey", "5": "550 5.1.1 no"}[answer]
        for path, answer in zip(RECIPIENTS, mix, strict=True)
    }
    silent: dict[str, Step] = {"RCPT": {**answers, f"<{RECIPIENTS[-1]}>": HANG}} if step == "RCPT" else {step: HANG}
    reached = (
        asked("RCPT", 3) if step == "RCPT" else asked("DATA") if step == "DATA" else lambda upstream: upstream.dots
    )
    path = tmp_path / "archive.db"
    message = await prepared(path)
    async with ScriptedUpstream(script={"RCPT": answers, **silent}) as upstream:
        doomed = Doomed(path, upstream.port, timeout=60)
        doomed.start()
        await until(lambda: bool(reached(upstream)), seconds=30)
        await doomed.kill()
        assert left(path) == ({"sending"}, len(RECIPIENTS))
        upstream.script = {"RCPT": answers}
        archive = await open_archive(f"sqlite:///{path}")
        courier = courier_of(archive, [upstream_of(upstream.port)], RunningClock())
        await courier.start()
        await until(lambda: not left(path)[0] & {"sending", "unconfirmed", "queued"}, seconds=20)
        await courier.stop(5)
        found = await archive.message(message.id)
        kinds = [event.kind for _, event in await archive.events(message_id=message.id)]
        await archive.close()
    ends = {"2": "sent", "4": "deferred", "5": "failed"}
    assert states(found) == {path: ends[answer] for path, answer in zip(RECIPIENTS, mix, strict=True)}
    assert kinds.count(Kind.UNCONFIRMED) == len(RECIPIENTS)
    assert copies(upstream) == {RECIPIENTS[mix.index("2")]: 1}


async def test_killed_before_every_single_write(tmp_path: Path) -> None:
    """A run for each write, or each second one, killed just before it, until one is over before there is any left.

    Which writes ran is told by each run itself: a claim that finds nothing may come between two of them.
    """
    seen: set[tuple[bool, bool, bool]] = set()
    for n in range(1, 100, 1 if IS_THOROUGH else 2):
        progress = await _killed_before(tmp_path / str(n), n)
        seen.add(progress)
        if all(progress):
            break
    assert seen == {(False, False, False), (True, False, False), (True, True, False), (True, True, True)}
    assert n > 12


def _is_kept(writes: list[str], statement: str) -> bool:
    """Whether such a statement ran, and its COMMIT after it."""
    plain = [write.replace('"', "") for write in writes]
    first = next((n for n, write in enumerate(plain) if write.startswith(statement)), len(plain))
    return "COMMIT" in plain[first:]


async def _killed_before(folder: Path, n: int) -> tuple[bool, bool, bool]:
    """Which of the three commits were made: claimed, begun, finished."""
    path = folder / "archive.db"
    message = await prepared(path)
    async with ScriptedUpstream() as upstream:
        doomed = Doomed(path, upstream.port, stop_at=n)
        doomed.start()
        writes = await doomed.told()
        await doomed.kill()
        is_claimed = _is_kept(writes, "UPDATE delivery SET state = 'sending'")
        is_begun = _is_kept(writes, "INSERT INTO attempt")
        is_finished = _is_kept(writes, "UPDATE attempt SET finished_at")
        state = "sent" if is_finished else "sending" if is_claimed else "queued"
        is_doubtful = is_begun and not is_finished
        assert left(path) == ({state}, len(RECIPIENTS) if is_doubtful else 0), writes
        is_sent = any(write.replace('"', "").startswith("UPDATE attempt") for write in writes) or is_finished
        await recovered(path, message, upstream.port, is_begun=is_doubtful)
        # Twice only where the upstream had said 250, and that was not yet written down (RFC 1047).
        wanted = {1, 2} if is_doubtful and not is_sent else {2} if is_doubtful else {1}
        assert set(copies(upstream).values()) <= wanted, writes
        assert set(copies(upstream)) == set(RECIPIENTS)
    return is_claimed, is_begun, is_finished
