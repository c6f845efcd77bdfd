"""Which words of a bounce are taken for the reason: the server's answer, and what is told of where it was given."""

from __future__ import annotations

from relay.feedback.returned.reader import read
from relay.feedback.returned.values import Fate, ReturnedKind
from relay.model.bounce import BounceClass
from relay.rendition.diagnosis import classify

HEAD = (
    "From: Mail Delivery System <mailer-daemon@mx.example.net>\r\nTo: ann@example.org\r\n"
    "Subject: Mail delivery failed: returning message to sender\r\n"
)
EXIM = (
    "This message was created automatically by mail delivery software.\r\n\r\n"
    "A message that you sent could not be delivered to one or more of its\r\n"
    "recipients. This is a permanent error. The following address(es) failed:\r\n\r\n"
)


def fate_of(text: str) -> Fate:
    returned = read(text.encode())
    assert returned.kind is ReturnedKind.BOUNCE
    (fate,) = returned.fates
    return fate


def bounce_of(fate: Fate) -> BounceClass:
    return classify(fate.code, fate.status, fate.diagnostic).bounce


def exim(stage: str, answer: str) -> Fate:
    where = f"    SMTP error from remote mail server after {stage}:\r\n    {answer}\r\n"
    return fate_of(f"{HEAD}\r\n{EXIM}  jo@example.com\r\n    host mx.example.com [192.0.2.1]\r\n{where}")


def test_an_answer_to_mail_from_is_not_of_the_recipient() -> None:
    answer = "553 5.1.0 example.org does not exist"
    assert bounce_of(exim("MAIL FROM:<ann@example.org> SIZE=1024", answer)) is BounceClass.POLICY
    assert bounce_of(exim("RCPT TO:<jo@example.com>", answer)) is BounceClass.HARD


def postfix(stage: str) -> Fate:
    return fate_of(
        f'{HEAD}MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nI'm sorry to have to inform you that your message could not be delivered.\r\n\r\n"
        "<jo@example.com>: host mx.example.com[192.0.2.1] said: 550 <ann@example.org>\r\n"
        f"    unknown user (in reply to {stage} command)\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        "Final-Recipient: rfc822; jo@example.com\r\nAction: failed\r\nStatus: 5.0.0\r\n"
        "Diagnostic-Code: smtp; 550 <ann@example.org> unknown user\r\n\r\n--b--\r\n"
    )


def test_the_text_beside_a_status_tells_to_what_the_server_answered() -> None:
    assert bounce_of(postfix("MAIL FROM")) is BounceClass.POLICY
    assert postfix("MAIL FROM").diagnostic == "550 <ann@example.org> unknown user (in reply to MAIL FROM command)"
    assert bounce_of(postfix("RCPT TO")) is BounceClass.HARD
    assert postfix("RCPT TO").diagnostic == "550 <ann@example.org> unknown user"


def test_of_a_long_text_the_answer_is_kept_not_the_beginning() -> None:
    told = "  jo\r\n    remote mail server\r\n    host mx.example.com [192.0.2.1]: 550 5.2.2 mailbox full\r\n"
    fate = fate_of(f"X-Failed-Recipients: jo@example.com\r\n{HEAD}\r\n{EXIM}{'Sorry. ' * 80}\r\n{told}")
    assert (fate.diagnostic, fate.status) == ("550 5.2.2 mailbox full", "5.2.2")


def test_sendmails_service_unavailable_says_less_than_the_lines_before() -> None:
    looked = "mail.local: looked for the mailbox\r\n" * 20
    fate = fate_of(
        "From: MAILER-DAEMON@mx.example.net\r\nSubject: Returned mail: Service unavailable\r\n"
        "\r\n   ----- The following addresses had permanent fatal errors -----\r\n<jo@example.com>\r\n\r\n"
        f"   ----- Transcript of session follows -----\r\nmail.local: unknown user: jo\r\n{looked}"
        "554 <jo@example.com>... Service unavailable\r\n"
    )
    assert (bounce_of(fate), fate.status) == (BounceClass.HARD, "5.1.1")


def test_a_gateway_to_telephones_is_a_mail_system_too() -> None:
    fate = fate_of(
        "From: post_master@gateway.example.net\r\nTo: ann@example.org\r\nSubject: Re: Hello\r\n\r\n"
        "Error: Invalid user address\r\n\r\n550 - Requested action not taken: no such user here\r\n\r\n"
        "  MAIL FROM: ann@example.org\r\n  RCPT TO: 2125550000@gateway.example.net\r\n"
    )
    assert (fate.recipient, bounce_of(fate)) == ("2125550000@gateway.example.net", BounceClass.HARD)


def test_a_japanese_subject_that_says_mail_error_opens_a_bounce() -> None:
    fate = fate_of(
        "From: no-reply@app.example.jp\r\nTo: ann@example.org\r\nSubject: メールエラー通知\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nYour mail\r\n"
        "     Could not be delivered to: <jo@example.com>\r\n     As their mailbox is full.\r\n"
    )
    assert (fate.recipient, bounce_of(fate)) == ("jo@example.com", BounceClass.QUOTA)
