"""What the head of a message claims: when it was sent, from whom and to whom. Pure; nothing of it is witnessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime

from relay.importing.found import Claim

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_MESSAGE = re.compile(rb"(?:\xef\xbb\xbf)?(?:>?From [^\n]*\n)?[!-9;-~]+[ \t]*:")
_ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f](?:[^<>\x00-\x1f\x7f]*[^\s<>\x00-\x1f\x7f])?@[^\s<>@\x00-\x1f\x7f]+")
_PLAIN = re.compile(r"(?:[\w .-]*<)?([\w.+=-]+@[\w.-]+)>?", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FROM_LINE = re.compile(
    rb"From +(\S*) .*?(" + "|".join(_MONTHS).encode() + rb") +(\d{1,2}) +(\d\d):(\d\d)(?::(\d\d))?[^\n]*? (\d{4})\b"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SENDER_FIELDS = ("return-path", "x-envelope-from", "x-envelope-sender", "envelope-from")
RECIPIENT_FIELDS = ("x-envelope-to", "envelope-to", "x-original-to", "delivered-to")
SHOWN_SENDERS = ("sender", "from")
SHOWN_RECIPIENTS = ("to", "cc", "bcc")
MOST_RECIPIENTS = 1000
LONGEST = 320
"""Characters of an address (RFC 5321 section 4.5.3.1, with the @)."""

Fields = Sequence[tuple[str, str]]


def is_message(head: bytes) -> bool:
    """Whether these first octets are those of a message: a field, perhaps after a From_ line."""
    return _MESSAGE.match(head) is not None


def fields_of(head: bytes) -> list[tuple[str, str]]:
    """(name in lower case, value unfolded) of each field of the header section that begins here."""
    fields: list[tuple[str, bytes]] = []
    for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = line.removesuffix(b"\r")
        if not line:
            break
        if line[:1] in b" \t" and fields:
            fields[-1] = fields[-1][0], fields[-1][1] + line
        elif match := _FIELD.fullmatch(line):
            fields.append((match[1].decode("ascii").lower(), match[2]))
    return [(name, value.decode("utf-8", "replace").strip()) for name, value in fields]


def hops_of(fields: Fields) -> int:
    """Received fields."""
    return sum(name == "received" for name, _ in fields)


def completed(claim: Claim, fields: Fields, file_time: int | None) -> Claim:
    """The claim, with what is missing taken from the head, then from the file's time."""
    at, at_of = _date(fields, claim, file_time)
    sender, sender_of = claim.sender, claim.envelope_of
    if sender is None:
        sender, sender_of = _first_sender(fields)
    recipients, recipients_of = claim.recipients, claim.envelope_of
    if not recipients:
        recipients, recipients_of = _recipients(fields)
    envelope_of = ", ".join(dict.fromkeys(filter(None, (sender_of, recipients_of))))
    return replace(claim, at=at, at_of=at_of, sender=sender, recipients=recipients, envelope_of=envelope_of)


def _date(fields: Fields, claim: Claim, file_time: int | None) -> tuple[int | None, str]:
    for name, value in fields:
        if name == "date" and (at := date_of(value)) is not None:
            return at, "Date"
    if claim.at is not None:
        return claim.at, claim.at_of
    return (file_time, "file") if file_time is not None else (None, "")


def date_of(value: str) -> int | None:
    """A date of RFC 5322 section 3.3 as UTC microseconds; None: it is none."""
    try:
        return _microseconds(parsedate_to_datetime(value))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _microseconds(moment: datetime) -> int | None:
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    at = (moment - _EPOCH) // timedelta(microseconds=1)
    return at if at >= 0 else None


def from_line(line: bytes) -> Claim:
    """What a From_ line says. Its time has no zone that can be relied on and is taken as UTC."""
    match = _FROM_LINE.match(line)
    if match is None:
        return Claim()
    month, (day, hour, minute, second, year) = _MONTHS.index(match[2].decode()) + 1, map(_int, match.groups()[2:])
    try:
        at = _microseconds(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except ValueError:
        at = None
    sender = next(iter(_addresses([match[1].decode("utf-8", "replace")])), None)
    return Claim(at, "From_" if at is not None else "", sender, envelope_of="From_" if sender is not None else "")


def _int(digits: bytes | None) -> int:
    return int(digits or b"0")


def _first_sender(fields: Fields) -> tuple[str | None, str]:
    for wanted in (*SENDER_FIELDS, *SHOWN_SENDERS):
        for name, value in fields:
            if name != wanted:
                continue
            if value == "<>" and wanted in SENDER_FIELDS:
                return "", wanted
            if found := _addresses([value]):
                return found[0], wanted
    return None, ""


def _recipients(fields: Fields) -> tuple[tuple[str, ...], str]:
    for group in (RECIPIENT_FIELDS, SHOWN_RECIPIENTS):
        named = [name for name in group if any(name == one for one, _ in fields)]
        if found := _addresses(value for name, value in fields if name in group):
            return tuple(found[:MOST_RECIPIENTS]), ", ".join(named)
    return (), ""


def _addresses(values: Iterable[str]) -> list[str]:
    """Addresses in these values, each once, in their order; what is none is left out."""
    found: list[str] = []
    for value in values:
        # What most fields are: one address, perhaps behind a name. The whole grammar takes twenty times as long.
        if match := _PLAIN.fullmatch(value):
            found.append(match[1])
        else:
            found += [address for _, address in getaddresses([value[:100_000]])]
    return list(dict.fromkeys(one for one in found if len(one) <= LONGEST and _ADDRESS.fullmatch(one)))


def addresses(values: Iterable[str]) -> tuple[str, ...]:
    """Of envelope addresses as a source has them, those that are addresses; '' is the null sender."""
    return tuple(one for one in values if not one or (len(one) <= LONGEST and _ADDRESS.fullmatch(one)))
