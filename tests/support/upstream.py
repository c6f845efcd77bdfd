"""A scripted SMTP server: the provider that a test needs, on a real socket.

It offers any set of extensions, answers each step as the test says, can hang up or fall silent anywhere, and records
exactly what it received: envelope, parameters and the un-dot-stuffed octets. By itself it accepts everything.

    async with ScriptedUpstream(script={"RCPT": {"<b@example.com>": "550 5.1.1 no"}}) as upstream:
        ...
        assert upstream.messages[0].content == b"Subject: x\\r\\n\\r\\n"

Steps: `banner EHLO HELO STARTTLS AUTH MAIL RCPT DATA DOT RSET NOOP QUIT`. What a step does:

    "250 ok"                     this reply
    Raw(b"...")                  these octets instead of a reply, then goes on with the next command
    Manner(...)                  the reply slowly, octet by octet, or again and again without end
    DROP, RESET                  closes the connection; closes it with a TCP reset
    HANG                         says nothing more, and keeps the connection until the server is stopped
    {text: one of these}         for the command whose first argument is `text`; others as by default
    [one of these, ...]          one after the other; by default when used up (None: default for this one)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

END_OF_DATA = b"\r\n.\r\n"
_PATH = re.compile(r"""[A-Z]+:(<(?:"(?:[^"\\]|\\.)*"|[^">])*>)(.*)""", re.DOTALL)
EVERYTHING = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 104857600", "DSN", "ENHANCEDSTATUSCODES")


class Hangup(Enum):
    DROP = "drop"
    RESET = "reset"
    HANG = "hang"


DROP, RESET, HANG = Hangup.DROP, Hangup.RESET, Hangup.HANG


@dataclass(frozen=True, slots=True)
class Raw:
    """Octets to send as they are."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Manner:
    """How the reply is sent: after a pause, in pieces of some octets with a pause between, endlessly."""

    octets: bytes | None = None
    """None: the default reply."""
    before: float = 0.0
    piece: int = 0
    """0: all at once."""
    between: float = 0.0
    is_endless: bool = False


Action = str | Raw | Manner | Hangup | None
Step = Action | Mapping[str, Action] | Sequence[Action]


@dataclass(slots=True)
class ReceivedMessage:
    """One transaction that reached the final dot. Arguments are as sent: `<a@example.com>`, `SIZE=12`."""

    sender: str
    mail_parameters: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    rcpt_parameters: tuple[tuple[str, ...], ...] = ()
    content: bytes = b""
    session: int = 0
    is_tls: bool = False
    user: str | None = None
    reply: str | None = None
    """What was answered to the final dot; None when nothing was."""

    @property
    def is_accepted(self) -> bool:
        return self.reply is not None and self.reply.startswith("2")


class _Closed(Exception):
    pass


@dataclass
class ScriptedUpstream:
    extensions: Sequence[str] = EVERYTHING
    script: Mapping[str, Step] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """With it STARTTLS is offered, or, when `is_implicit`, spoken from the first octet."""
    is_implicit: bool = False
    credentials: tuple[str, str] | None = None
    """User and password; then AUTH is offered with `mechanisms`, and MAIL wants it."""
    mechanisms: str = "PLAIN LOGIN"
    hang_up_after_content: int | None = None
    """Hangs up (see `hang_up_how`) when this many octets have come after 354."""
    hang_up_how: Hangup = RESET
    hold: asyncio.Event | None = None
    """The answer to the final dot waits for it."""
    host: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        self.messages: list[ReceivedMessage] = []
        self.commands: list[str] = []
        """Every command line of every session, in order, without CRLF."""
        self.content_octets = 0
        """What came after 354, in all sessions."""
        self.dots = 0
        """How many contents came to their final dot, answered or not."""
        self.peers: list[str] = []
        """The address that each session came from."""
        self.sessions = 0
        self.open_sessions = 0
        self.most_open_sessions = 0
        self._used: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    @property
    def accepted(self) -> list[ReceivedMessage]:
        return [message for message in self.messages if message.is_accepted]

    async def __aenter__(self) -> ScriptedUpstream:
        context = self.tls if self.is_implicit else None
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def received(self, count: int, within: float = 10.0) -> list[ReceivedMessage]:
        """The messages, once at least `count` of them reached the final dot and were answered or dropped."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.sessions += 1
        self.peers.append(writer.get_extra_info("peername")[0])
        self.open_sessions += 1
        self.most_open_sessions = max(self.most_open_sessions, self.open_sessions)
        try:
            await _Session(self, reader, writer, self.sessions).run()
        except (_Closed, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.open_sessions -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(0.5):  # asyncio waits for ever for a TLS session that failed
                    await writer.wait_closed()

    def action(self, step: str, argument: str) -> Action:
        planned = self.script.get(step)
        if isinstance(planned, Mapping):
            return planned.get(argument)
        if isinstance(planned, Sequence) and not isinstance(planned, str):
            used = self._used.get(step, 0)
            self._used[step] = used + 1
            return planned[used] if used < len(planned) else None
        return planned

    async def add(self, message: ReceivedMessage) -> None:
        async with self._changed:
            self.messages.append(message)
            self._changed.notify_all()


class _Session:
    def __init__(
        self, upstream: ScriptedUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self._upstream, self._reader, self._writer, self._number = upstream, reader, writer, number
        self._buffer = bytearray()
        self._is_tls = upstream.is_implicit
        self._user: str | None = None
        self._message: ReceivedMessage | None = None

    async def run(self) -> None:
        await self._answer("banner", "", "220 upstream.example ESMTP")
        while True:
            line = await self._line()
            self._upstream.commands.append(line)
            verb, _, rest = line.partition(" ")
            handler = getattr(self, f"_{verb.lower()}", None)
            if handler is None:
                await self._send(b"500 5.5.2 what?\r\n")
            elif await handler(rest):
                return

    async def _fill(self) -> None:
        data = await self._reader.read(1 << 18)
        if not data:
            raise _Closed
        self._buffer += data

    async def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            await self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line.decode("utf-8", "surrogateescape")

    async def _send(self, octets: bytes) -> None:
        self._writer.write(octets)
        await self._writer.drain()

    async def _answer(self, step: str, argument: str, default: str) -> str:
        """The reply given: the scripted one, or the default; not at all when the script hangs up."""
        action = self._upstream.action(step, argument)
        if action is None:
            action = default
        if isinstance(action, Raw):
            await self._send(action.octets)
            return action.octets.decode("latin-1")
        if isinstance(action, Manner):
            return await self._dawdle(action, default.encode("utf-8", "surrogateescape") + b"\r\n")
        if isinstance(action, Hangup):
            await self._hang_up(action)
        assert isinstance(action, str)
        await self._send(action.encode("utf-8", "surrogateescape") + b"\r\n")
        if action.startswith("421"):
            raise _Closed
        return action

    async def _dawdle(self, manner: Manner, default: bytes) -> str:
        octets = default if manner.octets is None else manner.octets
        await asyncio.sleep(manner.before)
        while True:
            for start in range(0, len(octets), manner.piece or len(octets)):
                await self._send(octets[start : start + (manner.piece or len(octets))])
                await asyncio.sleep(manner.between)
            if not manner.is_endless:
                return octets.decode("latin-1")

    async def _hang_up(self, how: Hangup) -> None:
        if how is HANG:
            await asyncio.Event().wait()
        if how is RESET:
            connection: socket.socket = self._writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        raise _Closed

    async def _ehlo(self, name: str) -> None:
        offered = list(self._upstream.extensions)
        if self._upstream.tls is not None and not self._is_tls:
            offered.append("STARTTLS")
        if self._upstream.credentials is not None:
            offered.append(f"AUTH {self._upstream.mechanisms}")
        lines = ["upstream.example", *offered]
        last = len(lines) - 1
        text = "\r\n".join(f"250{' ' if n == last else '-'}{line}" for n, line in enumerate(lines))
        self._message = None
        await self._answer("EHLO", name, text)

    async def _helo(self, name: str) -> None:
        await self._answer("HELO", name, "250 upstream.example")

    async def _starttls(self, _: str) -> None:
        reply = await self._answer("STARTTLS", "", "220 2.0.0 go ahead")
        if reply.startswith("220") and self._upstream.tls is not None:
            self._buffer.clear()
            await self._writer.start_tls(self._upstream.tls)
            self._is_tls = True

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism == "XOAUTH2":
            await self._xoauth2(initial)
            return
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            user = await self._challenge("Username:")
            password = await self._challenge("Password:")
        is_right = (user, password) == self._upstream.credentials
        default = "235 2.7.0 welcome" if is_right else "535 5.7.8 wrong user or password"
        if (await self._answer("AUTH", mechanism, default)).startswith("235"):
            self._user = user

    async def _xoauth2(self, initial: str) -> None:
        """The credentials are user and access token. A refusal is a 334 that wants an empty line, and then the 535."""
        user, token = base64.b64decode(initial).decode().split("\1")[:2]
        default = "235 2.7.0 welcome"
        right_user, right_token = self._upstream.credentials or ("", "")
        if (user, token) != (f"user={right_user}", f"auth=Bearer {right_token}"):
            details = {"status": "401", "schemes": "bearer", "scope": "https://mail.example/"}
            await self._send(b"334 " + base64.b64encode(json.dumps(details).encode()) + b"\r\n")
            default = "535 5.7.8 bad token" if await self._line() == "" else "501 5.5.2 an empty line was wanted"
        if (await self._answer("AUTH", "XOAUTH2", default)).startswith("235"):
            self._user = user.removeprefix("user=")

    async def _challenge(self, text: str) -> str:
        await self._send(b"334 " + base64.b64encode(text.encode()) + b"\r\n")
        return base64.b64decode(await self._line()).decode()

    async def _mail(self, rest: str) -> None:
        path, parameters = _arguments(rest)
        default = "250 2.1.0 ok"
        if self._upstream.credentials is not None and self._user is None:
            default = "530 5.7.0 authentication required"
        if self._message is not None:
            default = "503 5.5.1 nested MAIL"
        if (await self._answer("MAIL", path, default)).startswith("2"):
            self._message = ReceivedMessage(
                path, parameters, session=self._number, is_tls=self._is_tls, user=self._user
            )

    async def _rcpt(self, rest: str) -> None:
        path, parameters = _arguments(rest)
        default = "503 5.5.1 MAIL first" if self._message is None else "250 2.1.5 ok"
        reply = await self._answer("RCPT", path, default)
        if reply.startswith("2") and self._message is not None:
            self._message.recipients += (path,)
            self._message.rcpt_parameters += (parameters,)

    async def _data(self, _: str) -> None:
        message = self._message
        has_recipients = message is not None and bool(message.recipients)
        default = "354 go ahead" if has_recipients else "554 5.5.1 no valid recipients"
        if not (await self._answer("DATA", "", default)).startswith("354"):
            return
        message = message or ReceivedMessage("", ())
        self._message = None
        message.content = await self._content()
        self._upstream.dots += 1
        if self._upstream.hold is not None:
            await self._upstream.hold.wait()
        try:
            message.reply = await self._answer("DOT", message.sender, "250 2.0.0 queued as 4XyZ")
        finally:
            await self._upstream.add(message)

    async def _content(self) -> bytes:
        limit = self._upstream.hang_up_after_content
        data, searched = bytearray(b"\r\n"), 0
        while True:
            data += self._buffer
            self._upstream.content_octets += len(self._buffer)
            self._buffer.clear()
            end = data.find(END_OF_DATA, max(0, searched - len(END_OF_DATA)))
            if limit is not None and len(data) - 2 >= limit:
                await self._hang_up(self._upstream.hang_up_how)
            if end >= 0:
                self._buffer += data[end + len(END_OF_DATA) :]
                return bytes(data[: end + 2]).replace(b"\r\n.", b"\r\n")[2:]
            searched = len(data)
            await self._fill()

    async def _rset(self, _: str) -> None:
        self._message = None
        await self._answer("RSET", "", "250 2.0.0 ok")

    async def _noop(self, _: str) -> None:
        await self._answer("NOOP", "", "250 2.0.0 ok")

    async def _quit(self, _: str) -> bool:
        await self._answer("QUIT", "", "221 2.0.0 bye")
        return True


def _arguments(rest: str) -> tuple[str, tuple[str, ...]]:
    """`FROM:<a@b> SIZE=1` -> (`<a@b>`, (`SIZE=1`,)). A quoted local part may hold spaces."""
    match = _PATH.fullmatch(rest)
    if match is None:
        return rest, ()
    return match[1], tuple(match[2].split())
