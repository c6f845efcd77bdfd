"""A leaf has one spelling, carries no person, and is bound to its opening by the commitment."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from relay.ledger.canonical import canonical
from relay.ledger.leaf import LONGEST, Leaf, LeafError, checked_entry, commit

EVENT = "01J00000000000000000000001"
SALT = bytes(range(32))
LEAF = Leaf(EVENT, 1_750_000_000_000_000, "captured", commit(SALT, {"actor": "relay"}), "01J00000000000000000000002")

IDS = st.from_regex(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", fullmatch=True)
LEAVES = st.builds(
    Leaf,
    IDS,
    st.integers(0, 2**53 - 1),
    st.from_regex(r"[a-z][a-z0-9-]{0,63}", fullmatch=True),
    st.binary(min_size=32, max_size=32),
    st.none() | IDS,
    st.none() | IDS,
)


CHANGED: list[dict[str, Any]] = [
    {"event": "x"},
    {"event": f'{EVENT}","event":"{EVENT}'},
    {"at": -1},
    {"at": 2**53},
    {"at": True},
    {"kind": "Captured"},
    {"kind": 'captured","message":null,"v":1}'},
    {"commitment": bytes(31)},
    {"message": EVENT.lower()},
    {"delivery": f"{EVENT}\n"},
]
"""Members that no leaf has."""


@given(LEAVES)
def test_a_leaf_is_read_back_and_is_short(leaf: Leaf) -> None:
    assert leaf.encode() == canonical({**asdict(leaf), "commitment": leaf.commitment.hex()})
    data = leaf.encode()
    assert Leaf.parse(data) == leaf
    assert len(data) < 400


@given(LEAVES, st.data())
def test_no_flipped_bit_leaves_the_same_leaf(leaf: Leaf, data: st.DataObject) -> None:
    octets = bytearray(leaf.encode())
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(LeafError):
        assert Leaf.parse(bytes(octets)) != leaf


@given(LEAVES)
def test_made_sooner_it_is_the_same(leaf: Leaf) -> None:
    members = (leaf.event, leaf.at, leaf.kind, leaf.commitment, leaf.message, leaf.delivery)
    assert checked_entry(*members) == rfc8785.dumps({**asdict(leaf), "commitment": leaf.commitment.hex()})


@pytest.mark.parametrize("changed", CHANGED, ids=map(str, CHANGED))
def test_made_sooner_what_is_no_leaf_is_refused_in_the_same_words(changed: dict[str, Any]) -> None:
    leaf = replace(LEAF, **changed)
    with pytest.raises(LeafError) as refusal:
        leaf.encode()
    with pytest.raises(LeafError) as sooner:
        checked_entry(leaf.event, leaf.at, leaf.kind, leaf.commitment, leaf.message, leaf.delivery)
    assert str(sooner.value) == str(refusal.value)


def test_an_example_is_spelt_as_documented() -> None:
    assert LEAF.encode() == (
        b'{"at":1750000000000000,"commitment":"' + LEAF.commitment.hex().encode() + b'","delivery":null,'
        b'"event":"01J00000000000000000000001","kind":"captured","message":"01J00000000000000000000002","v":1}'
    )


def test_the_commitment_is_the_hash_of_prefix_salt_and_opening() -> None:
    opening = {"data": {"b": 1, "a": [None]}, "actor": "user:ann"}
    written = b"mailwitness/leaf/v1\n" + SALT + b'{"actor":"user:ann","data":{"a":[null],"b":1}}'
    assert commit(SALT, opening) == hashlib.sha256(written).digest()
    assert commit(SALT, opening) != commit(SALT, {**opening, "actor": "user:bob"})
    assert commit(SALT, opening) != commit(SALT[::-1], opening)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)], ids=len)
def test_a_salt_has_32_octets(salt: bytes) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        commit(salt, {})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("v", 2),
        ("v", True),
        ("event", "somebody@example.com"),
        ("event", EVENT.lower()),
        ("event", EVENT + "\n"),
        ("event", 7),
        ("at", -1),
        ("at", True),
        ("at", 2**53),
        ("at", "0"),
        ("kind", ""),
        ("kind", "Captured"),
        ("kind", "a b"),
        ("kind", "a" * 65),
        ("kind", None),
        ("commitment", bytes(31)),
        ("message", "ann@example.com"),
        ("delivery", ""),
    ],
)
def test_a_member_without_its_form_is_refused_both_ways(member: str, value: Any) -> None:
    with pytest.raises(LeafError, match=member):
        replace(LEAF, **{member: value}).encode()
    if value != 2**53:
        written = value.hex() if isinstance(value, bytes) else value
        with pytest.raises(LeafError, match=member):
            Leaf.parse(canonical({**members(), member: written}))


@pytest.mark.parametrize("value", ["zz" * 32, "AB" * 32, " " + "ab" * 32, "ab" * 16 + " " + "ab" * 16, 7, None])
def test_a_commitment_is_lower_case_hexadecimal(value: Any) -> None:
    with pytest.raises(LeafError, match="commitment"):
        Leaf.parse(canonical({**members(), "commitment": value}))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'{"v":1}', LEAF.encode() + b"\n", LEAF.encode().replace(b'"v":1', b'"v":1,"w":1')],
)
def test_what_is_not_exactly_a_leaf_is_refused(data: bytes) -> None:
    with pytest.raises(LeafError):
        Leaf.parse(data)


def test_what_is_too_long_is_refused_unread() -> None:
    with pytest.raises(LeafError, match="65536 octets"):
        Leaf.parse(b" " * (LONGEST + 1))


def members() -> dict[str, Any]:
    return {
        "v": LEAF.v,
        "event": LEAF.event,
        "at": LEAF.at,
        "kind": LEAF.kind,
        "commitment": LEAF.commitment.hex(),
        "message": LEAF.message,
        "delivery": LEAF.delivery,
    }
