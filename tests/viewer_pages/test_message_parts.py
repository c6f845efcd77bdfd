"""The pages of attachments, and the worker that draws them."""

from __future__ import annotations

import asyncio
import io
from email.message import EmailMessage

import pytest
from PIL import Image

from relay.model.event import Kind
from relay.rendition.mime import parse
from tests.support.viewer_house import House
from viewer.message import thumbnail
from viewer.message.attached import MAX_LISTED, attached, kind_of, shown_text
from viewer.message.preview import POLICY
from viewer.message.thumbnail import MAX_DATA, answer, question
from viewer.message.worker import LENGTH, Worker
from viewer.streams import INERT

HTML = b"<script>alert(1)</script><p onclick=x()>attached <img src=http://x.example/p></p>"


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 300), mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 200).save(written, kind)
    return written.getvalue()


def pdf(pages: int = 2) -> bytes:
    written = io.BytesIO()
    sheets = [Image.new("RGB", (200, 280), "white") for _ in range(pages)]
    sheets[0].save(written, "PDF", save_all=True, append_images=sheets[1:])
    return written.getvalue()


def letter() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@example.com", "files"
    mail.set_content("see the files")
    mail.add_attachment(picture(), "image", "png", filename="photo.png")  # 2
    mail.add_attachment(pdf(), "application", "pdf", filename="plan.pdf")  # 3
    mail.add_attachment(HTML, "text", "html", filename="page.html")  # 4
    mail.add_attachment(b"<svg onload=alert(1)/>", "image", "svg+xml", filename="drawing.svg")  # 5
    mail.add_attachment(b"PK\x03\x04", "application", "zip", filename="<b>.zip")  # 6
    mail.add_attachment(b"not a picture", "image", "jpeg", filename="fake.jpg")  # 7
    mail.add_attachment(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text", "calendar", filename="c.ics")  # 8
    mail.add_attachment(b"just\r\ntext <script>", "text", "plain", filename="notes.txt")  # 9
    return mail.as_bytes().replace(b"\n", b"\r\n")


async def text_of(house: House, path: str, status: int = 200, role: str = "administrator") -> str:
    browser = await house.client(role)
    async with browser.get(path) as got:
        assert got.status == status, await got.text()
        return await got.text()


async def test_the_tab_lists_each_file_with_its_hash_and_a_thumbnail_where_one_can_be_drawn(house: House) -> None:
    message_id = await house.add(letter())
    page = await text_of(house, f"/messages/{message_id}?tab=attachments")
    assert page.count('class="file"') == 8
    assert f"/messages/{message_id}/parts/2/picture" in page
    assert f"/messages/{message_id}/parts/5/picture" not in page
    assert attached(parse(letter()), letter())[3].sha256[:20] in page
    assert "&lt;b&gt;.zip" not in page  # cleaned from the name
    assert "_b_.zip" in page


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2, "/parts/2/picture?size=large"),
        (3, "Page 1 of 2"),
        (4, '<iframe class="frame" sandbox'),
        (5, "&lt;svg onload=alert(1)/&gt;"),
        (6, "There is no safe preview"),
        (7, "cannot be drawn safely"),
        (8, "There is no event in it."),
        (9, "text &lt;script&gt;"),
    ],
)
async def test_each_kind_of_file_has_its_own_safe_preview(house: House, number: int, text: str) -> None:
    message_id = await house.add(letter())
    assert text in await text_of(house, f"/messages/{message_id}/parts/{number}")


async def test_looking_at_a_file_is_an_event(house: House) -> None:
    message_id = await house.add(letter())
    await text_of(house, f"/messages/{message_id}/parts/9")
    (seen,) = await house.events(Kind.VIEWED)
    assert (seen.data["what"], seen.data["part"]) == ("part", 9)


async def test_a_picture_is_drawn_anew_and_given_without_any_power(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    for path, longest in (("parts/2/picture", 240), ("parts/3/picture?size=large&page=2", 1400)):
        async with browser.get(f"/messages/{message_id}/{path}") as got:
            assert got.status == 200
            assert got.headers["Content-Security-Policy"] == INERT
            assert max(Image.open(io.BytesIO(await got.read())).size) <= longest


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("parts/99", 404),
        ("parts/99/picture", 404),
        ("parts/5/picture", 404),
        ("parts/7/picture", 404),
        ("parts/3/picture?page=3", 404),
        ("parts/2/picture?size=huge", 400),
        ("parts/2/picture?page=0", 400),
        ("parts/2/picture?page=x", 400),
        ("parts/2?page=999999", 400),
        ("parts/9/preview", 404),
    ],
)
async def test_what_is_not_there_or_cannot_be_drawn_is_refused(house: House, path: str, status: int) -> None:
    message_id = await house.add(letter())
    await text_of(house, f"/messages/{message_id}/{path}", status)


async def test_an_attached_page_is_as_inert_as_the_message(house: House) -> None:
    message_id = await house.add(letter())
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}/parts/4/preview") as got:
        document = await got.text()
        assert got.headers["Content-Security-Policy"] == POLICY
    for gone in ("script", "onclick", "x.example"):
        assert gone not in document
    assert "attached" in document


async def test_an_attached_page_of_a_million_tags_is_not_made_safe(house: House) -> None:
    mail = EmailMessage()
    mail.set_content("x")
    mail.add_attachment(b"<b>" * 30_000, "text", "html", filename="page.html")
    message_id = await house.add(mail.as_bytes())
    assert "Too large" in await text_of(house, f"/messages/{message_id}/parts/2/preview")


def test_files_are_listed_up_to_a_bound() -> None:
    part = b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * (MAX_LISTED + 9) + b"--b--\r\n"
    found = attached(parse(content), content)
    assert len(found) == MAX_LISTED
    assert (found[0].title, found[0].extension) == ("part 1", "plai")


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/png", "picture"),
        ("image/svg+xml", "text"),
        ("text/calendar", "event"),
        ("text/html", "html"),
        ("application/json", "text"),
        ("application/octet-stream", ""),
    ],
)
def test_a_kind_of_file_is_known_by_its_type(content_type: str, kind: str) -> None:
    assert kind_of(content_type, 10) == kind


def test_a_picture_beyond_the_bound_is_not_drawn() -> None:
    assert kind_of("image/png", MAX_DATA + 1) == ""


def test_a_long_text_is_cut() -> None:
    part = parse(b"Content-Type: text/plain\r\n\r\n")
    assert shown_text(part, b"x" * 300_000)[1]
    assert shown_text(part, b"x") == ("x", False)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_each_kind_of_picture_becomes_a_small_png(kind: str) -> None:
    made = answer(question(f"image/{kind.lower()}", picture(kind), 240))
    assert Image.open(io.BytesIO(made[LENGTH.size :])).size == (240, 120)


def test_transparency_stays() -> None:
    made = answer(question("image/png", picture(mode="LA"), 240))
    assert Image.open(io.BytesIO(made[LENGTH.size :])).mode == "RGBA"


def test_a_picture_of_too_many_pixels_is_refused_by_its_head_alone() -> None:
    bomb = picture(size=(8000, 6000), mode="1")
    assert len(bomb) < 20_000
    assert answer(question("image/png", bomb, 240)) == LENGTH.pack(1)


def test_a_page_of_a_pdf_is_drawn() -> None:
    made = answer(question(thumbnail.PDF, pdf(3), 100, 2))
    assert LENGTH.unpack_from(made) == (3,)
    assert Image.open(io.BytesIO(made[LENGTH.size :])).height == 100


async def test_a_worker_outlives_what_it_cannot_draw() -> None:
    worker = Worker("viewer.message.thumbnail", time_limit=20, memory=1 << 30)
    try:
        assert await worker.ask(question("image/png", b"junk", 240)) is None
        assert await worker.ask(question("image/png", picture(), 240)) is not None
    finally:
        await worker.close()
        await worker.close()


async def test_a_worker_that_takes_too_long_is_replaced() -> None:
    worker = Worker("tests.support.idle_worker", time_limit=3, memory=1 << 30)
    try:
        assert await worker.ask(b"sleep") is None
        assert await worker.ask(b"say") == b"said"
        assert await worker.ask(b"die") is None
        assert await worker.ask(b"say") == b"said"
    finally:
        await worker.close()


@pytest.mark.parametrize("deed", [b"connect", b"resolve", b"start", b"write", b"remember"])
async def test_a_worker_may_not_reach_out(deed: bytes) -> None:
    """Connect, look a name up, start a program, fill a disk, take more memory than it was given."""
    worker = Worker("tests.support.idle_worker", time_limit=20, memory=1 << 28)
    try:
        assert await worker.ask(deed) is None
    finally:
        await worker.close()


async def test_a_question_given_up_ends_the_worker() -> None:
    worker = Worker("tests.support.idle_worker", time_limit=60, memory=1 << 30)
    try:
        assert await worker.ask(b"say") == b"said"
        asked = asyncio.create_task(worker.ask(b"sleep"))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await worker.ask(b"say") == b"said"
    finally:
        await worker.close()
