"""The small pieces of HTML that a page has by the hundred: icons, statuses, times. The templates call them as `ui.…`.

Functions, not macros: a macro costs many times as much, and a page of the grid is to be made in a few milliseconds.
What depends on few values is kept, once for each language.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, tzinfo
from functools import lru_cache

from aiohttp import web
from markupsafe import Markup, escape

from relay.archive.api import Listing
from relay.model.summary import Reference
from viewer import present, tongue
from viewer.message import engagement, standing
from viewer.present import Word

KEPT = 4096
"""Pieces that are kept; then it begins anew."""

_SPOKEN = Markup('<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>')
_SILENT = Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>')
_STATUS = Markup('<span class="status tone-{}" title="{}">{}<span>{}</span></span>')
_GRADE = Markup('<span class="grade" title="{}">{}</span>')
_MARK = Markup('<span class="mark tone-{}" title="{}. {}">{}</span>')


class Drawing:
    """`sheet` is the address of the drawings of all icons."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._kept: dict[Hashable, Markup] = {}

    def names(self) -> dict[str, Callable[..., Markup]]:
        """What the templates find, by name."""
        return {
            "drawn_icon": self.icon,
            "drawn_status": self.status,
            "drawn_mark": self.mark,
            "drawn_reference": self.reference,
            "drawn_when": when,
            "drawn_exactly": exactly,
        }

    def icon(self, name: str, label: object = "") -> Markup:
        """Hidden from screen readers if it has no label."""
        if label:
            return _SPOKEN.format(label, self._sheet, name)
        return self._keeping(name, lambda: _SILENT.format(self._sheet, name))

    def status(self, word: Word) -> Markup:
        """Never by colour alone, always icon and word; the evidence is in the tooltip and for screen readers."""
        return _STATUS.format(word.tone, present.evidence(word), self.icon(word.icon), word.text)

    def mark(self, word: Word) -> Markup:
        """An open or a click: an icon alone, its words in the tooltip and for screen readers."""
        return _MARK.format(word.tone, word.text, present.evidence(word), self.icon(word.icon, word.text))

    def standing(self, row: Listing) -> Markup:
        """The status of a row of the grid, with its grade and its marks."""
        marked = (row.complained > 0, row.unsubscribed > 0, row.opened, row.clicked)
        key = (tongue.language(), tuple(row.states.items()), row.reports, marked)
        return self._keeping(key, lambda: self._standing(row))

    def _standing(self, row: Listing) -> Markup:
        word = standing.row_word(row)
        marks = (*standing.row_marks(row), *engagement.marks(row))
        grade = _GRADE.format(present.evidence(word), word.grade.value)
        return Markup().join((self.status(word), grade, *map(self.mark, marks)))

    def reference(self, reference: Reference, links: Callable[[Reference], str]) -> Markup:
        """A link to the record in the business system, where `links` has an address of it."""
        shown = f'title="{escape(reference.name)}">{escape(reference.code)}'
        if address := links(reference):
            return made(
                f'<a class="ref" href="{escape(address)}" target="_blank" rel="noopener noreferrer" {shown}</a>'
            )
        return made(f'<span class="ref" {shown}</span>')

    def _keeping(self, key: Hashable, make: Callable[[], Markup]) -> Markup:
        made = self._kept.get(key)
        if made is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            made = self._kept[key] = make()
        return made


DRAWING: web.AppKey[Drawing] = web.AppKey("drawing", Drawing)


def when(at: int, now: int) -> Markup:
    """How long ago; exactly in the tooltip, in the reader's zone and in UTC."""
    ago = escape(present.relative(at, now))
    return made(f"{_dated(at, tongue.zone(), tongue.language())} data-relative>{ago}</time>")


@lru_cache(maxsize=KEPT)
def _dated(at: int, zone: tzinfo, language: str) -> str:
    """How a `<time>` begins. Both are those of this request."""
    there = utc = escape(present.in_utc(at))
    if zone is not UTC:
        there = escape(present.exact(at))
    both = there if there == utc else f"{there}&#10;{utc}"
    return f'<time datetime="{present.iso(at)}" title="{both}"'


def exactly(at: int) -> Markup:
    """The time in the reader's zone; in UTC in the tooltip."""
    there, utc = escape(present.exact(at)), escape(present.in_utc(at))
    return made(f'<time datetime="{present.iso(at)}" title="{utc}">{there}</time>')


def made(html: str) -> Markup:
    """HTML that was put together with `escape` around all that is not ours. (Ten times as fast as `Markup.format`.)"""
    return Markup(html)  # noqa: S704
