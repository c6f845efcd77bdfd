"""A viewer at work: the real application on a real port, a real archive, a clock that tests move.

`House.add(content, …)` keeps a message as intake would; `House.client(role)` is a signed-in browser,
`House.program(role)` a program with a bearer token.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from argon2 import PasswordHasher
from ulid import ULID

from relay.archive.api import ApiToken, Archive, User, WebSession
from relay.archive.content import stored
from relay.config import Application, ArchiveTable, Config, LiveConfig, Upstream, Viewer
from relay.config.stored import SETTING, merged
from relay.intake.credentials import Directory
from relay.intake.listener import Intake
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.upstream import UpstreamState
from relay.notary.erasing import Advance
from relay.notary.evidence import Narrator
from relay.rendition.extract import extract
from relay.rendition.traits import traits_of
from tests.support.fresh import fresh_archive
from tests.support.notarised import Notarised
from viewer.app import build_app
from viewer.grid.live import HEARTBEAT
from viewer.identity.passwords import Passwords, hash_password
from viewer.identity.sign_in import PASSWORDS
from viewer.keys import NARRATE
from viewer.message.evidence_summary import Summary

NOON = 1_795_521_600_000_000
"""2026-11-24T12:00:00Z in microseconds."""
SECOND = 1_000_000
LIGHT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""argon2id with a thousandth of the work; the usual work is proved in `test_viewer_sign_in.py`."""
LETTER = (
    b"From: Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\nSubject: Your invoice INV-12345\r\n"
    b"Message-ID: <1@example.com>\r\n\r\nHello Ann.\r\n"
)


@dataclass
class Ticks:
    """A clock that moves a millisecond with every look, and by `now` when a test says so."""

    now: int = NOON

    def __call__(self) -> int:
        self.now += 1000
        return self.now


@dataclass
class Ids:
    """ULIDs in order."""

    last: int = 1

    def __call__(self) -> str:
        self.last += 1
        return str(ULID.from_bytes((NOON // 1000).to_bytes(6, "big") + self.last.to_bytes(10, "big")))


@dataclass
class House:
    app: web.Application
    archive: Archive
    config: Config
    url: str
    clock: Ticks
    new_id: Ids
    runner: web.AppRunner
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)
    upstreams: list[UpstreamState] = field(default_factory=list)
    """What the courier would tell of them."""
    advances: dict[str, Advance] = field(default_factory=dict)
    """How far the server would say that erasures are."""
    switches_turned: int = 0
    """How often the server was told that a switch was turned."""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    async def add(
        self,
        content: bytes = LETTER,
        recipients: tuple[str, ...] = ("ann@example.org",),
        *,
        sender: str = "shop@example.com",
        state: State = State.CAPTURED,
        indexed: bool = True,
    ) -> str:
        """Keeps a message and returns its id."""
        now, message_id = self.clock(), self.new_id()
        ready = stored(content)
        message = Message(
            id=message_id,
            received_at=now,
            application="shop",
            mode=Mode.CAPTURE,
            envelope=Envelope(sender, tuple(Recipient(address) for address in recipients)),
            reception=Reception("127.0.0.1:41234", "app.example.com", "ESMTP", "smtp"),
            size=len(content),
            sha256=hashlib.sha256(content).digest(),
            traits=traits_of(content),
        )
        duties = [
            Delivery(self.new_id(), message_id, recipient, state, now, due_at=now if state is State.QUEUED else None)
            for recipient in message.envelope.recipients
        ]
        events = [Event(self.new_id(), now, Kind.CAPTURED, "application:shop", message_id)]
        await self.archive.add_message(message, ready, duties, events)
        if indexed:
            await self.archive.add_summaries([(message_id, extract(content))])
        return message_id

    async def add_user(self, name: str, role: str, password_hash: str = "") -> User:
        user = User(name, role, password_hash, self.clock())
        await self.archive.put_user(user, self.event())
        return user

    def event(self) -> Event:
        return Event(self.new_id(), self.clock(), Kind.ACCOUNT_CHANGED, "relay")

    async def client(self, role: str = "administrator", name: str = "") -> aiohttp.ClientSession:
        """A browser in which a user of that role is signed in; their name is the role's."""
        user = await self.add_user(name or role, role)
        token = f"session-of-{user.name}-{self.new_id()}"
        session = WebSession(
            hashlib.sha256(token.encode()).digest(), user.name, self.clock(), self.clock() + 3600 * SECOND, "127.0.0.1"
        )
        await self.archive.add_session(session, self.event())
        return self.browser(cookies={"mailwitness": token})

    async def program(self, role: str = "administrator") -> aiohttp.ClientSession:
        """A program with a bearer token of a user of that role."""
        user = await self.add_user(role, role)
        secret = f"token-of-{user.name}-{self.new_id()}"
        token = ApiToken(self.new_id(), "test", user.name, hashlib.sha256(secret.encode()).digest(), self.clock())
        await self.archive.add_token(token, self.event())
        return self.browser(headers={"Authorization": f"Bearer {secret}"})

    async def stop(self) -> None:
        """Stops the server as the service does; the archive stays open."""
        await self.runner.cleanup()

    def browser(self, **options: Any) -> aiohttp.ClientSession:
        """Someone who is not signed in, with a cookie jar of their own."""
        jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(self.url, cookie_jar=jar, **options)
        self.sessions.append(session)
        return session

    async def events(self, kind: Kind) -> list[Event]:
        return [event for _, event in await self.archive.events() if event.kind is kind]


def lightly_hashed(password: str) -> str:
    """As a house keeps it."""
    return hash_password(password, LIGHT)


def configured(
    folder: Path, *, upstream: bool = True, application: tuple[Application, ...] = (), **viewer: Any
) -> Config:
    upstreams = (Upstream(name="provider", host="127.0.0.1"),) if upstream else ()
    table = ArchiveTable(path=folder)
    return Config(archive=table, upstream=upstreams, application=application, viewer=Viewer(**viewer))


async def _draws_nothing(app: web.Application) -> None:
    def narrate(*, made_by: str, made_at: int, query: str) -> Narrator:
        return Summary(made_by=made_by, made_at=made_at, query=query, draw=None)

    app[NARRATE] = narrate


@asynccontextmanager
async def open_house(
    config: Config, *, heartbeat: float = 15.0, hasher: PasswordHasher = LIGHT, draws: bool = True
) -> AsyncIterator[House]:
    """A running viewer, stopped and closed at the end. `draws`: evidence has a PDF, as where WeasyPrint is there."""
    config.archive.path.mkdir(exist_ok=True)
    archive = await fresh_archive(config.archive.path / "archive.db")
    clock, new_id = Ticks(), Ids()

    smtp = config.smtp.model_copy(update={"listeners": ()})
    applications = await Directory.load(config, archive, config.default_mode)
    intake = Intake(
        smtp,
        archive=archive,
        applications=applications,
        clock=clock,
        new_id=new_id,
        expire_after=config.delivery.expire_after,
    )

    async def turned() -> None:
        house.switches_turned += 1

    live = LiveConfig(config)

    async def changed() -> None:
        live.use(merged(config, await archive.setting(SETTING)))

    app = build_app(
        live.as_config,
        archive=archive,
        clock=clock,
        new_id=new_id,
        switches_changed=turned,
        settings_changed=changed,
        upstream_states=lambda: house.upstreams,
        counter=intake.counter,
        evidence=Notarised(archive).evidence,
        erasing=lambda erasure_id: house.advances.get(erasure_id),
    )
    app[HEARTBEAT] = heartbeat
    app[PASSWORDS] = Passwords(hasher=hasher)
    if not draws:
        app.on_startup.append(_draws_nothing)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    house = House(app, archive, config, f"http://127.0.0.1:{listening.getsockname()[1]}", clock, new_id, runner)
    try:
        await web.SockSite(runner, listening).start()
        yield house
    finally:
        for session in house.sessions:
            await session.close()
        await runner.cleanup()
        await archive.close()
