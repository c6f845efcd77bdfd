"""The sessions with one upstream: kept and used again, never more than configured, and no hammering when it is down.

A failed connect suspends the upstream for 1, 2, 4 … 60 s; then one session is tried alone, and only when it succeeds
do others follow. A pool that probes does that by itself, so that no message has to be tried for it. As many failures
in a row as the upstream's `breaker_failures` are a *rest*, said in the log, as is its end.

An upstream that refuses a further session while others work has a limit of its own: then the open ones are shared for
a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from relay import maillog
from relay.config import Upstream
from relay.courier.dialler import Dialler, HostDialler
from relay.courier.session import Session
from relay.courier.trouble import NoSession
from relay.model.reply import local_reply

MAX_IDLE = 15.0
"""Seconds that a session without work is kept."""
CHECK_IDLE = 3.0
"""Seconds without work after which a session is asked (RSET) before it gets a message."""
FIRST_BACK_OFF, MAX_BACK_OFF = 1.0, 60.0
DOUBT = 5.0
"""Seconds after which an upstream is doubted that accepts the connection and says nothing."""
NARROWED = 60.0
"""Seconds for which an upstream's own limit of sessions is remembered."""


class Suspended(NoSession):
    """No session is tried for now, because the last try failed.

    `seconds` until the next may be; 0 where whoever waits is called as soon as the upstream answers.
    """

    def __init__(self, seconds: float, *, is_called: bool = False) -> None:
        super().__init__(local_reply(421, "4.4.1", f"the upstream is not reached; tried again in {seconds:.0f} s"))
        self.seconds = 0.0 if is_called else seconds


class Paused(Suspended):
    """A person stopped the upstream. What waits for it does not expire."""

    def __init__(self) -> None:
        super().__init__(0.0, is_called=True)


def _nothing() -> None:
    """Nobody has to be told."""


class Pool:
    """Sessions of one upstream. Used within one event loop."""

    def __init__(
        self,
        upstream: Upstream,
        helo: str,
        spread: Callable[[], float],
        *,
        max_idle: float = MAX_IDLE,
        check_idle: float = CHECK_IDLE,
        dialler: Dialler | None = None,
        is_probing: bool = False,
        changed: Callable[[], None] = _nothing,
    ) -> None:
        """`is_probing`: after a failure it tries again by itself. `changed` is called when sessions can be had again,
        or can no more."""
        self.upstream = upstream
        self._dialler = dialler or HostDialler(upstream, helo)
        self._spread = spread
        self._max_idle, self._check_idle = max_idle, check_idle
        self._idle: list[Session] = []
        self._live = 0
        """Sessions in use or kept."""
        self._places = 0
        """The same, and those being opened."""
        self._limit, self._narrowed_until = upstream.connections, 0.0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._failures, self._suspended_until = 0, 0.0
        self._error = ""
        self._is_proven = self._is_paused = False
        self._dialling_since: float | None = None
        self._probing = asyncio.Lock()
        self._probes, self._changed = is_probing, changed
        self._prober: asyncio.Task[None] | None = None
        self._is_closed = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    @property
    def is_proven(self) -> bool:
        """Whether the latest try to open a session succeeded."""
        return self._is_proven

    @property
    def suspended_for(self) -> float:
        """Seconds until a session may be tried; 0 when it may be now."""
        return max(0.0, self._suspended_until - asyncio.get_running_loop().time()) if not self._is_proven else 0.0

    @property
    def failures(self) -> int:
        """Failures in a row to have a session that took a message."""
        return self._failures

    @property
    def error(self) -> str:
        """The latest of them, in words; empty when there is none."""
        return "" if self._is_proven else self._error

    @property
    def is_resting(self) -> bool:
        """Whether it failed so often in a row that other upstreams are to be taken."""
        return not self._is_proven and self._failures >= self.upstream.breaker_failures

    @property
    def is_up(self) -> bool:
        """Whether mail is to go there: nothing is known against it, and its first session is not long in coming."""
        if self._is_paused or self._is_proven:
            return not self._is_paused
        return self._prober is None and self.suspended_for == 0 and self.doubted_in > 0

    @property
    def doubted_in(self) -> float:
        """Seconds until an upstream that lets us wait for its first session is no longer taken to be up."""
        since = self._dialling_since
        return DOUBT if since is None else max(0.0, since + DOUBT - asyncio.get_running_loop().time())

    @property
    def sessions(self) -> int:
        return self._live

    def pause(self, is_paused: bool) -> None:
        """While paused nobody gets a session; who waits for one hears so at once."""
        self._is_paused = is_paused
        if not is_paused and self._probes and self._failures and not self._is_proven and self._prober is None:
            self._prober = asyncio.get_running_loop().create_task(self._probe())
        if is_paused:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    async def acquire(self) -> Session:
        """A session ready for MAIL, a kept one if there is one; waits while all are in use.

        To be given back by `release`, whatever became of it. Raises NoSession (Suspended if none was tried).
        """
        try:
            while True:
                if self._is_paused:
                    raise Paused
                session = await self._kept()
                if session is None and self._places < self._current_limit():
                    session = await self._connect_or_narrow()
                if session is not None:
                    return session
                if self._places >= self._limit:
                    await self._wait()
        except BaseException:
            self._wake()  # whoever waits behind us may have been counting on the session that we did not get
            raise

    def release(self, session: Session) -> None:
        """Takes a session back, to be kept or closed.

        One that ended before it took a single sender counts like one that could not be opened: an upstream that
        greets us and then sends us away is not to be hammered either.
        """
        if session.has_served:
            self._failures = 0
        elif session.transactions and not session.is_usable and self._is_proven:
            # Sessions that were opened together fail together: that is one failure, not ten.
            self._suspend("a session ended before it took a message")
        is_spent = session.transactions >= self.upstream.messages_per_connection
        if session.is_usable and not is_spent and not self._is_closed:
            loop = asyncio.get_running_loop()
            session.released_at = loop.time()
            self._idle.append(session)
            if self._sweeper is None:
                self._sweeper = loop.call_later(self._max_idle, self._sweep)
            self._wake()
        else:
            self._dismiss(session)

    def refresh(self) -> None:
        """Reads `ca` again for new sessions, and lets an upstream that is suspended be tried at once."""
        self._dialler.refresh()
        self._suspended_until = 0.0
        if self._prober is not None:
            self._prober.cancel()
            self._prober = asyncio.get_running_loop().create_task(self._probe())

    async def close(self) -> None:
        """Ends the kept sessions; those in use are ended when they are given back."""
        self._is_closed = True
        if self._prober is not None:
            self._prober.cancel()
            self._prober = None
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for session in self._idle:
            self._dismiss(session)
        self._idle.clear()
        await asyncio.gather(*self._farewells)

    # -- inside ------------------------------------------------------------------------------------------------
    async def _kept(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            try:
                is_alive = await session.is_alive(self._check_idle)
            except BaseException:
                self._dismiss(session)
                raise
            if is_alive:
                return session
            self._dismiss(session)
        return None

    async def _connect_or_narrow(self) -> Session | None:
        """A new session; None when the upstream wants no more than are open, which then have to do."""
        self._places += 1
        try:
            session = await self._connect()
        except BaseException as refusal:
            self._leave()
            if isinstance(refusal, NoSession) and not isinstance(refusal, Suspended) and self._live > 0:
                self._narrow(refusal)
                return None
            raise
        self._live += 1
        return session

    async def _connect(self) -> Session:
        if not self._is_proven:
            async with self._probing:
                if not self._is_proven:
                    self._dialling_since = asyncio.get_running_loop().time()
                    try:
                        return await self._dial()
                    finally:
                        self._dialling_since = None
        return await self._dial()

    async def _dial(self) -> Session:
        if self.suspended_for > 0:
            raise Suspended(self.suspended_for, is_called=self._probes)
        failures = self._failures
        try:
            session = await self._dialler.dial()
        except NoSession as refusal:
            # For good: a domain that takes no mail. Nothing is down, and the next message may know it at once.
            if self._live == 0 and self._failures == failures and not refusal.reply.is_permanent:
                self._suspend(str(refusal.reply))
            raise
        if not self._is_proven:
            self._limit = self.upstream.connections
            if self.is_resting:
                maillog.upstream_answers(self.upstream.name)
            self._is_proven = True
            self._changed()
        return session

    async def _probe(self) -> None:
        """Opens a session as soon as one may be tried, again and again until there is one."""
        while not self._is_proven:
            await asyncio.sleep(self.suspended_for)
            if self._is_paused:
                break
            with contextlib.suppress(NoSession):
                self.release(await self.acquire())
        self._prober = None

    def _suspend(self, cause: str) -> None:
        back_off = min(FIRST_BACK_OFF * 2.0 ** min(self._failures, 16), MAX_BACK_OFF)
        self._failures += 1
        self._is_proven = False
        now = asyncio.get_running_loop().time()
        self._suspended_until = now + back_off * (1 + 0.1 * self._spread())
        self._error = cause
        maillog.upstream_unreachable(self.upstream.name, cause)
        if self._failures == self.upstream.breaker_failures:
            maillog.upstream_rests(self.upstream.name, self._failures, cause)
        if self._probes and self._prober is None and not self._is_closed:
            self._prober = asyncio.get_running_loop().create_task(self._probe())
        self._changed()

    def _narrow(self, refusal: NoSession) -> None:
        self._limit = self._live
        self._narrowed_until = asyncio.get_running_loop().time() + NARROWED
        maillog.upstream_unreachable(self.upstream.name, f"with {self._live} sessions open: {refusal.reply}")

    def _current_limit(self) -> int:
        if self._limit < self.upstream.connections and asyncio.get_running_loop().time() >= self._narrowed_until:
            self._limit = self.upstream.connections
        return self._limit

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _leave(self) -> None:
        self._places -= 1
        self._wake()

    def _dismiss(self, session: Session) -> None:
        self._live -= 1
        self._leave()
        if not session.is_usable:
            session.abort()
            return
        task = asyncio.get_running_loop().create_task(session.quit())
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._max_idle
        kept = [session for session in self._idle if session.released_at > oldest and session.is_usable]
        for session in self._idle:
            if session not in kept:
                self._dismiss(session)
        self._idle = kept
        if kept:
            first = min(session.released_at for session in kept)
            self._sweeper = loop.call_later(first - oldest, self._sweep)
