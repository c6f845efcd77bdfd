"""An SMTP client that sends exactly the octets it is given: no library touches line ends, dots or lengths.

*What is sent* is the content: the octets between the 354 and the final dot, before dot-stuffing (RFC 5321 section
4.5.2). SMTP can carry any content that is empty or ends with CRLF; `sendable` gives the one nearest to some octets.
Shares no code with the server, so that it can bear witness against it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

DOT = b".\r\n"


def sendable(octets: bytes) -> bytes:
    """The octets, with a CRLF added if they are not empty and do not end with one."""
    return octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"


def normalised(octets: bytes) -> bytes:
    """The octets as a text of CRLF lines: each bare CR and each bare LF made CRLF, a last CRLF added if missing."""
    return sendable(re.sub(rb"\r\n|\r|\n", b"\r\n", octets))


def stuffed(content: bytes) -> bytes:
    """The content as it goes over the wire, final dot included. Only a CRLF begins a line."""
    return re.sub(rb"(\A|\r\n)\.", rb"\1..", content) + DOT


class ExactClient:
    """One session. Replies are (code, text); a connection that ends raises ConnectionError or IncompleteReadError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, host: str, port: int, *, helo: str = "exact.example") -> ExactClient:
        """A session that was greeted and has said EHLO."""
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        client = cls(reader, writer)
        await client.expect(220)
        await client.command(f"EHLO {helo}", 250)
        return client

    async def reply(self) -> tuple[int, str]:
        lines = []
        while True:
            line = await self._reader.readuntil(b"\r\n")
            lines.append(line[4:-2].decode("utf-8", "backslashreplace"))
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(lines)

    async def expect(self, code: int) -> str:
        got, text = await self.reply()
        assert got == code, f"expected {code}, got {got} {text}"
        return text

    async def send(self, octets: bytes) -> None:
        """Sends the octets as they are; returns when they have mostly been taken."""
        self._writer.write(octets)
        await self._writer.drain()

    async def command(self, line: str, code: int) -> str:
        self._writer.write(line.encode("utf-8") + b"\r\n")
        return await self.expect(code)

    async def transaction(self, sender: str, recipients: Sequence[str], content: bytes) -> tuple[int, str]:
        """The reply to the final dot; the envelope is pipelined and each of its commands must be accepted."""
        commands = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{address}>" for address in recipients), "DATA"]
        self._writer.write("".join(f"{command}\r\n" for command in commands).encode("utf-8"))
        for _ in commands[:-1]:
            await self.expect(250)
        await self.expect(354)
        self._writer.write(stuffed(content))
        await self._writer.drain()
        return await self.reply()

    async def quit(self) -> None:
        self._writer.write(b"QUIT\r\n")
        await self.reply()
        self.close()

    def close(self) -> None:
        self._writer.close()
