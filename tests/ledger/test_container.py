"""The ZIP file of a bundle: other programs read it, and nothing else than what was written is taken for it."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.ledger import container
from relay.ledger.container import Container, ContainerError, Pack

MEMBERS = {"README.txt": b"read me\n", "messages/1/original.eml": b"Subject: x\r\n\r\ny\r\n", "empty": b""}
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}(/[a-z0-9][a-z0-9._-]{0,20}){0,3}", fullmatch=True)


def packed(members: dict[str, bytes], **options: int) -> bytes:
    out = io.BytesIO()
    pack = Pack(out.write, **options)
    for name, data in members.items():
        pack.add(name, data)
    pack.close()
    return out.getvalue()


def unpacked(octets: bytes, **options: int) -> dict[str, bytes]:
    found = Container(io.BytesIO(octets), **options)
    return {name: found.read(name) for name in found.names}


@given(st.dictionaries(NAMES, st.binary(max_size=100), min_size=1, max_size=8))
def test_members_come_back_in_order_and_any_other_program_reads_them(members: dict[str, bytes]) -> None:
    octets = packed(members)
    assert list(unpacked(octets).items()) == list(members.items())
    with zipfile.ZipFile(io.BytesIO(octets)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == members


def test_every_flipped_bit_is_found() -> None:
    octets = packed(MEMBERS)
    for place in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[place] ^= 1 << bit
            with pytest.raises(ContainerError):
                unpacked(bytes(flipped))


def test_a_flipped_bit_in_a_member_names_it() -> None:
    octets = packed(MEMBERS)
    place = octets.index(b"Subject")
    with pytest.raises(ContainerError, match=r"messages/1/original\.eml: its octets"):
        unpacked(octets[:place] + b"s" + octets[place + 1 :])


def test_every_truncation_is_found() -> None:
    octets = packed(MEMBERS)
    for length in range(len(octets)):
        with pytest.raises(ContainerError):
            unpacked(octets[:length])


@pytest.mark.parametrize("where", ["before", "behind", "between"])
def test_what_is_put_around_the_members_is_found(where: str) -> None:
    octets = packed(MEMBERS)
    place = {"before": 0, "behind": len(octets), "between": octets.index(b"PK\1\2")}[where]
    with pytest.raises(ContainerError):
        unpacked(octets[:place] + b"more" + octets[place:])


def test_a_table_alone_is_no_file() -> None:
    octets = packed(MEMBERS)
    with pytest.raises(ContainerError, match="after the beginning"):
        unpacked(octets[octets.index(b"PK\1\2") :])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        ".hidden",
        "a\\b",
        "C:x",
        "é",
        "a b",
        "a\n",
        "a/./b",
        "x" * 241,
    ],
)
def test_a_name_that_is_not_plain_is_refused(name: str) -> None:
    with pytest.raises(ContainerError, match="not a plain name"):
        Pack(io.BytesIO().write).add(name, b"")


def test_names_that_differ_in_capitals_alone_are_one_name() -> None:
    with pytest.raises(ContainerError, match="a second member"):
        packed({"a/B": b"", "A/b": b""})


def test_a_file_of_another_program_with_the_same_members_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other:
        for name, data in MEMBERS.items():
            other.writestr(name, data)
    with pytest.raises(ContainerError, match=r"README\.txt: its header"):
        unpacked(out.getvalue())


def test_hostile_names_in_a_file_are_refused() -> None:
    octets = packed({"aaaaaaaa": b"x"})
    for name in (b"../../xx", b"/etc/abc", b"a\\b\\cccc", b"aaaa\xff\xffaa"):
        with pytest.raises(ContainerError, match="name"):
            unpacked(octets.replace(b"aaaaaaaa", name))


def test_the_same_name_twice_in_a_file_is_refused() -> None:
    with pytest.raises(ContainerError, match="second member"):
        unpacked(packed({"aaaaaaaa": b"x", "bbbbbbbb": b"y"}).replace(b"bbbbbbbb", b"aaaaaaaa"))


def test_a_member_that_says_to_be_longer_than_the_file_is_refused() -> None:
    octets = packed({"a": b"x"})
    longer = container.Member("a", 0, 2**31, 0).header()
    with pytest.raises(ContainerError, match="a: the file ends"):
        unpacked(longer + octets[len(longer) :])


def test_beyond_four_gibioctets_the_large_records_are_written() -> None:
    """As if it began after 40 octets: other programs read the very same records."""
    octets = packed(MEMBERS, limit=40)
    assert unpacked(octets, limit=40) == MEMBERS
    with zipfile.ZipFile(io.BytesIO(octets)) as other:
        assert {name: other.read(name) for name in other.namelist()} == MEMBERS


def test_seventy_thousand_members_are_read_by_others_too() -> None:
    octets = packed({str(number): b"" for number in range(70_000)})
    assert len(Container(io.BytesIO(octets)).names) == 70_000
    with zipfile.ZipFile(io.BytesIO(octets)) as other:
        assert len(other.namelist()) == 70_000


def test_a_member_beyond_the_limit_is_not_written() -> None:
    with pytest.raises(ContainerError, match="at most"):
        Pack(lambda octets: None).add("large", _Large())


class _Large(bytes):
    """Octets that only say how many they are."""

    def __len__(self) -> int:
        return container.LARGEST_MEMBER + 1
