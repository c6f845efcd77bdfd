"""What `add_message` costs: messages a second, group size, commit time and CPU, by number of concurrent callers.

python tests/bench/bench_archive.py [messages] [octets]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from itertools import count

from relay.archive import open_archive
from relay.archive.api import Archive
from relay.archive.content import stored
from tests.support.archive_values import a_message, captured_event, deliveries_of

OCTETS = 10_240


async def send(archive: Archive, numbers: count[int], last: int, octets: int) -> None:
    while (number := next(numbers)) < last:
        # Base64 of random octets: as compressible as mail with attachments is.
        content = stored(os.urandom(octets * 3 // 8).hex().encode())
        message = a_message(number, content=content)
        await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])


async def measure(callers: int, messages: int, octets: int) -> str:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/work")) as folder:
        archive = await open_archive(f"sqlite:///{folder}/archive.db")
        numbers = count()
        await asyncio.gather(*(send(archive, numbers, 50, octets) for _ in range(callers)))
        before = await archive.health()
        numbers = count(1000)
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(send(archive, numbers, 1000 + messages, octets) for _ in range(callers)))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        health = await archive.health()
        await archive.close()
    commits = health.commits - before.commits
    return (
        f"{callers:7} {messages / seconds:10.0f} {messages / commits:11.1f} "
        f"{(health.commit_seconds - before.commit_seconds) / commits * 1000:10.2f} {cpu / messages * 1e6:14.0f}"
    )


def content_cost(octets: int) -> float:
    """Seconds of CPU to make one message's values and content, without storing it."""
    started = time.process_time()
    for number in range(500):
        content = stored(os.urandom(octets * 3 // 8).hex().encode())
        message = a_message(number, content=content)
        deliveries_of(message), captured_event(message)
    return (time.process_time() - started) / 500


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    octets = int(sys.argv[2]) if len(sys.argv) > 2 else OCTETS
    print(f"{messages} messages of {octets} octets; {content_cost(octets) * 1e6:.0f} us of the CPU is making them")
    print("callers messages/s  group size  commit ms  CPU us/message")
    for callers in (1, 10, 50):
        print(asyncio.run(measure(callers, messages, octets)), flush=True)


if __name__ == "__main__":
    main()
