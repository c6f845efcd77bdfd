"""Which words of the archive a search's words stand for: those that begin so, and parts of addresses and codes.

Reads the vocabulary of the full-text index and the dictionary of fragments; never a message. Bounded: of a beginning
with more than `MOST` words FTS5 puts the lists together itself, and of a part that more fragments have none is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive.matching import (
    COLUMNS,
    FRAGMENTS,
    SHORTEST,
    TEXT,
    Lexicon,
    Words,
    is_address,
    is_open,
    is_recipient,
)
from relay.archive.normalise import is_spaceless, tokens
from relay.archive.query import And, Node, Not, Or, Term
from relay.archive.vocabulary import Vocabulary

MOST = 80
"""Words that one word of a search may stand for and still be named one by one."""
_VOCABULARY = "vocabulary"
_IS_ADDRESSED = "SELECT EXISTS (SELECT 1 FROM addressed WHERE address = ?)"

# Each word is found by a seek: `term > …` would walk through all places of a common word first.
_BEGINNINGS = """
    WITH RECURSIVE word(term) AS (
        SELECT (SELECT term FROM full_text_word WHERE term >= :start LIMIT 1)
        UNION ALL
        SELECT (SELECT term FROM full_text_word WHERE term >= word.term || char(0) LIMIT 1)
        FROM word WHERE word.term <= :stop
    )
    SELECT term FROM word WHERE term <= :stop LIMIT :most
"""
_FRAGMENTS = """
    SELECT fragment.kind, fragment.text FROM full_text_fragment
    JOIN fragment ON fragment.id = full_text_fragment.rowid
    WHERE full_text_fragment.text MATCH :phrase AND {} LIMIT :most
"""
_CONTAINING = _FRAGMENTS.format("substr(fragment.text, 1, :length) <> :part")
"""Those that begin so are among the beginnings."""
_ENDING = _FRAGMENTS.format("substr(fragment.text, -:length) = :part AND fragment.text <> :part")


async def lexicon(connection: AsyncConnection, node: Node) -> Lexicon:
    """What the words of a query stand for at the moment."""
    return {term: await _words(connection, term) for term in dict.fromkeys(_text_terms(node))}


def _text_terms(node: Node) -> Iterator[Term]:
    if isinstance(node, Term):
        is_open = node.field in TEXT and not node.is_phrase and tokens(node.value)
        if is_open or is_recipient(node):
            yield node
    elif isinstance(node, Not):
        yield from _text_terms(node.node)
    elif isinstance(node, And | Or):
        for inner in node.nodes:
            yield from _text_terms(inner)


async def _words(connection: AsyncConnection, term: Term) -> Words:
    if is_recipient(term):
        asked = await connection.exec_driver_sql(_IS_ADDRESSED, (term.value.lower(),))
        return Words((), is_recipient=bool(asked.scalar_one()))
    found = tokens(term.value)
    # Three letters have an index: there is no need to name the words.
    is_short = len(found[-1]) == SHORTEST
    beginnings = None if is_short else await beginning(connection, found[-1], MOST) if is_open(term) else ()
    return Words(beginnings, await _fragments(connection, found) if _may_be_part(term, found[0]) else ())


def _may_be_part(term: Term, first: str) -> bool:
    if is_address(term):
        return False
    columns = COLUMNS[term.field].split()
    is_in_fragments = any(column in columns for allowed in FRAGMENTS.values() for column in allowed.split())
    # What begins at a mark, as `@example.com` does, is not the end of a longer word.
    return is_in_fragments and len(first) >= SHORTEST and not is_spaceless(first) and term.value[0].isalnum()


def use(connection: AsyncConnection, vocabulary: Vocabulary) -> None:
    """Before its snapshot is begun: words may be had from what is kept."""
    connection.info[_VOCABULARY] = vocabulary, vocabulary.changes


async def beginning(connection: AsyncConnection, start: str, most: int) -> tuple[str, ...] | None:
    """The words of the index that begin so, in order; None if they are more than `most`."""
    if most != MOST or (used := connection.info.get(_VOCABULARY)) is None:
        return await _read(connection, start, most)
    vocabulary, changes = used
    found: tuple[str, ...] | None = await vocabulary.get(start, changes, lambda: _read(connection, start, most))
    return found


async def _read(connection: AsyncConnection, start: str, most: int) -> tuple[str, ...] | None:
    given = {"start": start, "stop": start + "\U0010ffff", "most": most + 1}
    rows = (await connection.exec_driver_sql(_BEGINNINGS, given)).all()
    return None if len(rows) > most else tuple(row[0] for row in rows)


async def _fragments(connection: AsyncConnection, found: list[str]) -> tuple[tuple[str, str], ...]:
    """Fragments that contain the only word, or end with the first of several; none if they are too many."""
    given = {"phrase": f'"{found[0]}"', "part": found[0], "length": len(found[0]), "most": MOST + 1}
    statement = _ENDING if len(found) > 1 else _CONTAINING
    rows: Sequence[Any] = (await connection.exec_driver_sql(statement, given)).all()
    return () if len(rows) > MOST else tuple((row[0], row[1]) for row in rows)
