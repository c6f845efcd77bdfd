"""`verify --archive` beside `sha256sum` over the same octets, in one run.

    python -m tests.bench.bench_verify [FOLDER] [--messages 20000] [--processes 2]

FOLDER: one that has an archive.db (`python -m tests.bench.fill` makes large ones); without it one is filled with
captured messages of 10 kB. `sha256sum` is run over the database file (compressed contents, indexes and all), once
before that counts, so that both find it in memory as far as it fits. Told beside it: how many octets of contents and
sent copies the check hashes, unpacked, one by one; the processor's time that each took, which says more where other
things run besides; and the load. Only an archive of an older version is written to: it is brought up to this one.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from relay.archive import check_archive, open_archive
from relay.archive.content import stored
from relay.archive.database import address
from relay.archive.migrations.run import HEAD, revision
from tests.support.archive_values import a_message, captured_event, deliveries_of

OCTETS = 10_240
TOGETHER = 200


async def filled(url: str, messages: int) -> None:
    archive = await open_archive(url)

    async def add(number: int) -> None:
        content = stored(os.urandom(OCTETS // 2).hex().encode())
        message = a_message(number, content=content)
        await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])

    for start in range(0, messages, TOGETHER):
        await asyncio.gather(*map(add, range(start, min(start + TOGETHER, messages))))
    await archive.close()


def hashed(path: Path) -> tuple[float, float]:
    """Seconds, and the processor's."""
    began, spent = time.monotonic(), of_children()
    subprocess.run(["sha256sum", str(path)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began, of_children() - spent


def of_children() -> float:
    """The processor's seconds of all processes that were started and have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def opened(url: str) -> None:
    """Its tables are those of this version."""
    await (await open_archive(url)).close()


def reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(address(path, "ro"), uri=True)


def is_older(path: Path) -> bool:
    with closing(reader(path)) as database:
        return revision(database) != HEAD


def hashed_octets(path: Path) -> int:
    """Of all contents, and of the copies that are not the content itself; one for each different list of edits."""
    with closing(reader(path)) as database:
        (contents,) = database.execute("SELECT coalesce(sum(size), 0) FROM message").fetchone()
        (copies,) = database.execute(
            "SELECT coalesce(sum(wire_size), 0) FROM (SELECT DISTINCT message_seq, edits, wire_sha256, wire_size"
            " FROM attempt WHERE edits IS NOT NULL)"
        ).fetchone()
    return int(contents) + int(copies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path, url = folder / "archive.db", f"sqlite:///{folder.resolve() / 'archive.db'}"
        if not path.exists():
            asyncio.run(filled(url, given.messages))
        elif is_older(path):
            asyncio.run(opened(url))
        hashed(path)
        plain, plain_work = hashed(path)
        octets = hashed_octets(path) / 1e6
        spent: dict[str, float] = defaultdict(float)
        began = before = time.monotonic()
        work = of_children()
        faults, messages, events = 0, 0, 0
        for progress in check_archive(url, processes=given.processes):
            spent[progress.portion.kind] += time.monotonic() - before
            before = time.monotonic()
            faults += len(progress.faults)
            messages, events = progress.extent.messages, progress.extent.events
        checked, work = time.monotonic() - began, of_children() - work
        size = path.stat().st_size / 1e6
    print(f"{messages:,} messages, {events:,} facts, {size:,.0f} MB, {given.processes} processes, {faults} faults\n")
    print("| | seconds | MB/s | processor's seconds |\n|---|---|---|---|")
    print(f"| sha256sum | {plain:.1f} | {size / plain:.0f} | {plain_work:.1f} |")
    print(f"| verify --archive | {checked:.1f} | {size / checked:.0f} | {work:.1f} |\n")
    print(
        f"{100 * plain / checked:.0f} % of the rate of sha256sum over the same file; by the processor's time, on"
        f" {given.processes} processors of one's own, {100 * plain_work * given.processes / work:.0f} %."
    )
    print(f"Load: {', '.join(f'{one:.1f}' for one in os.getloadavg())}.")
    share = octets / checked / (size / plain)
    print(f"{octets:,.0f} MB of contents and copies: {octets / checked:.0f} MB/s, {100 * share:.0f} % of that rate.")
    print("Waited for: " + ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in spent.items()))


if __name__ == "__main__":
    main()
