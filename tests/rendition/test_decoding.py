import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.decode import (
    MAX_FILENAME,
    decode_body,
    decode_field,
    decode_text,
    filename,
    from_base64,
    from_quoted_printable,
    parameter,
)
from relay.rendition.mime import parse, walk
from relay.rendition.parameters import parse_parameterised
from tests.support.awkward import ALTERNATIVE, octets


@given(octets)
def test_no_octets_are_too_strange_for_any_decoder(raw: bytes) -> None:
    for text in (decode_field(raw), filename(parse(b"Content-Disposition: attachment; filename=" + raw))):
        assert text.isprintable() or not any(ord(character) < 32 for character in text)
        text.encode("utf-8")
    for part in walk(parse(raw)):
        decode_body(part, raw)
        assert "\0" not in decode_text(part, raw)
        assert len(decode_text(part, raw, 5)) <= 5
    from_base64(raw)
    from_quoted_printable(raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b" Plain  text ", "Plain  text"),
        (b"folded\r\n here\n\tand there", "folded here and there"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?= from =?iso-8859-1?Q?K=F6ln?=", "Grüße from Köln"),
        (b"=?utf-8?q?one?= =?utf-8?q?_two?=\r\n =?iso-8859-1?q?_three?=", "one two three"),
        (b"=?utf-8?b?ww==?= =?utf-8?b?nw==?=", "ß"),  # one character cut in two
        (b"=?utf-8?q?=C3?= =?utf-8?q?=9F?=", "ß"),
        (b"=?utf-8*de?q?Ja?=", "Ja"),
        (b"=?utf-8?q?with space?=", "with space"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        (b"=?utf-8?q?lost =?utf-8?q?found?=", "=?utf-8?q?lost found"),
        (b"=?utf-8?x?no?=", "=?utf-8?x?no?="),
        (b"=?zlib?b?eJw=?=", "xœ"),
        (b"=?utf-8?b?????=", "???"),
        (b"=?utf-8?q?a=0d=0aBcc:_b=00?=", "a Bcc: b"),
        ("Grüße".encode(), "Grüße"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"tab\there\x07", "tab here"),
    ],
)
def test_a_field_is_shown_as_its_author_meant_it(raw: bytes, text: str) -> None:
    assert decode_field(raw) == text


def test_twenty_thousand_encoded_words_are_read_to_the_limit() -> None:  # attack 28
    assert 7000 < len(decode_field(b"=?utf-8?q?a?= " * 20_000)) < 10_000


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"attachment", None),
        (b'attachment; filename="a.pdf"', "a.pdf"),
        (b"attachment; filename*=UTF-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        (b"attachment; filename=plain.pdf; filename*=utf-8''%e2%82%ac.pdf", "€.pdf"),
        (b"attachment; filename*0*=utf-8'de'%e2%82; filename*1*=%ac; filename*2=.pdf", "€.pdf"),
        (b"attachment; filename*0=a; filename*1=b.pdf", "ab.pdf"),
        (b'attachment; filename*0="=?utf-8?q?"; filename*1="=C3=BC?="', "ü"),
        (b'attachment; filename="=?iso-8859-1?Q?K=F6ln.pdf?="', "Köln.pdf"),
        (b"attachment; filename*=no-quotes%20here", "no-quotes here"),
        (b"attachment; filename*1=late", None),
        (b'attachment; filename="Gr\xfc\xdfe.txt"', "Grüße.txt"),
        (b"attachment; filename*=zlib''%41%0d%0aB", "A B"),
    ],
)
def test_a_parameter_is_read_in_every_way_it_is_written(raw: bytes, name: str | None) -> None:
    assert parameter(parse_parameterised(raw), "filename") == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"../../etc/passwd", "passwd"),
        (b"C:\\\\Users\\\\jo\\\\a.txt", "a.txt"),
        (b"..", ""),
        (b"invoice\xe2\x80\xaefdp.exe", "invoicefdp.exe"),
        (b"a:b*c?.txt", "a_b_c_.txt"),
        (b" . ", ""),
        (b"a" * 500, "a" * MAX_FILENAME),
        (b"a" * 500 + b".pdf", "a" * (MAX_FILENAME - 4) + ".pdf"),
        (b"a" * 150 + b"." + b"b" * 150, ("a" * 150 + "." + "b" * 150)[:MAX_FILENAME]),
    ],
)
def test_a_file_name_is_no_path_and_hides_nothing(raw: bytes, name: str) -> None:
    content = b'Content-Disposition: attachment; filename="' + raw + b'"\r\n\r\n'
    assert filename(parse(content)) == name


def test_the_name_of_the_content_type_stands_in_for_a_file_name() -> None:
    assert filename(parse(b"Content-Type: image/png; name=logo.png\r\n\r\n")) == "logo.png"
    assert filename(parse(b"\r\n")) == ""


@given(st.binary(max_size=200))
def test_base64_gives_back_what_was_encoded(data: bytes) -> None:
    assert from_base64(base64.encodebytes(data)) == data
    assert from_base64(base64.b64encode(data)) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"SGk", b"Hi"),
        (b"SGkh\r\nA", b"Hi!"),
        (b"SG!kh SGkhSGkhSGkh", b"Hi!Hi!Hi!Hi!"),
        (b"SGk=SGk=", b"HiHi"),
        (b"SGk=\r\nSGk=\r\n", b"HiHi"),
        (b"====", b""),
        (b"", b""),
        (b"not encoded at all " * 10, b"not encoded at all " * 10),
        (b"<html>, not encoded at all.</html>", b"<html>, not encoded at all.</html>"),
    ],
)
def test_broken_base64_gives_what_can_be_had(text: bytes, data: bytes) -> None:
    assert from_base64(text) == data


def test_very_many_padded_pieces_cost_no_more_than_they_weigh() -> None:
    assert len(from_base64(b"QQ==" * 100_000)) > 1000


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200))
def test_quoted_printable_gives_back_what_was_encoded(text: str) -> None:
    assert from_quoted_printable(binascii.b2a_qp(text.encode(), istext=True)) == text.encode()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"a=3Db", b"a=b"),
        (b"soft=\r\nbreak=  \nhere=\rtoo=", b"softbreakheretoo"),
        (b"space  \r\ntab\t\nend ", b"space\r\ntab\nend"),
        (b"=ZZ = =4", b"=ZZ = =4"),
        (b"kept=20\r\n", b"kept \r\n"),
    ],
)
def test_broken_quoted_printable_gives_what_can_be_had(text: bytes, data: bytes) -> None:
    assert from_quoted_printable(text) == data


def test_bodies_are_decoded_by_their_transfer_encoding() -> None:
    parts = list(walk(parse(ALTERNATIVE)))
    assert decode_text(parts[3], ALTERNATIVE) == "Grüße"
    assert decode_text(parts[4], ALTERNATIVE) == "<p>Hi</p>"
    assert decode_text(parts[4], ALTERNATIVE, 4) == "<p>H"
    assert decode_body(parts[6], ALTERNATIVE) == b"%PDF-"
    printable = b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=C3=BC\r\n=00"
    assert decode_body(parse(printable), printable) == b"a\xc3\xbc\r\n\0"
    assert decode_text(parse(printable), printable) == "aü\n\ufffd"
    assert decode_text(parse(printable), printable, 2) == "aü"


def test_an_unknown_transfer_encoding_leaves_the_octets_as_they_stand() -> None:
    content = b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a"
    assert decode_body(parse(content), content) == b"begin 644 a"


def test_a_space_before_a_soft_break_counts_even_if_the_next_line_is_empty() -> None:
    assert from_quoted_printable(b"be =\r\n\r\nx \t\r\ny= \r\nz =") == b"be \r\nx\r\nyz "
