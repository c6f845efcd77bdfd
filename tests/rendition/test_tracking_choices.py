"""What tracking rewrites, what it leaves alone, and what it says of it."""

import base64
import quopri

import pytest

from relay.model.token import TokenKind
from relay.rendition.edit import splice
from relay.rendition.leaf import Change, Unfit
from relay.rendition.leaf_base64 import Base64Leaf
from relay.rendition.leaf_plain import PlainLeaf
from relay.rendition.leaf_quoted import QuotedLeaf
from relay.rendition.links import MAX_LINKS, text_links
from relay.rendition.tracking import Tracked, survey, track
from relay.rendition.wish import TrackingWish
from tests.support.tracked import BASE, tokens

CLICKS = TrackingWish(clicks=True)
OPENS = TrackingWish(opens=True)
TEXT = TrackingWish(clicks=True, text_links=True)


def html(body: bytes, header: bytes = b"", charset: bytes = b"utf-8") -> bytes:
    return header + b"Content-Type: text/html; charset=" + charset + b"\r\n\r\n" + body + b"\r\n"


def tracked(content: bytes, wish: TrackingWish = CLICKS) -> Tracked:
    return track(content, wish, base_url=BASE, new_token=tokens())


def urls(content: bytes, wish: TrackingWish = CLICKS) -> list[str]:
    return [token.url for token in tracked(content, wish).tokens]


def test_links_of_a_and_area_are_tracked_and_nothing_else_is() -> None:
    body = (
        b"<base href='https://base.example/'><link href='http://e.org/l'><script src='http://e.org/s'></script>"
        b"<a href='http://e.org/a'>x</a><area href=http://e.org/area><img src='http://e.org/i'>"
        b"<form action='http://e.org/f'></form><a href='relative'>x</a><a name='x'>x</a><a href='mailto:x@e.org'>x</a>"
        b"<!-- <a href='http://e.org/c'> --><a title='<a href=http://e.org/t>' href='http://e.org/b'>"
    )
    assert urls(html(body)) == ["http://e.org/a", "http://e.org/area", "http://e.org/b"]
    assert tracked(html(body)).skipped == ()


def test_links_that_must_stay_are_counted_with_the_reason() -> None:
    body = (
        b"<a href='http://e.org/1' data-mailwitness-no-track>x</a><a href='http://e.org/2' data-pm-no-track=''>x</a>"
        b"<a href='http://e.org/3'>Please <b>unsubscribe</b></a><a href='http://e.org/listed?a=1&amp;b=2'>x</a>"
        b"<a href='http://www.excluded.example/'>x</a><a href='https://t.example.org/c/x'>x</a>"
        b"<a href='http://e.org/{{x}}'>x</a><a href='http://e.org/\xff'>x</a><a href='http://e.org/kept'><b>x</b>"
    )
    wish = TrackingWish(clicks=True, excluded_domains=frozenset({"excluded.example"}))
    content = html(body, b"List-Unsubscribe: <mailto:x@e.org>, <http://e.org/listed?a=1&b=2>\r\n")
    result = tracked(content, wish)
    assert [token.url for token in result.tokens] == ["http://e.org/kept"]
    assert set(result.skipped) == {
        "2 links left alone: marked as not to be tracked",
        "2 links left alone: to unsubscribe",
        "1 link left alone: to an excluded domain",
        "1 link left alone: tracked already",
        "1 link left alone: left for a template to fill in",
        "1 link left alone: its octets do not fit the charset",
    }


def test_the_pixel_stands_before_the_last_end_of_the_body() -> None:
    result = tracked(html(b"<body>x</body><!-- </body> -->y</body> z <a href=http://e.org/>"), OPENS)
    (edit,), (token,) = result.edits, result.tokens
    assert token.kind is TokenKind.OPEN
    content = html(b"<body>x</body><!-- </body> -->y</body> z <a href=http://e.org/>")
    assert content[edit.start :].startswith(b"</body> z")
    assert f'<img src="{BASE}/o/{token.id}.gif" '.encode() in splice(content, result.edits)


def test_spots_beside_each_other_stand_in_the_order_of_the_text() -> None:
    content = html(b"<a href=http://e.org/1>x</a></body><a href=http://e.org/2>y</a>")
    kinds = [token.kind for token in tracked(content, TrackingWish(opens=True, clicks=True, honeypot=True)).tokens]
    assert kinds == [TokenKind.CLICK, TokenKind.OPEN, TokenKind.HONEYPOT, TokenKind.CLICK]


def test_without_an_end_of_the_body_the_pixel_stands_at_the_end() -> None:
    content = html(b"<p>x</p> \r\n\r\n")
    assert splice(content, tracked(content, OPENS).edits).endswith(b'border:0"> \r\n\r\n\r\n')


def test_html_that_ends_within_a_comment_gets_no_pixel_but_tracked_links() -> None:
    result = tracked(html(b"<a href='http://e.org/'>x</a><!-- x"), TrackingWish(opens=True, clicks=True))
    assert result.skipped == ("part 0 without pixel: its HTML ends within a comment",)
    assert [token.kind for token in result.tokens] == [TokenKind.CLICK]


def test_two_html_bodies_share_one_pixel() -> None:
    leaf = b"--b\r\nContent-Type: text/html\r\n\r\n<a href=http://e.org/>x</a>\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + leaf * 2 + b"--b--\r\n"
    kinds = [(token.part, token.kind) for token in tracked(content, TrackingWish(opens=True, clicks=True)).tokens]
    assert kinds == [(1, TokenKind.CLICK), (1, TokenKind.OPEN), (2, TokenKind.CLICK)]


def multipart(kind: bytes, *leaves: bytes) -> bytes:
    return (
        b"Content-Type: "
        + kind
        + b"; boundary=b\r\n\r\n"
        + b"".join(b"--b\r\n" + leaf for leaf in leaves)
        + b"--b--\r\n"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (html(b"x", b"DKIM-Signature: v=1\r\n"), "it is already signed (DKIM-Signature)"),
        (html(b"x", b"ARC-Seal: i=1\r\n"), "it is already signed (ARC-Seal)"),
        (multipart(b"multipart/signed", html(b"x")), "it is signed (S/MIME or PGP)"),
        (multipart(b"multipart/mixed", multipart(b"multipart/encrypted", html(b"x"))), "it is encrypted (PGP)"),
        (b"Content-Type: application/pkcs7-mime\r\n\r\nx\r\n", "it is signed or encrypted (S/MIME)"),
        (
            multipart(b"multipart/alternative", html(b"x"), b"Content-Type: text/calendar\r\n\r\nx\r\n"),
            "it is a calendar invitation",
        ),
        (b"Content-Type: message/rfc822\r\n\r\n" + html(b"x"), "it is another message, attached"),
        (multipart(b"multipart/report", html(b"x")), "it is a report on another message"),
        (html(b"-----BEGIN PGP MESSAGE-----"), "it is signed or encrypted (PGP)"),
        (html(b"x")[:-6], "its MIME structure is defective: no blank line between header and body"),
        (html(b"x", b"Content-Type: text/plain\r\n"), "its MIME structure is defective: 2 fields content-type"),
        (
            multipart(b"multipart/mixed", html(b"x")).replace(
                b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1
            ),
            "its MIME structure is defective: a multipart with a transfer encoding",
        ),
    ],
)
def test_a_message_that_a_change_would_break_is_left_alone(content: bytes, reason: str) -> None:
    if "no blank line" in reason:
        content = b"Content-Type: text/html\r\n<p>x</p>\r\n\r\nx\r\n"
    assert tracked(content, OPENS) == Tracked(skipped=(f"left alone: {reason}",))


def test_signatures_are_taken_out_if_that_is_the_policy_and_something_changes() -> None:
    wish = TrackingWish(opens=True, strip_signatures=True)
    content = html(b"x", b"DKIM-Signature: v=1;\r\n b=x\r\nFrom: a@example.com\r\nARC-Seal: i=1\r\n")
    wire = splice(content, tracked(content, wish).edits)
    assert wire.startswith(b"From: a@example.com\r\nContent-Type")
    plain = b"DKIM-Signature: v=1\r\n\r\ntext\r\n"
    assert tracked(plain, wish) == Tracked(skipped=("no HTML in it",))


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        (b"", b"", "it is empty"),
        (b"Content-MD5: x\r\n", b"x", "it has a checksum (Content-MD5)"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n", b"x", "its transfer encoding (x-uuencode) is not known"),
        (b"Content-Transfer-Encoding: base64\r\n", b"abc", "its base64 is broken"),
        (b"Content-Transfer-Encoding: base64\r\n", b"YQ==YQ==", "its base64 is broken"),
        (b"Content-Transfer-Encoding: base64\r\n", b"YWFh====", "its base64 is broken"),
        (b"Content-Transfer-Encoding: base64\r\n", b"Y W F h " * 30, "its base64 is broken"),
        (b"Content-Transfer-Encoding: quoted-printable\r\n", b"a==\r\n41", "its quoted-printable is broken"),
        (b"", b"<\0p\0>\0", "its octets are not of its charset"),
        (b"", b"\xff\xfex", "its octets are not of its charset"),
    ],
)
def test_a_leaf_that_readers_decode_differently_is_left_alone(header: bytes, body: bytes, reason: str) -> None:
    assert tracked(html(body, header), OPENS) == Tracked(skipped=(f"part 0 left alone: {reason}",))


@pytest.mark.parametrize("charset", [b"utf-7", b"UTF-16LE", b"hz-gb-2312", b"zlib"])
def test_a_charset_without_ascii_is_left_alone(charset: bytes) -> None:
    result = tracked(html(b"<p>x</p>", charset=charset), OPENS)
    assert result.skipped == (
        f"part 0 left alone: its charset ({charset.decode().lower()}) is not one that can be edited",
    )


@pytest.mark.parametrize("charset", ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"])
def test_links_are_found_in_charsets_of_several_octets(charset: str) -> None:
    body = '<p>表示中文<a href="http://e.org/">一<</a>'
    octets = body.encode(charset, "ignore")
    content = html(octets, charset=charset.encode())
    result = tracked(content)
    assert [token.url for token in result.tokens] == ["http://e.org/"]
    new = splice(content, result.edits).partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    assert new.decode(charset).replace(f"{BASE}/c/{result.tokens[0].id}", "http://e.org/") == octets.decode(charset)


def test_a_path_is_read_in_its_charset() -> None:
    assert urls(html("<a href=http://e.org/ä>x</a>".encode("latin-1"), charset=b"iso-8859-1")) == [
        "http://e.org/%C3%A4"
    ]
    assert urls(html(b"<a href=http://e.org/?\xe4>x</a>", charset=b"iso-8859-1")) == []
    assert urls(html("<a href=http://e.org/?ä>x</a>".encode(), charset=b"utf8")) == ["http://e.org/?%C3%A4"]


def text(body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    return b"Content-Type: " + kind + b"\r\n\r\n" + body + b"\r\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b"See http://e.org/a, or (http://e.org/b). HTTPS://e.org/c!",
            ["http://e.org/a", "http://e.org/b", "HTTPS://e.org/c"],
        ),
        (
            b"<http://e.org/a> http://e.org/w_(x) http://e.org/[1]]",
            ["http://e.org/a", "http://e.org/w_(x)", "http://e.org/[1]"],
        ),
        (b"xhttp://e.org/ ftp://e.org http://", []),
        (b"*http://e.org/* http://b\xc3\xbccher.example/ http://e.org/a\\b", []),
        (b"To unsubscribe go to\r\nhttp://e.org/x\r\n\r\nhttp://e.org/y", ["http://e.org/y"]),
        (b"http://e.org/{{x}} http://a:b@e.org/", []),
    ],
)
def test_links_in_plain_text_are_tracked_when_asked_for(body: bytes, expected: list[str]) -> None:
    assert urls(text(body), TEXT) == expected
    assert urls(text(body), CLICKS) == []


def test_a_link_that_format_flowed_may_go_on_with_is_left_alone() -> None:
    kind = b"text/plain; format=flowed; delsp=yes"
    assert urls(text(b"http://e.org/a \r\nb http://e.org/c d", kind), TEXT) == ["http://e.org/c"]
    assert urls(text(b"http://e.org/a \r\nb", b"text/plain; format=flowed"), TEXT) == ["http://e.org/a"]


def test_a_message_has_no_more_than_so_many_tracked_links() -> None:
    link = b"<a href=http://e.org/>x</a>\r\n"
    result = tracked(html(link * (MAX_LINKS + 2)))
    assert len(result.tokens) == MAX_LINKS
    assert result.skipped == (f"2 links left alone: more than {MAX_LINKS} in the message",)
    both = multipart(b"multipart/alternative", text(b"http://e.org/\r\n" * 5), html(link * MAX_LINKS))
    assert tracked(both, TEXT).skipped == (f"5 links left alone: more than {MAX_LINKS} in the message",)
    assert text_links(b"http://e.org/ " * (MAX_LINKS + 3), "utf-8").excess == 3


def test_a_long_line_is_broken_beside_a_link_and_text_without_room_is_left() -> None:
    line = b'<a href="http://e.org/"--x>' + b"x" * 960
    wire = splice(html(line), tracked(html(line)).edits)
    assert b'<a href=\r\n"https' in wire
    assert b'"--x>' in wire
    flowing = b'<a href="http://e.org/" b>' + b"x" * 960
    assert b'"\r\n b>' in splice(html(flowing), tracked(html(flowing)).edits)
    full = text(b"http://e.org/ " + b"x" * 980)
    assert tracked(full, TEXT).edits == ()
    beyond = html(b"<a href='http://e.org/'>" + b"x" * 2000)
    assert len(splice(beyond, tracked(beyond).edits).split(b"\r\n")) == len(beyond.split(b"\r\n"))


def test_base64_keeps_all_but_the_touched_groups() -> None:
    body = b"<p>" + b"before " * 40 + b"<a href='http://e.org/'>x</a>" + b" after" * 40
    content = html(base64.encodebytes(body).replace(b"\n", b"\r\n"), b"Content-Transfer-Encoding: base64\r\n")
    (edit,) = tracked(content).edits
    assert edit.stop - edit.start < 50
    plain = text(
        base64.encodebytes(b"http://e.org/ http://e.org/abc " + b"x" * 90),
        b"text/plain\r\nContent-Transfer-Encoding: base64",
    )
    wire = splice(plain, tracked(plain, TEXT).edits)
    assert base64.b64decode(wire.partition(b"\r\n\r\n")[2]).endswith(b" " + b"x" * 90)


def test_quoted_printable_keeps_all_but_the_touched_octets() -> None:
    body = quopri.encodestring(b"<p>" + b"before " * 40 + b"<a href='http://e.org/'>x</a>" + b" after" * 40)
    content = html(body, b"Content-Transfer-Encoding: quoted-printable\r\n")
    (edit,) = tracked(content).edits
    assert content[edit.start : edit.stop].replace(b"=\n", b"") == b"'http://e.org/'"


def test_changes_may_stand_at_any_place_of_a_leaf() -> None:
    for make in (QuotedLeaf, Base64Leaf):
        for source in (b"abcdefgh\r\n", b"a-b", b"x" * 100, b"-" * 80):
            encoded = source if make is QuotedLeaf else base64.b64encode(source)
            for start in range(len(source) + 1):
                for stop in (start, min(start + 2, len(source))):
                    leaf = make(b"??" + encoded + b"??", 2, len(encoded) + 2)
                    change = Change(start, stop, b"-new=-" * 13)
                    wire = splice(b"??" + encoded + b"??", leaf.edits([change], "x"))
                    again = make(wire, 2, len(wire) - 2)
                    assert again.text == source[:start] + change.replacement + source[stop:]
                    assert not any(line.startswith(b"-") for line in wire.split(b"\r\n")[1:])
    leaf = QuotedLeaf(b"ab--b" + b"x" * 60, 0, 65)
    assert splice(b"ab--b" + b"x" * 60, leaf.edits([Change(0, 2, b"y" * 60)], "x")).startswith(
        b"y" * 60 + b"=\r\n=2D-b"
    )
    assert leaf.edits([], "x") == Base64Leaf(b"YWFh", 0, 4).edits([], "x") == ()
    plain = PlainLeaf(b"ab", 2)
    assert splice(b"??ab", plain.edits([Change(2, 2, b"x")], "x")) == b"??abx"
    assert plain.edits([], "x") == ()


def test_a_leaf_that_is_unfit_says_why() -> None:
    with pytest.raises(Unfit, match="broken"):
        QuotedLeaf(b"==\r\n41", 0, 6)


@pytest.mark.parametrize(
    "url", ["", "t.example", "https://t.example/", "https://t.example/?x", "https://a b", "javascript:x"]
)
def test_only_a_base_url_is_one(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        survey(html(b"x"), OPENS, base_url=url)


def test_a_token_must_be_fit_for_a_url() -> None:
    with pytest.raises(ValueError, match="URL-safe"):
        track(html(b"x"), OPENS, base_url=BASE, new_token=lambda: "a b")
