"""A session with an upstream: greeting, EHLO, STARTTLS, AUTH; then transactions, until QUIT.

`required` and `implicit` never fall back to clear text. A password goes over TLS, or to this machine itself, and
nowhere else; it is never logged or put into a reply. RFC 5321 section 3.1, RFC 3207, RFC 4954, RFC 8314.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.config import TlsPolicy, Upstream
from relay.courier import login, trouble
from relay.courier.capability import Capabilities, parse_capabilities
from relay.courier.connection import Connection
from relay.courier.oauth import AccessTokens, TokenRefused
from relay.courier.transaction import Transaction
from relay.courier.trouble import NoSession, SessionLost
from relay.model.delivery import Outcome
from relay.model.reply import Reply, local_reply

CHECK_TIMEOUT = 10.0
"""Seconds for RSET and QUIT, on which no message hangs."""

_FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}


def tls_context(upstream: Upstream) -> ssl.SSLContext:
    """The context to verify the upstream with. Raises OSError (ssl.SSLError included) when `ca` cannot be read.

    To read whom the system trusts takes 20 to 70 ms, in which nothing else is done: not where nobody is verified.
    """
    if upstream.verify and upstream.tls is not TlsPolicy.NONE:
        return ssl.create_default_context(cafile=str(upstream.ca) if upstream.ca else None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    if not upstream.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Target:
    """The server of one session, and how it is to be secured."""

    host: str
    """The name that its certificate must have."""
    port: int
    tls: TlsPolicy
    context: ssl.SSLContext
    address: str = ""
    """Where to connect; empty: whatever `host` resolves to."""
    distrust: Callable[[ssl.SSLObject], str | None] | None = None
    """Asked after the handshake: why its certificate is not trusted, in words (DANE)."""


class Session:
    """Made by `open_session`."""

    def __init__(
        self, upstream: Upstream, target: Target, connection: Connection, helo: str, tokens: AccessTokens | None
    ) -> None:
        self._upstream, self._target, self._connection, self._helo = upstream, target, connection, helo
        self._tokens = tokens
        self._needs_reset = False
        self.step = "greeting"
        """What `open` is at: greeting, EHLO, TLS, AUTH, ready."""
        self.greeting: Reply | None = None
        self.has_greeted = False
        """Whether the upstream answered EHLO or HELO."""
        self.mechanism: str | None = None
        """Of AUTH."""
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
    def host(self) -> str:
        return self._target.host

    @property
    def certificate(self) -> bytes | None:
        """The server's, as DER."""
        return self._tls.getpeercert(binary_form=True) if self._tls else None

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
        if self._target.tls is TlsPolicy.IMPLICIT:
            self._check_trust()
        self.greeting = await self._connection.reply(self._upstream.timeout)
        self._expect(self.greeting, "the connection")
        self.step = "EHLO"
        await self._hello()
        self.step = "TLS"
        if self._wants_tls() and await self._start_tls():
            await self._hello()
        if self._upstream.username:
            self.step = "AUTH"
            await self._authenticate()
        self.step = "ready"

    def _wants_tls(self) -> bool:
        policy, is_offered = self._target.tls, self.capabilities.offers("STARTTLS")
        if policy is TlsPolicy.REQUIRED and not is_offered:
            raise SessionLost(local_reply(454, "4.7.4", "TLS is required, and the upstream does not offer STARTTLS"))
        return is_offered and policy in (TlsPolicy.REQUIRED, TlsPolicy.OPTIONAL)

    async def _hello(self) -> None:
        reply = await self._ask(b"EHLO " + self._helo.encode("ascii", "replace"))
        if reply.is_permanent:  # an upstream from before 1995, or one that hides its extensions
            reply = await self._ask(b"HELO " + self._helo.encode("ascii", "replace"))
            self._expect(reply, "HELO")
            self.capabilities = Capabilities()
        else:
            self._expect(reply, "EHLO")
            self.capabilities = parse_capabilities(reply)
        self.has_greeted = True

    async def _start_tls(self) -> bool:
        """False when it was refused and the policy lets us go on without."""
        reply = await self._ask(b"STARTTLS")
        if reply.code != 220:
            if self._target.tls is TlsPolicy.OPTIONAL and reply.code in (454, 502):
                return False
            self._expect(reply, "STARTTLS")
            raise SessionLost(trouble.unexpected("STARTTLS", reply))
        self.capabilities = Capabilities()
        await self._connection.start_tls(self._target.context, self._target.host, self._upstream.connect_timeout)
        self._check_trust()
        return True

    def _check_trust(self) -> None:
        """Raises SessionLost when the certificate does not satisfy `distrust`."""
        if self._target.distrust is not None and self._tls is not None:
            why = self._target.distrust(self._tls)
            if why is not None:
                raise SessionLost(local_reply(454, "4.7.5", f"the upstream's certificate is not trusted: {why}"))

    async def _authenticate(self) -> None:
        if self._tls is None and not self._is_this_machine():
            raise SessionLost(local_reply(454, "4.7.0", "the password is not sent without TLS"))
        try:
            self.mechanism = login.mechanism(self._upstream.auth, self.capabilities)
        except login.Unoffered as error:
            raise SessionLost(local_reply(454, "4.7.0", str(error))) from error
        user = self._upstream.username
        if self.mechanism == "XOAUTH2":
            reply = await self._bear(user)
        else:
            speak = login.plain if self.mechanism == "PLAIN" else login.login
            reply = await speak(self._ask, user, self._upstream.password.get_secret_value())
        self._expect(reply, "AUTH")

    async def _bear(self, user: str) -> Reply:
        """XOAUTH2; a token that was refused is not used again."""
        tokens = self._tokens or AccessTokens(self._upstream)
        try:
            token = await tokens.token()
        except TokenRefused as error:
            raise SessionLost(local_reply(454, "4.7.0", f"no access token: {error}")) from error
        reply = await login.xoauth2(self._ask, user, token)
        if reply.is_permanent:
            tokens.forget(token)
        return reply

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


async def open_session(upstream: Upstream, target: Target, helo: str, tokens: AccessTokens | None = None) -> Session:
    """A session ready for MAIL. Raises NoSession, whose reply is transient and says which step failed, and why."""
    session = await connect(upstream, target, helo, tokens)
    try:
        await session.open()
    except SessionLost as lost:
        session.abort()
        raise NoSession(lost.reply) from lost
    except BaseException:
        session.abort()
        raise
    return session


async def connect(upstream: Upstream, target: Target, helo: str, tokens: AccessTokens | None = None) -> Session:
    """A connection, secured if TLS is implicit, with nothing said yet. Raises NoSession."""
    is_implicit, source = target.tls is TlsPolicy.IMPLICIT, upstream.source_address
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(upstream.connect_timeout):
            _, connection = await loop.create_connection(
                Connection,
                target.address or target.host,
                target.port,
                ssl=target.context if is_implicit else None,
                server_hostname=target.host if is_implicit else None,
                local_addr=(str(source), 0) if source else None,
                family=_FAMILIES[source.version if source else 0],
            )
    except TimeoutError:
        raise NoSession(trouble.timed_out("connection", upstream.connect_timeout)) from None
    except (OSError, UnicodeError) as error:
        raise NoSession(trouble.broken(error)) from error
    return Session(upstream, target, connection, helo, tokens)
