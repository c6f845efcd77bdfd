"""Two messages that say the same have one fingerprint, whatever their program writes differently each time."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid

from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.fingerprint import MAX_NAMES, fingerprint


def built(text: str = "Hello.", *, boundary: str, date: str = "Tue, 24 Nov 2026 13:00:00 +0000") -> bytes:
    message = EmailMessage()
    message["Date"] = date
    message["Message-ID"] = make_msgid()
    message["Subject"] = "Invoice"
    image_id = make_msgid()
    message.set_content(text)
    message.add_alternative(f'<p>{text}<img src="cid:{image_id[1:-1]}">', subtype="html")
    message.get_payload()[1].add_related(b"png", "image", "png", cid=image_id)  # type: ignore[union-attr, index]
    message.set_boundary(boundary)
    return message.as_bytes()


def test_what_is_made_anew_counts_by_its_order() -> None:
    one = built(boundary="=====1111111111==", date="Tue, 24 Nov 2026 13:00:00 +0000")
    other = built(boundary="=====222222==", date="Tue, 24 Nov 2026 13:00:09 +0000")
    assert one != other
    assert fingerprint(one) == fingerprint(other)


def test_another_word_or_subject_is_another_message() -> None:
    one = built(boundary="=====1111111111==")
    assert fingerprint(built("Hello!", boundary="=====1111111111==")) != fingerprint(one)
    assert fingerprint(one.replace(b"Invoice", b"Reminder")) != fingerprint(one)
    assert fingerprint(b"Subject: a\r\n\r\nb") != fingerprint(b"Subject: a\r\n\r\nc")


def test_trace_and_signatures_do_not_count() -> None:
    content = b"Subject: a\r\n\r\nHello.\r\n"
    traced = b"Received: by x\r\nDKIM-Signature: v=1;\r\n b=x\r\nMessage-ID: <1@x>\r\n" + content
    assert fingerprint(traced) == fingerprint(content)


def test_a_name_in_the_text_is_no_name() -> None:
    content = b"Content-Type: multipart/mixed; boundary=short\r\n\r\n--short\r\n\r\nshort\r\n--short--\r\n"
    assert fingerprint(content) != fingerprint(content.replace(b"short", b"other"))


def test_more_names_than_are_made_alike_count_as_written() -> None:
    def parts(mark: str) -> bytes:
        bodies = "".join(f"--x\r\nContent-ID: <{mark}-{number:08}>\r\n\r\n\r\n" for number in range(MAX_NAMES + 1))
        return f"Content-Type: multipart/mixed; boundary=x\r\n\r\n{bodies}--x--\r\n".encode()

    assert fingerprint(parts("a")) != fingerprint(parts("b"))


@given(st.binary(max_size=300))
def test_no_octets_break_it(content: bytes) -> None:
    assert len(fingerprint(content)) == 32
