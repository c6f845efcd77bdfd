"""What the intake says: enhanced codes everywhere they belong, and never a secret in a log."""

from __future__ import annotations

import logging

import pytest

from relay.intake import auth, commands, connection, data, limits, lobby, session, transaction
from relay.model.reply import Reply
from tests.support.exactclient import ExactClient
from tests.support.reception import SHOP, running_intake

REPLIES = {
    f"{module.__name__}.{name}": value
    for module in (auth, commands, connection, data, limits, lobby, session, transaction)
    for name, value in vars(module).items()
    if isinstance(value, Reply) and value.code not in (334, 354)
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_every_reply_has_an_enhanced_code_of_its_class(reply):
    assert reply.enhanced
    assert reply.enhanced[0] == str(reply.code)[0]


async def test_no_secret_is_ever_logged_decodable_or_not(tmp_path, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    async with running_intake(tmp_path, applications=[SHOP], max_auth_failures=100) as reception:
        client = await ExactClient.connect("127.0.0.1", reception.port)
        await client.command("AUTH PLAIN AHNob3AAd3Jvbmctc2VjcmV0", 535)
        await client.command("AUTH PLAIN not-base-64-secret", 501)
        await client.command("AUTH LOGIN", 334)
        await client.command("c2hvcA==", 334)
        await client.command("typed-secret-in-clear", 501)
        await client.command("AUTH PLAIN AHNob3AAczNjcmV0", 235)
        await client.quit()
    # Where it goes depends on what was tested before in this process.
    printed = capsys.readouterr()
    shown = f"{printed.out} {printed.err} {caplog.text}"
    assert "refused" in shown
    for secret in ("d3Jvbmctc2VjcmV0", "wrong-secret", "not-base-64-secret", "typed-secret", "czNjcmV0", "s3cret"):
        assert secret not in shown
