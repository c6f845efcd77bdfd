"""From an application to the provider: our whole server beside a Postfix with a relayhost, end to end. Prints a table.

    python -m tests.bench.bench_relay [--messages 3000] [--size 10240] [--rounds 5]

smtp-source gives the messages, ten sessions at once; a Postfix smtp-sink takes them and ends with the last one. Both
keep what they answer 250 for on the same disk and use as many sessions to the sink. The rounds alternate; a rate is
messages by the time from the first connection to the last message in the sink. Needs root, for Postfix.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_courier import configure
from tests.bench.bench_release import SMTP_SOURCE, wait_until_idle
from tests.bench.postfix import Postfix
from tests.support.server import RunningServer

SESSIONS = 10
PATIENCE = 300.0
"""Seconds for one round."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def sink(port: int, messages: int) -> Iterator[subprocess.Popen[bytes]]:
    """smtp-sink that ends after so many messages."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin") or sys.exit("smtp-sink (Postfix) is not installed")
    process = subprocess.Popen([program, "-u", "nobody", "-M", str(messages), f"127.0.0.1:{port}", "200"])
    try:
        time.sleep(0.3)
        yield process
    finally:
        process.terminate()
        process.wait()


def rate(into: int, provider: int, messages: int, size: int) -> float:
    """Messages a second, from the port `into` to the one at which `provider` listens."""
    with sink(provider, messages) as process:
        began = time.monotonic()
        what = ["-s", str(SESSIONS), "-m", str(messages), "-l", str(size), "-f", "a@example.com", "-t", "b@example.net"]
        subprocess.run([SMTP_SOURCE, *what, f"127.0.0.1:{into}"], check=True)
        process.wait(PATIENCE)
        return messages / (time.monotonic() - began)


def compare(folder: Path, messages: int, size: int, rounds: int) -> list[str]:
    ours, theirs = [], []
    provider, other_provider = free_port(), free_port()
    upstream = f'[[upstream]]\nhost = "127.0.0.1"\nport = {provider}\ntls = "none"\nconnections = {SESSIONS}\n'
    with Postfix(folder / "postfix") as postfix, RunningServer(folder, upstream, is_fresh=True) as server:
        configure(
            postfix,
            "default_transport=smtp",
            "relay_transport=smtp",
            f"relayhost=[127.0.0.1]:{other_provider}",
            f"default_destination_concurrency_limit={SESSIONS}",
            f"initial_destination_concurrency={SESSIONS}",
        )
        for n in range(-1, rounds):
            wait_until_idle(server, postfix)
            mine = rate(server.smtp_port, provider, messages, size)
            wait_until_idle(server, postfix)
            other = rate(postfix.port, other_provider, messages, size)
            print(f"{n}: {mine:.0f} {other:.0f}", file=sys.stderr)
            if n >= 0:  # the first round warms both up
                ours.append(mine)
                theirs.append(other)
    ratio = statistics.median(one / two for one, two in zip(ours, theirs, strict=True))
    return [
        f"| smtp-source to smtp-sink, {size} octets, median of {rounds} x {messages} | messages/s | range |",
        "|---|---|---|",
        f"| mailwitness | {statistics.median(ours):.0f} | {min(ours):.0f}-{max(ours):.0f} |",
        f"| Postfix with relayhost | {statistics.median(theirs):.0f} | {min(theirs):.0f}-{max(theirs):.0f} |",
        f"| ratio of each round, median | {ratio:.2f} | |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailwitness-bench-"))
    folder.chmod(0o755)
    print("\n".join(compare(folder, arguments.messages, arguments.size, arguments.rounds)))


if __name__ == "__main__":
    main()
