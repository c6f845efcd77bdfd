"""The cleaning of HTML for the preview, the second line of defence."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.message.preview import MAX_EMBEDDED, MAX_HTML, MAX_LINKS, MAX_TAGS, POLICY, Preview, TooMuch, make_preview

PICTURE = "data:image/png;base64,AAAA"


def preview(html: str, pictures: dict[str, str] | None = None) -> Preview:
    return make_preview(html, (pictures or {}).get)


def body(html: str, pictures: dict[str, str] | None = None) -> str:
    return preview(html, pictures).document.partition("<body>")[2].partition("</body>")[0].strip()


def test_the_policy_allows_nothing_but_data_pictures_and_styles() -> None:
    assert POLICY == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox"
    )


@pytest.mark.parametrize(
    "html",
    [
        "<script>a()</script>",
        "<iframe src=http://x.example></iframe>",
        "<object data=http://x.example></object>",
        "<embed src=http://x.example>",
        "<meta http-equiv=refresh content='0;url=http://x.example'>",
        "<base href=http://x.example>",
        "<link rel=stylesheet href=http://x.example>",
        "<form action=http://x.example></form>",
        "<svg><image href=http://x.example /></svg>",
        "<video src=http://x.example></video>",
        "<!-- <img src=http://x.example> -->",
    ],
)
def test_what_could_run_or_fetch_is_dropped(html: str) -> None:
    assert body(html) == ""


def test_handlers_are_dropped_and_the_element_stays() -> None:
    assert body("<p onclick=a() onmouseover=b()>text</p>") == "<p>text</p>"


def test_remote_pictures_become_grey_boxes_and_are_counted() -> None:
    made = preview(
        '<img src="https://x.example/a.png" width="1"><img src="//y.example/b"><table background="http://z.example/c">'
    )
    assert made.remote == 2
    assert "x.example" not in made.document
    assert 'width="1"' in made.document


def test_pictures_of_the_message_become_data_addresses() -> None:
    assert f'src="{PICTURE}"' in body('<img src="cid:logo@shop">', {"logo@shop": PICTURE})


def test_a_picture_that_is_not_there_is_a_grey_box() -> None:
    assert "svg" in body('<img src="cid:nothing">')


@pytest.mark.parametrize(
    "address", ["data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "data:image/png,raw"]
)
def test_a_data_address_is_kept_for_pictures_made_of_dots_only(address: str) -> None:
    made = body(f'<img src="{address}">')
    assert address not in made
    assert preview(f'<img src="{address}">').remote == 0


def test_pictures_beyond_the_limit_are_grey_boxes() -> None:
    large = "data:image/png;base64," + "A" * (MAX_EMBEDDED // 2 + 4)
    made = body('<img src="cid:a"><img src="cid:a">', {"a": large})
    assert made.count(large) == 1


def test_links_lose_their_address_and_are_listed() -> None:
    made = preview(
        '<a href="https://x.example/a?b=1&amp;c=2" title="Bank">pay</a><a href="javascript:a()">b</a><a href="/c">c</a>'
    )
    assert made.links == ("https://x.example/a?b=1&c=2",)
    assert "href=" not in made.document
    assert '<a title="https://x.example/a?b=1&amp;c=2">pay</a>' in made.document
    assert "Bank" not in made.document


def test_a_link_whose_address_holds_markup_stays_one_attribute() -> None:
    made = body('<a href=\'https://x.example/"><img src=q>\' class="a>b">t</a>')
    assert re.fullmatch(r'<a title="https://x\.example/[^"]*" class="a(>|&gt;)b">t</a>', made)


def test_no_more_links_are_listed_than_the_limit() -> None:
    made = preview("".join(f'<a href="https://x.example/{n}">n</a>' for n in range(MAX_LINKS + 5)))
    assert len(made.links) == MAX_LINKS


@pytest.mark.parametrize(
    ("css", "left"),
    [
        ("color:red", "color:red"),
        ("background:#fff url(http://x.example/a) no-repeat", "background:#fff none no-repeat"),
        ("background:URL( 'http://x.example/a' )", "background:none"),
        ("background:url(http://x.example", "background:"),
        ("@import 'http://x.example'", "off- 'http://x.example'"),
        ("a:image-set('http://x.example' 1x)", "a:off-'http://x.example' 1x)"),
    ],
)
def test_styles_keep_their_looks_and_lose_what_they_would_fetch(css: str, left: str) -> None:
    assert body(f"<style>{css}</style>") == f"<style>{left}</style>"


def test_remote_pictures_of_styles_are_counted() -> None:
    assert preview('<p style="background:url(http://x.example/a)">a</p>').remote == 1
    assert preview('<p style="background:url(data:image/png;base64,AA)">a</p>').remote == 0


def test_html_beyond_the_limit_is_cut_and_says_so() -> None:
    assert preview("a" * (MAX_HTML + 1)).is_cut
    assert not preview("a" * 100).is_cut


def test_more_tags_than_the_limit_are_refused() -> None:
    with pytest.raises(TooMuch):
        preview("<b>" * (MAX_TAGS + 1))


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * MAX_TAGS,
        "<style>" + "url(" * 200_000,
        '<p style="' + "url(')" * 200_000 + '">',
        "<a href='https://x.example/" + "&quot;" * 200_000 + "'>x</a>",
        "<a " + "x " * 500_000,
    ],
)
def test_the_worst_html_takes_a_few_seconds_at_most(html: str) -> None:
    began = time.thread_time()
    preview(html)
    assert time.thread_time() - began < 20


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<a href='",
                "'>",
                "<img src=",
                "http://x.example",
                "cid:a ",
                "javascript:x",
                "<style>",
                "</style>",
                "url(",
                ")",
                '"',
                "'",
                ">",
                "<",
                "<script>",
                "</script>",
                "<svg>",
                "<math>",
                "<p style='",
                "onerror=x ",
                "&quot;",
                "<!--",
                "-->",
                "<table>",
                "<td background=",
            ]
        ),
        max_size=30,
    )
)
def test_no_order_of_pieces_leaves_an_address_to_fetch_or_a_handler(pieces: list[str]) -> None:
    made = body("".join(pieces))
    without_text = re.sub(r"<style>.*?</style>", "", made, flags=re.DOTALL)
    tags = re.findall(r"<(?:[^\">]|\"[^\"]*\")*>", without_text)
    for tag in tags:
        bare = re.sub(r'="[^"]*"', "=", tag)
        assert not re.search(r"\s(on\w+|href|background|srcset)=", bare), tag
        assert not re.search(r'src="(?!data:)', tag), tag


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"u\72l(//x.example)", "none"),
        (r"\75\000072 \l(//x.example)", "none"),
        (r"\72abc", r"\72abc"),
        (r"u\\72l(//x.example)", r"u\\72l(//x.example)"),
        (r"\22 a\2014 ", r"\22 a\2014 "),
    ],
)
def test_letters_of_a_style_sheet_that_are_escaped_are_read_as_letters(written: str, read: str) -> None:
    assert f"a:{read}" in make_preview(f"<p style='a:{written}'>x</p>", lambda _: None).body
