"""Which URL a browser follows for what stands in an attribute, and which targets are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.reference import (
    MAX_URL,
    NoLink,
    decode_references,
    followed,
    host_of,
    is_within,
    says_unsubscribe,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&b=2", "?a=1&b=2"),
        ("?a&copy=1&copy;&copyx&copy", "?a&copy=1©&copyx©"),
        ("&notin;&notit;&not", "∉&notit;¬"),
        ("&amp;amp;", "&amp;"),
        ("&#38;&#x26&#X26;&#0038", "&&&&"),
        ("&#0;&#xD800;&#x110000;&#99999999999999;", "\ufffd\ufffd\ufffd\ufffd"),
        ("&#150;&#x80;&#129;", "–€\ufffd"),
        ("&#;&#x;&;&nosuch;", "&#;&#x;&;&nosuch;"),
        ("plain", "plain"),
    ],
)
def test_references_are_decoded_as_a_browser_does_in_attributes(text: str, expected: str) -> None:
    assert decode_references(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com", "http://example.com"),
        (" \n\thttps://example.com/a b?c d#e f\x00 ", "https://example.com/a%20b?c%20d#e%20f"),
        ("https://exa\nmple.com/\ta", "https://example.com/a"),
        ("HTTPS://Example.COM:8443/x", "HTTPS://Example.COM:8443/x"),
        ("http:\\\\example.com\\a?b\\c", "http://example.com/a?b\\c"),
        ("http:////example.com", "http://example.com"),
        ("https://bücher.example/ä?ö=ü#ß", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC#%C3%9F"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://☃.example/", "https://xn--n3h.example/"),
        ("http://example。com/", "http://example.com/"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
        ("http://example.com/100%/?a=b|c{d}[e]^\"'<>`", "http://example.com/100%/?a=b|c{d}[e]^\"'<>`"),
        ("http://example.com/%20abc%20%C3%A4%", "http://example.com/%20abc%20%C3%A4%"),
        ("http://example.com/?" + "x" * 2000, "http://example.com/?" + "x" * 2000),
    ],
)
def test_a_link_leads_where_a_browser_would_go(text: str, expected: str) -> None:
    assert followed(text) == expected
    assert followed(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#top",
        "mailto:a@example.com",
        "tel:+49",
        "cid:logo",
        "javascript:alert(1)",
        "ftp://example.com/",
        "/path",
        "//x",
        "http:x",
    ],
)
def test_what_does_not_lead_to_the_web_is_no_link(text: str) -> None:
    with pytest.raises(NoLink) as why:
        followed(text)
    assert str(why.value) == ""


@pytest.mark.parametrize(
    ("text", "charset", "reason"),
    [
        ("http://example.com/" + "x" * MAX_URL, "utf-8", "longer than 8000 characters"),
        ("http://user:secret@example.com/", "utf-8", "with a user name or password"),
        ("http://exa mple.com/", "utf-8", "its host cannot be read"),
        ("http://ex%61mple.com/", "utf-8", "its host cannot be read"),
        ("http:///", "utf-8", "its host cannot be read"),
        ("http://example.com:x/", "utf-8", "its host cannot be read"),
        ("http://ä\u0378.example/", "utf-8", "its host cannot be read"),
        ("http://example.com/?ä", "iso-8859-1", "its query depends on the charset"),
        *(
            (f"http://example.com/{left}", "utf-8", "left for a template to fill in")
            for left in (
                "{{x}}",
                "{%x%}",
                "*|UNSUB|*",
                "%recipient.id%",
                "?d=%date%&x",
                "%%name%%",
                "${x}",
                "<%=x%>",
                "[[x]]",
            )
        ),
    ],
)
def test_a_target_that_programs_read_differently_is_left_alone(text: str, charset: str, reason: str) -> None:
    with pytest.raises(NoLink) as why:
        followed(text, charset)
    assert str(why.value) == reason


@given(st.text())
def test_what_is_followed_is_ascii_and_leads_to_the_web(text: str) -> None:
    try:
        url = followed(f"https://example.com/{text}")
    except NoLink:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert host_of(url) == "example.com"


def test_domains_include_the_hosts_below_them() -> None:
    domains = frozenset({"example.com"})
    assert is_within(host_of("https://WWW.Example.com:8443/x"), domains)
    assert is_within("example.com", domains)
    assert not is_within("badexample.com", domains)
    assert host_of("mailto:x") == ""


@pytest.mark.parametrize(
    "words",
    [
        "Unsubscribe here",
        "/opt-out?x",
        "Newsletter abbestellen",
        "Se désabonner",
        "uitschrijven",
        "配信停止はこちら",
        "Отписаться",
    ],
)
def test_a_link_to_unsubscribe_is_known_by_its_words(words: str) -> None:
    assert says_unsubscribe(words)
    assert not says_unsubscribe("Subscribe, sunsubs, options")
