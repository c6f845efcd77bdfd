"""How long the viewer takes for pages and searches over a filled archive while mail comes in. Prints a Markdown table.

    python -m tests.bench.fill /tmp/fill 1000000
    python -m tests.bench.bench_search /tmp/fill [--rate 100] [--times 100]

The whole server runs, in capture mode; each line is one kind of request, made over and over with other values, by one
client that waits for the whole answer. The archive grows by what is sent meanwhile. Its file is read once before, so
that it is in memory as far as it fits: what a page needs is in hundreds of places of it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from relay.archive import open_archive
from relay.archive.api import Sort, User, WebSession
from relay.archive.query import parse_query
from relay.archive.search import Cursor, encode
from relay.model.event import Event, Kind
from tests.bench.letters import APPLICATIONS, RARE, Letters
from tests.support.archive_values import new_id
from tests.support.exactclient import ExactClient
from tests.support.server import RunningServer

SECOND = 1_000_000
TOKEN = "session-of-the-bench"
CONFIG = """
[smtp]
port = 0
hostname = "witness.test"

[archive]
path = "{archive}"

[viewer]
port = 0

[delivery]
mode = "capture"

[[reference]]
name = "code"
pattern = '[A-Z]{{3}}-\\d{{6,}}'
"""


async def let_in(folder: Path) -> None:
    """A signed-in administrator."""
    archive = await open_archive(f"sqlite:///{folder / 'archive.db'}")
    now = int(time.time() * SECOND)
    event = Event(new_id(), now, Kind.ACCOUNT_CHANGED, "relay")
    await archive.put_user(User("bench", "administrator", "", now), event)
    session = WebSession(hashlib.sha256(TOKEN.encode()).digest(), "bench", now, now + 7 * 86_400 * SECOND, "127.0.0.1")
    await archive.add_session(session, Event(new_id(), now, Kind.ACCOUNT_CHANGED, "relay"))
    await archive.close()


def send_forever(port: int, rate: float, seed: int) -> None:
    """Sends `rate` messages a second until it is ended."""
    letters = Letters(50_000, seed)

    async def send() -> None:
        client = await ExactClient.connect("127.0.0.1", port)
        began, number = time.monotonic(), 0
        while True:
            letter = letters.letter(number)
            code, text = await client.transaction(letter.sender, list(letter.recipients), letter.content)
            assert code == 250, text
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))

    asyncio.run(send())


class Sample:
    """Values that the archive really has."""

    def __init__(self, path: Path) -> None:
        self.dice = random.Random(7)
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.newest = self._one("SELECT max(seq) FROM message")
        self.common = ("invoice", "order", "your", "payment", "customer", "delivery")

    def _one(self, text: str, *values: object) -> Any:
        return self._database.execute(text, values).fetchone()[0]

    def seq(self) -> int:
        return self.dice.randint(1, self.newest)

    def recipient(self) -> str:
        return str(self._one("SELECT recipient FROM delivery WHERE message_seq = ?", self.seq()))

    def reference(self) -> str:
        row = None
        while row is None:
            row = self._database.execute("SELECT code FROM message_reference WHERE seq = ?", (self.seq(),)).fetchone()
        return str(row[0])

    def subject_words(self) -> list[str]:
        return str(self._one("SELECT subject FROM listing WHERE seq = ?", self.seq())).split()

    def tag(self) -> str:
        return f"template-{self.dice.randint(1, 40)}"

    def cursor(self, share: float, sort: Sort) -> str:
        """Of the row that so much of all messages stand before."""
        number = max(1, int(self.newest * (1 - share)) - self.dice.randint(0, 500))
        received_at = self._one("SELECT received_at FROM message WHERE seq = ?", number)
        return encode(Cursor(True, received_at, number), parse_query("", now=0), sort)

    def day(self) -> str:
        at = self._one("SELECT received_at FROM message WHERE seq = ?", self.seq())
        return time.strftime("%Y-%m-%d", time.gmtime(at / SECOND))


Case = Callable[[], dict[str, str]]


def cases(sample: Sample) -> dict[str, Case]:
    """What is asked for, by what it is called."""
    pick = sample.dice.choice

    def q(make: Callable[[], str], sort: str = "") -> Case:
        return lambda: {"q": make()} | ({"sort": sort} if sort else {})

    statuses = ("sent", "failed", "bounced", "deferred", "delivered", "pending")

    def at(share: float) -> Case:
        return lambda: {"cursor": sample.cursor(share, Sort())}

    def by(key: str) -> Case:
        return lambda: {"sort": key}

    return {
        "first page": dict,
        **{f"page at {share:.0%}": at(share) for share in (0.1, 0.5, 0.99)},
        **{f"sorted by {key}": by(key) for key in ("to", "subject", "sender", "-size")},
        "jump to a date": q(lambda: f"before:{sample.day()}"),
        "recipient, whole": q(lambda: f"recipient:{sample.recipient()}"),
        "recipient, begun": q(lambda: f"recipient:{sample.recipient()[:7]}"),
        "part of an address": q(lambda: sample.recipient()[2:8]),
        "domain": q(lambda: "recipient:@" + sample.recipient().partition("@")[2]),
        "ref": q(lambda: f"ref:{sample.reference()}"),
        "code as a word": q(lambda: sample.reference().upper()),
        "code, begun": q(lambda: sample.reference().upper()[:-2]),
        "code, inner part": q(lambda: sample.reference()[-4:]),
        "status": q(lambda: f"status:{pick(statuses)}"),
        "application": q(lambda: f"application:{pick(APPLICATIONS)}"),
        "tag": q(lambda: f"tag:{sample.tag()}"),
        "opened": q(lambda: "opened:human"),
        "rare word": q(lambda: RARE),
        "common word": q(lambda: pick(sample.common)),
        "common word, quoted": q(lambda: f'"{pick(sample.common)}"'),
        "begun word": q(lambda: pick(sample.common)[:3]),
        "two common words": q(lambda: f"{pick(sample.common)} {pick(sample.common)}"),
        "phrase": q(lambda: '"' + " ".join(sample.subject_words()[:2]).replace('"', "") + '"'),
        "subject words": q(lambda: "subject:" + sample.subject_words()[0]),
        "without a word": q(lambda: f"-{pick(sample.common)}"),
        "word and status": q(lambda: f"{pick(sample.common)} status:bounced"),
        "word and application": q(lambda: f"{pick(sample.common)} application:{pick(APPLICATIONS)}"),
        "word before a day": q(lambda: f"{pick(sample.common)} before:{sample.day()}"),
        "common word by subject": q(lambda: pick(sample.common), "subject"),
        "Japanese words": q(lambda: "請求書"),
    }


async def measure(session: aiohttp.ClientSession, path: str, case: Case, times: int) -> list[float]:
    """Milliseconds of each answer."""
    taken = []
    for _ in range(times):
        given = case()
        if path.startswith("/api/") and given.get("sort"):
            # The API says the direction apart from the column.
            key = given["sort"]
            given |= {"sort": key.removeprefix("-"), "order": "desc" if key.startswith("-") else "asc"}
        address = f"{path}?{urlencode(given)}"
        began = time.perf_counter()
        async with session.get(address) as answer:
            body = await answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (address, answer.status, body[:300])
    return sorted(taken)


def figures(taken: list[float]) -> str:
    return f"{statistics.median(taken):.0f} | {taken[min(len(taken) - 1, int(len(taken) * 0.99))]:.0f}"


async def run(server: RunningServer, sample: Sample, times: int, only: str) -> None:
    print("| request | page: median, ms | p99, ms | API: median, ms | p99, ms |\n|---|---|---|---|---|", flush=True)
    jar = aiohttp.CookieJar(unsafe=True)
    everything: dict[str, list[float]] = {"/": [], "/api/messages": []}
    async with aiohttp.ClientSession(server.viewer_url, cookies={"mailwitness": TOKEN}, cookie_jar=jar) as session:
        for name, case in cases(sample).items():
            if only and only not in name:
                continue
            line = []
            for path in everything:
                await measure(session, path, case, 3)
                taken = await measure(session, path, case, times)
                everything[path] += taken
                line.append(figures(taken))
            print(f"| {name} | {' | '.join(line)} |", flush=True)
    print(f"| all | {' | '.join(figures(sorted(taken)) for taken in everything.values())} |")


def in_memory(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _server(work: Path, archive: Path) -> RunningServer:
    """A server in `work` with that archive."""
    (work / "data").symlink_to(archive)
    return RunningServer(work, CONFIG.format(archive=work / "data"), own_tables=True, is_fresh=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the archive's folder, as tests.bench.fill made it")
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second that come in meanwhile; 0: none")
    parser.add_argument("--times", type=int, default=100, help="requests of each kind")
    parser.add_argument("--only", default="", help="only requests whose name contains this")
    given = parser.parse_args()
    folder = given.folder.resolve()
    asyncio.run(let_in(folder))
    in_memory(folder / "archive.db")
    sample = Sample(folder / "archive.db")
    with tempfile.TemporaryDirectory() as work, _server(Path(work), folder) as server:
        seed = int(time.time())
        sender = multiprocessing.Process(target=send_forever, args=(server.smtp_port, given.rate, seed), daemon=True)
        if given.rate:
            sender.start()
            time.sleep(3)
        try:
            asyncio.run(run(server, sample, given.times, given.only))
        finally:
            if given.rate:
                sender.terminate()
                sender.join()
    database = sqlite3.connect(f"file:{folder / 'archive.db'}?mode=ro", uri=True)
    (newest,) = database.execute("SELECT max(seq) FROM message").fetchone()
    database.close()
    print(f"\n{sample.newest:,} messages at the start, {newest:,} at the end.")


if __name__ == "__main__":
    main()
