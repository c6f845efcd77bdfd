"""The extractor: summaries read out of contents in a worker process that may hang or crash without harm.

Does not parse anything itself (`rendition/extract.py`, run by `extraction.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Sequence

from relay.extraction import LENGTH, Wish
from relay.model.summary import Summary

TIME_LIMIT = 45.0
"""Seconds for one content; a worker that takes longer is replaced."""


class WorkerLost(Exception):
    """The worker hung or died over this content and was replaced; the message is listed by its envelope."""


class Extractor:
    """One worker process, started when first needed, asked one content at a time."""

    def __init__(
        self,
        wish: Wish,
        *,
        time_limit: float = TIME_LIMIT,
        program: Sequence[str] = ("-m", "relay.extraction"),
    ) -> None:
        self._wish = wish
        self._time_limit = time_limit
        self._program = tuple(program)
        self._worker: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, content: bytes) -> Summary:
        """The summary of a content. Raises WorkerLost."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._time_limit):
                    return await self._ask(content)
            except TimeoutError as cause:
                await self._end()
                raise WorkerLost(f"reading it took more than {self._time_limit:g} seconds") from cause
            except (OSError, asyncio.IncompleteReadError) as cause:
                await self._end()
                raise WorkerLost("reading it ended the worker process") from cause
            except asyncio.CancelledError:
                await self._end()
                raise

    async def use(self, wish: Wish) -> None:
        """From the next content on the worker reads by this wish."""
        async with self._turn:
            self._wish = wish
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
        wish = pickle.dumps(self._wish)
        worker.stdin.write(LENGTH.pack(len(wish)) + wish)
        return worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
