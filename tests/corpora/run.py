"""Every message of a corpus goes all the way, and comes out as it went in.

    nice python -m tests.corpora.run [--cache FOLDER] [--limit N]

Each message is sent twice over real SMTP, with its line ends made CRLF and raw, through a real server that relays to a
recording provider with no feature on (`trace = "none"`). Then: each is answered 250; the stored SHA-256, that of the
exported octets and that of every .eml in the ZIP are those of what was sent; the provider received what the server
recorded, which is what was sent, or, with bare line ends in it, our own reference of it; and no page, API call or
export answers 500. What *sent* means: `tests/support/exactclient.py`. A short form is a test, `test_corpora.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.corpora.collect import DEFAULT_CACHE
from tests.corpora.visitor import Visitor, is_all_there
from tests.support.account import add_administrator, command
from tests.support.exactclient import ExactClient, normalised, sendable
from tests.support.keeping import kept, opened
from tests.support.recorder import Recorder
from tests.support.server import RunningServer

SETTINGS = """
[[upstream]]
host = "127.0.0.1"
port = {port}
tls = "none"

[delivery]
trace = "none"
"""
ENVIRONMENT = {"MAILWITNESS_SMTP__MAX_HOPS": "10000"}
"""Some samples have hundreds of Received fields, which by default are rightly refused as a loop (RFC 5321 6.3)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One content and the recipient by which it is known everywhere."""

    recipient: str
    content: bytes
    origin: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def upstream_digest(self) -> str:
        """What a provider must receive: every line ended by CRLF and nothing else changed.

        CRs (up to eight) before a LF are one line end with it, as in files that went through a text mode twice: the
        header section would else end at its first such line.
        """
        return hashlib.sha256(re.sub(rb"\r{1,8}\n|\r|\n", b"\r\n", self.content)).hexdigest()


@dataclass(slots=True)
class Findings:
    """What was looked at, how often, and what was wrong."""

    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def check(self, what: str, is_right: bool, otherwise: str) -> None:
        self.count(what)
        if not is_right:
            self.wrong.append(f"{what}: {otherwise}")

    def __str__(self) -> str:
        lines = [f"{number:8}  {what}" for what, number in self.counts.items()]
        lines += [f"{seconds:8.1f}  seconds {what}" for what, seconds in self.seconds.items()]
        return "\n".join([*lines, f"{len(self.wrong):8}  wrong", *self.wrong[:30]])


def trials(messages: Sequence[tuple[str, bytes]]) -> list[Trial]:
    """Each message as CRLF text and raw; the raw one left out where it is the same."""
    found: dict[bytes, Trial] = {}
    for origin, octets in messages:
        for kind, content in (("crlf", normalised(octets)), ("raw", sendable(octets))):
            found.setdefault(content, Trial(f"{kind}-{len(found)}@corpus.example", content, f"{kind} {origin}"))
    return list(found.values())


async def go_all_the_way(
    folder: Path,
    messages: Sequence[tuple[str, bytes]],
    *,
    deadline: float,
    is_visited: Callable[[int, Trial], bool] = lambda number, trial: True,
    evidence_every: int = 1,
    say: Callable[[str], object] = print,
) -> Findings:
    """The findings for these messages. `deadline`: seconds for delivery, and again for indexing, of all of them.

    Pages and API calls are looked at for the messages that `is_visited`, by number in order of capture and by trial;
    everything else is done with all of them. `evidence_every`: see Visitor.
    """
    findings, all_trials = Findings(), trials(messages)
    async with Recorder() as provider:
        settings = SETTINGS.format(port=provider.port)
        server = await asyncio.to_thread(RunningServer, folder, settings, environment=ENVIRONMENT)
        try:
            await _timed(findings, "sending", _send_all(findings, server, all_trials))
            say(f"sent {len(all_trials)}")
            everyone = {trial.recipient for trial in all_trials}
            late = await _timed(findings, "until all were delivered", provider.wait_for(everyone, deadline))
            findings.wrong += [f"not delivered: {recipient}" for recipient in sorted(late)]
            ids = _compare(findings, server, all_trials, provider)
            await asyncio.to_thread(add_administrator, server.config_file)
            async with Visitor(server.viewer_url, evidence_every) as visitor:
                await _timed(findings, "until all were indexed", visitor.indexed(deadline))
                some = {one: trial for n, (one, trial) in enumerate(ids.items()) if is_visited(n, trial)}
                await _timed(findings, "looking at pages", _look(findings, visitor, some, say))
                await _timed(findings, "exporting", _export(findings, visitor, server, ids))
        finally:
            await asyncio.to_thread(server.stop)
    broken = [line for line in server.log_text.splitlines() if '"level": "error"' in line or "Traceback" in line]
    findings.wrong += [f"the server logged: {line[:300]}" for line in broken[:20]]
    return findings


async def _timed(findings: Findings, what: str, work):
    began = time.monotonic()
    result = await work
    findings.seconds[what] = time.monotonic() - began
    return result


async def _send_all(findings: Findings, server: RunningServer, all_trials: Sequence[Trial]) -> None:
    waiting = iter(all_trials)

    async def send() -> None:
        client = await ExactClient.connect("127.0.0.1", server.smtp_port)
        for trial in waiting:
            code, text = await client.transaction("sender@corpus.example", [trial.recipient], trial.content)
            findings.check("answered 250", code == 250, f"{trial.origin}: {code} {text}")
        await client.quit()

    await asyncio.gather(*(send() for _ in range(4)))


def _compare(
    findings: Findings, server: RunningServer, all_trials: Sequence[Trial], provider: Recorder
) -> dict[str, Trial]:
    """Message id -> its trial, after archive and provider have been compared with what was sent."""
    by_recipient = {trial.recipient: trial for trial in all_trials}
    ids: dict[str, Trial] = {}
    with opened(server.archive_path / "archive.db") as connection:
        for message in kept(connection):
            trial = by_recipient[message.recipients[0]]
            ids[message.id] = trial
            findings.check("stored octets equal", message.content == trial.content, trial.origin)
            findings.check("stored SHA-256 equal", message.sha256.hex() == trial.digest, trial.origin)
        question = "SELECT d.recipient, a.wire_sha256 FROM attempt a JOIN delivery d ON d.id = a.delivery_id"
        recorded = {recipient: digest.hex() for recipient, digest in connection.execute(question)}
    findings.check("kept once each", len(ids) == len(all_trials), f"{len(ids)} kept, {len(all_trials)} sent")
    for recipient, trial in by_recipient.items():
        received = provider.received.get(recipient, [])
        findings.check("received once", len(received) == 1, f"{trial.origin}: {len(received)} times")
        is_same = received[:1] == [trial.upstream_digest]
        what = "received as sent" if trial.upstream_digest == trial.digest else "received with line ends made CRLF"
        findings.check(what, is_same, f"{trial.origin} ({recipient})")
        findings.check("received as recorded", received[:1] == [recorded.get(recipient)], trial.origin)
    return ids


async def _look(findings: Findings, visitor: Visitor, ids: dict[str, Trial], say: Callable[[str], object]) -> None:
    waiting = iter(ids.items())
    done = 0

    async def look() -> None:
        nonlocal done
        for message_id, trial in waiting:
            seen = await visitor.visit(message_id)
            for path, status in seen.statuses:
                kind = re.sub(r"/[0-9]+(?=$|[?])", "/{n}", re.sub(r"[0-9A-Z]{26}", "{id}", path))
                # A picture of what is no picture, whatever its type says, cannot be drawn.
                is_right = status == 200 or (status == 404 and path.endswith("/picture"))
                findings.check(f"GET {kind}", is_right, f"{status} {path} {trial.origin}")
            findings.check("downloaded equal", seen.original == trial.digest, f"{trial.origin} ({message_id})")
            done += 1
            if done % 1000 == 0:
                say(f"looked at {done} of {len(ids)}")

    await asyncio.gather(*(look() for _ in range(4)))


async def _export(findings: Findings, visitor: Visitor, server: RunningServer, ids: dict[str, Trial]) -> None:
    """The viewer's exports and the command line's beside the running server."""
    expected = {message_id: trial.digest for message_id, trial in ids.items()}
    async for name, problem in visitor.exports(expected):
        findings.check(f"export {name}", problem is None, str(problem))
    for kind in ("zip", "mbox", "csv"):
        path = server.folder / f"everything.{kind}"
        await asyncio.to_thread(
            command, server.config_file, "export", "", "--format", kind, "-o", str(path), time_limit=1800.0
        )
        findings.check(f"mailwitness export --format {kind}", path.stat().st_size > 0, "nothing in it")
    with zipfile.ZipFile(server.folder / "everything.zip") as archive:
        findings.check("its .eml files equal", *is_all_there(archive, expected))


def from_cache(cache: Path, limit: int | None) -> list[tuple[str, bytes]]:
    return [(path.stem[:16], path.read_bytes()) for path in sorted((cache / "messages").glob("*.eml"))[:limit]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="as filled by tests.corpora.collect")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--visit-every", type=int, default=1, metavar="N", help="look at one message in N")
    parser.add_argument("--folder", type=Path, default=None, help="where the server works; default: a temporary one")
    arguments = parser.parse_args()
    messages = from_cache(arguments.cache, arguments.limit)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="mailwitness-corpora-run-"))
    print(f"{len(messages)} messages, folder {folder}", flush=True)
    say = functools.partial(print, flush=True)
    every = arguments.visit_every
    work = go_all_the_way(folder, messages, deadline=3600, is_visited=lambda n, _: n % every == 0, say=say)
    findings = asyncio.run(work)
    print(findings)
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
