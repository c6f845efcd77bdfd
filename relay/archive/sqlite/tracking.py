"""The archive's methods about tracking, in one SQLite file. See `api.engagement.Engagement`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import engagement, tracking
from relay.archive.sqlite.access import SqliteAccess
from relay.model.fetch import Fetch, Judgement
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.token import Token


class SqliteTracking(SqliteAccess):
    async def tracking_token(self, token_id: str) -> Token | None:
        return (await self.tracking_tokens([token_id])).get(token_id)

    async def tracking_tokens(self, token_ids: Sequence[str]) -> dict[str, Token]:
        async with self._reader() as connection:
            return await engagement.tokens(connection, token_ids)

    async def tokens_of(self, message_id: str, *, delivery_id: str | None = None) -> list[Token]:
        async with self._reader() as connection:
            return await engagement.tokens_of(connection, message_id, delivery_id)

    async def add_fetches(self, fetches: Sequence[Fetch], rules: SuppressionRules = NO_RULES) -> None:
        await self._write(
            tracking.add_fetches, tracking.Keeping(fetches, rules), self._tell_deliveries(False), is_mail=True
        )

    async def fetches(self, message_id: str, *, delivery_id: str | None = None) -> list[Fetch]:
        async with self._reader() as connection:
            return await engagement.fetches(connection, message_id, delivery_id)

    async def clicks_near(self, delivery_ids: Sequence[str], start: int, stop: int) -> list[Fetch]:
        async with self._reader() as connection:
            return await engagement.clicks_near(connection, delivery_ids, start, stop)

    async def link_counts(self, delivery_ids: Sequence[str]) -> dict[str, int]:
        async with self._reader() as connection:
            return await engagement.link_counts(connection, delivery_ids)

    async def fetches_judged_before(self, rules_version: int, after: str, limit: int) -> list[Fetch]:
        async with self._reader() as connection:
            return await engagement.fetches_judged_before(connection, rules_version, after, limit)

    async def judge(self, judgements: Sequence[Judgement]) -> None:
        await self._write(tracking.judge, judgements, self._tell_deliveries(False))
