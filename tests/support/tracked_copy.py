"""A message that was sent to one recipient with a pixel, links, a trap and an unsubscribe link in its copy."""

from __future__ import annotations

from dataclasses import dataclass

from relay.archive.api import Archive
from relay.archive.content import stored
from relay.model.token import Token, TokenKind
from tests.support.archive_values import CONTENT, NOON, a_message, an_attempt, deliveries_of

SHOP = "https://shop.example/orders?id=1&name=%C3%BC"
HELP = "https://help.example/"


@dataclass(frozen=True, slots=True)
class TrackedCopy:
    message_id: str
    delivery_id: str
    pixel: str
    links: tuple[str, ...]
    trap: str
    leave: str


async def tracked_copy(
    archive: Archive, number: int = 1, *, urls: tuple[str, ...] = (SHOP, HELP), sent_at: int = NOON
) -> TrackedCopy:
    """Kept, claimed and begun; the tokens are made of the number, so that two archives hold the same."""
    message = a_message(number)
    [duty] = deliveries_of(message)
    await archive.add_message(message, stored(CONTENT), [duty], [])
    await archive.claim("me", NOON * 2, NOON * 2, 10)
    copy = TrackedCopy(
        message.id,
        duty.id,
        f"pixel-of-copy-{number}",
        tuple(f"link-{n}-of-copy-{number}" for n in range(len(urls))),
        f"trap-of-copy-{number}",
        f"leave-of-copy-{number}",
    )
    given = [
        (copy.pixel, TokenKind.OPEN, ""),
        (copy.trap, TokenKind.HONEYPOT, ""),
        (copy.leave, TokenKind.UNSUBSCRIBE, ""),
    ]
    given += [(token, TokenKind.CLICK, url) for token, url in zip(copy.links, urls, strict=True)]
    tokens = [Token(token, duty.id, message.id, kind, sent_at, url) for token, kind, url in given]
    await archive.begin_attempts([an_attempt(duty)], tokens)
    return copy
