import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition import charsets
from relay.rendition.charsets import is_known, to_text

KNOWN = sorted({*charsets._SINGLE, *charsets._MULTI})


@given(st.binary(max_size=100), st.sampled_from([*KNOWN, "", "x-no-such"]))
def test_any_octets_become_text_that_can_be_stored(octets: bytes, charset: str) -> None:
    to_text(octets, charset).encode("utf-8")


@pytest.mark.parametrize("charset", KNOWN)
def test_every_listed_charset_is_one_that_python_has(charset: str) -> None:
    assert is_known(charset.upper())
    assert to_text("a".encode(codecs.lookup({**charsets._SINGLE, **charsets._MULTI}[charset]).name), charset) == "a"


@pytest.mark.parametrize(
    "charset", ["idna", "zlib", "rot13", "unicode_escape", "punycode", "a\0b", "../x", "undefined"]
)
def test_what_is_no_charset_is_never_looked_up(charset: str) -> None:
    assert not is_known(charset)
    assert to_text(b"uryyb \\u0041", charset) == "uryyb \\u0041"


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        (b"Gr\xfc\xdfe", "us-ascii", "Grüße"),
        (b"Gr\xfc\xdfe", "iso-8859-1", "Grüße"),
        (b"\x80 5", "iso-8859-1", "€ 5"),
        (b"Gr\xfc\xdfe", "", "Grüße"),
        (b"\xbe\xba", "iso-8859-2", "žş"),
        (b"\x81 x", "windows-1252", "\ufffd x"),
        (b"\x81\xc3\xbc", "cp1253", "\ufffdÃ¼"),
        ("Grüße".encode(), "koi8-r", "Grüße".encode().decode("koi8_r")),
        (b"\xd0\xd2\xc9", "KOI8-R", "при"),
        ("日本".encode("iso2022_jp"), "ISO-2022-JP", "日本"),
        ("简体".encode("gb18030"), "gb2312", "简体"),
        ("简体中文啊".encode(), "gb2312", "简体中文啊"),
        ("日本".encode("cp932") + b"\x81", "shift_jis", "日本\ufffd"),
        (b"caf\xc3", "utf-8", "caf\ufffd"),
        (b"+2AA-", "utf-7", "\ufffd"),
    ],
)
def test_octets_are_read_as_their_author_most_likely_meant(octets: bytes, charset: str, text: str) -> None:
    assert to_text(octets, charset) == text
