"""A person is taken out: no file of the archive names them, everything else holds, what a hold keeps stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.api import Archive, Closing, Gone
from relay.archive.content import stored
from relay.archive.suppression import reasons
from relay.model.delivery import State
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.hold import Hold
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.report import ReportKind
from relay.model.summary import Addressee, Summary
from relay.model.suppression import Cause, Suppressed
from relay.notary.erasing import Erased, asked, run
from relay.rendition.edit import splice
from tests.support.archive_reports import a_payload, a_report, reported
from tests.support.archive_values import (
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    closed,
    deliveries_of,
    new_id,
)
from tests.support.fresh import open_archive

JANE = "jane.q.public@example.com"
BOB = "bob@example.net"
LETTER = b"From: shop@example.com\r\nTo: %s\r\nSubject: hello\r\n\r\nDear customer\r\n"


def clock() -> int:
    return NOON + 3600 * SECOND


async def keep(
    archive: Archive,
    number: int,
    recipients: Sequence[str],
    *,
    to: str = "undisclosed",
    text: str = "Dear customer",
    sender: str = "shop@example.com",
) -> Message:
    content = stored(LETTER % to.encode() + text.encode())
    message = a_message(number, content=content, recipients=tuple(recipients), sender=sender)
    await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])
    to_them = (Addressee("Jane Public", to),) if "@" in to else ()
    summary = Summary(subject="hello", senders=(Addressee("", sender),), to=to_them, body_text=text, snippet=text[:80])
    await archive.add_summaries([(message.id, summary)])
    return message


async def send(archive: Archive) -> None:
    """All that waits goes out, each copy with a trace that names its recipient, and is answered with the address."""
    claims = await archive.claim("me", NOON + 1800 * SECOND, NOON + 7200 * SECOND, 100)
    closings = []
    for claim in claims:
        content = await archive.content(claim.message.id)
        for delivery in claim.deliveries:
            address = delivery.recipient.address
            edits = (Edit(0, 0, f"Received: for <{address}> id {claim.message.id}\r\n".encode(), "trace"),)
            wire = splice(content, edits)
            attempt = replace(an_attempt(delivery, edits=edits), wire_sha256=sha256(wire).digest(), wire_size=len(wire))
            await archive.begin_attempts([attempt])
            reply = Reply(250, f"<{address}> accepted", "2.1.5")
            after = replace(delivery, state=State.SENT, attempts=1, due_at=None, reply=reply, upstream="upstream")
            event = Event(new_id(), NOON, Kind.SENT, "upstream:u", delivery.message_id, delivery.id)
            closings.append(Closing(closed(attempt, reply), after, replace(event, data={"attempt": attempt.id})))
    await archive.finish_attempts(closings)


async def erase(archive: Archive, address: str = JANE, *, is_suppressed: bool = False) -> Erased:
    id_ = new_id()
    request, event = asked(
        address, "she asked", id_=id_, at=clock(), actor="user:anna", event_id=new_id(), needs_another=False
    )
    assert await archive.ask_erasure(request, event)
    done = await run(archive, id_, clock=clock, new_id=new_id, is_suppressed=is_suppressed)
    await archive.settled()
    assert (await archive.erasure(id_)).address is None
    return done


def octets_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def faults(path: Path) -> list[str]:
    return [str(fault) for progress in check_archive(f"sqlite:///{path}", processes=1) for fault in progress.faults]


async def test_no_file_names_the_person_and_everything_else_holds(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    hers = await keep(archive, 1, [JANE], to=JANE)
    shared = await keep(archive, 2, [JANE, BOB])
    quoted = await keep(archive, 3, [BOB], text=f"On Monday {JANE} wrote: no")
    by_her = await keep(archive, 4, [BOB], sender=JANE)
    other = await keep(archive, 5, [BOB])
    near = await keep(archive, 6, ["x" + JANE, JANE + ".au"])
    for number in range(100, 400):
        await keep(archive, number, [f"customer{number}@example.org"])
    await send(archive)
    payload = a_payload(1, body=b'{"to": "%s"}' % JANE.encode(), headers={"X-Of": JANE})
    (delivery,) = (await archive.message(hers.id)).deliveries
    report = a_report(payload, ReportKind.BOUNCED, recipient=JANE, delivery_id=delivery.id, diagnostic=f"<{JANE}>?")
    await reported(archive, payload, report)
    entry = Suppressed(new_id(), JANE.upper(), "", Cause.MANUAL, f"{JANE} called", NOON, "user:anna")
    await archive.add_suppressions([entry])
    assert faults(path) == []
    before = await archive.ledger_head()
    done = await erase(archive)
    assert (done.messages, list(done.kept), list(done.accounts)) == (4, [], [])
    assert await archive.ledger_root(before.size) == before.root
    for message in (hers, quoted, by_her):
        with pytest.raises(Gone):
            await archive.content(message.id)
    for message in (shared, other, near):
        await archive.content(message.id)
    _, theirs = (await archive.message(shared.id)).deliveries
    assert theirs.recipient.address == BOB
    assert [one.recipient.address for one in (await archive.message(near.id)).deliveries] == ["x" + JANE, JANE + ".au"]
    assert [one.recipient.address for one in (await archive.message(hers.id)).deliveries] != [JANE]
    await archive.close()
    assert faults(path) == []
    octets = octets_in(path.parent).lower().replace(b"x" + JANE.encode(), b"").replace(JANE.encode() + b".au", b"")
    assert JANE.encode() not in octets


async def test_what_a_hold_keeps_stays_as_it_is_and_is_told(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    held, free = await keep(archive, 1, [JANE], to=JANE), await keep(archive, 2, [JANE], to=JANE)
    await send(archive)
    hold = Hold(new_id(), "Smith", "", NOON, "user:boss")
    told = {"hold": hold.id, "name": hold.name, "reason": hold.reason}
    await archive.make_hold(hold, Event(new_id(), NOON, Kind.HOLD_MADE, "user:boss", data=told))
    placed = Event(new_id(), NOON, Kind.HOLD_PLACED, "user:boss", held.id, data={"hold": hold.id})
    await archive.place_hold(hold.id, [held.id], [placed])
    mentions = await archive.mentions(JANE, clock())
    assert [(one.message_id, bool(one.kept_by)) for one in mentions.messages] == [(held.id, True), (free.id, False)]
    done = await erase(archive)
    assert (done.messages, [one.message_id for one in done.kept]) == (1, [held.id])
    assert "hold" in done.kept[0].words
    assert JANE in str((await archive.message(held.id)).deliveries)
    assert JANE not in str(await archive.message(free.id))
    await archive.close()
    assert faults(path) == []


async def test_who_was_not_to_be_written_to_is_still_not(tmp_path: Path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    await erase(archive, is_suppressed=True)
    await archive.close()
    with closing(sqlite3.connect(tmp_path / "data" / "archive.db")) as database:
        asked = [("1", "shop", JANE.upper()), ("2", "shop", BOB)]
        assert reasons(database, clock(), asked) == {
            "1": "the recipient is on the suppression list (put there by hand): erased"
        }
