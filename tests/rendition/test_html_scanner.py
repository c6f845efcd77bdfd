"""What is a tag in HTML, and where exactly its attributes stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.html import MAX_ATTRIBUTES, Scanner, Tag, attributes, masked

LINK = b"<a href=x>"


def names(html: bytes) -> tuple[list[bytes], str]:
    """The tags, an end tag with its slash, and what the text ends within."""
    scanner = Scanner(html)
    found = [b"/" * tag.is_end + tag.name for tag in scanner]
    return found, scanner.unfinished


@pytest.mark.parametrize(
    ("html", "expected", "unfinished"),
    [
        (b"", [], ""),
        (b"a < b <3 <", [], ""),
        (b"text</", [], ""),
        (b"<A HREF='x'>y</A >", [b"a", b"/a"], ""),
        (b"<br/><p/ ><hr / >", [b"br", b"p", b"hr"], ""),
        (b"<a href=\"<a>'\" title='<b>\"'><i x=<b>", [b"a", b"i"], ""),
        (b"<a =x ==y z = >", [b"a"], ""),
        (b"<a b='c", [], "tag"),
        (b"<a b=c", [], "tag"),
        (b"<a b = 'c' d = \"", [], "tag"),
        (b"<p></a", [b"p"], "tag"),
        (b"</><a></ x><b></#>", [b"a", b"b"], ""),
        (b"</#", [], "comment"),
        (b"<!-- <a> --><b><!-- <c> --!><d>", [b"b", b"d"], ""),
        (b"<!--><a><!---><b><!----><c>", [b"a", b"b", b"c"], ""),
        (b"<!--[if mso]><a><![endif]--><b>", [b"b"], ""),
        (b"<!--[if !mso]><!--><a><!--<![endif]--><b>", [b"a", b"b"], ""),
        (b"<![if !mso]><a><![endif]><b>", [b"a", b"b"], ""),
        (b"<!-- <a> ->", [], "comment"),
        (b"<!DOCTYPE html><?xml <a>?><b>", [b"b"], ""),
        (b"<!doctype", [], "comment"),
        (b"<![CDATA[<a>]]><b>", [b"b"], ""),
        (b"<svg><![CDATA[<a>]]><b></svg><![CDATA[<c>]]>", [b"svg", b"b", b"/svg"], ""),
        (b"<svg><![CDATA[<a>", [b"svg"], "comment"),
        (b"<svg/><style><a></style></svg></math>", [b"svg", b"style", b"/style", b"/svg", b"/math"], ""),
        (
            b"<svg><style><a></style></svg><style><b></style>",
            [b"svg", b"style", b"a", b"/style", b"/svg", b"style", b"/style"],
            "",
        ),
        (b"<STYLE>a<b><!--</Style ><i>", [b"style", b"/style", b"i"], ""),
        (b"<title><a></titles></title/>", [b"title", b"/title"], ""),
        (b"<textarea><a>", [b"textarea"], "textarea"),
        (b"<plaintext><a></plaintext><b>", [b"plaintext"], "plaintext"),
        (b"<script>'<a>'</script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><!-- <script> </script> --> <a></script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><!-- <script> </script> </script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><!--> <script> </script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><!-- <script> --> </script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><script></script><b>", [b"script", b"/script", b"b"], ""),
        (b"<script><!--<script></script>", [b"script"], "script"),
        (b"<xmp><a></xmp><noscript><a></noscript>", [b"xmp", b"/xmp", b"noscript", b"a", b"/noscript"], ""),
    ],
)
def test_what_is_a_tag_is_what_the_html_standard_says(html: bytes, expected: list[bytes], unfinished: str) -> None:
    assert names(html) == (expected, unfinished)


def only(html: bytes) -> dict[bytes, bytes | None]:
    """The values of the first tag, as they stand with their quotes."""
    tag = next(iter(Scanner(html)))
    return {name: html[one.start : one.stop] for name, one in attributes(html, tag).items()}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (b"<a>", {}),
        (b"<a href=x>", {b"href": b"x"}),
        (b"<a\nHREF\n=\n'x y'>", {b"href": b"'x y'"}),
        (b'<a/href="x"b=c/>', {b"href": b'"x"', b"b": b"c/"}),
        (b"<a href=x href=y>", {b"href": b"x"}),
        (b"<a checked href>", {b"checked": b"", b"href": b""}),
        (b"<a href= >", {b"href": b""}),
        (b"<a href='' b=\"\">", {b"href": b"''", b"b": b'""'}),
        (b"<a =href=x y=a'b\"c>", {b"=href": b"x", b"y": b"a'b\"c"}),
        (b"</a href=x>", {b"href": b"x"}),
        (b"<a'b href=x>", {b"href": b"x"}),
    ],
)
def test_attributes_are_found_where_they_stand(html: bytes, expected: dict[bytes, bytes]) -> None:
    assert only(html) == expected


def test_a_value_is_told_apart_from_its_quotes() -> None:
    html = b"<a b=\"\" href='x'>"
    href = attributes(html, next(iter(Scanner(html))))[b"href"]
    assert (html[href.value_start : href.value_stop], html[href.start : href.stop]) == (b"x", b"'x'")
    empty = attributes(html, next(iter(Scanner(html))))[b"b"]
    assert empty.value_start == empty.value_stop == empty.start + 1


def test_no_more_than_so_many_attributes_of_a_tag_are_looked_at() -> None:
    assert b"href" not in only(b"<a " + b"".join(b"x%d " % n for n in range(MAX_ATTRIBUTES)) + b"href=x>")


@given(st.text("<>/!-='\"a bscript\n[]CDAT?").map(str.encode))
def test_tags_stand_in_order_and_their_attributes_within_them(html: bytes) -> None:
    position = 0
    for tag in Scanner(html):
        assert position <= tag.start < tag.stop <= len(html)
        assert html[tag.start : tag.start + 1] == b"<"
        assert html[tag.stop - 1 : tag.stop] == b">"
        for one in attributes(html, tag).values():
            assert tag.start < one.start <= one.value_start <= one.value_stop <= one.stop < tag.stop
        position = tag.stop


def test_japanese_between_escapes_is_no_markup() -> None:
    text = "<p>日本<a href=x>表\"'<>の</a>".encode("iso2022_jp")
    seen = masked(text, "ISO-2022-JP")
    assert len(seen) == len(text)
    assert [tag.name for tag in Scanner(seen)] == [b"p", b"a", b"a"]
    assert masked(text, "utf-8") == text
    assert Tag(b"p", False, 0, 3) == next(iter(Scanner(seen)))
