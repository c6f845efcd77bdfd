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


def _page(title: str, *lines: str, host: str = "", address: str = "", asks: bool = False) -> bytes:
    return _TEMPLATE.render(title=title, lines=lines, host=host, address=address, asks=asks).encode()


NOT_FOUND = _page(
    "This link leads nowhere",
    "It may have been cut off when it was copied, or the message it came from is too old.",
    "Please go back to the message and follow the link from there, or ask the sender.",
)
LATER = _page("Please try again in a moment", "Something on our side did not work. The link itself is fine.")
ASK = _page(
    "Unsubscribe?",
    "Press the button, and the sender is told that you do not want this kind of message any more.",
    asks=True,
)
DONE = _page("You have unsubscribed", "The sender has been told. You can close this page.")
NOT_ASKED = _page(
    "Nothing has been changed", "This was not a request to unsubscribe. Open the link and press the button."
)


def leads_to(address: str) -> bytes:
    """The page that shows where a link leads. `address`: as `destination` gives it."""
    return _page("This link leads to", host=_host(address), address=address)


def _host(address: str) -> str:
    try:
        return URL(address, encoded=True).host or ""
    except ValueError:
        return ""
