"""Looking at an edited copy before it is sent: what is shown is what goes, and nothing goes before."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from aiohttp import ClientSession

from relay.model.delivery import State
from tests.support.viewer_house import House
from viewer.message.preview import POLICY
from viewer.work import drafts


def letter() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Shop <shop@example.com>", "ann@example.org", "Old subject"
    mail.set_content("old text\n")
    mail.add_alternative("<p>old html</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.4 kept", "application", "pdf", filename="kept.pdf")
    return mail.as_bytes().replace(b"\n", b"\r\n")


async def csrf(browser: ClientSession, message_id: str) -> str:
    async with browser.get(f"/messages/{message_id}/resend") as got:
        found = re.search(r'name="csrf" value="([^"]+)"', await got.text())
    assert found is not None
    return found[1]


async def edited(house: House, browser: ClientSession, message_id: str, status: int = 200, **form: str) -> str:
    data = {"how": "edited", "recipient": "ann@example.org", "csrf": await csrf(browser, message_id), **form}
    async with browser.post(f"/messages/{message_id}/resend", data=data, allow_redirects=False) as got:
        assert got.status == status, await got.text()
        return got.headers.get("Location", "") if status == 303 else await got.text()


async def test_the_copy_is_shown_and_nothing_is_sent(house: House) -> None:
    message_id = await house.add(letter(), state=State.SENT)
    browser = await house.client()
    page = await edited(house, browser, message_id, subject="New <subject>", html="<p onclick=x()>new html</p>")
    for shown in ("New &lt;subject&gt;", "kept.pdf", "old text", "the provider took it", "Send to 1 recipient"):
        assert shown in page
    assert "Only one of the two versions" in page
    assert (await house.archive.health()).messages == 1
    frame = re.search(r'src="(/messages/[^"]+/resend/drafts/[^"]+)"', page)
    assert frame is not None
    async with browser.get(frame[1]) as got:
        assert got.headers["Content-Security-Policy"] == POLICY
        assert "<p>new html</p>" in await got.text()


async def test_what_was_looked_at_is_sent_when_the_person_says_so(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    address = await edited(house, browser, message_id, 303, subject="New", cc="bob@example.org", step="send")
    content = await house.archive.content(address.rsplit("/", 1)[1])
    assert b"Subject: New\r\n" in content
    assert b"Cc: bob@example.org" in content
    assert b"kept.pdf" in content
    assert (await house.archive.message(message_id)).children == (address.rsplit("/", 1)[1],)


async def test_one_can_go_back_to_editing_with_all_that_was_typed(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    page = await edited(house, browser, message_id, subject="Half done", step="edit")
    assert 'value="Half done"' in page
    assert "new message linked" in page


async def test_a_draft_is_seen_by_its_owner_alone(house: House) -> None:
    message_id, other_id = await house.add(letter()), await house.add(letter())
    browser = await house.client()
    page = await edited(house, browser, message_id, html="<p>mine</p>")
    found = re.search(r"/resend/drafts/([\w-]+)", page)
    assert found is not None
    stranger = await house.client("operator")
    for who, whose, status in ((stranger, message_id, 404), (browser, other_id, 404), (browser, message_id, 200)):
        async with who.get(f"/messages/{whose}/resend/drafts/{found[1]}") as got:
            assert got.status == status
    async with browser.get(f"/messages/{message_id}/resend/drafts/{'x' * 43}") as got:
        assert got.status == 404
        assert "no longer kept" in await got.text()


async def test_only_the_newest_drafts_are_kept(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    for n in range(drafts.MOST + 2):
        await edited(house, browser, message_id, html=f"<p>{n}</p>")
    assert len(house.app[drafts.DRAFTS]) == drafts.MOST


async def test_html_that_is_too_much_is_sent_unseen_with_a_word_of_warning(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    page = await edited(house, browser, message_id, html="<b>" * 30_000)
    assert "too large to preview" in page
    assert "/resend/drafts/" not in page


@pytest.mark.parametrize("form", [{"to": "not an address <"}, {}, {"subject": "a\nb"}])
async def test_an_edit_that_cannot_be_made_is_refused_before_the_look(house: House, form: dict[str, str]) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    page = await edited(house, browser, message_id, 400, **form)
    assert 'role="alert"' in page


async def test_the_same_by_program_gives_the_octets(house: House) -> None:
    message_id = await house.add(letter())
    program = await house.program()
    async with program.post(f"/api/messages/{message_id}/resend/preview", json={"edit": {"subject": "New"}}) as got:
        assert got.status == 200
        assert got.content_type == "message/rfc822"
        assert b"Subject: New\r\n" in await got.read()
    async with program.post(f"/api/messages/{message_id}/resend/preview", json={}) as got:
        assert got.status == 400
    assert (await house.archive.health()).messages == 1
