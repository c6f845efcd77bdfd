"""One function per logged fact: the log line and its counter. The id first; never content, credentials or tokens.

Values that a peer chose are logged as structured values, so that no octet of theirs can begin a line.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any, TextIO, cast

import structlog

from relay import metrics
from relay.model.delivery import Attempt, Delivery
from relay.model.fetch import Fetch, Verdict
from relay.model.message import Message
from relay.model.notification import Notification
from relay.model.report import Applied, Payload

_log = structlog.get_logger("mailwitness")


def session_opened(session: str, peer: str, listener: str) -> None:
    metrics.sessions.inc()
    metrics.sessions_total.inc()
    _log.debug("session opened", session=session, peer=peer, listener=listener)


def session_closed(session: str, peer: str, reason: str) -> None:
    metrics.sessions.dec()
    _log.debug("session closed", session=session, peer=peer, reason=reason)


def command_refused(session: str, peer: str, reason: str, reply: str) -> None:
    """`reason` is one of a small fixed set of words (it labels a metric); `reply` is what the client was told."""
    metrics.refused.labels(reason).inc()
    _log.info("refused", session=session, peer=peer, reason=reason, reply=reply)


def message_accepted(message: Message, seconds: float) -> None:
    """`seconds` from the final dot to the commit."""
    metrics.accepted.labels(message.application).inc()
    metrics.accepted_octets.inc(message.size)
    metrics.commit_seconds.observe(seconds)
    _log.info(
        "accepted",
        id=message.id,
        application=message.application,
        sender=message.envelope.sender,
        recipients=len(message.envelope.recipients),
        size=message.size,
        peer=message.reception.peer,
        mode=message.mode.value,
    )


def message_not_kept(message_id: str, peer: str, cause: BaseException) -> None:
    """The archive could not commit; the client was told 451 or 452."""
    metrics.refused.labels("archive").inc()
    _log.error("not kept", id=message_id, peer=peer, cause=repr(cause))


def attempt_closed(attempt: Attempt, delivery: Delivery) -> None:
    metrics.attempts.labels(attempt.upstream, delivery.state.value).inc()
    _log.info(
        "attempt",
        id=attempt.message_id,
        delivery=attempt.delivery_id,
        recipient=delivery.recipient.address,
        upstream=attempt.upstream,
        number=attempt.number,
        state=delivery.state.value,
        reply=str(attempt.reply),
    )


def not_sent(delivery: Delivery) -> None:
    """A list or the guard against duplicates keeps it from its recipient."""
    _log.info("not sent", id=delivery.message_id, delivery=delivery.id, state=delivery.state.value, why=delivery.why)


def signing_failed(message_id: str, cause: str) -> None:
    """The delivery was deferred: it is not sent unsigned."""
    _log.warning("not signed", id=message_id, cause=cause)


def policy_not_fetched(domain: str, cause: str) -> None:
    """An MTA-STS policy is announced and could not be had."""
    _log.warning("policy not fetched", domain=domain, cause=cause)


def upstream_unreachable(upstream: str, cause: str) -> None:
    _log.warning("upstream unreachable", upstream=upstream, cause=cause)


def upstream_rests(upstream: str, failures: int, cause: str) -> None:
    """So many failures in a row: until it answers, mail takes the next upstream of its route, or waits."""
    metrics.upstream_rests.labels(upstream).inc()
    _log.error("upstream rests", upstream=upstream, failures=failures, cause=cause)


def upstream_answers(upstream: str) -> None:
    """One that rested can be had again."""
    _log.info("upstream answers", upstream=upstream)


def delivery_recovered(delivery: Delivery) -> None:
    """Found under a lease that no one holds any more."""
    _log.warning("recovered", id=delivery.message_id, delivery=delivery.id, state=delivery.state.value)


def fetches_kept(fetches: Sequence[Fetch]) -> None:
    """Fetches of pixels and links were committed."""
    for verdict in Verdict:
        count = sum(fetch.count for fetch in fetches if fetch.verdict is verdict)
        metrics.fetches.labels(verdict.value).inc(count)


def fetches_wait(count: int, cause: BaseException) -> None:
    """The archive could not keep this many fetches; they are tried again."""
    _log.error("fetches wait", count=count, cause=repr(cause))


def fetches_lost(count: int) -> None:
    """More fetches came than memory may hold, or the server had to stop before the archive could keep them."""
    metrics.fetches_lost.inc(count)
    _log.error("fetches lost", count=count)


def beacon_failed(path: str, cause: BaseException) -> None:
    """A request to the tracking port could not be answered as meant. `path`: of the route, without the token."""
    _log.error("beacon failed", path=path, cause=repr(cause))


def payload_kept(payload: Payload, *, is_known: bool) -> None:
    """Something came back and is kept, before it is read. `is_known`: the same octets were there already."""
    metrics.payloads.labels(payload.source, "known" if is_known else "kept").inc()
    _log.info("payload", id=payload.id, source=payload.source, peer=payload.peer, known=is_known)


def payload_refused(source: str, peer: str, reason: str, words: str) -> None:
    """Nothing of it was kept. `source`: as configured, or `unknown`; `reason`: one of a small fixed set of words."""
    metrics.payloads_refused.labels(source, reason).inc()
    _log.warning("payload refused", source=source, peer=peer, reason=reason, words=words)


def payload_not_read(payload: Payload, problem: str) -> None:
    """It is kept, and is tried again at the next start."""
    metrics.payloads.labels(payload.source, "not read").inc()
    _log.error("payload not read", id=payload.id, source=payload.source, problem=problem)


def mailbox_unreachable(host: str, mailbox: str, cause: BaseException, pause: float) -> None:
    """The mailbox of the return paths could not be read; it is tried again after `pause` seconds."""
    _log.warning("mailbox unreachable", host=host, mailbox=mailbox, cause=str(cause) or repr(cause), pause=pause)


def payloads_wait(cause: BaseException) -> None:
    """The archive could not be asked, or could not keep what payloads say; it is tried again."""
    _log.error("payloads wait", cause=repr(cause))


def reports_applied(payload: Payload, applied: Sequence[Applied]) -> None:
    for one in applied:
        outcome = "repeated" if not one.is_new else "matched" if one.message_id else "unmatched"
        metrics.reports.labels(payload.source, one.report.kind.value, outcome).inc()
        if one.is_new:
            _report(one, payload.source)


def report_matched(one: Applied) -> None:
    """Kept before, and only now found to be about a message of ours."""
    _report(one, "")


def _report(one: Applied, source: str) -> None:
    _log.info(
        "report",
        id=one.message_id,
        delivery=one.delivery.id if one.delivery else None,
        report=one.report.id,
        kind=one.report.kind.value,
        source=source,
        state=one.delivery.state.value if one.delivery else None,
    )


def subscription_confirmed(source: str, url: str) -> None:
    """A topic was told that we want its messages."""
    _log.info("subscription confirmed", source=source, host=url.split("/")[2])


def fetch_failed(source: str, url: str, cause: BaseException) -> None:
    """A certificate or a confirmation could not be had; the provider was asked to try again."""
    _log.error("fetch failed", source=source, host=url.split("/")[2], cause=repr(cause))


def endpoint_told(notification: Notification) -> None:
    """One try to tell an endpoint of an event, and what came of it; the address is in the configuration."""
    standing = notification.standing.value
    metrics.notifications.labels(notification.endpoint, "retried" if notification.due_at else standing).inc()
    _log.info(
        "endpoint told",
        id=notification.id,
        endpoint=notification.endpoint,
        attempt=notification.attempts,
        standing=standing,
        status=notification.status,
        error=notification.error or None,
    )


def endpoint_waits(endpoint: str, cause: BaseException) -> None:
    """The archive could not say what is due, or keep what came of it; it is tried again."""
    _log.error("endpoint waits", endpoint=endpoint, cause=repr(cause))


def ledger_sealed(size: int, at: int, *, is_new: bool) -> None:
    """The latest checkpoint is of so many facts; a new one was just signed and kept. `at`: UTC microseconds."""
    metrics.ledger_checkpoint_facts.set(size)
    metrics.ledger_checkpoint_time.set(at / 1_000_000)
    metrics.ledger_refused.set(0)
    if is_new:
        metrics.ledger_checkpoints.inc()
        _log.debug("ledger sealed", facts=size)


def ledger_not_signed(problem: str) -> None:
    """The log does not continue what was signed, or the key is not there: nothing is signed until it is repaired."""
    metrics.ledger_refused.set(1)
    _log.error("ledger not signed", problem=problem)


def ledger_signed_again() -> None:
    """What kept the log from being signed is over."""
    metrics.ledger_refused.set(0)
    _log.info("ledger signed again")


def ledger_waits(cause: BaseException) -> None:
    """The archive could not say how long the log is, or keep a checkpoint; it is tried again."""
    _log.error("ledger waits", cause=repr(cause))


def witness_asked(witness: str, size: int, result: str, words: str = "") -> None:
    """A witness was asked to cosign a checkpoint. `result`: cosigned, refused, failed or conflict."""
    metrics.ledger_witness_answers.labels(witness, result).inc()
    (_log.info if result == "cosigned" else _log.warning)(
        "witness asked", witness=witness, facts=size, result=result, words=words or None
    )


def ledger_stamped(authority: str, size: int, result: str, words: str = "") -> None:
    """An authority was asked to stamp a checkpoint. `result`: stamped, refused or failed."""
    metrics.ledger_stamps.labels(authority, result).inc()
    (_log.info if result == "stamped" else _log.warning)(
        "ledger stamped", authority=authority, facts=size, result=result, words=words or None
    )


def ledger_key_changed(vkey: str) -> None:
    """The log has another key; this is the public one."""
    _log.warning("ledger key changed", verifier=vkey)


def room_failed(room: str, cause: BaseException) -> None:
    """A broken promise that the top of a room caught; the room goes on."""
    _log.error("failed", room=room, cause=repr(cause), exc_info=cause)


def journal_waits(cause: str) -> None:
    """The other archive did not take a journal report: it is sent again later."""
    _log.warning("journal waits", cause=cause)


def export_made(name: str, count: int, problem: str) -> None:
    """An export of a timetable was made, or failed."""
    (_log.warning if problem else _log.info)("export", name=name, messages=count, problem=problem or None)


def sign_in_failed(cause: str) -> None:
    """Single sign-on does not work; nobody comes in by it. The cause names no person and no secret."""
    _log.warning("single sign-on failed", cause=cause)


def configuration_kept(problems: Sequence[str]) -> None:
    """A reload found these errors; the server goes on with what it had."""
    _log.error("configuration not reloaded", problems=list(problems))


def configuration_loaded(waits: Sequence[str]) -> None:
    """Reloaded; the tables in `waits` changed and need a restart."""
    _log.info("configuration reloaded", needs_restart=list(waits))


class _StandardError:
    """Whatever standard error is when a line is written: it may be another one than when logging began."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def to_stderr(*, is_verbose: bool, is_terminal: bool) -> None:
    """Log lines go to standard error: for people on a terminal, else as JSON, one object a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_shape(is_terminal),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if is_verbose else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )


def _shape(is_terminal: bool) -> list[Any]:
    # No local variables in tracebacks: they hold content and passwords.
    if is_terminal:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer(default=repr)]
