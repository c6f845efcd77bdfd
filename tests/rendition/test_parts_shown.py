import pytest
from hypothesis import given

from relay.rendition.decode import decode_body, decode_text
from relay.rendition.mime import parse, walk
from relay.rendition.parts import (
    Attachment,
    attachment_count,
    attachments,
    bodies,
    cid_map,
    content_id,
    html_leaf,
    is_message,
    leaves,
    part_at,
    text_leaf,
)
from tests.support.awkward import ALTERNATIVE, octets

ROOT = parse(ALTERNATIVE)


def mixed(*parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner + b"--b--\r\n"


@given(octets)
def test_every_leaf_is_a_body_or_an_attachment(content: bytes) -> None:
    root = parse(content)
    shown = {part.number for part in bodies(root)} | {item.number for item in attachments(root, content)}
    assert shown == {part.number for part in leaves(root)}
    for part in walk(root):
        assert part_at(root, part.number) is part
    assert set(cid_map(root).values()) <= shown
    for leaf in (html_leaf(root), text_leaf(root)):
        assert leaf is None or leaf in bodies(root)


def test_the_bodies_of_a_message_in_common_use_are_found() -> None:
    text, html = text_leaf(ROOT), html_leaf(ROOT)
    assert text is not None
    assert html is not None
    assert (text.number, decode_text(text, ALTERNATIVE)) == (3, "Grüße")
    assert (html.number, decode_text(html, ALTERNATIVE)) == (4, "<p>Hi</p>")
    assert cid_map(ROOT) == {"logo@example": 5}


def test_attachments_are_listed_with_name_type_and_decoded_size() -> None:
    assert attachments(ROOT, ALTERNATIVE) == (
        Attachment(5, "logo.png", "image/png", 8, "logo@example", True),
        Attachment(6, "bill 7.pdf", "application/pdf", 5, "", False),
        Attachment(7, "", "message/rfc822", 29, "", False),
    )
    assert attachment_count(ROOT) == 2


@given(octets)
def test_attachments_can_be_counted_without_the_content(content: bytes) -> None:
    root = parse(content)
    assert attachment_count(root) == sum(not item.is_inline for item in attachments(root, content))


def test_a_part_is_found_by_its_number() -> None:
    pdf = part_at(ROOT, 6)
    assert pdf is not None
    assert decode_body(pdf, ALTERNATIVE) == b"%PDF-"
    assert part_at(ROOT, 99) is None


def test_what_an_attached_message_holds_is_not_this_message() -> None:
    assert [part.number for part in leaves(ROOT)] == [3, 4, 5, 6, 7]
    assert [part.number for part in leaves(parse(b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhi"))] == [1]
    assert is_message(ROOT.children[2])


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (b"", "body"),
        (b"Content-Type: text/html\r\n", "body"),
        (b"Content-Disposition: inline\r\n", "body"),
        (b"Content-Disposition: inline; filename=a.txt\r\n", "body"),
        (b"Content-Type: text/plain; name=a.txt\r\n", "attachment"),
        (b"Content-Disposition: attachment\r\n", "attachment"),
        (b"Content-Type: text/csv\r\n", "attachment"),
        (b"Content-Type: application/pdf\r\nContent-Disposition: inline; filename=a.pdf\r\n", "attachment"),
        (b"Content-Type: image/png\r\nContent-ID: <a>\r\nContent-Disposition: attachment\r\n", "attachment"),
        (b"Content-Type: application/pdf\r\nContent-ID: <a>\r\n", "attachment"),
        (b"Content-Type: image/png\r\nContent-ID: <a>\r\n", "inline"),
        (b"Content-Type: font/woff\r\nContent-ID: <a>\r\nContent-Disposition: inline\r\n", "inline"),
    ],
)
def test_what_is_read_in_place_and_what_is_attached(header: bytes, kind: str) -> None:
    content = mixed(header + b"\r\nx")
    (leaf,) = leaves(parse(content))
    found = attachments(parse(content), content)
    assert kind == ("body" if leaf in bodies(parse(content)) else "inline" if found[0].is_inline else "attachment")


def test_a_multipart_without_parts_is_read_as_the_text_it_is() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\njust text"
    leaf = text_leaf(parse(content))
    assert leaf is not None
    assert decode_text(leaf, content) == "just text"


def test_of_equal_content_ids_the_first_wins() -> None:
    image = b"Content-Type: image/png\r\nContent-ID: <a>\r\n\r\nx"
    root = parse(mixed(image, image, b"\r\ny"))
    assert cid_map(root) == {"a": 1}
    assert content_id(root.children[2]) == ""


def test_without_a_body_there_is_no_leaf() -> None:
    root = parse(mixed(b"Content-Type: image/png\r\n\r\nx"))
    assert html_leaf(root) is None
    assert text_leaf(root) is None
