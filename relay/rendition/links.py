"""The links of a text leaf that a person could follow on the web, where their targets stand, and what they say.

Finds `a` and `area` of HTML, and plain URLs in text. Other references (images, style sheets, forms) are no links.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from relay.rendition.charsets import to_text
from relay.rendition.decode import decode_field
from relay.rendition.html import Attribute, Scanner, Tag, attributes, masked
from relay.rendition.leaf import text_of
from relay.rendition.mime import Part
from relay.rendition.reference import NoLink, decode_references, followed, host_of, is_within, says_unsubscribe

MAX_LINKS = 10_000
"""Links rewritten in one message."""
MAX_WORDS = 2000
"""Octets of a link's text that are looked at."""
_NO_TRACK = (b"data-mailwitness-no-track", b"data-pm-no-track")
_TEXT_URL = re.compile(rb"(?i)(?<![A-Za-z0-9])https?://[!#-;=?-~]++")
_TRAILING = b".,;:!?'"
_UNCLEAR = b"*_~|`^"
"""Marks at the end that some programs take for a part of the URL and some do not."""
_CLOSING = {0x29: b"(", 0x5D: b"[", 0x7D: b"{"}
_LISTED = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose target [start, stop), quotes included, leads to `url`. `words`: its text, and what is about it."""

    start: int
    stop: int
    quote: bytes
    url: str
    words: str
    is_marked: bool = False
    """It asks not to be tracked."""

    def reason_alone(self, excluded_domains: Collection[str], unsubscribing: Collection[str], base_url: str) -> str:
        """Why it must stay as it is; '' if it may be tracked."""
        if self.is_marked:
            return "marked as not to be tracked"
        if self.url in unsubscribing or says_unsubscribe(self.words) or says_unsubscribe(self.url):
            return "to unsubscribe"
        if is_within(host_of(self.url), excluded_domains):
            return "to an excluded domain"
        if self.url.startswith(f"{base_url}/"):
            return "tracked already"
        return ""


@dataclass(slots=True)
class Links:
    """What a leaf holds. `end`: where something may be put at the end of what is shown."""

    found: list[Link] = field(default_factory=list)
    excess: int = 0
    """Links after the first MAX_LINKS, not looked at."""
    unreadable: list[str] = field(default_factory=list)
    """For each link that cannot be tracked: why."""
    end: int = 0
    unfinished: str = ""
    """What the HTML ends within; then nothing can be put at its end."""


def html_links(html: bytes, charset: str) -> Links:
    """The `a` and `area` of `html` with a target on the web, in order."""
    seen = masked(html, charset)
    links = Links(end=len(html.rstrip(b" \t\r\n\f")))
    scanner = Scanner(seen)
    waiting: Tag | None = None
    is_body_closed = False
    for tag in scanner:
        if tag.name == b"body" and tag.is_end:
            links.end, is_body_closed = tag.start, True
        elif tag.name in (b"a", b"area"):
            if waiting is not None:
                _add(links, html, seen, charset, waiting, tag.start)
            waiting = None if tag.is_end else tag
    if waiting is not None:
        _add(links, html, seen, charset, waiting, len(html))
    links.unfinished = "" if is_body_closed else scanner.unfinished
    return links


def _add(links: Links, html: bytes, seen: bytes, charset: str, tag: Tag, words_stop: int) -> None:
    if len(links.found) == MAX_LINKS:
        links.excess += 1
        return
    given = attributes(seen, tag)
    target = given.get(b"href")
    if target is None:
        return
    try:
        url = _url(html, charset, target)
    except NoLink as reason:
        links.unreadable += [str(reason)] if str(reason) else []
        return
    words = to_text(html[tag.start : min(words_stop, tag.stop + MAX_WORDS)], charset)
    quote = html[target.start : target.value_start]
    is_marked = any(name in given for name in _NO_TRACK)
    links.found.append(Link(target.start, target.stop, quote, url, decode_references(words), is_marked))


def _url(html: bytes, charset: str, target: Attribute) -> str:
    value = text_of(html[target.value_start : target.value_stop], charset)
    if value is None:
        raise NoLink("its octets do not fit the charset")
    return followed(decode_references(value), _name(charset))


def _name(charset: str) -> str:
    return "utf-8" if charset in ("utf8", "utf-8") else charset


def text_links(text: bytes, charset: str, *, is_joined: bool = False) -> Links:
    """The URLs in plain `text`, as mail readers make links of them. `is_joined`: DelSp=yes (RFC 3676 section 4)."""
    seen = masked(text, charset)
    links = Links(end=len(text))
    for match in _TEXT_URL.finditer(seen):
        start, stop = match.start(), _url_stop(seen, *match.span())
        if len(links.found) == MAX_LINKS:
            links.excess += 1
            continue
        following = seen[match.end() : match.end() + 2]
        if following[:1] >= b"\x80" or seen[stop - 1] in _UNCLEAR or b"\\" in match[0]:
            links.unreadable.append("its end in the text cannot be told")
        elif is_joined and following in (b" \r", b" \n"):
            links.unreadable.append("it may go on in the next line")
        else:
            _add_text(links, seen, start, stop, charset)
    return links


def _add_text(links: Links, text: bytes, start: int, stop: int, charset: str) -> None:
    try:
        url = followed(text[start:stop].decode("ascii"), _name(charset))
    except NoLink as reason:
        links.unreadable += [str(reason)] if str(reason) else []
        return
    links.found.append(Link(start, stop, b"", url, to_text(text[_before(text, start) : start], charset)))


def _before(text: bytes, start: int) -> int:
    """Where the line before the one with `start` begins, at most MAX_WORDS octets away."""
    floor = max(start - MAX_WORDS, 0)
    line = text.rfind(b"\n", floor, start)
    return max(text.rfind(b"\n", floor, line), floor) if line > floor else floor


def _url_stop(text: bytes, start: int, stop: int) -> int:
    """Where the URL ends: before the marks of the sentence it stands in, and a bracket that opens before it."""
    surplus = {
        closing: text.count(closing, start, stop) - text.count(opening, start, stop)
        for closing, opening in _CLOSING.items()
    }
    while (last := text[stop - 1]) in _TRAILING or surplus.get(last, 0) > 0:
        surplus[last] = surplus.get(last, 0) - 1
        stop -= 1
    return stop


def list_unsubscribe(root: Part, content: bytes) -> frozenset[str]:
    """The web addresses of the message's List-Unsubscribe fields (RFC 2369), as `followed` gives them."""
    found: set[str] = set()
    for one in root.fields:
        if one.key == "list-unsubscribe":
            for url in _LISTED.findall(decode_field(one.value(content))):
                try:
                    found.add(followed(url))
                except NoLink:
                    continue
    return frozenset(found)
