"""Counting: the figures of some messages, in one statement, whether for a day's rows or for a question of one's own.

Messages are chosen by a condition on `message`; what they are counted by is `Facet`. Nothing else knows how a figure
comes about. Imported mail is in no figure: it was not sent from here. SQLite's dialect.
"""

from __future__ import annotations

from collections.abc import Iterable

from relay.model.figure import DAY, NAMES, Facet
from relay.model.signature import Alignment

KEYS = ("facet", "day", "value", "application", "author")
_ATTEMPT = ("handed", "encrypted", "signed", "aligned", "envelope_aligned", "replies", "reply_time", "slowest")
_COPY = tuple(name for name in NAMES if name not in ("messages", *_ATTEMPT))
_PERSON, _MACHINE = 1, 2

_CHOSEN = f"""
chosen AS MATERIALIZED (
  SELECT message.seq, message.received_at / {DAY} AS day, message.application, message.sender AS reverse_path,
    coalesce(listing.author, '') AS author, coalesce(listing.subject, '') AS subject
  FROM message LEFT JOIN listing ON listing.seq = message.seq WHERE message.peer <> 'import' AND ({{condition}})
)"""

_SUMS = {
    "copies": "id IS NOT NULL",
    **{state: f"state = '{state}'" for state in ("captured", "held", "suppressed", "deferred", "unconfirmed")},
    "queued": "state IN ('queued', 'sending')",
    **{state: f"state = '{state}'" for state in ("cancelled", "sent", "delivered", "bounced", "dropped", "failed")},
    "hard": "state = 'bounced' AND bounce = 'hard'",
    "complained": "complained_at IS NOT NULL",
    "unsubscribed": "unsubscribed_at IS NOT NULL",
    "tracked": "EXISTS (SELECT 1 FROM token WHERE token.delivery_id = copy.id AND token.kind = 'open')",
    "opened": f"fetched & {_PERSON}",
    "prefetched": f"fetched & {_PERSON | _MACHINE} = {_MACHINE}",
    "linked": "EXISTS (SELECT 1 FROM token WHERE token.delivery_id = copy.id AND token.kind = 'click')",
    "clicked": f"fetched & {_PERSON << 2}",
    "scanned": f"fetched & {(_PERSON | _MACHINE) << 2} = {_MACHINE << 2}",
}
"""When a copy counts; in the order of `_COPY`."""


def domain_of(address: str) -> str:
    """What is behind the last @ of an SQL expression; all of it, if there is none."""
    return f"lower(substr({address}, length(rtrim({address}, replace({address}, '@', ''))) + 1))"


def _fetched(kind: str, verdict: str, bit: int) -> str:
    return f"max(fetch.kind = '{kind}' AND fetch.verdict {verdict} 'likely-human') * {bit}"


_FETCHED = " + ".join(
    (
        _fetched("open", "=", _PERSON),
        _fetched("open", "<>", _MACHINE),
        _fetched("click", "=", _PERSON << 2),
        _fetched("click", "<>", _MACHINE << 2),
    )
)

_COPIES = f"""
copy AS (
  SELECT chosen.*, {domain_of("delivery.recipient")} AS place, delivery.id, delivery.state, delivery.bounce,
    delivery.complained_at, delivery.unsubscribed_at,
    coalesce((SELECT {_FETCHED} FROM fetch WHERE fetch.delivery_id = delivery.id), 0) AS fetched
  FROM chosen LEFT JOIN delivery ON delivery.message_seq = chosen.seq
),
counted_copy AS MATERIALIZED (
  SELECT seq, day, application, author, subject, coalesce(place, '') AS place,
    {", ".join(f"coalesce({_SUMS[name]}, 0) <> 0 AS {name}" for name in _COPY)},
    {", ".join(f"0 AS {name}" for name in _ATTEMPT)}
  FROM copy
)"""


def _agrees(domain: str, other: str) -> str:
    """Whether one is the other or lies within it; neither is empty."""
    within = "substr('.' || {0}, -length('.' || {1})) = '.' || {1}"
    return f"{domain} <> '' AND {other} <> '' AND ({within.format(domain, other)} OR {within.format(other, domain)})"


_ALIGNED = " OR ".join(
    f"instr(signatures, '\"{alignment.value}\"') > 0" for alignment in (Alignment.STRICT, Alignment.RELAXED)
)
_ATTEMPTS = f"""
tried AS MATERIALIZED (
  SELECT chosen.seq, chosen.day, chosen.application, chosen.author, chosen.subject,
    {domain_of("delivery.recipient")} AS place, attempt.signatures, attempt.tls_version,
    attempt.finished_at - attempt.began_at AS took, coalesce(attempt.reply_is_local, 1) = 0 AS is_reply,
    attempt.reply_code BETWEEN 200 AND 299 AND attempt.is_uncertain = 0 AS is_handed,
    {domain_of("chosen.author")} AS domain, {domain_of("coalesce(attempt.sender, chosen.reverse_path)")} AS path_domain
  FROM chosen JOIN attempt ON attempt.message_seq = chosen.seq JOIN delivery ON delivery.id = attempt.delivery_id
  WHERE attempt.finished_at IS NOT NULL
),
counted_try AS MATERIALIZED (
  SELECT seq, day, application, author, subject, place, {", ".join(f"0 AS {name}" for name in _COPY)},
    is_handed AS handed, is_handed AND tls_version IS NOT NULL AS encrypted,
    is_handed AND coalesce(signatures, '[]') <> '[]' AS signed,
    is_handed AND coalesce({_ALIGNED}, 0) AS aligned,
    is_handed AND {_agrees("domain", "path_domain")} AS envelope_aligned,
    is_reply AS replies, CASE WHEN is_reply THEN took ELSE 0 END AS reply_time,
    CASE WHEN is_reply THEN took ELSE 0 END AS slowest
  FROM tried
),
part AS (SELECT * FROM counted_copy UNION ALL SELECT * FROM counted_try)"""

_SUMMED = ", ".join(
    "count(DISTINCT seq)" if name == "messages" else f"max({name})" if name == "slowest" else f"sum({name})"
    for name in NAMES
)
_HANDED = ", ".join(
    "count(DISTINCT seq)" if name == "messages" else "count(*)" if name in ("copies", "handed") else "0"
    for name in NAMES
)
_SOURCES: dict[Facet, tuple[str, str, str]] = {
    Facet.ALL: ("''", "part", _SUMMED),
    Facet.SUBJECT: ("subject_pattern(subject)", "part", _SUMMED),
    Facet.TAG: ("tag", "part JOIN message_tag USING (seq)", _SUMMED),
    Facet.PLACE: ("place", "part WHERE place <> ''", _SUMMED),
    Facet.SIGNATURE: (
        "json_extract(one.value, '$.domain') || ' ' || json_extract(one.value, '$.selector') || ' ' || "
        "json_extract(one.value, '$.algorithm') || ' ' || json_extract(one.value, '$.alignment')",
        "tried JOIN json_each(coalesce(signatures, '[]')) AS one WHERE is_handed",
        _HANDED,
    ),
    Facet.TLS: ("coalesce(tls_version, '')", "tried WHERE is_handed", _HANDED),
}
"""By facet: its value, where the rows are, what is summed."""


BY_AUTHOR = (Facet.ALL, Facet.SIGNATURE, Facet.TLS)
"""Kept by author too. All are kept without: most questions are not about authors, and those rows are few."""
WHOLE = "+"
"""Before the facet of rows that are of all authors together."""


def counting(condition: str, facets: Iterable[Facet] = BY_AUTHOR, whole: Iterable[Facet] = ()) -> str:
    """A SELECT of rows `(*KEYS, *NAMES)`, for messages that meet the condition, which is SQL.

    `facets`: told apart by author; `whole`: of all authors together.
    """
    selects = [*(_select(facet) for facet in facets), *(_select(facet, is_whole=True) for facet in whole)]
    common = ",".join((_CHOSEN.format(condition=condition), _COPIES, _ATTEMPTS))
    return f"WITH {common}\n" + "\nUNION ALL\n".join(selects)


def _select(facet: Facet, *, is_whole: bool = False) -> str:
    value, source, sums = _SOURCES[facet]
    name, author = (WHOLE + facet.value, "''") if is_whole else (facet.value, "author")
    return f"SELECT '{name}', day, {value}, application, {author}, {sums} FROM {source} GROUP BY 2, 3, 4, 5"
