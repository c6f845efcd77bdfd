"""One row of the grid as HTML, the same for the page and for the live view.

In Python and not in a template, since a page has fifty of them with a dozen cells each, and is to be there before a
finger has left the key: a template costs six times as much. Whatever comes from a message goes through `escape`, here
the standard library's: it gives plain text, in half the time. (What is to be said in the reader's language goes through
`_` before, since only the other one knows of that.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import urlencode

from markupsafe import Markup

from relay.archive.api import Listing
from relay.model.summary import Reference
from viewer import present
from viewer.drawing import Drawing, made, when
from viewer.grid.names import address_of, quoted, recipient_page, short_person
from viewer.translation import translated as _
from viewer.translation import translated_plural as ngettext


@dataclass(frozen=True, slots=True)
class Around:
    """What a row needs to know of the grid around it."""

    columns: tuple[str, ...]
    opening: str
    """How the address of the grid with a message in the panel begins."""
    open: str
    """The message in the panel, or ''."""
    back: str
    """What the address of a message's page carries along."""
    ticks: bool
    now: int


class Rows:
    """`link` gives the address of a reference's record, '' for none."""

    def __init__(
        self, drawing: Drawing, link: Callable[[Reference], str], is_automation: Callable[[Listing], bool]
    ) -> None:
        self._drawing, self._link, self._is_automation = drawing, link, is_automation
        self._cells: Mapping[str, Callable[[Listing, Around], str]] = {
            "to": self._to,
            "subject": self._subject,
            "sender": self._sender,
            "ref": self._references,
            "status": self._status,
            "tags": self._tags,
            "application": lambda row, around: f'<td class="application">{escape(row.application)}</td>',
            "size": lambda row, around: f'<td class="size">{present.size(row.size)}</td>',
            "date": lambda row, around: f'<td class="date">{when(row.received_at, around.now)}</td>',
        }

    def draw(self, row: Listing, around: Around) -> Markup:
        """`<tr>…</tr>`."""
        opened = ' class="is-open"' if around.open == row.id else ""
        cells = "\n".join([self._cells[name](row, around) for name in around.columns])
        tick = self._tick(row) if around.ticks else ""
        return made(f'<tr data-id="{row.id}" data-seq="{row.seq}"{opened}>\n{tick}{cells}\n</tr>')

    def _tick(self, row: Listing) -> str:
        words = _("Choose %(subject)s") % {"subject": row.subject or _("(no subject)")}
        return (
            f'<td class="tick-cell"><label class="tick-box"><input type="checkbox" class="tick" name="message" '
            f'value="{row.id}" form="bulk" aria-label="{escape(words)}"></label></td>\n'
        )

    def _to(self, row: Listing, around: Around) -> str:
        if not row.recipients:
            nobody = _("no recipient")
            return f'<td class="to">{escape(nobody)}</td>'
        shown = row.recipients[0]
        person, address = short_person(shown), address_of(shown)
        more = ""
        if row.recipient_count > 1:
            others = ", ".join(row.recipients)
            if (unnamed := row.recipient_count - len(row.recipients)) > 0:
                others += " " + _("and %(n)s more") % {"n": unnamed}
            more = f' <span class="more" title="{escape(others)}">+{row.recipient_count - 1}</span>'
        at = f' <span class="at">{escape(address)}</span>' if person != address else ""
        return (
            f'<td class="to"><a class="whom" href="{escape(recipient_page(shown))}" title="{escape(shown)}" '
            f'tabindex="-1">{escape(person)}</a>{more}{at}</td>'
        )

    def _subject(self, row: Listing, around: Around) -> str:
        words = _("(content deleted)") if row.is_deleted else row.subject or _("(no subject)")
        untitled = "" if row.subject else " untitled"
        extras = ""
        if row.attachment_count:
            number = row.attachment_count
            label = ngettext("%(num)s attachment", "%(num)s attachments", number) % {"num": number}
            extras += f" {self._drawing.icon('clip', label)}"
        if "tags" not in around.columns:
            extras += "".join([f" {_tag(tag)}" for tag in row.tags[:3]])
        if row.snippet:
            extras += f' <span class="snippet">{escape(row.snippet)}</span>'
        return (
            f'<td class="subject"><a class="open{untitled}" href="{escape(around.opening)}{row.id}" '
            f'data-page="/messages/{row.id}{escape(around.back)}" title="{escape(row.subject)}">'
            f"{escape(words)}</a>{extras}</td>"
        )

    def _sender(self, row: Listing, around: Around) -> str:
        system = ""
        if self._is_automation(row):
            word = _("System")
            system = f'<span class="system">{self._drawing.icon("app")}{escape(word)}</span> '
        shown = short_person(row.sender) or _("null sender <>")
        return f'<td class="sender" title="{escape(row.sender)}">{system}{escape(shown)}</td>'

    def _references(self, row: Listing, around: Around) -> str:
        drawn = ", ".join([self._drawing.reference(one, self._link) for one in row.references[:2]])
        return f'<td class="ref-cell">{drawn}{_more(len(row.references) - 2)}</td>'

    def _status(self, row: Listing, around: Around) -> str:
        return f'<td class="status-cell">{self._drawing.standing(row)}</td>'

    def _tags(self, row: Listing, around: Around) -> str:
        return f'<td class="tags">{" ".join(map(_tag, row.tags[:5]))}{_more(len(row.tags) - 5)}</td>'


@lru_cache(maxsize=4096)
def _tag(tag: str) -> str:
    found_by = urlencode({"q": f"tag:{quoted(tag)}"})
    return f'<a class="tag" href="/?{escape(found_by)}" tabindex="-1">{escape(tag)}</a>'


def _more(number: int) -> str:
    return f' <span class="more">+{number}</span>' if number > 0 else ""
