"""What attached files say, read in a process that can be lost: relay/attachments.py, confined.py, extraction.py."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from relay.attachments import attached_texts
from relay.confined import Bounds, confined
from relay.extraction import Wish, read

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def letter(*files: tuple[str, str, bytes]) -> bytes:
    """(file name, content type, octets)"""
    message = EmailMessage()
    message["Subject"] = "files"
    message.set_content("see the files")
    for name, kind, octets in files:
        maintype, _, subtype = kind.partition("/")
        message.add_attachment(octets, maintype, subtype, filename=name)
    return message.as_bytes()


def word(**entries: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in entries.items():
            file.writestr(f"word/{name}.xml", text)
    return packed.getvalue()


def pdf(text: str) -> bytes:
    """A page with one line of Helvetica."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    octets, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(octets))
        octets += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 6\n0000000000 65535 f \n%btrailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return octets + end % (table, len(octets))


def texts(*files: tuple[str, str, bytes], room: int = 10_000) -> str:
    return "".join(attached_texts(letter(*files), room))


OCTETS = "application/octet-stream"
PARAGRAPHS = f"<w:document {W}><w:p><w:t>Quarterly</w:t><w:tab/><w:t>figures</w:t></w:p></w:document>"


@pytest.mark.parametrize(
    ("name", "kind", "octets", "expected"),
    [
        ("note.txt", "text/plain", b"a plain note", "a plain note"),
        ("rows.csv", OCTETS, b"name;sum\nann;5", "ann;5"),
        ("page.html", "text/html", b"<style>p{}</style><p>Terms &amp; conditions", "Terms & conditions"),
        ("page.htm", OCTETS, b"<b>bold</b>", "bold"),
        ("a.pdf", "application/pdf", pdf("Total due 129 EUR"), "Total due 129 EUR"),
        ("a.PDF", OCTETS, pdf("by its name"), "by its name"),
        ("a.docx", OCTETS, word(document=PARAGRAPHS), "Quarterly figures"),
        ("a.docx", OCTETS, word(footnotes=PARAGRAPHS, styles="<w/>"), "Quarterly figures"),
    ],
    ids=["text", "csv", "HTML", "htm", "PDF", "PDF by name", "Word", "Word footnotes"],
)
def test_what_a_file_says_is_found(name: str, kind: str, octets: bytes, expected: str):
    assert expected in texts((name, kind, octets))


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("a.pdf", b"%PDF-1.4 and then nothing"),
        ("a.docx", b"PK no zip"),
        ("a.docx", word(document="<not xml")),
        ("a.docx", word(document=f'<!DOCTYPE w [<!ENTITY a "aaaa">]><w:p {W}><w:t>&a;</w:t></w:p>')),
        ("a.docx", word(document=" " * (31 * 1024 * 1024))),
        ("a.bin", b"\x00\x01"),
    ],
    ids=["broken PDF", "no zip", "no XML", "entities", "zip bomb", "unknown"],
)
def test_a_file_that_cannot_be_read_is_skipped_and_the_next_one_is_not(name: str, octets: bytes):
    assert texts((name, OCTETS, octets), ("b.txt", "text/plain", b"the next")) == "the next\n"


def test_no_more_than_the_room_is_given():
    assert texts(("a.txt", "text/plain", b"x" * 50), ("b.txt", "text/plain", b"y" * 50), room=60) == (
        "x" * 50 + "\n" + "y" * 10 + "\n"
    )


def forever() -> Iterator[str]:
    yield "before"
    while True:
        pass


def greedy() -> Iterator[str]:
    yield "before"
    yield "x" * (2 * 1024 * 1024 * 1024)


def endless() -> Iterator[str]:
    while True:
        yield "y" * 1000


def looks_around() -> Iterator[str]:
    for attempt in (lambda: socket.create_connection(("127.0.0.1", 9)), lambda: os.open("/etc/passwd", os.O_RDONLY)):
        try:
            attempt()
            yield "could "
        except (OSError, PermissionError):
            yield "could not "


@pytest.mark.parametrize(
    ("work", "text", "is_whole"),
    [
        (lambda: ["a", "b\x00c", "\ud800"], "ab c?", True),
        (list, "", True),
        (forever, "before", False),
        (greedy, "before", False),
        (looks_around, "could not could not ", True),
    ],
)
def test_a_child_gives_what_it_found_and_reaches_nothing(work, text: str, is_whole: bool):
    assert confined(work, Bounds(seconds=1)) == (text, is_whole)


def test_a_child_that_never_stops_talking_is_stopped():
    text, is_whole = confined(endless, Bounds(room=100_000))
    assert not is_whole
    assert set(text) == {"y"}
    assert len(text) < 300_000


def test_attached_files_are_read_where_that_is_wished_only():
    content = letter(("a.txt", "text/plain", b"xylophone"))
    assert read(content, Wish()).attachment_text == ""
    summary = read(content, Wish(attachment_text=True))
    assert summary.attachment_text == "xylophone\n"
    assert summary.defects == ()
    assert read(b"Subject: x\r\n\r\nno file", Wish(attachment_text=True)).attachment_text == ""


def test_many_large_files_leave_the_message_listed():
    bomb = "<w:p " + W + ">" + "<w:t>a</w:t>" * 2_000_000 + "</w:p>"
    content = letter(("first.txt", "text/plain", b"first"), *[("a.docx", OCTETS, word(document=bomb))] * 20)
    summary = read(content, Wish(max_text=200, attachment_text=True))
    assert summary.subject == "files"
    assert summary.attachment_text.startswith("first")
