"""Encryption on against off, in one run: the intake, and opening a message.

    python -m tests.bench.bench_encryption [--messages 3000] [--rounds 3] [--opened 2000]

As bench_ledger: smtp-source opens a new connection for each message, ten at a time, 10 kB each; each is captured and
committed before its 250. Then the archives of both servers are opened and every message of a sample is read by
`archive.content`, one after the other, from the database. Rounds take turns; given are medians, and the processor time
of one message. Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from relay.archive import open_archive
from relay.archive.api.encryption import Encryption
from relay.archive.cipher import Ring
from tests.bench.bench_intake import OURS, processor_seconds, rate, running

KEY = bytes(range(32))
_OPENING = 'archive.db")'
ON = (
    "from relay.archive.api.encryption import Encryption\nfrom relay.archive.cipher import Ring\n"
    f"RING = Ring.of([bytes.fromhex('{KEY.hex()}')])\n"
    + OURS.replace(_OPENING, f"{_OPENING[:-1]}, encryption=Encryption(lambda: RING))")
)


async def opening(path: Path, how: Encryption | None, count: int) -> float:
    """Microseconds for the content of one message, from the database to plain octets."""
    with closing(sqlite3.connect(path)) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM message ORDER BY seq LIMIT ?", (count,))]
    archive = await open_archive(f"sqlite:///{path}", read_only=True, encryption=how)
    for id_ in ids[:100]:
        await archive.content(id_)
    began = time.perf_counter()
    for id_ in ids:
        await archive.content(id_)
    seconds = time.perf_counter() - began
    await archive.close()
    return seconds / len(ids) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--opened", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    given = parser.parse_args()
    assert ON.count("encryption=Encryption") == 1
    found: dict[str, dict[str, list[float]]] = {name: {"rate": [], "cost": [], "open": []} for name in ("off", "on")}
    how = {"off": None, "on": Encryption(lambda: Ring.of([KEY]))}
    sizes = {}
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        home = Path(folder)
        with ExitStack() as stack:
            servers = {}
            for name, program in (("on", ON), ("off", OURS)):
                (home / name).mkdir()
                servers[name] = stack.enter_context(running(program, home / name))
                rate(servers[name][0], 200)
            for number in range(given.rounds):
                # Each goes first in every second round.
                for name in ("on", "off") if number % 2 else ("off", "on"):
                    port, pid = servers[name]
                    before = processor_seconds(pid)
                    found[name]["rate"].append(rate(port, given.messages))
                    found[name]["cost"].append((processor_seconds(pid) - before) / given.messages * 1e6)
                    print(name, {key: round(one[-1]) for key, one in found[name].items() if one}, file=sys.stderr)
        for number in range(given.rounds):
            for name in ("on", "off") if number % 2 else ("off", "on"):
                found[name]["open"].append(asyncio.run(opening(home / name / "archive.db", how[name], given.opened)))
        for name in found:
            sizes[name] = (home / name / "archive.db").stat().st_size / (200 + given.rounds * given.messages)
    print("| encryption | messages/s (median, range) | processor µs/message | opening one, µs | file, octets/message |")
    print("|---|---|---|---|---|")
    for name, one in found.items():
        rates, cost, opened = one["rate"], statistics.median(one["cost"]), statistics.median(one["open"])
        span = f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"
        print(f"| {name} | {span} | {cost:.0f} | {opened:.0f} | {sizes[name]:.0f} |")
    share = statistics.median(found["on"]["rate"]) / statistics.median(found["off"]["rate"])
    print(f"\nWith encryption: {100 * share:.0f} % of the rate without it.")


if __name__ == "__main__":
    main()
