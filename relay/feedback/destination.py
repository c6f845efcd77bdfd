"""Where a stored link leads, as the value of a Location field: ASCII, otherwise as the message said it. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from yarl import URL

_WEB = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_DROPPED = re.compile(r"[\t\r\n]")
"""Browsers leave them out of an address (URL standard)."""
_AUTHORITY = re.compile(r"(https?://(?:[^/?#@\\]*@)?)([^/?#:@\\]+)", re.IGNORECASE)
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


def destination(url: str) -> str | None:
    """The address to send a browser to; None unless it is one of http or https.

    `http://bücher.example/ä b?x=%7E` -> `http://xn--bcher-kva.example/%C3%A4%20b?x=%7E`
    """
    wanted = _DROPPED.sub("", url.strip())
    if _WEB.match(wanted) is None:
        return None
    return quote(_with_ascii_host(wanted), safe=_PRINTABLE)


def _with_ascii_host(url: str) -> str:
    match = _AUTHORITY.match(url)
    if match is None or match[2].isascii():
        return url
    try:
        host = URL(f"http://{match[2]}/").raw_host or match[2]
    except ValueError:
        return url
    return match[1] + host + url[match.end() :]
