"""Alerts: what rules watch for, when one is raised and when it is over. Pure.

With hysteresis, so that a figure that wavers about its limit does not raise an alert every other minute:

    over the limit                       -> raised, at once
    not above `CALM_PART` of the limit   -> calm; calm for `CALM` without a break -> over
    between the two                      -> as it is, and not calm
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MICROSECONDS = 1_000_000
CALM = 5 * 60 * MICROSECONDS
CALM_PART = 0.8


class Rule(StrEnum):
    """What can be watched for."""

    BOUNCE_RATE = "bounce-rate"
    COMPLAINT_RATE = "complaint-rate"
    FAILURE_RATE = "failure-rate"
    QUEUE_AGE = "queue-age"
    UPSTREAM_DOWN = "upstream-down"
    SILENCE = "silence"
    SIGN_IN_FAILURES = "sign-in-failures"


RATES = frozenset({Rule.BOUNCE_RATE, Rule.COMPLAINT_RATE, Rule.FAILURE_RATE})


@dataclass(frozen=True, slots=True)
class Rates:
    """What became of the deliveries of a time. `total`: handed over, or refused for good."""

    total: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0

    def percent(self, rule: Rule) -> float:
        count = {Rule.BOUNCE_RATE: self.bounced, Rule.COMPLAINT_RATE: self.complained}.get(rule, self.failed)
        return 100.0 * count / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule sees now. `words`: a sentence with the figure."""

    value: float
    limit: float
    words: str

    @property
    def is_over(self) -> bool:
        return self.value > self.limit

    @property
    def is_calm(self) -> bool:
        return self.value <= self.limit * CALM_PART


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one rule. `raised_at` None: no alert; `calm_since`: while raised, since when it is calm."""

    raised_at: int | None = None
    words: str = ""
    calm_since: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"raised_at": self.raised_at, "words": self.words, "calm_since": self.calm_since}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Standing:
        return cls(value["raised_at"], value["words"], value["calm_since"])


QUIET = Standing()


def judge(before: Standing, finding: Finding, now: int) -> Standing:
    """The rule's standing after this look."""
    if before.raised_at is None:
        return Standing(now, finding.words) if finding.is_over else QUIET
    if not finding.is_calm:
        return Standing(before.raised_at, finding.words if finding.is_over else before.words)
    since = before.calm_since if before.calm_since is not None else now
    if now - since >= CALM:
        return QUIET
    return Standing(before.raised_at, before.words, since)
