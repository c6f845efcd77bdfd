"""Messages as an application makes them: composed by another implementation, read by ours."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.summary import Addressee
from relay.rendition.decode import decode_body, decode_text
from relay.rendition.extract import extract
from relay.rendition.mime import parse
from relay.rendition.parts import attachments, cid_map, html_leaf, part_at, text_leaf

words = st.lists(
    st.text(st.sampled_from("abcXYZ019äöüß€日本😀.,;:!?()<>@'\"-_=&"), min_size=1, max_size=12), min_size=1, max_size=12
).map(" ".join)
lines = st.lists(st.text(st.sampled_from("abc .=äß€日😀\t<&>"), max_size=120), max_size=8).map("\n".join)
names = (
    st.text(st.sampled_from("abc äß€日.-_()"), min_size=1, max_size=60).map(str.strip).filter(lambda n: n.strip(" ."))
)


@pytest.mark.parametrize("policy", [SMTP, SMTPUTF8], ids=["SMTP", "SMTPUTF8"])
@settings(max_examples=40, deadline=None)
@given(subject=words, name=names, text=lines, html=lines, file=names, data=st.binary(max_size=200))
def test_what_another_implementation_wrote_is_read_as_it_was_meant(
    policy: EmailPolicy, subject: str, name: str, text: str, html: str, file: str, data: bytes
) -> None:
    made = EmailMessage(policy=policy)
    made["Subject"] = subject
    made["From"] = Address(name, "jo", "example.com")
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    page_part: Any = made.get_payload(1)
    page_part.add_related(data, "image", "png", cid="<logo@example.com>")
    made.add_attachment(data, "application", "pdf", filename=file)
    content = made.as_bytes()
    root, summary = parse(content), extract(content)

    # Python 3.11 loses spaces between encoded words when it folds a field: compared without them.
    assert "".join(summary.subject.split()) == "".join(subject.split())
    assert summary.senders == (Addressee(summary.senders[0].name, "jo@example.com"),)
    assert "".join(summary.senders[0].name.split()) == "".join(name.split())
    plain, page = text_leaf(root), html_leaf(root)
    assert plain is not None
    assert page is not None
    assert decode_text(plain, content).rstrip("\n") == text.rstrip("\n")
    assert decode_text(page, content).rstrip("\n") == html.rstrip("\n")
    logo, pdf = attachments(root, content)
    assert cid_map(root) == {"logo@example.com": logo.number}
    assert (logo.is_inline, pdf.is_inline, summary.attachment_count) == (True, False, 1)
    assert pdf.filename.split() == file.strip(" .").split()
    for item in (logo, pdf):
        part = part_at(root, item.number)
        assert part is not None
        assert decode_body(part, content) == data
        assert item.size == len(data)
