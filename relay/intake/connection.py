"""The octets of one client: reading with bounds, answering, timeouts, the step to TLS. Knows no SMTP command.

Built on aiosmtpd's `SMTP` protocol and its `Session`, with what is wrong or slow in it replaced (docs/attacks.md):
construction looks nothing up (aiosmtpd inspects every method of itself and its handler for each connection),
octets are kept in a buffer of ours with a bound, a hang-up or a timeout never cancels a task, and TLS begins only
with an empty buffer. None of aiosmtpd's `smtp_*` methods can be reached: `commands.py` has the whole table.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import cast

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Session as Facts

from relay.model.reply import Reply

LINE_LIMIT = 12_300
"""Octets of a command line: RFC 4954 section 4 lets a line of AUTH have 12,288."""
FLOOD_LIMIT = 64 * 1024
"""Octets without an end of line after which a session is closed."""
BUFFER_LIMIT = 256 * 1024
"""Octets read ahead; beyond, the transport is not read until they are used."""
LINGER = 10.0
"""Seconds for a client to take our last reply before the connection is dropped."""
WATCH_INTERVAL = 60.0
"""Seconds between two looks at a session that may be idle for ever."""
HANDSHAKE_TIMEOUT = 30.0
"""Seconds for TLS to begin."""

IDLE = Reply(421, "nothing came from you for too long, goodbye", "4.4.2")
LINE_TOO_LONG = Reply(421, "line too long, goodbye", "4.5.2")


class SessionOver(Exception):
    """The session ends here: with a last `reply`, or without a word when the client is gone."""

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


@lru_cache(maxsize=256)
def _wire(reply: Reply) -> bytes:
    return reply.to_wire()


class Connection(SMTP):
    """One client's connection; `converse` (a subclass's) is run as its task and reads and answers through it."""

    session: Facts
    transport: asyncio.Transport | None
    loop: asyncio.AbstractEventLoop

    def __init__(self, loop: asyncio.AbstractEventLoop, idle_timeout: float) -> None:
        # Not super().__init__(): see the module's docstring. What it sets and we use is set here.
        self.loop = loop
        self.session = Facts(loop)
        self.transport = None
        self.task: asyncio.Task[None] | None = None
        self._idle_timeout = idle_timeout
        self._buffer = bytearray()
        self._scanned = 0
        self._is_eof = False
        self._is_reading = True
        self._over: SessionOver | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._waits_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # -- called by the event loop ----------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.session.peer = transport.get_extra_info("peername")
        self.task = self.loop.create_task(self.converse())
        self._timer = self.loop.call_later(self._idle_timeout or WATCH_INTERVAL, self._watch)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > BUFFER_LIMIT and self._is_reading and self.transport is not None:
            self._is_reading = False
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Keeps the way back open: a client that shuts its side down after QUIT (or `nc`) still gets its replies."""
        self._is_eof = True
        self._wake()
        return self.session.ssl is None

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._is_eof = True
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # -- for the session -------------------------------------------------------------------------------------
    async def converse(self) -> None:
        """The whole session; never raises."""
        raise AssertionError("a session says what it does")  # pragma: no cover

    def overdue(self) -> SessionOver | None:
        """Why the session must end although it is not idle; asked now and then while it waits for its client."""
        return None

    @property
    def buffered(self) -> int:
        """Octets that have come and were not read."""
        return len(self._buffer)

    async def read_line(self) -> bytes | None:
        """One line with its end (CRLF, or a bare LF for the caller to refuse); None for one beyond LINE_LIMIT.

        Raises SessionOver at the end of the stream, when idle for too long, or when `end` was called.
        """
        is_too_long = False
        dropped = 0
        buffer = self._buffer
        while True:
            end = buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(buffer[: end + 1])
                self._consume(end + 1)
                return None if is_too_long or len(line) > LINE_LIMIT else line
            self._scanned = len(buffer)
            if self._scanned > LINE_LIMIT:
                is_too_long = True
                dropped += len(buffer)
                self._consume(len(buffer))
            if dropped > FLOOD_LIMIT:
                raise SessionOver("line too long", LINE_TOO_LONG)
            await self.more()

    async def read_some(self) -> bytes:
        """All octets that have come, at least one. Raises SessionOver as `read_line` does."""
        while not self._buffer:
            await self.more()
        data = bytes(self._buffer)
        self._consume(len(data))
        return data

    def unread(self, octets: bytes) -> None:
        """Puts back what was read too much; it is read again before anything else."""
        if octets:
            self._buffer[:0] = octets

    async def more(self) -> None:
        """Waits until more octets have come. Raises SessionOver."""
        if self._is_eof and self._over is None:
            raise SessionOver("client left")
        self._waiter = self.loop.create_future()
        self._waits_since = self.loop.time()
        try:
            if self._over is None:
                await self._waiter
        finally:
            self._waiter = None
        if self._over is not None:
            raise self._over

    async def answer(self, reply: Reply) -> None:
        """Sends a reply; waits while the client takes none. A client that is gone is noticed when reading."""
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(_wire(reply))
        if self._writable is not None:
            self._waits_since = self.loop.time()
            await self._writable
            if self._over is not None:
                raise SessionOver(self._over.reason)

    def end(self, reason: str, reply: Reply) -> None:
        """Makes the session end with `reply` as soon as it reads or waits for the client (now, if it does)."""
        if self._over is None:
            self._over = SessionOver(reason, reply)
        self._wake()
        if self._writable is not None:
            self.resume_writing()

    def hang_up(self) -> None:
        """Closes the connection once our last reply has left, at the latest after LINGER seconds."""
        if self._timer is not None:
            self._timer.cancel()
        transport = self.transport
        if transport is not None:
            if transport.get_write_buffer_size():
                self.loop.call_later(LINGER, transport.abort)
            transport.close()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Continues in TLS; octets already read (after a PROXY header) belong to it. Raises SessionOver."""
        raw = self.transport
        if raw is None:
            raise SessionOver("client left")
        early = bytes(self._buffer)
        self._consume(len(early))
        raw.pause_reading()  # or octets that come before TLS has taken over would end in our buffer
        patience = min(HANDSHAKE_TIMEOUT, self._idle_timeout or HANDSHAKE_TIMEOUT)
        handshake = self.loop.create_task(
            self.loop.start_tls(raw, self, context, server_side=True, ssl_handshake_timeout=patience)
        )
        try:
            if early:
                await _hand_over(raw, early)
            transport = await handshake
        except OSError as cause:  # ssl.SSLError and TimeoutError are OSErrors
            raw.abort()
            self.transport = None
            raise SessionOver(f"TLS failed: {type(cause).__name__}") from cause
        if transport is None or self._is_eof:
            raise SessionOver("client left")
        self.transport = transport
        self._is_reading = True
        tls = transport.get_extra_info("ssl_object")
        cipher = tls.cipher()
        self.session.ssl = {"version": tls.version(), "cipher": cipher[0] if cipher else None}

    # -- inside ----------------------------------------------------------------------------------------------
    def _consume(self, octets: int) -> None:
        del self._buffer[:octets]
        self._scanned = 0
        if not self._is_reading and self.transport is not None and len(self._buffer) <= BUFFER_LIMIT // 2:
            self._is_reading = True
            self.transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self) -> None:
        """Ends a session that waits for its client for too long, or is overdue. One timer a session, not one a read:
        a client that sends an octet now and then starts no timer anew and is still found out.
        """
        now = self.loop.time()
        is_waiting = self._waiter is not None or self._writable is not None
        over = self.overdue() if is_waiting else None
        idle_until = (self._waits_since if is_waiting else now) + (self._idle_timeout or WATCH_INTERVAL)
        if over is not None and over.reply is not None:
            self.end(over.reason, over.reply)
        elif self._idle_timeout and idle_until <= now:
            self.end("idle", IDLE)
        else:
            self._timer = self.loop.call_later(max(idle_until - now, 0.1), self._watch)


async def _hand_over(raw: asyncio.Transport, octets: bytes) -> None:
    """Gives octets that were read from `raw` to the TLS protocol that has just taken its place."""
    for _ in range(2):  # start_tls sets its protocol, then has it connected in the loop's next round
        await asyncio.sleep(0)
    protocol = cast(asyncio.BufferedProtocol, raw.get_protocol())
    while octets:
        room = cast(memoryview, protocol.get_buffer(len(octets)))
        count = min(len(room), len(octets))
        room[:count] = octets[:count]
        protocol.buffer_updated(count)
        octets = octets[count:]
