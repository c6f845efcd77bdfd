import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.edit import Edit
from relay.rendition.edit import merge, splice


@st.composite
def contents_and_edits(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    content = draw(st.binary(max_size=40))
    edges = sorted(draw(st.lists(st.integers(0, len(content)), max_size=10)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return content, [Edit(start, stop, draw(st.binary(max_size=5)), "t") for start, stop in pairs]


@given(st.binary())
def test_no_edits_give_the_very_same_octets(content: bytes) -> None:
    assert splice(content, []) is content


@given(contents_and_edits())
def test_each_range_is_replaced_and_all_else_is_kept(case: tuple[bytes, list[Edit]]) -> None:
    content, edits = case
    expected = content
    for edit in reversed(edits):
        expected = expected[: edit.start] + edit.replacement + expected[edit.stop :]
    assert splice(content, edits) == expected


@given(contents_and_edits(), st.integers(0, 10))
def test_edits_shared_out_to_steps_merge_to_the_same(case: tuple[bytes, list[Edit]], place: int) -> None:
    content, edits = case
    assert splice(content, merge(edits[:place], edits[place:])) == splice(content, edits)


def test_insertions_at_one_place_stand_in_list_order() -> None:
    edits = [Edit(1, 1, b"x", "a"), Edit(1, 1, b"y", "b"), Edit(1, 2, b"z", "c")]
    assert splice(b"abc", edits) == b"axyzc"


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(-1, 0, b"", "t")],
        [Edit(2, 1, b"", "t")],
        [Edit(0, 4, b"", "t")],
        [Edit(4, 4, b"", "t")],
        [Edit(0, 2, b"", "t"), Edit(1, 3, b"", "t")],
        [Edit(2, 3, b"", "t"), Edit(0, 1, b"", "t")],
        [Edit(1, 2, b"", "t"), Edit(1, 1, b"", "t")],
    ],
)
def test_edits_that_do_not_fit_the_content_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        splice(b"abc", edits)


def test_merging_puts_earlier_steps_first_and_insertions_before_replacements() -> None:
    removal, insertion, late = Edit(0, 2, b"", "own"), Edit(0, 0, b"x", "trace"), Edit(0, 0, b"y", "more")
    assert merge([removal], [insertion], [late]) == (insertion, late, removal)


def test_an_edit_within_what_an_earlier_step_replaced_is_dropped() -> None:
    removal, within, at_end = Edit(0, 4, b"", "own"), Edit(1, 2, b"\r\n", "line-ends"), Edit(4, 4, b"z", "line-ends")
    assert merge([removal], [within, at_end]) == (removal, at_end)


@pytest.mark.parametrize(
    "steps",
    [
        ([Edit(0, 2, b"", "a")], [Edit(1, 3, b"", "b")]),
        ([Edit(1, 2, b"", "a")], [Edit(0, 3, b"", "b")]),
        ([Edit(0, 3, b"", "a"), Edit(1, 2, b"", "a")],),
    ],
)
def test_any_other_overlap_is_refused(steps: tuple[list[Edit], ...]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        merge(*steps)
