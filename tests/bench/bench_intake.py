"""The intake alone (no viewer, indexer or courier) against a bare aiosmtpd and Postfix, and what strange messages cost.

    python -m tests.bench.bench_intake [--messages 5000] [--rounds 3]

smtp-source opens a new connection for each message, ten at a time, 10 kB each. `aiosmtpd` keeps nothing at all; ours
commits to SQLite before it answers; Postfix has its queue on the same disk and discards. Rounds take turns; given are
medians, and the processor time that our process used for one message. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import postfix

SMTP_SOURCE = "/usr/sbin/smtp-source"
MIB = 1024 * 1024

AIOSMTPD = """
import asyncio, sys, uvloop
from aiosmtpd.smtp import SMTP
class Sink:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"
async def main():
    loop, sink = asyncio.get_running_loop(), Sink()
    server = await loop.create_server(lambda: SMTP(sink, hostname="x", loop=loop), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
uvloop.run(main())
"""

OURS = """
import asyncio, sys, time, uvloop
from pathlib import Path
from relay import maillog
from relay.archive import open_archive
from relay.config import Listener, Smtp
from relay.clock import new_id, now
from relay.intake.credentials import Directory
from relay.intake.listener import Intake
from relay.model.message import Mode
async def main():
    maillog.to_stderr(is_verbose=False, is_terminal=False)
    archive = await open_archive(f"sqlite:///{Path(sys.argv[2]).resolve()}/archive.db")
    smtp = Smtp(hostname="x", listeners=(Listener(port=int(sys.argv[1])),), max_message_size=200 * 1024 * 1024)
    intake = Intake(smtp, archive=archive, applications=Directory([], Mode.CAPTURE), clock=now, new_id=new_id,
                    expire_after=3600)
    await intake.start()
    await asyncio.Event().wait()
uvloop.run(main())
"""


@contextmanager
def running(program: str, folder: Path) -> Iterator[tuple[int, int]]:
    """The port and the process id of a server program."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(port), str(folder)], stderr=(folder / "log").open("wb")
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def processor_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def rate(port: int, messages: int) -> float:
    began = time.monotonic()
    options = ["-s", "10", "-l", "10240", "-m", str(messages), "-f", "a@example.com", "-t", "b@example.net"]
    subprocess.run([SMTP_SOURCE, *options, f"inet:127.0.0.1:{port}"], check=True)
    return messages / (time.monotonic() - began)


def throughput(home: Path, messages: int, rounds: int) -> list[str]:
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with ExitStack() as stack:
        servers: dict[str, tuple[int, int | None]] = {}
        for name, program in (("bare aiosmtpd, keeps nothing", AIOSMTPD), ("our intake, SQLite, durable", OURS)):
            folder = Path(tempfile.mkdtemp(dir=home))
            servers[name] = stack.enter_context(running(program, folder))
        if postfix.is_at_hand() and os.geteuid() == 0:
            folder = Path(tempfile.mkdtemp(dir=home))
            servers["Postfix, discard:"] = (stack.enter_context(postfix.Postfix(folder)).port, None)
        for port, _ in servers.values():
            rate(port, 100)
        for _ in range(rounds):
            for name, (port, pid) in servers.items():
                before = processor_seconds(pid) if pid else 0.0
                rates.setdefault(name, []).append(rate(port, messages))
                if pid:
                    costs.setdefault(name, []).append((processor_seconds(pid) - before) / messages * 1e6)
                print(f"{name}: {rates[name][-1]:.0f}/s", file=sys.stderr)
    lines = ["| server | messages/s (median, range) | processor µs/message |", "|---|---|---|"]
    for name, found in rates.items():
        cost = f"{statistics.median(costs[name]):.0f}" if name in costs else "several processes"
        lines.append(f"| {name} | {statistics.median(found):.0f} ({min(found):.0f}–{max(found):.0f}) | {cost} |")
    if "Postfix, discard:" not in rates:
        lines.append("| Postfix | not available here (needs root and Debian's postfix) | |")
    return lines


def memory(pid: int, which: str = "VmRSS") -> float:
    """MiB: resident now (VmRSS) or at most so far (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) / 1024
    raise AssertionError(which)


def strange_messages(home: Path) -> list[str]:
    lines = ["| message | seconds | processor s | memory before, peak (MiB) |", "|---|---|---|---|"]
    incompressible = os.urandom(MIB).hex().encode()[: MIB - 2]
    cases = {
        "50 MB, lines of 76": (b"x" * 76 + b"\r\n") * (50 * MIB // 78),
        "50 MB, hex digits, lines of 1 MB": (incompressible + b"\r\n") * 50,
        "one line of 60 MB": b"x" * (60 * MIB) + b"\r\n",
        "2 MB of CRLF": b"\r\n" * MIB,
        "2 MB of dots and CRLF": b"..\r\n" * (MIB // 2),
        "250 MB, beyond the limit of 200 MB": (b"y" * 78 + b"\r\n") * (MIB // 80),
    }
    for name, content in cases.items():
        folder = Path(tempfile.mkdtemp(dir=home))
        with running(OURS, folder) as (port, pid):
            send(port, b"x\r\n", 1)
            before, busy, began = memory(pid), processor_seconds(pid), time.monotonic()
            reply = send(port, content, 250 * MIB // len(content) if "beyond" in name else 1)
            seconds = time.monotonic() - began
            busy = processor_seconds(pid) - busy
            label = f"{name} → {reply.decode()}"
            lines.append(f"| {label} | {seconds:.2f} | {busy:.2f} | {before:.0f}, {memory(pid, 'VmHWM'):.0f} |")
    return lines


def send(port: int, content: bytes, times: int) -> bytes:
    """The code of the reply to a message of `content`, sent so many times over, dots already stuffed."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        replies = connection.makefile("rb")
        connection.sendall(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
        while not replies.readline().startswith(b"354"):
            pass
        for _ in range(times):
            connection.sendall(content)
        connection.sendall(b".\r\n")
        return replies.readline()[:9]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        print("\n".join(throughput(Path(home), given.messages, given.rounds)))
        print()
        print("\n".join(strange_messages(Path(home))))


if __name__ == "__main__":
    main()
