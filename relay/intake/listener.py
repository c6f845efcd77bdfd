"""The intake: its listeners, from start to a graceful stop, and a reload that drops no session.

One accepted connection becomes one `SmtpSession`. What the sessions share is in `lobby.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from relay.archive.api import Archive
from relay.config import Listener, Smtp, TlsPolicy
from relay.intake.credentials import Directory
from relay.intake.door import Door
from relay.intake.handing import HandingCounter
from relay.intake.limits import DATA_GRACE
from relay.intake.lobby import SHUTTING_DOWN, Lobby, Station
from relay.intake.session import SmtpSession
from relay.model.delivery import MICROSECONDS

BACKLOG = 1024
"""Connections that the kernel may hold for us: a burst of clients is not refused."""


class Bound(NamedTuple):
    """Where a listener really listens. On a UNIX socket `host` is its path and `port` 0."""

    listener: str
    host: str
    port: int


class Intake:
    """SMTP in. `start` once, `reload` at will, `stop` once."""

    def __init__(
        self,
        smtp: Smtp,
        *,
        archive: Archive,
        applications: Directory,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        expire_after: int,
        data_grace: float = DATA_GRACE,
        door: Door | None = None,
    ) -> None:
        """`clock`: UTC microseconds. `expire_after`: seconds a delivery is tried for. `data_grace`: seconds of
        DATA before the minimum rate is asked for. `door`: takes the mail in place of capturing it.
        """
        hostname = smtp.hostname or socket.getfqdn()  # once: it may ask a name server, and blocks
        self._lobby = Lobby(
            smtp, hostname, applications, archive, clock, new_id, expire_after * MICROSECONDS, data_grace, door
        )
        self._counter = HandingCounter(self._lobby)
        self._stations: dict[Listener, tuple[Station, asyncio.Server]] = {}

    @property
    def counter(self) -> HandingCounter:
        """Where messages are handed in by HTTP, under the rules of this intake."""
        return self._counter

    @property
    def bound(self) -> list[Bound]:
        """Where we listen now; the real port where the configuration says 0."""
        places: list[Bound] = []
        for station, server in self._stations.values():
            name, path = station.listener.name, station.listener.socket
            if path is not None:
                places.append(Bound(name, str(path), 0))
            else:
                names = (bound.getsockname() for bound in server.sockets)
                places.extend(Bound(name, host, port) for host, port, *_ in names)
        return places

    @property
    def session_count(self) -> int:
        return len(self._lobby.sessions)

    async def start(self) -> None:
        """Listens everywhere, or raises OSError (no such address, port taken, certificate unreadable) and nowhere."""
        try:
            for listener in self._lobby.smtp.listeners:
                await self._open(listener, _context(listener))
        except BaseException:
            for listener in list(self._stations):
                self._close(listener)
            raise

    async def stop(self, grace: float) -> None:
        """Stops: no new sessions; those that wait for a command get 421 at once, those in DATA have `grace` seconds.

        Returns when every session is over and every commit under way has had its end: what was answered 250 is kept.
        """
        lobby = self._lobby
        lobby.is_stopping = True
        for listener in list(self._stations):
            self._close(listener)
        for session in list(lobby.sessions):
            if not session.is_receiving:
                session.end("shutting down", SHUTTING_DOWN)
        await self._sessions_over(grace)
        for session in list(lobby.sessions):
            session.end("shutting down", SHUTTING_DOWN)
        if lobby.commits or lobby.handings:
            await asyncio.wait([*lobby.commits, *lobby.handings])
        await self._sessions_over(1.0)
        for session in list(lobby.sessions):  # one that does not even take its 421
            if session.task is not None:
                session.task.cancel()

    async def reload(self, smtp: Smtp, applications: Directory) -> None:
        """Takes over limits, applications, certificates and listeners; open sessions go on as they are.

        Raises OSError or ssl.SSLError when a certificate cannot be read or an address not be had; then everything
        is as before.
        """
        contexts = {listener: _context(listener) for listener in smtp.listeners}
        opened: list[Listener] = []
        current = {_place(listener): listener for listener in self._stations}
        try:
            for listener in smtp.listeners:
                if _place(listener) not in current:
                    await self._open(listener, contexts[listener])
                    opened.append(listener)
        except OSError:
            for listener in opened:
                self._close(listener)
            raise
        wanted = {_place(listener): listener for listener in smtp.listeners}
        for place, listener in current.items():
            if place in wanted:
                self._replace(listener, wanted[place], contexts[wanted[place]])
            else:
                self._close(listener)
        self._stations = {listener: self._stations[listener] for listener in wanted.values()}
        self._lobby.smtp = smtp
        self._lobby.hostname = smtp.hostname or self._lobby.hostname
        self._lobby.directory = applications

    async def _sessions_over(self, seconds: float) -> None:
        tasks = [session.task for session in self._lobby.sessions if session.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def _open(self, listener: Listener, context: ssl.SSLContext | None) -> None:
        station = Station(listener, context)
        loop = asyncio.get_running_loop()
        if listener.socket is not None:
            server = await loop.create_unix_server(
                lambda: SmtpSession(self._lobby, station, loop),
                sock=_unix_socket(listener.socket, listener.socket_mode),
                backlog=BACKLOG,
            )
        else:
            server = await loop.create_server(
                lambda: SmtpSession(self._lobby, station, loop), listener.host, listener.port, backlog=BACKLOG
            )
        self._stations[listener] = (station, server)

    def _close(self, listener: Listener) -> None:
        _, server = self._stations.pop(listener)
        server.close()
        if listener.socket is not None:
            with suppress(OSError):
                listener.socket.unlink()

    def _replace(self, old: Listener, new: Listener, context: ssl.SSLContext | None) -> None:
        station, server = self._stations.pop(old)
        station.listener, station.context = new, context
        self._stations[new] = (station, server)


def _place(listener: Listener) -> tuple[str, int, str]:
    """Where it is asked to listen: what stays the same listener over a reload. Of free ports (0) each has its name."""
    if listener.socket is not None:
        return str(listener.socket), -1, ""
    return listener.host, listener.port, "" if listener.port else listener.name


def _context(listener: Listener) -> ssl.SSLContext | None:
    """The server's side of TLS, certificates read now; None without. Raises OSError (ssl.SSLError is one)."""
    if listener.tls is TlsPolicy.NONE or (listener.certificate is None and listener.tls is TlsPolicy.OPTIONAL):
        return None
    if listener.certificate is None:
        raise OSError(f"listener {listener.name}: tls is {listener.tls.value}, but there is no certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(listener.certificate, listener.certificate_key)
    return context


def _unix_socket(path: Path, mode: str) -> socket.socket:
    """A bound socket with the mode asked for. A file left by a server that is gone is removed; raises OSError."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == 0:
                    raise OSError(f"{path} is in use by another server")
            path.unlink()
        before = os.umask(0o177)  # nobody else connects before the mode is set
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(int(mode, 8))
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound
