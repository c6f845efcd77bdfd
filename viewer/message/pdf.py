"""The worker that makes a PDF of messages: `python -m viewer.message.pdf`. Asked a JSON list of pieces, answers a PDF.

WeasyPrint lays out HTML and CSS as a browser would and is made for paper; it runs no script. It may fetch nothing: only
data: addresses are read, and the process cannot connect to anything anyhow (`worker.py`). An optional extra (`pdf`).
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from viewer.message.worker import serve

IS_THERE = find_spec("weasyprint") is not None
"""Whether the library is installed."""
MAX_PAGES = 2000
_FOOT = """
@page { size: A4; margin: 18mm 16mm;
  @bottom-left { content: "Mailwitness %s"; font: 8pt "Liberation Sans", sans-serif; color: #555; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt "Liberation Sans", sans-serif; color: #555; } }
"""


def answer(asked: bytes, most: int = MAX_PAGES) -> bytes:
    """The PDF; each piece begins on a page of its own, with the message's id at its foot. Empty: over `most`."""
    import weasyprint

    fetcher = only_data()
    pages: list[Any] = []
    first = None
    for piece in json.loads(asked):
        foot = weasyprint.CSS(string=_FOOT % "".join(filter(str.isalnum, piece["id"])), url_fetcher=fetcher)
        document = weasyprint.HTML(string=piece["html"], url_fetcher=fetcher).render(stylesheets=[foot])
        first = first or document
        pages += document.pages
        if len(pages) > most:
            return b""
    if first is None:
        return b""
    made: bytes = first.copy(pages).write_pdf()
    return made


def only_data() -> Any:
    """A fetcher that reads data: addresses and refuses all others."""
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=["data"], allow_redirects=False)


if __name__ == "__main__":
    serve(answer)
