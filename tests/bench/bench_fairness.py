"""What an upstream that hangs costs the mail of another: a queue for two, drained through the healthy one.

    python -m tests.bench.bench_fairness [--messages 2000] [--sick 2000] [--rounds 5]

Half of the queue goes by a route whose upstream accepts connections and says nothing, or falls silent after the final
dot; the sick half is older. Prints messages a second through the healthy one (Postfix's smtp-sink), against the same
queue with no sick half, in turns in one run: median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import structlog
import uvloop

from relay.archive import open_archive
from relay.archive.api import Archive
from relay.config import Delivery as DeliveryTable
from relay.config import Route
from relay.courier.courier import Courier
from relay.model.delivery import State
from tests.bench.bench_courier import FAR, sink
from tests.support.dispatch import START, Clock, message_of, new_id, queue, upstream_of
from tests.support.upstream import HANG, ScriptedUpstream

CASES = {"alone": None, "silent": "banner", "silent after the dot": "DOT"}


async def fill(archive: Archive, messages: int, domain: str, due_at: int, size: int = 10240) -> None:
    line = b"0123456789" * 7 + b"\r\n"
    content = (b"Subject: bench\r\n\r\n" + line * (size // len(line) + 1))[: size - 2] + b"\r\n"
    for start in range(0, messages, 500):
        batch = range(start, min(start + 500, messages))
        await asyncio.gather(
            *(queue(archive, message_of(content, f"x@{domain}"), content, expires_at=FAR, due_at=due_at) for _ in batch)
        )


async def drain(case: str, messages: int, sick: int, folder: str | None) -> float:
    """Messages a second through the healthy upstream."""
    step = CASES[case]
    with tempfile.TemporaryDirectory(dir=folder) as home, sink() as port:
        archive = await open_archive(f"sqlite:///{Path(home) / 'archive.db'}")
        if step is not None:
            await fill(archive, sick, "sick.example", START - 1)
        await fill(archive, messages, "well.example", START)
        async with ScriptedUpstream(script={step or "banner": HANG}) as hanging:
            upstreams = [
                upstream_of(hanging.port, name="sick", timeout=300),
                upstream_of(port, name="well", messages_per_connection=100_000),
            ]
            routes = [
                Route.model_validate({"name": "sick", "upstreams": ["sick"], "recipients": ["@sick.example"]}),
                Route.model_validate({"name": "well", "upstreams": ["well"]}),
            ]
            courier = Courier(
                DeliveryTable(),
                upstreams,
                hostname="relay.example",
                archive=archive,
                clock=Clock(),
                new_id=new_id,
                spread=lambda: 0.0,
                routes=routes,
            )
            began = time.perf_counter()
            await courier.start()
            left = sick if step else 0
            while await unsent(archive) > left:
                await asyncio.sleep(0.05)
            seconds = time.perf_counter() - began
            await courier.stop(0)
        await archive.close()
    return messages / seconds


async def unsent(archive: Archive) -> int:
    depth = (await archive.queue_facts()).depth
    return depth.get(State.QUEUED, 0) + depth.get(State.SENDING, 0)


async def run(arguments: argparse.Namespace) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(arguments.rounds):
        for case, found in rates.items():
            found.append(await drain(case, arguments.messages, arguments.sick, arguments.folder))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--sick", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the archive lies: the disk to measure")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    rates = uvloop.run(run(arguments))
    alone = statistics.median(rates["alone"])
    print(f"{'the other upstream':>22} {'messages/s':>11} {'of alone':>9}  all rounds")
    for case, found in rates.items():
        median = statistics.median(found)
        print(f"{case:>22} {median:11.0f} {median / alone:8.0%}   {' '.join(f'{rate:.0f}' for rate in found)}")


if __name__ == "__main__":
    main()
