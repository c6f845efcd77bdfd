"""Opinions about fetches among the others of the same copy: what one looks like depends on what else was fetched.

Used on new fetches, and on kept ones by `mailwitness reclassify`. The rules are in `classify.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from relay.archive.api import Archive
from relay.feedback.classify import AT_ONCE, MANY, SECOND, TRAP_TIME, VERSION, Circumstances, Opinion, classify
from relay.model.fetch import Fetch, Judgement, Verdict
from relay.model.token import Token, TokenKind

_LINKS = (TokenKind.CLICK, TokenKind.HONEYPOT)


@dataclass(slots=True)
class _Copy:
    """What was followed in one recipient's copy, second by second."""

    links: int = 0
    followed: dict[int, set[str]] = field(default_factory=dict)
    traps: set[int] = field(default_factory=set)

    def note(self, fetch: Fetch, kind: TokenKind) -> None:
        second = fetch.at // SECOND
        if kind is TokenKind.HONEYPOT:
            self.traps.add(second)
        else:
            self.followed.setdefault(second, set()).add(fetch.token_id)

    def links_at_once(self, second: int) -> int:
        found: set[str] = set()
        for near in range(second - AT_ONCE, second + AT_ONCE + 1):
            found |= self.followed.get(near, set())
            if len(found) >= MANY:
                break
        return min(len(found), MANY)

    def is_near_trap(self, second: int) -> bool:
        return any(abs(second - trap) <= TRAP_TIME for trap in self.traps)


async def judged(
    archive: Archive, fetches: Sequence[Fetch], tokens: Mapping[str, Token]
) -> tuple[list[Fetch], list[Fetch]]:
    """The fetches with opinions as of now, and kept ones of the same copies about which the opinion has changed.

    `tokens`: of all the fetches. Raises ArchiveUnavailable.
    """
    following = {tokens[fetch.token_id].delivery_id for fetch in fetches if tokens[fetch.token_id].kind in _LINKS}
    copies = {token.delivery_id: _Copy() for token in tokens.values()}
    earlier = await _earlier(archive, fetches, sorted(following))
    known = dict(tokens)
    missing = {fetch.token_id for fetch in earlier} - known.keys()
    known |= await archive.tracking_tokens(sorted(missing)) if missing else {}
    if following:
        for delivery_id, links in (await archive.link_counts(sorted(following))).items():
            copies[delivery_id].links = links
    for fetch in (*earlier, *fetches):
        token = known[fetch.token_id]
        if token.kind in _LINKS:
            copies[token.delivery_id].note(fetch, token.kind)
    now = [_with_opinion(fetch, known, copies) for fetch in fetches]
    # What comes later can only speak against a person.
    people = [fetch for fetch in earlier if fetch.verdict is Verdict.HUMAN]
    again = [_with_opinion(fetch, known, copies) for fetch in people]
    return now, [fetch for fetch in again if fetch.verdict is not Verdict.HUMAN]


async def _earlier(archive: Archive, fetches: Sequence[Fetch], delivery_ids: Sequence[str]) -> list[Fetch]:
    """Kept fetches of links in these copies, near in time, that are not among `fetches`."""
    if not delivery_ids:
        return []
    first, last = min(fetch.at for fetch in fetches), max(fetch.at for fetch in fetches)
    reach = (TRAP_TIME + 1) * SECOND
    ids = {fetch.id for fetch in fetches}
    near = await archive.clicks_near(delivery_ids, first - reach, last + reach)
    return [fetch for fetch in near if fetch.id not in ids]


def _with_opinion(fetch: Fetch, tokens: Mapping[str, Token], copies: Mapping[str, _Copy]) -> Fetch:
    token = tokens[fetch.token_id]
    opinion = _opinion(fetch, token, copies[token.delivery_id])
    # Not dataclasses.replace, which costs as much as the rules.
    return Fetch(
        fetch.id,
        fetch.token_id,
        fetch.at,
        fetch.method,
        fetch.address,
        fetch.user_agent,
        opinion.verdict,
        opinion.reason,
        VERSION,
        fetch.count,
        fetch.signals,
        fetch.network,
    )


def _opinion(fetch: Fetch, token: Token, copy: _Copy) -> Opinion:
    second = fetch.at // SECOND
    return classify(
        Circumstances(
            kind=token.kind,
            method=fetch.method,
            user_agent=fetch.user_agent,
            signals=fetch.signals,
            network=fetch.network,
            since_sent=fetch.at - token.created_at,
            links=copy.links,
            links_at_once=copy.links_at_once(second) if token.kind is TokenKind.CLICK else 0,
            is_near_trap=copy.is_near_trap(second),
        )
    )


def judgements(fetches: Iterable[Fetch], *, now: int, new_id: Callable[[], str]) -> list[Judgement]:
    """The opinions of these fetches as the archive takes them."""
    return [Judgement(new_id(), now, fetch.id, fetch.verdict, fetch.reason, fetch.rules_version) for fetch in fetches]


async def judge_again(
    archive: Archive, after: str, limit: int, *, before: int = VERSION
) -> tuple[list[Fetch], list[Fetch]]:
    """A page of kept fetches with opinions of rules older than `before`: (as they were, as they are judged now)."""
    old = await archive.fetches_judged_before(before, after, limit)
    tokens = await archive.tracking_tokens(sorted({fetch.token_id for fetch in old}))
    new, _ = await judged(archive, old, tokens)
    return old, new
