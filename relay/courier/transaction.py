"""One mail transaction on an open session: envelope, content, final dot; an Outcome for each recipient.

MAIL, RCPT and DATA go out together when the upstream offers PIPELINING (RFC 2920), else one by one. Some recipients
may be refused while others are accepted; without an accepted one there is no content. RFC 5321 sections 3.3, 4.2.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relay.courier import trouble
from relay.courier.connection import Connection
from relay.courier.dot import is_clean, stuffed
from relay.courier.trouble import SessionLost, StaleSession
from relay.model.delivery import Outcome
from relay.model.reply import Reply

DATA = b"DATA\r\n"


class Transaction:
    """Run once. Afterwards the flags say what may be done with the session."""

    def __init__(self, connection: Connection, *, is_pipelined: bool, timeout: float, may_be_stale: bool) -> None:
        self._connection = connection
        self._is_pipelined = is_pipelined
        self._timeout = timeout
        self._may_be_stale = may_be_stale
        self._refused: dict[int, Reply] = {}
        self._is_content_begun = False
        self._is_content_sent = False
        self.is_session_usable = True
        self.is_sender_taken = False
        """The upstream took MAIL: it is at work."""
        self.needs_reset = True
        """The upstream may still hold an envelope of ours."""

    async def run(self, mail: bytes, rcpts: Sequence[bytes], wire: bytes) -> list[Outcome]:
        """What became of each recipient, in the order of `rcpts`.

        `wire` must be clean (see `dot.py`), else ValueError and nothing is sent. Raises StaleSession when a kept
        session had been closed before it took MAIL: nothing was sent, the caller repeats on a new one.
        """
        if not is_clean(wire):
            raise ValueError("the content to send has bare line ends, or does not end with CRLF")
        is_uncertain = False
        try:
            reply = await self._converse(mail, rcpts, wire)
        except SessionLost as lost:
            self.is_session_usable = False
            is_uncertain = self._is_content_sent
            reply = lost.reply if is_uncertain else self._early_refusal() or lost.reply
        return [
            Outcome(self._refused[n]) if n in self._refused else Outcome(reply, is_uncertain) for n in range(len(rcpts))
        ]

    def _early_refusal(self) -> Reply | None:
        """What the upstream said before it hung up on us in the middle of DATA."""
        reply = self._connection.unread_reply() if self._is_content_begun else None
        return None if reply is None or reply.is_positive else reply

    async def _converse(self, mail: bytes, rcpts: Sequence[bytes], wire: bytes) -> Reply:
        """The reply for every recipient that was not refused by its own RCPT. Raises SessionLost."""
        reply = await self._offer_sender(mail, rcpts)
        if not reply.is_positive:
            if self._is_pipelined:
                await self._read_off(len(rcpts))
            return reply
        self.is_sender_taken = True
        for n, rcpt in enumerate(rcpts):
            answer = await self._ask(rcpt, "RCPT")
            if not answer.is_positive:
                self._refused[n] = answer
        if len(self._refused) == len(rcpts):
            if self._is_pipelined:
                await self._read_off(0)
            return reply
        reply = await self._ask(DATA, "DATA", positive=3)
        return await self._send(wire) if reply.is_positive else reply

    async def _offer_sender(self, mail: bytes, rcpts: Sequence[bytes]) -> Reply:
        try:
            if self._is_pipelined:
                self._connection.write(mail + b"".join(rcpts) + DATA)
            else:
                self._connection.write(mail)
            reply = await self._connection.reply(self._timeout)
            self._check(reply, "MAIL", 2)
        except SessionLost as lost:
            if self._may_be_stale:
                raise StaleSession(str(lost)) from lost
            raise
        if reply.code == 530:  # "authentication required" is about the session, not about this message
            raise SessionLost(trouble.refused("MAIL", reply))
        return reply

    async def _ask(self, line: bytes, step: str, positive: int = 2) -> Reply:
        """The reply to `line`, which is already on its way when commands are pipelined."""
        if not self._is_pipelined:
            self._connection.write(line)
        reply = await self._connection.reply(self._timeout)
        self._check(reply, step, positive)
        return reply

    def _check(self, reply: Reply, step: str, positive: int) -> None:
        """Raises SessionLost for the reply that ends every session, and for one that makes no sense here."""
        if reply.code == 421:
            raise SessionLost(reply)
        if reply.is_positive and reply.code // 100 != positive:
            raise SessionLost(trouble.unexpected(step, reply))

    async def _read_off(self, rcpts: int) -> None:
        """Reads what a pipelined upstream still owes after MAIL or all of RCPT were refused.

        An upstream may answer 354 all the same; then it gets a message of no octets for no one (RFC 2920 section 3.1).
        Trouble here costs the session, but changes no recipient's reply.
        """
        try:
            for _ in range(rcpts):
                await self._connection.reply(self._timeout)
            reply = await self._connection.reply(self._timeout)
            if reply.code // 100 == 3:
                self._connection.write(b".\r\n")
                await self._connection.reply(self._timeout)
        except SessionLost:
            self.is_session_usable = False

    async def _send(self, wire: bytes) -> Reply:
        self._is_content_begun = True
        for octets, is_last in _with_last(stuffed(wire)):
            await self._connection.drain(self._timeout)
            early = self._connection.unread_reply()
            if early is not None and early.is_positive:  # of what it never saw: not to be taken for "sent"
                raise SessionLost(trouble.unexpected("an unfinished content", early))
            # From here on a lost connection means: the upstream may have all of it (RFC 1047).
            self._is_content_sent = is_last
            self._connection.write(octets)
        await self._connection.drain(self._timeout)
        # RFC 5321 section 4.5.3.2.6 gives the final dot twice the time of other replies.
        reply = await self._connection.reply(2 * self._timeout)
        if reply.code // 100 == 3:
            raise SessionLost(trouble.unexpected("the final dot", reply))
        self.needs_reset = False
        self.is_session_usable = reply.code != 421
        return reply


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    held = next(pieces)
    for piece in pieces:
        yield held, False
        held = piece
    yield held, True
