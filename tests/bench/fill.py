"""Fills an archive with letters as if years of mail had gone through it, through the archive's own batch functions.

    python -m tests.bench.fill FOLDER 1000000 [--copies 10]

Many messages a transaction and no fsync: for measuring only. What became of them: 84 of 100 sent, of which some were
reported delivered or bounced, opened or clicked; the rest failed, captured, suppressed; the newest may wait or be held.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from ulid import ULID

from relay.archive import capture, database, index, open_archive, queue, report, tracking
from relay.archive.api import Capture, Closing
from relay.archive.content import stored
from relay.model.bounce import BounceClass
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.reply import Reply
from relay.model.report import Payload, Report, ReportKind
from relay.model.summary import Summary
from relay.model.suppressing import SuppressionRules
from relay.model.token import Token, TokenKind
from tests.bench.letters import Letter, Letters
from tests.bench.multiply import multiply, seal

BATCH = 1000
AHEAD = 3
SECOND = 1_000_000
YEARS = 2 * 365 * 86_400 * SECOND
"""How long ago the first was captured, in microseconds."""
FATES = (
    *((State.SENT, 840), (State.DELIVERED, 80), (State.BOUNCED, 20), (State.FAILED, 12), (State.CAPTURED, 20)),
    *((State.SUPPRESSED, 8), (State.DEFERRED, 15), (State.HELD, 5)),
)
RECENT = (State.DEFERRED, State.HELD)
"""States that only the newest mail is in; what is older was sent."""
OK = Reply(250, "2.0.0", "OK queued")
NO_USER = Reply(550, "5.1.1", "no such user")
LATER = Reply(451, "4.7.1", "greylisted")
REPORTED = {State.DELIVERED: ReportKind.DELIVERED, State.BOUNCED: ReportKind.BOUNCED}


@dataclass
class Batch:
    """What one transaction writes, table by table."""

    captures: list[Capture] = field(default_factory=list)
    summaries: list[tuple[str, Summary]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)


def an_id(at: int, number: int, kind: int) -> str:
    return str(ULID.from_bytes((at // 1000).to_bytes(6, "big") + ((number << 16) + kind).to_bytes(10, "big")))


def add(batch: Batch, letter: Letter, number: int, scale: int, at: int) -> None:
    """Puts one letter and its fate into the batch."""
    dice = random.Random(number)
    state = dice.choices([fate for fate, _ in FATES], weights=[weight for _, weight in FATES])[0]
    if state in RECENT and number < scale * 0.97:
        state = State.SENT
    content = stored(letter.content)
    message = Message(
        id=an_id(at, number, 0),
        received_at=at,
        application=letter.application,
        mode=Mode.CAPTURE if state is State.CAPTURED else Mode.HOLD if state is State.HELD else Mode.RELAY,
        envelope=Envelope(letter.sender, tuple(map(Recipient, letter.recipients))),
        reception=Reception("10.1.4.17:41877", f"{letter.application}.internal", "ESMTPA", "smtp"),
        size=content.size,
        sha256=content.sha256,
        tags=letter.tags,
    )
    is_sent = state not in (State.CAPTURED, State.HELD, State.SUPPRESSED)
    first = State.QUEUED if is_sent else state
    ids = iter(range(1, 1 << 15))
    duties = [
        Delivery(an_id(at, number, next(ids)), message.id, recipient, first, at)
        for recipient in message.envelope.recipients
    ]
    events = [Event(an_id(at, number, next(ids)), at, Kind.CAPTURED, f"application:{letter.application}", message.id)]
    batch.captures.append(Capture(message, content, duties, events))
    batch.summaries.append((message.id, letter.summary))
    if is_sent:
        for duty in duties:
            _send(batch, message, duty, state, dice, [an_id(at, number, next(ids)) for _ in range(10)])


def _send(batch: Batch, message: Message, duty: Delivery, state: State, dice: random.Random, ids: list[str]) -> None:
    began = message.received_at + 300_000
    done = began + int(dice.expovariate(1 / 400_000)) + 20_000
    attempt = Attempt(
        ids[0], duty.id, message.id, 1, "ses", began, (), message.sha256, message.size, peer="203.0.113.25:587"
    )
    reply = NO_USER if state is State.FAILED else LATER if state is State.DEFERRED else OK
    kind = {State.FAILED: Kind.FAILED, State.DEFERRED: Kind.DEFERRED}.get(state, Kind.SENT)
    left = state if state in (State.FAILED, State.DEFERRED) else State.SENT
    after = replace(
        duty,
        state=left,
        due_at=done + 3650 * 86_400 * SECOND if left is State.DEFERRED else None,
        attempts=1,
        reply=reply,
        upstream="ses",
    )
    data = {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text, "is_local": False, "upstream": "ses"}
    data |= {"attempt": attempt.id, "due_at": after.due_at}
    event = Event(ids[1], done, kind, "upstream:ses", message.id, duty.id, Grade.PEER, data)
    batch.attempts.append(attempt)
    batch.closings.append(Closing(replace(attempt, finished_at=done, reply=reply), after, event))
    if state in REPORTED:
        _report(batch, duty, REPORTED[state], done, ids)
    if left is State.SENT and dice.random() < 0.3:
        _track(batch, message, duty, dice, done, ids)


def _report(batch: Batch, duty: Delivery, kind: ReportKind, at: int, ids: list[str]) -> None:
    address = duty.recipient.address
    is_bounce = kind is ReportKind.BOUNCED
    batch.payloads.append(
        Payload(ids[2], at, "webhook:ses", Grade.SIGNED, "verified", {}, ids[2].encode(), "203.0.113.9")
    )
    batch.reports.append(
        Report(
            ids[3],
            ids[2],
            at + 9 * SECOND,
            kind,
            ids[3],
            address,
            duty.id,
            bounce=(BounceClass.HARD if at % 3 else BounceClass.SOFT) if is_bounce else None,
            status="5.1.1" if is_bounce else "2.0.0",
            diagnostic="smtp; 550 5.1.1 user unknown" if is_bounce else "smtp; 250 OK",
        )
    )


def _track(batch: Batch, message: Message, duty: Delivery, dice: random.Random, at: int, ids: list[str]) -> None:
    """A pixel and a link; half of the pixels and some of the links are fetched."""
    pixel, link = f"p{ids[4]}", f"l{ids[5]}"
    batch.tokens.append(Token(pixel, duty.id, message.id, TokenKind.OPEN, at))
    batch.tokens.append(Token(link, duty.id, message.id, TokenKind.CLICK, at, "https://shop.example.com/offer"))
    verdict = dice.choice((Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER))
    for token, id_, rate in ((pixel, ids[6], 0.5), (link, ids[7], 0.12)):
        if dice.random() < rate:
            opened = at + int(dice.expovariate(1 / 7200)) * SECOND
            batch.fetches.append(Fetch(id_, token, opened, "GET", "203.0.113.0", "Mozilla/5.0", verdict, "measured", 1))


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    connection.execute("BEGIN IMMEDIATE")
    capture.add_messages(connection, batch.captures)
    index.add_summaries(connection, [index.Indexing(batch.summaries, tells_words=False)])
    queue.begin_attempts(connection, [queue.Beginning(batch.attempts, batch.tokens)])
    queue.finish_attempts(connection, [queue.Finish(batch.closings, (), ())])
    report.add_payloads(connection, batch.payloads)
    for one in batch.reports:
        report.add_reports(connection, [report.ReportMapping(one.payload_id, [one], SuppressionRules(), is_last=True)])
    tracking.add_fetches(connection, [tracking.Keeping(batch.fetches, SuppressionRules())])
    connection.execute("COMMIT")


@cache
def _letters(scale: int, seed: int) -> Letters:
    return Letters(scale, seed)


def made(whole: int, copies: int, seed: int, start: int, until: int) -> Batch:
    """The batch that begins with that letter."""
    batch, letters, count = Batch(), _letters(whole, seed), whole // copies
    for number in range(start, min(start + BATCH, count)):
        add(batch, letters.letter(number), number, count, until - YEARS + YEARS * (number + 1) // whole)
    return batch


async def fill(folder: Path, count: int, *, until: int, seed: int = 5, copies: int = 1) -> None:
    """An archive with `count` messages, the newest captured at `until` (UTC microseconds). Of them only the first
    `count / copies` are made one by one; the others are copies with ids, dates and codes of their own."""
    path = folder / "archive.db"
    await (await open_archive(f"sqlite:///{path}")).close()
    lock = database.lock(path)
    connection = database.open_writer(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -2000000")
    began, whole, count = time.monotonic(), count, count // copies
    # Made in a process of its own, a few batches ahead of what is written.
    with ProcessPoolExecutor(1) as maker:
        coming: deque[Future[Batch]] = deque()
        for start in range(0, count + AHEAD * BATCH, BATCH):
            if start < count:
                coming.append(maker.submit(made, whole, copies, seed, start, until))
            if start < AHEAD * BATCH or not coming:
                continue
            write(connection, coming.popleft().result())
            done = min(start - (AHEAD - 1) * BATCH, count)
            if done % (10 * BATCH) == 0:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                print(f"{done:,} messages, {done / (time.monotonic() - began):.0f} a second", flush=True)
    for copy in range(1, copies):
        multiply(connection, copy, count, YEARS * copy // copies)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        print(f"{(copy + 1) * count:,} messages after {time.monotonic() - began:.0f} seconds", flush=True)
    seal(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    os.close(lock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--until", type=int, default=int(time.time()) * SECOND, help="UTC microseconds")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--copies", type=int, default=1, help="so many messages have the same words; quicker")
    given = parser.parse_args()
    asyncio.run(fill(given.folder, given.count, until=given.until, seed=given.seed, copies=given.copies))


if __name__ == "__main__":
    main()
