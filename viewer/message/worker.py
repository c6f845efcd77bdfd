"""Work on hostile octets in a process of its own, which may hang, crash or eat its memory without harm to anyone.

`Worker` asks, `serve` answers: a length (4 octets, big endian) and so many octets, both ways; an empty answer means no.
The process has little memory, may not write files, open connections or start programs, and ends when its input ends.
Does not know what the work is: `thumbnail.py` and `pdf.py` do.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import struct
import sys
from collections.abc import Callable

LENGTH = struct.Struct(">I")
LARGEST_ANSWER = 64 * 1024 * 1024
_FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.", "os.system", "os.exec", "os.fork")


class Worker:
    """One process, started when first needed, asked one thing at a time."""

    def __init__(self, module: str, *, time_limit: float, memory: int) -> None:
        """`time_limit` in seconds for one answer, `memory` in octets of address space."""
        self._command = (sys.executable, "-m", module, str(memory))
        self._time_limit = time_limit
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: bytes) -> bytes | None:
        """The answer; None when it had none, took too long or died over it."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._time_limit):
                    return await self._ask(question) or None
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                await self._end()
                return None
            except asyncio.CancelledError:
                await self._end()
                raise

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _ask(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
            )
        assert process.stdin is not None  # noqa: S101 - made with pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(LENGTH.pack(len(question)))
        process.stdin.write(question)
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > LARGEST_ANSWER:
            raise OSError("an answer beyond all measure")
        return await process.stdout.readexactly(length)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answers until the input ends. Whatever `answer` raises is an empty answer; out of memory ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    sys.addaudithook(_refuse)
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        question = source.read(LENGTH.unpack(head)[0])
        try:
            answered = answer(question)
        except MemoryError:
            raise
        except Exception:  # the top of the process: whatever a library makes of these octets
            answered = b""
        sink.write(LENGTH.pack(len(answered)) + answered)
        sink.flush()


def _refuse(event: str, _facts: object) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"not here: {event}")
