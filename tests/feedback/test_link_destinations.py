from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.feedback.destination import destination


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://a.example/", "https://a.example/"),
        ("HTTP://A.example", "HTTP://A.example"),
        ("https://a.example/?q=%7E&x=a+b#%20f", "https://a.example/?q=%7E&x=a+b#%20f"),
        ("https://a.example/{{name}}/%%x", "https://a.example/{{name}}/%%x"),
        ("  https://a.example/a b\t\r\n", "https://a.example/a%20b"),
        ("https://a.example/a\r\nSet-Cookie: x", "https://a.example/aSet-Cookie:%20x"),
        ("https://a.example/ä?ö=日", "https://a.example/%C3%A4?%C3%B6=%E6%97%A5"),
        ("http://bücher.example:8080/ä b?x=%7E", "http://xn--bcher-kva.example:8080/%C3%A4%20b?x=%7E"),
        ("https://me:pw@bücher.example/", "https://me:pw@xn--bcher-kva.example/"),
        ("https://a.example/" + "x" * 2000, "https://a.example/" + "x" * 2000),
        ("https://a.example/\x00\x7f", "https://a.example/%00%7F"),
        ("https://ü..example/", "https://%C3%BC..example/"),
        ("https://:80", "https://:80"),
    ],
)
def test_a_link_leads_where_the_message_said(url: str, location: str):
    assert destination(url) == location


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "//evil.example",
        "\\\\evil",
        "data:text/html,x",
        "mailto:a@b",
        "https:",
        "https://",
        "ftp://a/",
    ],
)
def test_other_addresses_lead_nowhere(url: str):
    assert destination(url) is None


@given(st.text(max_size=40).map(lambda text: "https://" + text) | st.text(max_size=40))
def test_a_location_is_always_printable_ascii_of_the_web(url: str):
    location = destination(url)
    if location is not None:
        assert location.isascii()
        assert location.isprintable()
        assert " " not in location
        assert location.lower().startswith(("https://", "http://"))
