"""Octets of fields, parameters and bodies to text and data, tolerantly and in linear time; never raises.

RFC 2047 (encoded words), RFC 2231 and RFC 5987 (parameters), RFC 2045 section 6 (transfer encodings), RFC 6532.
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from relay.rendition.charsets import to_text
from relay.rendition.entity import MAX_FIELD_SIZE, Part
from relay.rendition.parameters import Parameterised

_FOLD = re.compile(rb"[\r\n]+")
_WORD_START = re.compile(rb"=\?([!->@-~]{1,60})\?([bBqQ])\?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_MAX_BASE64_RUNS = 1000
_SOFT_BREAK = re.compile(rb"=(?:\r{0,8}\n|\r|\Z)")
_TRAILING_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r{0,8}\n|\r|\Z)")
_NOT_IN_FILENAME = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')
MAX_FILENAME = 200


def clean(text: str) -> str:
    """`text` on one line: control characters, line ends among them, are spaces; none at the ends."""
    return _CONTROL.sub(" ", text).strip()


def decode_field(raw: bytes) -> str:
    """A field's value as people read it, on one line: encoded words decoded, raw 8-bit as UTF-8 or Windows-1252.

    >>> decode_field(b" =?utf-8?q?Gr=C3=BC?=\\r\\n =?utf-8?b?w59l?= from us")
    'Grüße from us'
    """
    return clean(decode_words(_FOLD.sub(b"", raw[:MAX_FIELD_SIZE])))


def decode_words(raw: bytes) -> str:
    """`raw` with RFC 2047 encoded words decoded wherever they stand, as mail readers do.

    White space between two words is dropped, and octets of neighbours in one charset are joined before they are
    decoded, as some senders cut characters in two.
    """
    text: list[str] = []
    charset: str | None = None
    octets = bytearray()
    tokens = _split_words(raw)
    for n, (token_charset, token) in enumerate(tokens):
        if token_charset is None and 0 < n < len(tokens) - 1 and not token.strip():
            continue
        if token_charset != charset:
            text.append(to_text(bytes(octets), charset or ""))
            charset, octets = token_charset, bytearray()
        octets += token
    text.append(to_text(bytes(octets), charset or ""))
    return "".join(text)


def _split_words(raw: bytes) -> list[tuple[str | None, bytes]]:
    """Literal octets (charset None) and decoded octets of encoded words with their charset, in turns."""
    tokens: list[tuple[str | None, bytes]] = []
    position = 0
    while (match := _WORD_START.search(raw, position)) is not None:
        stop = raw.find(b"?=", match.end())
        if stop < 0:
            break
        # A start that has another before its end is text.
        match = max(_WORD_START.finditer(raw, match.start(), stop), key=re.Match.start)
        charset = match[1].decode("ascii").partition("*")[0].lower()
        tokens.append((None, raw[position : match.start()]))
        tokens.append((charset, _word_octets(match[2], raw[match.end() : stop])))
        position = stop + 2
    tokens.append((None, raw[position:]))
    return tokens


def _word_octets(encoding: bytes, text: bytes) -> bytes:
    return from_base64(text) if encoding in b"bB" else binascii.a2b_qp(text, header=True)


def parameter(value: Parameterised, name: str) -> str | None:
    """The parameter as text: RFC 2231 sections joined and decoded, else RFC 2047 words, which many senders put there.

    >>> parameter(parse_parameterised(b"attachment; filename*=utf-8''%e2%82%ac.pdf"), "filename")
    '€.pdf'
    """
    raw = dict(reversed(value.raw))
    if f"{name}*" in raw:
        return clean(_extended([(f"{name}*", raw[f"{name}*"])]))
    if name in raw:
        return decode_field(raw[name])
    sections = value.sections(name)
    if not sections:
        return None
    if any(key.endswith("*") for key, _ in sections):
        return clean(_extended(sections))
    return decode_field(b"".join(octets for _, octets in sections))


def _extended(sections: list[tuple[str, bytes]]) -> str:
    """RFC 2231 section 4.1: the first section may begin `charset'language'`; those with a star have %XX."""
    charset, octets = "", b""
    for n, (key, section) in enumerate(sections):
        if key.endswith("*"):
            if n == 0 and section.count(b"'") >= 2:
                name, _, section = section.split(b"'", 2)
                charset = name.decode("ascii", "replace")
            section = unquote_to_bytes(section)
        octets += section
    return to_text(octets, charset)


def filename(part: Part) -> str:
    """The part's file name, fit to be shown and to be offered for a download; '' if it has none.

    Never a path, never with characters that turn the direction of writing (they hide the real extension). Still
    chosen by the sender: names of files that we write come from our ids.
    """
    name = parameter(part.disposition, "filename") or parameter(part.parameters, "name") or ""
    name = re.split(r"[/\\]", name)[-1]
    name = _NOT_IN_FILENAME.sub("_", _DIRECTION.sub("", name)).strip(" .")
    if len(name) <= MAX_FILENAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:MAX_FILENAME]
    return f"{stem[: MAX_FILENAME - len(extension) - 1]}.{extension}"


def decode_body(part: Part, content: bytes) -> bytes:
    """The part's data, transfer encoding undone as far as it can be; as it stands for an encoding we do not know."""
    octets = part.body(content)
    if part.transfer_encoding == "base64":
        return from_base64(octets)
    if part.transfer_encoding == "quoted-printable":
        return from_quoted_printable(octets)
    return octets


def decode_text(part: Part, content: bytes, limit: int | None = None) -> str:
    """The text of a text part, line ends LF, NUL and lone surrogates replaced; about `limit` characters at most."""
    octets = decode_body(part, content) if limit is None else _decode_beginning(part, content, limit)
    text = to_text(octets, parameter(part.parameters, "charset") or "").replace("\x00", "\ufffd")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if limit is None else text[:limit]


def _decode_beginning(part: Part, content: bytes, limit: int) -> bytes:
    """Enough of the data for `limit` characters: 4 octets each in the widest charset, 3 for one in quoted-printable."""
    stop = min(part.stop, part.body_start + 12 * limit)
    octets = content[part.body_start : stop]
    if part.transfer_encoding == "base64":
        return from_base64(octets)
    if part.transfer_encoding == "quoted-printable":
        return from_quoted_printable(octets)
    return octets


def from_base64(text: bytes) -> bytes:
    """What can be decoded: other characters are skipped, a cut end is dropped, joined pieces with padding are read.

    Text that plainly is no base64 stays as it stands, as some senders mislabel it: more than a tenth of it cannot be,
    or it has the spaces of prose.
    """
    visible = text.translate(None, b" \t\r\n")
    possible = visible.translate(None, _NOT_BASE64)
    is_prose = len(visible) > 100 and text.count(b" ") > len(visible) // 20
    if is_prose or len(possible) < len(visible) - len(visible) // 10:
        return text
    runs = possible.rstrip(b"=").split(b"=", _MAX_BASE64_RUNS)
    return b"".join(_base64_run(run.replace(b"=", b"")) for run in runs)


def _base64_run(run: bytes) -> bytes:
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def from_quoted_printable(text: bytes) -> bytes:
    """Decoded; escapes that are none stay as written, white space before a line end is dropped (RFC 2045 6.7 (3))."""
    return binascii.a2b_qp(_SOFT_BREAK.sub(b"", _TRAILING_SPACE.sub(b"", text)))
