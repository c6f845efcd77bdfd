"""Our identifier in the providers' own fields: added, or merged without a change of what the application wrote."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.rendition.edit import splice
from relay.rendition.metadata import place

ID = "01KB2Q4Z6T8V0X2Z4B6D8F0H2K"
BODY = b"\r\n\r\nHello.\r\n"
OBJECTS = [
    ("mailgun", "X-Mailgun-Variables", ""),
    ("brevo", "X-Mailin-custom", ""),
    ("mailjet", "X-MJ-EventPayload", ""),
    ("sendgrid", "X-SMTPAPI", "unique_args"),
    ("sparkpost", "X-MSYS-API", "metadata"),
]


def merged(content: bytes, provider: str) -> bytes:
    found = place(content, provider)
    assert found.reason == ""
    wire = splice(content, found.edits(ID))
    # Byte-exact: without our insertion it is what it was.
    (edit,) = found.edits(ID)
    assert edit.start == edit.stop
    assert wire[: edit.start] + wire[edit.start + len(edit.replacement) :] == content
    return wire


def value_of(wire: bytes, name: str) -> str:
    match = re.search(rb"^" + name.encode() + rb":((?:[^\r\n]|\r?\n[ \t])*)", wire, re.MULTILINE | re.IGNORECASE)
    assert match
    return re.sub(rb"\r?\n", b"", match[1]).decode().strip()


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("postmark", b"X-PM-Metadata-mailwitness: " + ID.encode()),
        ("resend", b"X-Mailwitness-Id: " + ID.encode()),
        ("ses", b"X-SES-MESSAGE-TAGS: mailwitness=" + ID.encode()),
        ("mailgun", b'X-Mailgun-Variables: {"mailwitness":"' + ID.encode() + b'"}'),
        ("brevo", b'X-Mailin-custom: {"mailwitness":"' + ID.encode() + b'"}'),
        ("mailjet", b'X-MJ-EventPayload: {"mailwitness":"' + ID.encode() + b'"}'),
        ("sendgrid", b'X-SMTPAPI: {"unique_args":{"mailwitness":"' + ID.encode() + b'"}}'),
        ("sparkpost", b'X-MSYS-API: {"metadata":{"mailwitness":"' + ID.encode() + b'"}}'),
    ],
)
def test_a_message_without_the_field_gets_it(provider: str, field: bytes) -> None:
    content = b"Subject: a" + BODY
    assert merged(content, provider) == field + b"\r\n" + content


def test_a_field_of_ours_in_the_message_is_no_reason_to_leave_it_alone() -> None:
    content = b"X-Mailwitness-Id: mine" + BODY
    assert merged(content, "resend") == b"X-Mailwitness-Id: " + ID.encode() + b"\r\n" + content


VALUES = [
    "{}",
    " { } ",
    '{"a": "b"}',
    '{"a":{"unique_args":{"x":1}},"z":[{"unique_args":{}}]}',
    '{"unique_args": {}, "metadata": {}}',
    '{"unique_args": {"order": "7\\"{"}, "metadata": {"order": "7"}, "category": ["a", {"b": "}"}]}',
    '{"category": "x", "uniq\\u0075e_args": {"a": 1}, "m\\u0065tadata": {"a": 1}}',
    '{"unique_args": {"a": 1}, "unique_args": {"b": 2}, "metadata": 1, "metadata": {"c": 3}}',
    '{"a": 1,\r\n "unique_args":\r\n {\r\n "b": 2}, "metadata":\r\n\t{ "x": [] }}',
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("provider", "name", "inner"), OBJECTS)
def test_an_object_is_merged_octet_for_octet(provider: str, name: str, inner: str, value: str) -> None:
    wire = merged(f"From: a@b\r\n{name}: {value}".encode() + BODY, provider)
    before = json.loads(re.sub(r"\r\n", "", value))
    after = json.loads(value_of(wire, name))
    expected = (
        {**before, inner: {**before.get(inner, {}), "mailwitness": ID}} if inner else {**before, "mailwitness": ID}
    )
    assert after == expected
    assert list(after) == [key for key in after if key in before or key in (inner, "mailwitness")]


@pytest.mark.parametrize("value", ["", "plain", "[1]", '{"a":', '{"a": NaN}', "=?utf-8?q?{}?=", "[" * 3000, '"x"'])
@pytest.mark.parametrize(("provider", "name", "inner"), OBJECTS)
def test_what_is_no_object_is_left_alone(provider: str, name: str, inner: str, value: str) -> None:
    found = place(f"{name}: {value}".encode() + BODY, provider)
    if provider == "mailjet":
        assert found.edits(ID)[0].replacement == f"X-MJ-CustomID: {ID}\r\n".encode()
        found = place(f"X-MJ-CustomID: mine\r\n{name}: {value}".encode() + BODY, provider)
    assert found.reason == f"{name} left alone: it is no JSON object"
    assert found.edits(ID) == ()


@pytest.mark.parametrize(
    ("provider", "header", "reason"),
    [
        ("postmark", "x-pm-metadata-Mailwitness: mine", "X-PM-Metadata-mailwitness left alone: the message has one"),
        ("sendgrid", 'X-SMTPAPI: {"unique_args": 1}', "X-SMTPAPI left alone: its unique_args is no object"),
        ("sparkpost", 'X-MSYS-API: {"metadata": null}', "X-MSYS-API left alone: its metadata is no object"),
        ("brevo", 'X-Mailin-custom: {"mailwitness": 1}', "X-Mailin-custom left alone: it has mailwitness already"),
        ("sendgrid", "X-SMTPAPI: {}\r\nX-SMTPAPI: {}", "X-SMTPAPI left alone: the message has 2"),
        (
            "sendgrid",
            'X-SMTPAPI: {"a":"' + "x" * 9990 + '"}',
            "X-SMTPAPI left alone: it would be longer than 10000 octets",
        ),
        (
            "ses",
            "X-SES-MESSAGE-TAGS: a=b\r\nX-SES-MESSAGE-TAGS: c=d",
            "X-SES-MESSAGE-TAGS left alone: the message has 2",
        ),
        ("ses", "X-SES-MESSAGE-TAGS: a=b, what", "X-SES-MESSAGE-TAGS left alone: it is no list of name=value"),
        ("ses", "X-SES-MESSAGE-TAGS: mailwitness=1", "X-SES-MESSAGE-TAGS left alone: it has mailwitness already"),
    ],
)
def test_what_the_application_says_is_never_overwritten(provider: str, header: str, reason: str) -> None:
    found = place(header.encode() + BODY, provider)
    assert found.reason == reason
    assert found.edits(ID) == ()


def test_of_several_variables_the_first_is_merged() -> None:
    content = b'X-Mailgun-Variables: {"a": 1}\r\nX-Mailgun-Variables: {"b": 2}' + BODY
    assert merged(content, "mailgun").startswith(
        b'X-Mailgun-Variables: {"mailwitness":"' + ID.encode() + b'","a": 1}\r\n'
    )


@pytest.mark.parametrize(("value", "after"), [("", ""), ("a=b", ",a=b"), (" a=b, c-d=e_f", ", a=b, c-d=e_f")])
def test_tags_are_put_before_those_of_the_application(value: str, after: str) -> None:
    wire = merged(f"X-SES-MESSAGE-TAGS:{value}".encode() + BODY, "ses")
    assert wire.startswith(f"X-SES-MESSAGE-TAGS: mailwitness={ID}{after}\r\n".encode())


@pytest.mark.parametrize("length", [880, 930, 970])
def test_no_line_becomes_too_long(length: int) -> None:
    for value in (
        '{"a":"' + "x" * length + '"}',
        '{ "a":"' + "x" * (length - 10) + '",\r\n "b":{}}',
        "{" + " " * length + "}",
    ):
        wire = merged(f"X-SMTPAPI: {value}".encode() + BODY, "sendgrid")
        head = wire.partition(b"\r\n\r\n")[0]
        assert max(map(len, head.split(b"\r\n"))) <= 998
        assert all(line.strip() for line in head.split(b"\r\n"))
        assert json.loads(value_of(wire, "X-SMTPAPI"))["unique_args"] == {"mailwitness": ID}


def test_a_brace_at_the_end_of_a_full_line_gets_no_empty_line() -> None:
    content = b'X-MSYS-API: {"a":"' + b"x" * 960 + b'","metadata":{\r\n "b": 1}}' + BODY
    wire = merged(content, "sparkpost")
    head = wire.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, head)) <= 998
    assert all(line.strip() for line in head)
    assert json.loads(value_of(wire, "X-MSYS-API"))["metadata"] == {"mailwitness": ID, "b": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["metadata", "a", '"{']), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["metadata", "b", "\\"]), JSON, max_size=3), st.sampled_from(["\n", "\r\n"]))
def test_any_object_is_merged(given_object: dict[str, object], eol: str) -> None:
    value = json.dumps(given_object, indent=1).replace("\n", f"{eol} ")
    content = f"X-MSYS-API: {value}{eol}{eol}".encode()
    found = place(content, "sparkpost")
    metadata = given_object.get("metadata", {})
    if not isinstance(metadata, dict):
        assert found.reason
        return
    after = json.loads(value_of(splice(content, found.edits(ID)), "X-MSYS-API"))
    assert after == {**given_object, "metadata": {**metadata, "mailwitness": ID}}


@given(st.binary(max_size=200), st.sampled_from(["ses", "mailgun", "sendgrid", "mailjet", "postmark"]))
def test_no_octets_break_it(octets: bytes, provider: str) -> None:
    names = {"ses": b"X-SES-MESSAGE-TAGS", "mailgun": b"X-Mailgun-Variables", "sendgrid": b"X-SMTPAPI"}
    content = names.get(provider, b"X-MJ-EventPayload") + b":" + octets
    splice(content, place(content, provider).edits(ID))
