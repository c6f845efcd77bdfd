"""Mail that was imported is marked so wherever it is seen, and never told of as witnessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relay.importing.bringing import Bringer
from relay.importing.course import run
from relay.importing.sources import walk
from relay.model.event import Kind
from relay.rendition.extract import extract
from tests.support.viewer_house import House

LETTER = (
    b"Return-Path: <ann@example.com>\r\nDelivered-To: bob@example.net\r\nTo: Bob <bob@example.net>\r\n"
    b"Subject: from the old days\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nx\r\n"
)
WITNESSED = ("Captured", "Sent", "Delivered", "Relayed", "Queued")
"""Words of the status of mail that went through here."""


@pytest.fixture
async def imported(house: House, tmp_path: Path) -> str:
    """Id of a message brought in as the command brings it, beside one that was captured."""
    await house.add()
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "old.eml").write_bytes(LETTER)
    bringer = Bringer("shop", "command:ann", house.clock, house.new_id)
    await run(walk(folder), bringer, house.archive.known_messages, house.archive.add_imported)
    (event,) = await house.events(Kind.IMPORTED)
    message_id = str(event.message_id)
    await house.archive.add_summaries([(message_id, extract(LETTER))])
    return message_id


def row_of(page: str, message_id: str) -> str:
    found = re.search(rf'<tr data-id="{message_id}".*?</tr>', page, re.DOTALL)
    assert found is not None
    return found[0]


async def text_of(house: House, path: str) -> str:
    browser = await house.client()
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_its_row_says_imported_and_nothing_that_was_witnessed(house: House, imported: str) -> None:
    page = await text_of(house, "/")
    row = row_of(page, imported)
    assert "from the old days" in row
    assert "Imported" in row
    assert not [word for word in WITNESSED if re.search(rf"\b{word}\b", row)]
    (captured,) = [one for one in re.findall(r'<tr data-id="(\w+)"', page) if one != imported]
    assert "Imported" not in row_of(page, captured)
    assert "Captured" in row_of(page, captured)


async def test_its_page_says_what_is_not_known(house: House, imported: str) -> None:
    page = await text_of(house, f"/messages/{imported}")
    assert "Imported" in page
    assert "its sending was not witnessed here" in page
    assert "Kept byte for byte before the answer" not in page


async def test_programs_are_told_and_figures_do_not_count_it_as_sent(house: House, imported: str) -> None:
    program = await house.program()
    async with program.get("/api/messages") as answer:
        rows = {row["id"]: row for row in (await answer.json())["messages"]}
    assert [row["imported"] for row in rows.values()].count(True) == 1
    assert rows[imported]["imported"] is True
    assert not any(rows[imported]["states"].values())
    async with program.get(f"/api/messages/{imported}") as answer:
        message = await answer.json()
    assert (message["imported"], message["deliveries"]) == (True, [])
