"""The fates in a bounce that is nothing but text: by the table of openings, then by what its lines say.

Works on the text before the copy of the original. Bounded and linear; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from relay.feedback.returned.forms import OPENINGS, WHERE_THE_COPY_BEGINS, Opening
from relay.feedback.returned.values import Action, Fate
from relay.model.bounce import BounceClass
from relay.rendition.diagnosis import Classification, classify, code_in
from relay.rendition.findings import Finding

MAX_LOOKED_AT = 20_000
MAX_FATES = 200
MAX_REASON = 1000
_ADDRESS = r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}@(?:[A-Za-z0-9_-]{1,63}\.){1,9}[A-Za-z][A-Za-z0-9-]{0,62}"
ADDRESS = re.compile(rf"(?<![A-Za-z0-9.!#$%&*+/=?^_`{{|}}~@-]){_ADDRESS}(?![\w@])")
_AT_LINE_START = re.compile(
    rf"(?im)^[ \t>*|\"'\[(:-]{{0,40}}(?:(?:(?:failed |final |original |rejected )?(?:to|recipients?|address(?:es)?|user|"
    rf"e-?mail|rcpt to|mailbox|account|smtp|name|undeliverable to|unknown user|sent to)"
    rf"(?: address| name)?[ \t]?[:=]+|\d+[.)]|smtp;|rfc822;|local:|mailto:)[ \t]*)?[<\"'(\[]{{0,3}}(?:mailto:|smtp:|rfc822;)?({_ADDRESS})"
)
_EXPANDED = re.compile(
    rf"[>\s]{{0,20}}\((?:expanded from|generated from|originally addressed to|originally)[: \t]{{1,4}}<?({_ADDRESS})"
)
_PREFIX = re.compile(r"(?i)^(?:[a-z0-9]{1,10}[:;])?(?:smtp|rfc-?822)[=:]|^=?3d|^mailto:")
_OF_THE_HOUSE = re.compile(
    r"(?i)^(?:postmaster|mailer-daemon|abuse|mail-?daemon|hostmaster|webmaster|helpdesk|support|noc|root|admin|"
    r"mailmaster|help|info-?desk|itsupport|it-support|security|unsubscribe|nobody)@|@(?:\S+\.)?(?:localhost|w3\.org)$"
)


@dataclass(frozen=True, slots=True)
class Prose:
    """`software`: whose words they were, `''` if only the lines told."""

    software: str
    fates: tuple[Fate, ...]


def before_copy(text: str) -> str:
    """The text up to the copy of the original; all of it if the copy seems to be the beginning."""
    text = text[:MAX_LOOKED_AT]
    begins = WHERE_THE_COPY_BEGINS.search(text)
    return text[: begins.start()] if begins and text[: begins.start()].strip() else text


def opening_of(text: str) -> tuple[Opening, int] | None:
    """The opening in the text, and where it stops. A delay is looked for before a failure."""
    for opening in OPENINGS:
        match = opening.pattern.search(text)
        if match:
            return opening, match.end()
    return None


def read_prose(
    text: str, *, not_these: Iterable[str] = (), known: Iterable[str] = (), daemon: str = ""
) -> Prose | None:
    """The fates told by a text; None if it tells of none.

    `not_these`: addresses that are not recipients (the sender, the reporting system); `known`: recipients by other
    evidence (X-Failed-Recipients, the header of the original). `daemon`: the address of the mail system that wrote the
    text; '' if it was none, and then only plain words count.
    """
    text = before_copy(text)
    found = opening_of(text)
    given = tuple(dict.fromkeys(known))
    excluded = {one.casefold() for one in not_these} - {one.casefold() for one in given}
    if found is None:
        fates = _by_lines(text, excluded)
        if not fates and daemon:
            fates = _listed(text, Action.FAILED, excluded) or _mentioned(text, Action.FAILED, excluded)
        return Prose("", fates) if fates else None
    opening, stop = found
    fates = (
        _listed(text[stop:], opening.action, excluded)
        or _without_domain(text[stop:], opening.action, daemon)
        or _mentioned(text[stop:], opening.action, excluded)
        or _listed(text, opening.action, excluded)
        or _mentioned(text, opening.action, excluded)
    )
    return Prose(opening.software, fates)


def _listed(text: str, action: Action, excluded: set[str]) -> tuple[Fate, ...]:
    """The addresses with which lines begin, each with what follows as its reason."""
    matches = [match for match in _AT_LINE_START.finditer(text) if _may_be(match[1], excluded)]
    reasons = [
        text[match.end() : (following.start() if following else len(text))]
        for match, following in zip(matches, [*matches[1:], None], strict=False)
    ]
    fates: dict[str, Fate] = {}
    for n, match in enumerate(matches[:MAX_FATES]):
        # Of several in a row without a word between, the reason stands after the last, or before the first.
        reason = next((one for one in reasons[n:] if one.strip("<>()[]\"',;: \t\n")), "") or text[: matches[0].start()]
        told = fate(_plain(match[1]), action, reason, text)
        expanded = _EXPANDED.match(reasons[n])
        fates.setdefault(told.recipient.casefold(), replace(told, original_recipient=expanded[1] if expanded else ""))
    return tuple(fates.values())


def _mentioned(text: str, action: Action, excluded: set[str]) -> tuple[Fate, ...]:
    """The first address anywhere."""
    for match in ADDRESS.finditer(text):
        if _may_be(match[0], excluded):
            around = text[max(0, match.start() - MAX_REASON) : match.end() + MAX_REASON]
            return (fate(_plain(match[0]), action, text[match.end() : match.end() + MAX_REASON], around),)
    return ()


def _without_domain(text: str, action: Action, daemon: str) -> tuple[Fate, ...]:
    """Names that stand alone on the lines after the opening: they are of the mail system's own domain."""
    domain = daemon.rpartition("@")[2]
    listed = _NAMES.match(text)
    if not domain or listed is None:
        return ()
    names = [line.strip() for line in listed[1].splitlines() if line.strip()]
    return tuple(fate(f"{name}@{domain.lower()}", action, text) for name in names[:MAX_FATES])


def _by_lines(text: str, excluded: set[str]) -> tuple[Fate, ...]:
    """Of lines that both name an address and say that there is no such mailbox, or that it is full."""
    fates: dict[str, Fate] = {}
    for line in text.split("\n"):
        match = ADDRESS.search(line[:MAX_REASON])
        if match and _may_be(match[0], excluded):
            verdict = classify(None, "", line)
            if verdict.bounce in (BounceClass.HARD, BounceClass.QUOTA):
                fates.setdefault(match[0].casefold(), fate(match[0], Action.FAILED, line))
    return tuple(fates.values())


def fate(recipient: str, action: Action, reason: str, around: str = "") -> Fate:
    """The fate as `reason` tells it; if it tells nothing, as the text `around` it does."""
    reason = _folded(reason)
    verdict = classify(None, "", reason)
    if around and verdict.finding in (Finding.UNKNOWN, Finding.TEMPORARY):
        wider = classify(None, "", _folded(around))
        if wider.finding not in (Finding.UNKNOWN, Finding.TEMPORARY):
            reason, verdict = _folded(around), wider
    return Fate(recipient, action, status_for(verdict, action), reason, code_in(reason))


def _folded(text: str) -> str:
    return " ".join(text[: 2 * MAX_REASON].split()).lstrip(">)]\"':;,.-_=* ")[:MAX_REASON]


def status_for(verdict: Classification, action: Action) -> str:
    """The status said in the text, else the one that means what the text says (RFC 3463)."""
    if verdict.status:
        return verdict.status
    return f"{4 if action is Action.DELAYED else 5}.{_DETAIL.get(verdict.finding, '0.0')}"


_NAMES = re.compile(
    r"[^\n]{0,300}(?:\n[^\n]{1,300}){0,2}:[ \t]*\n((?:[ \t]*[A-Za-z0-9._-]{2,64}[ \t]*(?:\n|\Z)|[ \t]*\n){1,50})"
)


def _plain(address: str) -> str:
    """Without the `SMTP=` of an X.400 name."""
    return _PREFIX.sub("", address)


def _may_be(address: str, excluded: set[str]) -> bool:
    return address.casefold() not in excluded and not _OF_THE_HOUSE.search(address)


_DETAIL = {
    Finding.NO_MAILBOX: "1.1",
    Finding.DISABLED: "2.1",
    Finding.MOVED: "1.6",
    Finding.NO_DOMAIN: "1.2",
    Finding.BAD_ADDRESS: "1.3",
    Finding.AMBIGUOUS: "1.4",
    Finding.FULL: "2.2",
    Finding.TOO_LARGE: "3.4",
    Finding.RESTRICTED: "7.2",
    Finding.CONTENT: "6.0",
    Finding.VIRUS: "7.1",
    Finding.SPAM: "7.1",
    Finding.BLOCKLIST: "7.1",
    Finding.REPUTATION: "7.1",
    Finding.RATE: "7.0",
    Finding.UNAUTHENTICATED: "7.26",
    Finding.NO_REVERSE_NAME: "7.25",
    Finding.BAD_SENDER: "1.8",
    Finding.RELAY: "7.1",
    Finding.NOT_PERMITTED: "7.1",
    Finding.UNREACHABLE: "4.1",
    Finding.EXPIRED: "4.7",
    Finding.NAME_TROUBLE: "4.3",
    Finding.LOOP: "4.6",
    Finding.OUT_OF_ORDER: "3.0",
    Finding.PROTOCOL: "5.0",
}
