"""The first schema, as it was released. Later changes are revisions of their own; this file stays as it is."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE application (
        name TEXT NOT NULL,
        username TEXT NOT NULL,
        secret_hash BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        mode TEXT,
        senders TEXT NOT NULL,
        tags TEXT NOT NULL,
        PRIMARY KEY (name),
        UNIQUE (username)
    )
    """,
    """
    CREATE TABLE edit_list (
        hash BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (hash)
    )
    """,
    """
    CREATE TABLE event (
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        message_id TEXT,
        delivery_id TEXT,
        grade TEXT NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (id)
    )
    """,
    "CREATE INDEX event_message ON event (message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX event_resent ON event (message_id) WHERE kind = 'resent'",
    """
    CREATE TABLE message (
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        application TEXT NOT NULL,
        mode TEXT NOT NULL,
        size INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        parent_id TEXT,
        sender TEXT NOT NULL,
        recipient_count INTEGER NOT NULL,
        traits TEXT NOT NULL,
        hops INTEGER NOT NULL,
        tags TEXT NOT NULL,
        body TEXT,
        smtputf8 INTEGER NOT NULL,
        declared_size INTEGER,
        ret TEXT,
        envid TEXT,
        auth TEXT,
        peer TEXT NOT NULL,
        helo TEXT NOT NULL,
        protocol TEXT NOT NULL,
        listener TEXT NOT NULL,
        tls_version TEXT,
        tls_cipher TEXT,
        auth_user TEXT,
        via_proxy TEXT,
        recipients TEXT NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (id)
    )
    """,
    "CREATE INDEX message_application ON message (application)",
    "CREATE INDEX message_parent_id ON message (parent_id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX message_received_at ON message (received_at)",
    """
    CREATE TABLE setting (
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY ("key")
    )
    """,
    """
    CREATE TABLE user (
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE api_token (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        user TEXT NOT NULL,
        token_hash BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (id),
        FOREIGN KEY(user) REFERENCES user (name),
        UNIQUE (token_hash)
    )
    """,
    "CREATE INDEX api_token_user ON api_token (user)",
    """
    CREATE TABLE content (
        message_seq INTEGER NOT NULL,
        n INTEGER NOT NULL,
        frame BLOB NOT NULL,
        PRIMARY KEY (message_seq, n),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE TABLE delivery (
        id TEXT NOT NULL,
        message_seq INTEGER NOT NULL,
        recipient TEXT NOT NULL,
        notify TEXT,
        orcpt TEXT,
        state TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        due_at INTEGER,
        expires_at INTEGER,
        attempts INTEGER NOT NULL,
        reply_code INTEGER,
        reply_enhanced TEXT,
        reply_text TEXT,
        reply_is_local INTEGER,
        upstream TEXT,
        lease_owner TEXT,
        lease_until INTEGER,
        PRIMARY KEY (id),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE INDEX delivery_due ON delivery (due_at)
        WHERE due_at IS NOT NULL AND state IN ('queued', 'deferred', 'unconfirmed')
    """,
    "CREATE INDEX delivery_lease ON delivery (lease_until) WHERE lease_owner IS NOT NULL",
    "CREATE INDEX delivery_message ON delivery (message_seq)",
    "CREATE INDEX delivery_state ON delivery (state, message_seq)",
    """
    CREATE TABLE document (
        seq INTEGER NOT NULL,
        subject TEXT NOT NULL,
        author TEXT NOT NULL,
        addressees TEXT NOT NULL,
        cc TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipients TEXT NOT NULL,
        filenames TEXT NOT NULL,
        headers TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE TABLE index_queue (
        seq INTEGER NOT NULL,
        PRIMARY KEY (seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE TABLE listing (
        seq INTEGER NOT NULL,
        sender TEXT NOT NULL,
        recipients TEXT NOT NULL,
        subject TEXT NOT NULL,
        snippet TEXT NOT NULL,
        tags TEXT NOT NULL,
        reference_codes TEXT NOT NULL,
        attachment_count INTEGER NOT NULL,
        header_message_id TEXT NOT NULL,
        to_key TEXT NOT NULL,
        subject_key TEXT NOT NULL,
        sender_key TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
    """,
    "CREATE INDEX listing_attachment ON listing (attachment_count) WHERE attachment_count > 0",
    "CREATE INDEX listing_header_message_id ON listing (header_message_id) WHERE header_message_id <> ''",
    "CREATE INDEX listing_sender ON listing (sender_key)",
    "CREATE INDEX listing_size ON listing (size)",
    "CREATE INDEX listing_subject ON listing (subject_key)",
    "CREATE INDEX listing_to ON listing (to_key)",
    """
    CREATE TABLE message_reference (
        code TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (code, seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX message_reference_seq ON message_reference (seq)",
    """
    CREATE TABLE message_tag (
        tag TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (tag, seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX message_tag_seq ON message_tag (seq)",
    """
    CREATE TABLE summary (
        seq INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (seq),
        FOREIGN KEY(seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE TABLE web_session (
        token_hash BLOB NOT NULL,
        user TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        address TEXT NOT NULL,
        PRIMARY KEY (token_hash),
        FOREIGN KEY(user) REFERENCES user (name)
    )
    """,
    "CREATE INDEX web_session_expires ON web_session (expires_at)",
    "CREATE INDEX web_session_user ON web_session (user)",
    """
    CREATE TABLE attempt (
        id TEXT NOT NULL,
        delivery_id TEXT NOT NULL,
        message_seq INTEGER NOT NULL,
        number INTEGER NOT NULL,
        upstream TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        edits BLOB,
        wire_sha256 BLOB NOT NULL,
        wire_size INTEGER NOT NULL,
        finished_at INTEGER,
        reply_code INTEGER,
        reply_enhanced TEXT,
        reply_text TEXT,
        reply_is_local INTEGER,
        is_uncertain INTEGER NOT NULL,
        peer TEXT,
        tls_version TEXT,
        tls_cipher TEXT,
        PRIMARY KEY (id),
        FOREIGN KEY(delivery_id) REFERENCES delivery (id),
        FOREIGN KEY(message_seq) REFERENCES message (seq),
        FOREIGN KEY(edits) REFERENCES edit_list (hash)
    )
    """,
    "CREATE INDEX attempt_message ON attempt (message_seq)",
    "CREATE INDEX attempt_open ON attempt (delivery_id) WHERE finished_at IS NULL",
    """
    CREATE VIRTUAL TABLE full_text USING fts5(subject, author, addressees, cc, sender, recipients, filenames,
        headers, body,
        content='document', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 0')
    """,
    """
    CREATE TRIGGER document_added AFTER INSERT ON document
        BEGIN INSERT INTO full_text(rowid, subject, author, addressees, cc, sender, recipients, filenames,
        headers, body)
        VALUES (new.seq, new.subject, new.author, new.addressees, new.cc, new.sender,
        new.recipients, new.filenames, new.headers, new.body); END
    """,
    """
    CREATE TRIGGER document_removed AFTER DELETE ON document
        BEGIN INSERT INTO full_text(full_text, rowid, subject, author, addressees, cc, sender, recipients, filenames,
        headers, body)
        VALUES ('delete', old.seq, old.subject, old.author, old.addressees, old.cc, old.sender,
        old.recipients, old.filenames, old.headers, old.body); END
    """,
    """
    CREATE TRIGGER document_changed AFTER UPDATE ON document
        BEGIN INSERT INTO full_text(full_text, rowid, subject, author, addressees, cc, sender, recipients, filenames,
        headers, body)
        VALUES ('delete', old.seq, old.subject, old.author, old.addressees, old.cc, old.sender,
        old.recipients, old.filenames, old.headers, old.body);
        INSERT INTO full_text(rowid, subject, author, addressees, cc, sender, recipients, filenames,
        headers, body)
        VALUES (new.seq, new.subject, new.author, new.addressees, new.cc, new.sender,
        new.recipients, new.filenames, new.headers, new.body); END
    """,
    """
    CREATE TRIGGER event_refuses_update BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'event: facts are only added'); END
    """,
    """
    CREATE TRIGGER event_refuses_delete BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'event: facts are only added'); END
    """,
    """
    CREATE TRIGGER message_refuses_update BEFORE UPDATE ON message
        BEGIN SELECT RAISE(ABORT, 'message: facts are only added'); END
    """,
    """
    CREATE TRIGGER message_refuses_delete BEFORE DELETE ON message
        BEGIN SELECT RAISE(ABORT, 'message: facts are only added'); END
    """,
    """
    CREATE TRIGGER content_refuses_update BEFORE UPDATE ON content
        BEGIN SELECT RAISE(ABORT, 'content: facts are only added'); END
    """,
    """
    CREATE TRIGGER content_refuses_delete BEFORE DELETE ON content
        BEGIN SELECT RAISE(ABORT, 'content: facts are only added'); END
    """,
    """
    CREATE TRIGGER edit_list_refuses_update BEFORE UPDATE ON edit_list
        BEGIN SELECT RAISE(ABORT, 'edit_list: facts are only added'); END
    """,
    """
    CREATE TRIGGER edit_list_refuses_delete BEFORE DELETE ON edit_list
        BEGIN SELECT RAISE(ABORT, 'edit_list: facts are only added'); END
    """,
    """
    CREATE TRIGGER attempt_refuses_update BEFORE UPDATE ON attempt WHEN old.finished_at IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'attempt: facts are only added'); END
    """,
    """
    CREATE TRIGGER attempt_refuses_delete BEFORE DELETE ON attempt
        BEGIN SELECT RAISE(ABORT, 'attempt: facts are only added'); END
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
