"""The few pages that a recipient may see: no such link, where a link leads, unsubscribe. No scripts, no pictures."""

from __future__ import annotations

from pathlib import Path

import jinja2
from yarl import URL

_TEMPLATE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html")


def _page(
    title: str,
    *lines: str,
    host: str = "",
    address: str = "",
    sender: str = "",
    recipient: str = "",
    asks: bool = False,
) -> bytes:
    return _TEMPLATE.render(
        title=title, lines=lines, host=host, address=address, sender=sender, recipient=recipient, asks=asks
    ).encode()


NOT_FOUND = _page(
    "This link leads nowhere",
    "It may have been cut off when it was copied, or the message it came from is too old.",
    "Please go back to the message and follow the link from there, or ask the sender.",
)
LATER = _page("Please try again in a moment", "Something on our side did not work. The link itself is fine.")
NOT_ASKED = _page(
    "Nothing has been changed", "This was not a request to unsubscribe. Open the link and press the button."
)


def ask(sender: str, recipient: str, *, stops: bool) -> bytes:
    """The page that asks whether to unsubscribe. `stops`: it is not only told, the address is sent to no more."""
    line = "Press the button, and no more mail like this is sent to this address. The sender is told so."
    if not stops:
        line = "Press the button, and the sender is told that you do not want this kind of message any more."
    return _page("Unsubscribe?", line, sender=_short(sender), recipient=masked(recipient), asks=True)


def done(sender: str, recipient: str, *, stops: bool) -> bytes:
    """The page after unsubscribing, and whenever the link is opened again."""
    lines = ["The sender has been told. You can close this page."]
    if stops:
        lines = [
            "No more mail like this is sent to this address. What was on its way already may still arrive.",
            "Was it a mistake? Write to the sender, who can put you back. You can close this page.",
        ]
    return _page("You have unsubscribed", *lines, sender=_short(sender), recipient=masked(recipient))


def masked(address: str) -> str:
    """Enough of an address for its owner to know it, too little for whom the message was passed on to.

    >>> masked("jane.doe@example.com")
    'j…@example.com'
    """
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}"


def _short(text: str) -> str:
    """At most a line: it is what the message says."""
    text = " ".join(text.split())
    return text if len(text) <= MOST else f"{text[:MOST]}…"


MOST = 150
"""Characters shown of a sender."""


def leads_to(address: str) -> bytes:
    """The page that shows where a link leads. `address`: as `destination` gives it."""
    return _page("This link leads to", host=_host(address), address=address)


def _host(address: str) -> str:
    try:
        return URL(address, encoded=True).host or ""
    except ValueError:
        return ""
