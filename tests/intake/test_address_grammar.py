"""The grammar of envelope addresses: RFC 5321 section 4.1.2, RFC 6531."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.address import DOMAIN_LIMIT, LABEL_LIMIT, LOCAL_LIMIT, AddressError, Path, parse_path

ATEXT = "ABCXYZabcxyz0189!#$%&'*+-/=?^_`{|}~éß用"
LETTERS = "abcXYZ019éß例"
dot_strings = st.lists(st.text(ATEXT, min_size=1, max_size=10), min_size=1, max_size=3).map(".".join)
quoted_strings = st.lists(
    st.one_of(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'),
        st.characters(min_codepoint=0x20, max_codepoint=0x7E).map("\\{}".format),
        st.sampled_from("éß用"),
    ),
    max_size=12,
).map(lambda parts: f'"{"".join(parts)}"')
labels = st.from_regex(rf"[{LETTERS}]([{LETTERS}-]{{0,8}}[{LETTERS}])?", fullmatch=True)
domains = st.one_of(
    st.lists(labels, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map("[{}]".format),
    st.ip_addresses(v=6).map("[IPv6:{}]".format),
)
addresses = st.tuples(st.one_of(dot_strings, quoted_strings), domains).map("@".join)
parameters = st.from_regex(r"([A-Z0-9]+=[!-<>-~]+)?", fullmatch=True)


@given(addresses, parameters)
def test_every_address_of_the_grammar_comes_back_as_written(address, rest):
    line = f"<{address}> {rest}".encode()
    assert parse_path(line) == (Path(address), rest.encode())


@given(addresses)
def test_what_was_read_reads_the_same_again(address):
    path, _ = parse_path(f"<{address}>".encode())
    assert parse_path(str(path).encode()) == (path, b"")
    assert path.is_ascii == address.isascii()


@given(addresses, st.lists(labels, min_size=1, max_size=3))
def test_a_source_route_is_taken_off_and_noted(address, hosts):
    route = ",".join(f"@{host}" for host in hosts)
    assert parse_path(f"<{route}:{address}>".encode())[0] == Path(address, route)


@given(st.binary(max_size=60))
def test_any_octets_are_an_address_or_an_address_error(octets):
    try:
        path, _ = parse_path(octets)
    except AddressError:
        return
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in path.address)
    assert path.address in octets.decode("utf-8")


@given(addresses, st.integers(0, 0x1F).map(chr) | st.sampled_from(["\x7f", "\x80", "\x9b", "\u2028"]), st.data())
def test_a_control_character_is_an_address_error_wherever_it_stands(address, control, data):
    at = data.draw(st.integers(0, len(address)))
    line = f"<{address[:at]}{control}{address[at:]}>"
    with pytest.raises(AddressError):
        parse_path(line.encode())


def test_the_null_path_is_the_empty_address():
    assert parse_path(b"<> SIZE=1") == (Path(""), b"SIZE=1")


def test_postmaster_needs_no_domain_in_any_case_of_letters():
    assert parse_path(b"<PostMaster>") == (Path("PostMaster"), b"")


def test_a_mailbox_without_angle_brackets_is_one():
    assert parse_path(b"a@b.example BODY=7BIT") == (Path("a@b.example"), b"BODY=7BIT")
    assert parse_path(b"a@[192.0.2.1]") == (Path("a@[192.0.2.1]"), b"")


def test_encoded_words_are_atoms():
    assert parse_path(b"<=?utf-8?q?a=40b?=@c.example>")[0] == Path("=?utf-8?q?a=40b?=@c.example")


@pytest.mark.parametrize("address", ["a..b@c", ".a@c", "a.@c", "a@my_host.local", "a.b+c@d-e.f", '""@c', '"@"@c'])
def test_addresses_in_daily_use_are_accepted(address):
    assert parse_path(f"<{address}>".encode())[0] == Path(address)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<",
        b">",
        b"< >",
        b"<a",
        b"<a>",
        b"<a@>",
        b"<@b>",
        b"<a@b",
        b"a@b>",
        b"<a@b>>",
        b"<a@b>SIZE=1",
        b"<a b@c>",
        b"<a@b c>",
        b"<a(c)@b>",
        b"<a@b.>",
        b"<a@.b>",
        b"<a@-b>",
        b"<a@b->",
        b"<a@b@c>",
        b"<a@[1.2>",
        b"<a@[1.2.3.256]>",
        b"<a@[1.2.3.4.5]>",
        b"<a@[IPv6:1::2::3]>",
        b"<a@[2001:db8::1]>",
        b"<a@[]>",
        b'<"a@b>',
        b'<"a"b@c>',
        b'<"a\\"@c>',
        b"<@r a@b>",
        b"<@r:>",
        b"postmaster",
    ],
)
def test_what_is_no_address_is_an_address_error(octets):
    with pytest.raises(AddressError) as caught:
        parse_path(octets)
    assert not caught.value.is_utf8


@pytest.mark.parametrize("octets", [b"<a\xff@b>", b"<a@\xc3>", b"<a\xed\xa0\x80@b>", b"<@\xff:a@b>"])
def test_octets_that_are_not_utf8_are_said_to_be_that(octets):
    with pytest.raises(AddressError) as caught:
        parse_path(octets)
    assert caught.value.is_utf8


def test_lengths_are_limited():
    domain = b".".join([b"d" * LABEL_LIMIT] * 3 + [b"d" * (DOMAIN_LIMIT - 3 * LABEL_LIMIT - 3)])
    assert parse_path(b"<" + b"l" * LOCAL_LIMIT + b"@" + domain + b">")
    for long in (b"l" * (LOCAL_LIMIT + 1) + b"@d", b"l@d" + domain, b"l@" + b"d" * (LABEL_LIMIT + 1)):
        with pytest.raises(AddressError):
            parse_path(b"<" + long + b">")
