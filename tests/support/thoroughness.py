"""How many of a long list of cases a run tries: some by default, all of them where one has asked for that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

IS_THOROUGH = "MAILWITNESS_THOROUGH" in os.environ
"""`make thorough` sets it."""

Case = TypeVar("Case")


def one_in(step: int, cases: Sequence[Case], first: int = 0) -> list[Case]:
    """One of `step` cases, evenly from number `first` on, and the last one; all of them in a thorough run."""
    if IS_THOROUGH:
        return list(cases)
    chosen = list(cases[first::step])
    return chosen if not cases or (len(cases) - 1 - first) % step == 0 else [*chosen, cases[-1]]
