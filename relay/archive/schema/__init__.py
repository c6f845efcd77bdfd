"""The tables of the archive (SQLAlchemy Core). Triggers and the full-text index are in the migrations alone.

Written at capture, before the 250: message, content, delivery, event, index_queue. Everything that grid and search
need beyond that is written later by the indexer: listing, summary, message_tag, message_reference, document and its
full-text index. Changes of the schema are migrations (`migrations/`); a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from relay.archive.schema.deletion import deletion_request_table, deletion_table, tag_change_table
from relay.archive.schema.encryption import data_key_table
from relay.archive.schema.erasure import erasing_table, erasure_table
from relay.archive.schema.figure import addressed_table, figure_cursor_table, figure_day_table, figure_table
from relay.archive.schema.hold import held_message_table, legal_hold_table, term_table
from relay.archive.schema.idempotency import idempotency_table
from relay.archive.schema.ledger import checkpoint_table, leaf_table, node_table, stamp_table, tree_table
from relay.archive.schema.notification import endpoint_table, notification_table
from relay.archive.schema.people import api_token_table, application_table, group_table, role_table, user_table
from relay.archive.schema.repetition import repetition_table
from relay.archive.schema.report import payload_table, report_table
from relay.archive.schema.row_sum import row_sum_table
from relay.archive.schema.search import fragment_table, section_table
from relay.archive.schema.sign_in import identity_table, passkey_table, recovery_code_table, second_factor_table
from relay.archive.schema.suppression import suppression_table
from relay.archive.schema.view import mailed_table, mailing_table, preference_table, saved_view_table

metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _int(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=null)


def _seq() -> Column[int]:
    return Column("seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False)


message = Table(
    "message",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    _int("received_at"),
    _text("application"),
    _text("mode"),
    _int("size"),
    Column("sha256", LargeBinary, nullable=False),
    _text("parent_id", null=True),
    _text("sender"),
    _int("recipient_count"),
    _text("traits"),
    _int("hops"),
    _text("tags"),
    _text("body", null=True),
    _int("smtputf8"),
    _int("declared_size", null=True),
    _text("ret", null=True),
    _text("envid", null=True),
    _text("auth", null=True),
    _text("peer"),
    _text("helo"),
    _text("protocol"),
    _text("listener"),
    _text("tls_version", null=True),
    _text("tls_cipher", null=True),
    _text("auth_user", null=True),
    _text("via_proxy", null=True),
    # Last: a thousand recipients fill overflow pages, which rows of a list must not read.
    _text("recipients"),
    Index("message_received_at", "received_at"),
    Index("message_application", "application", "received_at"),
    Index("message_parent_id", "parent_id", sqlite_where=text("parent_id IS NOT NULL")),
)

content = Table(
    "content",
    metadata,
    Column("message_seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("frame", LargeBinary, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_seq", Integer, ForeignKey("message.seq"), nullable=False),
    _text("recipient"),
    _text("notify", null=True),
    _text("orcpt", null=True),
    _text("state"),
    _int("created_at"),
    _int("due_at", null=True),
    _int("expires_at", null=True),
    _int("attempts"),
    _int("reply_code", null=True),
    _text("reply_enhanced", null=True),
    _text("reply_text", null=True),
    _int("reply_is_local", null=True),
    _text("upstream", null=True),
    _text("lease_owner", null=True),
    _int("lease_until", null=True),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    # '' until it is routed: comparisons of rows in an index do not see NULL.
    Column("lane", Text, nullable=False, server_default=text("''")),
    # Of the message: within a priority the applications take turns.
    Column("application", Text, nullable=False, server_default=text("''")),
    _text("wanted_upstream", null=True),
    _text("original", null=True),
    _text("why", null=True),
    _text("bounce", null=True),
    _text("grade", null=True),
    _text("source", null=True),
    _int("complained_at", null=True),
    _int("unsubscribed_at", null=True),
    Index("delivery_message", "message_seq"),
    Index("delivery_state", "state", "message_seq"),
    Index(
        "delivery_due",
        "lane",
        "priority",
        "application",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL AND state IN ('queued', 'deferred', 'unconfirmed')"),
    ),
    Index("delivery_complained", "message_seq", sqlite_where=text("complained_at IS NOT NULL")),
    Index("delivery_unsubscribed", "message_seq", sqlite_where=text("unsubscribed_at IS NOT NULL")),
    Index("delivery_lease", "lease_until", sqlite_where=text("lease_owner IS NOT NULL")),
)

edit_list = Table(
    "edit_list",
    metadata,
    # SHA-256 of `data` uncompressed: the thousand deliveries of one transaction share one row.
    Column("hash", LargeBinary, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    # The first message to use it, and whether another does as well: deletion takes what is of one message alone.
    _int("message_seq", null=True),
    Column("is_shared", Integer, nullable=False, server_default=text("0")),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False),
    Column("message_seq", Integer, ForeignKey("message.seq"), nullable=False),
    _int("number"),
    _text("upstream"),
    _int("began_at"),
    Column("edits", LargeBinary, ForeignKey("edit_list.hash"), nullable=True),
    Column("wire_sha256", LargeBinary, nullable=False),
    _int("wire_size"),
    _int("finished_at", null=True),
    _int("reply_code", null=True),
    _text("reply_enhanced", null=True),
    _text("reply_text", null=True),
    _int("reply_is_local", null=True),
    _int("is_uncertain"),
    _text("peer", null=True),
    _text("tls_version", null=True),
    _text("tls_cipher", null=True),
    _text("sender", null=True),
    _text("signatures", null=True),
    _text("provider_id", null=True),
    Index("attempt_message", "message_seq"),
    Index("attempt_provider_id", "provider_id", sqlite_where=text("provider_id IS NOT NULL")),
    Index("attempt_open", "delivery_id", sqlite_where=text("finished_at IS NULL")),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False),
    Column("message_seq", Integer, ForeignKey("message.seq"), nullable=False),
    _text("kind"),
    _int("created_at"),
    _int("part"),
    _text("url"),
    Index("token_message", "message_seq"),
    Index("token_delivery", "delivery_id", "kind"),
)

fetch = Table(
    "fetch",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_id", Text, ForeignKey("token.id"), nullable=False),
    # Of the token, so that no search and no judgement needs to join.
    _text("delivery_id"),
    _int("message_seq"),
    _text("kind"),
    _int("at"),
    _text("method"),
    _text("address"),
    _text("network"),
    _text("user_agent"),
    _text("signals"),
    _text("verdict"),
    _text("reason"),
    _int("rules_version"),
    _int("count"),
    # Only in rows that stand for many: the hour they are of, and the latest fetch added to the count.
    _int("hour", null=True),
    _text("last_id", null=True),
    Index("fetch_token", "token_id", "verdict", "hour"),
    Index("fetch_delivery", "delivery_id", "at"),
    Index("fetch_kind", "kind", "verdict", "message_seq"),
)

DEED = (
    "CASE WHEN actor GLOB 'user:*' OR actor GLOB 'command:*' OR kind GLOB 'sign-in-*' OR kind GLOB 'alert-*'"
    " OR kind = 'setting-changed' OR kind = 'encryption-changed' THEN 1 ELSE 0 END = 1"
)
"""What is in the audit history. Whoever asks for it must say it in these words, or SQLite does not use the indexes."""

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    _int("at"),
    _text("kind"),
    _text("actor"),
    # No foreign keys: the journal outlives what it speaks of.
    _text("message_id", null=True),
    _text("delivery_id", null=True),
    _text("grade"),
    _text("data"),
    Index("event_message", "message_id", sqlite_where=text("message_id IS NOT NULL")),
    Index("event_resent", "message_id", sqlite_where=text("kind = 'resent'")),
    Index("event_erased", "seq", sqlite_where=text("kind = 'erased' AND message_id IS NULL")),
    Index("event_deed", "at", "seq", sqlite_where=text(DEED)),
    Index("event_deed_actor", "actor", "at", "seq", sqlite_where=text(DEED)),
    Index("event_deed_kind", "kind", "at", "seq", sqlite_where=text(DEED)),
)

index_queue = Table("index_queue", metadata, _seq())
"""Messages that the indexer has not reached."""

listing = Table(
    "listing",
    metadata,
    _seq(),
    _text("sender"),
    _text("recipients"),
    _text("subject"),
    _text("snippet"),
    _text("tags"),
    _text("reference_codes"),
    _int("attachment_count"),
    _text("header_message_id"),
    _text("to_key"),
    _text("subject_key"),
    _text("sender_key"),
    _int("size"),
    # Address of the first mailbox in From, lower case; '': none. What members of a team may see goes by it.
    Column("author", Text, nullable=False, server_default=text("''")),
    Index("listing_to", "to_key"),
    Index("listing_subject", "subject_key"),
    Index("listing_sender", "sender_key"),
    Index("listing_size", "size"),
    Index("listing_author", "author"),
    Index("listing_attachment", "attachment_count", sqlite_where=text("attachment_count > 0")),
    Index("listing_header_message_id", "header_message_id", sqlite_where=text("header_message_id <> ''")),
)

summary = Table("summary", metadata, _seq(), Column("data", LargeBinary, nullable=False))

message_tag = Table(
    "message_tag",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False),
    Index("message_tag_seq", "seq"),
    sqlite_with_rowid=False,
)

message_reference = Table(
    "message_reference",
    metadata,
    Column("code", Text, primary_key=True),
    Column("seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False),
    Index("message_reference_seq", "seq"),
    sqlite_with_rowid=False,
)

document = Table(
    "document",
    metadata,
    _seq(),
    _text("subject"),
    _text("author"),
    _text("addressees"),
    _text("cc"),
    _text("sender"),
    _text("recipients"),
    _text("filenames"),
    _text("headers"),
    _text("body"),
    # Text found in attached files.
    Column("attachments", Text, nullable=False, server_default=text("''")),
)
"""The normalised text (see normalise.py) that the full-text index `full_text` (FTS5) is over."""

user, role, user_group = user_table(metadata), role_table(metadata), group_table(metadata)

web_session = Table(
    "web_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user", Text, ForeignKey("user.name"), nullable=False),
    _int("created_at"),
    _int("expires_at"),
    _text("address"),
    Column("seen_at", Integer, nullable=False, server_default=text("0")),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("method", Text, nullable=False, server_default=text("''")),
    Index("web_session_user", "user"),
    Index("web_session_expires", "expires_at"),
)

second_factor = second_factor_table(metadata)
recovery_code = recovery_code_table(metadata)
passkey = passkey_table(metadata)
identity = identity_table(metadata)

api_token, application = api_token_table(metadata), application_table(metadata)
suppression = suppression_table(metadata)
deletion = deletion_table(metadata)
erasure, erasing = erasure_table(metadata), erasing_table(metadata)
legal_hold = legal_hold_table(metadata)
held_message = held_message_table(metadata)
term = term_table(metadata)
deletion_request = deletion_request_table(metadata)
tag_change = tag_change_table(metadata)
payload = payload_table(metadata)
report = report_table(metadata)

repetition = repetition_table(metadata)
idempotency = idempotency_table(metadata)
endpoint = endpoint_table(metadata)
notification = notification_table(metadata)

figure = figure_table(metadata)
figure_day = figure_day_table(metadata)
figure_cursor = figure_cursor_table(metadata)
addressed = addressed_table(metadata)

preference = preference_table(metadata)
saved_view = saved_view_table(metadata)
mailing = mailing_table(metadata)
mailed = mailed_table(metadata)

fragment = fragment_table(metadata)
section = section_table(metadata)

data_key = data_key_table(metadata)
leaf, node, tree = leaf_table(metadata), node_table(metadata), tree_table(metadata)
checkpoint, stamp = checkpoint_table(metadata), stamp_table(metadata)
row_sum = row_sum_table(metadata)

setting = Table("setting", metadata, Column("key", Text, primary_key=True), _text("value"))

DOCUMENT_COLUMNS = (
    *("subject", "author", "addressees", "cc", "sender", "recipients", "filenames", "headers", "body"),
    "attachments",
)
