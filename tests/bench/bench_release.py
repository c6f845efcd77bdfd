"""The whole server against Postfix, and what large and strange messages cost it. Prints a Markdown table.

    python -m tests.bench.bench_release [--messages 3000] [--rounds 5]

Throughput: `smtp-source -s 10 -l 10240`, alternately into our server (capture mode: durable before 250) and into a
Postfix whose queue is on the same disk and whose transport is `discard:`, so that both keep what they answer 250 for.
Given are medians, for a session a message (smtp-source's default) and for sessions that are kept (-d).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.bench.postfix import Postfix
from tests.support.exactclient import ExactClient
from tests.support.recorder import Recorder
from tests.support.server import RunningServer

SMTP_SOURCE = "/usr/sbin/smtp-source"
MIB = 1024 * 1024
WARM = b"Subject: warm\r\n\r\nwarm\r\n"
"""Sent first, so that what is loaded at the first message is not counted."""


def rate(port: int, messages: int, *, is_kept: bool) -> float:
    """Messages a second that smtp-source gets answered."""
    options = ["-d"] if is_kept else []
    options += ["-s", "10", "-l", "10240", "-m", str(messages), "-f", "a@example.com", "-t", "b@example.net"]
    began = time.monotonic()
    subprocess.run([SMTP_SOURCE, *options, f"127.0.0.1:{port}"], check=True)
    return messages / (time.monotonic() - began)


def metric(server: RunningServer, name: str) -> float:
    text = urllib.request.urlopen(f"{server.viewer_url}/metrics").read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def wait_until_idle(server: RunningServer, postfix: Postfix, limit: float = 600.0) -> None:
    """Neither works off an earlier round any more: our index has caught up, Postfix's queue is empty."""
    deadline = time.monotonic() + limit
    while metric(server, "mailwitness_index_lag_messages") or postfix.queued():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def throughput(folder: Path, messages: int, rounds: int) -> list[str]:
    lines = ["| smtp-source -s 10 -l 10240 | ours, messages/s | Postfix, messages/s | ratio | writes a commit |"]
    lines += ["|---|---|---|---|---|"]
    with Postfix(folder / "postfix") as postfix, RunningServer(folder, is_fresh=True) as server:
        for what, is_kept in (("a session a message", False), ("sessions kept (-d)", True)):
            rate(server.smtp_port, 200, is_kept=is_kept)
            rate(postfix.port, 200, is_kept=is_kept)
            ours, theirs, grouped = [], [], []
            for _ in range(rounds):
                wait_until_idle(server, postfix)
                before = [metric(server, f"mailwitness_archive_{one}") for one in ("commits", "committed_writes")]
                ours.append(rate(server.smtp_port, messages, is_kept=is_kept))
                after = [metric(server, f"mailwitness_archive_{one}") for one in ("commits", "committed_writes")]
                grouped.append((after[1] - before[1]) / max(1.0, after[0] - before[0]))
                wait_until_idle(server, postfix)
                theirs.append(rate(postfix.port, messages, is_kept=is_kept))
                print(f"{what}: {ours[-1]:.0f} {theirs[-1]:.0f}", file=sys.stderr)
            mine, other = statistics.median(ours), statistics.median(theirs)
            lines.append(
                f"| {what}, median of {rounds} x {messages} | {mine:.0f} ({min(ours):.0f}-{max(ours):.0f}) "
                f"| {other:.0f} ({min(theirs):.0f}-{max(theirs):.0f}) | {mine / other:.2f} "
                f"| {statistics.median(grouped):.1f} |"
            )
    return lines


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one message: seconds until the 250, processor seconds and peak memory added, indexing included in both."""

    seconds: float
    cpu: float
    peak: int
    worker_peak: int


async def cost(server: RunningServer, content: bytes, provider: Recorder | None = None) -> Cost:
    """With a provider, also until that has the message."""
    pids = family(server.process.pid)
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    rest = [resident(pid, "VmRSS") for pid in pids]
    cpu = sum(map(processor_seconds, pids))
    began = time.monotonic()
    await _send(server.smtp_port, content)
    seconds = time.monotonic() - began
    while provider is not None and hashlib.sha256(content).hexdigest() not in provider.received["b@example.net"]:
        await asyncio.sleep(0.05)
    while await asyncio.to_thread(metric, server, "mailwitness_index_lag_messages"):
        await asyncio.sleep(0.05)
    added = [resident(pid, "VmHWM") - before for pid, before in zip(pids, rest, strict=True)]
    return Cost(seconds, sum(map(processor_seconds, pids)) - cpu, added[0], max(added[1:], default=0))


async def _send(port: int, content: bytes) -> None:
    client = await ExactClient.connect("127.0.0.1", port)
    code, text = await client.transaction("a@example.com", ["b@example.net"], content)
    assert code == 250, text
    await client.quit()


def family(pid: int) -> list[int]:
    """The process and its children, itself first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def resident(pid: int, what: str) -> int:
    match = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]) * 1024


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def heavy_messages() -> dict[str, bytes]:
    head = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: heavy\r\n"
    attachment = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    lines = b"".join(os.urandom(38).hex().encode() + b"\r\n" for _ in range(50 * MIB // 78))
    return {
        "50 MB attachment": head + attachment + lines[: 50_000_000 - 1000] + b"\r\n",
        "50 MB of text": head + b"\r\n" + lines[: 50_000_000 - 1000] + b"\r\n",
        "2 MB of CRLF": head + b"\r\n" + b"\r\n" * 1_000_000,
        "one line of 60 MB": head + b"\r\n" + b"x" * 60_000_000 + b"\r\n",
        "10 KiB (to compare)": head + b"\r\n" + b"a line of text\r\n" * 640,
    }


async def heavy(folder: Path) -> list[str]:
    lines = [
        "| one message | seconds to 250 | processor seconds, indexing too | server's memory, peak added "
        "| times its size | worker's memory, peak added |",
        "|---|---|---|---|---|---|",
    ]
    async with Recorder() as provider:
        upstream = (
            f'[[upstream]]\nhost = "127.0.0.1"\nport = {provider.port}\ntls = "none"\n[delivery]\ntrace = "none"\n'
        )
        for mode, text, told in (("kept", "", None), ("kept and relayed", upstream, provider)):
            place = folder / mode.replace(" ", "-")
            place.mkdir(parents=True)
            environment = {"MAILWITNESS_SMTP__MAX_MESSAGE_SIZE": "100M"}
            server = await asyncio.to_thread(RunningServer, place, text, environment=environment)
            try:
                for _ in range(20):
                    await cost(server, WARM, told)
                for what, content in heavy_messages().items():
                    found = await cost(server, content, told)
                    lines.append(
                        f"| {what}, {mode} | {found.seconds:.2f} | {found.cpu:.2f} | {found.peak / MIB:.0f} MiB "
                        f"| {found.peak / len(content):.2f} | {found.worker_peak / MIB:.0f} MiB |"
                    )
            finally:
                await asyncio.to_thread(server.stop)
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("throughput", "heavy"), default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailwitness-bench-"))
    folder.chmod(0o755)
    if arguments.only != "heavy":
        print("\n".join(throughput(folder, arguments.messages, arguments.rounds)), end="\n\n")
    if arguments.only != "throughput":
        print("\n".join(asyncio.run(heavy(folder / "heavy"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
