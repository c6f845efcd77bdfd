"""Copies as they would have been sent: tracked where there is HTML, signed, with our Received field; and their readers.

Signed by keys that are made for the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count

from relay.model.delivery import Delivery
from relay.model.edit import Edit
from relay.model.fetch import Fetch, Verdict
from relay.model.message import Message
from relay.model.token import Token, TokenKind
from relay.rendition.edit import splice
from relay.rendition.signing import sign
from relay.rendition.trace import received_edit, transit_edits
from relay.rendition.tracking import Tracked, track
from relay.rendition.wish import TrackingWish
from tests.support.signatures import ed25519_key, rsa_key

DOMAIN = "shop.example.com"
TRACKING_URL = "https://t.shop.example.com"
_NUMBERS = count(1)

APPLE = ("Mozilla/5.0", Verdict.PROXY, "a bare Mozilla/5.0, as Apple Mail Privacy Protection fetches, often unopened")
PERSON = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    Verdict.HUMAN,
    "nothing speaks against a person",
)
CHECKER = ("python-requests/2.31", Verdict.SCANNER, "fetched by a program that follows links")


@dataclass(frozen=True, slots=True)
class SentCopy:
    edits: tuple[Edit, ...]
    sha256: bytes
    size: int
    tokens: tuple[Token, ...]
    skipped: tuple[str, ...]
    signatures: tuple[dict[str, str], ...]


def new_token() -> str:
    """As long as real ones, and the same in every run."""
    digest = hashlib.sha256(b"token %d" % next(_NUMBERS)).hexdigest()
    return digest[:22]


def sent_copy(message: Message, content: bytes, duty: Delivery, at: int, base_url: str = TRACKING_URL) -> SentCopy:
    """The copy for one recipient; `at`: when the attempt begins."""
    tracked = _tracked(content, base_url)
    received = received_edit(
        "minimal", hostname="mail.shop.example.com", protocol="ESMTPSA", message_id=message.id, received_at=at
    )
    edits = transit_edits(content, received, tracked.edits)
    keys = [ed25519_key(DOMAIN, "e2026"), rsa_key(DOMAIN, "r2026")]
    field = sign(splice(content, edits), keys, at=at // 1_000_000)
    edits = (Edit(0, 0, field, "dkim"), *edits)
    wire = splice(content, edits)
    tokens = tuple(Token(one.id, duty.id, message.id, one.kind, at, one.url, one.part) for one in tracked.tokens)
    facts = tuple({name: str(value) for name, value in asdict(key.facts(DOMAIN)).items()} for key in keys)
    return SentCopy(edits, hashlib.sha256(wire).digest(), len(wire), tokens, tracked.skipped, facts)


def _tracked(content: bytes, base_url: str) -> Tracked:
    return track(content, TrackingWish(opens=True, clicks=True), base_url=base_url, new_token=new_token)


def readers(tokens: tuple[Token, ...], at: int, new_id: Callable[[], str]) -> list[Fetch]:
    """A privacy proxy at once, a person later who also follows a link, a program that follows another."""
    pixel = next((token for token in tokens if token.kind is TokenKind.OPEN), None)
    links = [token for token in tokens if token.kind is TokenKind.CLICK]
    if pixel is None:
        return []
    minute = 60_000_000
    fetches = [_fetch(pixel, at + minute // 3, APPLE, new_id()), _fetch(pixel, at + 2 * minute, PERSON, new_id())]
    if links:
        fetches.append(_fetch(links[0], at + 3 * minute, PERSON, new_id()))
        fetches.append(_fetch(links[-1], at + minute // 2, CHECKER, new_id()))
    return fetches


def _fetch(token: Token, at: int, reader: tuple[str, Verdict, str], fetch_id: str) -> Fetch:
    agent, verdict, reason = reader
    return Fetch(fetch_id, token.id, at, "GET", "203.0.113.0", agent, verdict, reason, 1)
