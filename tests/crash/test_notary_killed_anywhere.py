"""Whoever signs is killed at any moment: the next one goes on without a person, and no size is ever signed twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relay.config import Ledger
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import open_note, split_note
from relay.notary.keys import load_keys
from relay.notary.notary import Notary
from relay.notary.sealing import REMEMBERED
from tests.support.archive_values import NOON, new_id
from tests.support.fresh import open_archive

SIGNS = """
import asyncio, sys
from pathlib import Path
from tests.support.fresh import open_archive
from relay.config import Ledger
from relay.model.event import Event, Kind
from relay.notary.notary import Notary
from tests.support.archive_values import NOON, new_id

async def main(folder):
    archive = await open_archive(f"sqlite:///{folder}/archive.db")
    known = dict(folder=folder, hostname="mail.example.com", archive=archive, clock=lambda: NOON, new_id=new_id)
    notary = Notary(Ledger(), **known)
    rounds = 0
    while True:
        await archive.add_events([Event(new_id(), NOON, Kind.PAUSED, "user:ann") for _ in range(3)])
        note = await notary.checkpoint()
        print("shown", note.size, note.note.encode().hex(), flush=True)
        rounds += 1
        if rounds % 4 == 0:
            await notary.rotate("command:ann")

asyncio.run(main(Path(sys.argv[1])))
"""
KILLS = 12
SEED = 20_260_101


@pytest.mark.crash
async def test_a_notary_killed_at_any_moment_leaves_one_history(tmp_path: Path) -> None:
    folder, chance = tmp_path / "data", random.Random(SEED)
    shown: dict[int, str] = {}
    for _ in range(KILLS):
        wanted = chance.randrange(1, 12)
        process = subprocess.Popen([sys.executable, "-c", SIGNS, str(folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("shown"):
                _, size, note = line.split()
                text = split_note(bytes.fromhex(note))[0]
                assert shown.setdefault(int(size), text) == text
                wanted -= 1
            if wanted <= 0:
                break
        # Somewhere in the next round: after an event, a signature, the file, the commit, or half of a change of keys.
        for _ in range(chance.randrange(20_000)):
            pass
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
        process.wait()
        await _goes_on(folder, shown)


async def _goes_on(folder: Path, shown: dict[int, str]) -> None:
    """Everything that was shown is still the beginning of the log, and the next checkpoint is signed."""
    archive = await open_archive(f"sqlite:///{folder}/archive.db")
    notary = Notary(
        Ledger(), folder=folder, hostname="mail.example.com", archive=archive, clock=lambda: NOON, new_id=new_id
    )
    latest = await notary.checkpoint()
    keys = await load_keys(Ledger(), folder, archive)
    kept = {one.size: one.note for one in await archive.checkpoints()}
    assert shown.keys() <= kept.keys()
    for size, note in kept.items():
        signed = Checkpoint.parse(open_note(note, keys.verifiers()).text)
        assert signed.root == await archive.ledger_root(size)
        assert shown.setdefault(size, signed.encode()) == signed.encode()
    assert split_note((folder / REMEMBERED).read_text())[0] == split_note(latest.note)[0]
    assert not (folder / "ledger.key.next").exists() or (folder / "ledger.key").exists()
    await archive.close()
