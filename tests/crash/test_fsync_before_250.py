"""Watched by strace: the archive's log is on the disk before the octets of the 250 leave the process.

By hand, beside a running server:

    strace -f -y -e trace=fsync,fdatasync,pwrite64,write,sendto,sendmsg,writev,recvfrom,read -p PID
"""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.support.exactclient import ExactClient
from tests.support.victim import Victim

CALLS = "fsync,fdatasync,pwrite64,write,sendto,sendmsg,writev,recvfrom,recvmsg,read"
MARK = "mark-of-the-watched-message"
_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(.*)")
_SYNC = re.compile(r"\d+<([^>]*/archive\.db[^>]*)>")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_the_last_fsync_on_the_archive_comes_before_the_octets_of_the_250(tmp_path):
    victim = Victim(tmp_path)
    try:
        await victim.start()
        trace = await _watched(victim, tmp_path / "trace")
    finally:
        victim.end()
    steps = significant(trace)
    content, answer = steps.index("content"), steps.index("answer")
    between = steps[content:answer]
    assert "log written" in between, steps
    assert "log synced" in between, steps
    # Everything written for the message was synced: what follows the sync, if anything, belongs to a later commit.
    assert between.index("log written") < len(between) - 1 - between[::-1].index("log synced"), steps
    assert "log sync begun" not in between[len(between) - 1 - between[::-1].index("log synced") :], steps


def test_a_reply_before_the_sync_would_be_seen():
    lines = [
        f'7 recvfrom(9<socket:[1]>, "Subject: {MARK}\\r\\n\\r\\n.\\r\\n", 65536, 0, NULL, NULL) = 40',
        '8 pwrite64(5</x/archive.db-wal>, "..."..., 4096, 32) = 4096',
        "8 fdatasync(5</x/archive.db-wal> <unfinished ...>",
        '7 write(9<socket:[1]>, "250 2.0.0 queued as 01J\\r\\n", 25) = 25',
        "8 <... fdatasync resumed>) = 0",
    ]
    assert significant(lines) == ["content", "log written", "log sync begun", "answer", "log synced"]


async def _watched(victim: Victim, trace: Path) -> list[str]:
    """The calls of the server, in order, while it takes one message."""
    assert victim.process is not None
    strace = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(trace), "-p", str(victim.process.pid)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert strace.stderr is not None
    async with asyncio.timeout(30):
        said = (await strace.stderr.readline()).decode()
        if "attached" not in said:
            pytest.skip(f"strace may not look at a process here: {said}")
        client = await ExactClient.connect("127.0.0.1", victim.port)
        code, _ = await client.transaction("a@example.com", ["b@example.com"], f"Subject: {MARK}\r\n\r\n".encode())
        assert code == 250
        await client.quit()
    strace.terminate()
    await strace.wait()
    return trace.read_text(errors="backslashreplace").splitlines()


def significant(lines: list[str]) -> list[str]:
    """`content`, `log written`, `log sync begun`, `log synced`, `answer`, in the order in which they were finished."""
    steps: list[str] = []
    syncing: set[str] = set()
    for line in lines:
        if (match := _LINE.match(line)) is None:
            continue
        thread, call, rest = match.groups()
        if call in ("fsync", "fdatasync"):
            if _SYNC.search(rest):
                syncing.add(thread)
                steps += ["log sync begun"] if "unfinished" in rest else []
            if thread in syncing and rest.rstrip().endswith("= 0"):
                syncing.discard(thread)
                steps.append("log synced")
        elif call == "pwrite64" and "archive.db-wal>" in rest:
            steps.append("log written")
        elif call in ("recvfrom", "recvmsg", "read") and MARK in rest:
            steps.append("content")
        elif call in ("write", "sendto", "sendmsg", "writev") and '"250 2.0.0 queued' in rest:
            steps.append("answer")
    return steps
