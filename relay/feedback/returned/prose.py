"""The fates in a bounce that is nothing but text: by the table of openings, then by what its lines say.

Works on the text before the copy of the original. Bounded and linear; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from relay.feedback.returned.forms import OPENINGS, WHERE_THE_COPY_BEGINS, Opening
from relay.feedback.returned.values import Action, Fate
from relay.model.bounce import BounceClass
from relay.rendition.diagnosis import Classification, answers_mail_from, classify, code_in
from relay.rendition.findings import Finding

MAX_LOOKED_AT = 20_000
MAX_FATES = 50
"""A person would not read more of a text; a list of more comes as a delivery status."""
MAX_REASON = 500
_CHARACTER = r"A-Za-z0-9.!#$%&*+/=?^_`{|}~\-"
_ADDRESS = rf"[{_CHARACTER}][{_CHARACTER}']{{0,63}}@(?:[A-Za-z0-9_-]{{1,63}}\.){{1,9}}[A-Za-z][A-Za-z0-9-]{{0,62}}"
ADDRESS = re.compile(rf"(?<![{_CHARACTER}@]){_ADDRESS}(?![\w@])")
_LABEL = (
    r"(?:failed |final |original |rejected )?(?:to|recipients?|address(?:es)?|user|e-?mail|rcpt to|mailbox|"
    r"account|smtp|"
    r"name|undeliverable to|unknown user|sent to)(?: address| name)?[ \t]?[:=]+|\d+[.)]|smtp;|rfc822;|local:|mailto:"
)
_AT_LINE_START = re.compile(
    rf"(?im)^[ \t>*|\"'\[(:-]{{0,40}}(?:(?:{_LABEL})[ \t]*)?[<\"'(\[]{{0,3}}(?:mailto:|smtp:|rfc822;)?({_ADDRESS})"
)
_EXPANDED = re.compile(
    rf"[>\s]{{0,20}}\((?:expanded from|generated from|originally addressed to|originally)[: \t]{{1,4}}<?({_ADDRESS})"
)
_PREFIX = re.compile(r"(?i)^(?:[a-z0-9]{1,10}[:;])?(?:smtp|rfc-?822)[=:]|^=?3d|^mailto:")
_NAMES = re.compile(
    r"[^\n]{0,300}(?:\n[^\n]{1,300}){0,2}:[ \t]*\n((?:[ \t]*[A-Za-z0-9._-]{2,64}[ \t]*(?:\n|\Z)|[ \t]*\n){1,50})"
)
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


def opening_of(text: str) -> tuple[Opening, re.Match[str]] | None:
    """The opening in the text, and where. A delay is looked for before a failure."""
    for opening in OPENINGS:
        match = opening.pattern.search(text)
        if match:
            return opening, match
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
    excluded = {one.casefold() for one in not_these} - {one.casefold() for one in known}
    if found is None:
        search = _Search(text, 0, Action.FAILED, excluded)
        fates = _by_lines(text, excluded) or (daemon and (search.listed(0) or search.mentioned(0))) or ()
        return Prose("", fates) if fates else None
    opening, match = found
    search, stop = _Search(text, match.start(), opening.action, excluded), match.end()
    line = text.rfind("\n", 0, match.start()) + 1  # `Unknown user: jo@example.com` is opening and address in one
    fates = (
        search.listed(line)
        or search.without_domain(stop, daemon)
        or search.mentioned(stop)
        or search.listed(0)
        or search.mentioned(0)
    )
    return Prose(opening.software, fates)


@dataclass(frozen=True, slots=True)
class _Search:
    """For addresses in `text`. `begin`: where the telling begins; its words count where an address has none."""

    text: str
    begin: int
    action: Action
    excluded: set[str]

    def listed(self, start: int) -> tuple[Fate, ...]:
        """The addresses with which lines begin, each with what follows as its reason."""
        found = [one for one in _AT_LINE_START.finditer(self.text, start) if _may_be(one[1], self.excluded)]
        reasons = [self.text[one.end() : self._next_other(found, n)] for n, one in enumerate(found[:MAX_FATES])]
        fates: dict[str, Fate] = {}
        for n, one in enumerate(found[:MAX_FATES]):
            # Of several in a row without a word between, the reason stands after the last.
            reason = next((each for each in reasons[n:] if each.strip("<>()[]\"',;: \t\n")), "")
            told = self._fate(one[1], reason)
            expanded = _EXPANDED.match(reasons[n])
            told = replace(told, original_recipient=expanded[1] if expanded else "")
            fates.setdefault(told.recipient.casefold(), told)
        return tuple(fates.values())

    def _next_other(self, found: list[re.Match[str]], n: int) -> int:
        """Where the next address stands that is another: a server's dialogue names the same one again."""
        name = found[n][1].casefold()
        return next((one.start() for one in found[n + 1 : n + 10] if one[1].casefold() != name), len(self.text))

    def mentioned(self, start: int) -> tuple[Fate, ...]:
        """The first address anywhere."""
        for one in ADDRESS.finditer(self.text, start):
            if _may_be(one[0], self.excluded):
                return (self._fate(one[0], self.text[one.end() : one.end() + MAX_REASON]),)
        return ()

    def without_domain(self, start: int, daemon: str) -> tuple[Fate, ...]:
        """Names that stand alone on the lines after the opening: they are of the mail system's own domain."""
        domain = daemon.rpartition("@")[2].lower()
        listed = _NAMES.match(self.text, start)
        if not domain or listed is None:
            return ()
        names = listed[1].split()
        return tuple(self._fate(f"{name}@{domain}", "") for name in names[:MAX_FATES])

    def _fate(self, address: str, reason: str) -> Fate:
        return fate(_PREFIX.sub("", address), self.action, reason, self.text[self.begin :])


def _by_lines(text: str, excluded: set[str]) -> tuple[Fate, ...]:
    """Of lines that both name an address and say that there is no such mailbox, or that it is full."""
    fates: dict[str, Fate] = {}
    for line in text.split("\n"):
        match = ADDRESS.search(line[:MAX_REASON])
        if match and _may_be(match[0], excluded):
            verdict = _verdict(line[:MAX_REASON])
            if verdict.bounce in (BounceClass.HARD, BounceClass.QUOTA):
                fates.setdefault(match[0].casefold(), fate(match[0], Action.FAILED, line))
    return tuple(fates.values())


def fate(recipient: str, action: Action, reason: str, around: str = "") -> Fate:
    """The fate as `reason` tells it; if it tells nothing, as the text `around` it does."""
    # The words around tell that it is the sender who is refused.
    refusal = None if answers_mail_from(reason) else _REFUSAL.search(reason)
    said = (_folded(text) for text in (refusal[1] if refusal else "", reason, around) if text)
    told = [(text, _verdict(text)) for text in said] or [("", _verdict(""))]
    text, verdict = next((one for one in told if not _says_nothing(*one)), told[0])
    return Fate(recipient, action, status_for(verdict, action), text, code_in(text))


@lru_cache(maxsize=64)
def _verdict(text: str) -> Classification:
    """As `classify`; many recipients of one bounce have the same reason."""
    return classify(None, "", text)


_REFUSAL = re.compile(r"(?m)^[ \t<]{0,20}((?:4[0-5]|5[0-5])\d[ -][^\n]{3,})")
"""What the server answered, in the middle of a dialogue that is told."""
_ANSWER = re.compile(
    r"(?im)(?:(?<=\]: )|^[ \t<]{0,20})(?!554 [^\n]{1,300} service unavailable[ \t]*$)(?:4[0-5]|5[0-5])\d[ -]"
)
_SAY_NOTHING = (Finding.UNKNOWN, Finding.TEMPORARY)
_WRAPPER = re.compile(r"(?i)554 (?:5\.\d\.\d )?\S{1,300} service unavailable$")
"""Sendmail's, for whatever its delivery program said in the lines before."""


def _says_nothing(text: str, verdict: Classification) -> bool:
    return verdict.finding in _SAY_NOTHING or _WRAPPER.match(text) is not None


def _folded(text: str) -> str:
    """On one line, and short; of what is too long, from the server's answer on."""
    answer = _ANSWER.search(text) if len(text) > MAX_REASON else None
    text = text[answer.start() :] if answer else text
    return " ".join(text[: 2 * MAX_REASON].split()).lstrip(">)]\"':;,.-_=* ")[:MAX_REASON]


def status_for(verdict: Classification, action: Action) -> str:
    """The status said in the text, else the one that means what the text says (RFC 3463)."""
    if verdict.status:
        return verdict.status
    return f"{4 if action is Action.DELAYED else 5}.{_DETAIL.get(verdict.finding, '0.0')}"


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
