"""Payloads that are kept, read and applied by one task: at once when one comes, and what was left over at the start.

Whoever takes payloads in only keeps them (`archive.add_payload`) and wakes this task: so what a crash leaves between
the two is read in the same way as everything else. A payload whose reader fails stays, with the reason, and is tried
again at the next start. Reports that match nothing yet are tried again for a while: the reply that names the message
may be on its way into the archive.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from relay import maillog
from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable
from relay.model.report import Payload, Report
from relay.model.suppressing import SuppressionRules

Read = Callable[[Payload], Sequence[Report]]
"""Makes reports of a payload; pure, may raise anything. Ids and the payload's id are filled in here."""

PORTION = 50
"""Payloads read from the archive at a time; reports kept in one commit, so that none of those before a 250 waits."""
RETRY = 5.0
"""Seconds until the archive is asked again after it failed."""
LOOK = 60.0
"""Seconds after which the archive is asked for payloads though nobody woke us."""
AGAIN = (1.0, 5.0, 30.0, 300.0, 1800.0)
"""Seconds after which reports that matched nothing are tried again, one after the other."""
WAITING = 10_000
"""Payloads that are tried again; of more, the rest is left as it is."""
RECENT = 3600 * 1_000_000
"""Microseconds: at the start, payloads not older than this are tried again."""
AHEAD = 24 * 3600 * 1_000_000
"""Microseconds by which a reported time may be ahead of ours before it is called wrong."""


class Mapper:
    """`readers`: by the payloads' source, `webhook:NAME` or `bounce`."""

    def __init__(
        self,
        archive: Archive,
        *,
        readers: Mapping[str, Read],
        rules: SuppressionRules,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        retry: float = RETRY,
        again: Sequence[float] = AGAIN,
    ) -> None:
        self._archive = archive
        self._readers = readers
        self._rules = rules
        self._clock = clock
        self._new_id = new_id
        self._retry = retry
        self._again = again
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._later: list[tuple[float, int, str]] = []
        self._start_over = True
        self._task: asyncio.Task[None] | None = None

    def use(self, readers: Mapping[str, Read], rules: SuppressionRules) -> None:
        """Others from now on. What could not be read for want of a reader is read now."""
        is_more = readers.keys() - self._readers.keys()
        self._readers, self._rules = readers, rules
        if is_more and self._task is not None:
            self._start_over = True
            self.wake()

    def wake(self) -> None:
        """A payload was kept."""
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace: float) -> None:
        """Returns when what is under way is kept, or after `grace` seconds; what is left is read at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, grace)

    # -- the task --------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if self._start_over:
                    await self._map_all(has_problem=True)
                    since = self._clock() - RECENT
                    for payload_id in await self._archive.unmatched_payloads(since, WAITING):
                        self._try_later(payload_id, 0)
                    self._start_over = False
                await self._map_all()
                await self._match_again()
            except ArchiveError as error:
                maillog.payloads_wait(error)
                await self._rest(self._retry)
                continue
            await self._rest(self._pause())

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _pause(self) -> float:
        if not self._later:
            return LOOK
        return min(max(self._later[0][0] - asyncio.get_running_loop().time(), 0.0), LOOK)

    async def _map_all(self, *, has_problem: bool = False) -> None:
        after = ""
        while not self._stopping.is_set():
            payloads = await self._archive.unmapped(PORTION, after=after, has_problem=has_problem)
            for payload in payloads:
                await self._map(payload)
                after = payload.id
            if len(payloads) < PORTION:
                return

    async def _map(self, payload: Payload) -> None:
        read = self._readers.get(payload.source)
        if read is None:
            await self._failed(payload, f"nothing is configured that reads {payload.source}")
            return
        try:
            # In a thread: a large one must not keep everything else waiting.
            reports = [self._stamped(report, payload) for report in await asyncio.to_thread(read, payload)]
        except Exception as error:
            # Whatever a reader stumbles over, the payload is kept, and says so.
            await self._failed(payload, f"{type(error).__name__}: {error}")
            return
        is_unmatched = False
        # Crash between two portions: the payload is read again, and the first ones are known by their keys.
        for start in range(0, max(len(reports), 1), PORTION):
            portion, is_last = reports[start : start + PORTION], start + PORTION >= len(reports)
            try:
                applied = await self._archive.add_reports(payload.id, portion, self._rules, is_last=is_last)
            except ArchiveUnavailable:
                raise
            except ArchiveError as error:
                # It is these values that cannot be kept, not the archive that is in trouble.
                await self._failed(payload, str(error))
                return
            maillog.reports_applied(payload, applied)
            is_unmatched |= any(one.is_new and one.message_id is None for one in applied)
        if is_unmatched:
            self._try_later(payload.id, 0)

    async def _failed(self, payload: Payload, problem: str) -> None:
        maillog.payload_not_read(payload, problem)
        await self._archive.mapping_failed(payload.id, problem[:1000].encode("utf-8", "replace").decode())

    def _stamped(self, report: Report, payload: Payload) -> Report:
        is_plausible = 0 < report.at <= payload.received_at + AHEAD
        return replace(
            report,
            id=report.id or self._new_id(),
            payload_id=payload.id,
            at=report.at if is_plausible else payload.received_at,
        )

    # -- reports that match nothing yet ----------------------------------------------------------------------
    def _try_later(self, payload_id: str, tries: int) -> None:
        if tries < len(self._again) and len(self._later) < WAITING:
            when = asyncio.get_running_loop().time() + self._again[tries]
            heapq.heappush(self._later, (when, tries, payload_id))

    async def _match_again(self) -> None:
        now = asyncio.get_running_loop().time()
        due: list[tuple[int, str]] = []
        while self._later and self._later[0][0] <= now and len(due) < PORTION:
            _, tries, payload_id = heapq.heappop(self._later)
            due.append((tries, payload_id))
        if not due:
            return
        try:
            applied = await self._archive.match_reports([payload_id for _, payload_id in due], self._rules)
        except ArchiveError:
            for tries, payload_id in due:
                self._try_later(payload_id, tries)
            raise
        for one in applied:
            maillog.report_matched(one)
        # Those that matched are not looked at again by the archive: to try once more costs one look.
        for tries, payload_id in due:
            self._try_later(payload_id, tries + 1)
