"""The intake with the log on against off, in one run: what a leaf for each event costs.

    python -m tests.bench.bench_ledger [--messages 3000] [--rounds 3]

As bench_intake: smtp-source opens a new connection for each message, ten at a time, 10 kB each; each is captured
and committed before its 250. `off` is the same server whose journal adds no leaves; there is no such setting. Rounds
take turns; given are medians, and the processor time of one message. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.bench_intake import OURS, processor_seconds, rate, running

OFF = "from relay.archive import journal\njournal.append_leaves = lambda *_: None\n" + OURS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    given = parser.parse_args()
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        servers = {}
        for name, program in (("on", OURS), ("off", OFF)):
            (home / name).mkdir()
            servers[name] = stack.enter_context(running(program, home / name))
            rate(servers[name][0], 200)
        for number in range(given.rounds):
            # Each goes first in every second round.
            for name in ("on", "off") if number % 2 else ("off", "on"):
                port, pid = servers[name]
                before = processor_seconds(pid)
                rates.setdefault(name, []).append(rate(port, given.messages))
                costs.setdefault(name, []).append((processor_seconds(pid) - before) / given.messages * 1e6)
                print(f"{name}: {rates[name][-1]:.0f}/s, {costs[name][-1]:.0f} µs", file=sys.stderr)
    print("| log | messages/s (median, range) | processor µs/message |\n|---|---|---|")
    for name, found in rates.items():
        cost = statistics.median(costs[name])
        print(f"| {name} | {statistics.median(found):.0f} ({min(found):.0f}-{max(found):.0f}) | {cost:.0f} |")
    # Round by round: a machine that grows slower in the course of it does so for both.
    shares = [100 * on / off for on, off in zip(rates["on"], rates["off"], strict=True)]
    dearer = [100 * on / off - 100 for on, off in zip(costs["on"], costs["off"], strict=True)]
    print(
        f"\nWith the log, median of the rounds: {statistics.median(shares):.0f} % of the rate without it"
        f" ({min(shares):.0f}-{max(shares):.0f}), {statistics.median(dearer):.0f} % more of the processor."
    )


if __name__ == "__main__":
    main()
