"""Opens and clicks in words: what was fetched, who it was as far as can be told, and never more than that. Pure.

A fetch of the pixel is an *open*, which is not "read"; a fetch of a link is not "a person clicked". Verdicts are ours,
grade E.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from relay.archive.api import Listing
from relay.model.delivery import Attempt
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.token import Token, TokenKind
from viewer.message.happenings import KINDS
from viewer.present import Word
from viewer.translation import joined, known, say

OPENS: Mapping[Verdict, Word] = {
    Verdict.HUMAN: Word(
        say("Opened, likely by a person"),
        "opened",
        "good",
        say("The pixel was fetched, and nothing speaks against a person. This does not say that anyone has read it."),
        Grade.HEURISTIC,
    ),
    Verdict.PROXY: Word(
        say("Fetched by a privacy proxy"),
        "proxy",
        "busy",
        say(
            "A mail provider or program fetched the pixel for the recipient, at opening or in advance. "
            "This does not say that anyone has read it."
        ),
        Grade.HEURISTIC,
    ),
    Verdict.SCANNER: Word(
        say("Scanner suspected"),
        "scanner",
        "warn",
        say("The pixel was fetched, most likely by a security gateway or another program, for nobody."),
        Grade.HEURISTIC,
    ),
}
CLICKS: Mapping[Verdict, Word] = {
    Verdict.HUMAN: Word(
        say("Link followed, likely by a person"),
        "clicked",
        "good",
        say("A link was fetched, and nothing speaks against a person."),
        Grade.HEURISTIC,
    ),
    Verdict.PROXY: Word(
        say("Link fetched in advance"),
        "proxy",
        "busy",
        say("A mail provider or program fetched a link for the recipient, before anyone followed it."),
        Grade.HEURISTIC,
    ),
    Verdict.SCANNER: Word(
        say("Link followed, scanner suspected"),
        "scanner",
        "warn",
        say("A link was fetched, most likely by a link checker or another program."),
        Grade.HEURISTIC,
    ),
}
WORDS: Mapping[TokenKind, Mapping[Verdict, Word]] = {
    TokenKind.OPEN: OPENS,
    TokenKind.CLICK: CLICKS,
    TokenKind.HONEYPOT: CLICKS,
    TokenKind.UNSUBSCRIBE: CLICKS,
}
TOKENS: Mapping[TokenKind, tuple[str, str]] = {
    TokenKind.OPEN: (say("Pixel"), "opened"),
    TokenKind.CLICK: (say("Link"), "link"),
    TokenKind.HONEYPOT: (say("Link that no person can see"), "scanner"),
    TokenKind.UNSUBSCRIBE: (say("Unsubscribe link"), "cancelled"),
}
"""Name and icon of each kind of token."""

_STRONGEST = (Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER)


@dataclass(frozen=True, slots=True)
class TokenStory:
    """One pixel or link of a sent copy and what fetched it, `count` times in all. `attempt`: of which, 0 unknown."""

    token: Token
    name: str
    icon: str
    attempt: int
    fetches: tuple[tuple[Fetch, Word], ...]
    count: int


def marks(row: Listing) -> list[Word]:
    """What a row of the grid says of opens and of clicks: the strongest verdict of each, if there is one."""
    found = []
    for words, verdicts in ((OPENS, row.opened), (CLICKS, row.clicked)):
        found += [words[verdict] for verdict in _STRONGEST if verdict in verdicts][:1]
    return found


def happened(event: Event) -> tuple[str, str, str]:
    """Text, icon and tone of an event."""
    words = {Kind.OPENED: OPENS, Kind.CLICKED: CLICKS}.get(event.kind)
    verdict = event.data.get("verdict")
    if words is None or verdict not in list(Verdict):
        return KINDS[event.kind]
    word = words[Verdict(verdict)]
    return word.text, word.icon, word.tone


def circumstances(event: Event) -> str:
    """What is known of an open or a click beside its verdict: the reason, the link, the opinion before."""
    facts = [str(event.data[key]) for key in ("reason", "url") if event.data.get(key)]
    if event.data.get("was"):
        facts.append(say("judged anew, was %(verdict)s", verdict=known(str(event.data["was"]))))
    return joined(" · ", facts)


def token_stories(
    tokens: Sequence[Token], fetches: Iterable[Fetch], attempts: Sequence[Attempt]
) -> tuple[TokenStory, ...]:
    by_token: dict[str, list[Fetch]] = {}
    for fetch in fetches:
        by_token.setdefault(fetch.token_id, []).append(fetch)
    return tuple(_story(token, by_token.get(token.id, []), attempts) for token in tokens)


def _story(token: Token, fetches: list[Fetch], attempts: Sequence[Attempt]) -> TokenStory:
    name, icon = TOKENS[token.kind]
    judged = tuple((fetch, WORDS[token.kind][fetch.verdict]) for fetch in fetches)
    return TokenStory(token, name, icon, attempt_of(token, attempts), judged, sum(fetch.count for fetch in fetches))


def attempt_of(token: Token, attempts: Sequence[Attempt]) -> int:
    """The number of the attempt whose copy holds the token: the first that had not ended when the token was made."""
    for attempt in sorted(attempts, key=lambda attempt: attempt.number):
        if attempt.finished_at is None or attempt.finished_at >= token.created_at:
            return attempt.number
    return 0


def signatures(events: Iterable[Event], attempt: Attempt) -> tuple[Mapping[str, Any], ...]:
    """The DKIM signatures of an attempt, with the fields of `Signature`, as text.

    Of attempts before these were kept with them, as the event that closed it says.
    """
    if attempt.signatures:
        return tuple(asdict(signature) for signature in attempt.signatures)
    for event in events:
        found = event.data.get("signatures")
        if event.data.get("attempt") == attempt.id and isinstance(found, list):
            return tuple(one for one in found if isinstance(one, dict))
    return ()


def left_alone(event: Event) -> tuple[str, ...]:
    """Why tracking did not touch the copy, or parts of it, in words."""
    reasons = event.data.get("reasons") if event.kind is Kind.NOT_TRACKED else None
    return tuple(str(reason) for reason in reasons) if isinstance(reasons, list | tuple) else ()
