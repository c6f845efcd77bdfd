"""The extractor's worker may hang, crash or answer rubbish; the next content is read by a fresh one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from relay.extraction import Wish
from relay.extractor import Extractor, WorkerLost
from relay.rendition.extract import ReferencePattern

CONTENT = b"From: Ann <ann@example.com>\r\nSubject: Invoice INV-123\r\n\r\nHello.\r\n"

WORKER_THAT_HANGS_ON_BOOM = """
import sys, time
from relay import extraction
def extract(content, patterns, *, max_text):
    if content == b"boom": time.sleep(600)
    if content == b"crash": sys.exit(3)
    return real(content, patterns, max_text=max_text)
real, extraction.extract = extraction.extract, extract
extraction.main()
"""


@asynccontextmanager
async def _extractor(time_limit: float = 30.0) -> AsyncIterator[Extractor]:
    wish = Wish((ReferencePattern("invoice", r"INV-\d+"),))
    extractor = Extractor(wish, time_limit=time_limit, program=("-c", WORKER_THAT_HANGS_ON_BOOM))
    try:
        yield extractor
    finally:
        await extractor.close()


async def test_a_summary_is_read_in_another_process() -> None:
    extractor = Extractor(Wish((ReferencePattern("invoice", r"INV-\d+"),)))
    try:
        summary = await extractor(CONTENT)
    finally:
        await extractor.close()
    assert summary.subject == "Invoice INV-123"
    assert [reference.code for reference in summary.references] == ["INV-123"]


async def test_a_content_of_many_megabytes_passes_through_the_pipe() -> None:
    async with _extractor() as extractor:
        summary = await extractor(CONTENT + b"x" * 75 + b"\r\n" + (b"y" * 75 + b"\r\n") * 200_000)
        assert summary.subject == "Invoice INV-123"


async def test_a_worker_that_hangs_is_replaced() -> None:
    async with _extractor(time_limit=3.0) as extractor:
        await extractor(CONTENT)
        with pytest.raises(WorkerLost, match="took more than 3 seconds"):
            await extractor(b"boom")
        assert (await extractor(CONTENT)).subject == "Invoice INV-123"


async def test_a_worker_that_dies_is_replaced() -> None:
    async with _extractor() as extractor:
        with pytest.raises(WorkerLost, match="ended the worker"):
            await extractor(b"crash")
        assert (await extractor(CONTENT)).subject == "Invoice INV-123"


async def test_cancelling_a_question_does_not_give_its_answer_to_the_next() -> None:
    async with _extractor() as extractor:
        await extractor(CONTENT)
        question = asyncio.create_task(extractor(b"boom"))
        await asyncio.sleep(0)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        assert (await extractor(CONTENT)).subject == "Invoice INV-123"


async def test_a_new_wish_holds_from_the_next_content_on() -> None:
    async with _extractor() as extractor:
        await extractor(CONTENT)
        await extractor.use(Wish())
        assert (await extractor(CONTENT)).references == ()


async def test_the_worker_ends_with_the_extractor() -> None:
    async with _extractor() as extractor:
        await extractor(CONTENT)
        worker = extractor._worker
        assert worker is not None
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
