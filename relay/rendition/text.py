"""The text a person sees in HTML, and the snippet of a text. A linear tokeniser; nothing is fetched or run.

Follows the HTML standard where it matters for what is visible: raw text elements, unclosed comments and tags swallow
what follows. Not a sanitiser.
"""

from __future__ import annotations

import re
from html import unescape

SNIPPET_LENGTH = 200

_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>",
)
_NOT_A_TAG = re.compile(r"<(?![a-zA-Z/!?])")
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "noscript", "template", "iframe", "xmp", "noembed", "noframes")
}
_BREAKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote br center dd div dl dt fieldset figcaption figure footer form "
        "h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section table tr ul",
    )
)
_GAPS = frozenset({"td", "th"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LONG_NUMBER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_BLANK_LINES = re.compile(r" *\n[ \n]*\n *| *\n *")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def html_to_text(html: str, limit: int | None = None) -> str:
    """What of `html` is seen: tags gone, blocks on lines of their own, white space folded; about `limit` characters.

    >>> html_to_text("<style>p{}</style><p>Dear&nbsp;Jo,<p>see <b>INV</b>-1")
    'Dear\\xa0Jo,\\nsee INV-1'
    """
    pieces: list[str] = []
    room = len(html) if limit is None else limit
    position = 0
    while position < len(html) and room > 0:
        mark = html.find("<", position)
        if mark != position:
            piece = _fold(html[position : mark if mark >= 0 else len(html)], room)
            pieces.append(piece)
            room -= len(piece)
            if mark < 0:
                break
        position, piece = _after_markup(html, mark)
        pieces.append(piece)
        room -= len(piece)
    return _BLANK_LINES.sub("\n", "".join(pieces)).strip(" \n")[:limit]


def _fold(text: str, room: int) -> str:
    # Some 8 octets for one character is the usual worst (`&#8199;`); the rest would be cut anyway.
    text = _SPACE.sub(" ", text[: 10 * room])
    return unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _after_markup(html: str, start: int) -> tuple[int, str]:
    """Where the markup ends that begins with the `<` at `start`, and what it leaves in the text."""
    if html.startswith("<!--", start):
        return _after(html, "-->", start + 2), ""
    if _NOT_A_TAG.match(html, start):
        return start + 1, "<"
    tag = _TAG.match(html, start)
    if tag is None:
        # `<!doctype …>`, `<?xml …>`, `</>`; or an unfinished tag, with which a browser shows nothing more.
        return _after(html, ">", start), ""
    name = tag["name"].lower()
    if name in _RAW and not tag["close"]:
        end = _RAW[name].search(html, tag.end())
        return (end.start() if end else len(html)), ""
    return tag.end(), "\n" if name in _BREAKS else " " if name in _GAPS else ""


def _after(html: str, mark: str, position: int) -> int:
    found = html.find(mark, position)
    return found + len(mark) if found >= 0 else len(html)


def snippet(text: str) -> str:
    """The first SNIPPET_LENGTH characters, white space folded, without the invisible filling of pre-headers."""
    visible = _INVISIBLE.sub("", text[: 20 * SNIPPET_LENGTH])
    return " ".join(visible.split())[:SNIPPET_LENGTH].rstrip()
