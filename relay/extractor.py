"""The extractor: summaries read out of contents in a worker process that may hang or crash without harm.

Does not parse anything itself (`rendition/extract.py`, run by `extraction.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Sequence
from typing import Any

from relay import maillog
from relay.extraction import LENGTH
from relay.model.summary import Summary

TIME_LIMIT = 60.0
"""Seconds for one content; a worker that takes longer is replaced."""


class Extractor:
    """One worker process, started when first needed, asked one content at a time."""

    def __init__(
        self,
        patterns: Sequence[Any],
        *,
        time_limit: float = TIME_LIMIT,
        program: Sequence[str] = ("-m", "relay.extraction"),
    ) -> None:
        self._patterns = tuple(patterns)
        self._time_limit = time_limit
        self._program = tuple(program)
        self._worker: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, content: bytes) -> Summary:
        """The summary of a content; an empty one where the worker hung or died: the message is listed by envelope."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._time_limit):
                    return await self._ask(content)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as cause:
                maillog.room_failed("extractor", cause)
                await self._end()
                return Summary()
            except asyncio.CancelledError:
                await self._end()
                raise

    async def use(self, patterns: Sequence[Any]) -> None:
        """From the next content on the worker looks for these references."""
        async with self._turn:
            self._patterns = tuple(patterns)
            await self._end()

    async def close(self) -> None:
        """Ends the worker."""
        async with self._turn:
            await self._end()

    async def _ask(self, content: bytes) -> Summary:
        worker = self._worker or await self._start()
        assert worker.stdin is not None  # noqa: S101 - made with pipes
        assert worker.stdout is not None  # noqa: S101
        worker.stdin.write(LENGTH.pack(len(content)))
        worker.stdin.write(content)
        await worker.stdin.drain()
        (length,) = LENGTH.unpack(await worker.stdout.readexactly(LENGTH.size))
        answer = pickle.loads(await worker.stdout.readexactly(length))  # noqa: S301 - from our own child process
        return answer if isinstance(answer, Summary) else Summary()

    async def _start(self) -> asyncio.subprocess.Process:
        self._worker = worker = await asyncio.create_subprocess_exec(
            sys.executable, *self._program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert worker.stdin is not None  # noqa: S101 - made with pipes
        patterns = pickle.dumps(self._patterns)
        worker.stdin.write(LENGTH.pack(len(patterns)) + patterns)
        return worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
