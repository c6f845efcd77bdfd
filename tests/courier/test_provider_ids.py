"""How providers name a message in their reply to the final dot."""

from __future__ import annotations

import pytest

from relay.courier.provider_id import provider_id

SES = "010201815c5b2cd1-d9d4c53f-5d4e-4a6e-a0ad-d0b8ad0d5b7b-000000"
UUID = "0a129aee-e1cd-480d-b08d-4f48548ff48d"


@pytest.mark.parametrize(
    ("provider", "text", "found"),
    [
        ("ses", f"Ok {SES}", SES),
        ("ses", "Ok", None),
        ("sendgrid", "Ok: queued as vXr5kZ4wTf6bZ0pJq3y7Sg", "vXr5kZ4wTf6bZ0pJq3y7Sg"),
        ("mailgun", "Great success", None),
        ("mailgun", "Queued. Thank you. <20261124.1.8F@mg.example.com>", "20261124.1.8F@mg.example.com"),
        ("postmark", f"Ok: queued as {UUID}", UUID),
        ("postmark", f"Message accepted: {UUID}", UUID),
        ("resend", f"Ok: queued as {UUID}.", UUID),
        (
            "brevo",
            "OK: queued as <202611241430.48219320@smtp-relay.mailin.fr>",
            "202611241430.48219320@smtp-relay.mailin.fr",
        ),
        ("mailjet", "OK queued as 3f4b7d52-21d8-4f4c-9d5e-7a1c9c1d1f7a", "3f4b7d52-21d8-4f4c-9d5e-7a1c9c1d1f7a"),
        ("sparkpost", "OK 8F/C1-12345-0A1B2C3D", None),
        ("sparkpost", "OK id=8F/C1-12345-0A1B2C3D", "8F/C1-12345-0A1B2C3D"),
        ("", "Ok: queued as 4QkXj52Wz9z", "4QkXj52Wz9z"),
        ("", "queued as message", None),
        ("", "Message-ID: <abcdef.1@x.example>", "abcdef.1@x.example"),
        ("", f"accepted {UUID}", UUID),
        ("", "OK id=ab1", None),
        ("", "", None),
    ],
)
def test_the_identifier_is_read(provider: str, text: str, found: str | None) -> None:
    assert provider_id(provider, text) == found


def test_a_long_reply_costs_little() -> None:
    assert provider_id("ses", "queued as " * 10_000 + SES) is None
