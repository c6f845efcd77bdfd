"""A signed export asked for in the browser: the file that is fetched holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from relay.handover.checking import verify_export
from relay.model.event import Kind
from tests.support.forms import confirmed, press
from tests.support.notarised import OwnKeys
from tests.support.viewer_house import House


async def test_the_file_is_signed_and_says_who_had_it_made(house: House, tmp_path: Path) -> None:
    ids = [await house.add() for _ in range(3)]
    client = await house.client("administrator")
    page = await press(client, "/bulk/choose", [("kind", "export"), *(("message", one) for one in ids[:2])])
    await press(client, "/bulk/do", confirmed(page, "/bulk/do", format="signed"))
    async with asyncio.timeout(20):
        while True:
            async with client.get("/exports", headers={"Accept": "application/json"}) as answer:
                (job,) = (await answer.json())["exports"]
            if job["state"] in ("finished", "failed"):
                break
    assert (job["state"], job["done"]) == ("finished", 2)
    async with client.get(f"/exports/{job['id']}/file") as answer:
        (tmp_path / job["filename"]).write_bytes(await answer.read())
    report = verify_export(tmp_path / job["filename"], OwnKeys().verifiers())
    assert report.is_sound, report.text()
    assert "2 messages" in report.text()
    before, after = await house.events(Kind.EXPORTED)
    assert (before.data["count"], before.data["export"]) == (2, after.data["export"])
    assert len(str(after.data["manifest"])) == 64


async def test_who_may_not_export_gets_none(house: House) -> None:
    message_id = await house.add()
    client = await house.client("operator")
    await press(client, "/bulk/choose", [("kind", "export"), ("message", message_id)], status=403)
    assert not await house.events(Kind.EXPORTED)
