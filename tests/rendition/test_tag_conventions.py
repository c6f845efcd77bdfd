import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.conventions import CONVENTIONS, MAX_METADATA, MAX_TAGS, METADATA_PREFIXES, read_labels

NAMES = [*CONVENTIONS, *(f"{prefix}Key" for prefix in METADATA_PREFIXES), "Subject"]
values = st.one_of(
    st.text(max_size=60),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=10).map(
        json.dumps
    ),
    st.fixed_dictionaries(
        {}, optional={key: st.text(max_size=9) | st.integers() for key in ("category", "unique_args", "tags", "a")}
    ).map(json.dumps),
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=20))
def test_no_value_is_too_strange(fields: list[tuple[str, str]]) -> None:
    labels = read_labels(fields)
    assert all(labels.tags)
    assert all(key for key, _ in labels.metadata)


@pytest.mark.parametrize(
    ("name", "value", "tags", "metadata"),
    [
        ("X-Mailwitness-Tag", "a, b", ["a, b"], []),
        ("X-Mailwitness-Tags", "a, b,,a ", ["a", "b"], []),
        ("X-Mailwitness-Metadata-Order", "7", [], [("order", "7")]),
        ("X-Tags", "a,b", ["a", "b"], []),
        ("X-PM-Tag", "welcome", ["welcome"], []),
        ("X-PM-Metadata-order-id", "7", [], [("order-id", "7")]),
        ("X-Mailgun-Tag", "a", ["a"], []),
        ("X-Mailgun-Variables", '{"order": 7, "to": {"a": [1]}}', [], [("order", "7"), ("to", '{"a": [1]}')]),
        ("X-MC-Tags", "a,b", ["a", "b"], []),
        ("X-MC-Metadata", '{"a": null, "b": true, "ä": "ö"}', [], [("a", ""), ("b", "true"), ("ä", "ö")]),
        ("X-SMTPAPI", '{"category": "a", "unique_args": {"k": "v"}}', ["a"], [("k", "v")]),
        ("x-smtpapi", '{"category": ["a", "b"], "unique_args": []}', ["a", "b"], []),
        ("X-SES-MESSAGE-TAGS", "a=1, b = 2,c", [], [("a", "1"), ("b", "2"), ("c", "")]),
        ("X-MSYS-API", '{"campaign_id": "a", "tags": ["b"], "metadata": {"k": 1}}', ["a", "b"], [("k", "1")]),
        ("X-MT-Category", "a", ["a"], []),
        ("X-MT-Custom-Variables", '{"k": "v"}', [], [("k", "v")]),
        ("X-Mailwitness-Metadata-", "no key", [], []),
        ("X-Other", "a", [], []),
    ],
)
def test_each_convention_of_the_trade_is_read(
    name: str, value: str, tags: list[str], metadata: list[tuple[str, str]]
) -> None:
    labels = read_labels([(name, value)])
    assert (list(labels.tags), list(labels.metadata), list(labels.defects)) == (tags, metadata, [])


@pytest.mark.parametrize(
    "value", ["", "[1]", "{", "[" * 100_000, '{"a":' * 50_000, '{"a":' + "9" * 90_000 + "}", "null", '"text"']
)
def test_json_that_is_none_is_a_defect_and_nothing_worse(value: str) -> None:
    labels = read_labels([("X-SMTPAPI", value), ("X-PM-Tag", "a")])
    assert list(labels.tags) == ["a"]
    assert list(labels.defects) == ["X-SMTPAPI: not the JSON object expected"]


def test_tags_and_metadata_are_bounded() -> None:
    labels = read_labels(
        [
            *(("X-PM-Tag", f"{n}" * 300) for n in range(200)),
            ("X-Tags", ",".join(map(str, range(1000)))),
            *((f"X-PM-Metadata-{n}", "v" * 9999) for n in range(300)),
        ]
    )
    assert len(labels.tags) == MAX_TAGS
    assert len(labels.metadata) == MAX_METADATA
    assert max(len(tag) for tag in labels.tags) == 200
    assert max(len(value) for _, value in labels.metadata) == 2000
