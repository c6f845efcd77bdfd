"""A link's target: an attribute's octets to the URL that a browser would follow, in ASCII; or why it is left alone.

Character references as the HTML standard decodes them within attributes (13.2.5.73 and following), URLs as the URL
standard parses them, as far as both answer alike everywhere: where programs differ, the link stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html.entities import html5
from urllib.parse import quote

import idna

MAX_URL = 8000

_REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9A-Fa-f]++)|([0-9]++));?+|([A-Za-z][A-Za-z0-9]*+)(;?+)(?!(?<!;)=))")
_WINDOWS_1252 = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
_HTTP = re.compile(r"(https?):[/\\]{2,}([^/\\?#]*+)([^?#]*+)(\?[^#]*+)?+(#.*+)?+", re.IGNORECASE | re.DOTALL)
_PLAIN_HOST = re.compile(r"(?:[A-Za-z0-9._~-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?")
_TEMPLATE = re.compile(
    r"\{\{|\}\}|\{%|%\}|\*\||\|\*|\$\{|<%|%>|\[\[|%%(?![0-9A-Fa-f]{2})|%(?![0-9A-Fa-f]{2}%)[A-Za-z_][\w.-]{0,100}%(?![0-9A-Fa-f]{2})"
)
_UNSUBSCRIBE = re.compile(
    r"un-?sub(?:scri|\b)|opt[\s_-]?out|abmeld|abbestell|austragen|d[ée]s-?(?:abonn|inscri)|disiscri|annulla.{0,20}iscrizione"
    r"|cancelar?.{0,20}(?:suscripci|subscri|inscri)|dar(?:me|se)? de baja|uitschrij|afmeld|avregistr|avprenumer"
    r"|wypisz|rezygn|odhl[áa]s|leiratkoz|dezabon|отпис|відпис|配信(?:停止|解除)|購読解除|退订|退訂|取消(?:订阅|訂閱)|수신\s*거부|구독\s*취소",
    re.IGNORECASE,
)


def decode_references(text: str) -> str:
    """`text`, an attribute's value, with its character references decoded, where a browser decodes them.

    >>> decode_references("?a=1&amp;copy=2&copy=3&notit;&#x26;&#150;")
    '?a=1&copy=2&copy=3&notit;&–'
    """
    return _REFERENCE.sub(_referred, text) if "&" in text else text


def _referred(match: re.Match[str]) -> str:
    hexadecimal, decimal, name, semicolon = match.groups()
    if name is not None:
        return html5.get(name + semicolon, match[0])
    digits = (hexadecimal or decimal).lstrip("0")
    if len(digits) > 7:
        return "\ufffd"
    code = int(digits or "0", 16 if hexadecimal else 10)
    if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return "\ufffd"
    return _WINDOWS_1252.get(code) or chr(code)


def says_unsubscribe(text: str) -> bool:
    """`text`, a link's words or its URL, speaks of ending a subscription, in one of the languages we know."""
    return _UNSUBSCRIBE.search(text) is not None


class NoLink(Exception):
    """Not a link that could be tracked. Its text says why, '' if nobody would expect it to be (mailto:, an anchor)."""


def followed(text: str, charset: str = "utf-8") -> str:
    """The URL that a browser follows for `text`, an attribute's value without its references. Raises NoLink.

    In ASCII: an internationalised host as the DNS has it, other characters percent-encoded as the URL standard says.
    `charset` is the document's: browsers write a query in it, so one that is not ASCII is left alone but for UTF-8.
    """
    text = text.strip("".join(map(chr, range(0x21)))).translate({9: None, 10: None, 13: None})
    if len(text) > MAX_URL:
        raise NoLink(f"longer than {MAX_URL} characters")
    match = _HTTP.fullmatch(text)
    if match is None:
        raise NoLink
    if _TEMPLATE.search(text):
        raise NoLink("left for a template to fill in")
    scheme, host, path, query, fragment = match.groups(default="")
    if not query.isascii() and charset != "utf-8":
        raise NoLink("its query depends on the charset")
    return f"{scheme}://{_host(host)}{_ascii(path.replace(chr(92), '/'))}{_ascii(query)}{_ascii(fragment)}"


def _host(host: str) -> str:
    if "@" in host:
        raise NoLink("with a user name or password")
    if not host.isascii():
        host = _in_dns(host)
    if _PLAIN_HOST.fullmatch(host) is None:
        raise NoLink("its host cannot be read")
    return host


def _in_dns(host: str) -> str:
    """UTS #46 as browsers use it: mapped, not transitional, without the further rules of IDNA 2008 (emoji exist)."""
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        labels = [
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
            for label in mapped.split(".")
        ]
    except (idna.IDNAError, UnicodeError):
        raise NoLink("its host cannot be read") from None
    return ".".join(labels)


_KEPT = "".join(map(chr, range(0x21, 0x7F)))


def _ascii(text: str) -> str:
    """Spaces, control characters and what is not ASCII percent-encoded in UTF-8; the rest as written."""
    return text if text.isascii() and text.isprintable() and " " not in text else quote(text, safe=_KEPT)


def host_of(url: str) -> str:
    """The host of a URL that `followed` gave, in lower case, without port."""
    match = _HTTP.fullmatch(url)
    return re.sub(r":[0-9]*\Z", "", match[2]).lower() if match else ""


def is_within(host: str, domains: Collection[str]) -> bool:
    """`host` is one of `domains`, or below one. `domains` in lower case, as the DNS has them."""
    labels = host.split(".")
    return any(".".join(labels[n:]) in domains for n in range(len(labels)))
