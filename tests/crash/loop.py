"""Kill -9 under load, again and again, and nothing that was answered 250 is lost, doubled or changed.

    nice python -m tests.crash.loop --rounds 200

Each round: start the server, let clients send while the courier delivers, kill it at a random moment (sometimes while
it starts), examine its files. After every 25 rounds it runs undisturbed until the provider has everything, is examined
whole, and a new archive is begun, so that looking stays cheap. The clients' ledger and the provider live here, outside
the server. A short form is a test, `test_crash_loop.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.autopsy import examine
from tests.support.exactclient import ExactClient, sendable
from tests.support.ledger import Ledger
from tests.support.recorder import Recorder
from tests.support.victim import Victim

SETTINGS = """\
[delivery]
trace = "none"
retry = ["1s"]
retry_then = "1s"
jitter = 0.0
concurrency = 8
"""
EPOCH = 25
LOST = (ConnectionError, asyncio.IncompleteReadError, OSError)


@dataclass(slots=True)
class Outcome:
    """What a loop of rounds came to."""

    rounds: int = 0
    promised: int = 0
    doubtful_kept: int = 0
    doubtful_gone: int = 0
    transactions: int = 0
    received_again: int = 0
    """Contents that the provider took more than once for one recipient: the price of never losing one (RFC 1047)."""
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills; {self.promised} messages answered 250; never answered: {self.doubtful_kept} kept,"
            f" {self.doubtful_gone} not; provider took {self.transactions} transactions, {self.received_again} of them"
            f" again; {len(self.wrong)} faults"
        )


class Loop:
    """The clients, the provider and the server of one run."""

    def __init__(self, folder: Path, *, clients: int = 4, seed: int = 0, say: Callable[[str], object] = print) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.outcome = Outcome()
        self._clients = clients
        self._random = random.Random(seed)
        self._say = say
        self._sent = 0
        self._examined = 0
        self._kept: list[tuple[str, str]] = []

    async def run(self, rounds: int) -> Outcome:
        async with Recorder(pause=0.01) as provider:
            victim = Victim(self.folder, upstream_port=provider.port, settings=SETTINGS)
            try:
                for number in range(rounds):
                    provider.chapter = number
                    await self._round(victim, number)
                    if self.outcome.wrong:
                        return self.outcome
                provider.chapter = rounds
                await self._finish(victim, provider)
            finally:
                victim.end()
        return self.outcome

    async def _round(self, victim: Victim, number: int) -> None:
        is_killed_early = number % 10 == 9
        began = time.monotonic()
        await victim.start(is_ready=not is_killed_early)
        ready = time.monotonic() - began
        clients = [asyncio.create_task(self._send_until_lost(victim.port)) for _ in range(self._clients)]
        await asyncio.sleep(self._random.uniform(0.0, 1.2))
        await victim.kill()
        await asyncio.gather(*clients)
        self.outcome.wrong += await self._orphans(victim)
        self.outcome.rounds += 1
        await self._examine(victim)
        self._say(
            f"round {number + 1}: up after {ready:.2f} s, {len(self.ledger.promised)} promised,"
            f" {len(self.ledger.doubtful)} in doubt, {len(self.outcome.wrong)} faults"
        )

    async def _orphans(self, victim: Victim) -> list[str]:
        """What the dead server had started ends by itself, within seconds: it would keep files and memory."""
        for _ in range(100):
            if not (left := victim.left_behind()):
                return []
            await asyncio.sleep(0.1)
        return [f"process {pid} outlived its server" for pid in left]

    async def _examine(self, victim: Victim) -> None:
        """The new messages are whole and those that were promised are there. What is older is examined at the end."""
        found = await asyncio.to_thread(examine, victim.archive, after=self._examined)
        self._kept += found.kept
        self._examined = max(self._examined, found.last_seq)
        self.outcome.wrong += found.wrong + self.ledger.differences(self._kept)

    async def _send_until_lost(self, port: int) -> None:
        """One client: sessions of several messages, until the server is gone."""
        while True:
            try:
                client = await ExactClient.connect("127.0.0.1", port)
                for _ in range(20):
                    await self._send(client)
                await client.quit()
            except LOST:
                return

    async def _send(self, client: ExactClient) -> None:
        self._sent += 1
        key = f"m{self._sent}@crash.example"
        content = self._content(key)
        digest = hashlib.sha256(content).hexdigest()
        self.ledger.doubtful[key] = digest
        code, _ = await client.transaction("client@crash.example", [key], content)
        del self.ledger.doubtful[key]
        (self.ledger.promised if code == 250 else self.ledger.refused)[key] = digest

    def _content(self, key: str) -> bytes:
        """Mostly small, now and then of several frames; 8-bit, dots and long lines in it, each line ended by CRLF."""
        head = f"From: client@crash.example\r\nTo: {key}\r\nSubject: {key}\r\n\r\n.\r\n..\r\n".encode()
        size = 1_500_000 if self._sent % 250 == 0 else self._random.choice((0, 300, 300, 2_000, 2_000, 20_000))
        body = self._random.randbytes(size).replace(b"\r", b"a").replace(b"\n", b"\r\n").replace(b"\0", b"b")
        return sendable(head + body)

    async def _finish(self, victim: Victim, provider: Recorder) -> None:
        await victim.start()
        waited = await provider.wait_for({key for key, _ in self._kept}, deadline=120.0)
        self.outcome.wrong += [f"{key} was not delivered within two minutes" for key in sorted(waited)[:5]]
        await self._settled(victim)
        await victim.stop()
        found = await asyncio.to_thread(examine, victim.archive, is_finished=True)
        self.outcome.wrong += found.wrong + self.ledger.differences(found.kept)
        self.outcome.wrong += self.ledger.undelivered(found.kept, provider.received)
        self.outcome.wrong += [
            f"{key} reached the provider more than once from one life of the server: {chapters}"
            for key, chapters in provider.chapters.items()
            if len(set(chapters)) < len(chapters)
        ]
        kept = {key for key, _ in found.kept}
        self.outcome.promised = len(self.ledger.promised)
        self.outcome.doubtful_kept = len(kept & self.ledger.doubtful.keys())
        self.outcome.doubtful_gone = len(self.ledger.doubtful.keys() - kept)
        self.outcome.transactions = provider.transactions
        self.outcome.received_again = sum(len(digests) - 1 for digests in provider.received.values())

    async def _settled(self, victim: Victim) -> None:
        """The courier has written down the last replies (or has had half a minute to)."""
        for _ in range(300):
            if not (await asyncio.to_thread(examine, victim.archive, after=self._examined, is_finished=True)).wrong:
                return
            await asyncio.sleep(0.1)


def run(folder: Path, rounds: int, *, clients: int, seed: int, say: Callable[[str], object]) -> Outcome:
    """All rounds, a new archive for every `EPOCH` of them; ends at the first epoch with a fault, its files kept."""
    total = Outcome()
    for epoch, start in enumerate(range(0, rounds, EPOCH)):
        place = folder / str(epoch)
        loop = Loop(place, clients=clients, seed=seed + epoch, say=say)
        total = total + asyncio.run(loop.run(min(EPOCH, rounds - start)))
        say(f"epoch {epoch}: {total}")
        if total.wrong:
            break
        shutil.rmtree(place)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--folder", type=Path, default=None, help="default: a temporary one; kept if there are faults")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="mailwitness-crash-"))
    print(f"seed {arguments.seed}, folder {folder}", flush=True)
    say = functools.partial(print, flush=True)
    total = run(folder, arguments.rounds, clients=arguments.clients, seed=arguments.seed, say=say)
    print(*total.wrong[:20], total, sep="\n")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
