"""The service: builds the parts, starts and stops them in order. The one place that gives them clock and random source.

Order of starting: archive, indexer, notary, beacon, courier, intake, viewer, control socket; of stopping: intake (no
new sessions, running DATA finished or answered 421) beside courier, then the rest backwards, the archive last.
SIGTERM and SIGINT stop gracefully, a second one at once; SIGHUP reloads configuration and certificates.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import random
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiohttp import web

from relay import maillog
from relay.archive.api import ArchiveError
from relay.archive.figures import Counting
from relay.archive.indexer import Indexer
from relay.arrivals import Arrivals
from relay.clock import new_id, now
from relay.config import Config, LiveConfig, settings
from relay.config.stored import SETTING as STORED
from relay.config.stored import merged
from relay.control import Control
from relay.courier.courier import Courier
from relay.extractor import Extractor
from relay.feedback.beacon import Beacon
from relay.folder import FolderError, open_in_folder
from relay.greeting import Facts, greeting
from relay.handover.handover import Handover
from relay.herald.herald import Herald
from relay.intake.credentials import Directory
from relay.intake.listener import Intake
from relay.listening import ANYWHERE, address, reason
from relay.model.delivery import MICROSECONDS
from relay.notary.evidence import Evidence
from relay.notary.notary import Notary
from relay.notary.retention import Keeper
from relay.notary.serving import Shown
from relay.notary.stamping import Stamping
from relay.notify import notify
from relay.reading import StartError, is_public, marking_of, signer_of, smtp_of, tracking_place, wish
from relay.returns import Returns
from relay.signing_keys import KeyFileError, load_signer
from relay.vitals import Vitals
from relay.watch import Watch

BuildViewer = Callable[..., web.Application]
"""`viewer.app.build_app`, given by `__main__`: relay itself does not import viewer."""

GRACE = 10.0
"""Seconds that running transactions get when the service stops."""
FIRST_SIGN_IN = "first-sign-in"
FIRST_SIGN_IN_LIFETIME = 24 * 3600 * MICROSECONDS
KEEPALIVE = 15.0
"""Seconds; aiohttp's own 3630 keeps the connections of slow or silent browsers for an hour."""


class Service:
    """One running server. `file` and `environment`: where SIGHUP reads the configuration again."""

    def __init__(
        self,
        config: Config,
        *,
        file: Path | None,
        environment: Mapping[str, str],
        build_viewer: BuildViewer,
        say: Callable[[str], object],
    ) -> None:
        self._config = config
        self._from_file = config
        self._live = LiveConfig(config)
        self._file = file
        self._environment = environment
        self._build_viewer = build_viewer
        self._say = say
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._viewer_address = ""
        self._beacon: Beacon | None = None

    async def run(self) -> None:
        """Returns when the service was told to stop and has stopped. Raises StartError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        async with AsyncExitStack() as stack:
            await self._start(stack)
            # What is there now stays: to look through all of it for garbage takes a tenth of a second now and then.
            gc.freeze()
            notify("READY=1", self._environment)
            await self._stopping.wait()
            notify("STOPPING=1", self._environment)

    def _stop(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            # What was answered 250 is committed; nothing is lost by ending here.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._stopping.set()

    def _hang_up(self) -> None:
        task = asyncio.create_task(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, stack: AsyncExitStack) -> None:
        config = self._config
        folder = config.archive.path.resolve()
        try:
            self._archive = await open_in_folder(config)
        except FolderError as error:
            raise StartError(str(error)) from error
        stack.push_async_callback(self._archive.close)
        config = self._config = merged(config, await self._archive.setting(STORED))
        self._live.use(config)
        self._extractor = Extractor(wish(config))
        stack.push_async_callback(self._extractor.close)
        indexer = Indexer(self._archive, self._extractor)
        await indexer.start()
        stack.push_async_callback(indexer.stop)
        counting = Counting(self._archive)
        await counting.start()
        stack.push_async_callback(counting.stop)
        self._notary = Notary(
            config.ledger,
            folder=folder,
            hostname=smtp_of(config).hostname,
            archive=self._archive,
            clock=now,
            new_id=new_id,
        )
        # Stopped after all that record something: the last checkpoint is over that too.
        stack.push_async_callback(self._notary.stop)
        self._notary.start()
        self._stamping = Stamping(config.ledger, archive=self._archive, clock=now)
        stack.push_async_callback(self._stamping.stop)
        self._stamping.start()
        rules, worm = config.retention, config.ledger.worm
        self._keeper = Keeper(rules, worm, archive=self._archive, clock=now, new_id=new_id, folder=folder)
        await self._keeper.start()
        stack.push_async_callback(self._keeper.stop)
        await self._start_beacon(stack)
        await self._start_herald(stack)
        await self._start_arrivals(stack)
        # Before mail: a journal that is new begins with the first message.
        log = Evidence(self._archive, self._notary.keys, self._notary.checkpoint)
        house = smtp_of(config).hostname
        self._handover = Handover(config, house, archive=self._archive, log=log, clock=now, new_id=new_id)
        await self._handover.start()
        stack.push_async_callback(self._handover.stop)
        await self._start_mail(stack)
        self._watch = Watch(
            config.alert,
            archive=self._archive,
            clock=now,
            new_id=new_id,
            upstream_states=self._courier.upstream_states,
            hostname=smtp_of(config).hostname,
            can_send=bool(config.upstream),
        )
        self._watch.start()
        stack.push_async_callback(self._watch.stop)
        viewer = await stack.enter_async_context(self._viewer())
        control = Control(
            folder,
            self._archive,
            status=self._status,
            changed=self._people_changed,
            switches_changed=self._switches_changed,
            notary=self._notary,
        )
        stack.push_async_callback(control.stop)
        try:
            await control.start()
            facts = await self._facts(viewer, folder)
        except OSError as error:
            raise StartError(f"cannot listen for commands in {folder}: {reason(error)}") from error
        self._say(greeting(facts))

    async def _start_beacon(self, stack: AsyncExitStack) -> None:
        """The public port, before any copy can be sent whose links lead to it, and until after the last."""
        self._returns = Returns(self._config, self._archive, clock=now, new_id=new_id)
        self._returns.start()
        stack.push_async_callback(self._returns.stop, GRACE)
        if not is_public(self._config):
            return
        self._beacon = Beacon(
            self._config.tracking,
            archive=self._archive,
            clock=now,
            new_id=new_id,
            rules=self._config.suppression.rules(),
            hooks=self._returns.hooks,
            log=Shown(self._archive, self._notary.shown).answer,
        )
        try:
            await self._beacon.start()
        except OSError as error:
            raise StartError(f"cannot listen for tracking: {reason(error)}") from error
        stack.push_async_callback(self._beacon.stop, GRACE)

    async def _start_herald(self, stack: AsyncExitStack) -> None:
        """Before mail, so that an endpoint that is new is told of the first."""
        endpoints = self._config.endpoint
        self._herald = Herald(endpoints, archive=self._archive, clock=now, new_id=new_id, spread=random.random)
        await self._herald.start()
        stack.push_async_callback(self._herald.stop)

    async def _start_arrivals(self, stack: AsyncExitStack) -> None:
        """Where bounces come in by mail, before any copy can be sent that asks for them."""
        self._arrivals = Arrivals(self._archive, clock=now, new_id=new_id, kept=self._returns.mapper.wake)
        stack.push_async_callback(self._arrivals.stop, GRACE)
        try:
            await self._arrivals.use(self._config, smtp_of(self._config).hostname)
        except OSError as error:
            raise StartError(f"cannot listen for bounces: {reason(error)}") from error

    async def _start_mail(self, stack: AsyncExitStack) -> None:
        config = self._config
        smtp = smtp_of(config)
        self._courier = Courier(
            config.delivery,
            config.upstream,
            hostname=smtp.hostname,
            archive=self._archive,
            clock=now,
            new_id=new_id,
            spread=random.random,
            signer=signer_of(config),
            marking=marking_of(config),
            routes=config.route,
            rules=config.suppression.rules(),
            switches=await self._archive.switches(),
        )
        self._intake = Intake(
            smtp,
            archive=self._archive,
            applications=await self._directory(config),
            clock=now,
            new_id=new_id,
            expire_after=config.delivery.expire_after,
        )
        await self._courier.start()
        stack.push_async_callback(self._stop_mail)
        try:
            await self._intake.start()
        except OSError as error:
            raise StartError(f"cannot listen for SMTP: {reason(error)}") from error

    async def _stop_mail(self) -> None:
        await asyncio.gather(self._intake.stop(GRACE), self._courier.stop(GRACE))

    @asynccontextmanager
    async def _viewer(self) -> AsyncIterator[str]:
        """The viewer runs; gives its address as people type it."""
        table = self._config.viewer
        vitals = Vitals(self._archive, now, self._courier.upstream_states, lambda: self._notary.problem)
        app = self._build_viewer(
            self._live.as_config,
            archive=self._archive,
            clock=now,
            new_id=new_id,
            is_ready=vitals.is_ready,
            metrics_text=vitals.metrics_text,
            applications_changed=self._people_changed,
            switches_changed=self._switches_changed,
            upstream_states=self._courier.upstream_states,
            listening=self._bound,
            settings_changed=self._settings_changed,
            origins=lambda: settings.origins(self._file, self._environment),
            counter=self._intake.counter,
            evidence=Evidence(self._archive, self._notary.keys, self._notary.checkpoint),
            erasing=self._keeper.advance,
        )
        runner = web.AppRunner(
            app, keepalive_timeout=KEEPALIVE, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, table.host, table.port).start()
            except OSError as error:
                raise StartError(f"cannot listen for the viewer: {reason(error)}") from error
            host, port = runner.addresses[0][:2]
            self._viewer_address = address(ANYWHERE.get(host, host), port)
            yield f"{table.url.rstrip('/')}/" if table.url else f"http://{self._viewer_address}/"
        finally:
            await runner.cleanup()

    async def _facts(self, viewer: str, folder: Path) -> Facts:
        link = None
        if not await self._archive.users():
            token = secrets.token_urlsafe(32)
            digest = hashlib.sha256(token.encode()).hexdigest()
            await self._archive.put_setting(
                FIRST_SIGN_IN, {"hash": digest, "expires_at": now() + FIRST_SIGN_IN_LIFETIME}
            )
            link = f"{viewer}sign-in/{token}"
        return Facts(
            version("mailwitness"), self._config, self._bound(), viewer, folder, link, self._tracking_address()
        )

    def _bound(self) -> list[tuple[str, str]]:
        """Where intake listens: listener name, and `host:port` or the socket's path."""
        return [(name, address(host, port)) for name, host, port in self._intake.bound]

    def _tracking_address(self) -> str:
        return address(*self._beacon.bound) if self._beacon else ""

    def _status(self) -> dict[str, Any]:
        return {
            "version": version("mailwitness"),
            "pid": os.getpid(),
            "smtp": [list(place) for place in self._bound()],
            "viewer": self._viewer_address,
            "tracking": self._tracking_address(),
            "mode": self._config.default_mode.value,
        }

    async def _directory(self, config: Config) -> Directory:
        return await Directory.load(config, self._archive, config.default_mode)

    async def _people_changed(self) -> None:
        """A command added or removed something: intake learns of new applications at once."""
        await self._intake.reload(smtp_of(self._config), await self._directory(self._config))

    async def _switches_changed(self) -> None:
        """Somebody paused or resumed sending, or switched a mode: it holds for everything from now on."""
        self._courier.use(await self._archive.switches())
        await self._people_changed()

    async def _settings_changed(self) -> None:
        """Somebody changed a stored setting: it holds from now on. The file is not read again."""
        async with self._reloading:
            await self._use(self._from_file)

    async def _reload(self) -> None:
        async with self._reloading:
            notify("RELOADING=1", self._environment)
            try:
                await self._use(settings.load(self._file, self._environment))
            except settings.ConfigurationError as error:
                maillog.configuration_kept(error.lines)
            except (OSError, ArchiveError, KeyFileError) as error:
                maillog.configuration_kept([str(error)])
            notify("READY=1", self._environment)

    async def _use(self, config: Config) -> None:
        """`config` as the file has it. Sessions and transactions that run now are not disturbed.

        Raises OSError: a new listener's port is taken.
        """
        from_file, config = config, merged(config, await self._archive.setting(STORED))
        smtp = smtp_of(config)
        signer = load_signer(config)
        await self._intake.reload(smtp, await self._directory(config))
        await self._arrivals.use(config, smtp.hostname)
        await self._courier.reload(
            config.delivery,
            config.upstream,
            hostname=smtp.hostname,
            signer=signer,
            marking=marking_of(config),
            routes=config.route,
            rules=config.suppression.rules(),
        )
        await self._herald.reload(config.endpoint)
        self._from_file = from_file
        before, self._config = self._config, config
        self._live.use(config)
        self._watch.use(config.alert, hostname=smtp.hostname, can_send=bool(config.upstream))
        if wish(before) != wish(config):
            await self._extractor.use(wish(config))
        if self._beacon is not None:
            self._beacon.use(config.tracking, config.suppression.rules())
        self._returns.use(config)
        self._notary.use(config.ledger)
        await self._keeper.use(config.retention, config.ledger.worm)
        self._stamping.use(config.ledger)
        await self._handover.use(config, smtp.hostname)
        waits = [
            name for name in ("archive", "viewer", "oidc", "metrics") if getattr(before, name) != getattr(config, name)
        ]
        waits += ["tracking"] if tracking_place(before) != tracking_place(config) else []
        maillog.configuration_loaded(waits)
