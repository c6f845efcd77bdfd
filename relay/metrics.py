"""The Prometheus metrics of the relay. Counted by `maillog`, gauges read when scraped; served by the viewer."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

sessions = Gauge("mailwitness_smtp_sessions_open", "SMTP sessions open now", registry=REGISTRY)
sessions_total = Counter("mailwitness_smtp_sessions_total", "SMTP sessions accepted", registry=REGISTRY)
accepted = Counter(
    "mailwitness_messages_accepted_total", "Messages committed and answered 250", ["application"], registry=REGISTRY
)
accepted_octets = Counter("mailwitness_messages_accepted_octets_total", "Their octets", registry=REGISTRY)
refused = Counter("mailwitness_refused_total", "Commands and messages refused", ["reason"], registry=REGISTRY)
commit_seconds = Histogram(
    "mailwitness_commit_seconds",
    "From the final dot to the commit",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
attempts = Counter("mailwitness_attempts_total", "Delivery attempts closed", ["upstream", "result"], registry=REGISTRY)
upstream_rests = Counter(
    "mailwitness_upstream_rests_total", "Times an upstream failed too often in a row", ["upstream"], registry=REGISTRY
)
upstream_up = Gauge(
    "mailwitness_upstream_up", "1: mail goes there; 0: rests or is paused", ["upstream"], registry=REGISTRY
)
upstream_sessions = Gauge(
    "mailwitness_upstream_sessions", "SMTP sessions open with it", ["upstream"], registry=REGISTRY
)
queue_depth = Gauge("mailwitness_queue_depth", "Deliveries due or under way", ["state"], registry=REGISTRY)
queue_age_seconds = Gauge("mailwitness_queue_age_seconds", "Age of the oldest delivery still due", registry=REGISTRY)
index_lag = Gauge("mailwitness_index_lag_messages", "Messages captured but not yet searchable", registry=REGISTRY)
archive_commits = Gauge("mailwitness_archive_commits", "Transactions committed since the start", registry=REGISTRY)
archive_committed_writes = Gauge(
    "mailwitness_archive_committed_writes", "Writes those transactions carried (group commit)", registry=REGISTRY
)
fetches = Counter("mailwitness_fetches_total", "Fetches of pixels and links kept", ["verdict"], registry=REGISTRY)
fetches_lost = Counter("mailwitness_fetches_lost_total", "Fetches that could not be kept", registry=REGISTRY)
payloads = Counter(
    "mailwitness_payloads_total",
    "What came back and was kept, before it was read",
    ["source", "result"],
    registry=REGISTRY,
)
payloads_refused = Counter(
    "mailwitness_payloads_refused_total",
    "What came to be reported and was not believed",
    ["source", "reason"],
    registry=REGISTRY,
)
reports = Counter(
    "mailwitness_reports_total", "Statements about recipients in it", ["source", "kind", "result"], registry=REGISTRY
)
notifications = Counter(
    "mailwitness_notifications_total",
    "Tries to tell an endpoint of an event",
    ["endpoint", "result"],
    registry=REGISTRY,
)
ledger_checkpoints = Counter("mailwitness_ledger_checkpoints_total", "Checkpoints signed", registry=REGISTRY)
ledger_checkpoint_facts = Gauge("mailwitness_ledger_checkpoint_facts", "Facts under the latest one", registry=REGISTRY)
ledger_checkpoint_time = Gauge(
    "mailwitness_ledger_checkpoint_timestamp_seconds", "When it was signed (Unix time)", registry=REGISTRY
)
ledger_refused = Gauge(
    "mailwitness_ledger_refused", "1: the log is not signed, because it or its key is not as it was", registry=REGISTRY
)
ledger_witness_answers = Counter(
    "mailwitness_ledger_witness_answers_total", "Answers of witnesses", ["witness", "result"], registry=REGISTRY
)
ledger_stamps = Counter(
    "mailwitness_ledger_stamps_total",
    "Answers of time-stamping authorities",
    ["authority", "result"],
    registry=REGISTRY,
)
journal_lag = Gauge(
    "mailwitness_journal_lag_messages", "Messages that the journal has not reported yet", registry=REGISTRY
)
journal_failing = Gauge("mailwitness_journal_failing", "1: the other archive did not take a report", registry=REGISTRY)
journal_reports = Counter("mailwitness_journal_reports_total", "Journal reports that were taken", registry=REGISTRY)
export_failing = Gauge(
    "mailwitness_export_failing", "1: the export of this timetable failed", ["name"], registry=REGISTRY
)
