"""Which refusals say that a recipient is not to be sent to again: the entry that each makes on the suppression list.

The rule itself is in `relay.model.suppressing`, what a reply amounts to in `relay.rendition.diagnosis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relay.archive.api import Closing
from relay.model.delivery import State
from relay.model.reply import Reply
from relay.model.suppressing import Copy, SuppressionRules, refused
from relay.rendition.diagnosis import classify


def with_suppressions(closings: Sequence[Closing], rules: SuppressionRules, application: str) -> list[Closing]:
    """The closings of one transaction, with an entry for each recipient that there is no use in sending to."""
    if not rules.on_bounce:
        return list(closings)
    replies = {_words(closing.attempt.reply) for closing in closings}
    if len(closings) > 1 and len(replies) == 1:
        # To all of them alike: the transaction was refused, or none can tell.
        return list(closings)
    return [_judged(closing, rules, application) for closing in closings]


def _judged(closing: Closing, rules: SuppressionRules, application: str) -> Closing:
    attempt, delivery, reply = closing.attempt, closing.delivery, closing.attempt.reply
    if delivery.state is not State.FAILED or reply is None or reply.is_local or not reply.is_permanent:
        return closing
    entry = refused(
        attempt.id,
        classify(reply.code, reply.enhanced or "", reply.text).bounce,
        _words(reply),
        rules,
        copy=Copy(delivery.recipient.address, application, delivery.message_id, delivery.id),
        upstream=attempt.upstream,
        now=closing.event.at,
    )
    return replace(closing, suppression=entry)


def _words(reply: Reply | None) -> str:
    return "" if reply is None else " ".join(filter(None, (str(reply.code), reply.enhanced, reply.text)))
