"""A mailbox that bounces are sent to: fetched, kept, put away; new mail at once; lost connections made again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from relay.archive.api import Archive
from relay.config import Imap
from relay.feedback.imap import MailboxReader
from relay.feedback.inbound import SOURCE
from relay.feedback.returnpath import ReturnPaths
from relay.model.event import Grade
from relay.model.report import Payload
from relay.model.token import Token, TokenKind
from tests.support.archive_values import NOON, SECOND, an_attempt, new_id
from tests.support.authority import issue
from tests.support.failing_archive import FailingArchive
from tests.support.imapserver import ImapServer
from tests.support.reported import sent_message
from tests.support.returned_mail import ORIGINAL, crlf, report, status_of, words
from tests.support.waiting import until

TOKEN = "abcdefghijklmnopqrstuvwxyz"
NOW = NOON + 3600 * SECOND


def table(server: ImapServer, **more: Any) -> Imap:
    given = {"tls": "none", "poll": 1, **more}
    return Imap(host="127.0.0.1", port=server.port, username=server.user, password=SecretStr(server.secret), **given)


@asynccontextmanager
async def reading(archive: Any, imap_table: Imap, *, max_size: int = 100_000) -> AsyncIterator[MailboxReader]:
    reader = MailboxReader(
        imap_table,
        ReturnPaths("bounces", "bounces.example.com"),
        max_size=max_size,
        archive=archive,
        clock=lambda: NOW,
        new_id=new_id,
        kept=lambda: None,
        pauses=(0.01,),
    )
    reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def payloads(archive: Archive) -> list[Payload]:
    return await archive.unmapped(100)


async def wait_for(condition: Callable[[], bool]) -> None:
    await until(condition)


async def give_token(archive: Archive) -> None:
    sent = await sent_message(archive, "jo@example.net", is_finished=False)
    token = Token(TOKEN, sent.deliveries[0].id, sent.message_id, TokenKind.RETURN, NOON)
    await archive.begin_attempts([an_attempt(sent.deliveries[0], 2)], [token])


async def test_what_lies_there_is_kept_and_marked_as_seen(archive: Archive) -> None:
    await give_token(archive)
    async with ImapServer() as server:
        mail = server.deliver(report(status_of()))
        async with reading(archive, table(server)):
            await wait_for(lambda: "\\Seen" in mail.flags)
        [payload] = await payloads(archive)
    assert (payload.source, payload.return_token, payload.grade) == (SOURCE, TOKEN, Grade.UNSIGNED)
    assert payload.body == report(status_of())


async def test_the_token_is_also_found_in_the_enclosed_original(archive: Archive) -> None:
    await give_token(archive)
    content = report(status_of(), original=ORIGINAL).replace(b"To: bounces+" + TOKEN.encode(), b"To: postmaster")
    async with ImapServer() as server:
        mail = server.deliver(content)
        async with reading(archive, table(server)):
            await wait_for(lambda: "\\Seen" in mail.flags)
        [payload] = await payloads(archive)
    assert payload.return_token == TOKEN


async def test_a_mail_without_a_token_of_ours_is_weaker_evidence(archive: Archive) -> None:
    async with ImapServer() as server:
        mail = server.deliver(report(status_of()))
        async with reading(archive, table(server)):
            await wait_for(lambda: "\\Seen" in mail.flags)
        [payload] = await payloads(archive)
    assert (payload.return_token, payload.grade) == ("", Grade.HEURISTIC)


@pytest.mark.parametrize("capabilities", ["IDLE MOVE UIDPLUS", "IDLE UIDPLUS", "IDLE", ""])
async def test_what_is_kept_is_moved_to_the_mailbox_done(archive: Archive, capabilities: str) -> None:
    async with ImapServer(capabilities=capabilities) as server:
        server.deliver(words("one"))
        server.deliver(words("two"))
        async with reading(archive, table(server, done="done")):
            await wait_for(lambda: len(server.mailboxes["done"]) == 2)
            left = server.mailboxes["INBOX"]
            await wait_for(lambda: all("\\Deleted" in mail.flags for mail in left))
        assert len(await payloads(archive)) == 2


@pytest.mark.parametrize("capabilities", ["IDLE MOVE", "MOVE"])
async def test_new_mail_is_fetched_when_it_comes(archive: Archive, capabilities: str) -> None:
    async with ImapServer(capabilities=capabilities) as server:
        async with reading(archive, table(server)):
            await wait_for(lambda: any(c.startswith(("IDLE", "NOOP")) for c in server.commands))
            server.still_here()
            first = server.deliver(words("one"))
            await wait_for(lambda: "\\Seen" in first.flags)
            second = server.deliver(words("two"))
            await wait_for(lambda: "\\Seen" in second.flags)
        assert server.connections == 1


async def test_a_lost_connection_is_made_again(archive: Archive) -> None:
    async with ImapServer() as server:
        async with reading(archive, table(server)):
            await wait_for(lambda: "IDLE" in server.commands)
            server.drop()
            await wait_for(lambda: server.connections == 2)
            mail = server.deliver(words("one"))
            await wait_for(lambda: "\\Seen" in mail.flags)


async def test_a_refused_sign_in_is_tried_again(archive: Archive) -> None:
    async with ImapServer() as server:
        server.is_refusing = True
        mail = server.deliver(words("one"))
        async with reading(archive, table(server)):
            await wait_for(lambda: server.connections > 2)
            server.is_refusing = False
            await wait_for(lambda: "\\Seen" in mail.flags)


async def test_what_the_archive_could_not_keep_is_not_marked(archive: Archive) -> None:
    failing = FailingArchive(archive, {"add_payload": ["lost", "done"]})
    async with ImapServer() as server:
        mail = server.deliver(words("one"))
        async with reading(failing, table(server)):
            await wait_for(lambda: "\\Seen" in mail.flags)
        assert failing.calls["add_payload"] == 3
        assert len(await payloads(archive)) == 1


async def test_a_mail_that_is_too_large_is_left_where_it_is(archive: Archive) -> None:
    async with ImapServer() as server:
        large = server.deliver(words("x" * 3000))
        small = server.deliver(words("one"))
        async with reading(archive, table(server), max_size=2000):
            await wait_for(lambda: "\\Seen" in small.flags)
        assert large.flags == set()
        assert len(await payloads(archive)) == 1
        assert sum("BODY.PEEK" in command for command in server.commands) == 1


async def test_the_connection_is_encrypted_and_the_certificate_verified(archive: Archive, tmp_path: Path) -> None:
    certificate = issue(tmp_path, "127.0.0.1")
    async with ImapServer(context=certificate.server_context()) as server:
        mail = server.deliver(crlf("Subject: x\n\nx\n"))
        async with reading(archive, table(server, tls="implicit")) as reader:
            await wait_for(lambda: "certificate verify failed" in reader.problem)
        assert mail.flags == set()
        async with reading(archive, table(server, tls="implicit", ca=certificate.authority)):
            await wait_for(lambda: "\\Seen" in mail.flags)
        other = server.deliver(words("two"))
        async with reading(archive, table(server, tls="implicit", verify=False)):
            await wait_for(lambda: "\\Seen" in other.flags)
