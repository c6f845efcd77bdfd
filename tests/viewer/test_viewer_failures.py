"""What people and programs are told when something breaks, and what the browser gets of it."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from relay.model.event import Kind
from tests.support.corpus import corpus_files
from tests.support.viewer_house import House, configured, open_house

EVERY = 24
"""One in so many messages of the corpus; all of them go through a whole server in tests/corpora."""


async def test_an_archive_that_is_closed_is_503_for_programs_and_people(house: House) -> None:
    client = await house.client()
    await house.archive.close()
    for path in ("/api/messages", "/"):
        async with client.get(path) as answer:
            assert answer.status in (500, 503)
            text = await answer.text()
        assert "Traceback" not in text
        assert "sqlite" not in text.lower()


async def test_a_content_whose_hash_fails_is_never_given_for_the_original(tmp_path: Path) -> None:
    config = configured(tmp_path / "data")
    async with open_house(config) as house:
        message_id = await house.add(b"x" * 3_000_000)
    damage_content(config.archive.path / "archive.db")
    async with open_house(config) as house:
        house.new_id.last = 1000
        program = await house.program()
        for path in (f"/api/messages/{message_id}/content", "/api/export?format=zip"):
            assert not await is_given(program, path)


def damage_content(path: Path) -> None:
    """Makes the last frame of the last content unreadable, past the triggers that forbid it."""
    with sqlite3.connect(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE content SET frame = x'00' WHERE n = (SELECT max(n) FROM content)")


async def is_given(program: aiohttp.ClientSession, path: str) -> bool:
    """True if a whole answer comes: neither a refusal nor a connection cut before its end."""
    try:
        async with program.get(path) as answer:
            await answer.read()
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_file_of_an_export_that_failed_is_not_offered(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data")) as house:
        await house.add()
        (house.config.archive.path / "exports").rmdir()
        client = await house.client("auditor")
        page = await (await client.get("/exports")).text()
        token = page.split('name="csrf" value="')[1].split('"')[0]
        async with client.post(
            "/exports", data={"csrf": token, "format": "csv"}, headers={"Accept": "application/json"}
        ) as answer:
            job = (await answer.json())["id"]
        async with client.get(f"/exports/{job}/progress") as answer:
            assert b'"state":"failed"' in await answer.read()
        async with client.get(f"/exports/{job}/file") as answer:
            assert answer.status == 409


async def test_no_page_or_call_fails_for_any_message(house: House) -> None:
    contents = [path.read_bytes() for path in list(corpus_files())[::EVERY]]
    contents += [b"", b"\0", b"\r\n", b"Subject: " + b"=?utf-8?q?=41?= " * 5000, b"\xff" * 10_000, b"--b\r\n" * 3000]
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300))
    ids = [await house.add(content) for content in [*contents, nested]]
    client = await house.client()
    tabs = ("", "?tab=text", "?tab=headers", "?tab=structure", "?tab=source", "/preview", "/resend")
    for message_id in ids:
        paths = [f"/messages/{message_id}{tab}" for tab in tabs]
        paths += [f"/api/messages/{message_id}{tail}" for tail in ("", "/content", "/events", "/parts", "/parts/0")]
        for path in paths:
            async with client.get(path) as answer:
                assert answer.status == 200, path
                await answer.read()
    for path in ("/?limit=200", "/api/messages?limit=500", "/api/export?format=csv", "/api/export?format=mbox"):
        async with client.get(path) as answer:
            assert answer.status == 200
            await answer.read()
    assert len(await house.events(Kind.VIEWED)) == len(ids)


WORDS = [
    "from:",
    "to:",
    "subject:",
    "ref:",
    "tag:",
    "status:",
    "has:attachment",
    "filename:",
    "before:",
    "after:",
    "on:",
    "larger:",
    "smaller:",
    "is:",
    "header:",
    "id:",
    "message-id:",
    "opened:",
    "application:",
    '"',
    "(",
    ")",
    "-",
    "OR",
    "AND",
    "*",
    ":",
    "\x00",
    "�",
    "ü",
    "日本",
    "7d",
    "2026-01-01",
    "99999999999999999999",
    "1e9",
    "5M",
    "X=1",
    "=",
    "'",
    "%",
    "_",
    "\\",
    "NEAR",
    "^",
    "{",
    "}",
    "+",
    "☃",
    "a",
    "INV-1",
    "sent",
    "٣",
    "-5",
    "2026-13-45",
    "9999-12-31",
    "0001-01-01",
]


async def test_no_search_fails_whatever_is_typed(house: House) -> None:
    await house.add()
    await house.add(b"\0\xff", indexed=False)
    client, chance = await house.client(), random.Random(7)
    statuses = set()
    for _ in range(120):
        q = chance.choice(("", " ")).join(chance.choices(WORDS, k=chance.randint(1, 8)))
        async with client.get(chance.choice(("/", "/api/messages")), params={"q": q}) as answer:
            statuses.add(answer.status)
            assert answer.status in (200, 400), q
    assert statuses == {200, 400}


@pytest.mark.parametrize(
    "path", ["/?cursor=", "/?sort=", "/?limit=", "/api/messages?cursor=", "/live?after=", "/exports/"]
)
async def test_no_odd_value_in_an_address_fails(house: House, path: str) -> None:
    client = await house.client()
    for value in ("a", "%00", "-1", "9" * 30, "%5B%5D", "bnVsbA==", "%ff", "a" * 3000):
        async with client.get(URL(f"{house.url}{path}{value}", encoded=True)) as answer:
            assert answer.status < 500, value
