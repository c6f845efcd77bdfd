"""Finds the words of a template that a reader sees and gettext does not.

The template is parsed, its pieces put in the order in which they stand, both branches of a condition one after another,
with a mark for each expression; the HTML that results is read for text and for the attributes that are shown or spoken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import jinja2
from jinja2 import nodes

SHOWN = {"title", "aria-label", "aria-description", "placeholder", "alt", "data-label", "label"}
"""Attributes that people read or hear."""
SILENT = {"script", "style", "code", "kbd"}
"""Elements whose text is the same in every language."""
NAMES = frozenset(
    (
        *(
            "Mailwitness",
            "SHA-256",
            "SMTP",
            "SMTPUTF8",
            "CSV",
            "UTC",
            "JSON",
            "PDF",
            "HTML",
            "ZIP",
            "URL",
            "API",
            "UID",
        ),
        *("DKIM", "SPF", "DMARC", "TLS", "RET", "ENVID", "AUTH", "NOTIFY", "ORCPT", "CRLF", "Message-ID", "domainkey"),
        *("Bcc", "Cc", "eml"),
    )
)
"""Not words of a language."""
_MARK = re.compile("\ue000(\\d+)\ue001")
_WORD = re.compile(r"[^\W\d_]{2,}[\w-]*")
_EXAMPLE = re.compile(r"\S*[@\\/{}=]\S*|\b\w+(?:\.\w+)+\b")
"""Addresses, patterns: shown as something to type."""
_FORMAT = re.compile(r"%\(?\w*\)?[.,\d]*[sdfgr%]")

TYPED = {"anna", "invoice", "shop billing", "subject:&quot;spring sale&quot;"}
"""Examples of what to type into a field."""
UNSEEN = {"page_class", "back"}
"""Blocks that are filled with a class or an address."""

environment = jinja2.Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)
environment.policies["ext.i18n.trimmed"] = True


def unwrapped(source: str) -> list[str]:
    """What a reader sees of `source` in English whatever the language: each text that holds such words."""
    pieces: list[str] = []
    expressions: list[nodes.Expr] = []
    found: list[str] = []
    _flatten(environment.parse(source), pieces, expressions, found)
    reader = _Reader(expressions)
    reader.feed("".join(pieces))
    reader.close()
    return found + reader.found


def _flatten(node: nodes.Node, pieces: list[str], expressions: list[nodes.Expr], found: list[str]) -> None:
    if isinstance(node, nodes.Output):
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                pieces.append(one.data)
            else:
                pieces.append(f"\ue000{len(expressions)}\ue001")
                expressions.append(one)
    elif isinstance(node, nodes.Assign):
        found.extend(text for text in _said(node.node) if " " in text)
    elif isinstance(node, nodes.With):
        found.extend(text for value in node.values for text in _said(value) if " " in text)
        _through(node, pieces, expressions, found)
    elif not (isinstance(node, nodes.Expr) or (isinstance(node, nodes.Block) and node.name in UNSEEN)):
        _through(node, pieces, expressions, found)


def _through(node: nodes.Node, pieces: list[str], expressions: list[nodes.Expr], found: list[str]) -> None:
    for child in node.iter_child_nodes():
        _flatten(child, pieces, expressions, found)


def _said(node: nodes.Node | None) -> Iterator[str]:
    """The texts among which the value of an expression is chosen or put together."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _said(node.expr1)
        yield from _said(node.expr2)
    elif isinstance(node, nodes.Or | nodes.And | nodes.Add):
        yield from _said(node.left)
        yield from _said(node.right)
    elif isinstance(node, nodes.Concat | nodes.List | nodes.Tuple):
        for one in node.iter_child_nodes():
            yield from _said(one)
    elif isinstance(node, nodes.Filter):
        yield from _said(node.node)
        if node.name in {"default", "d"}:
            for one in node.args:
                yield from _said(one)
    elif isinstance(node, nodes.Getitem):
        yield from _said(node.node)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from _said(pair.value)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get":
        yield from _said(node.node.node)
        for one in node.args[1:]:
            yield from _said(one)


class _Reader(HTMLParser):
    def __init__(self, expressions: list[nodes.Expr]) -> None:
        super().__init__()
        self.expressions = expressions
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        for name, value in attrs:
            if name in SHOWN or name.startswith("data-words"):
                self._look(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.silent -= tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self._look(data)

    def _look(self, text: str) -> None:
        if text in TYPED or text.startswith("address,application,"):
            return
        said = [_MARK.sub(" ", text)]
        for mark in _MARK.finditer(text):
            said.extend(one for one in _said(self.expressions[int(mark[1])]) if one not in TYPED)
        if any(set(_WORD.findall(_FORMAT.sub("", _EXAMPLE.sub("", one)))) - NAMES for one in said):
            self.found.append(_MARK.sub("…", text).strip() + (f" {said[1:]}" if len(said) > 1 else ""))
