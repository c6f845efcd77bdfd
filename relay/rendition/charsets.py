"""Octets to text by a charset's name, from a closed list; what fails is read as UTF-8, then as Windows-1252.

Names from a message never reach Python's codec registry: it holds `zlib`, `idna`, `rot13`, which are no charsets.
Aliases follow what browsers do (WHATWG Encoding): `iso-8859-1` and `us-ascii` are Windows-1252, `gb2312` is GB 18030.
"""

from __future__ import annotations

import re

_SINGLE = {
    **{f"iso-8859-{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in range(1250, 1259)},
    **{f"cp{n}": f"cp{n}" for n in (437, 850, 852, 855, 858, 866, *range(1250, 1259))},
    **{f"ibm{n}": f"cp{n}" for n in (437, 850, 852, 855, 858, 866)},
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968", "iso-8859-1", "latin1", "latin-1", "l1"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("iso-8859-11", "tis-620", "windows-874"), "cp874"),
    "iso-8859-8-i": "iso8859_8",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
}
_MULTI = {
    **dict.fromkeys(("utf-8", "utf8", "unicode-1-1-utf-8", "x-unknown-utf-8"), "utf-8"),
    **{name: name for name in ("utf-7", "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be")},
    "unicode-1-1-utf-7": "utf-7",
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "gb_2312-80", "x-gbk", "cp936", "euc-cn"), "gb18030"),
    "hz-gb-2312": "hz",
    **dict.fromkeys(("big5", "x-x-big5", "cn-big5"), "cp950"),
    "big5-hkscs": "big5hkscs",
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji", "cp932"), "cp932"),
    **dict.fromkeys(("euc-jp", "x-euc-jp"), "euc_jp"),
    **dict.fromkeys(("iso-2022-jp", "cp50220", "cp50221", "iso-2022-jp-1", "iso-2022-jp-2"), "iso2022_jp_ext"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ks_c_5601-1989", "ksc5601", "ksc_5601", "korean", "cp949"), "cp949"),
    "iso-2022-kr": "iso2022_kr",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSPECIFIED = frozenset({"", "us-ascii", "ascii"})


def is_known(charset: str) -> bool:
    """`charset` is on the list, or not said at all."""
    name = charset.lower()
    return name in _UNSPECIFIED or name in _SINGLE or name in _MULTI


def to_text(octets: bytes, charset: str = "") -> str:
    """`octets` as text; never raises. May hold control characters, never a lone surrogate.

    Octets that do not fit the charset, or whose charset is not known, are read as UTF-8 if they are that; else damage
    is shown as U+FFFD in a charset of several octets a character, and the rest is taken for Windows-1252.
    """
    name = charset.lower()
    codec = _MULTI.get(name) or (_SINGLE.get(name) if name not in _UNSPECIFIED else None)
    for attempt in (codec, "utf-8"):
        if attempt is not None:
            try:
                return _SURROGATE.sub("\ufffd", octets.decode(attempt))
            except UnicodeDecodeError:
                pass
    return _SURROGATE.sub("\ufffd", octets.decode(_MULTI.get(name, "cp1252"), "replace"))
