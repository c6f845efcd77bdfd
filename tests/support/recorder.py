"""A provider that says 250 to everything and remembers, for each recipient, the SHA-256 of every content it got.

Answers as RFC 5321 asks and no more. Shares no code with the server under test. For scripted refusals, delays and
broken sessions there is `upstream.py`; this one is for many messages.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import defaultdict
from types import TracebackType

OFFERS = ("recorder.example", "8BITMIME", "SMTPUTF8", "PIPELINING", "SIZE 200000000", "ENHANCEDSTATUSCODES")
_PATH = re.compile(rb"(?:MAIL FROM|RCPT TO):\s*<([^>]*)>(.*)", re.IGNORECASE | re.DOTALL)


class Recorder:
    """`received`: recipient -> hex SHA-256 of each content taken for it, in order. `async with` starts and stops it."""

    def __init__(self, port: int = 0, *, pause: float = 0.0) -> None:
        self.port = port
        self.received: defaultdict[str, list[str]] = defaultdict(list)
        self.chapter = 0
        """Counted up by the test."""
        self.chapters: defaultdict[str, list[int]] = defaultdict(list)
        """Recipient -> the chapter in which each of its contents came."""
        self.transactions = 0
        self.pause = pause
        """Seconds between the final dot and the reply: the window in which a killed courier leaves doubt."""
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Recorder:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def wait_for(self, recipients: set[str], deadline: float) -> set[str]:
        """The recipients still without a content after `deadline` seconds, at once the empty set when all have one."""
        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(lambda: recipients <= self.received.keys())
        except TimeoutError:
            pass
        return recipients - self.received.keys()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._sessions.discard(task)
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 recorder.example ESMTP\r\n")
        while line := await read_line(reader):
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                last = len(OFFERS) - 1
                writer.write(b"".join(f"250{' ' if n == last else '-'}{o}\r\n".encode() for n, o in enumerate(OFFERS)))
            elif verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                digest = await read_content(reader)
                if self.pause:
                    await asyncio.sleep(self.pause)
                await self._keep(recipients, digest)
                writer.write(b"250 2.0.0 taken\r\n")
                recipients = []
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            else:
                if verb == b"RCPT" and (match := _PATH.match(line)):
                    recipients.append(match[1].decode("utf-8"))
                elif verb in (b"MAIL", b"RSET"):
                    recipients = []
                writer.write(b"250 2.0.0 ok\r\n")

    async def _keep(self, recipients: list[str], digest: str) -> None:
        async with self._changed:
            self.transactions += 1
            for recipient in recipients:
                self.received[recipient].append(digest)
                self.chapters[recipient].append(self.chapter)
            self._changed.notify_all()


async def read_content(reader: asyncio.StreamReader) -> str:
    """The hex SHA-256 of the content up to the final dot, dot-unstuffed. Strict: only CRLF begins and ends a line."""
    digest = hashlib.sha256()
    while (line := await read_line(reader)) != b".\r\n":
        digest.update(line[1:] if line.startswith(b".") else line)
    return digest.hexdigest()


async def read_line(reader: asyncio.StreamReader) -> bytes:
    """The octets up to and with the next CRLF, however many."""
    parts: list[bytes] = []
    while True:
        try:
            return b"".join((*parts, await reader.readuntil(b"\r\n")))
        except asyncio.LimitOverrunError as overrun:
            parts.append(await reader.readexactly(overrun.consumed))
