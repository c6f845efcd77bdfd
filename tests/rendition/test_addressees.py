import pytest
from hypothesis import given

from relay.model.summary import Addressee
from relay.rendition.addresses import MAX_ADDRESSEES, parse_addresses
from tests.support.awkward import octets


@given(octets)
def test_no_octets_are_too_strange(raw: bytes) -> None:
    for addressee in parse_addresses(raw):
        assert addressee.name or addressee.address
        for text in (addressee.name, addressee.address):
            assert not any(ord(character) < 32 for character in text)
            text.encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"", []),
        (b" , ;, ", []),
        (b"jo@example.com", [("", "jo@example.com")]),
        (b"<jo@example.com>", [("", "jo@example.com")]),
        (b"Jo Doe <jo@example.com>,\r\n\tAnn<ann@b>", [("Jo Doe", "jo@example.com"), ("Ann", "ann@b")]),
        (b'"Doe, Jo \\"JD\\"" <jo@b>', [('Doe, Jo "JD"', "jo@b")]),
        (b"jo@b (Jo (the) Doe\\))", [("Jo (the) Doe)", "jo@b")]),
        (b"(note) Jo <jo@b>", [("Jo", "jo@b")]),
        (b"(Jo) <jo@b>", [("Jo", "jo@b")]),
        (b"=?utf-8?q?J=C3=B6?= Doe <jo@b>", [("Jö Doe", "jo@b")]),
        (b'"=?utf-8?q?J=C3=B6?=" <jo@b>', [("Jö", "jo@b")]),
        (b"=?utf-8?q?evil=40b=0d=0a?=@c", [("", "=?utf-8?q?evil=40b=0d=0a?=@c")]),
        ("Jö <jö@exämple.de>".encode(), [("Jö", "jö@exämple.de")]),
        (b"J\xf6 <jo@b>", [("Jö", "jo@b")]),
        (b"Team: a@b, c@d;, e@f", [("", "a@b"), ("", "c@d"), ("", "e@f")]),
        (b"undisclosed-recipients:;", [("undisclosed-recipients", "")]),
        (b"A: B: c@d;;", [("", "c@d")]),
        (b": ;", []),
        (b"root", [("", "root")]),
        (b"root (Charlie Root)", [("Charlie Root", "root")]),
        (b"The Postmaster", [("The Postmaster", "")]),
        (b'"The Postmaster"', [("The Postmaster", "")]),
        (b"Jo Doe jo@example.com", [("Jo Doe", "jo@example.com")]),
        (b'"a,b"@c', [("", '"a,b"@c')]),
        (b'<"a>b"@c>', [("", '"a>b"@c')]),
        (b"a@[IPv6:::1], b@[1.2.3.4]", [("", "a@[IPv6:::1]"), ("", "b@[1.2.3.4]")]),
        (b"Jo <jo@b", [("Jo", "jo@b")]),
        (b"Jo <jo@b, Ann <ann@c>", [("Jo", "jo@b"), ("Ann", "ann@c")]),
        (b"<a@b> <c@d>", [("", "a@b")]),
        (b"<>", []),
        (b'"', [("", '"')]),
        (b'"unfinished', [("", '"unfinished')]),
        (b'"\\"\\', [("", '"\\"\\')]),
        (b"a@[", [("", "a@[")]),
        (b"(never closed <a@b>", [("never closed <a@b>", "")]),
        (b"(\\", [("\\", "")]),
        (b"alice@example.com <bob@example.com>", [("alice@example.com", "bob@example.com")]),
        (b"\xe2\x80\xaeJo <jo@b\x00>", [("Jo", "jo@b")]),
    ],
)
def test_addressees_are_shown_as_meant(raw: bytes, shown: list[tuple[str, str]]) -> None:
    assert [(addressee.name, addressee.address) for addressee in parse_addresses(raw)] == shown


def test_addressees_are_read_to_a_limit() -> None:
    assert len(parse_addresses(b"a@b," * 20_000)) == MAX_ADDRESSEES
    assert len(parse_addresses(b"a" * 50_000 + b"@b")[0].address) == 500


def test_brackets_quotes_and_parentheses_by_the_thousand_cost_no_more_than_they_weigh() -> None:
    for piece in (b"(", b'"', b"<", b'<"', b'"\\', b"[", b"(\\", b'\\"', b'<"\\"'):
        parse_addresses(piece * 30_000 + b"\\")


def test_an_addressee_reads_as_people_write_it() -> None:
    assert [str(Addressee(*pair)) for pair in (("Jo", "jo@b"), ("", "jo@b"), ("Jo", ""))] == ["Jo <jo@b>", "jo@b", "Jo"]
