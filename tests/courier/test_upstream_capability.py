"""The answer to EHLO, read as widely as servers write it."""

from __future__ import annotations

import pytest

from relay.courier.capability import Capabilities, parse_capabilities
from relay.model.reply import Reply


def of(*lines: str) -> Capabilities:
    return parse_capabilities(Reply(250, "\n".join(("mail.example greets you", *lines))))


def test_keywords_are_known_in_any_case() -> None:
    assert of("pipelining", "8BitMime").offers("PIPELINING")
    assert of("pipelining", "8BitMime").offers("8BITMIME")
    assert not of("PIPELINING").offers("DSN")


def test_the_first_line_is_a_name_and_no_keyword() -> None:
    assert not parse_capabilities(Reply(250, "PIPELINING")).offers("PIPELINING")


def test_an_empty_line_is_no_keyword() -> None:
    assert of("", "  ").keywords == {}


@pytest.mark.parametrize(
    ("line", "size"),
    [("SIZE 100", 100), ("SIZE", None), ("SIZE 0", None), ("SIZE=9", None), ("SIZE x", None), ("SIZE ²", None)],
)
def test_the_size_is_a_number_or_no_limit(line: str, size: int | None) -> None:
    assert of(line).size == size


def test_a_size_of_absurd_length_is_no_limit() -> None:
    assert of("SIZE " + "9" * 21).size is None


@pytest.mark.parametrize("lines", [["AUTH PLAIN LOGIN"], ["AUTH=plain login"], ["AUTH PLAIN", "AUTH=LOGIN"]])
def test_mechanisms_are_known_as_old_and_new_servers_write_them(lines: list[str]) -> None:
    assert of(*lines).mechanisms == {"PLAIN", "LOGIN"}


def test_without_auth_there_is_no_mechanism() -> None:
    assert of("AUTH").mechanisms == frozenset()
    assert Capabilities().mechanisms == frozenset()
