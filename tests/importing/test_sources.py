"""What is found where: mbox in its kinds, Maildir, .eml, Mailpit's database of each version, Postfix queue files."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from relay.importing import mbox, postfix
from relay.importing.claims import completed, date_of, fields_of, from_line
from relay.importing.found import Claim, Found, Problem
from relay.importing.sources import walk

LINE = b"From ann@example.com Sat Jan  3 01:05:34 1996\n"
ONE = b"Subject: one\nTo: bob@example.net\n\nbody\n"
TWO = b"Subject: two\n\n>From here\nFrom there\n"


def octets(thing: Found | Problem) -> bytes:
    assert isinstance(thing, Found), thing
    return b"".join(thing.chunks())


def all_of(path: Path, format_: str = "auto") -> list[bytes]:
    return [octets(thing) for thing in walk(path, format_)]


def problems(things: Iterable[Found | Problem]) -> list[str]:
    return [thing.why for thing in things if isinstance(thing, Problem)]


# -- mbox ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        (b"", []),
        (LINE + ONE + b"\n" + LINE + TWO + b"\n", [ONE, TWO]),
        (LINE + ONE + b"\n" + LINE + TWO, [ONE, TWO]),
        (LINE + ONE, [ONE]),
        (LINE + b"A: b\n\n" + LINE + ONE + b"\n", [b"A: b\n\n", ONE]),
        (LINE + b"A: b\n\n\n" + LINE + ONE + b"\n", [b"A: b\n\n", ONE]),
        (LINE + b"A: b\n", [b"A: b\n"]),
        (LINE + ONE + b"\n\n\n" + LINE + ONE + b"\n", [ONE + b"\n\n", ONE]),
        (LINE + b"A: b\n\nx\n\nFrom now on\n\n" + LINE + ONE, [b"A: b\n\nx\n\nFrom now on\n", ONE]),
        (LINE + b"A: b\n\nx\n" + LINE + b"\n", [b"A: b\n\nx\n" + LINE]),
        (
            (LINE + ONE + b"\n" + LINE + ONE + b"\n").replace(b"\n", b"\r\n"),
            [ONE.replace(b"\n", b"\r\n"), ONE.replace(b"\n", b"\r\n")],
        ),
    ],
)
def test_an_mbox_is_cut_at_its_from_lines(tmp_path: Path, file: bytes, wanted: list[bytes]) -> None:
    path = tmp_path / "mail"
    path.write_bytes(file)
    assert all_of(path) == wanted


def test_a_length_is_believed_where_it_leads_to_a_from_line_or_the_end(tmp_path: Path) -> None:
    body = b"x\n\n" + LINE + b"y\n"
    whole = b"Content-Length: %d\n\n" % len(body) + body
    lying = b"Content-Length: 3\n\nlonger\n"
    path = tmp_path / "mail"
    path.write_bytes(LINE + whole + b"\n" + LINE + lying + b"\n" + LINE + whole)
    assert all_of(path) == [whole, lying, whole]


def test_what_may_be_escaped_stays_and_is_noted_unless_it_is_said_to_be_mboxrd(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    path.write_bytes(LINE + b"A: b\n\n>From x\n>>From y\n> From z\n\n")
    (found,) = walk(path)
    assert isinstance(found, Found)
    assert octets(found) == b"A: b\n\n>From x\n>>From y\n> From z\n"
    assert found.claim.notes == {"maybe_escaped_lines": 2}
    (undone,) = walk(path, "mboxrd")
    assert octets(undone) == b"A: b\n\nFrom x\n>From y\n> From z\n"


def test_a_long_message_is_read_in_pieces_that_end_with_lines(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    text = b"A: b\n\n" + b">From x\n" * 100_000 + b"y" * 900_000 + b"\n"
    path.write_bytes(LINE + text + b"\n" + LINE + ONE)
    first, second = walk(path, "mboxrd")
    assert isinstance(first, Found)
    assert max(map(len, first.chunks())) < 600_000
    assert octets(first) == text.replace(b">From", b"From")
    assert octets(second) == ONE


def test_a_from_line_claims_sender_and_time() -> None:
    assert from_line(LINE) == Claim(820631134000000, "From_", "ann@example.com", envelope_of="From_")
    assert from_line(b"From - Tue, Feb 30 10:00:00 2024\n") == Claim()
    assert from_line(b"From MAILER-DAEMON Mon Jan 1 10:00 +0000 2024\n").sender is None
    assert list(mbox.spans(io.BytesIO(b""))) == []


# -- claims --------------------------------------------------------------------------------------------------
def test_what_a_head_claims_is_taken_where_the_source_says_nothing() -> None:
    head = (
        b"Return-Path: <>\r\nReceived: x\r\nDelivered-To: a@x.test\r\nDelivered-To: A B <b@x.test>\r\nTo: c@x.test\r\n"
        b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nnot a field\r\n\r\nTo: d@x.test\r\n"
    )
    claim = completed(Claim(), fields_of(head), 5)
    assert (claim.sender, claim.recipients) == ("", ("a@x.test", "b@x.test"))
    assert (claim.at, claim.at_of, claim.envelope_of) == (880127706000000, "Date", "return-path, delivered-to")
    shown = completed(Claim(), fields_of("From: Ann\n <ann@x.test>\nTo: ü@x.test, nobody\nCc: e@x.test\n".encode()), 5)
    assert (shown.sender, shown.recipients) == ("ann@x.test", ("ü@x.test", "e@x.test"))
    assert (shown.at, shown.at_of, shown.envelope_of) == (5, "file", "from, to, cc")
    assert completed(Claim(), fields_of(b"Date: never\n"), None) == Claim()
    assert date_of("Mon, 99 Jan 2024 10:00:00 +0000") is None
    assert date_of("Mon, 01 Jan 1900 10:00:00 +0000") is None


# -- folders -------------------------------------------------------------------------------------------------
def test_a_maildir_and_the_folders_in_it_are_read(tmp_path: Path) -> None:
    for place in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", "deep/er/cur", "deep/er/new"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "cur/1.a.host:2,ST").write_bytes(ONE)
    (tmp_path / "new/2.a.host").write_bytes(TWO)
    (tmp_path / "tmp/3.a.host").write_bytes(b"half")
    (tmp_path / "dovecot.index").write_bytes(b"\0")
    (tmp_path / ".Sent/cur/4:2,").write_bytes(b"A: 4\n\n")
    (tmp_path / "deep/er/new/5").write_bytes(b"A: 5\n\n")
    (tmp_path / "deep/er/new/6").write_bytes(b"")
    (tmp_path / "deep/er/new/7").symlink_to("5")
    things = list(walk(tmp_path))
    assert [octets(thing) for thing in things if isinstance(thing, Found)] == [ONE, TWO, b"A: 4\n\n", b"A: 5\n\n"]
    assert problems(things) == ["it is empty", "it is no regular file; links are not followed"]
    first = things[0]
    assert isinstance(first, Found)
    assert (first.format, first.claim.notes) == ("maildir", {"flags": "ST"})
    assert problems(walk(tmp_path, "eml")) == []


def test_a_folder_of_files_is_told_apart_and_nothing_is_left_out_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.EML").write_bytes(ONE)
    (tmp_path / "b.eml").write_bytes(b"")
    (tmp_path / "c.txt").write_bytes(b"Licence: free\n")
    (tmp_path / "d.msf").write_bytes(b"index")
    (tmp_path / "e").write_bytes(LINE + TWO)
    (tmp_path / ".f").write_bytes(b"hidden")
    (tmp_path / "g").write_bytes(b"")
    os.mkfifo(tmp_path / "h")
    (tmp_path / "i").mkdir()
    (tmp_path / "i" / "j.eml").write_bytes(b"no message\n")
    things = list(walk(tmp_path))
    assert [octets(thing) for thing in things if isinstance(thing, Found)] == [ONE, TWO]
    assert problems(things) == [
        "it is empty",
        "it is neither a message nor a file of messages",
        "it is no regular file; links are not followed",
        "it is neither a message nor a file of messages",
    ]
    assert all_of(tmp_path / "c.txt") == [b"Licence: free\n"], "named by itself it is taken at its word"
    assert "it is no mbox, but looks like eml" in problems(walk(tmp_path, "mbox"))
    assert problems(walk(tmp_path / "none")) == ["there is no such file"]


# -- Mailpit -------------------------------------------------------------------------------------------------
OLD = "CREATE TABLE mailbox (Sort INTEGER PRIMARY KEY, ID TEXT NOT NULL, Data BLOB, Search TEXT, Read INTEGER)"
MIDDLE = "CREATE TABLE {0}mailbox (Created INTEGER NOT NULL, ID TEXT NOT NULL, Metadata TEXT)"
NEW = "CREATE TABLE mailbox (Created INTEGER NOT NULL, ID TEXT NOT NULL, Metadata TEXT, Username TEXT)"


@pytest.mark.parametrize(
    ("listed", "data", "prefix", "has_flag"),
    [
        (OLD, "CREATE TABLE mailbox_data (ID TEXT KEY NOT NULL, Email BLOB)", "", False),
        (MIDDLE.format("t_"), "CREATE TABLE t_mailbox_data (ID TEXT KEY NOT NULL, Email BLOB)", "t_", False),
        (
            NEW,
            "CREATE TABLE mailbox_data (ID TEXT, Email BLOB, Compressed INTEGER NOT NULL DEFAULT '0')",
            "",
            True,
        ),
    ],
)
def test_mailpits_database_is_read_whatever_its_version(
    tmp_path: Path, listed: str, data: str, prefix: str, has_flag: bool
) -> None:
    path = tmp_path / "mailpit.db"
    packed = zstandard.ZstdCompressor().compress(ONE)
    with closing(sqlite3.connect(path)) as database:
        database.execute(listed)
        database.execute(data)
        if listed == OLD:
            database.execute("INSERT INTO mailbox (ID) VALUES ('one')")
        else:
            database.execute(f"INSERT INTO {prefix}mailbox (Created, ID) VALUES (1700000000123, 'one')")
        flag = ", 1" if has_flag else ""
        database.execute(f"INSERT INTO {prefix}mailbox_data VALUES ('one', ?{flag})", (packed,))
        if has_flag:
            database.execute("INSERT INTO mailbox_data VALUES ('two', ?, 0)", (TWO.decode(),))
        database.commit()
    things = list(walk(tmp_path))
    assert [octets(thing) for thing in things] == ([ONE, TWO] if has_flag else [ONE])
    first = things[0]
    assert isinstance(first, Found)
    assert (first.name, first.claim.at) == ("one", None if listed == OLD else 1700000000123000)


def test_another_database_or_a_damaged_one_is_a_problem(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("CREATE TABLE t (x)")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    first, second = problems(walk(tmp_path))
    assert first == "it is an SQLite database, but not Mailpit's: there is no table mailbox_data"
    assert second.startswith("it cannot be")


# -- Postfix -------------------------------------------------------------------------------------------------
def record(kind: str, data: bytes) -> bytes:
    length, octets_ = len(data), bytearray(kind.encode())
    while True:
        octets_.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(octets_) + data


def queue_file(*content: bytes) -> bytes:
    return b"".join(
        (
            record(
                "C", b"            123             456               1               0             123               0"
            ),
            record("T", b"1700000000 123456"),
            record("A", b"log_client_address=192.0.2.1"),
            record("A", b"helo_name=client.test"),
            record("S", b"ann@example.com"),
            record("A", b"dsn_orig_rcpt=rfc822;bob@example.net"),
            record("O", b"bob@example.net"),
            record("R", b"bob@example.net"),
            record("D", b"cy@example.net"),
            record("p", b"              0"),
            record("M", b""),
            *content,
            record("X", b""),
            record("E", b""),
        )
    )


def test_a_queue_file_gives_envelope_and_content(tmp_path: Path) -> None:
    folder = tmp_path / "deferred" / "A"
    folder.mkdir(parents=True)
    long = b"x" * 70_000
    content = (
        record("N", b"Subject: q"),
        record("N", b""),
        record("L", long),
        record("N", b"end"),
        record("w", b"pad"),
    )
    (folder / "A1B2").write_bytes(queue_file(*content))
    (found,) = walk(tmp_path)
    assert isinstance(found, Found)
    assert octets(found) == b"Subject: q\r\n\r\n" + long + b"end\r\n"
    assert (found.name, found.claim.at, found.claim.sender) == ("A1B2", 1700000000123456, "ann@example.com")
    assert found.claim.recipients == ("bob@example.net", "cy@example.net")
    assert found.claim.notes == {"helo": "client.test"}


def test_a_pointer_leads_on_and_never_round_in_a_circle(tmp_path: Path) -> None:
    path = tmp_path / "A1"
    start = queue_file(record("N", b"A: b"))
    place = start.index(record("N", b"A: b"))
    # As a filter that changes a message leaves it: the line is elsewhere, and from there it goes back.
    there = len(start) + 100
    changed = start[:place] + record("p", str(there).encode().rjust(4)) + start[place + 6 :]
    back = record("p", str(place + 6).encode())
    path.write_bytes(changed.ljust(there, b"\0") + record("N", b"C: d") + back)
    (found,) = walk(path)
    assert octets(found) == b"C: d\r\n"
    path.write_bytes(changed.ljust(there, b"\0") + record("p", str(place).encode()))
    assert problems(walk(path)) == [next(iter(problems(walk(path))))]
    assert "round in a circle" in problems(walk(path))[0]


@pytest.mark.parametrize("size", [40, 200, -1])
def test_a_queue_file_that_is_cut_off_is_a_problem(tmp_path: Path, size: int) -> None:
    path = tmp_path / "A1"
    path.write_bytes(queue_file(record("N", b"Subject: q"))[:size])
    (why,) = problems(walk(path, "postfix"))
    assert "cut off" in why or "no postfix" in why
    assert not postfix.is_queue_file(b"Content-Type: text/plain\n")
