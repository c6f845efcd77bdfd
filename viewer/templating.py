"""Templates, compiled once for each language with its words already in them.

A page has some hundred and thirty fixed pieces: words, icons, addresses of static files. To look them up for each
request took a tenth of the time of a page; here a call of one of `fixed` with nothing but constants is made when the
template is compiled, and what it gives stands in the code as text. That is done when a language first needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.bccache import Bucket
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from viewer import tongue

Fixed = Mapping[str, Callable[..., str]]
"""By the name by which templates call them (`static_url`, `ui.icon`): functions of nothing but their arguments and the
language. What they give is escaped if it is no Markup."""


class Environment(jinja2.Environment):
    """Templates of `folder`; `get_template` gives the one of the language of this request."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            loader=_ByLanguage(folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
            bytecode_cache=_COMPILED,
            # Templates do not change while it runs: no look at the files for each row of a page.
            auto_reload=False,
        )
        self.fixed: dict[str, Callable[..., str]] = {}

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> jinja2.Template:
        """`grid.html`; what a template extends or includes comes by here too."""
        return super().get_template(f"{tongue.language()}/{name}" if isinstance(name, str) else name, None, globals)

    def compile(self, source: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(source, str):
            source = _Fixing(self.fixed).visit(self.parse(source, *rest[:2]))
            source.set_environment(self)
        return super().compile(source, *rest, **named)


class _ByLanguage(jinja2.FileSystemLoader):
    """The same file for every language, under a name of its own: `de/grid.html`."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        return super().get_source(environment, template.partition("/")[2])


class _Fixing(NodeTransformer):
    """Puts what fixed functions give in the place of their calls, inner ones first: `ui.icon("user", _('own'))`."""

    def __init__(self, fixed: Fixed) -> None:
        self._fixed = fixed

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        make = self._fixed.get(_name(node.node))
        if make is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        try:
            values = [argument.as_const() for argument in node.args]
        except nodes.Impossible:
            return node
        html = nodes.Const(str(escape(make(*values))))
        return nodes.MarkSafe(html, lineno=node.lineno, environment=node.environment)


def _name(node: nodes.Expr) -> str:
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


class _Compiled(jinja2.BytecodeCache):
    """Code by the template's name and text, for all environments of this process, which are all set up alike.

    To compile one takes 10 to 60 ms, and tests make many applications.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()
