"""Scopes put into effect: queries narrowed to what a scope holds, and what else can be said of a scope by itself.

Which messages are within a scope is decided by the archive (`query.Within`, compiled in `condition.py`). Pure.
"""

from __future__ import annotations

from dataclasses import replace

from relay.archive.api.waiting import WaitingFilter
from relay.archive.query import And, Query, Within
from relay.model.access import Scope
from relay.model.message import Message


def within(query: Query, scope: Scope) -> Query:
    """The query of those messages that match `query` and are within the scope."""
    if scope.is_everything:
        return query
    node = Within(scope)
    if query.root == And(()):
        return Query(node)
    if isinstance(query.root, And):
        return Query(And((*query.root.nodes, node)))
    return Query(And((query.root, node)))


def waiting_within(wanted: WaitingFilter, scope: Scope) -> WaitingFilter:
    return replace(wanted, query=within(wanted.query, scope))


def applications_within(scope: Scope) -> tuple[str, ...]:
    """The applications all of whose messages are within the scope, in order of their names.

    What is an application's own, and of no one message, is seen by those who see all of its messages.
    """
    shares = [share for share in scope.shares or () if not share.senders and not share.tags]
    return tuple(sorted({name for share in shares for name in share.applications}))


def may_write(scope: Scope, message: Message) -> bool:
    """Whether a new message would be within the scope, as far as its envelope tells."""
    sender = message.envelope.sender.lower()
    tags = {tag.casefold() for tag in message.tags}
    return scope.is_everything or any(
        share.is_asking
        and (not share.applications or message.application in share.applications)
        and (not share.senders or any(is_from(sender, pattern) for pattern in share.senders))
        and (not share.tags or not tags.isdisjoint(tag.casefold() for tag in share.tags))
        for share in scope.shares or ()
    )


def is_from(address: str, pattern: str) -> bool:
    """Whether an address (in lower case) is the pattern's, or of its `@domain`."""
    pattern = pattern.lower()
    return address.endswith(pattern) if pattern.startswith("@") else address == pattern
