"""The archive's methods about what comes back, in one SQLite file. See `api.report.Reports`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import report, report_reading
from relay.archive.api.report import Keeping, StoredReport
from relay.archive.sqlite.access import SqliteAccess
from relay.model.report import Applied, Payload, Report
from relay.model.suppressing import SuppressionRules


class SqliteReports(SqliteAccess):
    async def add_payload(self, payload: Payload) -> Keeping:
        return await self._write(report.add_payloads, payload)

    async def unmapped(self, limit: int, *, after: str = "", has_problem: bool = False) -> list[Payload]:
        async with self._reader() as connection:
            return await report_reading.unmapped(connection, self._vault, limit, after, has_problem)

    async def mapping_failed(self, payload_id: str, problem: str) -> None:
        await self._write(report.mapping_failed, (payload_id, problem))

    async def add_reports(
        self, payload_id: str, reports: Sequence[Report], rules: SuppressionRules, *, is_last: bool = True
    ) -> list[Applied]:
        mapping = report.ReportMapping(payload_id, reports, rules, is_last)
        return (await self._write(report.add_reports, mapping, self._tell_reported)).applied

    async def match_reports(self, payload_ids: Sequence[str], rules: SuppressionRules) -> list[Applied]:
        rematching = report.Rematching(payload_ids, rules)
        return (await self._write(report.match_reports, rematching, self._tell_reported)).applied

    async def unmatched_payloads(self, since: int, limit: int) -> list[str]:
        async with self._reader() as connection:
            return await report_reading.unmatched_payloads(connection, since, limit)

    async def reports(self, message_id: str) -> list[StoredReport]:
        async with self._reader() as connection:
            return await report_reading.reports(connection, message_id)

    async def payload(self, payload_id: str) -> Payload:
        async with self._reader() as connection:
            return await report_reading.payload(connection, self._vault, payload_id)

    async def told_of(self, payload_id: str) -> list[str | None]:
        async with self._reader() as connection:
            return await report_reading.told_of(connection, payload_id)

    def _tell_reported(self, outcome: report.Outcome) -> None:
        self._tell(list(outcome.seqs.items()), "delivery")
