"""Mode redirect: who gets mail in whose place."""

from __future__ import annotations

from relay.model.message import Recipient
from relay.model.redirect import is_target, redirected


def test_each_recipient_is_replaced_by_every_target() -> None:
    recipients = [Recipient("b@example.net", "DELAY", "rfc822;b@example.net"), Recipient("QA@example.com", "NEVER")]
    assert list(redirected(recipients, ["qa@example.com", "dev@example.com"])) == [
        (Recipient("qa@example.com"), "b@example.net"),
        (Recipient("dev@example.com"), "b@example.net"),
        (Recipient("QA@example.com", "NEVER"), None),
    ]


def test_without_targets_nobody_gets_anything() -> None:
    assert list(redirected([Recipient("b@example.net")], [])) == []
    assert not is_target("b@example.net", [])
