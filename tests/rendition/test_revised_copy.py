import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.rendition.decode import decode_text
from relay.rendition.extract import extract
from relay.rendition.mime import parse, segments, walk
from relay.rendition.parts import html_leaf, text_leaf
from relay.rendition.revise import Revision, revise
from tests.support.awkward import ALTERNATIVE, octets
from tests.support.corpus import corpus_files

PLAIN = b"Subject: old\r\nTo: a@b\r\n\r\nold text\r\n"
SEALED = "signed or encrypted"


def test_an_empty_revision_gives_the_very_same_octets() -> None:
    assert revise(ALTERNATIVE, Revision()) is ALTERNATIVE


def test_a_new_text_replaces_its_leaf_and_nothing_else() -> None:
    copy = revise(ALTERNATIVE, Revision(text="Hallo Jö,\n\nbye\n"))
    before, after = list(walk(parse(ALTERNATIVE))), list(walk(parse(copy)))
    assert [part.content_type for part in before] == [part.content_type for part in after]
    for old, new in zip(before, after, strict=True):
        if not old.children and old.number != 3:
            assert copy[new.start : new.stop] == ALTERNATIVE[old.start : old.stop]
    assert copy[after[3].start : after[3].stop] == (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Hallo J=C3=B6,\r\n\r\nbye\r\n"
    )
    assert decode_text(after[3], copy) == "Hallo Jö,\n\nbye\n"
    assert b"For old readers.\r\n" in copy
    assert copy.endswith(b"--outer--\r\nepilogue\r\n")


def test_signatures_that_a_change_breaks_are_removed() -> None:
    content = b"ARC-Seal: i=1\r\nDKIM-Signature: v=1;\r\n b=x\r\nARC-Message-Signature: i=1\r\n" + PLAIN
    assert revise(content, Revision(subject="new")) == b"Subject: new\r\nTo: a@b\r\n\r\nold text\r\n"


def test_fields_are_replaced_where_they_stand_and_repeats_go() -> None:
    content = b"To: a@b\r\nSubject: 1\r\n folded\r\nX-A: 1\r\nSUBJECT: 2\r\nCc: c@d\r\n\r\nx"
    copy = revise(content, Revision(subject="new", to="Jo Doe <jo@example.com>, ann@example.com", cc=""))
    assert copy == b"To: Jo Doe <jo@example.com>,\r\n ann@example.com\r\nSubject: new\r\nX-A: 1\r\n\r\nx"


def test_fields_that_were_missing_are_added_at_the_end_of_the_header() -> None:
    copy = revise(PLAIN, Revision(cc="c@d", message_id="m2@example.com", date=0))
    assert copy == (
        b"Subject: old\r\nTo: a@b\r\nCc: c@d\r\nMessage-ID: <m2@example.com>\r\n"
        b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\nold text\r\n"
    )


def test_a_body_of_the_whole_message_gets_the_fields_it_needs() -> None:
    assert revise(PLAIN, Revision(text="new ü")) == (
        b"Subject: old\r\nTo: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nnew =C3=BC\r\n"
    )


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"Subject: old", b"X: y", b"Subject: old\r\n", b"X: y\nSubject: old"]
)
def test_headers_without_an_end_get_one(content: bytes) -> None:
    copy = revise(content, Revision(subject="new", date=0, text="t\n"))
    summary = extract(copy)
    assert (summary.subject, summary.date, summary.body_text, summary.defects) == ("new", 0, "t\n", ())
    header_only = extract(revise(content, Revision(subject="new", date=0)))
    assert (header_only.subject, header_only.date) == ("new", 0)


def test_a_message_of_text_alone_keeps_its_text_when_it_gets_a_header() -> None:
    assert revise(b"Dear Jo\nNote: that", Revision(subject="new")).endswith(b"\n")
    assert extract(revise(b"Dear Jo,\nhello", Revision(subject="new"))).body_text == "Dear Jo,\nhello"


def test_a_part_whose_header_had_no_end_is_replaced_within_its_delimiters() -> None:
    first, second = b"--b\r\nContent-Type: text/plain\r\n", b"--b\r\n\r\nsecond\r\n--b--"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + first + second
    copy = revise(content, Revision(text="first"))
    assert [decode_text(part, copy) for part in parse(copy).children] == ["first", "second"]


def test_line_ends_follow_the_message() -> None:
    assert b"\r" not in revise(PLAIN.replace(b"\r\n", b"\n"), Revision(subject="ü" * 90, to="a@b, c@d", text="x\r\ny"))


def test_text_and_html_can_be_changed_together() -> None:
    copy = revise(ALTERNATIVE, Revision(text="new text", html="<p>new € html</p>", subject="Grüße"))
    text, html = text_leaf(parse(copy)), html_leaf(parse(copy))
    assert text is not None
    assert html is not None
    assert decode_text(text, copy) == "new text"
    assert decode_text(html, copy) == "<p>new € html</p>"
    assert extract(copy).subject == "Grüße"


SIGNED = (
    b"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b\r\n\r\nsigned text\r\n--b--\r\n--s\r\n"
    b"Content-Type: application/pgp-signature\r\n\r\nsig\r\n--s--\r\n"
)


@pytest.mark.parametrize(
    ("content", "revision", "words"),
    [
        (SIGNED, Revision(text="x"), SEALED),
        (b"Content-Type: application/pkcs7-mime\r\n\r\nx", Revision(text="x"), SEALED),
        (b"\r\n-----BEGIN PGP MESSAGE-----", Revision(text="x"), "PGP"),
        (PLAIN, Revision(html="x"), "no HTML body"),
        (b"Content-Type: image/png\r\n\r\nx", Revision(text="x"), "no text body"),
        (b"Content-Type: multipart/mixed\r\n\r\nx", Revision(text="x"), "no text body"),
    ],
)
def test_a_body_that_it_makes_no_sense_to_change_is_refused(content: bytes, revision: Revision, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        revise(content, revision)


def test_the_header_of_a_signed_message_can_be_changed() -> None:
    assert extract(revise(SIGNED, Revision(subject="new"))).subject == "new"


CONTROLS = ["a\r\nBcc: x@y", "a\nb", "a\rb", "a\0b", "a\x85b", "a\u2028b", "a\ud800b"]


@pytest.mark.parametrize("typed", [*CONTROLS, "x" * 60_000])
def test_a_field_cannot_begin_another(typed: str) -> None:
    for revision in (Revision(subject=typed), Revision(to=typed), Revision(cc=typed), Revision(message_id=typed)):
        with pytest.raises(ValueError, match=r"not allowed|more than|must look like"):
            revise(PLAIN, revision)


@settings(max_examples=200)
@given(octets, st.text(max_size=40), st.text(max_size=40))
def test_a_change_that_is_not_refused_is_the_change_that_was_asked_for(content: bytes, subject: str, text: str) -> None:
    try:
        copy = revise(content, Revision(subject=subject, text=text))
    except ValueError:
        return
    leaf = text_leaf(parse(copy))
    assert leaf is not None
    assert extract(copy).subject.split() == subject.split()
    assert (
        decode_text(leaf, copy).rstrip("\n")
        == text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\0", "\ufffd")
        .rstrip("\n")
        .encode("utf-8", "replace")
        .decode()
    )


def test_every_message_of_the_corpus_can_be_sent_again_with_another_subject() -> None:
    for content in (ALTERNATIVE, *(path.read_bytes() for path in corpus_files())):
        copy = revise(content, Revision(subject="Grüße", to="Jö <jo@example.com>", message_id="a@b", date=0))
        summary = extract(copy)
        assert (summary.subject, summary.header_message_id, summary.date) == ("Grüße", "a@b", 0)
        assert [str(who) for who in summary.to] == ["Jö <jo@example.com>"]
        bodies = [[c[part.body_start : part.stop] for part in walk(parse(c))] for c in (content, copy)]
        assert bodies[0] == bodies[1]
        assert b"".join(copy[tile.start : tile.stop] for tile in segments(parse(copy))) == copy
