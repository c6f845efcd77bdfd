"""Evidence in the viewer: the bundle of one message, that of a search, the tab, and who gets none."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from pypdfium2 import PdfDocument

from relay.archive.api.ledger import Stamp
from relay.config import Mask
from relay.ledger.checking import Trust
from relay.ledger.finding import Report
from relay.ledger.verifier import verify_stream
from relay.model.access import Permission, Role
from relay.model.deletion import Order
from relay.model.event import Event, Kind
from tests.support.evidence import members_of
from tests.support.forms import confirmed, press, read
from tests.support.notarised import Notarised, OwnKeys
from tests.support.viewer_house import LETTER, House, configured, open_house
from viewer.keys import EVIDENCE


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One that makes no PDF: a process takes its time to start for it."""
    async with open_house(configured(tmp_path / "data"), draws=False) as opened:
        yield opened


async def test_of_the_page_for_people_there_is_a_pdf(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data")) as house:
        path = f"/api/messages/{await house.add()}/evidence"
        made = members_of(await fetched(await house.program("auditor"), path))["summary.pdf"]
    assert "Your invoice INV-12345" in "".join(page.get_textpage().get_text_range() for page in PdfDocument(made))


def checked(octets: bytes) -> Report:
    return verify_stream(io.BytesIO(octets), Trust(OwnKeys().verifiers()))


async def fetched(client: aiohttp.ClientSession, path: str) -> bytes:
    async with client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/zip"
        return await answer.read()


async def refused(client: aiohttp.ClientSession, path: str, status: int) -> str:
    async with client.get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def test_the_bundle_of_a_message_holds_and_says_who_took_it(house: House) -> None:
    message_id = await house.add()
    await house.add()
    octets = await fetched(await house.program("auditor"), f"/api/messages/{message_id}/evidence")
    found = checked(octets)
    assert found.is_sound, found.text()
    members = members_of(octets)
    assert members[f"messages/{message_id}/original.eml"] == LETTER
    assert json.loads(members["manifest.json"])["made_by"] == "user:auditor"
    (deed,) = [json.loads(line) for line in members[f"messages/{message_id}/audit.jsonl"].splitlines()]
    assert (deed["kind"], deed["actor"]) == ("exported", "user:auditor")
    assert len(await house.events(Kind.EXPORTED)) == 1
    page = members["summary.html"].decode()
    assert "Your invoice INV-12345" in page
    assert "Hello Ann" not in page
    assert "auditor" in page


async def test_a_subject_cannot_write_into_the_summary(house: House) -> None:
    content = b"Subject: <script>alert(1)</script>\r\nFrom: <b>x</b> <a@b.example>\r\n\r\nHello\r\n"
    message_id = await house.add(content)
    members = members_of(await fetched(await house.program("auditor"), f"/api/messages/{message_id}/evidence"))
    page = members["summary.html"].decode()
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script|<b>x", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


async def test_of_a_deleted_message_there_is_evidence_without_its_content(house: House) -> None:
    message_id = await house.add()
    client = await house.client("administrator")
    event = Event(house.new_id(), house.clock(), Kind.DELETED, "user:ann", message_id, data={"reason": "asked for"})
    await house.archive.delete_content([Order(message_id, event)])
    assert "Evidence (.zip)" in await read(client, f"/messages/{message_id}")
    octets = await fetched(client, f"/api/messages/{message_id}/evidence")
    assert checked(octets).is_sound
    assert f"messages/{message_id}/original.eml" not in members_of(octets)


async def test_who_may_not_export_or_sees_not_all_of_it_gets_none(house: House) -> None:
    message_id = await house.add()
    await refused(await house.program("operator"), f"/api/messages/{message_id}/evidence", 403)
    await house.archive.put_role(
        Role("clerk", frozenset({Permission.READ, Permission.BODY, Permission.EXPORT}), needs_scope=False),
        house.event(),
    )
    await refused(await house.program("clerk"), f"/api/messages/{message_id}/evidence", 403)
    assert await house.events(Kind.EXPORTED) == []


async def test_secrets_that_are_hidden_from_somebody_are_in_no_evidence_of_theirs(tmp_path: Path) -> None:
    mask = Mask(name="reset", pattern=r"token=\w+")
    config = configured(tmp_path / "data").model_copy(update={"mask": (mask,)})
    async with open_house(config, draws=False) as house:
        secret = await house.add(LETTER + b"token=abcdef\r\n")
        plain = await house.add()
        role = Role("clerk", frozenset(Permission) - {Permission.SECRETS}, needs_scope=False)
        await house.archive.put_role(role, house.event())
        client = await house.client("clerk")
        await refused(client, f"/api/messages/{secret}/evidence", 403)
        assert checked(await fetched(client, f"/api/messages/{plain}/evidence")).is_sound


async def test_a_message_beyond_the_scope_is_as_one_that_is_nowhere(house: House) -> None:
    message_id = await house.add()
    role = Role("clerk", frozenset(Permission), needs_scope=True)
    await house.archive.put_role(role, house.event())
    await refused(await house.client("clerk"), f"/api/messages/{message_id}/evidence", 404)


async def test_without_a_key_of_the_log_there_is_none_and_it_is_said(house: House) -> None:
    message_id = await house.add()
    keys = OwnKeys((b"f" * 32,))
    foreign = Notarised(house.archive, keys)
    object.__setattr__(house.app[EVIDENCE], "checkpoint", foreign.checkpoint)
    text = await refused(await house.program("auditor"), f"/api/messages/{message_id}/evidence", 503)
    assert "not signed with today's key" in text


async def test_the_tab_says_what_is_signed_and_what_is_not_yet(house: House) -> None:
    message_id = await house.add()
    client = await house.client("auditor")
    page = await read(client, f"/messages/{message_id}?tab=evidence")
    assert "in no signed checkpoint yet" in page
    await Notarised(house.archive).checkpoint()
    await house.archive.add_events([Event(house.new_id(), house.clock(), Kind.TAGGED, "user:ann", message_id)])
    page = await read(client, f"/messages/{message_id}?tab=evidence")
    assert "The checkpoint over the first" in page
    assert "No witness and no time stamp" in page
    assert "Evidence (.zip)" in page
    assert "not yet" in page
    page = await read(await house.client("operator"), f"/messages/{message_id}?tab=evidence")
    assert "Evidence (.zip)" not in page
    assert "What is not proven" in page


async def test_witnesses_and_stamps_are_named_on_the_tab(house: House) -> None:
    message_id = await house.add()
    keys = OwnKeys(is_witnessed=True)
    witnessed = Notarised(house.archive, keys, cosigned=True)
    kept = await witnessed.checkpoint()
    await house.archive.add_stamp(Stamp(kept.size, "Some TSA", house.clock(), kept.note, b"der"))
    object.__setattr__(house.app[EVIDENCE], "keys", witnessed.evidence.keys)
    page = await read(await house.client("auditor"), f"/messages/{message_id}?tab=evidence")
    assert "The witness north saw the log so" in page
    assert "Some TSA stamped the log with its first" in page


async def test_evidence_of_a_search_is_a_job_with_progress(house: House) -> None:
    ids = [await house.add() for _ in range(3)]
    client = await house.client("auditor")
    page = await press(client, "/bulk/choose", [("kind", "evidence"), ("q", "subject:invoice"), ("all", "1")])
    assert "Make evidence of 3 messages?" in page
    page = await press(client, "/bulk/do", confirmed(page, "/bulk/do"))
    job = re.search(r'data-progress="(/exports/\w+)/progress"', page)
    assert job is not None, page
    async with client.get(f"{job[1]}/progress") as answer:
        assert '"state": "finished"' in (await answer.text()).replace('":"', '": "')
    octets = await fetched(client, f"{job[1]}/file")
    found = checked(octets)
    assert found.is_sound, found.text()
    manifest = json.loads(members_of(octets)["manifest.json"])
    assert (manifest["messages"], manifest["query"]) == (ids, "subject:invoice")
    (event,) = await house.events(Kind.EXPORTED)
    assert (event.data["format"], event.data["count"]) == ("evidence", 3)


@pytest.mark.parametrize("language", ["de", "fr"])
async def test_the_page_for_people_is_in_their_language(house: House, language: str) -> None:
    message_id = await house.add()
    client = await house.client("auditor")
    headers = {"Accept-Language": language}
    async with client.get(f"/api/messages/{message_id}/evidence", headers=headers) as answer:
        page = members_of(await answer.read())["summary.html"].decode()
    assert f'<html lang="{language}">' in page
    assert "What is not proven" not in page
