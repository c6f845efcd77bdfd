"""Bundles made from an archive: what is in them, that they hold, and what is kept out of them."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from relay.archive.api import Archive
from relay.archive.api.ledger import Stamp
from relay.ledger.bundle import LogEvidence
from relay.ledger.checking import Trust
from relay.ledger.finding import Report
from relay.ledger.verifier import verify_stream
from relay.model.deletion import Order
from relay.model.event import Event, Kind
from relay.notary.evidence import EvidenceError
from relay.notary.gathering import Gathered
from tests.support.archive_values import NOON, new_id
from tests.support.evidence import members_of
from tests.support.fresh import open_archive
from tests.support.notarised import LETTER, Notarised, OwnKeys, keep, report, send, view
from tests.support.stamping import Authority


def checked(octets: bytes, keys: OwnKeys | None = None) -> Report:
    return verify_stream(io.BytesIO(octets), Trust((keys or OwnKeys()).verifiers()))


def listed(members: Mapping[str, bytes], name: str) -> list[Any]:
    return [json.loads(line) for line in members[name].splitlines()]


async def test_a_bundle_has_everything_about_a_message_and_holds(archive: Archive) -> None:
    message = await keep(archive, 1, "jane@example.com", "joe@example.net")
    await send(archive, message)
    payload = await report(archive, 1, message)
    await view(archive, message)
    octets = await Notarised(archive).bundle(message.id, query="invoice")
    found = checked(octets)
    assert found.exit_status == 0, found.text()
    members, folder = members_of(octets), f"messages/{message.id}/"
    assert members[folder + "original.eml"] == LETTER
    assert json.loads(members[folder + "envelope.json"])["envelope"]["recipients"][1]["address"] == "joe@example.net"
    (copy,) = json.loads(members[folder + "transforms.json"])["copies"]
    assert len(copy["attempts"]) == 2
    assert members[folder + copy["name"]] == b"Received: by us\r\n" + LETTER + b"\r\n"
    assert [line["reply"]["text"] for line in listed(members, folder + "smtp.jsonl")] == ["ok queued as 7"] * 2
    assert members[f"{folder}events/{payload}.body"] == b'{"delivered":1}'
    assert [line["kind"] for line in listed(members, folder + "audit.jsonl")] == ["viewed"]
    assert len(listed(members, folder + "leaves.jsonl")) == len(await archive.leaves_of(message.id))
    assert json.loads(members["manifest.json"])["query"] == "invoice"


async def test_a_fact_that_came_after_the_checkpoint_is_left_out(archive: Archive) -> None:
    message = await keep(archive)
    notarised = Notarised(archive)
    before = await notarised.checkpoint()
    await send(archive, message)
    await view(archive, message)
    later = await keep(archive, 2)

    async def old() -> Any:
        return before

    notarised.checkpoint = old  # type: ignore[method-assign]
    octets = await notarised.bundle(message.id, later.id)
    assert checked(octets).is_sound
    members = members_of(octets)
    assert json.loads(members["manifest.json"])["messages"] == [message.id]
    assert [json.loads(line["leaf"])["kind"] for line in listed(members, f"messages/{message.id}/leaves.jsonl")] == [
        "captured"
    ]
    assert members[f"messages/{message.id}/audit.jsonl"] == b""


async def test_many_messages_are_in_one_bundle_and_one_that_is_not_there_is_passed_over(archive: Archive) -> None:
    messages = [await keep(archive, number) for number in range(1, 6)]
    told: list[int] = []
    octets = await Notarised(archive).bundle(*(one.id for one in messages), new_id(), progress=told.append)
    assert checked(octets).is_sound
    assert json.loads(members_of(octets)["manifest.json"])["messages"] == [one.id for one in messages]
    assert told == [1, 2, 3, 4, 5, 6]


async def test_a_report_that_tells_of_others_is_kept_out_unless_it_is_asked_for(archive: Archive) -> None:
    mine, other = await keep(archive, 1), await keep(archive, 2)
    await send(archive, mine)
    await send(archive, other)
    shared, own = await report(archive, 1, mine, other), await report(archive, 2, mine, body=b"{}")
    notarised = Notarised(archive)
    octets = await notarised.bundle(mine.id)
    assert checked(octets).is_sound
    names = members_of(octets)
    assert f"messages/{mine.id}/events/{own}.body" in names
    assert f"messages/{mine.id}/events/{shared}.body" not in names
    assert other.id.encode() not in octets
    whole = await notarised.bundle(mine.id, whole_reports=True)
    assert checked(whole).is_sound
    assert f"messages/{mine.id}/events/{shared}.body" in members_of(whole)


async def test_of_a_deleted_message_the_facts_stay_and_hold(archive: Archive) -> None:
    message = await keep(archive)
    await send(archive, message)
    await report(archive, 1, message)
    event = Event(new_id(), NOON, Kind.DELETED, "user:ann", message.id, data={"reason": "asked for"})
    await archive.delete_content([Order(message.id, event)])
    octets = await Notarised(archive).bundle(message.id)
    found = checked(octets)
    assert found.is_sound, found.text()
    members = members_of(octets)
    assert not [name for name in members if name.endswith((".eml", ".body"))]
    assert b"Please pay" not in octets
    assert [line["kind"] for line in listed(members, f"messages/{message.id}/audit.jsonl")] == ["deleted"]


async def test_of_an_erased_fact_the_leaf_stays_and_holds(archive: Archive, url: str) -> None:
    message = await keep(archive)
    await view(archive, message)
    index = (await archive.leaves_of(message.id))[-1].index
    database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("UPDATE leaf SET salt = NULL WHERE seq = ?", (index + 1,))
    database.close()
    octets = await Notarised(archive).bundle(message.id)
    found = checked(octets)
    assert found.is_sound, found.text()
    assert "that is erased" in found.text()
    assert members_of(octets)[f"messages/{message.id}/audit.jsonl"] == b""


async def test_a_content_that_was_changed_in_the_archive_fails_the_check_and_is_named(
    archive: Archive, url: str
) -> None:
    message = await keep(archive)
    await keep(archive, 2, content=b"Subject: other\r\n\r\n")
    await archive.close()
    database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    frame = "(SELECT frame FROM content WHERE message_seq = 2)"
    database.execute(f"UPDATE content SET frame = {frame} WHERE message_seq = 1")
    for _, trigger in triggers:
        database.execute(trigger)
    database.close()
    again = await open_archive(url)
    seen = Seen()
    octets = await Notarised(again).bundle(message.id, narrator=seen)
    await again.close()
    found = checked(octets)
    assert found.exit_status == 65
    assert f"messages/{message.id}/original.eml: It is not the message that came" in found.text()
    assert seen.gathered[0].is_damaged


class Seen:
    """Notes what it is told, and tells that."""

    def __init__(self) -> None:
        self.gathered: list[Gathered] = []

    def take(self, gathered: Gathered) -> None:
        self.gathered.append(gathered)

    async def members(self, log: LogEvidence) -> Mapping[str, bytes]:
        return {"summary.html": f"<p>{len(self.gathered)} of {log.origin}</p>".encode()}


async def test_what_is_told_to_people_is_in_the_bundle_and_signed(archive: Archive) -> None:
    message = await keep(archive)
    octets = await Notarised(archive).bundle(message.id, narrator=Seen())
    assert checked(octets).is_sound
    assert members_of(octets)["summary.html"] == b"<p>1 of mail.example.com/log</p>"
    assert "summary.html" in json.loads(members_of(octets)["manifest.json"])["files"]


# -- keys, witnesses, time stamps ------------------------------------------------------------------------------------
async def test_what_was_stamped_under_an_older_key_is_in_the_bundle_of_the_new_one(archive: Archive) -> None:
    authority = Authority()
    old, new = OwnKeys((b"1" * 32,)), OwnKeys((b"2" * 32, b"1" * 32))
    first = await keep(archive)
    for _ in range(2):
        stamped = await Notarised(archive, old).checkpoint()
        response = authority.respond(stamped.note.encode())
        stamp = Stamp(stamped.size, "Some TSA", NOON, stamped.note, response, authority.pem())
        await archive.add_stamp(stamp)
        await keep(archive, stamped.size + 1)
    leaf = (await archive.leaves_of(first.id))[0].index
    octets = await Notarised(archive, new).bundle(first.id, leaves=[leaf])
    found = checked(octets, new)
    assert found.is_sound, found.text()
    assert "saw the log with its first 1 facts" in found.text()
    names = members_of(octets)
    assert [name for name in names if name.endswith(".tsr")] == ["timestamps/1/some-tsa.tsr"]
    assert names["log.vkey"].decode().split() == [key.vkey for key in new.verifiers()]


async def test_a_cosigned_checkpoint_that_has_all_facts_is_taken_before_a_newer_one(archive: Archive) -> None:
    message = await keep(archive)
    keys = OwnKeys(is_witnessed=True)
    witnessed = await Notarised(archive, keys, cosigned=True).checkpoint()
    await keep(archive, 2)
    octets = await Notarised(archive, keys).bundle(message.id, leaves=[0])
    members = members_of(octets)
    assert members["checkpoint"].decode() == witnessed.note
    found = checked(octets, keys)
    assert found.is_sound
    assert "The witness witness.example/north saw the log so" in found.text()


async def test_facts_that_no_witness_has_seen_yet_are_not_called_witnessed(archive: Archive) -> None:
    message = await keep(archive)
    keys = OwnKeys(is_witnessed=True)
    octets = await Notarised(archive, keys).bundle(message.id, leaves=[0])
    assert checked(octets, keys).is_sound
    assert b"quorum none" in members_of(octets)["policy"]


async def test_a_checkpoint_of_another_key_gives_no_evidence(archive: Archive) -> None:
    message = await keep(archive)
    notarised = Notarised(archive)
    notarised.checkpoint = Notarised(archive, OwnKeys((b"f" * 32,))).checkpoint  # type: ignore[method-assign]
    with pytest.raises(EvidenceError, match="not signed with today's key"):
        await notarised.bundle(message.id)
