"""What is known about a message goes: no file names its people or says what it said, everything else holds."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text

from relay.archive import schema
from relay.archive.api import Archive, Closing
from relay.archive.api.audit import Reading
from relay.archive.audit.whole import faults_in, open_to_check
from relay.archive.content import stored
from relay.archive.forgetting import KEPT, MADE_ANEW, NOT_OF_A_MESSAGE, PASSING, ROWS, columns_of
from relay.archive.mentions import TEXTS
from relay.archive.query import parse_query
from relay.archive.sums import prepare
from relay.archive.vault import Vault
from relay.ledger.checking import Trust
from relay.ledger.verifier import verify_stream
from relay.model.bounce import BounceClass
from relay.model.deletion import Fate, Order, Outcome
from relay.model.delivery import State
from relay.model.erasure import ERASED_ADDRESS
from relay.model.event import Event, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.hold import Hold
from relay.model.message import Envelope, Message, Reception, Recipient
from relay.model.reply import Reply
from relay.model.report import ReportKind
from relay.model.signature import Algorithm, Alignment, Signature
from relay.model.summary import Addressee, Reference, Summary
from relay.model.suppressing import SuppressionRules
from relay.model.token import Token, TokenKind
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
from tests.support.audited import STRUCTURE, derived_portions, extent_of, portions
from tests.support.encrypted import encryption
from tests.support.fresh import open_archive
from tests.support.notarised import Notarised, OwnKeys

JANE, ANN = "jane.roe@example.com", "ann.author@example.org"
LETTER = b"From: %s\r\nTo: %s\r\nSubject: Zebra 4711\r\n\r\nDear Jane\r\n" % (ANN.encode(), JANE.encode())
ELK, OTHER = b"Subject: elk\r\n\r\nelk\r\n", Summary(subject="elk", body_text="elk")
SIGNATURE = Signature("example.org", "s1", Algorithm.ED25519, "AAAA", Alignment.STRICT)
SUMMARY = Summary(
    subject="Zebra 4711",
    senders=(Addressee("Ann Author", ANN),),
    to=(Addressee("Jane Roe", JANE),),
    header_message_id="zebra@example.org",
    body_text="Dear Jane, about zebras",
    header_text="X-Zoo: giraffe",
    snippet="Dear Jane",
    filenames=("lion.pdf",),
    tags=("feline",),
    references=(Reference("order", "ORD-7788"),),
)
TRACES = (
    *("jane", "roe", "ann.author", "zebra", "giraffe", "lion", "feline", "ORD-7788", "tiger", "envelope-7"),
    *("198.51.100", "203.0.113", "workstation", "panther", "ostrich", "cheetah", "Mozilla", "Acme", "hyena"),
)
"""Words of the message, of its people, and of what came back."""


async def keep(archive: Archive, number: int = 1) -> tuple[Message, list[Token]]:
    """A message about which there is everything, sent, opened and reported on: with its tokens."""
    content = stored(LETTER)
    message = replace(
        a_message(number, content=content, tags=("panther",)),
        envelope=Envelope(ANN, (Recipient(JANE, "SUCCESS", f"rfc822;{JANE}"),), envid="envelope-7"),
        reception=Reception("198.51.100.7:4711", "workstation.example", "ESMTPA", "smtp", auth_user="tiger"),
    )
    event = replace(captured_event(message), data={"not_understood": ["X-Mood: cheetah"]})
    (duty,) = deliveries_of(message)
    await archive.add_message(message, content, [duty], [event])
    await archive.add_summaries([(message.id, SUMMARY)])
    await archive.claim("me", NOON + 1800 * SECOND, NOON + 7200 * SECOND, 100)
    attempt = replace(
        an_attempt(duty),
        wire_sha256=content.sha256,
        wire_size=content.size,
        sender=f"b+{JANE}",
        signatures=(SIGNATURE,),
    )
    tokens = [
        Token(new_id(), duty.id, message.id, TokenKind.OPEN, NOON),
        Token(new_id(), duty.id, message.id, TokenKind.CLICK, NOON, "https://shop.example/ostrich"),
    ]
    await archive.begin_attempts([attempt], tokens)
    reply = Reply(250, f"<{JANE}> hyena", "2.1.5")
    told = {"code": 250, "text": reply.text, "attempt": attempt.id, "upstream": "upstream"}
    sent = Event(new_id(), NOON, Kind.SENT, "upstream:u", message.id, duty.id, data=told)
    after = replace(duty, state=State.SENT, attempts=1, due_at=None, reply=reply, upstream="upstream")
    await archive.finish_attempts([Closing(closed(attempt, reply), after, sent)])
    fetches = [
        Fetch(new_id(), one.id, NOON, "GET", "203.0.113.9", "Mozilla/5.0", Verdict.HUMAN, "Mozilla", 1, 1, (), "Acme")
        for one in tokens
    ]
    await archive.add_fetches(fetches)
    tagged = Event(new_id(), NOON, Kind.TAGGED, "user:boss", message.id, data={"added": ["feline-two"], "removed": []})
    await archive.change_tags([message.id], ["feline-two"], [], [tagged])
    return message, tokens


async def bounce(archive: Archive, message: Message, number: int = 1, **more: Any) -> str:
    payload = a_payload(number, body=b'{"n": %d, "to": "%s"}' % (number, JANE.encode()), headers={"X-Of": JANE})
    values: dict[str, Any] = {
        "recipient": JANE,
        "diagnostic": f"<{JANE}> hyena",
        "explanation": "ostrich",
        "action": "tiger",
    }
    values |= {"detail": {"url": "https://x.example/giraffe"}, "bounce": BounceClass.HARD, **more}
    (delivery,) = (await archive.message(message.id)).deliveries
    key = f"{number}:{JANE}"
    await reported(archive, payload, a_report(payload, ReportKind.BOUNCED, key, delivery_id=delivery.id, **values))
    return payload.id


async def delete(archive: Archive, message: Message) -> None:
    event = Event(new_id(), NOON + 3600 * SECOND, Kind.DELETED, "user:boss", message.id, data={"reason": "its time"})
    assert [one.fate for one in await archive.delete_content([Order(message.id, event)])] == [Fate.DELETED]


async def erase(archive: Archive, *messages: Message, at: int = NOON + 7200 * SECOND) -> list[Outcome]:
    reason = {"reason": "retention: old"}
    events = [Event(new_id(), at, Kind.ERASED, "relay", one.id, data=reason) for one in messages]
    return await archive.erase_facts(events)


def faults(path: Path) -> list[str]:
    """Of the whole archive, and of what is made from contents, looked through in this process."""
    with closing(open_to_check(path, Vault())) as database:
        extent = extent_of(database)
        which = [*STRUCTURE, *portions(extent), *derived_portions(extent)]
        keys, reading = OwnKeys().verifiers(), Reading({LETTER: SUMMARY, ELK: OTHER}.__getitem__)
        return [str(fault) for one in which for fault in faults_in(database, one, extent, keys, reading=reading)]


def traces(folder: Path) -> list[str]:
    octets = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()
    return [word for word in TRACES if word.lower().encode() in octets]


async def test_nothing_is_left_of_people_and_content_and_all_else_holds(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    message, tokens = await keep(archive)
    await bounce(archive, message)
    other = a_message(2, content=stored(ELK), recipients=("bob@example.net",))
    copies = deliveries_of(other, State.CAPTURED)
    await archive.add_message(other, stored(ELK), copies, [captured_event(other)])
    await archive.add_summaries([(other.id, OTHER)])
    assert faults(path) == []
    house = Notarised(archive)
    old, before = await house.bundle(message.id), await archive.ledger_head()
    await delete(archive, message)
    assert await erase(archive, message) == [Outcome(message.id, Fate.DELETED)]
    await archive.settled()
    found = await archive.message(message.id)
    assert found.deletion is not None
    assert (found.deletion.erased_at, found.deletion.reason) == (NOON + 7200 * SECOND, "its time")
    assert (found.message.sha256, found.message.received_at) == (message.sha256, message.received_at)
    assert found.message.envelope.recipients == (Recipient(ERASED_ADDRESS, "SUCCESS"),)
    (delivery,) = found.deliveries
    assert (delivery.recipient.address, delivery.state) == (ERASED_ADDRESS, State.BOUNCED)
    assert [attempt.signatures for attempt in found.attempts] == [(SIGNATURE,)]
    row = await archive.listing(message.id)
    assert (row.subject, row.snippet, row.tags, row.references, row.is_deleted) == ("", "", (), (), True)
    for query, ids in (("zebra", []), (f"to:{JANE}", []), ("is:erased", [message.id]), ("elk", [other.id])):
        assert [row.id for row in (await archive.search(parse_query(query, now=0))).rows] == ids, query
    assert await archive.tracking_tokens([one.id for one in tokens]) == {}
    assert {fetch.verdict for fetch in await archive.fetches(message.id)} == {Verdict.HUMAN}
    assert await archive.ledger_root(before.size) == before.root
    for octets in (old, await house.bundle(message.id)):
        assert verify_stream(io.BytesIO(octets), Trust(OwnKeys().verifiers())).exit_status == 0
    assert await erase(archive, message) == [Outcome(message.id, Fate.GONE)]
    for day in await archive.days_to_count():
        await archive.count_day(day)
    await archive.close()
    assert faults(path) == []
    assert traces(path.parent) == []


async def test_a_hold_the_term_and_a_content_that_is_there_keep_the_facts(archive: Archive):
    message, _ = await keep(archive)
    (outcome,) = await erase(archive, message)
    assert (outcome.fate, outcome.words) == (Fate.REFUSED, "Its content is still kept.")
    await delete(archive, message)
    hold = Hold(new_id(), "Smith", "", NOON, "user:boss")
    await archive.make_hold(hold, Event(new_id(), NOON, Kind.HOLD_MADE, "user:boss", data={"hold": hold.id}))
    placed = Event(new_id(), NOON, Kind.HOLD_PLACED, "user:boss", message.id, data={"hold": hold.id})
    await archive.place_hold(hold.id, [message.id], [placed])
    (outcome,) = await erase(archive, message)
    assert outcome.fate is Fate.REFUSED
    assert "legal hold" in outcome.words
    await archive.end_hold(hold.id, Event(new_id(), NOON, Kind.HOLD_ENDED, "user:boss", data={"hold": hold.id}))
    await archive.use_term(86_400, Event(new_id(), NOON, Kind.SETTING_CHANGED, "relay"))
    (outcome,) = await erase(archive, message)
    assert (outcome.fate, "for a time" in outcome.words) == (Fate.REFUSED, True)
    assert (await archive.message(message.id)).message.envelope.sender == ANN
    (outcome,) = await erase(archive, message, at=NOON + 2 * 86_400 * SECOND)
    assert outcome.fate is Fate.DELETED


async def test_the_file_itself_refuses_too(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    message, _ = await keep(archive)
    await delete(archive, message)
    hold = Hold(new_id(), "Smith", "", NOON, "user:boss")
    await archive.make_hold(hold, Event(new_id(), NOON, Kind.HOLD_MADE, "user:boss", data={"hold": hold.id}))
    placed = Event(new_id(), NOON, Kind.HOLD_PLACED, "user:boss", message.id, data={"hold": hold.id})
    await archive.place_hold(hold.id, [message.id], [placed])
    await archive.close()
    with closing(sqlite3.connect(path)) as database:
        prepare(database)
        with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
            database.execute("UPDATE deletion SET reason = ''")
        database.execute("INSERT INTO erasing VALUES ('x')")
        with pytest.raises(sqlite3.IntegrityError, match="legal hold"):
            database.execute("UPDATE deletion SET erased_at = 1")


async def test_what_comes_later_is_found_and_erased_too_and_silences_nobody(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    message, _ = await keep(archive)
    await delete(archive, message)
    await erase(archive, message)
    ids, last = await archive.late_facts(0)
    assert ids == [message.id]
    assert await archive.late_facts(last) == ([], last)
    payload = a_payload(9, body=JANE.encode(), headers={"X-Of": JANE})
    (delivery,) = (await archive.message(message.id)).deliveries
    late = a_report(payload, ReportKind.BOUNCED, delivery_id=delivery.id, recipient=JANE, bounce=BounceClass.HARD)
    await reported(archive, payload, late, rules=SuppressionRules(soft_bounces=1))
    assert await archive.suppressions_of([ERASED_ADDRESS, JANE], "shop", NOON) == {}
    ids, last = await archive.late_facts(last)
    assert ids == [message.id]
    assert [one.fate for one in await erase(archive, message, at=NOON + 9000 * SECOND)] == [Fate.DELETED]
    assert (await archive.late_facts(last))[0] == []
    deletion = (await archive.message(message.id)).deletion
    assert deletion is not None
    assert deletion.erased_at == NOON + 7200 * SECOND
    await archive.settled()
    await archive.close()
    assert faults(path) == []
    assert traces(path.parent) == []


async def test_a_payload_about_two_messages_goes_with_the_last_of_them(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    (one, _), (two, _) = await keep(archive, 1), await keep(archive, 2)
    payload = a_payload(1, body=JANE.encode(), headers={"X-Of": JANE})
    reports = []
    for number, message in enumerate((one, two)):
        (delivery,) = (await archive.message(message.id)).deliveries
        reports.append(a_report(payload, key=f"{number}:{JANE}", delivery_id=delivery.id, recipient=JANE))
    await reported(archive, payload, *reports)
    await delete(archive, one)
    await delete(archive, two)
    await erase(archive, one)
    assert (await archive.payload(payload.id)).headers == {"X-Of": JANE}
    await erase(archive, two)
    assert (await archive.payload(payload.id)).headers == {}
    await archive.settled()
    await archive.close()
    assert faults(path) == []
    assert traces(path.parent) == []


async def test_of_an_encrypted_message_the_key_goes_too(tmp_path: Path):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}", encryption=encryption())
    message, _ = await keep(archive)
    await bounce(archive, message)
    await delete(archive, message)
    with closing(sqlite3.connect(path)) as database:
        keys = "SELECT wrapped FROM data_key WHERE owner = ?"
        (before,) = database.execute(keys, (message.id,)).fetchone()
        await erase(archive, message)
        assert database.execute(keys, (message.id,)).fetchone() != (before,)
        assert database.execute("SELECT owner FROM data_key").fetchall() == [(message.id,)]
    assert (await archive.message(message.id)).summary == Summary()
    await archive.settled()
    await archive.close()
    assert before not in path.read_bytes()
    assert traces(path.parent) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deletion SET erased_at = NULL",
        "UPDATE deletion SET erased_at = erased_at + 1",
        "UPDATE event SET data = replace(data, '\"leaves\"', '\"lives\"') WHERE kind = 'erased'",
    ],
)
async def test_an_erasure_that_was_tampered_with_is_found(tmp_path: Path, change: str):
    path = tmp_path / "data" / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    message, _ = await keep(archive)
    await delete(archive, message)
    await erase(archive, message)
    await archive.close()
    with closing(sqlite3.connect(path)) as database:
        prepare(database)
        database.execute("INSERT INTO erasing VALUES ('x')")
        database.execute(change)
        database.execute("DELETE FROM erasing")
        database.commit()
    assert faults(path) != []


def test_every_table_with_texts_is_thought_of():
    assert set(TEXTS) == ROWS.keys() | MADE_ANEW | NOT_OF_A_MESSAGE | PASSING


SAYS_NOTHING = {
    "message": {
        *("id", "application", "mode", "parent_id", "traits", "body", "ret", "protocol", "listener", "tls_version"),
        *("tls_cipher", "via_proxy"),
    },
    "delivery": {
        *("id", "notify", "state", "reply_enhanced", "upstream", "lease_owner", "lane", "application"),
        *("wanted_upstream", "bounce", "grade", "source"),
    },
    "attempt": {
        *("id", "delivery_id", "upstream", "reply_enhanced", "peer", "tls_version", "tls_cipher", "provider_id"),
    },
    "event": {"id", "kind", "message_id", "delivery_id", "grade"},
    "report": {
        *("id", "payload_id", "source", "kind", "named_delivery", "named_message", "bounce", "status", "delivery_id"),
    },
    # Body, headers and peer go as one (`rewriting.py`).
    "payload": {"id", "source", "grade", "nonce", "headers", "peer"},
    "fetch": {"id", "token_id", "delivery_id", "kind", "method", "verdict", "last_id"},
    "token": {"id", "delivery_id", "kind"},
}
"""Text columns in which no person is named: ids, words of ours, names of the configuration, answers' codes."""


@pytest.mark.parametrize("table", ROWS)
def test_every_text_column_is_replaced_or_says_nothing(table: str):
    texts = {column.name for column in schema.metadata.tables[table].columns if isinstance(column.type, Text)}
    assert texts - set(columns_of(table)) - set(KEPT.get(table, ())) <= SAYS_NOTHING[table]
