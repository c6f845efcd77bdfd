"""A real server that can be killed: `mailwitness serve` as a process of its own, on a port that survives it.

Reads nothing of the server's own objects: it is watched from outside, by its greeting and its files.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

from tests.support.nursery import ROOT, Started

START_DEADLINE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Victim:
    """`start`, `kill` and `start` again; `stop` ends it as an operator would. Its log is `folder/log`."""

    def __init__(self, folder: Path, *, upstream_port: int | None = None, settings: str = "") -> None:
        """`settings`: more TOML, put before the tables that are made here."""
        self.folder = folder
        self.archive = folder / "data" / "archive.db"
        self.port = free_port()
        self.viewer_port = free_port()
        self.process: Started | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.toml"
        upstream = f'[[upstream]]\nhost = "127.0.0.1"\nport = {upstream_port}\ntls = "none"\n' if upstream_port else ""
        self.config.write_text(
            f"{settings}\n"
            f'[archive]\npath = "{folder / "data"}"\n'
            f'[[smtp.listeners]]\nname = "smtp"\nport = {self.port}\n'
            f"[viewer]\nport = {self.viewer_port}\n"
            f"{upstream}"
        )

    async def start(self, *, is_ready: bool = True) -> None:
        """The process runs; with `is_ready` it also greets SMTP clients."""
        with (self.folder / "log").open("ab") as log:
            arguments = ["serve", "-c", str(self.config)]
            self.process = await asyncio.to_thread(
                Started, arguments, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )
        if is_ready:
            async with asyncio.timeout(START_DEADLINE):
                while not await self._greets():
                    assert self.process.poll() is None, self.log()[-3000:]
                    await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL to the server alone: what it started must notice by itself."""
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.wait, 30)

    async def stop(self) -> None:
        """SIGTERM, and an end that is a success."""
        assert self.process is not None
        self.process.terminate()
        assert await asyncio.to_thread(self.process.wait, 30) == 0, self.log()[-3000:]

    def left_behind(self) -> list[int]:
        """Process ids of the server's session that outlived it."""
        assert self.process is not None
        return [pid for pid in _processes() if _session_of(pid) == self.process.pid and pid != self.process.pid]

    def end(self) -> None:
        """Nothing of the server runs any more, whatever happened to the test."""
        if self.process is not None:
            for pid in (self.process.pid, *self.left_behind()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="backslashreplace")

    async def _greets(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            return (await reader.read(4)).startswith(b"220")
        except OSError:
            return False
        finally:
            writer.close()


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _session_of(pid: int) -> int | None:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(state[3]) if state[0] != "Z" else None
