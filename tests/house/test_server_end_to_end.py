"""From an application to the provider and back: each provider's copy carries our identifier, and its report finds it.

One server, an upstream for each, chosen by the recipient's domain; each answers as that provider does, and reports what
the copy gave it to know.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import smtplib
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from relay.feedback.webhooks.providers import PROVIDERS
from tests.support.hooks import MAILGUN_KEY, PASSWORD, RESEND_KEY, SECOND, Post, post, sendgrid_public
from tests.support.keeping import opened
from tests.support.samples import brevo, mailgun, mailjet, postmark, resend, sendgrid, sparkpost
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream
from tests.support.waiting import wait_until

REPLIES = {
    "mailgun": f"250 Great success <{mailgun.ID}>",
    "sendgrid": f"250 Ok: queued as {sendgrid.ID}",
    "postmark": f"250 2.0.0 Ok: queued as {postmark.ID}",
    "resend": f"250 {resend.ID}",
    "brevo": f"250 2.0.0 OK: queued as <{brevo.ID}>",
    "mailjet": f"250 OK queued as {mailjet.ID}",
    "sparkpost": "250 2.0.0 OK 5A/E2-12345-ABCDEF01",
}
"""To the final dot. SES is left out: its signature needs a certificate of Amazon."""
SECRETS = {
    "mailgun": f'key = "{MAILGUN_KEY}"',
    "sendgrid": f'key = "{sendgrid_public()}"',
    "resend": f'key = "whsec_{RESEND_KEY}"',
}
IDENTIFIER = re.compile(rb"mailwitness(?:-id)?[\"':= ]{1,4}([0-9A-Z]{26})", re.IGNORECASE)


def config(ports: dict[str, int]) -> str:
    lines = ["", "[tracking]", "port = 0", ""]
    for name, port in ports.items():
        secret = SECRETS.get(name, f'username = "provider"\npassword = "{PASSWORD}"')
        lines += ["[[upstream]]", f'name = "{name}"', f'provider = "{name}"', 'host = "127.0.0.1"', f"port = {port}"]
        lines += ['tls = "none"', "", "[[route]]", f'name = "{name}"', f'recipients = ["@{name}.example"]']
        lines += [f'upstreams = ["{name}"]', "", f"[webhooks.{name}]", secret, ""]
    return "\n".join(lines)


def delivered(name: str, identifier: str) -> Any:
    """That provider's event, with what it knows of the copy."""
    recipient = f"jane@{name}.example"
    events: dict[str, Any] = {
        "mailgun": mailgun.event("delivered", recipient=recipient, **{"user-variables": {"mailwitness": identifier}}),
        "sendgrid": [sendgrid.event("delivered", email=recipient, mailwitness=identifier)],
        "postmark": postmark.event("Delivery", Recipient=recipient, Metadata={"mailwitness": identifier}),
        "resend": resend.event("delivered", to=[recipient], tags=None, headers=[_field(identifier)]),
        "brevo": brevo.event("delivered", email=recipient, **{"X-Mailin-custom": f'{{"mailwitness":"{identifier}"}}'}),
        "mailjet": mailjet.event("sent", email=recipient, Payload=f'{{"mailwitness":"{identifier}"}}'),
        "sparkpost": [
            sparkpost.event("message_event", "delivery", raw_rcpt_to=recipient, rcpt_meta={"mailwitness": identifier})
        ],
    }
    return events[name]


def _field(identifier: str) -> dict[str, str]:
    return {"name": "X-Mailwitness-Id", "value": identifier}


def submit(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        for name in REPLIES:
            content = f"From: shop@example.org\r\nTo: jane@{name}.example\r\nSubject: {name}\r\n\r\nhello\r\n"
            client.sendmail("shop@example.org", [f"jane@{name}.example"], content.encode())


def report(server: RunningServer, name: str, sent: Post) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.tracking_port, timeout=20)
    try:
        connection.request("POST", f"/hooks/{name}", sent.body, dict(sent.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def states(server: RunningServer) -> dict[str, str]:
    with opened(server.archive_path / "archive.db") as database:
        return dict(database.execute("SELECT recipient, state FROM delivery").fetchall())


def provider_ids(server: RunningServer) -> dict[str, str]:
    with opened(server.archive_path / "archive.db") as database:
        return dict(database.execute("SELECT upstream, provider_id FROM attempt").fetchall())


async def test_what_each_provider_reports_finds_the_copy_that_it_was_given(tmp_path: Path):
    async with AsyncExitStack() as stack:
        upstreams = {
            name: await stack.enter_async_context(ScriptedUpstream(script={"DOT": reply}))
            for name, reply in REPLIES.items()
        }
        ports = {name: upstream.port for name, upstream in upstreams.items()}
        server = await asyncio.to_thread(RunningServer, tmp_path, config(ports))
        try:
            await asyncio.to_thread(submit, server.smtp_port)
            for name, upstream in upstreams.items():
                [copy] = await upstream.received(1)
                found = IDENTIFIER.search(copy.content)
                assert found, copy.content
                wanted = {f"jane@{other}.example" for other in REPLIES}
                await asyncio.to_thread(wait_until, lambda: set(states(server)) == wanted)
                given = post(name, delivered(name, found[1].decode()), int(time.time()) * SECOND)
                assert await asyncio.to_thread(report, server, name, given) == 200
            await asyncio.to_thread(wait_until, lambda: set(states(server).values()) == {"delivered"})
            known = {name: id_ for name, id_ in provider_ids(server).items() if id_}
            assert known.keys() >= {"mailgun", "sendgrid", "postmark", "resend", "brevo", "mailjet"}
        finally:
            assert await asyncio.to_thread(server.stop) == 0


def test_every_provider_but_ses_is_tried():
    assert {*REPLIES, "ses"} == set(PROVIDERS)
