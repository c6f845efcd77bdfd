"""Who fetched, as far as can be told: one table of rules, tried in order; the first that is true decides. Pure.

Every opinion has its reason in words. The rules judge what was kept, so that a newer version can judge it again; a
change of a rule, an agent or a network raises `VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.feedback.agents import BY_NAME, agent_of
from relay.model.fetch import Verdict
from relay.model.token import TokenKind

VERSION = 1
"""Of the rules and of the tables in `agents.py`."""

SECOND = 1_000_000
SOONEST_CLICK = 5 * SECOND
SOONEST_OPEN = 2 * SECOND
"""After the copy began to be sent; a person takes longer."""
AT_ONCE = 10
"""Seconds within which `MANY` links are more than a person follows."""
MANY = 3
TRAP_TIME = 60
"""Seconds before and after an invisible link was followed in which the same reader is a machine."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known about one fetch."""

    kind: TokenKind
    method: str
    user_agent: str
    signals: tuple[tuple[str, str], ...] = ()
    network: str = ""
    """Name of the known network it came from."""
    since_sent: int = 3600 * SECOND
    """Microseconds since the copy began to be sent."""
    links: int = 0
    """In the copy."""
    links_at_once: int = 0
    """Different links of the copy that were followed within `AT_ONCE` seconds of this fetch; counted up to `MANY`."""
    is_near_trap: bool = False
    """The copy's invisible link was followed within `TRAP_TIME` seconds of this fetch."""


@dataclass(frozen=True, slots=True)
class Opinion:
    verdict: Verdict
    reason: str


Rule = Callable[[Circumstances], Opinion | None]
"""None: the rule has nothing to say."""


def classify(fetch: Circumstances) -> Opinion:
    """The opinion of the first rule that has one."""
    return next((opinion for rule in RULES if (opinion := rule(fetch)) is not None), _HUMAN)


_HUMAN = Opinion(Verdict.HUMAN, "nothing speaks against a person")


def _unsubscribe(fetch: Circumstances) -> Opinion | None:
    if fetch.kind is TokenKind.UNSUBSCRIBE and fetch.method == "POST":
        return Opinion(Verdict.HUMAN, "asked by POST, as only a person's mail program or our page does (RFC 8058)")
    return None


def _trap(fetch: Circumstances) -> Opinion | None:
    if fetch.kind is TokenKind.HONEYPOT:
        return Opinion(Verdict.SCANNER, "followed a link that no person can see")
    return None


def _head(fetch: Circumstances) -> Opinion | None:
    if fetch.method == "HEAD":
        return Opinion(Verdict.SCANNER, "asked by HEAD whether it is there, which shows nothing to anyone")
    return None


def _ahead(fetch: Circumstances) -> Opinion | None:
    """Sec-Purpose (Fetch standard), Purpose (older Chromium, Safari), X-Moz (Firefox), X-Purpose (older Safari)."""
    for name, value in fetch.signals:
        if any(word in value.lower() for word in ("prefetch", "prerender", "preview")):
            return Opinion(Verdict.PROXY, f"fetched in advance, by its own word ({name})")
    return None


def _agent(fetch: Circumstances) -> Opinion | None:
    agent = agent_of(fetch.user_agent)
    if agent is None:
        return None
    if agent.is_proxy and fetch.kind is TokenKind.OPEN:
        return Opinion(Verdict.PROXY, f"{agent.name} fetched it for the recipient")
    return Opinion(Verdict.SCANNER, f"fetched by {agent.name}")


def _network(fetch: Circumstances) -> Opinion | None:
    owner = BY_NAME.get(fetch.network)
    if owner is None:
        return None
    if owner.is_proxy and fetch.kind is TokenKind.OPEN:
        return Opinion(Verdict.PROXY, f"fetched from {owner.name}'s network, for the recipient")
    return Opinion(Verdict.SCANNER, f"fetched from {owner.name}'s network")


def _bare(fetch: Circumstances) -> Opinion | None:
    agent = fetch.user_agent.strip()
    if agent == "Mozilla/5.0" and fetch.kind is TokenKind.OPEN:
        return Opinion(Verdict.PROXY, "a bare Mozilla/5.0, as Apple Mail Privacy Protection fetches, often unopened")
    if agent in ("", "Mozilla/5.0", "Mozilla/4.0"):
        return Opinion(Verdict.SCANNER, "says not what it is, as every browser does")
    return None


def _near_trap(fetch: Circumstances) -> Opinion | None:
    if fetch.is_near_trap:
        return Opinion(Verdict.SCANNER, "at the same time a link was followed that no person can see")
    return None


def _every_link(fetch: Circumstances) -> Opinion | None:
    if fetch.kind is not TokenKind.CLICK or fetch.links_at_once < 2:
        return None
    if fetch.links_at_once >= MANY:
        return Opinion(Verdict.SCANNER, f"{MANY} or more links were followed within {AT_ONCE} seconds")
    if fetch.links_at_once >= fetch.links:
        return Opinion(Verdict.SCANNER, f"every link was followed within {AT_ONCE} seconds")
    return None


def _too_soon(fetch: Circumstances) -> Opinion | None:
    soonest = SOONEST_OPEN if fetch.kind is TokenKind.OPEN else SOONEST_CLICK
    if fetch.since_sent < soonest:
        return Opinion(Verdict.SCANNER, f"within {soonest // SECOND} seconds of sending")
    return None


RULES: tuple[Rule, ...] = (
    _unsubscribe,
    _trap,
    _head,
    _ahead,
    _agent,
    _network,
    _bare,
    _near_trap,
    _every_link,
    _too_soon,
)
