"""One SMTP session: who the client is, the command loop, and what ends it. RFC 5321 section 3.

The commands themselves are in `commands.py`, `auth.py`, `transaction.py` and `data.py`: functions of the session and
the octets after the verb, giving the reply. An exception in one of them is a broken promise of ours: it is logged,
the client is told 451 and nothing else, and the session goes on.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import cast

from relay import maillog
from relay.config import TlsPolicy
from relay.intake.commands import COMMANDS, HTTP_VERBS, JUNK, UNKNOWN
from relay.intake.connection import Connection, SessionOver
from relay.intake.credentials import KnownApplication
from relay.intake.limits import Budget, client_key
from relay.intake.lobby import SHUTTING_DOWN, Lobby, Station
from relay.intake.proxy import ProxyError, parse_proxy_header
from relay.intake.transaction import Transaction
from relay.model.reply import Reply

SESSION_TOO_LONG = Reply(421, "session has lasted too long, please begin a new one", "4.7.0")
INTERNAL_ERROR = Reply(451, "something went wrong here, try again later", "4.3.0")
CANNOT_GO_ON = Reply(421, "something went wrong here, try again later", "4.3.0")
CONTROL_CHARACTER = Reply(501, "a command may not contain control characters", "5.5.2")
BARE_LINE_END = Reply(500, "a command ends with CRLF", "5.5.2")
LINE_TOO_LONG = Reply(500, "line too long", "5.5.2")
NOT_SMTP = Reply(421, "this is an SMTP server, not HTTP", "4.7.0")

FAIR_SHARE = 32
"""Pipelined commands that are obeyed before other sessions get their turn."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `address` is None on a UNIX socket."""

    text: str
    """`192.0.2.7:41234`, `[2001:db8::1]:41234` or `unix`."""
    address: IPv4Address | IPv6Address | None
    via_proxy: str | None = None

    @property
    def is_local(self) -> bool:
        """On this machine: what it says in plain text leaves no wire."""
        return self.address is None or self.address.is_loopback

    @property
    def key(self) -> str:
        return client_key(str(self.address)) if self.address else self.text


class SmtpSession(Connection):
    """See the module's docstring. The attributes are for the commands."""

    def __init__(self, lobby: Lobby, station: Station, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, lobby.smtp.idle_timeout)
        self.lobby = lobby
        self.station = station
        self.smtp = lobby.smtp
        """The settings this session began with."""
        self.name = lobby.next_session_name()
        self.client = Client("unknown", None)
        self.application: KnownApplication | None = None
        """The application that has signed in."""
        self.transaction: Transaction | None = None
        self.budget = Budget(lobby.smtp)
        self.is_receiving = False
        """Between the 354 and the reply to the final dot."""
        self._began = loop.time()
        self._counted: str | None = None

    @property
    def is_tls(self) -> bool:
        return self.session.ssl is not None

    @property
    def may_sign_in(self) -> bool:
        """Whether AUTH can be used now: there are credentials, and they would not cross a wire in plain text."""
        return self.lobby.directory.has_credentials and (self.is_tls or self.client.is_local)

    def refuse(self, reason: str, reply: Reply) -> Reply:
        """The reply, logged and counted under one of a small fixed set of reasons."""
        maillog.command_refused(self.name, self.client.text, reason, str(reply))
        return reply

    def forget(self) -> None:
        """Nothing is known of the client any more but its address (after STARTTLS, RFC 3207 section 4.2)."""
        self.session.host_name = None
        self.session.extended_smtp = False
        self.transaction = None
        self.application = None

    # -- life ------------------------------------------------------------------------------------------------
    async def converse(self) -> None:
        lobby = self.lobby
        lobby.sessions.add(self)
        reason = "failed"
        try:
            reason = await self._run()
        except SessionOver as over:
            reason = over.reason
            if over.reply is not None:
                self._say_last(over.reply)
        except Exception as cause:
            maillog.room_failed("intake", cause)
            self._say_last(CANNOT_GO_ON)
        finally:
            self.hang_up()
            lobby.sessions.discard(self)
            lobby.census.leave(self._counted)
            maillog.session_closed(self.name, self.client.text, reason)

    def _say_last(self, reply: Reply) -> None:
        """Sends a reply without waiting for the client to take it."""
        if self.transport is not None:
            self.transport.write(reply.to_wire())

    async def _run(self) -> str:
        """The session from the first octet to the last; why it ended. Raises SessionOver."""
        refusal = self.lobby.census.arrive(self.smtp)
        maillog.session_opened(self.name, str(self.session.peer), self.station.listener.name)
        if refusal is not None:
            raise self._over_for("connections", refusal)
        await self._meet()
        self._check_end()
        if self.station.listener.tls is TlsPolicy.IMPLICIT and self.station.context is not None:
            await self.start_tls(self.station.context)
        await self.answer(Reply(220, f"{self.lobby.hostname} ESMTP Mailwitness"))
        for served in itertools.count():
            self._check_end()
            if served % FAIR_SHARE == FAIR_SHARE - 1 and self.buffered:
                await asyncio.sleep(0)
            line = await self.read_line()
            obeyed = await self._obey(line)
            if obeyed is None:
                continue
            reply = self._charge(obeyed)
            await self.answer(reply)
            if reply.code in (221, 421):
                break
        return "quit" if reply.code == 221 else "limit"

    async def _meet(self) -> None:
        """Finds out who the client is and counts it. Raises SessionOver."""
        self.client = self._neighbour()
        trusted = self.station.listener.proxy_from
        if trusted and self.client.address is not None and any(self.client.address in net for net in trusted):
            await self._read_proxy_header()
        self._counted = self.client.key
        refusal = self.lobby.census.name(self._counted, self.smtp)
        if refusal is not None:
            raise self._over_for("connections", refusal)

    def _neighbour(self) -> Client:
        if self.station.listener.socket is not None or not self.session.peer:
            return Client("unix", None)
        host, port = cast(tuple[str, int], self.session.peer)[:2]
        return _client(_address(host), port)

    async def _read_proxy_header(self) -> None:
        proxy = self.client
        octets = b""
        while True:
            octets += await self.read_some()
            try:
                header = parse_proxy_header(octets)
            except ProxyError as cause:
                raise SessionOver(f"PROXY: {cause}") from cause
            if header is not None:
                break
        self.unread(octets[header.length :])
        if header.peer is not None:
            self.client = _client(header.peer, header.port, via_proxy=proxy.text)

    # -- commands --------------------------------------------------------------------------------------------
    async def _obey(self, line: bytes | None) -> Reply | None:
        """The reply to one command line; None if all is said."""
        if line is None:
            return self.refuse("syntax", LINE_TOO_LONG)
        if not line.endswith(b"\r\n"):
            return self.refuse("syntax", BARE_LINE_END)
        command = line[:-2]
        if _CONTROL.search(command):
            return self.refuse("syntax", CONTROL_CHARACTER)
        verb, _, argument = command.partition(b" ")
        verb = verb.upper()
        if verb in HTTP_VERBS:
            return self.refuse("http", NOT_SMTP)
        act = COMMANDS.get(verb)
        if act is None:
            return self.refuse("unknown", UNKNOWN)
        over = self.budget.spend_junk() if verb in JUNK else None
        if over is not None:
            return self.refuse("junk", over)
        try:
            return await act(self, argument.strip(b" "))
        except SessionOver:
            raise
        except Exception as cause:
            maillog.room_failed("intake", cause)
            self.transaction = None
            return INTERNAL_ERROR

    def _charge(self, reply: Reply) -> Reply:
        """The reply, or the one that ends the session when it was one refusal too many."""
        over = self.budget.spend_error() if reply.is_permanent else None
        return reply if over is None else self.refuse("errors", over)

    def _check_end(self) -> None:
        """Raises SessionOver when we stop, and after `max_session`: between transactions, or at twice that age."""
        if self.lobby.is_stopping:
            raise SessionOver("shutting down", SHUTTING_DOWN)
        over = self.overdue()
        if over is not None:
            raise over

    def overdue(self) -> SessionOver | None:
        """The end of a session that has lasted too long. DATA is left alone: it has a minimum rate."""
        age = self.loop.time() - self._began
        limit = self.smtp.max_session
        if not limit or self.is_receiving or age <= (limit * 2 if self.transaction else limit):
            return None
        return self._over_for("session", SESSION_TOO_LONG)

    def _over_for(self, reason: str, reply: Reply) -> SessionOver:
        return SessionOver(reason, self.refuse(reason, reply))


@lru_cache(maxsize=1024)
def _address(host: str) -> IPv4Address | IPv6Address:
    """Without its zone; the same few applications come again and again."""
    return ip_address(host.partition("%")[0])


def _client(address: IPv4Address | IPv6Address, port: int, via_proxy: str | None = None) -> Client:
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    text = f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"
    return Client(text, address, via_proxy)
