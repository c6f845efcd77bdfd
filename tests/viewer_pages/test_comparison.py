"""Originals and sent copies side by side: everything shown is there, whatever the octets, and no more than fits."""

from __future__ import annotations

import hashlib
import time
from base64 import encodebytes

from hypothesis import given
from hypothesis import strategies as st

from relay.model.delivery import Attempt
from relay.model.edit import Edit
from relay.rendition.edit import splice
from relay.rendition.trace import line_end_edits
from viewer.message.comparison import CELL, STRETCHES, Row, compare
from viewer.message.copies import copy_of, differences


def lines(rows: tuple[Row, ...], side: str) -> list[tuple[int, str]]:
    return [
        (line.number, "".join(span.text for span in line.spans)) for row in rows for line in getattr(row, side).lines
    ]


def test_only_the_neighbourhood_of_an_edit_is_shown_with_numbers_of_both_sides() -> None:
    content = b"".join(b"line %d\r\n" % n for n in range(1, 101))
    start = content.index(b"50")
    found = compare(content, [Edit(0, 0, b"Received: x\r\n", "trace"), Edit(start, start + 2, b"fifty", "tracking")])
    assert [row.kind for row in found.rows] == ["changed", "same", "fold", "same", "changed", "same", "fold"]
    assert found.rows[2].line_count == 43
    assert lines(found.rows[3:6], "before")[3] == (50, "line 50")
    assert lines(found.rows[3:6], "after")[3] == (51, "line fifty")
    assert found.rows[4].steps == (("tracking", 1),)


def test_steps_that_change_the_same_place_are_rows_of_their_own() -> None:
    found = compare(b"a\r\n", [Edit(0, 0, b"D: x\r\n", "dkim"), Edit(0, 0, b"R: y\r\n", "trace")])
    assert [row.steps for row in found.rows if row.steps] == [(("dkim", 1),), (("trace", 1),)]


def test_octets_that_do_not_print_are_spelled_out_and_changed_line_ends_shown() -> None:
    content = "a\x00\u202eb\x7f\r\x1b\n".encode() + b"\xff\n"
    found = compare(content, line_end_edits(content))
    text = "".join(text for _, text in lines(found.rows, "after"))
    assert text == "a\\x00\\u202eb\\x7f\\x0d\\x1b\\r\\n\\xff\\r\\n".replace("\\x0d", "\\r\\n")
    assert lines(found.rows, "before")[-1][1] == "\\xff\\n"


def test_thousands_of_edits_and_lines_of_megabytes_stay_small_and_quick() -> None:
    began = time.monotonic()
    many = b"x\r\n\r\n" + b"".join(b"k\r\n" * 9 + b"%d\r\n" % n for n in range(5000))
    edits = [Edit(n, n + 1, b"K", "tracking") for n in range(5, len(many) - 60, 60)]
    found = compare(many, edits)
    assert found.unshown == len(edits) - sum(count for row in found.rows for _, count in row.steps)
    assert sum(row.kind == "changed" for row in found.rows) <= STRETCHES
    long = b"z" * 10_000_000
    found = compare(long, [Edit(5_000_000, 5_000_001, b"!" * 1_000_000, "tracking")])
    assert sum(len(text) for side in ("before", "after") for _, text in lines(found.rows, side)) < 4 * CELL
    assert any(row.after.cut for row in found.rows)
    assert time.monotonic() - began < 5


@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9), st.binary(max_size=9))))
def test_whatever_the_edits_both_sides_add_up(content: bytes, given_edits: list[tuple[int, int, bytes]]) -> None:
    edits, position = [], 0
    for start, length, replacement in sorted(given_edits, key=lambda edit: edit[0]):
        if position <= start <= start + length <= len(content):
            edits.append(Edit(start, start + length, replacement, "step"))
            position = start + length
    found = compare(content, edits)
    assert sum(count for row in found.rows for _, count in row.steps) + found.unshown == len(edits)
    if edits:
        after = splice(content, edits)
        folded = sum(row.line_count for row in found.rows)
        for side, octets in (("before", content), ("after", after)):
            numbers = [number for number, _ in lines(found.rows, side)]
            assert numbers == sorted(numbers)
            assert len(numbers) + folded == len([line for line in octets.split(b"\n") if line]) + octets.count(
                b"\n\n"
            ) + octets.startswith(b"\n")


def test_a_changed_base64_part_is_compared_as_it_decodes() -> None:
    html = b'<p>Hello</p>\r\n<a href="https://a.example/">a</a>\r\n'
    head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    old = encodebytes(html).replace(b"\n", b"\r\n")
    new = encodebytes(html.replace(b"https://a.example/", b"https://t.example/c/1")).replace(b"\n", b"\r\n")
    content, edits = head + old, (Edit(len(head), len(head) + len(old), new, "tracking"),)
    wire = splice(content, edits)
    attempt = Attempt("a", "d", "m", 1, "u", 0, edits, hashlib.sha256(wire).digest(), len(wire))
    (part,) = copy_of(content, attempt).decoded
    changed = [
        span.text for row in part.comparison.rows for line in row.after.lines for span in line.spans if span.step
    ]
    assert changed == ["t.example/c/1"]


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_what_differs_makes_the_one_of_the_other(old: bytes, new: bytes) -> None:
    assert splice(old, differences(old, new)) == new
