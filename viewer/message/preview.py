"""A message's HTML made inert: no script, no form, no fetch, no link that can be followed by accident.

Second line of defence; the first is the frame's sandbox and the response's own Content-Security-Policy (`POLICY`),
under which the document cannot load or run anything even if this file were wrong. Pictures that came with the message
become data: addresses, so that the preview makes no request at all, not even to us. Only a reader who asks for it
(`Look.images`) has their own browser load pictures over https; we never do. Light and dark are chosen here, by writing
the answer into the style sheet's question (`prefers-color-scheme`), so that no script is needed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import nh3

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
"""The Content-Security-Policy of a preview."""
POLICY_WITH_IMAGES = POLICY.replace("img-src data:", "img-src data: https:")
"""Of one whose reader asked for remote pictures. Nothing else is let through, and nothing over plain http."""

MAX_HTML = 2_000_000
"""Characters of HTML that are made into a preview."""
MAX_TAGS = 25_000
"""Less-than signs in it: the parser's work can grow with their square."""
MAX_EMBEDDED = 8_000_000
"""Characters of data: addresses in one preview; pictures beyond it are shown as grey boxes."""
MAX_LINKS = 300
RASTER_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""Picture types without script, reference or markup of their own (so not SVG)."""

_GREY_BOX = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='40' height='30'%3E"
    "%3Crect width='100%25' height='100%25' fill='%23e4e7e8'/%3E%3C/svg%3E"
)
_DATA_PICTURE = re.compile(r"data:(image/[a-z]+);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_STYLE_ELEMENT = re.compile(r"(<style[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_HEX_LETTER = "(?:[46][1-9a-f]|[57][0-9a])"
_CSS_ESCAPE = re.compile(
    rf"\\(?:(0000{_HEX_LETTER}|0{{0,3}}{_HEX_LETTER}(?![0-9a-f]))[ \t\r\n\f]?|([g-z])|.)", re.IGNORECASE | re.DOTALL
)
"""An escape of a style sheet; its groups are a letter: `u\\72l(` is `url(`."""
_CSS_URL = re.compile(r"url\(", re.IGNORECASE)
_CSS_FETCH = re.compile(
    r"url\(|image-set\(|@import|@font-face|expression\(|-moz-binding|behavior\s*:|(?<![\w-])src\(",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(<(?:a|area)\b(?:[^\">]|\"[^\"]*\")*?)\shref=(\"[^\"]*\")")
_REMOTE_PICTURE = re.compile(r"https://[^\s\"'()<>\\]{1,2000}", re.IGNORECASE)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*(?::\s*([a-z-]+)\s*)?\)", re.IGNORECASE)
_KNOWS_DARK = re.compile(
    r"prefers-color-scheme\s*:\s*dark|color-schemes?\s*:[^;}]{0,40}\bdark|<meta[^>]{0,200}color-schemes?[^>]{0,200}\bdark",
    re.IGNORECASE,
)
_MEDIA = re.compile(r"[\w\s(),:./-]{1,300}")
_BODY = re.compile(r"<body(?=[\s>])", re.IGNORECASE)
_TRUE, _FALSE = "(min-width:0)", "(max-width:0)"
_DIMENSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?%?")


def _letter(found: re.Match[str]) -> str:
    """The letter that an escape stands for; other escapes as they are."""
    return chr(int(found[1], 16)) if found[1] else found[2] or found[0]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _names(
    "a abbr acronym address area article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del"
    " details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main map"
    " mark menu nav ol p pre q rp rt ruby s samp section small span strike strong style sub summary sup table tbody td"
    " tfoot th thead time tr tt u ul var wbr"
)
_DROPPED_WITH_CONTENT = _names(
    "script title iframe object embed applet noscript template textarea select svg math frameset noframes audio video"
    " xml"
)
_ANYWHERE = _names(
    "align bgcolor border cellpadding cellspacing class color colspan dir height hspace id lang nowrap role rowspan"
    " size span start style summary title type valign value vspace width background face"
)
_ATTRIBUTES = {
    "*": _ANYWHERE,
    "a": frozenset({"href", "name"}),
    "area": frozenset({"href", "shape", "coords", "alt"}),
    "img": frozenset({"src", "alt", "usemap"}),
    "map": frozenset({"name"}),
    "details": frozenset({"open"}),
    "style": frozenset({"media"}),
}

_FRAME = """<!doctype html>
<html><head><meta charset="utf-8"><meta name="color-scheme" content="{scheme}"><title>Preview</title><style>
/* on the body, where a message's own colours win and fill the whole page */
:where(body){{{colours}}}
body{{margin:16px;overflow-wrap:break-word}}
body{{font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}}
img{{max-width:100%}}
/* no weight, so that any style of the message wins */
:where(a[title]){{color:{link};text-decoration:underline;cursor:help}}
</style></head><body>
{body}
</body></html>
"""


_COLOURS = {
    "light": {"colours": "background:#fff;color:#16191a", "link": "#0b57a4"},
    "dark": {"colours": "background:#1c1c1e;color:#f2f2f3", "link": "#7db8f5"},
}
SCHEMES = tuple(_COLOURS)


class TooMuch(ValueError):
    """Too large or too deep to be made safe in good time; offer the text and the source instead."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a message is looked at. `scheme` is one of SCHEMES; `images`: the reader's browser may load remote ones."""

    scheme: str = "light"
    images: bool = False

    @property
    def policy(self) -> str:
        return POLICY_WITH_IMAGES if self.images else POLICY


USUAL = Look()


@dataclass(frozen=True, slots=True)
class Preview:
    """A safe document; how many pictures of other servers it names; where its links lead (not loaded)."""

    document: str
    remote: int
    links: tuple[str, ...]
    is_cut: bool = False
    """The HTML was longer than MAX_HTML; the rest is not shown."""
    knows_dark: bool = False
    """It says how it wants to look in the dark; of one that does not, each mail program makes what it likes."""
    body: str = ""
    """The inside of the document's body, with the message's styles."""


def make_preview(html: str, picture: Callable[[str], str | None], look: Look = USUAL) -> Preview:
    """The document that shows `html` and does nothing. `picture` gives the data: address of a Content-ID, or None.

    Raises TooMuch for HTML with more than MAX_TAGS tags.
    """
    if html.count("<", 0, MAX_HTML) > MAX_TAGS:
        raise TooMuch(f"more than {MAX_TAGS} tags")
    cleaner = _Cleaner(picture, look)
    knows_dark = _KNOWS_DARK.search(html[:MAX_HTML]) is not None
    scheme = look.scheme if knows_dark else "light"
    body = nh3.clean(
        # The body's own attributes stay, on a box in its place, as web mail does it.
        _BODY.sub("<div", html[:MAX_HTML], count=1),
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=cleaner.attribute,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        url_relative="deny",
        link_rel=None,
    )
    # Even a sandboxed frame opens a link in a new tab when Control is held, so links lose their address; it is shown
    # when the mouse rests on them. In what nh3 writes, quotation marks inside values are always escaped.
    body = _ADDRESS.sub(r"\1 title=\2", body)
    body = _STYLE_ELEMENT.sub(lambda found: found[1] + cleaner.css(found[2]) + found[3], body)
    document = _FRAME.format(body=body, scheme=scheme, **_COLOURS[scheme])
    return Preview(document, cleaner.remote, tuple(cleaner.links), len(html) > MAX_HTML, knows_dark, body)


class _Cleaner:
    """What nh3 asks about each attribute that it would keep; counts and collects on the way."""

    def __init__(self, picture: Callable[[str], str | None], look: Look) -> None:
        self._picture = picture
        self._look = look
        self._embedded = 0
        self.remote = 0
        self.links: dict[str, None] = {}

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """The value to keep, or None to drop the attribute."""
        if tag == "img" and name == "src":
            return self._source(value)
        if name == "href":
            return self._link(value)
        if name == "title" and tag in ("a", "area"):
            return None
        if name == "background":
            self._note_remote(value)
            return value if self._is_wanted(value) else None
        if tag == "style" and name == "media":
            return self._asked(value) if _MEDIA.fullmatch(value) else "not all"
        if name == "style":
            return self.css(value)
        if name in ("width", "height") and tag == "img":
            return value if _DIMENSION.fullmatch(value.strip()) else None
        return value

    def css(self, text: str) -> str:
        """The style sheet or declarations without anything that names another resource, but wanted pictures."""
        text = _CSS_ESCAPE.sub(_letter, text)
        pieces: list[str] = []
        position = 0
        while (found := _CSS_URL.search(text, position)) is not None:
            pieces.append(_CSS_FETCH.sub("off-", text[position : found.start()]))
            stop = text.find(")", found.end())
            if stop < 0:
                # Never closed: the rest would be part of the address.
                return self._asked("".join(pieces))
            address = text[found.end() : stop].strip("\"' \t\r\n")
            self._note_remote(address)
            pieces.append(f"url('{address}')" if self._is_wanted(address) else "none")
            position = stop + 1
        return self._asked("".join([*pieces, _CSS_FETCH.sub("off-", text[position:])]))

    def _asked(self, text: str) -> str:
        """The style sheet with its questions about light and dark answered."""
        return _SCHEME.sub(
            lambda found: _TRUE if (found[1] or self._look.scheme).lower() == self._look.scheme else _FALSE, text
        )

    def _is_wanted(self, address: str) -> bool:
        return self._look.images and _REMOTE_PICTURE.fullmatch(address.strip()) is not None

    def _source(self, value: str) -> str:
        address = value.strip()
        scheme = address[:5].lower()
        if scheme.startswith("cid:"):
            address = self._picture(address[4:]) or ""
        elif scheme != "data:":
            self._note_remote(address)
            return address if self._is_wanted(address) else _GREY_BOX
        found = _DATA_PICTURE.fullmatch(address)
        self._embedded += len(address)
        is_shown = found is not None and found[1].lower() in RASTER_TYPES and self._embedded <= MAX_EMBEDDED
        return address if is_shown else _GREY_BOX

    def _note_remote(self, address: str) -> None:
        if address[:5].lower() not in ("data:", "") and not address.startswith("#"):
            self.remote += 1

    def _link(self, value: str) -> str | None:
        scheme = value.partition(":")[0].strip().lower()
        if scheme not in ("http", "https", "mailto", "tel"):
            return None
        if len(self.links) < MAX_LINKS:
            self.links.setdefault(value.strip())
        return value
