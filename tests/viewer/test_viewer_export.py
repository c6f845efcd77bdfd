"""Exports over the API and by job: octets, names, hashes, progress, and what is left on the disk."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import mailbox
import re
import zipfile
from pathlib import Path

import aiohttp
import pytest

from relay.archive.query import Query
from relay.model.event import Kind
from tests.support.viewer_house import LETTER, SECOND, House, configured, open_house
from viewer.work.export import matching

AWKWARD = (
    LETTER,
    b"",
    b"\x00\xff\r.\n\n.\r\n",
    b'Subject: =HYPERLINK("http://evil")\r\nFrom: +1 <a@b.example>\r\n\r\nFrom here\r\n>From there\r\n',
    b"Subject: ../../etc/passwd\r\nMessage-ID: </etc/passwd>\r\n\r\n" + b"x" * 2_000_000,
)


async def fetched(client: aiohttp.ClientSession, path: str) -> bytes:
    async with client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="mailwitness-2026')
        return await answer.read()


async def token_of(client: aiohttp.ClientSession) -> str:
    async with client.get("/exports") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    return found[1]


async def begun(client: aiohttp.ClientSession, q: str, form: str) -> str:
    """The id of a new export job."""
    data = {"csrf": await token_of(client), "q": q, "format": form}
    async with client.post("/exports", data=data, headers={"Accept": "application/json"}) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["id"])


async def finished(client: aiohttp.ClientSession, job: str) -> list[dict[str, object]]:
    """The progress events of the job, up to the last."""
    told = []
    async with asyncio.timeout(10), client.get(f"/exports/{job}/progress") as answer:
        async for line in answer.content:
            if line.startswith(b"data: "):
                told.append(json.loads(line.removeprefix(b"data: ")))
    return told


async def test_a_zip_holds_every_message_verbatim_under_our_names(house: House) -> None:
    for content in AWKWARD:
        await house.add(content)
    data = await fetched(await house.program("auditor"), "/api/export?format=zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [f"{n:06}.eml" for n in range(1, len(AWKWARD) + 1)] + ["manifest.csv"]
        assert [archive.read(name) for name in names[:-1]] == list(AWKWARD)
        manifest = archive.read("manifest.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(manifest)))
    assert [row["sha256"] for row in rows] == [hashlib.sha256(content).hexdigest() for content in AWKWARD]
    (event,) = await house.events(Kind.EXPORTED)
    assert event.data["count"] == len(AWKWARD)
    assert event.actor == "user:auditor"


async def test_csv_cells_are_no_formulas(house: House) -> None:
    for content in AWKWARD:
        await house.add(content, recipients=("+ann@example.org", "-bob@example.org"), sender="=shop@example.com")
    data = await fetched(await house.program("auditor"), "/api/export?format=csv&q=subject:hyperlink")
    assert data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert row["subject"].startswith("'=HYPERLINK")
    assert row["sender"].startswith("'=")
    assert row["author"].startswith("'+1")
    assert row["recipients"].startswith("'+ann")


async def test_an_mbox_is_read_by_the_standard_library(house: House, tmp_path: Path) -> None:
    for content in AWKWARD:
        await house.add(content)
    path = tmp_path / "a.mbox"
    path.write_bytes(await fetched(await house.program("auditor"), "/api/export?format=mbox"))
    box = mailbox.mbox(path, create=False)
    assert len(box) == len(AWKWARD)
    assert list(box)[3].get_payload() == ">From here\n>>From there\n"


async def test_eml_is_for_one_message_only(house: House) -> None:
    message_id = await house.add()
    program = await house.program("auditor")
    assert await fetched(program, f"/api/export?format=eml&q=id:{message_id}") == LETTER
    await house.add()
    async with program.get("/api/export?format=eml") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "format"
    async with program.get("/api/export?format=exe") as answer:
        assert answer.status == 400


async def test_an_export_of_nothing_is_a_whole_file(house: House) -> None:
    program = await house.program("auditor")
    with zipfile.ZipFile(io.BytesIO(await fetched(program, "/api/export?q=subject:none"))) as archive:
        assert archive.namelist() == ["manifest.csv"]
    assert (await fetched(program, "/api/export?format=csv")).decode("utf-8-sig").startswith("number,file,id")
    assert await fetched(program, "/api/export?format=mbox") == b""


async def test_messages_that_come_during_an_export_are_not_in_it(house: House) -> None:
    first = await house.add()
    seen = []
    async for stored, _ in matching(house.archive, Query()):
        seen.append(stored.message.id)
        await house.add()
    assert seen == [first]


async def test_more_than_a_page_is_exported_in_order_of_capture(house: House) -> None:
    for n in range(203):
        await house.add(b"Subject: %d\r\n\r\n" % n, indexed=False)
    data = await fetched(await house.program("auditor"), "/api/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [int(row["number"]) for row in rows] == list(range(1, 204))
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


async def test_a_job_shows_its_progress_and_its_file_goes_when_fetched(house: House) -> None:
    for content in AWKWARD:
        await house.add(content)
    client = await house.client("auditor")
    job = await begun(client, "", "zip")
    told = await finished(client, job)
    assert told[-1]["state"] == "finished"
    assert (told[-1]["done"], told[-1]["total"]) == (len(AWKWARD), len(AWKWARD))
    (path,) = (house.config.archive.path / "exports").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    async with client.get(f"/exports/{job}") as answer:
        assert answer.status == 200
        assert f"/exports/{job}/file" in await answer.text()
    async with client.head(f"/exports/{job}/file") as answer:
        assert answer.status == 200
    data = await fetched(client, f"/exports/{job}/file")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("000003.eml") == AWKWARD[2]
    async with asyncio.timeout(5):
        while path.exists():
            await asyncio.sleep(0.01)
    async with client.get(f"/exports/{job}/file") as answer:
        assert answer.status == 404
    assert len(await house.events(Kind.EXPORTED)) == 1


async def test_another_person_does_not_see_a_job(house: House) -> None:
    job = await begun(await house.client("auditor"), "", "csv")
    other = await house.client("administrator")
    for path in (f"/exports/{job}", f"/exports/{job}/file", f"/exports/{job}/progress"):
        async with other.get(path) as answer:
            assert answer.status == 404
    async with other.post(f"/exports/{job}/remove", data={"csrf": await token_of(other)}) as answer:
        assert answer.status == 404


async def test_a_job_can_be_removed_and_goes_after_a_day(house: House) -> None:
    client = await house.client("auditor")
    first, second = await begun(client, "", "csv"), await begun(client, "", "csv")
    await finished(client, first)
    await finished(client, second)
    async with client.post(f"/exports/{first}/remove", data={"csrf": await token_of(client)}) as answer:
        assert answer.status == 200
    folder = house.config.archive.path / "exports"
    assert len(list(folder.iterdir())) == 1
    house.clock.now += 25 * 3600 * SECOND
    client = await house.client("auditor")
    async with client.get("/exports", headers={"Accept": "application/json"}) as answer:
        assert await answer.json() == {"exports": []}
    assert list(folder.iterdir()) == []


async def test_files_that_a_crash_left_are_removed_at_the_start(tmp_path: Path) -> None:
    config = configured(tmp_path / "data")
    left = config.archive.path / "exports" / "01J00000000000000000000000.zip"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"secret")
    async with open_house(config):
        assert not left.exists()


@pytest.mark.parametrize(("q", "form", "field"), [("(", "zip", "q"), ("", "exe", "format"), ("", "eml", "format")])
async def test_a_wrong_export_is_refused(house: House, q: str, form: str, field: str) -> None:
    client = await house.client("auditor")
    data = {"csrf": await token_of(client), "q": q, "format": form}
    async with client.post("/exports", data=data) as answer:
        assert answer.status == 400
    assert await house.events(Kind.EXPORTED) == []
