"""Writing what the indexer found in messages: grid row, tags, references, full-text document.

Batch function for the writer, which takes one item (a few messages) only when nothing urgent waits.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.capture import is_deleted, message_seq
from relay.archive.insert import insert
from relay.archive.mailing import put_mailing
from relay.archive.normalise import normalised, tokens, words_of
from relay.archive.rows import recipient_of, summary_data, to_json
from relay.archive.schema import DOCUMENT_COLUMNS
from relay.archive.tags import tags_of
from relay.archive.vault import sealed_summary, vault_of
from relay.model.summary import Addressee, Summary

_LISTING = [
    "seq",
    "sender",
    "recipients",
    "subject",
    "snippet",
    "tags",
    "reference_codes",
    "attachment_count",
    "header_message_id",
    "to_key",
    "subject_key",
    "sender_key",
    "size",
    "author",
]
_INSERT_LISTING = insert("listing", _LISTING)
_INSERT_SUMMARY = insert("summary", ("seq", "data"))
_INSERT_TAG = insert("message_tag", ("tag", "seq"), conflict="ON CONFLICT DO NOTHING")
_INSERT_REFERENCE = insert("message_reference", ("code", "seq"), conflict="ON CONFLICT DO NOTHING")
_INSERT_FRAGMENT = insert("fragment", ("kind", "text"), conflict="ON CONFLICT DO NOTHING")
_INSERT_DOCUMENT = insert("document", ("seq", *DOCUMENT_COLUMNS))

SHOWN = 3
"""Recipients that a grid row names."""
TEXT_LIMIT = 1024 * 1024
"""Characters of one column that are searchable; what is beyond is cut, never refused."""
KEY_LIMIT = 200
"""Characters of a sort key."""
FRAGMENT_SIZE = 4, 64
"""Characters of a fragment: of a shorter one there is no middle to look for."""


@dataclass(frozen=True, slots=True)
class Indexing:
    """The arguments of one `add_summaries`, and whether the words are to be told."""

    summaries: Sequence[tuple[str, Summary]]
    tells_words: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """Sequence numbers by id of the message, and the words by which they are found; None: not told."""

    seqs: dict[str, int]
    words: set[str] | None


def add_summaries(database: sqlite3.Connection, batches: list[Indexing]) -> list[Indexed]:
    """Makes messages listed and searchable, replacing what was."""
    return [_add_batch(database, batch) for batch in batches]


def _add_batch(database: sqlite3.Connection, batch: Indexing) -> Indexed:
    words: set[str] | None = set() if batch.tells_words else None
    return Indexed({id_: _add(database, id_, summary, words) for id_, summary in batch.summaries}, words)


def _add(database: sqlite3.Connection, message_id: str, summary: Summary, words: set[str] | None) -> int:
    """What was read before its content was deleted must not come back."""
    seq = message_seq(database, message_id)
    if not is_deleted(database, seq):
        return put_summary(database, message_id, summary, words)
    database.execute("DELETE FROM index_queue WHERE seq = ?", (seq,))
    return seq


def put_summary(database: sqlite3.Connection, message_id: str, summary: Summary, words: set[str] | None = None) -> int:
    """Makes one message listed and searchable by this summary, whatever was before; returns its sequence number.

    `words`: gets those by which it is found.
    """
    seq = message_seq(database, message_id)
    for table in ("listing", "summary", "message_tag", "message_reference", "document"):
        database.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    has_bodies = vault_of(database).index_bodies
    size, sender, tags_text, recipients_text = database.execute(
        "SELECT size, sender, tags, recipients FROM message WHERE seq = ?", (seq,)
    ).fetchone()
    recipients = [recipient_of(value).address for value in json.loads(recipients_text)]
    tags = tags_of(database, seq, [*json.loads(tags_text), *summary.tags])
    shown = shown_recipients(recipients, summary)
    database.execute(
        _INSERT_LISTING,
        (
            seq,
            str(summary.senders[0]) if summary.senders else sender,
            to_json(shown),
            summary.subject,
            summary.snippet if has_bodies else "",
            to_json(tags),
            to_json([[reference.name, reference.code] for reference in summary.references]),
            summary.attachment_count,
            summary.header_message_id,
            addressee_key(summary.to, recipients[0] if recipients else ""),
            summary.subject.casefold()[:KEY_LIMIT],
            addressee_key(summary.senders, sender),
            size,
            author_address(summary),
        ),
    )
    database.execute(_INSERT_SUMMARY, (seq, sealed_summary(database, message_id, summary_data(summary))))
    database.executemany(_INSERT_TAG, [(tag.casefold(), seq) for tag in tags])
    codes = {reference.code.casefold() for reference in summary.references}
    database.executemany(_INSERT_REFERENCE, [(code, seq) for code in sorted(codes)])
    document = _document(database, seq, sender, recipients, summary)
    database.execute(_INSERT_DOCUMENT, (seq, *document))
    if words is not None:
        words.update(*map(words_of, document))
    put_mailing(database, seq, summary, tags)
    addresses = [sender, *recipients, *(one.address for one in (*summary.senders, *summary.to, *summary.cc))]
    database.executemany(_INSERT_FRAGMENT, fragments(addresses, summary))
    database.execute("DELETE FROM index_queue WHERE seq = ?", (seq,))
    return seq


def fragments(addresses: Sequence[str], summary: Summary) -> list[tuple[str, str]]:
    """(kind, token) of what is found by its middle: parts of addresses, of codes, of file names.

    A code is what the references say, and every word of the subject with a digit in it.
    """
    found = {("address", token) for address in addresses for token in tokens(address)}
    found |= {("file", token) for name in summary.filenames for token in tokens(name)}
    codes = [token for reference in summary.references for token in tokens(reference.code)]
    codes += [token for token in tokens(summary.subject) if any(map(str.isdigit, token))]
    found |= {("code", token) for token in codes}
    return sorted((kind, token) for kind, token in found if FRAGMENT_SIZE[0] <= len(token) <= FRAGMENT_SIZE[1])


def _document(
    database: sqlite3.Connection, seq: int, sender: str, recipients: list[str], summary: Summary
) -> list[str]:
    """The texts of the document's columns, normalised and bounded."""
    rows = database.execute("SELECT recipient FROM delivery WHERE message_seq = ?", (seq,))
    everyone = dict.fromkeys([*recipients, *(row[0] for row in rows)])
    texts = (
        summary.subject,
        "\n".join(map(str, summary.senders)),
        "\n".join(map(str, summary.to)),
        "\n".join(map(str, summary.cc)),
        sender,
        "\n".join(everyone),
        "\n".join(summary.filenames),
        summary.header_text,
        *((summary.body_text, summary.attachment_text) if vault_of(database).index_bodies else ("", "")),
    )
    return [normalised(text[:TEXT_LIMIT]) for text in texts]


def shown_recipients(recipients: list[str], summary: Summary) -> list[str]:
    """The first recipients of the envelope, with the name that To or Cc gives them."""
    named = {addressee.address.casefold(): addressee for addressee in (*summary.cc, *summary.to)}
    return [str(named.get(address.casefold()) or Addressee("", address)) for address in recipients[:SHOWN]]


def author_address(summary: Summary) -> str:
    """The address of the first mailbox in From, lower case; '' if there is none."""
    return next((sender.address.lower() for sender in summary.senders if sender.address), "")


def addressee_key(addressees: Sequence[Addressee], fallback: str) -> str:
    """The text that the grid sorts an address column by: name else address, case folded."""
    first = addressees[0] if addressees else None
    shown = (first.name or first.address) if first else ""
    return (shown or fallback).casefold()[:200]
