"""The notary at work: looks whether the log has grown, seals it by time and by size, and once more at the end.

Mail does not wait for it. If the log is not what was signed before, or the key is not there, nothing is signed, and
that is said: in the log lines, at /readyz, in the metrics and by `mailwitness ledger status`; it is looked at again
every minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.ledger import StoredCheckpoint
from relay.config import Ledger
from relay.lasting import Lasting
from relay.ledger.note import Verifier, split_note
from relay.ledger.policy import PolicyError, accept
from relay.model.delivery import MICROSECONDS
from relay.notary.cosigning import Witnesses
from relay.notary.keys import LogKeys
from relay.notary.problem import NotaryProblem
from relay.notary.rotation import House, current_keys, rotate
from relay.notary.sealing import seal

LOOK = 1.0
"""Seconds between two looks at the size of the log."""
AGAIN = 60 * MICROSECONDS
"""After a problem."""
LOOKED_THROUGH = 1000
"""Checkpoints, and facts back, among which one that may be shown is looked for first."""


class Notary:
    """`problem`: why nothing is signed, in words; "" while all is well. `latest`: the newest checkpoint."""

    def __init__(
        self,
        table: Ledger,
        *,
        folder: Path,
        hostname: str,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        look: float = LOOK,
    ) -> None:
        self.problem = ""
        self.latest: StoredCheckpoint | None = None
        self._table = table
        self._folder = folder
        self._hostname = hostname
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._look = look
        self._not_before = 0
        self._shown: StoredCheckpoint | None = None
        self._asked_at = 0
        self._witnesses = Witnesses(archive)
        self._lock = asyncio.Lock()
        self._task = Lasting("notary")

    def use(self, table: Ledger) -> None:
        """Another table from now on."""
        self._table = table
        self._not_before = 0

    def shown(self) -> StoredCheckpoint | None:
        """What the public may see: the newest checkpoint that the quorum cosigned; None: nothing is to be shown."""
        return self._shown if self._table.public else None

    def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        """Returns when what happened until now is sealed, if it can be."""
        await self._task.stop()
        await self._guarded(self.checkpoint)

    async def checkpoint(self) -> StoredCheckpoint:
        """The checkpoint of the log as it is now, with the cosignatures that came. Raises NotaryProblem."""
        async with self._lock:
            keys = await current_keys(self._house())
            if self.latest is None and (earlier := await self._archive.latest_checkpoint()):
                # What witnesses saw is compared before anything new is signed.
                await self._witnesses.cosigned(earlier, keys.policy.witnesses, ask_all=True)
            return await self._cosigned(keys, await self._sealed(keys))

    async def rotate(self, actor: str, *, without_old: bool = False) -> LogKeys:
        """Gives the log another key (`rotation.rotate`). Raises NotaryProblem."""
        async with self._lock:
            keys = await rotate(self._house(), actor, without_old=without_old)
            await self._cosigned(keys, await self._sealed(keys))
            maillog.ledger_key_changed(keys.keys[0].vkey)
            return keys

    async def keys(self) -> LogKeys:
        """The log's keys. Raises NotaryProblem."""
        async with self._lock:
            return await current_keys(self._house())

    # -- errands of commands (`relay.control`) ---------------------------------------------------------------
    async def ledger_status(self) -> dict[str, Any]:
        """What only the running notary knows."""
        return {"problem": self.problem}

    async def ledger_checkpoint(self) -> str:
        """The signed note over the log as it is now. Raises NotaryProblem."""
        return (await self.checkpoint()).note

    async def ledger_rotate(self, actor: str, without_old: bool) -> str:
        """The new public key. Raises NotaryProblem."""
        return (await self.rotate(actor, without_old=without_old)).keys[0].vkey

    # -- within ----------------------------------------------------------------------------------------------
    def _house(self) -> House:
        return House(self._table, self._folder, self._hostname, self._archive, self._clock, self._new_id)

    async def _sealed(self, keys: LogKeys) -> StoredCheckpoint:
        before = self.latest or await self._archive.latest_checkpoint()
        sealed = await seal(self._archive, keys, self._folder, self._clock())
        self.latest = sealed
        maillog.ledger_sealed(sealed.size, sealed.at, is_new=before is None or before.size < sealed.size)
        return sealed

    async def _cosigned(self, keys: LogKeys, sealed: StoredCheckpoint) -> StoredCheckpoint:
        """The checkpoint, by as many witnesses as answer; from now on it is shown if those are enough."""
        self._asked_at = self._clock()
        sealed = await self._witnesses.cosigned(sealed, keys.policy.witnesses)
        self.latest = sealed
        if _is_accepted(sealed, keys):
            self._shown = sealed
        elif self._shown is None:
            self._shown = await self._accepted_before(keys, sealed)
        return sealed

    async def _accepted_before(self, keys: LogKeys, latest: StoredCheckpoint) -> StoredCheckpoint | None:
        """The newest that the quorum has cosigned, of those that are not long ago."""
        for back in (LOOKED_THROUGH, LOOKED_THROUGH**2, latest.size):
            found = await self._archive.checkpoints(after=max(latest.size - back, 0), limit=LOOKED_THROUGH)
            if accepted := [one for one in found if _is_accepted(one, keys)]:
                return accepted[-1]
        return None

    async def _run(self) -> None:
        while True:
            if self._clock() >= self._not_before:
                await self._guarded(self._step)
            await asyncio.sleep(self._look)

    async def _step(self) -> None:
        head = await self._archive.ledger_head()
        if self._is_due(head.size) or self._is_to_be_cosigned():
            await self.checkpoint()

    def _is_to_be_cosigned(self) -> bool:
        """Whether a witness did not answer, and may be asked again."""
        if self.latest is None or not self._table.witness or self._clock() < self._asked_at + AGAIN:
            return False
        present = {(line.name, line.key_id) for line in split_note(self.latest.note)[1]}
        wanted = [Verifier.parse(witness.key) for witness in self._table.witness]
        return any((verifier.name, verifier.key_id) not in present for verifier in wanted)

    def _is_due(self, size: int) -> bool:
        if self.latest is None or self.problem:
            return True
        grown, age = size - self.latest.size, self._clock() - self.latest.at
        return grown > 0 and (
            grown >= self._table.checkpoint_leaves or age >= self._table.checkpoint_every * MICROSECONDS
        )

    async def _guarded(self, work: Callable[[], Any]) -> None:
        """The work done, or why not; it is tried again."""
        try:
            await work()
        except NotaryProblem as problem:
            if self.problem != str(problem):
                maillog.ledger_not_signed(str(problem))
            self.problem = str(problem)
            # All is compared again, before anything is signed.
            self.latest = None
            self._not_before = self._clock() + AGAIN
        except ArchiveError as error:
            maillog.ledger_waits(error)
            self._not_before = self._clock() + AGAIN
        except Exception as error:
            maillog.room_failed("notary", error)
            self._not_before = self._clock() + AGAIN
        else:
            if self.problem:
                maillog.ledger_signed_again()
            self.problem = ""


def _is_accepted(checkpoint: StoredCheckpoint, keys: LogKeys) -> bool:
    try:
        accept(checkpoint.note, keys.policy)
    except PolicyError:
        return False
    return True
