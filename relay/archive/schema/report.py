"""The tables of what comes back: payloads as they came, and the reports read from them. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def payload_table(metadata: MetaData) -> Table:
    return Table(
        "payload",
        metadata,
        Column("id", Text, primary_key=True),
        Column("received_at", Integer, nullable=False),
        _text("source"),
        _text("grade"),
        _text("verdict"),
        _text("headers"),
        _text("peer"),
        _text("return_token"),
        _text("nonce"),
        # SHA-256 of body and return token: the same again is known.
        Column("digest", LargeBinary, nullable=False),
        # Whether its reports are kept; and why not, if they could not be read.
        Column("is_mapped", Integer, nullable=False),
        _text("problem"),
        # Of the body, for the time when it is deleted.
        Column("body_sha256", LargeBinary, nullable=True),
        Column("body_size", Integer, nullable=True),
        # Last: long, and compressed.
        Column("body", LargeBinary, nullable=False),
        Index("payload_digest", "source", "digest", unique=True),
        Index("payload_nonce", "source", "nonce", unique=True, sqlite_where=text("nonce <> ''")),
        Index("payload_received", "received_at"),
        Index("payload_unmapped", "id", sqlite_where=text("is_mapped = 0")),
    )


def report_table(metadata: MetaData) -> Table:
    return Table(
        "report",
        metadata,
        Column("id", Text, primary_key=True),
        Column("payload_id", Text, ForeignKey("payload.id"), nullable=False),
        # Of the payload, so that the same event from the same source is known.
        _text("source"),
        _text("event_key"),
        Column("at", Integer, nullable=False),
        _text("kind"),
        _text("recipient"),
        _text("named_delivery"),
        _text("named_message"),
        _text("provider_id"),
        _text("header_message_id"),
        _text("bounce", null=True),
        _text("status"),
        _text("diagnostic"),
        _text("explanation"),
        _text("action"),
        Column("is_machine", Integer, nullable=True),
        _text("detail"),
        # What it was found to be about; NULL: not known (yet), or of no one recipient.
        Column("message_seq", Integer, ForeignKey("message.seq"), nullable=True),
        Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=True),
        _text("address_key", null=True),
        Index("report_event_key", "source", "event_key", unique=True),
        Index("report_payload", "payload_id"),
        Index("report_message", "message_seq", sqlite_where=text("message_seq IS NOT NULL")),
        Index("report_delivery", "delivery_id", "kind", sqlite_where=text("delivery_id IS NOT NULL")),
        Index("report_address", "address_key", "at", sqlite_where=text("address_key IS NOT NULL")),
    )
