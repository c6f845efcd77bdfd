"""An archive in which something of everything is, to be tampered with: for tests of the check of a whole archive."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from relay.archive.api import Archive
from relay.archive.api.audit import Extent, Fault, Portion, Reading
from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.archive.audit.indexes import DAYS
from relay.archive.audit.structure import LARGE
from relay.archive.audit.sums import ALONE
from relay.archive.audit.whole import faults_in, open_to_check
from relay.archive.content import stored
from relay.archive.figures import Counting
from relay.archive.indexer import Indexer
from relay.archive.rows import Row
from relay.archive.vault import Vault
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, sign_note
from relay.model.deletion import Order
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.summary import Summary
from relay.rendition.edit import splice
from relay.rendition.extract import ReferencePattern, extract
from tests.support.archive_reports import a_payload, a_report, finished, reported
from tests.support.archive_values import NOON, SECOND, a_message, an_attempt, captured_event, deliveries_of, new_id
from tests.support.fresh import fresh_archive
from tests.support.passing_rows import add_fetches, add_own, add_waiting, tokens_for
from tests.support.stamping import Authority
from tests.support.standing_rows import (
    BOB,
    add_accounts,
    add_holds,
    add_suppressions,
    add_terms,
    ask_deletion,
    ask_erasures,
    change_tags,
    refuse_deletion,
    told,
)

SIGNER = Signer.from_seed("example.com/log", bytes(32))
AUTHORITY = Authority()
EDITS = (Edit(0, 0, b"Received: x\r\n", "trace"),)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


READING = Reading(partial(extract, patterns=(ReferencePattern("order", r"47\d\d-x", ("subject",)),)))


def letter(message: Message) -> bytes:
    """With what is looked up, counted and shown."""
    number = message.received_at // SECOND % 60
    head = "From: Shop <shop@example.com>\r\nTo: Jane <jane@example.com>\r\nX-Tags: invoice\r\n"
    named = f"Subject: Order 47{number:02}-x of spring\r\nMessage-ID: <{number}@example.com>\r\n"
    return f"{head}{named}\r\nThank you, number {number}.\r\n".encode()


async def extracted(content: bytes) -> Summary:
    return READING.read(content)


async def index(archive: Archive) -> None:
    while await Indexer(archive, extracted).index_some():
        pass


async def fill(archive: Archive) -> None:
    """A message sent and reported on, one waiting, one deleted, and 300 more events; two checkpoints. All of it is in
    grid and figures, and people did what people do."""
    messages = [a_message(number) for number in (1, 2, 3)]
    for message in messages:
        content = stored(letter(message))
        message = replace(message, size=content.size, sha256=content.sha256)
        await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])
    await index(archive)
    await add_accounts(archive)
    await add_holds(archive, *messages[:2])
    await change_tags(archive, *messages[:2])
    await add_suppressions(archive)
    await ask_erasures(archive)
    await refuse_deletion(archive, messages[0], await ask_deletion(archive, messages[0]))
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 1)
    deliveries = [delivery for claim in claims for delivery in claim.deliveries]
    attempts = [
        replace(an_attempt(delivery, edits=EDITS), wire_sha256=hashlib.sha256(wire).digest(), wire_size=len(wire))
        for delivery, wire in [(one, splice(await archive.content(one.message_id), EDITS)) for one in deliveries]
    ]
    await archive.begin_attempts(attempts, tokens_for(deliveries[0]))
    await add_fetches(archive)
    tried = [replace(delivery, upstream=one.upstream) for delivery, one in zip(deliveries, attempts, strict=True)]
    await finished(archive, tried, provider_id="p")
    payload = a_payload(1)
    await reported(archive, payload, a_report(payload, key="e", provider_id="p"))
    stamped = await checkpointed(archive)
    response = AUTHORITY.respond(stamped.note.encode())
    await archive.add_stamp(Stamp(stamped.size, "Some TSA", NOON, stamped.note, response, AUTHORITY.pem()))
    third = a_message(3)
    waiting = deliveries_of(third)[0]
    cancelled = Event(new_id(), NOON, Kind.CANCELLED, "user:ann", third.id, waiting.id)
    request_id = await ask_deletion(archive, third)
    deleted = told(Kind.DELETED, third, actor=BOB, reason="asked", asked=request_id)
    await archive.delete_content([Order(third.id, deleted, [cancelled], request_id)])
    await add_terms(archive)
    await add_own(archive, *deliveries)
    await Counting(archive).catch_up()
    await archive.add_events([Event(new_id(), NOON + n, Kind.VIEWED, "user:ann", third.id) for n in range(300)])
    await checkpointed(archive)


async def leave(archive: Archive) -> None:
    """One more was indexed since figures were counted, and one waits for it."""
    await add_waiting(archive, 4)
    await index(archive)
    await add_waiting(archive, 5)


def put_filled(path: Path) -> None:
    """A filled archive is in this file, closed. Each process fills one, and copies it. Not for a running loop."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(_filled())
    path.chmod(0o600)


@functools.cache
def _filled() -> bytes:
    async def made(path: Path) -> None:
        archive = await fresh_archive(path)
        await fill(archive)
        await leave(archive)
        await archive.close()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        asyncio.run(made(path))
        assert not path.with_name(f"{path.name}-wal").exists()
        return path.read_bytes()


async def checkpointed(archive: Archive) -> StoredCheckpoint:
    head = await archive.ledger_head()
    text = Checkpoint(SIGNER.verifier.name, head.size, head.root).encode()
    checkpoint = StoredCheckpoint(head.size, NOON, sign_note(text, [SIGNER]))
    await archive.add_checkpoint(checkpoint)
    return checkpoint


def extent_of(database: sqlite3.Connection) -> Extent:
    return Extent(
        *(database.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0 for table in ("message", "event"))
    )


def portions(extent: Extent) -> list[Portion]:
    """Each kind once, of everything, but for the structure."""
    return [
        *(Portion(kind, 1, extent.messages) for kind in ("tables", "contents", "deliveries")),
        *(Portion(kind, 1, extent.events) for kind in ("leaves", "nodes", "signed")),
    ]


def derived_portions(extent: Extent) -> list[Portion]:
    """All but for the words, which are looked at in the file."""
    day = NOON // SECOND // 86_400 % DAYS + 1
    return [Portion("lists"), Portion("figures", day, day), Portion("derived", 1, extent.messages)]


SUMS = [Portion("sums", part, part) for part in range(len(ALONE) + 1)]
STRUCTURE = [Portion("structure", part, part) for part in range(len(LARGE) + 1)]


def faults_of(path: Path, known: tuple[str, ...] = (), remembered: str = "") -> list[Fault]:
    """All portions, in this process."""
    with closing(sqlite3.connect(path)) as database:
        extent = extent_of(database)
    with closing(open_to_check(path, Vault())) as database:
        return [
            fault
            for portion in (*STRUCTURE, *SUMS, *portions(extent))
            for fault in faults_in(database, portion, extent, [SIGNER.verifier], known, remembered)
        ]


def tamper(path: Path, *statements: str) -> None:
    """As somebody with the file in hand would: without triggers in the way, and with all of them back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount, statement
        for _, sql in triggers:
            database.execute(sql)


class Bench:
    """A filled archive without triggers, in which one change after the other is tried and undone."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        # As the file was, whoever cut it off since.
        self.extent = extent_of(database)
        # Or every change would be "found".
        assert self.faults() == []

    def faults(self) -> list[Fault]:
        keys, which = [SIGNER.verifier], [*portions(self.extent), *SUMS, *derived_portions(self.extent)]
        return [fault for one in which for fault in faults_in(self.database, one, self.extent, keys, reading=READING)]

    def finds(
        self, statement: str, *values: object, is_derived: bool = False, of: Sequence[Portion] | None = None
    ) -> bool:
        """False: nothing noticed. What SQLite does not even write, such as a key twice, is no change.
        `of`: what is looked at, and no more."""
        self.database.execute("BEGIN")
        try:
            self.database.execute(statement, values)
            if self.database.execute("PRAGMA foreign_key_check").fetchone() is not None:
                return True
            now = extent_of(self.database)
            extent = Extent(max(now.messages, self.extent.messages), max(now.events, self.extent.events))
            which = of or (derived_portions(extent) if is_derived else portions(extent))
            return any(faults_in(self.database, one, extent, [SIGNER.verifier], reading=READING) for one in which)
        except sqlite3.IntegrityError:
            return True
        finally:
            self.database.execute("ROLLBACK")

    def rows(self, table: str, *, is_every: bool = False) -> list[dict[str, object]]:
        """The first, one in the middle and the last."""
        # Of settings, one that only people change: how far something got is one too.
        where = " WHERE key = 'switches'" if table == "setting" and not is_every else ""
        found = self.database.execute(f'SELECT * FROM "{table}"{where}')
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return [rows[n] for n in sorted({0, len(rows) // 2, len(rows) - 1})] if rows else []

    def columns(self, table: str) -> list[Row]:
        return self.database.execute(f'PRAGMA table_info("{table}")').fetchall()

    def key(self, table: str) -> list[str]:
        columns = self.columns(table)
        return [column[1] for column in columns if column[5]] or [columns[0][1]]


def changes(value: object) -> list[object]:
    """What the value could be instead: one bit flipped, cut short, more, nothing."""
    match value:
        case int():
            return [value + 1, value ^ 1 << 40, None]
        case str():
            return [value + "x", value[:-1] if value else "y", None]
        case bytes():
            flipped = value and [bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 128])]
            return [*flipped, value[:-1], value + b"\0", b""] if value else [b"\0"]
        case _:
            return [1, "x"]


def unused(value: object) -> object:
    match value:
        case int():
            return value + 1
        case str():
            return value[:-2] + "ZZ"
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
    return value
