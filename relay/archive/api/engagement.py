"""The archive's contract about tracking: tokens, which exist before a copy is sent, and the fetches of them.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from relay.model.fetch import Fetch, Judgement
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.token import Token

INDIVIDUAL = 50
"""Fetches of one token that are kept one by one; of a flood, later ones are counted by token, verdict and hour."""


class Engagement(Protocol):
    """Tokens are made by `Archive.begin_attempts`."""

    async def tracking_token(self, token_id: str) -> Token | None: ...

    async def tracking_tokens(self, token_ids: Sequence[str]) -> Mapping[str, Token]:
        """Those of the tokens that exist, by id. Of a message whose facts were erased none does any more."""

    async def tokens_of(self, message_id: str, *, delivery_id: str | None = None) -> list[Token]:
        """All tokens in copies of a message, oldest first, in the order of the copy; none for an unknown message.

        With `delivery_id` only those in copies of that delivery.
        """

    async def add_fetches(self, fetches: Sequence[Fetch], rules: SuppressionRules = NO_RULES) -> None:
        """Keeps fetches, and an event for the first of each verdict and token, whose id is the fetch's.

        One that unsubscribes is an event of its own, marks the delivery, and by the rules puts its recipient on the
        suppression list, all in the same commit.

        After `INDIVIDUAL` fetches of a token the rest only raise the count of one row for each verdict and hour, so
        that no flood fills the disk. Repeatable as a whole, before another batch is added. Raises NotFound, and
        keeps nothing, if a token does not exist; ArchiveUnavailable.
        """

    async def fetches(self, message_id: str, *, delivery_id: str | None = None) -> list[Fetch]:
        """All fetches from copies of a message (or of one delivery), oldest first; none for an unknown message."""

    async def clicks_near(self, delivery_ids: Sequence[str], start: int, stop: int) -> list[Fetch]:
        """Fetches of links, honeypots included, in copies of these deliveries at [start, stop), oldest first."""

    async def link_counts(self, delivery_ids: Sequence[str]) -> Mapping[str, int]:
        """How many links, honeypots not counted, of each delivery have a token; none are left out."""

    async def fetches_judged_before(self, rules_version: int, after: str, limit: int) -> list[Fetch]:
        """Fetches with an older version of the rules and an id above `after`, in the order of their ids."""

    async def judge(self, judgements: Sequence[Judgement]) -> None:
        """Replaces the opinions about fetches; a verdict that is new for its token is also an event.

        The facts of a fetch stay as they are. A judgement about a fetch that does not exist is left out.
        """
