"""What holds for all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """What was read and collected stays to the end: the collector of garbage need not look through it each time.

    It is millions of objects, half a second of the processor for each look, and a test that makes many has several.
    """
    gc.collect()
    gc.freeze()
