"""What tracking does to any message: nothing outside the values it rewrites, whatever the encoding, however broken."""

from __future__ import annotations

import binascii
import email
import email.policy
import quopri
import re
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from relay.courier.dot import is_clean
from relay.model.token import TokenKind
from relay.rendition.decode import decode_body
from relay.rendition.edit import splice
from relay.rendition.mime import Part, parse, walk
from relay.rendition.parts import part_at
from relay.rendition.reference import decode_references, followed
from relay.rendition.trace import transit_edits
from relay.rendition.tracking import Tracked, track
from relay.rendition.wish import TrackingWish
from tests.support.awkward import octets
from tests.support.corpus import corpus_files
from tests.support.tracked import BASE, tokens

ALL = TrackingWish(opens=True, clicks=True, text_links=True, honeypot=True)
SOUP = [
    *(
        b'<a href="',
        b"<a href='",
        b"<a href=",
        b"<A CLASS=x HREF = ",
        b'"',
        b"'",
        b">",
        b"<",
        b"/>",
        b"</a>",
        b"=",
        b"-",
    ),
    *(
        b"https://example.com/",
        b"http://b\xc3\xbccher.example/?q=1&amp;r=2",
        b"https://x.example/%20a",
        b"mailto:a@b.example",
    ),
    *(
        b"<!--",
        b"-->",
        b"<script>",
        b"</script>",
        b"<style>",
        b"</style>",
        b"<body>",
        b"</body>",
        b"</html>",
        b"<p>",
        b"\xc3\xa4",
    ),
    *(
        b" ",
        b"\r\n",
        b"\n",
        b"\r",
        b"\t",
        b"text ",
        b"--b",
        b"--b\r\n",
        b"&#x41;",
        b"<img alt='<a href=x>'>",
        b"x" * 70,
        b"y" * 300,
    ),
    *(
        b'<a href="https://example.com/one">one</a>',
        b"<a href='http://example.com/two'>two</a>\r\n",
        b"<area href=http://e.org/3>",
    ),
    *(
        b'<a href="https://example.com/\xc3\xa4" data-pm-no-track>',
        b"<svg>",
        b"<![CDATA[",
        b"]]>",
        b"unsubscribe",
        b"=3D",
        b"=\r\n",
    ),
]
soup = st.lists(st.one_of(st.sampled_from(SOUP), st.binary(max_size=3)), max_size=30).map(b"".join)


def as_8bit(body: bytes) -> bytes:
    return body


def as_quoted(body: bytes) -> bytes:
    return quopri.encodestring(body.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


def as_written(body: bytes) -> bytes:
    """Called quoted-printable, and is not."""
    return body


def as_base64(body: bytes) -> bytes:
    encoded: bytes = binascii.b2a_base64(body)
    wrapped: bytes = re.sub(rb"(.{76})(?!\n)", rb"\1\r\n", encoded)
    return wrapped


Encoder = Callable[[bytes], bytes]
ENCODINGS: dict[Encoder, bytes] = {
    as_8bit: b"8bit",
    as_quoted: b"quoted-printable",
    as_written: b"quoted-printable",
    as_base64: b"base64",
}


def message(html: bytes, encode: Encoder = as_8bit, text: bytes = b"See http://example.com/t.\r\n") -> bytes:
    return (
        b"From: a@example.com\r\nX-Mailwitness-Tag: t\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
        b"--m\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + b"\r\n--b\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: " + ENCODINGS[encode] + b"\r\n\r\n"
        + encode(html) + b"\r\n--b--\r\n--m\r\n"
        b"Content-Type: text/html; name=page.html\r\nContent-Disposition: attachment; filename=page.html\r\n\r\n"
        b"<a href=http://example.com/attached>x</a>\r\n--m--\r\n"
    )  # fmt: skip


def marked(content: bytes, wish: TrackingWish = ALL) -> Tracked:
    return track(content, wish, base_url=BASE, new_token=tokens())


def longest_line(octets: bytes) -> int:
    return max(map(len, re.split(rb"\r\n|\r|\n", octets)))


messages = st.one_of(octets, st.builds(message, soup, st.sampled_from(list(ENCODINGS)), soup))


@given(messages)
@example(b"Content-Type: text/html\r\n\r\n")
@example(message(b"--b"))
@example(message(b'"' * 6 + b"x" * 70, as_quoted))
@example(b"Content-Type: text/html\r\n\r\n<a href='http://example.com'>x</a>")
@example(b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj1odHRwOi8vZS5vcmc+")
def test_any_message_becomes_a_copy_that_can_be_sent_and_has_the_parts_it_had(content: bytes) -> None:
    tracked = marked(content)
    before, wire = parse(content), splice(content, transit_edits(content, (), tracked.edits))
    assert is_clean(wire)
    if not tracked.edits:
        assert tracked.skipped
        return
    after = parse(wire)
    touched = {token.part for token in tracked.tokens}
    for old, new in zip(walk(before), walk(after), strict=True):
        assert (old.content_type, old.parameters, old.transfer_encoding) == (
            new.content_type,
            new.parameters,
            new.transfer_encoding,
        )
        assert not new.defects
        if not old.children and old.number not in touched:
            assert crlf(old.body(content)) == crlf(new.body(wire))
    for edit in tracked.edits:
        assert any(part.body_start <= edit.start <= edit.stop <= part.stop for part in map_parts(before, touched))


def map_parts(root: Part, numbers: set[int]) -> list[Part]:
    return [part for number in numbers if (part := part_at(root, number)) is not None]


def crlf(body: bytes) -> bytes:
    """Line ends alike, and none at the end (where it may have been missing)."""
    unified: bytes = re.sub(rb"\r{0,8}\n|\r", b"\n", body)
    return unified.rstrip(b"\n")


TRACKED = re.compile(
    rb"[ \t\r\n\f]*(?:<img src=\""
    + BASE.encode()
    + rb"/o/(\w+)\.gif\"[^>]*>|<a href=\""
    + BASE.encode()
    + rb"/c/(\w+)\""
    rb" style[^>]*></a>|([\"']?)" + BASE.encode() + rb"/c/(\w+)\3)[ \t\r\n\f]*"
)
TRACKED_TEXT = re.compile(rb"()()()" + BASE.encode() + rb"/c/(\w+)")
PLAIN_URL = re.compile(rb"(?i)https?://[^\s<>\"]+")
VALUE = re.compile(rb"[ \t\r\n\f]*(\"[^\"]*\"|'[^']*'|[^ \t\r\n\f>]*)")
SPACE = b" \t\r\n\f"


@given(messages)
def test_the_decoded_text_differs_by_the_rewritten_values_and_the_pixel_alone(content: bytes) -> None:
    tracked = marked(content)
    wire = splice(content, tracked.edits)
    before, after = parse(content), parse(wire)
    for number in {token.part for token in tracked.tokens}:
        old, new = part_at(before, number), part_at(after, number)
        assert old is not None
        assert new is not None
        planned = [token for token in tracked.tokens if token.part == number]
        undone(decode_body(old, content), decode_body(new, wire), planned, is_html=old.content_type == "text/html")


def undone(old: bytes, new: bytes, planned, *, is_html: bool) -> None:
    """Walks through both texts side by side: equal pieces, and between them a token for what stood there."""
    by_id = {token.id: token for token in planned}
    assert not any(token.id.encode() in old for token in planned)
    here = there = 0
    for match in (TRACKED if is_html else TRACKED_TEXT).finditer(new):
        piece = new[there : match.start()].strip(SPACE)
        there = match.end()
        here = skip_space(old, here)
        assert old.startswith(piece, here)
        here += len(piece)
        token = by_id.pop((match[1] or match[2] or match[4]).decode())
        if token.kind is not TokenKind.CLICK:
            continue
        if is_html:
            value = VALUE.match(old, here)
            assert value is not None
            here = value.end()
            text = value[1].strip(match[3]) if match[3] else value[1]
            if text.isascii():
                assert followed(decode_references(text.decode()), "utf-8") == token.url
        else:
            here = skip_space(old, here)
            url = PLAIN_URL.match(old, here)
            assert url is not None
            here = here + len(token.url) if old.startswith(token.url.encode(), here) else url.end()
    assert not by_id
    assert old[here:].strip(SPACE) == new[there:].strip(SPACE)


def skip_space(text: bytes, position: int) -> int:
    while position < len(text) and text[position] in SPACE:
        position += 1
    return position


@given(soup, st.sampled_from([as_8bit, as_quoted, as_base64]))
@example(b'"' * 6 + b"x" * 70, as_quoted)
@example(b"x" * 73 + b"\xc3\xa4", as_quoted)
def test_lines_that_kept_to_their_limit_keep_to_it(html: bytes, encode) -> None:
    content = message(html, encode)
    limit = 998 if encode is as_8bit else 76
    part = part_at(parse(content), 3)
    assert part is not None
    before = longest_line(part.body(content))
    wire = splice(content, marked(content).edits)
    after = part_at(parse(wire), 3)
    assert after is not None
    assert longest_line(after.body(wire)) <= max(limit, before)


@given(messages)
def test_the_standard_library_sees_the_other_parts_as_before(content: bytes) -> None:
    tracked = marked(content)
    before = email.message_from_bytes(content, policy=email.policy.compat32)
    after = email.message_from_bytes(splice(content, tracked.edits), policy=email.policy.compat32)
    changed = 0
    for old, new in zip(before.walk(), after.walk(), strict=True):
        assert old.items() == new.items()
        if not old.is_multipart():
            changed += old.get_payload(decode=True) != new.get_payload(decode=True)
    assert changed == len({token.part for token in tracked.tokens})


@given(messages)
def test_all_copies_of_a_message_are_alike_but_for_their_tokens(content: bytes) -> None:
    first, second = marked(content), track(content, ALL, base_url=BASE, new_token=tokens("other"))
    assert [(token.kind, token.url, token.part) for token in first.tokens] == [
        (token.kind, token.url, token.part) for token in second.tokens
    ]
    assert first.skipped == second.skipped
    assert not {token.id for token in first.tokens} & {token.id for token in second.tokens}


@given(messages)
def test_a_message_that_asks_for_nothing_stays_as_it_is(content: bytes) -> None:
    assert marked(content, TrackingWish()) == Tracked()


@given(soup, st.sampled_from([as_quoted, as_base64]))
@example(b"x" * 74 + b" " + b"y" * 9, as_quoted)
def test_what_is_encoded_well_is_not_called_broken(html: bytes, encode) -> None:
    assert not any("broken" in reason for reason in marked(message(html, encode)).skipped)


def test_messages_of_other_software_become_such_copies_too() -> None:
    made = 0
    for path in corpus_files():
        content = path.read_bytes()
        made += bool(marked(content).edits)
        for proof in (
            test_any_message_becomes_a_copy_that_can_be_sent_and_has_the_parts_it_had,
            test_the_decoded_text_differs_by_the_rewritten_values_and_the_pixel_alone,
            test_the_standard_library_sees_the_other_parts_as_before,
        ):
            proof.hypothesis.inner_test(content)  # type: ignore[attr-defined]
    assert made or not any(corpus_files())


def test_tokens_are_those_that_stand_in_the_copy() -> None:
    for encode in ENCODINGS:
        content = message(b'<a href="https://example.com/one">one</a></body>' * 3, encode)
        tracked = marked(content)
        wire = splice(content, tracked.edits)
        root = parse(wire)
        for token in tracked.tokens:
            part = part_at(root, token.part)
            assert part is not None
            assert decode_body(part, wire).count(token.id.encode()) == 1
        assert [token.kind for token in tracked.tokens] == [TokenKind.CLICK] * 4 + [TokenKind.OPEN, TokenKind.HONEYPOT]
