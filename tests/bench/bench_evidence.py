"""How long the evidence bundle of one message takes, out of a large archive.

    python -m tests.bench.fill FOLDER 1000000; python -m tests.bench.bench_evidence FOLDER [--messages 50]

Each bundle is about another message, oldest to newest, and is checked afterwards, outside the time. The log is sealed
before each, for each has a new fact: that it was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import time
from pathlib import Path

from relay.archive import open_archive
from relay.ledger.checking import Trust
from relay.ledger.verifier import verify_stream
from relay.model.event import Event, Kind
from relay.notary.evidence import Asked, verify_program
from tests.support.archive_values import NOON, new_id
from tests.support.notarised import Notarised, OwnKeys, each
from viewer.app import build_app
from viewer.message.evidence_summary import Summary


async def run(folder: Path, messages: int) -> None:
    archive = await open_archive(f"sqlite:///{folder / 'archive.db'}")
    started = time.perf_counter()
    verify_program()
    print(f"verify.py, once for a process: {time.perf_counter() - started:.3f} s")
    size = (await archive.ledger_head()).size
    captured = []
    for place in range(messages):
        after = place * (size - 1000) // max(1, messages - 1)
        for _, event in await archive.events(after=after, limit=1000):
            if event.kind is Kind.CAPTURED and event.message_id:
                captured.append(event.message_id)
                break
    notarised, took, octets = Notarised(archive), [], 0
    for message_id in captured:
        started = time.perf_counter()
        await archive.add_events([Event(new_id(), NOON, Kind.EXPORTED, "user:ann", message_id)])
        leaves = [leaf.index for leaf in await archive.leaves_of(message_id)]
        summary = Summary(made_by="user:ann", made_at=NOON, query="", draw=None)
        asked = Asked(each(message_id), "user:ann", NOON, leaves=leaves, narrator=summary)
        made = b"".join([piece async for piece in notarised.evidence.bundle(asked)])
        took.append(time.perf_counter() - started)
        octets += len(made)
        found = verify_stream(io.BytesIO(made), Trust(OwnKeys().verifiers()))
        failing = [finding for finding in found.findings if finding.state.value == "fails"]
        # Copies of letters that were filled in have no true hash of what was sent.
        assert all("not what was sent" in finding.words for finding in failing), failing
    took.sort()
    print(f"{len(took)} bundles of one message each out of {size:,} facts, {octets // len(took):,} octets on average")
    print(f"median {statistics.median(took):.3f} s, slowest {took[-1]:.3f} s")
    await archive.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=50)
    options = parser.parse_args()
    assert build_app.__doc__  # the viewer's parts are loaded in their order
    asyncio.run(run(options.folder, options.messages))
