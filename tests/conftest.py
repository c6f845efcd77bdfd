"""What holds for all tests."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
"""No test fails because the machine has other work: neither by the time of an example nor by that of making one."""


def pytest_collection_finish() -> None:
    """What was read and collected stays to the end: the collector of garbage need not look through it each time.

    It is millions of objects, half a second of the processor for each look, and a test that makes many has several.
    """
    gc.collect()
    gc.freeze()
