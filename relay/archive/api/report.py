"""The archive's contract about what comes back: payloads, kept before they are read, and the reports in them.

    payload --add_payload--> kept --(read by its source's reader)--> add_reports: matched, counted once, applied

What all methods promise is in `api.py`, of whose protocol this one is a part. A report is matched by, in this order:
the return path that the mail came to; our own identifier; the provider's id of the message; the header's Message-ID if
its recipient is one of that message's. What cannot be matched is kept, and tried again by `match_reports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from relay.model.event import Grade
from relay.model.report import Applied, Payload, Report
from relay.model.suppressing import SuppressionRules


class Keeping(StrEnum):
    """What became of a payload that was to be kept."""

    NEW = "new"
    KNOWN = "known"
    """The same octets from the same source are there already: nothing changed. Answer as if it were new."""
    SPENT = "spent"
    """Its nonce came before with other octets: a replayed signature. Nothing was kept."""


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report with what its payload says of the evidence, and the delivery it was found to be about.

    `report.delivery_id` and `report.message_id` are what the report itself named.
    """

    report: Report
    source: str
    grade: Grade
    verdict: str
    delivery_id: str | None
    """None: of the message as a whole."""


class Reports(Protocol):
    async def add_payload(self, payload: Payload) -> Keeping:
        """Keeps what came, before it is read. Crash after: it is unmapped, and read at the next start."""

    async def unmapped(self, limit: int, *, after: str = "", has_problem: bool = False) -> list[Payload]:
        """Payloads whose reports are not kept yet, in the order of their ids above `after`.

        `has_problem`: those that could not be read when it was tried, instead of those not tried.
        """

    async def mapping_failed(self, payload_id: str, problem: str) -> None:
        """Says with the payload why it could not be read; it stays."""

    async def add_reports(
        self, payload_id: str, reports: Sequence[Report], rules: SuppressionRules, *, is_last: bool = True
    ) -> list[Applied]:
        """Keeps the reports read from a payload, and calls it mapped, in one commit.

        `is_last`: False leaves it unmapped, for more of its reports are to come.
        Each is matched; one whose event key came before from the same source changes nothing. The deliveries are
        then as `model.standing` says of all reports about them, whatever the order; an event tells of each report,
        with the report's id; suppressions are added by the rules. Raises NotFound: no such payload.
        """

    async def match_reports(self, payload_ids: Sequence[str], rules: SuppressionRules) -> list[Applied]:
        """Tries again to match the reports in these payloads that were not; returns those that now are.

        A report may come before the reply to the final dot is kept, or before the message is indexed.
        """

    async def unmatched_payloads(self, since: int, limit: int) -> list[str]:
        """Ids of payloads received from then on with reports that are not matched, newest first."""

    async def reports(self, message_id: str) -> list[StoredReport]:
        """All reports about a message by the time they tell of; none for an unknown message."""

    async def payload(self, payload_id: str) -> Payload:
        """What came, as it came. Raises NotFound."""

    async def told_of(self, payload_id: str) -> list[str | None]:
        """Ids of the messages that the reports in a payload are about; None among them for reports not matched.

        Empty for one that was not read yet, and for an unknown one.
        """
