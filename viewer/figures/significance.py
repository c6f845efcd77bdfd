"""Whether the difference between two rates means anything. Pure.

The interval of one rate is Wilson's score interval (1927); that of the difference of two is Newcombe's hybrid score
interval, method 10 of "Interval estimation for the difference between independent proportions", Statistics in Medicine
17 (1998), 873-890. Both hold for small numbers and for rates of nothing or all. Where several pairs are compared, each
is asked for more (Bonferroni), so that all answers together err once in twenty times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt
from statistics import NormalDist

from viewer.translation import Saying, say

CONFIDENCE = 0.95
POWER = 0.8
"""The chance to see a difference that is there, for which `needed` is told."""
FEWEST = 30
"""Copies of each, under which nothing is said of a difference: what they are of matters more than chance."""
MATTERS = 0.02
"""A difference that is certainly smaller does not matter."""
MOST_NEEDED = 1_000_000


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `among`; 0 <= hits <= among."""

    hits: int
    among: int

    @property
    def rate(self) -> float:
        """0 of none."""
        return self.hits / self.among if self.among else 0.0


class Answer(StrEnum):
    NOTHING = "nothing"
    """One of them has no copies that could tell."""
    TOO_FEW = "too-few"
    SAME = "same"
    """If there is a difference, it is too small to matter."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Finding:
    """Of the first rate minus the second. `needed`: copies of each that would tell a difference like this one."""

    answer: Answer
    low: float
    high: float
    needed: int | None = None


def z_of(confidence: float = CONFIDENCE, pairs: int = 1) -> float:
    return NormalDist().inv_cdf(1 - (1 - confidence) / 2 / pairs)


def wilson(share: Share, z: float = z_of()) -> tuple[float, float]:
    """Lowest and highest rate that the numbers agree with; (0, 1) for none."""
    if not share.among:
        return 0.0, 1.0
    n, p = share.among, share.rate
    middle = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    low = 0.0 if share.hits == 0 else (middle - spread) / whole
    return low, 1.0 if share.hits == n else (middle + spread) / whole


def newcombe(first: Share, second: Share, z: float = z_of()) -> tuple[float, float]:
    """Lowest and highest difference `first - second` that the numbers agree with."""
    (low_1, high_1), (low_2, high_2) = wilson(first, z), wilson(second, z)
    difference = first.rate - second.rate
    below = sqrt((first.rate - low_1) ** 2 + (high_2 - second.rate) ** 2)
    above = sqrt((high_1 - first.rate) ** 2 + (second.rate - low_2) ** 2)
    return difference - below, difference + above


def needed(first: Share, second: Share, z: float = z_of()) -> int | None:
    """Copies of each that would tell a difference like this with POWER; None if there is none, or it is tiny."""
    difference = abs(first.rate - second.rate)
    spread = first.rate * (1 - first.rate) + second.rate * (1 - second.rate)
    if not difference:
        return None
    count = ceil((z + NormalDist().inv_cdf(POWER)) ** 2 * spread / difference**2)
    return max(count, FEWEST) if count <= MOST_NEEDED else None


def compare(first: Share, second: Share, pairs: int = 1) -> Finding:
    """What can be said of the difference, as one of so many pairs."""
    z = z_of(pairs=pairs)
    low, high = newcombe(first, second, z)
    if not first.among or not second.among:
        return Finding(Answer.NOTHING, low, high)
    if min(first.among, second.among) < FEWEST:
        return Finding(Answer.TOO_FEW, low, high, needed(first, second, z))
    if low > 0 or high < 0:
        return Finding(Answer.DIFFERENT, low, high)
    if max(-low, high) <= MATTERS:
        return Finding(Answer.SAME, low, high)
    return Finding(Answer.TOO_FEW, low, high, needed(first, second, z))


# -- in words ------------------------------------------------------------------------------------------------
def percent(rate: float) -> str:
    """`34.2 %`, `0.12 %`: a decimal more where it is small."""
    return f"{rate * 100:.2f} %" if 0 < abs(rate) < 0.01 else f"{rate * 100:.1f} %"


def points(difference: float) -> str:
    """`+3.1`, `−0.4`, `0.0`: percentage points, with a sign."""
    text = f"{difference * 100:+.1f}".replace("-", "−")
    return text if text.strip("+−0.") else "0.0"


def sentence(what: Saying, first: str, second: str, shares: tuple[Share, Share], pairs: int = 1) -> Saying:
    """Whether the difference means anything. `what`: the rate in words, such as "opened"."""
    one, other = shares
    finding = compare(one, other, pairs)
    rates = {"first": first, "second": second, "what": what, "one": percent(one.rate), "other": percent(other.rate)}
    span = {"low": points(finding.low), "high": points(finding.high)}
    match finding.answer:
        case Answer.NOTHING:
            silent = first if not one.among else second
            return say("%(what)s: nothing to compare, no copy of “%(silent)s” could tell.", what=what, silent=silent)
        case Answer.DIFFERENT if one.rate > other.rate:
            return say(
                "%(what)s: “%(first)s” is ahead of “%(second)s”, %(one)s against %(other)s. The difference lies "
                "between %(low)s and %(high)s points; chance alone hardly makes one like it.",
                **rates,
                **span,
            )
        case Answer.DIFFERENT:
            return say(
                "%(what)s: “%(first)s” is behind “%(second)s”, %(one)s against %(other)s. The difference lies "
                "between %(low)s and %(high)s points; chance alone hardly makes one like it.",
                **rates,
                **span,
            )
        case Answer.SAME:
            return say(
                "%(what)s: no difference that matters between “%(first)s” and “%(second)s”, %(one)s against %(other)s. "
                "It lies between %(low)s and %(high)s points.",
                **rates,
                **span,
            )
    few = say(
        "%(what)s: too few to say whether “%(first)s” and “%(second)s” differ, %(one)s against %(other)s. The "
        "difference may lie anywhere between %(low)s and %(high)s points.",
        **rates,
        **span,
    )
    if finding.needed is None:
        return few
    return say(
        "%(few)s About %(count)s copies of each would tell a difference like this.",
        few=few,
        count=f"{finding.needed:,}",
    )
