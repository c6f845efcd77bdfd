"""The print view and its PDF: facts that a message cannot forge, nothing fetched, bounded."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import pypdfium2
import pytest

from relay.model.event import Kind
from relay.model.message import Recipient
from tests.support.viewer_house import LETTER, House
from viewer.message import pdf
from viewer.message.preview import MAX_TAGS
from viewer.message.printing import MAX_BODY, MOST, MOST_RECIPIENTS, POLICY, head, page, pieces, sheet

HOSTILE = (
    b"From: m@evil.example\r\nSubject: <b>forged</b>\r\nContent-Type: text/html\r\n\r\n"
    b"<style>@page{margin:0}table{display:none}</style></template></div></article><script>alert(1)</script>"
    b"<p>paid in full</p><img src=http://outside.example/p.png><link rel=stylesheet href=http://outside.example/c.css>"
    b"<p style='background:url(http://outside.example/b.png)'>x</p>"
)


async def text_of(house: House, path: str, status: int = 200, role: str = "administrator") -> str:
    browser = await house.client(role)
    async with browser.get(path) as got:
        assert got.status == status, await got.text()
        return await got.text()


def words_of(made: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(made))
    return "\n".join(sheet.get_textpage().get_text_range() for sheet in document)


async def test_one_message_is_printed_with_its_facts_and_body(house: House) -> None:
    message_id = await house.add()
    browser = await house.client()
    async with browser.get(f"/print?message={message_id}") as got:
        assert got.headers["Content-Security-Policy"] == POLICY
        printed = await got.text()
    for fact in ("Your invoice INV-12345", "Shop &lt;shop@example.com&gt;", "ann@example.org: Captured", "Hello Ann."):
        assert fact in printed
    assert hashlib.sha256(LETTER).hexdigest() in printed
    (seen,) = await house.events(Kind.VIEWED)
    assert seen.data["what"] == "print"


async def test_a_messages_html_stays_in_its_shadow_root(house: House) -> None:
    message_id = await house.add(HOSTILE)
    printed = await text_of(house, f"/print?message={message_id}")
    assert printed.count("<template shadowrootmode") == printed.count("</template>") == 1
    assert printed.count("</article>") == 1
    assert "<script" not in printed
    assert "outside.example" not in printed
    assert "@off-page{margin:0}" in printed
    assert "<h1>&lt;b&gt;forged&lt;/b&gt;</h1>" in printed


def test_the_policy_of_paper_lets_nothing_run_or_be_fetched() -> None:
    assert POLICY.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; ")
    assert "allow-scripts" not in POLICY
    assert "allow-same-origin" not in POLICY


async def test_a_selection_and_a_search_are_printed_together(house: House) -> None:
    ids = [await house.add() for _ in range(3)]
    assert (await text_of(house, f"/print?message={ids[0]}&message={ids[2]}")).count("<article>") == 2
    assert (await text_of(house, "/print?q=invoice")).count("<article>") == 3
    assert len(await house.events(Kind.VIEWED)) == 5


async def test_of_a_large_search_the_newest_are_printed(house: House) -> None:
    for _ in range(MOST + 1):
        await house.add()
    printed = await text_of(house, "/print?q=")
    assert printed.count("<article>") == MOST
    assert f"More match: these are the newest {MOST}." in printed


async def test_many_are_taken_away_only_by_who_may_export(house: House) -> None:
    ids = [await house.add() for _ in range(2)]
    await text_of(house, f"/print?message={ids[0]}", role="operator")
    await text_of(house, f"/print?message={ids[0]}&message={ids[1]}", 403, role="operator")
    await text_of(house, "/print.pdf?q=", 403, role="operator")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/print", 400),
        ("/print?message=x", 400),
        ("/print?message=01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
        ("/print?q=nothinglikeit", 404),
        ("/print?q=from:(", 400),
        ("/print?" + "&".join(f"message=01ARZ3NDEKTSV4RRFFQ69G{n:04d}" for n in range(MOST + 1)), 400),
        ("/print.pdf?message=01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
    ],
)
async def test_what_cannot_be_printed_is_refused(house: House, path: str, status: int) -> None:
    await text_of(house, path, status)


async def test_a_pdf_has_the_facts_and_the_body_and_is_an_event(house: House) -> None:
    message_id = await house.add(HOSTILE)
    browser = await house.client()
    async with browser.get(f"/print.pdf?message={message_id}") as got:
        assert got.content_type == "application/pdf"
        assert got.headers["Content-Disposition"] == f'attachment; filename="{message_id}.pdf"'
        words = words_of(await got.read())
    assert "<b>forged</b>" in words
    assert "paid in full" in words
    assert f"Mailwitness {message_id}" in words
    (seen,) = await house.events(Kind.DOWNLOADED)
    assert seen.data["what"] == "pdf"


async def test_more_than_a_pdf_can_be_made_of_is_refused(house: House) -> None:
    big = b"Content-Type: text/html\r\n\r\n" + b"<p>" + b"x" * 2_100_000
    ids = [await house.add(big) for _ in range(5)]
    path = "&".join(f"message={one}" for one in ids)
    assert "No PDF could be made" in await text_of(house, f"/print.pdf?{path}", 422)


async def test_what_has_no_html_or_too_much_of_it_is_printed_as_text(house: House) -> None:
    stored = await house.archive.message(await house.add())
    assert sheet(stored, LETTER).text == "Hello Ann.\r\n" or sheet(stored, LETTER).text == "Hello Ann.\n"
    many = b"Content-Type: text/html\r\n\r\n" + b"<b>a</b>" * (MAX_TAGS + 1)
    assert sheet(stored, many).html == ""
    long = b"Content-Type: text/html\r\n\r\n<p>" + b"&amp;" * (MAX_BODY // 4)
    assert len(sheet(stored, long).html) <= MAX_BODY
    assert sheet(stored, None).text == "The content is not there."


async def test_a_message_that_nothing_is_known_of_has_its_envelope(house: House) -> None:
    stored = await house.archive.message(await house.add(indexed=False))
    facts = dict(sheet(stored, LETTER).facts)
    assert facts["From"] == "shop@example.com"
    assert "References" not in facts
    null = replace(stored, message=replace(stored.message, envelope=replace(stored.message.envelope, sender="")))
    assert dict(sheet(null, LETTER).facts)["From"] == "<>"


async def test_many_recipients_are_counted(house: House) -> None:
    stored = await house.archive.message(await house.add())
    (one,) = stored.deliveries
    many = tuple(replace(one, recipient=Recipient(f"r{n}@x.example")) for n in range(MOST_RECIPIENTS + 3))
    assert dict(sheet(replace(stored, deliveries=many), LETTER).facts)["Recipients"].endswith("and 3 more recipients")


async def test_attached_files_are_named_with_their_hash(house: House) -> None:
    stored = await house.archive.message(await house.add())
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n"
        b'Content-Disposition: attachment; filename="a.txt"\r\n\r\nabc\r\n--b--\r\n'
    )
    assert hashlib.sha256(b"abc").hexdigest() in dict(sheet(stored, content).facts)["Attached"]


async def test_the_title_of_several_is_their_number(house: House) -> None:
    made = sheet(await house.archive.message(await house.add()), LETTER)
    assert "<title>2 messages" in page([made, made], tools=head(made))
    assert [piece["id"] for piece in pieces([made])] == [made.id]


def test_the_worker_makes_a_pdf_and_reads_nothing_but_data() -> None:
    html = '<p>here<img src="http://outside.example/x.png"><img src="file:///etc/passwd"></p>'
    made = pdf.answer(json.dumps([{"id": "01A", "html": html}]).encode())
    assert "here" in words_of(made)
    assert pdf.answer(b"[]") == b""


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://x.example/", "https://x.example"]
)
def test_the_workers_fetcher_refuses(address: str) -> None:
    with pytest.raises(ValueError, match=r"rotocol|URI"):
        pdf.only_data().fetch(address)


def test_a_pdf_of_too_many_pages_is_not_made() -> None:
    html = '<p>one</p><p style="page-break-before: always">two</p>'
    assert pdf.answer(json.dumps([{"id": "01A", "html": html}]).encode(), most=1) == b""
