"""Contents just kept are at hand without the disk, within bounds, and not less checked for it."""

from __future__ import annotations

from relay.archive.recent import LARGEST, Recent


def test_what_was_remembered_is_found_as_it_was():
    recent = Recent()
    recent.remember("A", b"hash", [b"one", b"two"])
    assert recent.find("A") == (b"hash", [b"one", b"two"])
    assert recent.find("B") is None


def test_what_is_found_may_be_used_up():
    recent = Recent()
    recent.remember("A", b"hash", (b"one",))
    found = recent.find("A")
    assert found is not None
    found[1].pop()
    assert recent.find("A") == (b"hash", [b"one"])


def test_the_oldest_make_room_and_a_repetition_takes_none():
    recent = Recent(room=10)
    for name in ("A", "B", "B", "C"):
        recent.remember(name, b"hash", [b"1234"])
    assert recent.find("A") is None
    assert recent.find("B") is not None
    assert recent.find("C") is not None


def test_a_large_content_pushes_nobody_out():
    recent = Recent()
    recent.remember("A", b"hash", [b"1"])
    recent.remember("B", b"hash", [bytes(LARGEST + 1)])
    assert recent.find("A") is not None
    assert recent.find("B") is None
