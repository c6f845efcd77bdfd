"""Secrets hidden in what is shown, and messages as they are seen by people who may not see all of them."""

from __future__ import annotations

import base64
import hashlib

import pytest

from relay.config import Mask
from relay.rendition.decode import decode_text
from relay.rendition.mime import parse, walk
from relay.rendition.text import SNIPPET_LENGTH
from viewer.message.attached import attached
from viewer.message.masking import masked, masked_snippet, rules_of, withheld

CODE = Mask(name="code", pattern=r"(?i)code[^0-9]{0,20}([0-9]{4,8})")
LINK = Mask(name="link", pattern=r"https?://[^\s\"<>]+/reset[^\s\"<>]*", where=("body", "headers"))
RULES = rules_of([CODE, LINK])


def letter(body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([b"From: a@b.example", *fields, b"", body])


def shown(content: bytes, number: int = 0, **may: bool) -> str:
    seen = withheld(content, RULES, **may)
    return decode_text(list(walk(parse(seen)))[number], seen)


def test_the_first_group_or_all_of_it_is_hidden() -> None:
    assert masked("Code: 1234, code 98765.", RULES, "body") == "Code: [hidden: code], code [hidden: code]."
    assert masked("at https://x.example/reset?a=1 now", RULES, "body") == "at [hidden: link] now"
    assert masked("https://x.example/reset", RULES, "subject") == "https://x.example/reset"
    optional = rules_of([Mask(name="o", pattern="a(b)?c")])
    assert masked("ac abc", optional, "body") == "[hidden: o] a[hidden: o]c"
    assert masked("xyz", rules_of([Mask(name="e", pattern="x*y()z|q")]), "body") == "xyz"


def test_a_pattern_that_would_never_end_elsewhere_ends() -> None:
    rules = rules_of([Mask(name="slow", pattern=r"(a+)+$")])
    assert masked("a" * 100_000 + "b", rules, "body").endswith("b")


def test_a_message_without_secrets_is_the_very_same() -> None:
    content = letter(b"Hello.\r\n", b"Subject: hi")
    assert withheld(content, RULES) == content


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), b"Your code is 493021.\r\nBye\r\n"),
        ((b"Content-Transfer-Encoding: quoted-printable",), b"Your code=20is 493=\r\n021.\r\nBye=\r\n"),
        ((b"Content-Transfer-Encoding: base64",), base64.encodebytes(b"Your code is 493021.\r\nBye\r\n")),
        ((b"Content-Type: text/plain; charset=utf-16",), "Your code is 493021.\r\nBye\r\n".encode("utf-16")),
        ((b"Content-Type: text/plain; charset=nonsense",), b"Your code is 493021.\r\nBye\r\n"),
        ((b"Content-Type: text/html",), b"<p>Your code is <b>493021</b>.</p>Bye"),
    ],
)
def test_a_secret_is_hidden_whatever_its_encoding(fields: tuple[bytes, ...], body: bytes) -> None:
    text = shown(letter(body, *fields))
    assert "493021" not in text
    assert "Bye" in text
    assert "[hidden: code]" in text


@pytest.mark.parametrize("body", [b"<p>Code: 49<b>30</b>21</p>", b"<p>c&#111;de: 493021</p>"])
def test_html_that_says_a_secret_in_other_words_is_hidden_whole(body: bytes) -> None:
    assert shown(letter(body, b"Content-Type: text/html")).startswith("[hidden: this part")


def test_a_secret_is_hidden_in_header_fields_and_encoded_words() -> None:
    content = letter(b"x", b"Subject: =?utf-8?q?Your_code_493021?=", b"X-Link: https://x.example/reset/1", b"X-Code: 1")
    seen = withheld(content, RULES)
    assert b"Subject: Your code [hidden: code]\r\nX-Link: [hidden: link]\r\nX-Code: 1" in seen


NESTED = (
    b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\ncode 11111\r\n"
    b"--x\r\n\r\nBody code 22222\r\n"
    b"--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\ncode,33333\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: Code 44444\r\n\r\nInner code 55555\r\n"
    b"--x\r\nContent-Type: application/pdf\r\n\r\ncode 66666\r\n--x--\r\ncode 77777\r\n"
)


def test_a_secret_is_hidden_in_every_text_of_the_message() -> None:
    seen = withheld(NESTED, RULES)
    assert [number for number in range(1, 8) if f"{number}" * 5 in seen.decode()] == [6]
    assert [part.content_type for part in walk(parse(seen))] == [part.content_type for part in walk(parse(NESTED))]


def test_bodies_and_attachments_are_taken_out_for_those_who_may_not_see_them() -> None:
    seen = withheld(NESTED, (), bodies=False)
    assert b"22222" not in seen
    assert b"11111" not in seen
    assert b"33333" in seen
    seen = withheld(NESTED, (), attachments=False)
    assert b"22222" in seen
    assert not [number for number in range(3, 7) if f"{number}" * 5 in seen.decode() and number != 4]
    assert len(list(walk(parse(seen)))) == len(list(walk(parse(NESTED))))


def test_an_attachment_that_is_not_seen_as_it_was_sent_has_no_hash() -> None:
    whole = attached(parse(NESTED), NESTED)
    assert all(file.sha256 for file in whole)
    seen = withheld(NESTED, RULES)
    csv = next(file for file in attached(parse(seen), seen) if file.filename == "a.csv")
    assert csv.sha256 == ""
    without = withheld(NESTED, (), attachments=False)
    assert not any(file.sha256 for file in attached(parse(without), without) if not file.content_type.endswith("822"))
    content = NESTED.replace(b"code,33333", b"colour,red")
    seen = withheld(content, RULES)
    pairs = zip(attached(parse(seen), seen), attached(parse(content), content), strict=True)
    assert [(one.sha256, other.sha256) for one, other in pairs if one.filename == "a.csv"] == [
        (hashlib.sha256(b"colour,red").hexdigest(),) * 2
    ]


def test_a_snippet_that_may_end_within_a_secret_loses_its_last_word() -> None:
    assert masked_snippet("Your code is 493021", RULES) == "Your code is [hidden: code]"
    cut = ("x " * 93 + "your code: 123456789")[:SNIPPET_LENGTH]
    assert cut.endswith("code: 123")
    assert masked_snippet(cut, RULES).endswith("your code:")
    long = "word " * 40
    assert masked_snippet(long.rstrip(), RULES) == ("word " * 39).rstrip()
    assert masked_snippet(long.rstrip(), ()) == long.rstrip()
