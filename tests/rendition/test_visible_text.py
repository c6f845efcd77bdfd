import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.text import SNIPPET_LENGTH, html_to_text, snippet

MARKUP = [
    *("<p>", "</p>", "<br/>", "<td>", "<!--", "-->", "<script>", "</script>", "<style", ">", "<", "a", " ", "\n", "&"),
    *("&amp;", "&#1;", "&#xD800;", "&#999999999;", "&nbsp", '="', "='", '"', "</", "<a href=", "<![CDATA[", "\0"),
]
markup = st.lists(st.one_of(st.sampled_from(MARKUP), st.text(max_size=3)), max_size=60).map("".join)


@given(markup, st.integers(0, 50))
def test_no_markup_is_too_strange(html: str, limit: int) -> None:
    whole = html_to_text(html)
    whole.encode("utf-8", "surrogatepass")
    assert len(html_to_text(html, limit)) <= limit
    assert len(snippet(whole)) <= SNIPPET_LENGTH


@given(st.text(st.characters(exclude_characters="<&\r\f\t"), max_size=80))
def test_text_without_markup_keeps_its_words(text: str) -> None:
    assert html_to_text(text).split() == text.split()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>Dear&nbsp;Jo,<p>see <b>INV</b>-1", "Dear\xa0Jo,\nsee INV-1"),
        ("<div>a</div>\n\n<div> b </div><div></div><br><br>c", "a\nb\nc"),
        ("<table><tr><td>1<td>2</tr><tr><th>3</table>", "1 2\n3"),
        ("a\n\t b", "a b"),
        ("<head><title>T</title><style>p{}</style></head><body>x<script>if(a<b)c</script>y", "xy"),
        ("<STYLE>a</STYLE >b<script>c</scripty></script/>d", "bd"),
        ("<script>never closed", ""),
        ("</script>x", "x"),
        ("a<!-- <p>no</p> -->b<!---->c<!-->d", "abcd"),
        ("a<!-- never closed", "a"),
        ("<!doctype html><?xml?></>x", "x"),
        ("1 < 2 <3 <<b>x", "1 < 2 <3 <x"),
        ("<a title='x>y' href=\"a>b\">z", "z"),
        ("<a title=\"never closed>z</a> 'x", "z 'x"),
        ('<a href=foo"bar>z', "z"),
        ("a<b unfinished", "a"),
        ("&lt;b&gt; &euro;5 &#8364;6 &#x20AC;7 &unknown; &", "<b> €5 €6 €7 &unknown; &"),
        ("&#" + "9" * 10_000 + ";x", "\ufffdx"),
    ],
)
def test_what_is_seen_of_html(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_a_limit_ends_the_reading() -> None:
    assert all("abc\ndef".startswith(html_to_text("<p>abc<p>def", room)) for room in range(10))
    assert html_to_text("<p>abc<p>def", 6).startswith("abc\nd")
    assert html_to_text("abcdef", 3) == "abc"
    assert html_to_text("a" * 1000 + "<p>x", 10) == "a" * 10


def test_a_snippet_is_one_short_line_without_invisible_filling() -> None:
    assert snippet("  Hello\n\u200b\u034f\xad \xa0 Jo  ") == "Hello Jo"
    assert len(snippet("word " * 1000)) <= SNIPPET_LENGTH
    assert snippet("") == ""
