"""Asking witnesses to cosign a checkpoint (c2sp.org/tlog-witness v1). What is asked and how an answer is read: pure, in
`relay.ledger.witness`; here are the requests.

A witness that has seen a larger log than ours, or another one of the same size, says what a rolled-back archive would
make true. So that is a problem of the log, and nothing more is signed, while such a witness is in the configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from relay import maillog
from relay.archive.api import Archive
from relay.archive.api.ledger import StoredCheckpoint
from relay.ledger.note import SignatureLine, add_signatures, split_note
from relay.ledger.policy import Witness
from relay.ledger.scalars import LedgerError
from relay.ledger.witness import Answer, Behind, Cosigned, Refused, Request, read_answer
from relay.notary.problem import LogProblem

TIME_LIMIT = 15.0
"""Seconds for one request as a whole."""
MOST_OCTETS = 64 * 1024
"""Of an answer."""
_CONFLICT, _INCONSISTENT = 409, 422


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking one witness. `problem`: what it says of the log that must not be."""

    lines: tuple[SignatureLine, ...] = ()
    problem: str = ""


class Witnesses:
    """Remembers what each witness saw last, so that it need not be asked twice."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._seen: dict[str, int] = {}

    async def cosigned(
        self, checkpoint: StoredCheckpoint, witnesses: Sequence[Witness], *, ask_all: bool = False
    ) -> StoredCheckpoint:
        """The checkpoint with the cosignatures that came, committed.

        `ask_all`: those too that have cosigned it, whether they have not seen more since.
        Raises LogProblem: a witness has seen another log.
        """
        signed = {(line.name, line.key_id) for line in split_note(checkpoint.note)[1]}
        missing = [one for one in witnesses if ask_all or (one.verifier.name, one.verifier.key_id) not in signed]
        if not missing:
            return checkpoint
        timeout = aiohttp.ClientTimeout(total=TIME_LIMIT)
        async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "mailwitness"}) as session:
            asked = await asyncio.gather(*(self._ask(session, checkpoint, one) for one in missing))
        lines = [line for one in asked for line in one.lines if (line.name, line.key_id) not in signed]
        if lines:
            note = add_signatures(checkpoint.note, lines)
            checkpoint = StoredCheckpoint(checkpoint.size, checkpoint.at, note)
            await self._archive.add_checkpoint(checkpoint)
        if problems := [one.problem for one in asked if one.problem]:
            raise LogProblem("; ".join(problems))
        return checkpoint

    async def _ask(self, session: aiohttp.ClientSession, checkpoint: StoredCheckpoint, witness: Witness) -> Asked:
        try:
            answer = await self._answer(session, checkpoint, witness, self._seen.get(witness.name, 0))
            if isinstance(answer, Behind) and answer.size <= checkpoint.size:
                answer = await self._answer(session, checkpoint, witness, answer.size)
        except (aiohttp.ClientError, TimeoutError, OSError, LedgerError) as error:
            maillog.witness_asked(witness.name, checkpoint.size, "failed", str(error) or type(error).__name__)
            return Asked()
        match answer:
            case Cosigned(lines, _):
                self._seen[witness.name] = checkpoint.size
                maillog.witness_asked(witness.name, checkpoint.size, "cosigned")
                return Asked(lines)
            case Behind(size):
                self._seen[witness.name] = min(size, checkpoint.size)
                problem = f"the witness {witness.name} has seen {size} facts of this log, which has {checkpoint.size}"
            case Refused(status, words, _):
                if status not in (_CONFLICT, _INCONSISTENT):
                    maillog.witness_asked(witness.name, checkpoint.size, "refused", f"{status} {words}")
                    return Asked()
                problem = f"the witness {witness.name} has seen another log of this name: {words}"
        maillog.witness_asked(witness.name, checkpoint.size, "conflict", problem)
        return Asked(problem=problem)

    async def _answer(
        self, session: aiohttp.ClientSession, checkpoint: StoredCheckpoint, witness: Witness, old: int
    ) -> Answer:
        path = await self._archive.consistency(old, checkpoint.size) if old else ()
        request = Request(old, path, checkpoint.note)
        url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        async with session.post(url, data=request.encode().encode(), allow_redirects=False) as response:
            body = await response.content.read(MOST_OCTETS)
        return read_answer(response.status, body, request, [witness.verifier])
