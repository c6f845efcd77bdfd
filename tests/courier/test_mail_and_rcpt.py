"""The commands of a transaction: only what was given, only what is offered, never an octet that begins another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.courier.capability import Capabilities
from relay.courier.command import Plan, plan
from relay.model.message import Envelope, Recipient
from relay.model.reply import Reply
from tests.support.dispatch import CONTENT

ALL = Capabilities(dict.fromkeys(("SIZE", "8BITMIME", "SMTPUTF8", "DSN"), ""))
B = Recipient("b@example.com")


def planned(wire: bytes = CONTENT, recipients: tuple[Recipient, ...] = (B,), **fields: Any) -> Plan:
    envelope = Envelope(**{"sender": "a@example.com", "recipients": recipients, **fields})
    return plan(envelope, recipients, wire, ALL)


def code_of(line: bytes | Reply) -> str:
    assert isinstance(line, Reply)
    assert line.is_local
    return f"{line.code} {line.enhanced}"


def test_a_plain_message_is_offered_with_its_size() -> None:
    assert planned() == Plan(
        b"MAIL FROM:<a@example.com> SIZE=%d\r\n" % len(CONTENT), (b"RCPT TO:<b@example.com>\r\n",), True
    )


@pytest.mark.parametrize("wire", [b"\r\n\xff\r\n", b"a: b\r\n\r\n\xff\r\n"])
def test_an_eight_bit_body_does_not_need_smtputf8(wire: bytes) -> None:
    assert planned(wire, smtputf8=True).mail == b"MAIL FROM:<a@example.com> SIZE=%d BODY=8BITMIME\r\n" % len(wire)


def test_an_eight_bit_header_without_an_end_needs_smtputf8() -> None:
    mail = planned(b"a: \xff\r\n", smtputf8=True).mail
    assert isinstance(mail, bytes)
    assert mail.endswith(b" BODY=8BITMIME SMTPUTF8\r\n")


def test_an_internationalised_sender_needs_smtputf8() -> None:
    assert (
        planned(sender="ü@example.com").mail == f"MAIL FROM:<ü@example.com> SIZE={len(CONTENT)} SMTPUTF8\r\n".encode()
    )


@pytest.mark.parametrize("evil", ["\r", "\n", "\0", "\x7f", "\x1b"])
def test_a_control_character_in_an_address_refuses_it(evil: str) -> None:
    assert code_of(planned(sender=f"a{evil}@example.com").mail) == "501 5.1.3"
    assert code_of(planned(recipients=(Recipient(f"b{evil}@example.com"),)).rcpts[0]) == "501 5.1.3"


@pytest.mark.parametrize("evil", ["a b", "a\r\nb", "ü", ""])
def test_a_parameter_that_is_not_printable_refuses_it(evil: str) -> None:
    refused = planned(recipients=(Recipient("b@example.com", orcpt=f"rfc822;{evil} "),)).rcpts[0]
    assert code_of(refused) == "501 5.5.4"
    assert code_of(planned(envid=f"{evil}\t").mail) == "501 5.5.4"


def test_an_address_that_is_not_utf_8_refuses_it() -> None:
    assert code_of(planned(recipients=(Recipient("b\udcff@example.com"),)).rcpts[0]) == "553 5.1.3"


@given(st.text(), st.text(), st.text())
def test_a_line_is_one_line(address: str, envid: str, orcpt: str) -> None:
    offer = planned(recipients=(Recipient(address, orcpt=orcpt),), sender=address, envid=envid)
    for line in (offer.mail, *offer.rcpts):
        if isinstance(line, bytes):
            assert line.endswith(b"\r\n")
            assert not set(line[:-2]) & {0, 10, 13}
