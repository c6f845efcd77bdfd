"""What is encrypted opens in its place alone; master keys are read strictly and named by what they are."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive.cipher import MAGIC, CipherError, DataKey, Ring, frame_label, is_sealed, key_id, new_key
from tests.support.encrypted import NEW, OLD, OTHER

OCTETS = st.binary(max_size=300)


@given(OCTETS, st.text(max_size=20), st.integers(0, 9), st.booleans())
def test_what_was_encrypted_opens_in_its_place(octets: bytes, owner: str, n: int, is_last: bool) -> None:
    key, label = new_key(), frame_label(n, is_last=is_last)
    sealed = DataKey(owner, key).seal(label, octets)
    assert is_sealed(sealed)
    assert len(sealed) == len(MAGIC) + 12 + len(octets) + 16
    assert DataKey(owner, key).open(label, sealed) == octets
    for other in (frame_label(n + 1, is_last=is_last), frame_label(n, is_last=not is_last), b"summary"):
        with pytest.raises(CipherError, match="its tag is wrong"):
            DataKey(owner, key).open(other, sealed)
    for wrong in (DataKey(f"{owner}x", key), DataKey(owner, new_key())):
        with pytest.raises(CipherError, match="its tag is wrong"):
            wrong.open(label, sealed)


@given(OCTETS, st.data())
def test_a_flipped_bit_is_found(octets: bytes, data: st.DataObject) -> None:
    key = DataKey("m", OLD)
    sealed = bytearray(key.seal(b"edits", octets))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CipherError):
        key.open(b"edits", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"MWE", MAGIC, MAGIC + bytes(12), MAGIC + bytes(27), b"\x28\xb5\x2f\xfd"])
def test_what_is_too_short_or_plain_does_not_open(sealed: bytes) -> None:
    with pytest.raises(CipherError):
        DataKey("m", OLD).open(b"edits", sealed)


def test_a_data_key_is_wrapped_for_its_owner_by_the_current_master_key() -> None:
    old, both = Ring.of([OLD]), Ring.of([NEW, OLD])
    master, wrapped = old.wrap("m", OTHER)
    assert master == old.current == key_id(OLD)
    assert both.unwrap("m", master, wrapped) == OTHER
    assert both.wrap("m", OTHER)[0] == key_id(NEW)
    assert old.wrap("m", OTHER)[1] != wrapped
    with pytest.raises(CipherError, match="tag is wrong"):
        both.unwrap("n", master, wrapped)
    with pytest.raises(CipherError, match="tag is wrong"):
        both.unwrap("m", key_id(NEW), wrapped)
    with pytest.raises(CipherError, match="tag is wrong"):
        both.unwrap("m", master, b"")
    with pytest.raises(CipherError, match=f"the master key {key_id(OLD)}, which is not at hand"):
        Ring.of([NEW]).unwrap("m", master, wrapped)
    with pytest.raises(CipherError, match="no key"):
        Ring().wrap("m", OTHER)


def test_a_file_of_keys_is_read_as_it_was_written() -> None:
    ring = Ring.of([NEW, OLD])
    assert Ring.parse(ring.text()) == ring
    assert Ring.parse(f"\n  {base64.b64encode(OLD).decode()}  \n# more\n").current == key_id(OLD)
    assert base64.b64encode(OLD).decode() not in repr(ring)
    assert repr(OLD) not in repr(ring)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no key in it"),
        ("# nothing\n", "there is no key in it"),
        ("not base64!\n", "line 1 is not the base64 of a key"),
        ("\n" + base64.b64encode(OLD[:16]).decode(), "line 2 has a key of 16 octets, expected 32"),
        (2 * (base64.b64encode(OLD).decode() + "\n"), "a key is in it twice"),
    ],
)
def test_a_file_that_has_no_keys_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(CipherError, match=words):
        Ring.parse(text)
