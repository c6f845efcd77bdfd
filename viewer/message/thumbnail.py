"""The worker that turns attached pictures and PDF pages into small PNGs: `python -m viewer.message.thumbnail`.

The browser then gets pixels made by us, not octets chosen by a sender. Pillow and pypdfium2 are an optional extra
(`pictures`); `KINDS` says what can be drawn without importing either. SVG is never drawn: it is a program.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from viewer.message.worker import LENGTH, serve

PICTURES: Mapping[str, str] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}
PDF = "application/pdf"
MAX_PIXELS = 40_000_000
"""Of a picture as it was sent: what its head announces is believed before a pixel is decoded."""
MAX_DATA = 25_000_000
"""Octets of one attachment that are looked at."""
SIDES = {"small": 240, "large": 1400}
"""The longest side in pixels."""
KINDS = frozenset((PICTURES if find_spec("PIL") else {}).keys() | ({PDF} if find_spec("pypdfium2") else set()))
"""Media types that can be drawn here."""


def question(content_type: str, data: bytes, side: int, page: int = 0) -> bytes:
    """What the worker is asked; `page` counts from 0."""
    kind = content_type.encode("ascii")
    return LENGTH.pack(side) + LENGTH.pack(page) + LENGTH.pack(len(kind)) + kind + data


def answer(asked: bytes) -> bytes:
    """The number of pages (4 octets) and a PNG; empty for what cannot be drawn."""
    side, page, length = (LENGTH.unpack_from(asked, place)[0] for place in (0, 4, 8))
    content_type, data = asked[12 : 12 + length].decode("ascii"), asked[12 + length :]
    if content_type == PDF:
        return _page(data, side, page)
    return LENGTH.pack(1) + _picture(data, PICTURES[content_type], side)


def _picture(data: bytes, kind: str, side: int) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=(kind,)) as image:
        if image.width * image.height > MAX_PIXELS:
            return b""
        image.draft("RGB", (side, side))  # a JPEG is decoded no larger than it must be
        image.thumbnail((side, side))
        return _png(ImageOps.exif_transpose(image))


def _page(data: bytes, side: int, page: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    sheet = document[page]
    # A page may claim to be a mile long, or nothing wide.
    scale = min(side / max(sheet.get_size()), 4.0)
    return LENGTH.pack(len(document)) + _png(sheet.render(scale=scale, may_draw_forms=False).to_pil())


def _png(image: Any) -> bytes:
    written = io.BytesIO()
    image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB").save(written, "PNG")
    return written.getvalue()


if __name__ == "__main__":
    serve(answer)
