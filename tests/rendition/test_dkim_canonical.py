"""What we hash is what dkimpy hashes, octet for octet, and takes no longer than it weighs."""

from __future__ import annotations

import time

import pytest
from dkim import rfc822_parse
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.rendition import canonical
from relay.rendition.canonical import Canonical
from relay.rendition.edit import splice
from relay.rendition.trace import transit_edits
from tests.support.corpus import corpus_files

THEIRS = {Canonical.SIMPLE: Simple, Canonical.RELAXED: Relaxed}
KINDS = pytest.mark.parametrize("kind", Canonical)

words = st.sampled_from(
    [b" ", b"\t", b"  ", b" \t ", b" " * 70, b"\t" * 130, b"a", b"word", b".", b"\x00", b"\xa0", b"\x0b"]
)
lines = st.lists(words, max_size=12).map(b"".join)
bodies = st.lists(lines, max_size=12).map(lambda found: b"".join(line + b"\r\n" for line in found))
values = st.lists(st.lists(words, min_size=1, max_size=8).map(b"".join), min_size=1, max_size=5)


def ours(body: bytes, kind: Canonical) -> bytes:
    wire = b"Subject: x\r\n\r\n" + body
    return b"".join(bytes(piece) for piece in canonical.body(wire, 14, kind))


@KINDS
@given(body=bodies)
@settings(max_examples=100, deadline=None)
def test_a_body_is_what_dkimpy_makes_of_it(kind: Canonical, body: bytes) -> None:
    assert ours(body, kind) == THEIRS[kind].canonicalize_body(body)


@KINDS
@given(body=bodies)
@settings(max_examples=50, deadline=None)
def test_a_body_in_many_pieces_is_the_same(kind: Canonical, body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "PIECE", 7)
        assert ours(body, kind) == THEIRS[kind].canonicalize_body(body)


@KINDS
@given(parts=values)
@settings(max_examples=100, deadline=None)
def test_a_header_field_is_what_dkimpy_makes_of_it(kind: Canonical, parts: list[bytes]) -> None:
    # dkimpy takes vertical tabs at the edges for white space; signing refuses them.
    value = b"\r\n ".join(part.replace(b"\x0b", b"v") for part in parts)
    ((name, theirs),) = THEIRS[kind].canonicalize_headers([[b"SubJect", value + b"\r\n"]])
    assert canonical.field(b"SubJect", value, kind) == name + b":" + theirs


@KINDS
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n\t\r\n", b"a\r\n\r\n \r\n", b" a\r\n"])
def test_empty_lines_at_the_end_do_not_count(kind: Canonical, body: bytes) -> None:
    assert ours(body, kind) == THEIRS[kind].canonicalize_body(body)


def test_every_body_of_the_corpus_is_what_dkimpy_makes_of_it() -> None:
    for path in corpus_files():
        content = path.read_bytes()
        wire = splice(content, transit_edits(content))
        stop = wire.find(b"\r\n\r\n")
        if stop < 0 or len(wire) > 300_000:
            continue
        for kind in Canonical:
            found = b"".join(bytes(piece) for piece in canonical.body(wire, stop + 4, kind))
            assert found == THEIRS[kind].canonicalize_body(wire[stop + 4 :]), path


def test_headers_of_the_corpus_are_what_dkimpy_makes_of_them() -> None:
    for path in corpus_files():
        content = path.read_bytes()
        header = splice(content, transit_edits(content)).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        try:
            fields, _ = rfc822_parse(header)
        except Exception:
            continue  # dkimpy refuses it, and so do we
        for kind in Canonical:
            theirs = [name + b":" + value for name, value in THEIRS[kind].canonicalize_headers(fields)]
            assert [canonical.field(name, value[:-2], kind) for name, value in fields] == theirs, path


@pytest.mark.parametrize(
    "body",
    {
        "1 MB of spaces": b" " * 1_000_000 + b"x\r\n",
        "1 MB of spaces and a line end": b" " * 1_000_000 + b"\r\n",
        "1 MB of tabs and spaces": b"\t " * 500_000 + b"x\r\n",
        "spaces within 4 MB": b"a" * 3_000_000 + b" " * 1_000_000 + b"x\r\n",
        "500,000 empty lines": b"\r\n" * 500_000,
        "500,000 lines of a space": b" \r\n" * 500_000 + b"x\r\n",
        "short runs": b"a  b \t\r\n" * 200_000,
        "one line of 5 MB": b"a b" * 1_700_000 + b"\r\n",
    }.values(),
    ids=lambda body: f"{len(body)}",
)
def test_no_body_takes_more_than_linear_time(body: bytes) -> None:
    began = time.process_time()
    ours(body, Canonical.RELAXED)
    ours(body, Canonical.SIMPLE)
    assert time.process_time() - began < 1.0
