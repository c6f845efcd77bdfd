"""How each table of an archive is checked: against signed evidence, by being made again, or by a sum of its rows.

What the log commits to, and what follows from it, nobody changes unseen who cannot sign. What is made from contents is
made again where that is asked for. Of the rest a sum is kept (`relay/archive/sums.py`): it shows a bit that flipped on
the disk, or a wrong hand, and nothing of somebody who writes a new sum as well.
"""

from __future__ import annotations

from relay.archive.standing import ACCOUNTS

DERIVED = {
    **dict.fromkeys(
        (*("listing", "summary", "document", "message_tag", "message_reference", "mailed"),),
        "made again from the content, by the indexer's own function",
    ),
    "fragment": "made again; one too many finds nothing",
    "addressed": "compared with the deliveries",
    "section": "looked up again in the messages",
    "mailing": "counted again",
    "figure": "counted again",
}
"""Tables that the indexer makes: compared where it is asked for (`derived.py`, `indexes.py`). Full-text indexes too."""

NO_EVIDENCE = {
    "token": "codes in links, without an event when they are made: that they fit their delivery is compared",
    "fetch": "opinions about who fetched what, judged again as rules change, and most without an event: those that"
    " opens and clicks tell of are compared",
    "erasing": "has a row only inside a transaction that erases",
    "index_queue": "work that the indexer has before it",
    "web_session": "who is signed in just now; sign-ins are events",
    "preference": "how somebody likes their grid",
    "saved_view": "a search with a name",
    "notification": "what is to be told to a program; what happened is in events",
    "endpoint": "how far a program was told",
    "repetition": "what was sent of late, for the guard against duplicates",
    "idempotency": "keys of requests, kept for a day",
    "figure_day": "days to be counted again",
    "figure_cursor": "how far was counted",
}
"""Tables whose content proves nothing, and why: a sum of all their rows is compared (`relay/archive/sums.py`)."""

CHECKED = frozenset(
    {
        *("message", "content", "delivery", "attempt", "edit_list", "event", "payload", "report", "deletion"),
        *("leaf", "node", "tree", "checkpoint", "stamp", "data_key", "alembic_version"),
        *("legal_hold", "held_message", "term", "tag_change", "deletion_request", "erasure", "suppression"),
        *("setting", *ACCOUNTS),
    }
)
"""The others."""

UNWITNESSED = {
    "payload.is_mapped": "how far it was read",
    "payload.problem": "why it could not be read",
    "payload.nonce": "told the same request twice from two",
    "report.event_key": "tells the same report twice from two",
    "report.kind": "as read from the payload, which is witnessed; its event has the kind",
    "report.detail": "as read from the payload, which is witnessed",
    "report.named_message": "as read from the payload, which is witnessed",
    "report.named_delivery": "as read from the payload, which is witnessed",
    "report.provider_id": "as read from the payload, which is witnessed",
    "report.header_message_id": "as read from the payload, which is witnessed",
    "report.is_machine": "as read from the payload, which is witnessed; its event has it too",
    "report.address_key": "for an index: by whom reports that were matched to nothing are found",
    "edit_list.message_seq": "which message may take it away when it is deleted",
    "edit_list.is_shared": "that none may",
    "checkpoint.at": "when we say that it was signed; a time stamp says it for others",
    "stamp.at": "when it came, by our clock; the authority's time is in the response, which it signed",
    "stamp.authority": "what the configuration calls it; who signed is in the response",
    "stamp.chain": "by which others may judge the authority; what it signed with is in the response",
    "delivery.id": "of one that was only captured no event speaks",
    "delivery.notify": "that of the envelope in its message, repeated",
    "delivery.orcpt": "that of the envelope in its message, repeated",
    "delivery.created_at": "from when it is counted in the queue; its first event has the time",
    "delivery.due_at": "when it is to be tried next",
    "delivery.expires_at": "how long it is to be tried",
    "delivery.lease_owner": "who is at work on it",
    "delivery.lease_until": "how long",
    "delivery.priority": "in which order it is sent",
    "delivery.lane": "where it waits",
    "delivery.wanted_upstream": "what a person chose; the choice is an event",
    "delivery.original": "the address in whose place a test address gets it; it is in the envelope",
    "delivery.why": "the words of an event, repeated",
    "delivery.complained_at": "compared where there is a report",
    "delivery.unsubscribed_at": "compared where there is a report",
    "second_factor.last_step": "which code was used last",
    "passkey.sign_count": "how often it was used, as it says",
    "passkey.used_at": "when it was used last",
    "suppression.created_at": "its event has the time; brought in from elsewhere, when it was made there",
    "erasure.address": "there only until it is done: no event says whom it is about",
    "tag_change.tag": "how the tag is spelt; its event has it",
}
"""Columns of those for whose value no event vouches, and why: a sum of them, with the keys of the rows, is compared."""

UNCOUNTED = {
    "stamp": "one that was taken away proves nothing any more, and nothing else rests on it",
    "data_key": "one too many opens nothing",
    "setting": "how far something got is one too, and no event says so",
    "alembic_version": "has one row",
}
"""Tables in which no event says how many rows there should be, and why: a sum of all their rows is compared."""

SUMS = "row_sum"
"""The table of the sums themselves."""
SUMMED_WHOLE = (NO_EVIDENCE.keys() | UNCOUNTED.keys()) - {"alembic_version"}
"""Tables of which all columns are in the sum; of those that have columns in UNWITNESSED, these and the key."""
