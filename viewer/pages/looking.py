"""How a preview is looked at: in which width, light or dark, with or without remote pictures. All of it in the address.

Pure. Does not make the preview (`viewer/message/preview.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from viewer.message.preview import SCHEMES, USUAL, Look
from viewer.translation import say

WIDTHS: Mapping[str, str] = {
    "fit": say("Fit"),
    "desktop": say("Desktop"),
    "tablet": say("Tablet"),
    "phone": say("Phone"),
}
"""Name in the address and on the page. In pixels they are in message.css: 1024, 768, 375."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways to look, as a link. `value` is for the style sheet, `text` for people."""

    value: str
    text: str
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Looking:
    """What the address asks for; anything unknown is as if it were not there."""

    width: str = "fit"
    look: Look = USUAL
    q: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """What differs from the usual, as the preview's frame is asked for it."""
        given = {"scheme": self.look.scheme if self.look.scheme != "light" else "", "images": "1" * self.look.images}
        return {name: value for name, value in given.items() if value}

    @property
    def frame(self) -> str:
        """The query of the frame's address, with its `?`, or ''."""
        return f"?{urlencode(self.parameters)}" if self.parameters else ""

    @property
    def address(self) -> str:
        """The query of the page that shows this."""
        width = {"width": self.width} if self.width != "fit" else {}
        return "?" + urlencode({"tab": "preview"} | width | self.parameters | ({"q": self.q} if self.q else {}))

    @property
    def widths(self) -> list[Choice]:
        return [
            Choice(name, text, replace(self, width=name).address, name == self.width) for name, text in WIDTHS.items()
        ]

    @property
    def schemes(self) -> list[Choice]:
        return [
            Choice(name, name.title(), self._with(scheme=name).address, name == self.look.scheme) for name in SCHEMES
        ]

    @property
    def turned(self) -> Looking:
        """The same with remote pictures if they are off, without if they are on."""
        return self._with(images=not self.look.images)

    def _with(self, *, scheme: str | None = None, images: bool | None = None) -> Looking:
        look = Look(scheme or self.look.scheme, self.look.images if images is None else images)
        return replace(self, look=look)


def looking(query: Mapping[str, str], q: str = "", *, allows_images: bool = True) -> Looking:
    """What a query string asks for."""
    width, scheme = query.get("width", "fit"), query.get("scheme", "light")
    look = Look(scheme if scheme in SCHEMES else "light", allows_images and query.get("images") == "1")
    return Looking(width if width in WIDTHS else "fit", look, q)
