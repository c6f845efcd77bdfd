"""What the client is told when something of ours fails: 451 or 452, and not a word of what it was."""

from __future__ import annotations

import pytest

from relay.archive.api import ArchiveUnavailable
from tests.support.exactclient import ExactClient
from tests.support.reception import running_intake


class Failing:
    """The archive, but `add_message` raises."""

    failure: Exception

    def __init__(self, archive) -> None:
        self._archive = archive

    def __getattr__(self, name):
        return getattr(self._archive, name)

    async def add_message(self, *arguments):
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "code", "enhanced"),
    [
        (ArchiveUnavailable("database is locked: secret detail"), 451, "4.3.0"),
        (ArchiveUnavailable("secret detail", is_full=True), 452, "4.3.1"),
        (ValueError("secret detail"), 451, "4.3.0"),
    ],
)
async def test_what_cannot_be_kept_is_refused_for_now_and_the_session_goes_on(tmp_path, failure, code, enhanced):
    async with running_intake(tmp_path) as reception:
        reception.put_before_archive(Failing).failure = failure
        client = await ExactClient.connect("127.0.0.1", reception.port)
        for _ in range(2):
            await client.command("MAIL FROM:<a@b>", 250)
            await client.command("RCPT TO:<c@d>", 250)
            await client.command("DATA", 354)
            await client.send(b"x\r\n.\r\n")
            text = await client.expect(code)
            assert text.startswith(enhanced)
            assert "secret" not in text
        assert await reception.kept() == []


async def test_an_exception_in_a_command_is_451_and_ends_the_transaction(tmp_path):
    def broken() -> int:
        raise ValueError("secret detail")

    async with running_intake(tmp_path, clock=broken) as reception:
        client = await ExactClient.connect("127.0.0.1", reception.port)
        await client.command("MAIL FROM:<a@b>", 250)
        await client.command("RCPT TO:<c@d>", 250)
        await client.command("DATA", 354)
        await client.send(b"x\r\n.\r\n")
        assert await client.expect(451) == "4.3.0 something went wrong here, try again later"
        await client.command("RCPT TO:<c@d>", 503)
        await client.command("MAIL FROM:<a@b>", 250)


async def test_a_closed_archive_is_451(tmp_path):
    async with running_intake(tmp_path) as reception:
        client = await ExactClient.connect("127.0.0.1", reception.port)
        await client.command("MAIL FROM:<a@b>", 250)
        await client.command("RCPT TO:<c@d>", 250)
        await client.command("DATA", 354)
        await reception.archive.close()
        await client.send(b"x\r\n.\r\n")
        await client.expect(451)
