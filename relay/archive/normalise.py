"""Text made comparable: the same function for what is indexed and for what is asked.

Case folded, NFKD, accents removed (also those that Unicode does not take apart: ø, ł, đ), NUL and other controls made
spaces. Where a script puts no spaces between words (Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer) each
character is a token of its own, so that a query in it, which becomes a phrase, finds its text inside a sentence. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPACELESS = re.compile(
    "[\u0e01-\u0e5b\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u1980-\u19df"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r"[^\W_]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_NO_LETTER = re.compile(r"[\W_\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]")
"""The vowel signs named are letters to Python and none to SQLite."""
_WHOLE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters with a stroke, and ligatures, that people without them on their keyboard write so."""


def normalised(text: str) -> str:
    """The text as it is indexed. Line feeds stay; equal for texts that differ in case, accents and width only."""
    lowered = _CONTROL.sub(" ", text.lower())
    return lowered if lowered.isascii() else _FOREIGN.sub(lambda run: _folded(run[0]), lowered)


@lru_cache(maxsize=8192)
def _folded(run: str) -> str:
    """A run of characters beyond ASCII: letters and digits comparable, everything else a space.

    Not left to SQLite: it takes characters that are newer than its tables, such as most emoji, for letters.
    """
    decomposed = unicodedata.normalize("NFKD", run.casefold())
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    # Hangul decomposes to conjoining letters; put them back together so that a syllable is one token.
    composed = unicodedata.normalize("NFC", kept).casefold().translate(_WHOLE)
    return _SPACELESS.sub(r" \g<0> ", _NO_LETTER.sub(" ", composed))


def tokens(text: str) -> list[str]:
    """The tokens of a text: runs of letters and digits of its normalised form. `INV-12` -> `inv`, `12`."""
    return _TOKEN.findall(normalised(text))


def words_of(text: str) -> list[str]:
    """The tokens of a text that is normalised already."""
    return _TOKEN.findall(text)


def is_spaceless(token: str) -> bool:
    """True for a token that is a whole character of a script without spaces: no word begins with it."""
    return _SPACELESS.match(token) is not None
