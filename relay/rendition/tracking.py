"""Tracking of one recipient's copy: the edits that put a pixel and tracked links into it, and the tokens they need.

    found = survey(content, wish, base_url="https://t.example")     # once for a message
    found.copy(new_token)                                           # for each recipient

Says in words what was left alone, and why. What is not edited stays as it is, octet for octet. Fetches are the business
of feedback. `track` does both steps for one recipient.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from relay.model.edit import Edit
from relay.model.token import TokenKind
from relay.rendition.leaf import Change, Leaf, Unfit, charset_of, open_leaf
from relay.rendition.links import MAX_LINKS, Links, html_links, list_unsubscribe, text_links
from relay.rendition.mime import Part, parse
from relay.rendition.parts import bodies
from relay.rendition.untouched import reason_untouched, signatures
from relay.rendition.wish import TrackingWish

STEP = "tracking"

_BASE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]{1,253}(?:/[A-Za-z0-9._~/-]{0,200})?")
_TOO_MANY = f"more than {MAX_LINKS} in the message"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_PIXEL = (b'<img src="', b'" width="1" height="1" alt="" style="border:0">')
_HONEYPOT = (b'<a href="', b'" style="display:none" tabindex="-1" aria-hidden="true" rel="nofollow"></a>')


@dataclass(frozen=True, slots=True)
class Planned:
    """A token that the copy needs. `url`: where a click leads; `part`: number of the MIME part it stands in."""

    id: str
    kind: TokenKind
    url: str
    part: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """`edits` of step `tracking`, relative to the content, in order; `skipped`: what was left alone and why."""

    edits: tuple[Edit, ...] = ()
    tokens: tuple[Planned, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a token comes to stand in a leaf: between `before` and `after`."""

    kind: TokenKind
    start: int
    stop: int
    before: bytes
    after: bytes
    url: str = ""
    is_loose: bool = True


@dataclass(frozen=True, slots=True)
class _Page:
    part: int
    leaf: Leaf
    spots: tuple[_Spot, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All places of a content that tracking changes; good for any number of copies."""

    base_url: str
    pages: tuple[_Page, ...] = ()
    removals: tuple[Edit, ...] = ()
    """Signatures that would be wrong."""
    skipped: tuple[str, ...] = ()

    def copy(self, new_token: Callable[[], str]) -> Tracked:
        """One recipient's copy. `new_token`: unguessable, URL-safe, another each time."""
        edits: list[Edit] = []
        tokens: list[Planned] = []
        for page in self.pages:
            changes: list[Change] = []
            planned: dict[Change, Planned] = {}
            for spot in page.spots:
                token = Planned(new_token(), spot.kind, spot.url, page.part)
                changes.append(self._change(spot, token.id))
                planned[changes[-1]] = token
            fitting = page.leaf.fitting(changes)
            tokens += (planned[change] for change in fitting)
            edits += page.leaf.edits(fitting, STEP)
        return Tracked(tuple([*self.removals, *edits] if edits else ()), tuple(tokens), self.skipped)

    def _change(self, spot: _Spot, token: str) -> Change:
        if _TOKEN.fullmatch(token) is None:
            raise ValueError("a token must be URL-safe")
        path = f"/o/{token}.gif" if spot.kind is TokenKind.OPEN else f"/c/{token}"
        url = (self.base_url + path).encode("ascii")
        return Change(spot.start, spot.stop, spot.before + url + spot.after, spot.is_loose)


def track(content: bytes, wish: TrackingWish, *, base_url: str, new_token: Callable[[], str]) -> Tracked:
    """The edits and tokens of one recipient's copy of `content`; see `survey`."""
    return survey(content, wish, base_url=base_url).copy(new_token)


def survey(content: bytes, wish: TrackingWish, *, base_url: str) -> Survey:
    """What tracking changes in `content`, whatever the octets. Raises ValueError for a `base_url` that is none.

    `base_url`: `https://t.example` or with a path, without a slash at the end.
    """
    if _BASE_URL.fullmatch(base_url) is None or base_url.endswith("/"):
        raise ValueError(f"not a base URL for tracking: {base_url!r}")
    if not wish.is_any:
        return Survey(base_url)
    root = parse(content)
    signed = signatures(root)
    if signed and not wish.strip_signatures:
        return Survey(base_url, skipped=(f"left alone: it is already signed ({signed[0].name})",))
    if reason := reason_untouched(root, content):
        return Survey(base_url, skipped=(f"left alone: {reason}",))
    removals = tuple(Edit(field.start, field.stop, b"", STEP) for field in signed)
    return _Surveyor(content, root, wish, base_url).run(removals)


class _Surveyor:
    """Goes through the bodies of one message, which may be changed."""

    def __init__(self, content: bytes, root: Part, wish: TrackingWish, base_url: str) -> None:
        self.content, self.root, self.wish, self.base_url = content, root, wish, base_url
        self.kept = list_unsubscribe(root, content)
        self.skipped: dict[str, None] = {}
        self.alone: Counter[str] = Counter()
        self.links_left = MAX_LINKS
        self.has_pixel = False

    def run(self, removals: tuple[Edit, ...]) -> Survey:
        parts = bodies(self.root)
        if not any(part.content_type == "text/html" for part in parts):
            self.skipped["no HTML in it"] = None
        pages = tuple(page for part in parts if (page := self.page(part)) is not None and page.spots)
        for reason, count in self.alone.items():
            self.skipped[f"{count} {'link' if count == 1 else 'links'} left alone: {reason}"] = None
        return Survey(self.base_url, pages, removals, tuple(self.skipped))

    def page(self, part: Part) -> _Page | None:
        is_html = part.content_type == "text/html"
        if not (is_html or (part.content_type == "text/plain" and self.wish.text_links)):
            return None
        try:
            leaf = open_leaf(part, self.content)
        except Unfit as unfit:
            self.skipped[f"part {part.number} left alone: {unfit}"] = None
            return None
        spots = self.html_spots(part, leaf) if is_html else self.text_spots(part, leaf)
        return _Page(part.number, leaf, spots)

    def html_spots(self, part: Part, leaf: Leaf) -> tuple[_Spot, ...]:
        links = html_links(leaf.text, charset_of(part))
        spots = self.link_spots(links, is_loose=True) if self.wish.clicks else []
        if links.unfinished:
            self.skipped[f"part {part.number} without pixel: its HTML ends within a {links.unfinished}"] = None
            return tuple(spots)
        beside: list[_Spot] = []
        if self.wish.opens and not self.has_pixel:
            self.has_pixel = True
            beside.append(_Spot(TokenKind.OPEN, links.end, links.end, *_PIXEL))
        if self.wish.honeypot and spots:
            beside.append(_Spot(TokenKind.HONEYPOT, links.end, links.end, *_HONEYPOT))
        place = sum(spot.start < links.end for spot in spots)
        return (*spots[:place], *beside, *spots[place:])

    def text_spots(self, part: Part, leaf: Leaf) -> tuple[_Spot, ...]:
        is_joined = part.parameters.octets("delsp") is not None
        return tuple(self.link_spots(text_links(leaf.text, charset_of(part), is_joined=is_joined), is_loose=False))

    def link_spots(self, links: Links, *, is_loose: bool) -> list[_Spot]:
        spots: list[_Spot] = []
        for link in links.found:
            reason = link.reason_alone(self.wish.excluded_domains, self.kept, self.base_url)
            if not reason and not self.links_left:
                reason = _TOO_MANY
            if reason:
                self.alone[reason] += 1
                continue
            self.links_left -= 1
            spots.append(_Spot(TokenKind.CLICK, link.start, link.stop, link.quote, link.quote, link.url, is_loose))
        for reason in links.unreadable:
            self.alone[reason] += 1
        if links.excess:
            self.alone[_TOO_MANY] += links.excess
        return spots
