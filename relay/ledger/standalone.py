"""Makes `verify.py`: the checker of bundles as one file that needs Python's standard library and `cryptography` alone.

It is the modules of this room themselves, in the order in which they need each other. Only imports between them go, and
private names get the module's name in front, so that two modules may each have a `_check`. The same sources always give
the same octets. A reader can compare the file with the sources, line by line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib import resources

ENTRY = "relay.ledger.verifier"
_OURS = "relay."
_WORD = re.compile(r"\w+")
_HEAD = '''\
#!/usr/bin/env python3
"""Checks an evidence bundle of Mailwitness, offline: python3 verify.py EVIDENCE.zip --key KEY

Needs Python 3.11 or later and the package cryptography. Made from the modules that Mailwitness itself uses, whose names
stand above each part. Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0
"""

'''
_FOOT = """

if __name__ == "__main__":
    sys.exit(main())
"""


def standalone() -> bytes:
    """The file, from the sources that are installed."""
    return join(_sources(ENTRY)).encode()


def join(sources: Mapping[str, str]) -> str:
    """One program out of modules (name -> source), each after those that it imports, the last one with `main`.

    Raises ValueError where one name would come to mean two things.
    """
    parts = {module: _Part(module, source) for module, source in sources.items()}
    _check_names(parts)
    imports = sorted({line for part in parts.values() for line in part.imports}, key=_import_order)
    bodies = [f"\n\n# ---- {module}\n\n{part.body()}" for module, part in parts.items()]
    return _HEAD + "from __future__ import annotations\n\n" + "".join(imports) + "".join(bodies) + _FOOT


class _Part:
    """A module taken apart: its imports from elsewhere, its names, and the lines that stay."""

    def __init__(self, module: str, source: str) -> None:
        self.module = module
        self.source = source
        self.imports: list[str] = []
        self.names: set[str] = set()
        self._gone: set[int] = set()
        for number, node in enumerate(ast.parse(source).body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._take_import(node)
            elif number == 0 and isinstance(node, ast.Expr):
                pass
            else:
                self.names.update(_names(node))

    def body(self) -> str:
        """The lines that stay, private names made the module's own."""
        prefix = f"_{self.module.rpartition('.')[2]}"
        lines = self.source.splitlines(keepends=True)
        kept = "".join(line for number, line in enumerate(lines, 1) if number not in self._gone)
        for name in sorted(self.names):
            if name.startswith("_"):
                kept = re.sub(rf"(?<![\w.]){name}\b", prefix + name, kept)
        return kept.strip("\n") + "\n"

    def _take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        self._gone.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for alias in node.names:
            if alias.asname is not None:
                raise ValueError(f"{self.module}: {alias.name} is imported under another name")
            if isinstance(node, ast.Import):
                self.imports.append(f"import {alias.name}\n")
            elif node.module != "__future__" and not (node.module or "").startswith(_OURS):
                self.imports.append(f"from {node.module} import {alias.name}\n")


def _names(node: ast.stmt) -> list[str]:
    """What a statement at the top of a module gives a name to."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _check_names(parts: Mapping[str, _Part]) -> None:
    owners = {line.split()[-1]: line for part in parts.values() for line in part.imports}
    for module, part in parts.items():
        for name in sorted(part.names):
            if not name.startswith("_") and owners.setdefault(name, module) != module:
                raise ValueError(f"{name} of {module} is also of {owners[name].strip()}")
        _check_private(module, part)


def _check_private(module: str, part: _Part) -> None:
    """A private name is renamed wherever it stands as a word of its own: so it may be no attribute and in no text."""
    taken = set[str]()
    for node in ast.walk(ast.parse(part.source)):
        if isinstance(node, ast.Attribute):
            taken.add(node.attr)
        elif isinstance(node, ast.keyword):
            taken.add(node.arg or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            taken.update(_WORD.findall(node.value))
    shared = sorted(name for name in part.names & taken if name.startswith("_"))
    if shared:
        raise ValueError(f"{shared[0]} of {module} is also an attribute, an argument or a word in a text")


def _import_order(line: str) -> tuple[bool, bool, str]:
    """Standard library first, plain imports first."""
    return "cryptography" in line, line.startswith("from"), line


def _sources(entry: str) -> dict[str, str]:
    """Name -> source of a module and all of ours that it imports, each after those that it needs."""
    found: dict[str, str] = {}

    def visit(module: str) -> None:
        if module in found:
            return
        package, _, name = module.rpartition(".")
        source = resources.files(package).joinpath(f"{name}.py").read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_OURS):
                visit(node.module or "")
        found.setdefault(module, source)

    visit(entry)
    return found
