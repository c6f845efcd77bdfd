"""Selects of what did not arrive: copies that failed, bounced or were dropped, in a period, with what was said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive.api.figure import COUNTED, MOST_LOST, Loss, LossChoice
from relay.archive.figure_counting import domain_of
from relay.archive.figure_reading import applications_of, chosen
from relay.archive.query import Query
from relay.model.figure import DAY, FigureChoice

_LOST = f"""
WITH lost AS MATERIALIZED (
  SELECT delivery.id, delivery.recipient, {domain_of("delivery.recipient")} AS domain, delivery.state,
    coalesce(delivery.bounce, '') AS bounce, delivery.message_seq, message.id AS message_id,
    delivery.reply_code, coalesce(delivery.reply_enhanced, '') AS enhanced, coalesce(delivery.reply_text, '') AS text
  FROM delivery JOIN message ON message.seq = delivery.message_seq
  WHERE delivery.state IN ('bounced', 'dropped', 'failed') AND delivery.message_seq BETWEEN ? AND ?
    AND message.received_at >= ? AND message.received_at < ?{{conditions}}
  ORDER BY delivery.message_seq DESC LIMIT {MOST_LOST}
),
told AS (
  SELECT lost.*, report.bounce AS its, report.status, report.diagnostic, report.explanation, report.action
  FROM lost LEFT JOIN report ON report.id = (
    SELECT id FROM report WHERE delivery_id = lost.id AND kind IN ('bounced', 'dropped') ORDER BY at DESC, id LIMIT 1
  ) AND lost.state <> 'failed'
)"""
_FACTS = (
    "domain, state, bounce, CASE WHEN status IS NULL THEN reply_code END, coalesce(status, enhanced), "
    "coalesce(nullif(diagnostic, ''), CASE WHEN status IS NULL THEN text ELSE '' END), coalesce(explanation, ''), "
    "coalesce(action, '')"
)
_GROUPED = (
    f"{_LOST} SELECT {_FACTS}, count(*), message_id, max(message_seq) FROM told GROUP BY 1, 2, 3, 4, 5, 7, 8 "
    "ORDER BY 9 DESC, 1, 2, 3, 5"
)
_EACH = f"{_LOST} SELECT DISTINCT recipient, {_FACTS}, 1, message_id FROM told ORDER BY message_seq DESC LIMIT ?"


async def losses(connection: AsyncConnection, choice: LossChoice) -> list[Loss]:
    found = await _asked(connection, choice)
    if found is None:
        return []
    conditions, values = found
    rows = await connection.exec_driver_sql(_GROUPED.format(conditions=conditions), tuple(values))
    return [_loss(row) for row in rows]


async def lost_recipients(connection: AsyncConnection, choice: LossChoice, limit: int) -> list[tuple[str, Loss]]:
    found = await _asked(connection, choice)
    if found is None:
        return []
    conditions, values = found
    rows = await connection.exec_driver_sql(_EACH.format(conditions=conditions), (*values, limit))
    return [(row[0], _loss(row[1:])) for row in rows]


async def _asked(connection: AsyncConnection, choice: LossChoice) -> tuple[str, list[Any]] | None:
    """More conditions, and all values; None: there are no such messages."""
    span = (choice.first * DAY, choice.stop * DAY)
    bounds = await connection.exec_driver_sql(
        "SELECT min(seq), max(seq) FROM message WHERE received_at >= ? AND received_at < ?", span
    )
    found: Sequence[Any] = bounds.one()
    lowest, highest = found
    if lowest is None:
        return None
    conditions, values = "", [lowest, highest, *span]
    applications = applications_of(choice.scope)
    if applications is None:
        days = FigureChoice(choice.first, choice.stop, application=choice.application, scope=choice.scope)
        conditions += " AND delivery.message_seq IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(await chosen(connection, Query(), days, COUNTED)))
    elif applications:
        conditions += " AND message.application IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(applications))
    if choice.application:
        conditions += " AND message.application = ?"
        values.append(choice.application)
    if choice.domain:
        conditions += f" AND {domain_of('delivery.recipient')} = ?"
        values.append(choice.domain)
    return conditions, values


def _loss(row: Any) -> Loss:
    return Loss(*row[:10])
