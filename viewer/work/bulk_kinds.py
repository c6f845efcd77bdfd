"""What can be done with many messages at once: sent again, retried, released, cancelled, tagged, exported, deleted.

Each does with one message what the message's own page does, by the same functions; `bulk.py` does it with many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from relay.archive.api import Archive, StoredMessage
from relay.archive.query import And, Or, Query, Term
from relay.model.access import Permission
from relay.model.delivery import State
from relay.model.event import Kind as EventKind
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, NEW_ID
from viewer.message.discretion import require_originals
from viewer.security import archive_of, require, signed_in_user
from viewer.translation import say, say_n, thousands
from viewer.work import deletion, evidence, signed_export, tagging
from viewer.work.bulk import Ask, Each, Kind, Prepare, Selected
from viewer.work.export import checked_count, filename
from viewer.work.jobs import JOBS
from viewer.work.operations import Outcome, hand_of, order_of
from viewer.work.resend import resend_exact
from viewer.work.resend_warnings import HAS_IT, ON_ITS_WAY

WHOLE = (Permission.BODY, Permission.ATTACHMENTS, Permission.EXPORT)
LOOKED_AT = 40
"""Messages looked at for a warning that no index can give."""


# -- sending again ---------------------------------------------------------------------------------------------------
def _resend(request: web.Request, answers: Mapping[str, str]) -> Each:
    archive, to_all = archive_of(request), answers["to"] == "all"

    async def each(message_id: str) -> str:
        if to_all:
            await resend_exact(request, message_id)
            return ""
        lacking = _lacking(await archive.message(message_id))
        if not lacking:
            return say("Every recipient has it, or it is on its way.")
        await resend_exact(request, message_id, lacking)
        return ""

    return each


def _lacking(stored: StoredMessage) -> list[str]:
    """The recipients of the envelope to whom it was not handed over and is not on its way."""
    served = {
        one.original or one.recipient.address for one in stored.deliveries if one.state in HAS_IT | ON_ITS_WAY
    } | {one.original or one.recipient.address for one in stored.deliveries if one.state is State.UNCONFIRMED}
    addresses = dict.fromkeys(recipient.address for recipient in stored.message.envelope.recipients)
    return [address for address in addresses if address not in served]


async def _resend_warnings(archive: Archive, meant: Selected, now: int) -> list[str]:
    warnings: list[str] = []
    served = await archive.count(_with(meant.query, "sent", "delivered"), at_most=1_000_000)
    if served:
        warnings.append(
            say_n(
                "%(num)s of them was taken by the provider already: whoever has it would get it twice.",
                "%(num)s of them were taken by the provider already: whoever has it would get it twice.",
                served,
            )
        )
    doubtful = await archive.count(_with(meant.query, "unconfirmed"), at_most=1_000_000)
    if doubtful:
        warnings.append(
            say_n(
                "%(num)s of them may have arrived: the provider's answer was lost.",
                "%(num)s of them may have arrived: the provider's answer was lost.",
                doubtful,
            )
        )
    looked_at, kept = await _suppressed(archive, meant, now)
    if kept:
        warnings.append(
            say(
                "%(n)s recipients in the newest %(of)s of them are on the suppression list: recorded, not sent.",
                n=thousands(kept),
                of=thousands(looked_at),
            )
        )
    return warnings


async def _suppressed(archive: Archive, meant: Selected, now: int) -> tuple[int, int]:
    """(messages looked at, recipients of theirs that are not sent to)."""
    rows = await meant.first(archive, LOOKED_AT)
    stored = await asyncio.gather(*(archive.message(row.id) for row in rows))
    addresses: dict[str, set[str]] = {}
    for one in stored:
        of_application = addresses.setdefault(one.message.application, set())
        of_application.update(recipient.address for recipient in one.message.envelope.recipients[:100])
    found = [
        await archive.suppressions_of(sorted(wanted)[:1000], application, now)
        for application, wanted in addresses.items()
    ]
    return len(rows), sum(map(len, found))


def _with(query: Query, *states: str) -> Query:
    wanted = Or(tuple(Term("status", state) for state in states))
    return Query(And((query.root, wanted)))


# -- what waits ------------------------------------------------------------------------------------------------------
def _operated(name: str, states: frozenset[State] | None = None) -> Prepare:
    """An operation on those of the message's deliveries that wait."""

    def prepare(request: web.Request, answers: Mapping[str, str]) -> Each:
        archive, hand, order = archive_of(request), hand_of(request), order_of(request, name)

        async def each(message_id: str) -> str:
            stored = await archive.message(message_id)
            waiting = [one.id for one in stored.deliveries if states is None or one.state in states]
            rows = await archive.waiting_of(waiting)
            if not rows:
                return say("Nothing of it waits.")
            outcome = Outcome()
            await hand.carry_out(order, rows, outcome)
            return "" if outcome.changed else next(iter(outcome.left))

        return each

    return prepare


# -- tags, files -----------------------------------------------------------------------------------------------------
def _tag(request: web.Request, answers: Mapping[str, str]) -> Each:
    add, remove = tagging.tags_in("add", answers["add"]), tagging.tags_in("remove", answers["remove"])
    if not add and not remove:
        raise FieldError("add", say("name at least one tag to put on or to take off"))

    async def each(message_id: str) -> str:
        is_changed = await tagging.change(request, message_id, add, remove)
        return "" if is_changed else say("It has these tags already, and none of those to be taken off.")

    return each


def _delete(request: web.Request, answers: Mapping[str, str]) -> Each:
    reason = deletion.checked_reason(answers["reason"])

    async def each(message_id: str) -> str:
        asked = await deletion.ask_or_delete(request, message_id, reason)
        return "" if asked.standing == "deleted" else asked.words

    return each


async def _export(request: web.Request, meant: Selected, answers: Mapping[str, str]) -> str:
    archive, wanted = archive_of(request), answers["format"]
    if wanted == signed_export.FORM:
        return await _signed(request, meant)
    total = await checked_count(archive, meant.query, wanted)
    q = meant.q if not meant.ids else " OR ".join(f"id:{message_id}" for message_id in meant.ids)
    job_id = request.app[NEW_ID]()
    request.app[JOBS].begin(job_id, signed_in_user(request).name, q, meant.query, wanted, total, archive)
    await archive.add_events([deed(request, EventKind.EXPORTED, query=q, format=wanted, count=total)])
    return f"/exports/{job_id}"


async def _signed(request: web.Request, meant: Selected) -> str:
    archive, person = archive_of(request), require(request, *WHOLE)
    require_originals(archive)
    evidence.evidence_of(request)
    total = await meant.count(archive)
    q = meant.q if not meant.ids else " OR ".join(f"id:{message_id}" for message_id in meant.ids)
    job_id, form = request.app[NEW_ID](), signed_export.FORM
    told = deed(request, EventKind.EXPORTED, query=q, format=signed_export.TOLD, count=total, export=job_id)
    await archive.add_events([told])
    name = f"{filename(request.app[CLOCK](), form).removesuffix(f'.{form}')}-{form}.zip"
    request.app[JOBS].make(
        job_id,
        person.name,
        q,
        form,
        total,
        name,
        lambda job: signed_export.pieces(request, archive, meant.query, q, person.actor, job),
    )
    return f"/exports/{job_id}"


async def _evidence(request: web.Request, meant: Selected, answers: Mapping[str, str]) -> str:
    archive, person = archive_of(request), require(request, *WHOLE)
    require_originals(archive)
    evidence.evidence_of(request)
    total = await meant.count(archive)
    q = meant.q if not meant.ids else " OR ".join(f"id:{message_id}" for message_id in meant.ids)
    job_id, form = request.app[NEW_ID](), evidence.FORM
    name = f"{filename(request.app[CLOCK](), form).removesuffix(f'.{form}')}-{form}.zip"
    deeds = [deed(request, EventKind.EXPORTED, query=q, format=form, count=total)]
    await archive.add_events(deeds)
    request.app[JOBS].make(
        job_id,
        person.name,
        q,
        form,
        total,
        name,
        lambda job: evidence.pieces_of_search(request, archive, meant, q, person.actor, job.advance),
    )
    return f"/exports/{job_id}"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "resend",
            "resend",
            Permission.RESEND,
            say("Send again"),
            lambda n: say_n("Send %(num)s message again?", "Send %(num)s messages again?", n),
            say("Each goes out again exactly as it was. What has been sent cannot be called back."),
            lambda n: say_n("%(num)s message queued again.", "%(num)s messages queued again.", n),
            _resend,
            asks=(
                Ask(
                    "to",
                    say("To whom"),
                    choices=(
                        ("lacking", say("only recipients who do not have it")),
                        ("all", say("all recipients, also those who have it")),
                    ),
                ),
            ),
            warnings=_resend_warnings,
            needs_upstream=True,
        ),
        Kind(
            "retry",
            "play",
            Permission.RESEND,
            say("Retry now"),
            lambda n: say_n("Retry what waits of %(num)s message?", "Retry what waits of %(num)s messages?", n),
            say("Each waiting delivery is tried at once, whatever its schedule."),
            lambda n: say_n("%(num)s message is due.", "%(num)s messages are due.", n),
            _operated("retry"),
            needs_upstream=True,
        ),
        Kind(
            "release",
            "sent",
            Permission.RELEASE,
            say("Approve"),
            lambda n: say_n("Approve %(num)s message?", "Approve %(num)s messages?", n),
            say("What is held of them is sent now, and cannot be called back then."),
            lambda n: say_n("%(num)s message approved.", "%(num)s messages approved.", n),
            _operated("release", frozenset({State.HELD})),
            needs_upstream=True,
        ),
        Kind(
            "reject",
            "cancelled",
            Permission.RELEASE,
            say("Reject"),
            lambda n: say_n("Reject %(num)s message?", "Reject %(num)s messages?", n),
            say("What is held of them is never sent; the messages stay in the archive."),
            lambda n: say_n("%(num)s message rejected.", "%(num)s messages rejected.", n),
            _operated("reject", frozenset({State.HELD})),
            is_grave=True,
        ),
        Kind(
            "cancel",
            "cancelled",
            Permission.RELEASE,
            say("Cancel sending"),
            lambda n: say_n("Cancel what waits of %(num)s message?", "Cancel what waits of %(num)s messages?", n),
            say("Nothing more is tried. What has left already cannot be called back."),
            lambda n: say_n("%(num)s message cancelled.", "%(num)s messages cancelled.", n),
            _operated("cancel"),
            is_grave=True,
        ),
        Kind(
            "tag",
            "tag",
            Permission.TAG,
            say("Tags"),
            lambda n: say_n("Change the tags of %(num)s message?", "Change the tags of %(num)s messages?", n),
            say("Tags are for finding messages. The messages themselves stay as they are."),
            lambda n: say_n("%(num)s message tagged.", "%(num)s messages tagged.", n),
            _tag,
            asks=(
                Ask("add", say("Put on"), say("with commas between them")),
                Ask("remove", say("Take off"), say("with commas between them")),
            ),
        ),
        Kind(
            "export",
            "download",
            Permission.EXPORT,
            say("Export"),
            lambda n: say_n("Export %(num)s message?", "Export %(num)s messages?", n),
            say("One file with all of them. That it was made is recorded."),
            lambda n: say_n("%(num)s message exported.", "%(num)s messages exported.", n),
            begin=_export,
            asks=(
                Ask(
                    "format",
                    say("As"),
                    choices=(
                        ("csv", say("CSV table: one line a recipient, for a spreadsheet")),
                        ("zip", say("ZIP of .eml files: every message as it came, with a manifest of hashes")),
                        ("mbox", say("mbox file: one file for a mail program")),
                        ("signed", say("Signed export: ZIP volumes with hashes, who had it made, and a signature")),
                    ),
                ),
            ),
        ),
        Kind(
            "evidence",
            "lock",
            Permission.EXPORT,
            say("Evidence"),
            lambda n: say_n("Make evidence of %(num)s message?", "Make evidence of %(num)s messages?", n),
            say("One file with every fact and its proof, to be checked offline. That it was made is recorded."),
            lambda n: say_n("%(num)s message in the file.", "%(num)s messages in the file.", n),
            begin=_evidence,
        ),
        Kind(
            "delete",
            "deleted",
            Permission.DELETE,
            say("Delete"),
            lambda n: say_n(
                "Delete the content of %(num)s message for good?",
                "Delete the contents of %(num)s messages for good?",
                n,
            ),
            say("Contents, texts and attachments go for good; envelope, hash, size and events stay, with the reason."),
            lambda n: say_n("%(num)s content deleted.", "%(num)s contents deleted.", n),
            _delete,
            asks=(Ask("reason", say("Reason, for those who ask later"), is_required=True),),
            is_grave=True,
        ),
    )
}
"""By name, in the order in which they are offered."""
