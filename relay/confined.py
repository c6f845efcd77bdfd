"""Work on hostile octets in a child process with little memory and time, and without files, sockets or programs.

The child is a fork that lives for one piece of work: whatever the octets do to a library, they do it to that child.
What it had found when it was ended is kept. For the worker process of the indexer alone, which has one thread: a fork
of more is not safe. What the work imports must have been imported before: the child can open nothing.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """`seconds` of processor time, twice that on the clock; `memory` in octets; `room` in octets of UTF-8."""

    seconds: int = 10
    memory: int = 768 * 1024 * 1024
    room: int = 4 * 1024 * 1024


def confined(work: Callable[[], Iterable[str]], bounds: Bounds) -> tuple[str, bool]:
    """The texts that the work gives, as far as it came, and whether it came to its end."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        _child(work, sink, bounds)
    os.close(sink)
    try:
        octets = _read(source, bounds)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    is_whole = octets.endswith(_END)
    return octets.removesuffix(_END).decode("utf-8", "ignore"), is_whole


_END = b"\x00"
"""Written last: texts have none."""


def _read(source: int, bounds: Bounds) -> bytes:
    """Until the child closes its end, time is up or there is more than room for."""
    deadline = time.monotonic() + 2 * bounds.seconds
    octets = bytearray()
    while len(octets) <= bounds.room:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([source], [], [], left)[0]:
            break
        part = os.read(source, 65536)
        if not part:
            break
        octets += part
    return bytes(octets)


def _child(work: Callable[[], Iterable[str]], sink: int, bounds: Bounds) -> None:
    """Never returns."""
    status = 1
    try:
        os.dup2(sink, 1)
        with open(os.devnull, "r+b") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(nothing.fileno(), 2)
        os.closerange(3, 4096)
        for what, limit in (
            (resource.RLIMIT_CPU, bounds.seconds),
            (resource.RLIMIT_AS, bounds.memory),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            # Nothing can be opened any more: neither files nor sockets.
            (resource.RLIMIT_NOFILE, 3),
        ):
            resource.setrlimit(what, (limit, limit))
        sys.addaudithook(_refuse)
        for text in work():
            _write(text.replace("\x00", " ").encode("utf-8", "replace"))
        _write(_END)
        status = 0
    finally:
        os._exit(status)


def _write(octets: bytes) -> None:
    while octets:
        octets = octets[os.write(1, octets) :]


_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.kill", "ctypes.")


def _refuse(event: str, _facts: object) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"not here: {event}")
