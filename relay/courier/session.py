"""A session with an upstream: greeting, EHLO, STARTTLS, AUTH; then transactions, until QUIT.

`required` and `implicit` never fall back to clear text. A password goes over TLS, or to this machine itself, and
nowhere else; it is never logged or put into a reply. RFC 5321 section 3.1, RFC 3207, RFC 4954, RFC 8314.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import ssl
from collections.abc import Sequence

from relay.config import TlsPolicy, Upstream
from relay.courier import trouble
from relay.courier.capability import Capabilities, parse_capabilities
from relay.courier.connection import Connection
from relay.courier.transaction import Transaction
from relay.courier.trouble import NoSession, SessionLost
from relay.model.delivery import Outcome
from relay.model.reply import Reply, local_reply

CHECK_TIMEOUT = 10.0
"""Seconds for RSET and QUIT, on which no message hangs."""


def tls_context(upstream: Upstream) -> ssl.SSLContext:
    """The context to verify the upstream with. Raises OSError (ssl.SSLError included) when `ca` cannot be read."""
    context = ssl.create_default_context(cafile=str(upstream.ca) if upstream.ca else None)
    if not upstream.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Session:
    """Made by `open_session`."""

    def __init__(self, upstream: Upstream, connection: Connection, helo: str, context: ssl.SSLContext) -> None:
        self._upstream, self._connection, self._helo, self._context = upstream, connection, helo, context
        self._needs_reset = False
        self.capabilities = Capabilities()
        self.transactions = 0
        self.has_served = False
        """Whether the upstream ever took a sender in this session."""
        self.released_at = 0.0
        """The loop's time when it was last given back to the pool."""

    @property
    def peer(self) -> str:
        """`192.0.2.7:587` or `[2001:db8::1]:587`."""
        host, port = self._connection.transport.get_extra_info("peername")[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def tls_version(self) -> str | None:
        tls = self._tls
        return tls.version() if tls else None

    @property
    def tls_cipher(self) -> str | None:
        cipher = self._tls.cipher() if self._tls else None
        return cipher[0] if cipher else None

    @property
    def _tls(self) -> ssl.SSLObject | None:
        tls: ssl.SSLObject | None = self._connection.transport.get_extra_info("ssl_object")
        return tls

    @property
    def is_usable(self) -> bool:
        """Whether another transaction may be tried. Octets that came unasked (421 before a close) say no."""
        return not self._connection.is_lost and self._connection.is_quiet

    async def send(self, mail: bytes, rcpts: Sequence[bytes], wire: bytes) -> list[Outcome]:
        """One transaction; see `Transaction.run`."""
        transaction = Transaction(
            self._connection,
            is_pipelined=self.capabilities.offers("PIPELINING"),
            timeout=self._upstream.timeout,
            may_be_stale=self.transactions > 0,
        )
        self.transactions += 1
        try:
            outcomes = await transaction.run(mail, rcpts, wire)
        except BaseException:
            self._connection.abort()
            raise
        self._needs_reset = transaction.needs_reset
        self.has_served = self.has_served or transaction.is_sender_taken
        if not transaction.is_session_usable:
            self._connection.abort()
        return outcomes

    async def is_alive(self, max_idle: float) -> bool:
        """Whether it can be used again; asks with RSET when the last transaction or a long rest leaves doubt."""
        if not self.is_usable:
            return False
        idle = asyncio.get_running_loop().time() - self.released_at
        if not self._needs_reset and idle <= max_idle:
            return True
        try:
            self._connection.write(b"RSET\r\n")
            reply = await self._connection.reply(min(CHECK_TIMEOUT, self._upstream.timeout))
        except SessionLost:
            return False
        self._needs_reset = False
        return reply.code // 100 == 2

    async def quit(self) -> None:
        """Ends the session politely, if it still can."""
        with contextlib.suppress(SessionLost):
            self._connection.write(b"QUIT\r\n")
            await self._connection.reply(min(CHECK_TIMEOUT, self._upstream.timeout))
        self._connection.abort()

    def abort(self) -> None:
        self._connection.abort()

    # -- opening -----------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Greeting to AUTH. Raises SessionLost."""
        self._expect(await self._connection.reply(self._upstream.timeout), "the connection")
        await self._hello()
        if self._wants_tls() and await self._start_tls():
            await self._hello()
        if self._upstream.username:
            await self._authenticate()

    def _wants_tls(self) -> bool:
        policy, is_offered = self._upstream.tls, self.capabilities.offers("STARTTLS")
        if policy is TlsPolicy.REQUIRED and not is_offered:
            raise SessionLost(local_reply(454, "4.7.4", "TLS is required, and the upstream does not offer STARTTLS"))
        return is_offered and policy in (TlsPolicy.REQUIRED, TlsPolicy.OPTIONAL)

    async def _hello(self) -> None:
        reply = await self._ask(b"EHLO " + self._helo.encode("ascii", "replace"))
        if reply.is_permanent:  # an upstream from before 1995, or one that hides its extensions
            reply = await self._ask(b"HELO " + self._helo.encode("ascii", "replace"))
            self._expect(reply, "HELO")
            self.capabilities = Capabilities()
            return
        self._expect(reply, "EHLO")
        self.capabilities = parse_capabilities(reply)

    async def _start_tls(self) -> bool:
        """False when it was refused and the policy lets us go on without."""
        reply = await self._ask(b"STARTTLS")
        if reply.code != 220:
            if self._upstream.tls is TlsPolicy.OPTIONAL and reply.code in (454, 502):
                return False
            self._expect(reply, "STARTTLS")
            raise SessionLost(trouble.unexpected("STARTTLS", reply))
        self.capabilities = Capabilities()
        await self._connection.start_tls(self._context, self._upstream.host, self._upstream.connect_timeout)
        return True

    async def _authenticate(self) -> None:
        if self._tls is None and not self._is_this_machine():
            raise SessionLost(local_reply(454, "4.7.0", "the password is not sent without TLS"))
        user = self._upstream.username.encode()
        password = self._upstream.password.get_secret_value().encode()
        mechanisms = self.capabilities.mechanisms
        if "PLAIN" in mechanisms:
            reply = await self._ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password))
        elif "LOGIN" in mechanisms:
            reply = await self._ask(b"AUTH LOGIN")
            for answer in (user, password):
                if reply.code != 334:
                    break
                reply = await self._ask(base64.b64encode(answer))
        else:
            raise SessionLost(local_reply(454, "4.7.0", "the upstream offers neither AUTH PLAIN nor AUTH LOGIN"))
        self._expect(reply, "AUTH")

    def _is_this_machine(self) -> bool:
        host = self._connection.transport.get_extra_info("peername")[0]
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback

    async def _ask(self, line: bytes) -> Reply:
        self._connection.write(line + b"\r\n")
        return await self._connection.reply(self._upstream.timeout)

    def _expect(self, reply: Reply, step: str) -> None:
        if not reply.is_positive:
            raise SessionLost(trouble.refused(step, reply))
        if reply.code // 100 != 2:
            raise SessionLost(trouble.unexpected(step, reply))


async def open_session(upstream: Upstream, helo: str, context: ssl.SSLContext) -> Session:
    """A session ready for MAIL. Raises NoSession, whose reply is transient and says which step failed, and why."""
    is_implicit = upstream.tls is TlsPolicy.IMPLICIT
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(upstream.connect_timeout):
            _, connection = await loop.create_connection(
                Connection,
                upstream.host,
                upstream.port,
                ssl=context if is_implicit else None,
                server_hostname=upstream.host if is_implicit else None,
            )
    except TimeoutError:
        raise NoSession(trouble.timed_out("connection", upstream.connect_timeout)) from None
    except (OSError, UnicodeError) as error:
        raise NoSession(trouble.broken(error)) from error
    session = Session(upstream, connection, helo, context)
    try:
        await session.open()
    except SessionLost as lost:
        session.abort()
        raise NoSession(lost.reply) from lost
    except BaseException:
        session.abort()
        raise
    return session
