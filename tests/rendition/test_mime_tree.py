from hypothesis import given, settings
from hypothesis import strategies as st

from relay.rendition.mime import MAX_DEPTH, MAX_FIELDS, MAX_PARTS, Part, header_fields, parse, segments, walk
from tests.support.awkward import ALTERNATIVE, octets


def outline(content: bytes) -> list[tuple[int, str, bytes]]:
    """(depth, type, body) of each part; a container's body is left out."""
    return [
        (part.depth, part.content_type, b"" if part.children else part.body(content)) for part in walk(parse(content))
    ]


def joined(content: bytes) -> bytes:
    return b"".join(content[segment.start : segment.stop] for segment in segments(parse(content)))


def mixed(body: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


@settings(max_examples=400)
@given(octets)
def test_the_segments_of_any_octets_join_to_the_octets(content: bytes) -> None:
    assert joined(content) == content


@settings(max_examples=200)
@given(octets)
def test_spans_nest_and_follow_one_another(content: bytes) -> None:
    parts = list(walk(parse(content)))
    assert [part.number for part in parts] == list(range(len(parts)))
    for part in parts:
        assert part.start <= part.header_stop <= part.body_start <= part.stop
        inner = [part.body_start, *(edge for child in part.children for edge in (child.start, child.stop)), part.stop]
        assert inner == sorted(inner)
        for field in part.fields:
            assert part.start <= field.start < field.value_start <= field.value_stop <= field.stop <= part.header_stop


@given(st.lists(octets.filter(lambda piece: b"--" not in piece), min_size=1, max_size=5))
def test_parts_written_between_delimiters_are_found_again(bodies: list[bytes]) -> None:
    content = mixed(b"".join(b"--b\r\n\r\n" + body + b"\r\n" for body in bodies) + b"--b--\r\n")
    root = parse(content)
    found = [child.body(content) for child in root.children]
    # A CR at a body's end joins the delimiter's line end.
    assert [body.rstrip(b"\r") for body in found] == [body.rstrip(b"\r") for body in bodies]
    assert not root.defects


def test_a_message_in_common_use_has_the_tree_its_author_meant() -> None:
    assert [(part.depth, part.content_type) for part in walk(parse(ALTERNATIVE))] == [
        (0, "multipart/mixed"),
        (1, "multipart/related"),
        (2, "multipart/alternative"),
        (3, "text/plain"),
        (3, "text/html"),
        (2, "image/png"),
        (1, "application/pdf"),
        (1, "message/rfc822"),
        (2, "text/plain"),
    ]
    kinds = [segment.kind for segment in segments(parse(ALTERNATIVE)) if segment.number == 0]
    assert kinds == ["header", "separator", "preamble", *["delimiter"] * 4, "epilogue"]
    assert not any(part.defects for part in walk(parse(ALTERNATIVE)))


def test_the_line_end_before_a_delimiter_belongs_to_the_delimiter() -> None:
    assert outline(mixed(b"--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\r\n--b--")) == [
        (0, "multipart/mixed", b""),
        (1, "text/plain", b"one\r\n"),
        (1, "text/plain", b"two"),
    ]


def test_bare_line_ends_are_line_ends() -> None:
    for eol in (b"\n", b"\r", b"\r\r\n"):
        content = ALTERNATIVE.replace(b"\r\n", eol)
        assert [part.content_type for part in walk(parse(content))] == [
            part.content_type for part in walk(parse(ALTERNATIVE))
        ]
        assert joined(content) == content


def test_a_field_is_found_with_its_name_value_and_folding() -> None:
    content = b"Subject: one\r\n two\r\nTo    : a@b\r\n\r\nbody"
    subject, to = parse(content).fields
    assert (subject.name, subject.key, subject.value(content)) == ("Subject", "subject", b" one\r\n two")
    assert content[subject.start : subject.stop] == b"Subject: one\r\n two\r\n"
    assert (to.name, to.value(content)) == ("To", b" a@b")
    assert parse(content).first("SUBJECT") == subject
    assert parse(content).first("cc") is None
    assert header_fields(content) == (subject, to)


def test_a_field_may_end_with_the_content() -> None:
    content = b"Subject: one"
    root = parse(content)
    assert root.fields[0].stop == root.header_stop == root.body_start == len(content)
    assert not root.defects


def test_an_mbox_line_and_a_byte_order_mark_before_the_first_field_are_passed_over() -> None:
    for before in (b"From jo Tue Nov 24\r\n", b">From jo\r\n", b"\xef\xbb\xbf"):
        root = parse(before + b"Subject: x\r\n\r\n")
        assert [field.name for field in root.fields] == ["Subject"]
        assert root.start == 0
        assert not root.defects


def test_a_junk_line_between_fields_is_skipped_and_noted() -> None:
    content = b"Subject: x\r\njunk\r\nTo: y\r\nmore junk\r\nCc: z\r\n\r\nbody"
    root = parse(content)
    assert [field.name for field in root.fields] == ["Subject", "To", "Cc"]
    assert root.defects == ("a line in the header that is no field",)
    assert root.body(content) == b"body"


def test_a_line_that_is_no_field_ends_the_header() -> None:
    content = b"Subject: x\r\nDear Jo,\r\nhow are you?"
    root = parse(content)
    assert root.body(content) == b"Dear Jo,\r\nhow are you?"
    assert root.defects == ("no blank line between header and body",)


def test_octets_without_any_header_are_all_body() -> None:
    for content in (b"", b"\x89PNG", b"hello\r\nthere"):
        assert parse(content).body(content) == content


def test_a_message_of_a_blank_line_alone_has_an_empty_body() -> None:
    assert parse(b"\r\n").body(b"\r\n") == b""


def test_boundaries_that_begin_alike_are_kept_apart() -> None:
    inner = b"--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\ninner\r\n--bb--\r\n"
    content = mixed(inner + b"--b\r\n\r\nouter\r\n--bbb\r\nstill outer\r\n--b--\r\n")
    assert outline(content) == [
        (0, "multipart/mixed", b""),
        (1, "multipart/mixed", b""),
        (2, "text/plain", b"inner"),
        (1, "text/plain", b"outer\r\n--bbb\r\nstill outer"),
    ]


def test_a_boundary_that_ends_with_two_hyphens_is_a_boundary() -> None:
    assert len(parse(mixed(b"--b--\r\n\r\none\r\n--b----\r\n", boundary=b"b--")).children) == 1


def test_of_equal_boundaries_the_innermost_takes_the_delimiter() -> None:
    content = mixed(
        b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--"
    )
    assert outline(content) == [
        (0, "multipart/mixed", b""),
        (1, "multipart/mixed", b""),
        (2, "text/plain", b"x"),
        (1, "text/plain", b"y"),
    ]


def test_an_outer_delimiter_ends_an_inner_multipart_that_was_not_closed() -> None:
    content = mixed(b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--")
    root = parse(content)
    assert root.children[0].defects == ("multipart without its closing delimiter",)
    assert root.children[0].children[0].body(content) == b"x"
    assert root.children[1].body(content) == b"y"


def test_an_unterminated_multipart_is_noted_and_its_last_part_reaches_the_end() -> None:
    content = mixed(b"--b\r\n\r\nlast\r\n")
    root = parse(content)
    assert root.defects == ("multipart without its closing delimiter",)
    assert root.children[0].body(content) == b"last\r\n"


def test_a_delimiter_ends_a_header_section_that_has_no_blank_line() -> None:
    content = mixed(b"--b\r\nContent-Type: image/png\r\n--b\r\n--b\r\n\r\n--b--")
    assert outline(content)[1:] == [(1, "image/png", b""), (1, "text/plain", b""), (1, "text/plain", b"")]
    assert joined(content) == content


def test_a_delimiter_may_be_the_last_line_and_have_no_line_end() -> None:
    content = mixed(b"--b")
    assert [child.body(content) for child in parse(content).children] == [b""]


def test_hyphens_that_are_no_delimiter_do_not_end_a_part_or_its_header() -> None:
    content = mixed(b"--b\r\n--x: y\r\n-- \r\n\r\n--b--")
    assert joined(content) == content
    assert len(parse(content).children) == 1


def test_without_a_usable_boundary_a_multipart_is_a_leaf() -> None:
    for parameter in (b"", b"; boundary=", b"; boundary=" + b"x" * 5000):
        root = parse(b"Content-Type: multipart/mixed" + parameter + b"\r\n\r\n--x\r\n\r\n")
        assert root.defects == ("multipart without a usable boundary",)
        assert not root.children


def test_a_content_type_that_cannot_be_read_is_noted_and_text() -> None:
    for value in (b"", b"text", b"/plain", b"te\xffxt/plain", b"text/\x01"):
        root = parse(b"Content-Type: " + value + b"\r\n\r\n")
        assert (root.content_type, root.defects) == ("text/plain", ("Content-Type cannot be read",))


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    content = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\nhi\r\n--b--"
    assert outline(content)[1:] == [(1, "message/rfc822", b""), (2, "text/plain", b"hi")]


def test_an_attached_message_is_looked_into_unless_it_is_encoded() -> None:
    content = b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhi"
    assert len(list(walk(parse(content)))) == 2
    encoded = b"Content-Transfer-Encoding: base64\r\n" + content
    assert len(list(walk(parse(encoded)))) == 1


def nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))


def test_nesting_a_thousand_deep_is_read_to_the_limit(  # attack 26
) -> None:
    parts = list(walk(parse(nested(1000))))
    assert len(parts) == MAX_DEPTH
    assert "not looked into" in parts[-1].defects[0]
    assert joined(nested(1000)) == nested(1000)
    messages = b"Content-Type: message/rfc822\r\n\r\n" * 300
    assert len(list(walk(parse(messages)))) == MAX_DEPTH


def test_fifty_thousand_parts_are_read_to_the_limit() -> None:  # attack 27
    content = mixed(b"--b\r\n\r\n" * 50_000)
    parts = list(walk(parse(content)))
    assert len(parts) == MAX_PARTS
    assert parts[0].defects[0] == f"more than {MAX_PARTS} parts"
    assert joined(content) == content


def test_a_multipart_with_no_room_for_parts_is_a_leaf() -> None:
    last = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx"
    content = mixed(b"--b\r\n\r\n" * (MAX_PARTS - 2) + last)
    parts = list(walk(parse(content)))
    assert len(parts) == MAX_PARTS
    assert parts[-1].defects == (f"not looked into: more than {MAX_DEPTH} levels or {MAX_PARTS} parts",)


def test_header_fields_beyond_the_limit_are_passed_over_and_noted() -> None:
    for end, stop in ((b"\r\nbody", 2), (b"", 0)):
        content = b"a: b\r\n" * (MAX_FIELDS + 10) + end
        root = parse(content)
        assert len(root.fields) == MAX_FIELDS
        assert root.body_start - root.header_stop == stop
        assert root.defects == (f"more than {MAX_FIELDS} header fields",)


def test_a_delimiter_is_seen_among_header_fields_beyond_the_limit() -> None:
    content = mixed(b"--b\r\n" + b"a: b\r\n" * MAX_FIELDS + b"--x\r\na: b\r\n--b\r\n\r\nsecond\r\n--b--")
    assert [child.body(content) for child in parse(content).children] == [b"", b"second"]


def test_of_a_long_run_of_carriage_returns_only_the_last_belong_to_the_delimiter() -> None:
    content = mixed(b"--b\r\n\r\nx" + b"\r" * 12 + b"\n--b--")
    assert parse(content).children[0].body(content) == b"x" + b"\r" * 4


def test_a_value_is_handed_out_to_a_limit_only() -> None:
    content = b"Subject:" + b"x" * 300_000 + b"\r\n\r\n"
    assert len(parse(content).fields[0].value(content)) == 100 * 1024


def test_parts_are_values() -> None:
    assert parse(ALTERNATIVE) == parse(ALTERNATIVE)
    assert isinstance(parse(b""), Part)
