"""Rules about several keys of `[journal]` and `[[export]]`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from relay.config.house import Config
from relay.config.problem import Problem, twice


def problems(config: Config) -> Iterator[Problem]:
    yield from _journal(config)
    yield from twice(("export",), "name", [one.name for one in config.export])
    for n, one in enumerate(config.export):
        here = ("export", n)
        if not one.to.startswith("s3://") and (one.endpoint or one.region):
            yield Problem(
                (*here, "to"), f"{one.to!r}, expected s3://bucket/prefix where there is an endpoint or region"
            )


def _journal(config: Config) -> Iterator[Problem]:
    table = config.journal
    if not table.to:
        if table.upstream:
            yield Problem(("journal", "to"), "missing, expected the address of the other archive")
        return
    found = [one for one in config.upstream if one.name == table.upstream or not table.upstream][:1]
    if not found:
        known = f"{table.upstream!r}, expected the name of an [[upstream]]" if table.upstream else "there is none"
        yield Problem(("journal", "upstream"), known if table.upstream else "missing, expected an [[upstream]]")
    elif found[0].kind != "smtp":
        yield Problem(("journal", "upstream"), f"{found[0].name!r}, expected an [[upstream]] of kind smtp")
