"""`mailwitness reclassify`: judges kept fetches again, by this version's rules. What was observed stays as it is."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import typer

from relay.commands.options import ConfigFile, configured, read_if_any, write

if TYPE_CHECKING:
    from relay.model.fetch import Fetch

PAGE = 2000
"""Fetches judged in one transaction."""


def register(app: typer.Typer) -> None:
    @app.command()
    def reclassify(config: ConfigFile = None) -> None:
        """Judge all fetches of pixels and links again that older rules have judged."""
        from relay.clock import new_id, now
        from relay.feedback.classify import VERSION
        from relay.feedback.judging import judge_again, judgements

        settings = configured(config)
        after, judged, changes = "", 0, Counter[str]()
        while True:
            found = read_if_any(settings, partial(judge_again, after=after, limit=PAGE))
            if found is None or not found[0]:
                break
            old, new = found
            write(settings, "judge", judgements(new, now=now(), new_id=new_id))
            after, judged = old[-1].id, judged + len(old)
            changes.update(_changes(old, new))
            typer.echo(f"{judged} judged", err=True)
        typer.echo(f"{judged} fetches judged by version {VERSION} of the rules, {sum(changes.values())} changed.")
        for change, count in sorted(changes.items()):
            typer.echo(f"{count}\t{change}")


def _changes(old: list[Fetch], new: list[Fetch]) -> list[str]:
    """`likely-human -> scanner-suspected`, for each fetch whose verdict is another."""
    return [
        f"{before.verdict.value} -> {after.verdict.value}"
        for before, after in zip(old, new, strict=True)
        if before.verdict is not after.verdict
    ]
