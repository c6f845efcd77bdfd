"""Figures for the reports, the days whose figures are to be counted (again), and who was written to."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

_DIRTY = (
    "INSERT INTO figure_day (day, mark, since) SELECT received_at / 86400000000, 1, "
    "coalesce((SELECT at FROM event ORDER BY seq DESC LIMIT 1), received_at) FROM message WHERE seq = NEW.{} "
    "ON CONFLICT (day) DO UPDATE SET mark = mark + 1"
)
_ADDRESS = (
    "INSERT INTO addressed (address, seq) SELECT DISTINCT lower(recipient), message_seq FROM delivery "
    "WHERE message_seq = NEW.seq ON CONFLICT DO NOTHING"
)

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE figure (
        facet TEXT NOT NULL,
        day INTEGER NOT NULL,
        value TEXT NOT NULL,
        application TEXT NOT NULL,
        author TEXT NOT NULL,
        messages INTEGER NOT NULL,
        copies INTEGER NOT NULL,
        captured INTEGER NOT NULL,
        held INTEGER NOT NULL,
        suppressed INTEGER NOT NULL,
        queued INTEGER NOT NULL,
        deferred INTEGER NOT NULL,
        unconfirmed INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        delivered INTEGER NOT NULL,
        bounced INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        hard INTEGER NOT NULL,
        complained INTEGER NOT NULL,
        unsubscribed INTEGER NOT NULL,
        tracked INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        prefetched INTEGER NOT NULL,
        linked INTEGER NOT NULL,
        clicked INTEGER NOT NULL,
        scanned INTEGER NOT NULL,
        handed INTEGER NOT NULL,
        encrypted INTEGER NOT NULL,
        signed INTEGER NOT NULL,
        aligned INTEGER NOT NULL,
        envelope_aligned INTEGER NOT NULL,
        replies INTEGER NOT NULL,
        reply_time INTEGER NOT NULL,
        slowest INTEGER NOT NULL,
        PRIMARY KEY (facet, day, value, application, author)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE figure_day (
        day INTEGER NOT NULL,
        mark INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (day)
    )
    """,
    "CREATE TABLE figure_cursor (event_seq INTEGER NOT NULL)",
    "INSERT INTO figure_cursor SELECT coalesce(max(seq), 0) FROM event",
    "INSERT INTO figure_day (day, mark, since) SELECT received_at / 86400000000, 1, min(received_at) FROM message "
    "GROUP BY 1",
    # What the indexer finds, and a new opinion about a fetch, are no events: the tables tell of them.
    f"CREATE TRIGGER figure_listed AFTER INSERT ON listing BEGIN {_DIRTY.format('seq')}; END",
    f"CREATE TRIGGER figure_relisted AFTER UPDATE ON listing BEGIN {_DIRTY.format('seq')}; END",
    "CREATE TRIGGER figure_judged AFTER UPDATE OF verdict ON fetch WHEN OLD.verdict <> NEW.verdict BEGIN "
    f"{_DIRTY.format('message_seq')}; END",
    """
    CREATE TABLE addressed (
        address TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (address, seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    ) WITHOUT ROWID
    """,
    "INSERT INTO addressed SELECT DISTINCT lower(recipient), message_seq FROM delivery",
    # A copy for somebody new is told to the document, too (`capture.add_deliveries`).
    f"CREATE TRIGGER document_addressed AFTER INSERT ON document BEGIN {_ADDRESS}; END",
    f"CREATE TRIGGER document_readdressed AFTER UPDATE OF recipients ON document BEGIN {_ADDRESS}; END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
