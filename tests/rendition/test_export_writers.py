"""The export formats: verbatim where they promise it, quoted where they must, safe for what opens them."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.message import Trait
from relay.rendition.export import (
    COLUMNS,
    CONTENT_TYPES,
    WRITERS,
    MboxWriter,
    Record,
    Writer,
    ZipWriter,
    moment,
    safe_cell,
)
from relay.rendition.traits import traits_of

RECORD = Record(
    number=1, id="01J00000000000000000000000", received_at=1_795_521_600_000_000, sender="shop@example.com",
    author="Shop", recipients=("ann@example.org",), subject="Hello", application="shop", status="sent",
    references=("INV-1",), tags=("a",), attachment_count=0, size=5, sha256="00", header_message_id="1@b", parent_id="",
)  # fmt: skip


def written(writer: Writer, *contents: list[bytes], record: Record = RECORD) -> bytes:
    """The file of messages that are each fed in the given pieces."""
    pieces = []
    for number, content in enumerate(contents, 1):
        pieces.append(writer.begin(replace(record, number=number, size=sum(map(len, content)))))
        pieces += [writer.feed(piece) for piece in content]
        pieces.append(writer.end())
    return b"".join([*pieces, writer.finish()])


LINES = st.lists(
    st.sampled_from([b"From ", b"From", b">", b"\r\n", b"\n", b"\r", b"Fr", b"om ", b"x", b"\xff", b" "]), max_size=30
)


@given(LINES, st.integers(1, 7))
def test_any_chunking_gives_the_same_mbox(tokens: list[bytes], step: int) -> None:
    content = b"".join(tokens)
    pieces = [content[start : start + step] for start in range(0, len(content), step)]
    assert written(MboxWriter(), pieces) == written(MboxWriter(), [content])


@given(LINES)
def test_no_line_of_an_mbox_message_looks_like_the_next_message(tokens: list[bytes]) -> None:
    content = b"".join(tokens)
    head, _, body = written(MboxWriter(), [content]).partition(b"\n")
    assert head == b"From shop@example.com Tue Nov 24 12:00:00 2026"
    assert body.endswith(b"\n\n") or content == b""
    lines = body.split(b"\n")
    assert not any(line.startswith(b"From ") for line in lines)
    unquoted = b"\n".join(line[1:] if line.lstrip(b">").startswith(b"From ") else line for line in lines)
    plain = content.replace(b"\r\n", b"\n")
    assert unquoted == plain + (b"\n" if plain and not plain.endswith(b"\n") else b"") + b"\n"


@pytest.mark.parametrize(
    ("sender", "line"), [("", b"From MAILER-DAEMON "), ("a b@c\n", b"From a_b@c_ "), ("ü@example.com", b"From _@")]
)
def test_an_mbox_separator_is_one_line_of_ascii(sender: str, line: bytes) -> None:
    assert written(MboxWriter(), [b""], record=replace(RECORD, sender=sender)).startswith(line)


@given(st.lists(st.lists(st.binary(max_size=200), max_size=4), max_size=4))
def test_a_zip_gives_every_content_back(contents: list[list[bytes]]) -> None:
    with zipfile.ZipFile(io.BytesIO(written(ZipWriter(), *contents))) as archive:
        assert archive.testzip() is None
        assert [archive.read(f"{n:06}.eml") for n in range(1, len(contents) + 1)] == [b"".join(one) for one in contents]
        assert archive.namelist()[-1] == "manifest.csv"


@pytest.mark.parametrize("received_at", [0, -(2**62), 2**62, 5_000_000_000_000_000])
def test_a_zip_survives_dates_that_it_cannot_hold(received_at: int) -> None:
    data = written(ZipWriter(), [b"x"], record=replace(RECORD, received_at=received_at))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert 1980 <= archive.infolist()[0].date_time[0] <= 2107


@given(st.text(max_size=20))
def test_no_cell_begins_as_a_formula_or_breaks_its_line(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert not set(cell) & set("\0\r\n\t")
    cell.encode("utf-8")


def test_a_csv_has_a_line_for_each_message_and_the_columns_promised() -> None:
    data = written(WRITERS["csv"](), [b"x"], [b"y"], record=replace(RECORD, subject='a "b", c\r\n=d'))
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert [row[0] for row in rows[1:]] == ["1", "2"]
    assert rows[1][7] == 'a "b", c =d'


def test_an_eml_is_the_content_itself() -> None:
    assert written(WRITERS["eml"](), [b"a\r", b"\n\x00"]) == b"a\r\n\x00"


def test_an_eml_says_nothing_of_a_content_that_is_gone() -> None:
    assert WRITERS["eml"]().note(RECORD) == b""


def test_every_format_has_a_writer_and_a_media_type() -> None:
    assert WRITERS.keys() == CONTENT_TYPES.keys()
    assert moment(0).year == 1970


@pytest.mark.parametrize(
    ("content", "traits"),
    [
        (b"", set()),
        (b"a\r\nb\r\n", set()),
        (b"a\nb", {Trait.BARE_LF}),
        (b"a\rb", {Trait.BARE_CR}),
        (b"\xff\0", {Trait.EIGHT_BIT, Trait.NUL}),
        (b"x" * 998 + b"\r\n", set()),
        (b"x" * 999, {Trait.LONG_LINE}),
    ],
)
def test_traits_are_those_that_intake_notes(content: bytes, traits: set[Trait]) -> None:
    assert traits_of(content) == traits


@pytest.mark.parametrize("form", WRITERS)
def test_a_writer_can_be_abandoned_in_the_middle_and_at_the_end(form: str) -> None:
    writer = WRITERS[form]()
    writer.begin(RECORD)
    writer.feed(b"x")
    writer.abandon()
    writer = WRITERS[form]()
    writer.finish()
    writer.abandon()


def test_what_has_no_content_any_more_is_a_row_and_no_file() -> None:
    row = WRITERS["csv"]().begin(RECORD)
    assert WRITERS["csv"]().note(RECORD) == row
    assert MboxWriter().note(RECORD) == b""
    writer = ZipWriter()
    noted = writer.note(RECORD) + writer.finish()
    with zipfile.ZipFile(io.BytesIO(noted)) as archive:
        (name,) = archive.namelist()
        assert RECORD.id in archive.read(name).decode()
