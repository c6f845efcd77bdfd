import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.addresses import parse_addresses
from relay.rendition.compose import MAX_LINE, address_list, message_id, quoted_printable, unstructured
from relay.rendition.decode import decode_field, from_quoted_printable
from relay.rendition.mime import header_fields

printable = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=300)
EOL = b"\r\n"


def value(field: bytes) -> bytes:
    (only,) = header_fields(field + EOL)
    return only.value(field + EOL)


@given(printable)
def test_what_is_written_into_a_field_is_read_out_of_it(text: str) -> None:
    field = unstructured("Subject", text, EOL)
    assert decode_field(value(field)) == decode_field(b"") + text.strip()
    assert all(len(line) <= 998 for line in field.split(EOL))
    assert field.isascii()


def test_a_long_line_is_folded_and_nothing_is_cut() -> None:
    assert all(len(line) <= MAX_LINE for line in unstructured("Subject", "word " * 60, EOL).split(EOL))
    assert all(len(line) <= MAX_LINE for line in unstructured("Subject", "ü" * 300, EOL).split(EOL))
    assert b"=?utf-8?b?" in unstructured("Subject", "x" * 2000, EOL)
    assert unstructured("Subject", "", EOL) == b"Subject: \r\n"


def test_text_that_looks_encoded_is_encoded_so_that_it_stays_as_typed() -> None:
    assert decode_field(value(unstructured("Subject", "=?utf-8?q?a?=", EOL))) == "=?utf-8?q?a?="


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a@b", b"To: a@b\r\n"),
        ("<a@b>", b"To: a@b\r\n"),
        ("Jo Doe <jo@b>, Ann (Ann) <ann@c>", b"To: Jo Doe <jo@b>,\r\n Ann <ann@c>\r\n"),
        ('"Doe, \\"Jo\\"" <jo@b>', b'To: "Doe, \\"Jo\\"" <jo@b>\r\n'),
        ("Jö <jo@b>", b"To: =?utf-8?b?SsO2?= <jo@b>\r\n"),
        ('"a b"@c', b'To: "a b"@c\r\n'),
        ("a@[192.0.2.7]", b"To: a@[192.0.2.7]\r\n"),
        ("jö@exämple.de", "To: jö@exämple.de\r\n".encode()),
        ("Team: a@b, c@d;", b"To: a@b,\r\n c@d\r\n"),
    ],
)
def test_addresses_are_written_as_they_were_meant(typed: str, written: bytes) -> None:
    assert address_list("To", typed, EOL) == written
    assert [who.address for who in parse_addresses(value(written))]


@pytest.mark.parametrize(
    "typed", ["jo", "Jo Doe", "a@", "@b", "a@b c@d <e f@g>", "undisclosed:;", ",", "a@b@c", "<a\x7f@b>"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"not an address|no address|not allowed"):
        address_list("To", typed, EOL)


def test_a_message_id_is_left_at_right() -> None:
    assert message_id("01J@example.com", EOL) == b"Message-ID: <01J@example.com>\r\n"
    for wrong in ("", "a", "a@b>", "a@b\r\nX: y", "a b@c", "ü@b", "a@b@" + "c" * 300):
        with pytest.raises(ValueError, match="Message-ID"):
            message_id(wrong, EOL)


@given(st.text(max_size=200))
def test_a_body_is_written_so_that_it_is_read_back(text: str) -> None:
    encoded = quoted_printable(text, EOL)
    plain = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    assert from_quoted_printable(encoded).replace(EOL, b"\n") == plain
    assert all(len(line) <= MAX_LINE for line in encoded.split(EOL))
    assert encoded.isascii()
