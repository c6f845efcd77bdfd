"""A real `mailwitness serve` process in a folder of its own, on ports the system chose.

For tests that start, stop, kill and talk to the whole server. The configuration text given is appended to one that
sets ports 0 and the archive's folder; `[smtp]`, `[archive]` and `[viewer]` tables can be taken over with `own_tables`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from relay import errand
from tests.support.fresh import put_fresh
from tests.support.nursery import Started

START_LIMIT = 60.0
STOP_LIMIT = 30.0

BASE = """
[smtp]
port = 0
hostname = "witness.test"

[archive]
path = "{archive}"

[viewer]
port = 0
"""


class DidNotStart(Exception):
    """The process ended, or said nothing for too long; the text is what it printed."""


def _started_fresh(arguments: list[str], **given: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "relay", *arguments], stdin=subprocess.DEVNULL, **given)


class RunningServer:
    """Started when made; `with RunningServer(tmp_path, '[[upstream]]…') as server:` stops it at the end.

    `smtp_port`, `viewer_port`, `tracking_port` (0: closed), `viewer_url`, `sign_in_link` (None where a user exists),
    `process`, `config_file`, `archive_path` (folder); `output` is what was printed and `log` the log lines so far.
    """

    def __init__(
        self,
        folder: Path,
        config_text: str = "",
        *,
        own_tables: bool = False,
        environment: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        is_fresh: bool = False,
    ) -> None:
        """`is_fresh`: by an interpreter of its own, as in use, and not by the nursery; takes longer.

        The archive is a copied one, unless `is_fresh` or `own_tables`: then the server makes it.
        """
        self.folder = folder
        self.archive_path = folder / "data"
        self.config_file = folder / "config.toml"
        base = "" if own_tables else BASE.format(archive=self.archive_path)
        self.config_file.write_text(base + config_text)
        self._environment = {**os.environ, **(environment or {})}
        self._arguments, self._is_fresh = arguments, is_fresh
        if not (is_fresh or own_tables):
            put_fresh(self.archive_path / "archive.db")
        self._output_file = folder / "server.out"
        self._log_file = folder / "server.log"
        self.process: Started | subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Starts the process (again) on the same folder; returns when it takes mail."""
        with self._output_file.open("wb") as output, self._log_file.open("ab") as log:
            arguments = ["serve", "-c", str(self.config_file), *self._arguments]
            start = _started_fresh if self._is_fresh else Started
            self.process = start(arguments, stdout=output, stderr=log, env=self._environment)
        deadline = time.monotonic() + START_LIMIT
        while not self.output.endswith("\n\n"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise DidNotStart(f"{self.output}\n{self.log_text}")
            time.sleep(0.02)
        self.status: dict[str, Any] = errand.status(self.archive_path)
        addresses = [address for _, address in self.status["smtp"]]
        self.smtp_port = next((int(one.rpartition(":")[2]) for one in addresses if not one.startswith("/")), 0)
        self.viewer_port = int(self.status["viewer"].rpartition(":")[2])
        self.tracking_port = int(self.status["tracking"].rpartition(":")[2] or 0)
        self.viewer_url = f"http://127.0.0.1:{self.viewer_port}"
        link = re.search(r"https?://\S+/sign-in/\S+", self.output)
        self.sign_in_link = link[0] if link else None

    @property
    def output(self) -> str:
        return self._output_file.read_text()

    @property
    def log_text(self) -> str:
        return self._log_file.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_text.splitlines() if line.startswith("{")]

    def wait_for_log(self, event: str, limit: float = 30.0) -> dict[str, Any]:
        """The first log line with that event, as soon as there is one."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            for line in self.log:
                if line["event"] == event:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no {event!r} in:\n{self.log_text}")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_LIMIT)

    def kill(self) -> None:
        """SIGKILL, as a power failure of the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_LIMIT)

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
