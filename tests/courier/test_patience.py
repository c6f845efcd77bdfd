"""What servers ask for when they refuse for now."""

from __future__ import annotations

import pytest

from relay.courier.patience import asked
from relay.model.reply import Reply, local_reply


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 5 minutes", 300),
        ("Recipient address rejected: Greylisted, see http://postgrey.example/help/example.com.html", None),
        ("Greylisting in action, please come back in 00:04:59", 299),
        ("please try again in 4:30", 270),
        ("retry after 300 seconds", 300),
        ("Please retry after 5 min", 300),
        ("try again later, wait 60s", 60),
        ("Please wait for 2 hours and try again", 7200),
        ("Resources temporarily unavailable. Please try again later. Retry-After: 120", 120),
        ("greylisted, delayed for at least 300 seconds", 300),
        ("try again in about 1 day", 86400),
        ("Temporarily rejected. Try again in\n10 minutes", 600),
        ("try again later", None),
        ("try again in 5", None),
        ("too many messages in 60 seconds", None),
        ("try again in 0 seconds", None),
        ("try again in 100 days", None),
        ("try again in 192.0.2.1", None),
        ("mailbox full for 10 minutes, retry after 20 minutes", 1200),
        ("", None),
    ],
)
def test_the_wait_is_found_in_the_words(text: str, seconds: int | None) -> None:
    assert asked(Reply(450, text, "4.2.0")) == seconds


def test_only_a_temporary_refusal_by_the_peer_asks_for_patience() -> None:
    assert asked(Reply(550, "try again in 5 minutes")) is None
    assert asked(Reply(250, "try again in 5 minutes")) is None
    assert asked(local_reply(421, "4.4.1", "not reached; tried again in 5 s")) is None
