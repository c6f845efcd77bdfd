"""One connection to one mailbox by IMAP: what is new, its octets, and putting it away. RFC 3501, RFC 2177, RFC 6851.

A thin layer over aioimaplib that turns its answers into values and every refusal into MailboxError.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable
from itertools import pairwise
from typing import TypeVar

import aioimaplib

from relay.config import Imap

TIMEOUT = 60.0
"""Seconds for one command, and for the connection."""
MAX_IDLE = 25 * 60.0
"""Seconds: a server may end an IDLE of 30 minutes."""
MAX_AT_ONCE = 1000
"""Mails looked at in one go."""
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


T = TypeVar("T")


class MailboxError(Exception):
    """The server refused, or did not answer as IMAP asks; the connection is to be closed."""


class Mailbox:
    def __init__(self, table: Imap, context: ssl.SSLContext | None) -> None:
        self._table = table
        self._context = context
        self._client: aioimaplib.IMAP4 | None = None
        self._lost = asyncio.Event()

    @property
    def _open(self) -> aioimaplib.IMAP4:
        if self._client is None:
            raise MailboxError("not connected")
        return self._client

    async def open(self) -> None:
        """Connected, signed in, the mailbox chosen. Raises MailboxError, OSError, TimeoutError."""
        table = self._table
        lost = lambda _: self._lost.set()  # noqa: E731
        if self._context is None:
            client = aioimaplib.IMAP4(table.host, table.port, timeout=TIMEOUT, conn_lost_cb=lost)
        else:
            client = aioimaplib.IMAP4_SSL(table.host, table.port, timeout=TIMEOUT, ssl_context=self._context)
            client.protocol.conn_lost_cb = lost
        self._client = client
        await self._or_lost("connecting", client.wait_hello_from_server())
        secret = table.password.get_secret_value()
        await self._ask("LOGIN", client.login(_quoted(table.username), secret))
        await self._ask(f"SELECT {table.mailbox}", client.select(_quoted(table.mailbox)))

    async def new(self) -> list[str]:
        """UIDs of what is to be taken: all that is there, if what is taken is moved away; else what is not seen."""
        criterion = "UNDELETED" if self._table.done else "UNSEEN"
        lines = await self._ask("SEARCH", self._open.uid_search(criterion, charset=None))
        uids = [uid.decode("ascii") for line in lines[:1] for uid in bytes(line).split() if uid.isdigit()]
        return sorted(uids, key=int)[:MAX_AT_ONCE]

    async def size(self, uid: str) -> int | None:
        """Octets; None if it is gone."""
        for line in await self._ask("FETCH", self._open.uid("fetch", uid, "(RFC822.SIZE)")):
            match = _SIZE.search(bytes(line))
            if match:
                return int(match[1])
        return None

    async def fetch(self, uid: str) -> bytes | None:
        """The mail, without marking it; None if it is gone."""
        lines = await self._ask("FETCH", self._open.uid("fetch", uid, "(BODY.PEEK[])"))
        for before, line in pairwise(lines):
            if isinstance(line, bytearray) and bytes(before).rstrip().endswith(b"}"):
                return bytes(line)
        return None

    async def done(self, uid: str) -> None:
        """It is marked as seen, or moved to `done`."""
        client, target = self._open, self._table.done
        if not target:
            await self._ask("STORE", client.uid("store", uid, "+FLAGS.SILENT", "(\\Seen)"))
        elif client.has_capability("MOVE"):
            await self._ask(f"MOVE to {target}", client.uid("move", uid, _quoted(target)))
        else:
            await self._ask(f"COPY to {target}", client.uid("copy", uid, _quoted(target)))
            await self._ask("STORE", client.uid("store", uid, "+FLAGS.SILENT", "(\\Seen \\Deleted)"))
            if client.has_capability("UIDPLUS"):
                await self._ask("EXPUNGE", client.uid("expunge", uid))
            else:
                await self._ask("EXPUNGE", client.expunge())

    async def wait(self, poll: float) -> None:
        """Returns when there may be something new: the server says so, or after `poll` seconds without IDLE."""
        client = self._open
        if not client.has_capability("IDLE"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), poll)
            await self._ask("NOOP", client.noop())
            return
        idle = await self._or_lost("IDLE", asyncio.wait_for(client.idle_start(timeout=2 * MAX_IDLE), TIMEOUT))
        with contextlib.suppress(TimeoutError):
            await self._or_lost("IDLE", self._news())
        if client.has_pending_idle():
            client.idle_done()
        await self._ask("IDLE", asyncio.wait_for(idle, TIMEOUT))

    async def _news(self) -> None:
        """Returns when the server tells of something other than that it is still there; or raises TimeoutError."""
        until = asyncio.get_running_loop().time() + MAX_IDLE
        while True:
            lines = await self._open.wait_server_push(until - asyncio.get_running_loop().time())
            if not isinstance(lines, list) or any(b"still here" not in bytes(line).lower() for line in lines):
                return

    async def close(self) -> None:
        """Never raises, and does not wait long."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(Exception):
            if client.has_pending_idle():
                client.idle_done()
            if not self._lost.is_set() and client.get_state() in ("AUTH", "SELECTED"):
                await asyncio.wait_for(client.logout(), 2.0)
        with contextlib.suppress(Exception):
            client.protocol.transport.close()

    async def _ask(self, what: str, command: Awaitable[aioimaplib.Response]) -> list[bytes | bytearray]:
        """The lines of the answer. Raises MailboxError unless it is OK."""
        response = await self._or_lost(what, command)
        if response.result != "OK":
            words = " ".join(bytes(line).decode("utf-8", "replace") for line in response.lines[-1:])
            raise MailboxError(f"{what}: {response.result} {words[:200]}")
        lines: list[bytes | bytearray] = response.lines
        return lines

    async def _or_lost(self, what: str, work: Awaitable[T]) -> T:
        """What `work` gives. Raises MailboxError when the connection ends first, TimeoutError, OSError."""
        task = asyncio.ensure_future(work)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({task, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise MailboxError(f"{what}: the connection was lost")
            return task.result()
        except aioimaplib.AioImapException as error:
            raise MailboxError(f"{what}: {error}") from error
        finally:
            task.cancel()
            lost.cancel()


def _quoted(name: str) -> str:
    """RFC 3501 section 4.3."""
    one_line = name.replace("\r", "").replace("\n", "")
    escaped = one_line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
