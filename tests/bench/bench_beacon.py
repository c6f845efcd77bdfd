"""The tracking port against a bare aiohttp handler that answers the same pixel and keeps nothing.

    python -m tests.bench.bench_beacon [--seconds 5] [--rounds 5]

Debian's wrk asks, 32 connections, from another process. `known`: 2,000 pixels in turn, each fetch
judged and committed to SQLite; `flood`: one pixel over and over; `unknown`: tokens that do not exist. Rounds take
turns; given are medians and ranges, the share of the bare handler's median, and how many of the fetches answered were
kept after SIGTERM (wrk breaks its last requests off: up to 32 more a round may be kept than it counts). Prints
Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from relay.archive import open_archive
from relay.model.token import Token, TokenKind
from tests.bench.bench_intake import processor_seconds, running
from tests.support.archive_values import NOON
from tests.support.tracked_copy import tracked_copy

WRK = "/usr/bin/wrk"
CONNECTIONS = 32
COPIES, PIXELS = 20, 100

BARE = """
import asyncio, base64, sys, uvloop
from aiohttp import web
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
FIELDS = {"Content-Type": "image/gif", "Cache-Control": "no-store"}
async def pixel(request):
    return web.Response(body=GIF, headers=FIELDS)
async def main():
    app = web.Application()
    app.router.add_get("/o/{token}.gif", pixel)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()
uvloop.run(main())
"""

OURS = """
import asyncio, signal, sys, uvloop
from pathlib import Path
from relay import maillog
from relay.archive import open_archive
from relay.clock import new_id, now
from relay.config import Tracking
from relay.feedback.beacon import Beacon
async def main():
    maillog.to_stderr(is_verbose=False, is_terminal=False)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    archive = await open_archive(f"sqlite:///{Path(sys.argv[2]).resolve()}/archive.db")
    beacon = Beacon(Tracking(port=int(sys.argv[1])), archive=archive, clock=now, new_id=new_id)
    await beacon.start()
    await stopping.wait()
    await beacon.stop(60)
    await archive.close()
uvloop.run(main())
"""

SCRIPT = """
local paths = {{{paths}}}
local n = 0
request = function()
  n = n + 1
  local path = "/o/" .. paths[n % #paths + 1] .. ".gif"
  return wrk.format("GET", path, {{["User-Agent"] = "Mozilla/5.0 (X11) Firefox/131.0"}})
end
"""


async def fill(folder: Path) -> list[str]:
    """Pixels of several copies."""
    archive = await open_archive(f"sqlite:///{folder}/archive.db")
    tokens: list[Token] = []
    for number in range(1, COPIES + 1):
        copy = await tracked_copy(archive, number)
        for n in range(PIXELS):
            id_ = f"another-pixel-{n:04}-{number:04}"
            tokens.append(Token(id_, copy.delivery_id, copy.message_id, TokenKind.OPEN, NOON))
    await archive.begin_attempts([], tokens)
    await archive.close()
    return [token.id for token in tokens]


def rate(port: int, script: Path, seconds: int) -> tuple[float, int]:
    """(answers a second, answers)."""
    command = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found, count = re.search(r"Requests/sec:\s+([0-9.]+)", said), re.search(r"(\d+) requests in", said)
    assert found is not None
    assert count is not None
    return float(found[1]), int(count[1])


def kept(folder: Path) -> int:
    database = sqlite3.connect(f"file:{folder}/archive.db?mode=ro", uri=True)
    (count,) = database.execute("SELECT coalesce(sum(count), 0) FROM fetch").fetchone()
    database.close()
    return int(count)


def measured(home: Path, seconds: int, rounds: int) -> list[str]:
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    answers: dict[str, int] = {}
    folders = {name: home / name for name in ("known", "flood", "unknown")}
    scripts: dict[str, Path] = {}
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        pids: dict[str, int] = {}
        for name, folder in folders.items():
            folder.mkdir()
            tokens = asyncio.run(fill(folder))
            asked = {"known": tokens, "flood": tokens[:1], "unknown": [f"unknown-{n}" for n in range(2000)]}[name]
            scripts[name] = home / f"{name}.lua"
            scripts[name].write_text(SCRIPT.format(paths=", ".join(f'"{token}"' for token in asked)))
            ports[name], pids[name] = stack.enter_context(running(OURS, folder))
        (home / "bare").mkdir()
        scripts["bare"] = scripts["known"]
        ports["bare"], pids["bare"] = stack.enter_context(running(BARE, home / "bare"))
        for _ in range(rounds):
            for name, port in ports.items():
                before = processor_seconds(pids[name])
                found, count = rate(port, scripts[name], seconds)
                costs.setdefault(name, []).append((processor_seconds(pids[name]) - before) / count * 1e6)
                rates.setdefault(name, []).append(found)
                answers[name] = answers.get(name, 0) + count
                print(f"{name}: {found:.0f}/s", file=sys.stderr)
    bare = statistics.median(rates["bare"])
    lines = [
        "| pixel | answers/s (median, range) | share of bare | processor µs/answer | answered, kept after SIGTERM |",
        "|---|---|---|---|---|",
    ]
    for name in ("bare", *folders):
        median = statistics.median(rates[name])
        span = f"{median:.0f} ({min(rates[name]):.0f}–{max(rates[name]):.0f})"
        durable = f"{answers[name]}, {kept(folders[name])}" if name in folders else ""
        lines.append(f"| {name} | {span} | {median / bare:.0%} | {statistics.median(costs[name]):.0f} | {durable} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if shutil.which(WRK) is None:
        sys.exit("needs Debian's wrk")
    with tempfile.TemporaryDirectory() as home:
        print("\n".join(measured(Path(home), given.seconds, given.rounds)))


if __name__ == "__main__":
    main()
