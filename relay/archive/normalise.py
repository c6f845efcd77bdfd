"""Text made comparable: the same function for what is indexed and for what is asked.

NFKD, combining marks removed, case folded, NUL and other controls made spaces, each CJK character a token of its own
(so that a query of CJK text, which becomes a phrase, finds it inside a sentence). Pure.
"""

from __future__ import annotations

import re
import unicodedata

_CJK = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """The text as it is indexed. Line feeds stay; equal for texts that differ in case, accents and width only."""
    if text.isascii():
        return _CONTROL.sub(" ", text.lower())
    decomposed = unicodedata.normalize("NFKD", _CONTROL.sub(" ", text).casefold())
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    # Hangul decomposes to conjoining letters; put them back together so that a syllable is one token.
    return _CJK.sub(r" \g<0> ", unicodedata.normalize("NFC", kept).casefold())


def tokens(text: str) -> list[str]:
    """The tokens of a text: runs of letters and digits of its normalised form. `INV-12` -> `inv`, `12`."""
    return _TOKEN.findall(normalised(text))
