import pickle

import pytest
from hypothesis import given, settings

from relay.model.summary import Addressee, Reference, Summary
from relay.rendition.extract import (
    MAX_DEFECTS,
    MAX_FILENAMES,
    MAX_HEADER_TEXT,
    MAX_SUBJECT,
    ReferencePattern,
    extract,
)
from tests.support.awkward import ALTERNATIVE, octets
from tests.support.corpus import corpus_files

PATTERNS = (ReferencePattern("invoice", r"INV-\d+", ("subject", "headers", "body")),)

ORDER = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@example.com>\r\nTo: a@b, Ann <ann@c>\r\nTo: second@d\r\nCc: c@d\r\n"
    b"Reply-To: help@example.com\r\nSubject: Your order\r\n INV-7\r\nDate: Tue, 24 Nov 2026 13:46:38 +0000\r\n"
    b"Message-ID: <m1@example.com>\r\nIn-Reply-To: <m0@example.com> (yesterday)\r\n"
    b"X-PM-Tag: orders\r\nX-PM-Metadata-order: 7\r\nX-SMTPAPI: {\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<style>p{}</style><p>Dear J=C3=B6,</p><p>see INV-8"
)


def check(content: bytes, summary: Summary) -> None:
    """Bounded, storable, picklable."""
    assert pickle.loads(pickle.dumps(summary)) == summary
    texts = [
        *(summary.subject, summary.header_text, summary.body_text, summary.snippet, summary.header_message_id),
        *(summary.in_reply_to, *summary.filenames, *summary.tags, *summary.defects),
        *(text for pair in summary.metadata for text in pair),
        *(text for who in (*summary.senders, *summary.to, *summary.cc) for text in (who.name, who.address)),
    ]
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")
    assert len(summary.subject) <= MAX_SUBJECT
    assert len(summary.snippet) <= 200
    assert len(summary.defects) <= MAX_DEFECTS


@settings(max_examples=300)
@given(octets)
def test_any_octets_have_a_summary_that_can_be_stored(content: bytes) -> None:
    check(content, extract(content, PATTERNS))
    assert len(extract(content, PATTERNS, max_text=10).body_text) <= 10


def test_every_message_of_the_corpus_has_a_summary() -> None:
    seen = 0
    for path in corpus_files():
        content = path.read_bytes()
        for variant in (content, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
            check(variant, extract(variant, PATTERNS))
        seen += 1
    check(ALTERNATIVE, extract(ALTERNATIVE, PATTERNS))
    assert seen >= 0  # the corpus may be absent


def test_a_summary_says_what_the_message_says() -> None:
    summary = extract(ORDER, PATTERNS)
    assert summary == Summary(
        subject="Your order INV-7",
        senders=(Addressee("Jö", "jo@example.com"),),
        to=(Addressee("", "a@b"), Addressee("Ann", "ann@c"), Addressee("", "second@d")),
        cc=(Addressee("", "c@d"),),
        reply_to=(Addressee("", "help@example.com"),),
        header_message_id="m1@example.com",
        in_reply_to="m0@example.com",
        date=1_795_527_998_000_000,
        header_text=summary.header_text,
        body_text="Dear Jö,\nsee INV-8",
        snippet="Dear Jö, see INV-8",
        tags=("orders",),
        metadata=(("order", "7"),),
        references=(Reference("invoice", "INV-7"), Reference("invoice", "INV-8")),
        defects=("X-SMTPAPI: not the JSON object expected",),
    )
    assert summary.header_text.startswith("From: Jö <jo@example.com>\nTo: a@b, Ann <ann@c>\nTo: second@d\n")


def test_all_text_is_searchable_and_the_plain_one_gives_the_snippet() -> None:
    summary = extract(ALTERNATIVE)
    assert summary.body_text == "Grüße\nHi\ninner text"
    assert summary.snippet == "Grüße"
    assert summary.filenames == ("logo.png", "bill 7.pdf")
    assert summary.attachment_count == 2  # the bill and the attached message; the logo is part of the page


def test_octets_that_are_no_message_are_body_with_a_defect() -> None:
    assert extract(b"\x89PNG\r\n\x1a\n").defects == ("no blank line between header and body",)
    assert extract(b"") == Summary()


def test_what_could_not_be_read_is_said_in_words() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=zlib\r\nContent-Transfer-Encoding: x-uue\r\n\r\nx\r\n"
    )
    assert extract(content).defects == (
        "multipart without its closing delimiter",
        "part 1: unknown Content-Transfer-Encoding",
        "part 1: unknown charset",
    )


@pytest.mark.parametrize(("field", "shown"), [(b"<a@b> <c@d>", "a@b"), (b"a@b", "a@b"), (b"<a@b", "a@b"), (b"", "")])
def test_a_message_id_loses_its_angle_brackets(field: bytes, shown: str) -> None:
    assert extract(b"Message-ID: " + field + b"\r\n\r\n").header_message_id == shown


def test_all_that_is_kept_is_bounded() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\r\nSubject: " + b"s" * 50_000 + b"\r\n"
    many += (b"X: " + b"y" * 90_000 + b"\r\n") * 20 + b"From: late@example.com\r\n\r\n"
    many += b"--b\r\nContent-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: x\r\n\r\n" * 300
    summary = extract(many)
    assert len(summary.subject) == MAX_SUBJECT
    assert len(summary.header_text) == MAX_HEADER_TEXT
    assert len(summary.filenames) == MAX_FILENAMES
    assert len(summary.defects) == MAX_DEFECTS
    assert summary.attachment_count == 299 + 1
    assert len(extract(b"\r\n" + b"x " * 1_000_000, max_text=1000).body_text) == 1000
    assert len(extract(b"To: " + b"a@b," * 9000 + b"\r\nTo: c@d\r\n\r\n").to) == 1000
    assert len(extract(b"To: a@b\r\n" + b"To: " + b"a@b," * 9000 + b"\r\n\r\n").to) == 1000


def test_no_more_text_is_read_than_there_is_room_for() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nabcdef\r\n" * 3 + b"--b--"
    assert extract(content, max_text=10).body_text == "abcdef\nabc"
