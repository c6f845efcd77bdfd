"""SMTP conversations put together from facts: all that is kept, nothing that is not."""

from __future__ import annotations

from dataclasses import replace

from relay.model.delivery import Attempt, Delivery, State
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.reply import Reply
from viewer.message.conversation import MOST_ATTEMPTS, MOST_RECIPIENTS, Line, attempts, reception

ANN = Recipient("ann@example.org", notify="FAILURE", orcpt="rfc822;ann@example.org")
MESSAGE = Message(
    "M",
    1,
    "shop",
    Mode.RELAY,
    Envelope(
        "a@example.com", (ANN,), body="8BITMIME", smtputf8=True, ret="HDRS", envid="e", auth="<>", declared_size=9
    ),
    Reception("192.0.2.1:5", "app.example", "ESMTPSA", "smtp", "TLSv1.3", "AES", "shop", "192.0.2.9"),
    10,
    bytes(32),
)
DELIVERY = Delivery("D", "M", ANN, State.SENT, 1)
ATTEMPT = Attempt("A", "D", "M", 1, "ses", 5, (), bytes(32), 12, 6, Reply(250, "ok\nsecond line", "2.0.0"))


def said(lines: tuple[Line, ...], side: str) -> list[str]:
    return [line.text for line in lines if line.side == side]


def test_reception_shows_the_envelope_with_every_parameter() -> None:
    told = reception(MESSAGE)
    assert said(told.lines, "client") == [
        "EHLO app.example",
        "AUTH … (as shop; the secret is not kept)",
        "MAIL FROM:<a@example.com> SIZE=9 BODY=8BITMIME RET=HDRS ENVID=e SMTPUTF8 AUTH=<>",
        "RCPT TO:<ann@example.org> NOTIFY=FAILURE ORCPT=rfc822;ann@example.org",
        "DATA",
    ]
    assert said(told.lines, "server") == ["250 2.0.0 queued as M"]
    assert "through proxy 192.0.2.9" in told.lines[0].text
    assert any("TLSv1.3 AES" in text for text in said(told.lines, "aside"))


def test_an_old_client_says_helo_and_nothing_that_it_did_not_say() -> None:
    bare = replace(
        MESSAGE,
        envelope=Envelope("", (Recipient("b@example.org"),)),
        reception=Reception("unix", "old", "SMTP", "smtp"),
    )
    assert said(reception(bare).lines, "client") == ["HELO old", "MAIL FROM:<>", "RCPT TO:<b@example.org>", "DATA"]
    silent = replace(bare, reception=Reception("unix", "", "SMTP", "smtp"))
    assert said(reception(silent).lines, "client")[0] == "MAIL FROM:<>"


def test_many_recipients_are_counted() -> None:
    many = tuple(Recipient(f"r{n}@example.org") for n in range(MOST_RECIPIENTS + 4))
    told = reception(replace(MESSAGE, envelope=Envelope("", many)))
    assert "and 4 more recipients" in said(told.lines, "aside")


def test_what_did_not_come_by_smtp_says_so() -> None:
    told = reception(replace(MESSAGE, reception=Reception("viewer", "", "HTTP", "viewer")))
    assert told.lines[-1].text == "It did not come by SMTP."
    assert said(told.lines, "client") == []


def test_an_attempt_shows_its_reply_in_full() -> None:
    (told,) = attempts(MESSAGE, [DELIVERY], [replace(ATTEMPT, peer="p:25", tls_version="TLSv1.2", sender="b+d@x")])
    assert said(told.lines, "server") == ["250 2.0.0 ok\nsecond line"]
    assert said(told.lines, "client")[0] == "MAIL FROM:<b+d@x>"
    assert told.lines[0].text == "Attempt 1 through ses at p:25"
    assert told.lines[1].text == "Encrypted: TLSv1.2"
    assert not told.is_open


def test_an_attempt_that_never_got_through_claims_nothing_was_said() -> None:
    local = Reply(451, "connection refused", is_local=True)
    (told,) = attempts(MESSAGE, [DELIVERY], [replace(ATTEMPT, reply=local)])
    assert said(told.lines, "client") == []
    assert told.lines[-1].text == "Our own word, the provider said nothing: 451 connection refused"


def test_an_uncertain_attempt_shows_what_was_sent() -> None:
    local = Reply(451, "closed", is_local=True)
    (told,) = attempts(MESSAGE, [DELIVERY], [replace(ATTEMPT, reply=local, is_uncertain=True)])
    assert "DATA" in said(told.lines, "client")


def test_an_open_attempt_has_no_reply_yet() -> None:
    (told,) = attempts(MESSAGE, [DELIVERY], [replace(ATTEMPT, finished_at=None, reply=None)])
    assert told.is_open
    assert told.lines[-1].text == "No reply yet."
    (closed,) = attempts(MESSAGE, [DELIVERY], [replace(ATTEMPT, reply=None)])
    assert closed.lines[-1].side == "aside"


def test_attempts_stand_by_time_the_latest_only_and_of_known_deliveries() -> None:
    tried = [replace(ATTEMPT, id=str(n), number=n, began_at=-n) for n in range(MOST_ATTEMPTS + 5)]
    told = attempts(MESSAGE, [DELIVERY], [*tried, replace(ATTEMPT, delivery_id="other")])
    assert len(told) == MOST_ATTEMPTS
    assert [one.at for one in told] == sorted(one.at for one in told)
    assert told[-1].at == 0
