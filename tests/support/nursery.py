"""`python -m relay …` as a process of its own that finds its libraries read already.

    test --Started()--> nursery (one for each test process: all of relay and viewer imported, no thread, nothing open)
                           └─ fork: guardian (waits, tells how it ended)
                                 └─ fork: the command: own arguments, environment, folder, standard streams

From there on it is what the interpreter would have made of `python -m relay`: the same module runs as `__main__`, and
it ends as a program ends. To read the libraries takes one or two seconds, which each command of a test would need
anew; that they are read without a nursery too is seen in `tests/house/test_commands.py` and `test_server_process.py`.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
REQUEST_LIMIT = 1 << 20
WIDTH = 12
"""Octets of a number that a guardian tells: first the process id, then the exit code."""
Stream = int | IO[Any]


class Started:
    """A command that runs: as subprocess.Popen, as far as tests need it. Streams: as there, without PIPE."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.DEVNULL,
        stderr: Stream = subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        start_new_session: bool = False,
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        request = {
            "arguments": self.args,
            "environment": dict(os.environ if env is None else env),
            "folder": str(cwd or Path.cwd()),
            "leads_session": start_new_session,
        }
        self._guardian, telling = socket.socketpair()
        with telling, open(os.devnull, "r+b", buffering=0) as nothing:
            streams = [_descriptor(stream, nothing) for stream in (stdin, stdout, stderr)]
            socket.send_fds(_nursery(), [json.dumps(request).encode()], [telling.fileno(), *streams])
        self.pid = self._told()

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the number of the signal that ended it. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._guardian.settimeout(timeout)
            try:
                self.returncode = self._told()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None
            self._guardian.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _told(self) -> int:
        return int(self._guardian.recv(WIDTH))


def ran(
    *arguments: str,
    given: str = "",
    check: bool = False,
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """`mailwitness ARGUMENTS`, run to its end: as subprocess.run with `text` and its output captured."""
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        process = Started(arguments, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            raise
        done = subprocess.CompletedProcess(list(arguments), code, _text(stdout), _text(stderr))
    if check:
        done.check_returncode()
    return done


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _descriptor(stream: Stream, nothing: IO[Any]) -> int:
    if stream == subprocess.DEVNULL:
        return nothing.fileno()
    return stream if isinstance(stream, int) else stream.fileno()


@functools.cache
def _nursery() -> socket.socket:
    """To the nursery of this process, which ends with it."""
    asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asked:
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery", str(asked.fileno())], cwd=ROOT, pass_fds=[asked.fileno()]
        )
    return asking


def _keep(asked: socket.socket) -> None:
    """Returns in each command that is to be run, ready for `runpy`; in the nursery itself when nobody can ask more."""
    _read_libraries()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(asked, REQUEST_LIMIT, 4)
        if not request:
            sys.exit()
        if os.fork() == 0:
            asked.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _guard(json.loads(request), *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _read_libraries() -> None:
    for package in ("relay", "viewer"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def _guard(request: dict[str, Any], telling: int, *streams: int) -> None:
    """Returns in the command; ends in the guardian."""
    pid = os.fork()
    if pid:
        for stream in (*streams, 0, 1, 2):
            os.close(stream)
        _tell_end(pid, telling)
    os.close(telling)
    if request["leads_session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = ["", *request["arguments"]]


def _tell_end(pid: int, telling: int) -> NoReturn:
    os.write(telling, b"%*d" % (WIDTH, pid))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        os.write(telling, b"%*d" % (WIDTH, code))
    finally:
        os._exit(0)


if __name__ == "__main__":
    _keep(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("relay", run_name="__main__", alter_sys=True)
