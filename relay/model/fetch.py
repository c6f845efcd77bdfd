"""A fetch: somebody, or something, asked for a token. An open is the fetch of a pixel, never "read".

What was observed is a fact and stays; who it was is an opinion, which a newer table of rules may change
(`Judgement`). The rules are in `relay.feedback.classify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Who fetched, as far as can be told; an opinion of the classification table, made anew at will."""

    PROXY = "proxy"
    """A mail provider's or client's privacy proxy: the message was opened, or prepared for opening."""
    SCANNER = "scanner-suspected"
    HUMAN = "likely-human"


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch, or `count` alike ones of a flood. `address` is as much of it as the configuration keeps."""

    id: str
    token_id: str
    at: int
    """UTC microseconds; of the first, when there are several."""
    method: str
    address: str
    user_agent: str
    verdict: Verdict
    reason: str
    rules_version: int
    count: int = 1
    signals: tuple[tuple[str, str], ...] = ()
    """Header fields that tell of a fetch ahead of time, such as ("Sec-Purpose", "prefetch")."""
    network: str = ""
    """Name of the known network that the whole address lay in, kept also where the address is not."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A new opinion about a fetch that is kept already. `id` becomes that of the event, if there is to be one."""

    id: str
    at: int
    """UTC microseconds: when the opinion was formed."""
    fetch_id: str
    verdict: Verdict
    reason: str
    rules_version: int
