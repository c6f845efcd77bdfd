"""One TCP connection to an upstream: lines out, replies in, octets out with back-pressure, the switch to TLS.

Knows nothing of what the replies mean. Every wait has a limit, and every failure is SessionLost.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from relay.courier import trouble
from relay.courier.replies import ReplyReader
from relay.courier.trouble import SessionLost
from relay.model.reply import MalformedReply, Reply

UNREAD_LIMIT = 1024
"""Replies nobody asked for yet; more is an upstream that floods us."""


class Connection(asyncio.Protocol):
    """Made by `loop.create_connection`; `transport` is set from then on, and replaced by `start_tls`."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._lost: Reply | None = None
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    # -- called by the transport -------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # Low limits, so that `drain` returns only when the octets have left this process: what is lost before the
        # final dot was written is then known not to have been received.
        self.transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._reader.feed(data):
                self._replies.append(reply)
            if len(self._replies) > UNREAD_LIMIT:
                raise MalformedReply(f"more than {UNREAD_LIMIT} replies to nothing")
        except MalformedReply as malformed:
            self._break(trouble.garbage(malformed))
        self._wake()

    def connection_lost(self, cause: Exception | None) -> None:
        self._lose(trouble.connection_closed() if cause is None else trouble.broken(cause))

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._wake()

    def _lose(self, reply: Reply) -> SessionLost:
        """Ends the connection for us; the first cause stays."""
        if self._lost is None:
            self._lost = reply
        self._wake()
        return SessionLost(self._lost)

    def _break(self, reply: Reply) -> SessionLost:
        lost = self._lose(reply)
        self.transport.abort()
        return lost

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- for the session ---------------------------------------------------------------------------------------
    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come that was not read."""
        return self._reader.is_empty and not self._replies

    def write(self, octets: bytes) -> None:
        """Hands octets to the transport. Raises SessionLost if there is none any more."""
        if self._lost is not None:
            raise SessionLost(self._lost)
        self.transport.write(octets)

    async def drain(self, seconds: float) -> None:
        """Returns when everything written has left. Raises SessionLost, also after `seconds` without."""
        if self._is_paused:
            try:
                async with asyncio.timeout(seconds):
                    while self._is_paused and self._lost is None:
                        await self._wait()
            except TimeoutError:
                raise self._break(trouble.timed_out("progress in sending", seconds)) from None
        if self._lost is not None:
            raise SessionLost(self._lost)

    async def reply(self, seconds: float) -> Reply:
        """The next whole reply. Raises SessionLost when the connection ends first, or after `seconds` in all."""
        if not self._replies:
            try:
                async with asyncio.timeout(seconds):
                    while not self._replies and self._lost is None:
                        await self._wait()
            except TimeoutError:
                raise self._break(trouble.timed_out("reply", seconds)) from None
        if self._replies:
            return self._replies.popleft()
        raise self._lose(trouble.connection_closed())

    def unread_reply(self) -> Reply | None:
        """A reply that came before it was asked for: an upstream may refuse in the middle of DATA."""
        return self._replies[0] if self._replies else None

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Makes the connection encrypted. Raises SessionLost; the connection is then of no use.

        Octets that came in clear after the 220 are not carried into the encrypted session, where they would pass for
        the upstream's words: they end the session (CVE-2021-38371).
        """
        if not self.is_quiet:
            raise self._break(trouble.garbage(MalformedReply("octets in clear after the reply to STARTTLS")))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                transport = await loop.start_tls(self.transport, self, context, server_hostname=host)
        except TimeoutError:
            raise self._break(trouble.timed_out("TLS handshake", seconds)) from None
        except OSError as error:
            raise self._break(trouble.broken(error)) from error
        if transport is None:
            raise self._break(trouble.connection_closed())
        self.connection_made(transport)

    def abort(self) -> None:
        self._break(trouble.connection_closed())

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
