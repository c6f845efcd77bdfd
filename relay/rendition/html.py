"""The tags of an HTML text with the exact offsets of their attributes; found, never repaired or written again.

Follows the tokenizer of the HTML standard (WHATWG, section 13.2.5) as far as it says what is a tag and what is not:
comments, declarations, scripts, styles and texts that hold no markup are passed over. Builds no tree. Works on octets
of any charset that keeps ASCII apart (`masked` makes ISO-2022-JP one); linear, whatever the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ATTRIBUTES = 1000

_SPACE = rb"[\t\n\f\r ]*+"
_VALUE = rb"(?:\"[^\"]*+\"|'[^']*+'|(?=>)|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)"
_NAME = rb"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
# An equals sign must have its value: if a quote is never closed the tag is none, as the standard has it.
_ATTRIBUTE = rb"[\t\n\f\r /]*+" + _NAME + _SPACE + rb"(?:=" + _SPACE + _VALUE + rb"|(?!=))"
_OPENING = re.compile(rb"<(?=[A-Za-z/!?])")
_TAG = re.compile(rb"</?+[A-Za-z][^\t\n\f\r />]*+(?:" + _ATTRIBUTE + rb")*+[\t\n\f\r /]*+>")
_TAG_NAME = re.compile(rb"</?+([A-Za-z][^\t\n\f\r />]*+)")
_ONE_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+(" + _NAME + rb")" + _SPACE + rb"(?:=" + _SPACE + rb"(" + _VALUE + rb")|(?!=))"
)
_COMMENT_END = re.compile(rb"--!?>")
_RAW = frozenset({b"style", b"xmp", b"iframe", b"noembed", b"noframes", b"title", b"textarea"})
_RAW_END = {name: re.compile(rb"(?i)</" + name + rb"(?=[\t\n\f\r />])") for name in (*_RAW, b"script")}
_SCRIPT_TURN = re.compile(rb"(?i)(<!--)(?!-*+>)|(-->)|<(/?)script(?=[\t\n\f\r />])")
_FOREIGN = frozenset({b"svg", b"math"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A start or end tag; [start, stop) from `<` to just after `>`. `name` in lower case."""

    name: bytes
    is_end: bool
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """`name` in lower case; [value_start, value_stop) without quotes, [start, stop) with them. No value: all empty."""

    name: bytes
    start: int
    value_start: int
    value_stop: int
    stop: int


class Scanner:
    """Iterating yields every tag of `html` in order, once. Then `unfinished` says what the text ended within."""

    def __init__(self, html: bytes) -> None:
        self.html = html
        self.unfinished = ""
        """`comment`, `tag`, or the name of an element that holds no markup; '' if the text ended between tags."""
        self._foreign = 0

    def __iter__(self) -> Iterator[Tag]:
        html, position = self.html, 0
        while (opening := _OPENING.search(html, position)) is not None:
            start = opening.start()
            match = _TAG.match(html, start)
            if match is None:
                position = self._after_markup(start)
                continue
            position = match.end()
            is_end = html[start + 1] == 0x2F
            name = _tag_name(html, start)
            yield Tag(name, is_end, start, position)
            if name in _FOREIGN:
                self._cross_foreign(is_end, html[position - 2] == 0x2F)
            elif not is_end and not self._foreign:
                position = self._after_raw(name, position)

    def _after_markup(self, start: int) -> int:
        """Where text goes on after the `<` at `start`, which begins no whole tag."""
        html = self.html
        if html.startswith(b"<!--", start):
            return self._after_comment(start + 4)
        if self._foreign and html.startswith(b"<![CDATA[", start):
            return self._after(html.find(b"]]>", start + 9), 3, "comment")
        if html.startswith((b"<!", b"<?"), start):
            return self._after(html.find(b">", start + 2), 1, "comment")
        if _TAG_NAME.match(html, start):
            return self._after(-1, 0, "tag")
        if start + 2 == len(html):
            return start + 2  # `</` at the end is text
        return self._after(html.find(b">", start + 2), 1, "comment")

    def _after_comment(self, start: int) -> int:
        for end in (b">", b"->"):  # <!--> and <!---> are whole comments
            if self.html.startswith(end, start):
                return start + len(end)
        match = _COMMENT_END.search(self.html, start)
        return self._after(match.end() if match else -1, 0, "comment")

    def _after(self, found: int, length: int, what: str) -> int:
        if found < 0:
            self.unfinished = what
            return len(self.html)
        return found + length

    def _cross_foreign(self, is_end: bool, is_self_closing: bool) -> None:
        """Within svg and math there are CDATA sections, and no element whose text is not markup."""
        if is_end:
            self._foreign = max(self._foreign - 1, 0)
        elif not is_self_closing:
            self._foreign += 1

    def _after_raw(self, name: bytes, position: int) -> int:
        """Where markup goes on after the start tag `name` that ends at `position`: at the matching end tag, if raw."""
        if name == b"plaintext":
            return self._after(-1, 0, "plaintext")
        if name == b"script":
            return self._after(self._script_end(position), 0, "script")
        if name in _RAW:
            match = _RAW_END[name].search(self.html, position)
            return self._after(match.start() if match else -1, 0, name.decode("ascii"))
        return position

    def _script_end(self, position: int) -> int:
        """Where the script's end tag begins; -1 if nowhere. A script tag within `<!--` hides the next end tag."""
        is_escaped = is_doubly_escaped = False
        for match in _SCRIPT_TURN.finditer(self.html, position):
            if match[1]:
                is_escaped = True
            elif match[2]:
                is_escaped = is_doubly_escaped = False
            elif not match[3]:
                is_doubly_escaped = is_escaped
            elif is_doubly_escaped:
                is_doubly_escaped = False
            else:
                return match.start()
        return -1


def _tag_name(html: bytes, start: int) -> bytes:
    match = _TAG_NAME.match(html, start)
    return match[1].lower() if match else b""


def attributes(html: bytes, tag: Tag) -> dict[bytes, Attribute]:
    """The first MAX_ATTRIBUTES of `tag` by name; of equal names the first counts, as in browsers."""
    found: dict[bytes, Attribute] = {}
    position = tag.start + 1 + tag.is_end + len(tag.name)
    for _ in range(MAX_ATTRIBUTES):
        match = _ONE_ATTRIBUTE.match(html, position, tag.stop)
        if match is None:
            break
        position = match.end()
        start, stop = match.span(2) if match[2] else (position, position)
        is_quoted = match[2] is not None and match[2][:1] in (b'"', b"'")
        name = match[1].lower()
        found.setdefault(name, Attribute(name, start, start + is_quoted, stop - is_quoted, stop))
    return found


_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@AB]|\$\([A-D]|\(I)[^\x1b]*+|\x1b\([BJ]")


def masked(text: bytes, charset: str) -> bytes:
    """`text` for the scanner, each octet in its place: what ISO-2022-JP writes between escapes is no markup."""
    if not charset.lower().startswith(("iso-2022-jp", "cp5022")):
        return text
    return _ISO_2022_JP.sub(lambda match: b"\x80" * len(match[0]), text)
