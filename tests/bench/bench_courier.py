"""How fast a filled queue is relayed: the courier, from an archive on disk into Postfix's smtp-sink.

    python -m tests.bench.bench_courier [--messages 2000] [--size 10240] [--concurrency 20] [--postfix] [--profile]

Prints a table: messages a second, and how many waiting writes one commit of the archive carried. With `--postfix` (as
root) Postfix then drains a queue of the same messages, on the same disk, into the same sink, as many at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import pstats
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from relay.archive import open_archive
from relay.archive.api import Archive
from relay.model.delivery import State
from tests.bench.postfix import Postfix
from tests.support.dispatch import START, courier_of, message_of, queue, upstream_of

FAR = START + 10**15


@dataclass(frozen=True)
class Figures:
    seconds: float
    commits: int
    units: int


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """smtp-sink on a free port of this machine; it throws everything away."""
    program = shutil.which("smtp-sink")
    if program is None:
        raise SystemExit("smtp-sink (Postfix) is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "200"])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


async def fill(archive: Archive, messages: int, size: int) -> None:
    line = b"0123456789" * 7 + b"\r\n"
    head = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: bench\r\n\r\n"
    content = (head + line * (size // len(line) + 1))[: size - 2] + b"\r\n"
    for start in range(0, messages, 500):
        batch = range(start, min(start + 500, messages))
        await asyncio.gather(*(queue(archive, message_of(content), content, expires_at=FAR) for _ in batch))


async def drain(archive: Archive, port: int, concurrency: int, connections: int, trace: str) -> Figures:
    upstream = upstream_of(port, connections=connections, messages_per_connection=100_000)
    courier = courier_of(archive, [upstream], concurrency=concurrency, trace=trace)
    before = await archive.health()
    began = time.perf_counter()
    await courier.start()
    while True:
        depth = (await archive.queue_facts()).depth
        if not depth.get(State.QUEUED) and not depth.get(State.SENDING):
            break
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - began
    after = await archive.health()
    await courier.stop(5)
    return Figures(seconds, after.commits - before.commits, after.committed_units - before.committed_units)


async def run(arguments: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, sink() as port:
        archive = await open_archive(f"sqlite:///{Path(folder) / 'archive.db'}")
        await fill(archive, arguments.messages, arguments.size)
        figures = await drain(archive, port, arguments.concurrency, arguments.connections, arguments.trace)
        await archive.close()
    return figures


def drain_postfix(folder: str | None, messages: int, size: int, concurrency: int) -> float:
    """Seconds that Postfix takes to relay a queue that it held back."""
    with tempfile.TemporaryDirectory(dir=folder) as home, sink() as port, Postfix(Path(home)) as postfix:
        settings = [
            "default_transport=smtp",
            "relay_transport=smtp",
            f"relayhost=[127.0.0.1]:{port}",
            f"default_destination_concurrency_limit={concurrency}",
            f"initial_destination_concurrency={concurrency}",
        ]
        configure(postfix, "defer_transports=smtp", *settings)
        sender, recipient = "a@example.com", "b@example.com"
        source = ["smtp-source", "-s", "10", "-m", str(messages), "-l", str(size), "-f", sender, "-t", recipient]
        subprocess.run([*source, f"127.0.0.1:{postfix.port}"], check=True)
        while waiting(postfix, "deferred") < messages:
            time.sleep(0.05)
        configure(postfix, "defer_transports=")
        began = time.perf_counter()
        subprocess.run(["/usr/sbin/postqueue", "-c", str(postfix.home / "etc"), "-f"], check=True)
        while waiting(postfix, "deferred", "incoming", "active"):
            time.sleep(0.05)
        return time.perf_counter() - began


def configure(postfix: Postfix, *settings: str) -> None:
    folder = str(postfix.home / "etc")
    subprocess.run(["/usr/sbin/postconf", "-c", folder, "-e", *settings], check=True)
    subprocess.run(["/usr/sbin/postfix", "-c", folder, "reload"], check=True, capture_output=True)
    time.sleep(2)


def waiting(postfix: Postfix, *queues: str) -> int:
    return sum(1 for name in queues for path in (postfix.home / "queue" / name).rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--concurrency", type=int, default=20)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--trace", default="minimal")
    parser.add_argument("--folder", help="where the archive lies: the disk to measure")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--postfix", action="store_true")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    figures = uvloop.run(run(arguments))
    if arguments.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    print(f"{'':>12} {'messages':>9} {'octets':>8} {'seconds':>8} {'messages/s':>11} {'writes/commit':>14}")
    print(row("mailwitness", arguments, figures.seconds), f"{figures.units / max(1, figures.commits):14.1f}")
    if arguments.postfix:
        seconds = drain_postfix(arguments.folder, arguments.messages, arguments.size, arguments.connections)
        print(row("postfix", arguments, seconds))


def row(name: str, arguments: argparse.Namespace, seconds: float) -> str:
    rate = arguments.messages / seconds
    return f"{name:>12} {arguments.messages:9} {arguments.size:8} {seconds:8.2f} {rate:11.0f}"


if __name__ == "__main__":
    main()
