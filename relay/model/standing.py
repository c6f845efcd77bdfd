"""Where a delivery stands after all that was reported about it: a pure fold, the same for any order and repetition.

Reports are read by the time at which they say it happened; what is reported for the same moment is read in the order
of `_RANK`, then of its key:

    report                      makes of the state
    delivered                   delivered, also after a bounce: the later word counts
    bounced                     bounced, also after delivered (a late DSN); a hard bounce stays hard until delivered
    dropped                     dropped, unless there is word of a delivery or a bounce for good
    complained, unsubscribed    facts of their own, kept with the earliest time; the state stays
    all others                  nothing

Which deliveries a report can move: one of which a copy may have left us (sent, unconfirmed, or reported on before).
Any report about an unconfirmed one proves that the upstream has it: it is sent at least, and not tried again. One that
failed, waits to be tried again or was cancelled after an attempt is moved by *delivered* alone: then a copy had left
after all. One that was never tried, or is being sent right now, stays; its reports are kept, and the fold is made again
when the attempt ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from relay.model.bounce import BounceClass
from relay.model.delivery import REPORTED_STATES, Delivery, State
from relay.model.event import Grade
from relay.model.report import ReportKind


@dataclass(frozen=True, slots=True)
class Statement:
    """A report as the fold reads it; `key` is its event key, `grade` and `source` those of its payload."""

    at: int
    kind: ReportKind
    key: str
    grade: Grade
    source: str
    bounce: BounceClass | None = None


_LEFT = REPORTED_STATES | {State.SENT, State.UNCONFIRMED}
"""A copy has left, or may have."""
_TRIED = frozenset({State.QUEUED, State.DEFERRED, State.FAILED, State.CANCELLED})
"""A copy has left if somebody says that it arrived."""
_TRANSPORT = frozenset(
    {
        ReportKind.ACCEPTED,
        ReportKind.DELAYED,
        ReportKind.RELAYED,
        ReportKind.EXPANDED,
        ReportKind.DELIVERED,
        ReportKind.BOUNCED,
        ReportKind.DROPPED,
    }
)
"""Kinds that say that the upstream has it; the others may be about an earlier copy, or be guesses."""
DECISIVE = _TRANSPORT | {ReportKind.COMPLAINED, ReportKind.UNSUBSCRIBED}
"""Kinds that can change a delivery: of the others, however many there are, the fold need not know."""
_RANK = {ReportKind.DROPPED: 1, ReportKind.BOUNCED: 2, ReportKind.DELIVERED: 3}
_HARD_RANK = 4


def standing(delivery: Delivery, statements: Iterable[Statement]) -> Delivery:
    """The delivery as all the statements about it leave it. `statements`: all there are, in any order."""
    ordered = sorted(set(statements), key=_order)
    marked = replace(
        delivery,
        complained_at=_earliest(delivery.complained_at, ordered, ReportKind.COMPLAINED),
        unsubscribed_at=_earliest(delivery.unsubscribed_at, ordered, ReportKind.UNSUBSCRIBED),
    )
    if not _has_left(delivery, ordered):
        return marked
    last = _last_word(ordered)
    if last is None:
        return marked if delivery.state is not State.UNCONFIRMED else _at_rest(marked, State.SENT)
    moved = _at_rest(marked, _STATES[last.kind])
    return replace(moved, bounce=last.bounce, grade=last.grade, source=last.source)


_STATES = {
    ReportKind.DELIVERED: State.DELIVERED,
    ReportKind.BOUNCED: State.BOUNCED,
    ReportKind.DROPPED: State.DROPPED,
}


def _order(statement: Statement) -> tuple[int, int, str, str]:
    return statement.at, _rank(statement), statement.source, statement.key


def _rank(statement: Statement) -> int:
    if statement.kind is ReportKind.BOUNCED and statement.bounce is BounceClass.HARD:
        return _HARD_RANK
    return _RANK.get(statement.kind, 0)


def _has_left(delivery: Delivery, ordered: list[Statement]) -> bool:
    if delivery.state is State.UNCONFIRMED:
        return any(statement.kind in _TRANSPORT for statement in ordered)
    if delivery.state in _TRIED:
        return delivery.attempts > 0 and any(statement.kind is ReportKind.DELIVERED for statement in ordered)
    return delivery.state in _LEFT


def _last_word(ordered: list[Statement]) -> Statement | None:
    """The statement that decides the state; None: none of them does."""
    word: Statement | None = None
    for statement in ordered:
        if statement.kind in _STATES and not _is_outweighed(statement, word):
            word = statement
    return word


def _is_outweighed(statement: Statement, word: Statement | None) -> bool:
    """Whether the later statement leaves the earlier word as it is."""
    if word is None or statement.kind is ReportKind.DELIVERED:
        return False
    if word.kind is ReportKind.BOUNCED and word.bounce is BounceClass.HARD:
        return True
    return statement.kind is ReportKind.DROPPED and word.kind is ReportKind.DELIVERED


def _at_rest(delivery: Delivery, state: State) -> Delivery:
    is_moved = delivery.state is not state
    return replace(delivery, state=state, due_at=None, why=None if is_moved else delivery.why)


def _earliest(known: int | None, ordered: list[Statement], kind: ReportKind) -> int | None:
    times = [statement.at for statement in ordered if statement.kind is kind]
    return min([*times, *([] if known is None else [known])], default=None)
