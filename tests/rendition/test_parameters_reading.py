import pytest
from hypothesis import given

from relay.rendition.parameters import MAX_PARAMETERS, Parameterised, parse_parameterised
from tests.support.awkward import octets


@given(octets)
def test_no_octets_are_too_strange(raw: bytes) -> None:
    value = parse_parameterised(raw)
    assert value.value == value.value.lower()
    for name, _ in value.raw:
        value.octets(name)
        value.sections(name)


@pytest.mark.parametrize(
    ("raw", "value", "parameters"),
    [
        (b"", "", []),
        (b" Text/HTML ; Charset=UTF-8", "text/html", [("charset", b"UTF-8")]),
        (b'multipart/mixed;\r\n boundary="a b"', "multipart/mixed", [("boundary", b"a b")]),
        (b'x/y; a="q\\"\\\\;=", b = c ;;; d', "x/y", [("a", b'q"\\;='), ("d", b"")]),
        (
            b"text/plain (comment); charset=us-ascii (plain)",
            "text/plain",
            [("(comment)", b""), ("charset", b"us-ascii")],
        ),
        (b"(first) text/plain", "text/plain", []),
        (b"application/pdf name=x.pdf", "application/pdf", [("name", b"x.pdf")]),
        (b'attachment; filename="unfinished', "attachment", [("filename", b"unfinished")]),
        (b'attachment; filename="unfinished\\', "attachment", [("filename", b"unfinished")]),
        (b'attachment; filename="a" junk; b=c', "attachment", [("filename", b"a"), ("b", b"c")]),
        (b"attachment; filename=two words.pdf", "attachment", [("filename", b"two words.pdf")]),
        (b'inline; "stray" =; a=1', "inline", [("stray", b""), ("a", b"1")]),
    ],
)
def test_values_and_parameters_are_read_as_meant(raw: bytes, value: str, parameters: list[tuple[str, bytes]]) -> None:
    assert parse_parameterised(raw) == Parameterised(value, tuple(parameters))


def test_sections_are_put_in_order_up_to_the_first_gap() -> None:
    value = parse_parameterised(b"a; x*1=b; x*0=a; x*3=d; y*0=z; x*1=again")
    assert value.octets("x") == b"ab"
    assert value.sections("x") == [("x*0", b"a"), ("x*1", b"b")]
    assert value.octets("nothing") is None


def test_the_first_of_equal_parameters_wins() -> None:
    assert parse_parameterised(b"a; x=1; x=2").octets("x") == b"1"
    assert parse_parameterised(b"a; x*=1; x=2").octets("x") == b"1"


def test_parameters_are_read_up_to_a_limit() -> None:
    assert len(parse_parameterised(b"a" + b";b=c" * 50_000).raw) == MAX_PARAMETERS
