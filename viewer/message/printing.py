"""Messages on paper: for each a table of facts, then the body as the preview shows it. Pure; in a thread.

One page for the browser to print (`page`), or pieces for the PDF worker (`pieces`). A message's HTML stands in a shadow
root of its own, so that its styles cannot change, cover or forge the facts; the whole page can run and fetch nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from relay.archive.api import StoredMessage
from viewer import present, tongue
from viewer.message import standing
from viewer.message.attached import attached
from viewer.message.preview import TooMuch
from viewer.pages.reading import preview_of, read, text_of
from viewer.translation import joined, say, say_n, shown, thousands

MOST = 200
"""Messages printed together."""
MAX_BODY = 3_000_000
"""Characters of one body with its pictures; a longer one is printed as text."""
MAX_TEXT = 200_000
MAX_ALL = 40_000_000
MOST_RECIPIENTS = 200
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation allow-downloads"
)
"""The Content-Security-Policy of a page to be printed."""
_PAGE_RULE = re.compile(r"@page\b", re.IGNORECASE)

FACTS_STYLE = """
@page { size: A4; margin: 18mm 16mm; }
body { margin: 0; font: 10.5pt/1.45 "Liberation Sans", "DejaVu Sans", Arial, sans-serif; color: #111; }
h1 { font-size: 15pt; margin: 0 0 8pt; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 0 0 12pt; }
th, td { text-align: left; vertical-align: top; padding: 2pt 8pt 2pt 0; overflow-wrap: anywhere; font-size: 9.5pt; }
th { width: 28mm; font-weight: 600; color: #444; }
.mono { font-family: "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 8.5pt; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 9.5pt/1.45 "Liberation Mono", monospace; margin: 0; }
"""
_SCREEN_STYLE = """
html { background: #f5f6f6; color-scheme: light; }
body { max-width: 200mm; margin: 0 auto; padding: 16px; }
article { background: #fff; padding: 14mm; margin: 0 0 16px; border: 1px solid #dde2e3; }
.tools { display: flex; gap: 8px 16px; flex-wrap: wrap; align-items: baseline; padding: 0 0 12px; }
.tools a { color: #0d6368; padding: 4px 0; }
.mail { contain: layout paint; print-color-adjust: exact; border-top: 1px solid #bbb; }
h1, table { break-after: avoid; }
@media (max-width: 600px) { body { padding: 8px; } article { padding: 12px; } th { width: 24vw; } }
@media print {
  html { background: none; } body { max-width: none; padding: 0; } .tools { display: none; }
  article { padding: 0; margin: 0; border: 0; } article + article { break-before: page; }
}
"""
_MAIL_STYLE = """
:host { display: block; } img { max-width: 100%; height: auto; } table { max-width: 100%; }
.mail-body { font: 15px/1.45 "Liberation Sans", "DejaVu Sans", Arial, sans-serif; color: #16191a; padding: 10px 0;
  overflow-wrap: break-word; } :where(a[title]) { color: #0b57a4; text-decoration: underline; }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One message. `html` is inert; '' where `text` is printed instead."""

    id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    html: str
    text: str

    @property
    def weight(self) -> int:
        return len(self.html) + len(self.text)


def sheet(stored: StoredMessage, content: bytes | None) -> Sheet:
    """The message as it is printed; of a content that is deleted, or may not be seen, the facts alone."""
    message, summary = stored.message, stored.summary
    title = summary.subject if summary and summary.subject else say("(no subject)")
    if content is None:
        return Sheet(message.id, title, _facts(stored, ()), "", say("The content is not there."))
    reading = read(content)
    files = tuple(
        say(
            "%(title)s, %(kind)s, %(size)s octets, SHA-256 %(hash)s",
            title=file.title,
            kind=file.content_type,
            size=thousands(file.size),
            hash=file.sha256,
        )
        for file in attached(reading.root, content)
        if not file.is_inline
    )
    html = ""
    if reading.has_html:
        try:
            html = preview_of(reading).body
        except TooMuch:
            html = ""
    if not html or len(html) > MAX_BODY:
        return Sheet(message.id, title, _facts(stored, files), "", text_of(reading).text[:MAX_TEXT])
    return Sheet(message.id, title, _facts(stored, files), _PAGE_RULE.sub("@off-page", html), "")


def _facts(stored: StoredMessage, files: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    message, summary = stored.message, stored.summary
    authors = ", ".join(map(str, summary.senders)) if summary else ""
    fates = [
        joined(": ", [one.recipient.address, standing.state_word(one.state, one.bounce, one.grade, one.source).text])
        for one in stored.deliveries[:MOST_RECIPIENTS]
    ]
    if len(stored.deliveries) > MOST_RECIPIENTS:
        fates.append(
            say_n(
                "and %(num)s more recipient",
                "and %(num)s more recipients",
                len(stored.deliveries) - MOST_RECIPIENTS,
            )
        )
    found = (
        (say("From"), authors or message.envelope.sender or "<>"),
        (say("To"), ", ".join(map(str, summary.to)) if summary else ""),
        (say("Cc"), ", ".join(map(str, summary.cc)) if summary else ""),
        (say("Taken in"), present.exact(message.received_at)),
        (say("Recipients"), joined("\n", fates)),
        (say("Reverse-path"), f"<{message.envelope.sender}>"),
        (say("Application"), message.application),
        (say("References"), ", ".join(one.code for one in summary.references) if summary else ""),
        (say("Tags"), ", ".join(summary.tags if summary else message.tags)),
        (say("Attached"), joined("\n", files)),
        (say("Message-ID"), summary.header_message_id if summary else ""),
        (say("Our id"), message.id),
        ("SHA-256", message.sha256.hex()),
    )
    return tuple((name, value) for name, value in found if value)


def head(one: Sheet) -> Markup:
    """Title and facts as HTML."""
    rows = Markup("").join(
        Markup("<tr><th scope=row>{}</th><td>{}</td></tr>").format(name, _lines(value)) for name, value in one.facts
    )
    return Markup("<h1>{}</h1><table>{}</table>").format(one.title, rows)


def _lines(value: str) -> Markup:
    return Markup("<br>").join(map(escape, str(shown(value)).split("\n")))


def page(sheets: Sequence[Sheet], *, tools: Markup) -> str:
    """The document that a browser prints. `tools` stands above and is not printed."""
    title = sheets[0].title if len(sheets) == 1 else say_n("%(num)s message", "%(num)s messages", len(sheets))
    articles = "".join(f"<article>{head(one)}{_body(one)}</article>" for one in sheets)
    return (
        f'<!doctype html><html lang="{tongue.language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Mailwitness</title><style>{FACTS_STYLE}{_SCREEN_STYLE}</style></head><body>"
        f'<nav class="tools" aria-label="{escape(say("Tools"))}">{tools}</nav><main>{articles}</main></body></html>'
    )


def _body(one: Sheet) -> str:
    """In nh3's output no template can be closed: the tag is not among those that it lets through."""
    if not one.html:
        return f"<pre>{escape(shown(one.text))}</pre>"
    inner = f'<style>{_MAIL_STYLE}</style><div class="mail-body">{one.html}</div>'
    return f'<div class="mail"><template shadowrootmode="open">{inner}</template></div>'


def pieces(sheets: Sequence[Sheet]) -> list[dict[str, str]]:
    """What the PDF worker makes pages of: the facts of each message (with a plain body), and its HTML if any."""
    found = []
    for one in sheets:
        plain = "" if one.html else f"<pre>{escape(shown(one.text))}</pre>"
        found.append({"id": one.id, "html": f"<style>{FACTS_STYLE}</style>{head(one)}{plain}"})
        if one.html:
            found.append({"id": one.id, "html": f'<style>{_MAIL_STYLE}</style><div class="mail-body">{one.html}</div>'})
    return found
