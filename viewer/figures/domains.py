"""The health of sending domains: how mail was really signed, aligned and carried, and what large providers accept.

Known from our own records: signatures, the domains of From field and reverse-path, TLS. Not known: whether SPF passes,
for that the receiver asks the DNS about the provider's address; the live check (`naming.py`) looks at the records.
Thresholds: Google, "Email sender guidelines", and Yahoo, "Sender Best Practices": a spam rate under 0.10 %, never
0.30 % or more. Amazon SES, "Reputation metrics": accounts are reviewed at 5 % bounces, paused at 10 %. RFC 7489.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from relay.archive.query import quoted
from relay.model.figure import By, Facet, Figure, Sums
from viewer.figures.asked import COPIES, STATUS, Asked, count, lag
from viewer.figures.table import Cell, Column, Form, Report, Table, rate
from viewer.translation import say

COMPLAINTS = (0.001, 0.003)
"""Worth a look from the first on, an alarm from the second on."""
BOUNCED = (0.05, 0.10)
FEWEST = 3
"""Complaints or bounces, under which a rate alarms nobody."""
SIGNED = 0.99
MOST = 100


@dataclass(frozen=True, slots=True)
class Signing:
    """One key, and how many copies were signed with it."""

    domain: str
    selector: str
    algorithm: str
    alignment: str
    copies: int


async def domains(asked: Asked) -> Report:
    choice = replace(asked.choice, by=(By.DOMAIN,), limit=asked.limit(MOST))
    sheet = await asked.archive.figures(choice)
    rows = [_row(asked, figure) for figure in sheet.figures if figure.keys[0]]
    columns = [
        Column("domain", say("Sending domain"), Form.TEXT, say("Of the From field.")),
        COPIES,
        Column("signed_rate", say("DKIM"), Form.RATE, say("With a signature of ours, of the copies handed over.")),
        Column(
            "dkim_aligned_rate",
            say("DKIM aligned"),
            Form.RATE,
            say("With one whose domain agrees with the From field's: by it DMARC passes."),
        ),
        Column(
            "envelope_aligned_rate",
            say("Reverse-path aligned"),
            Form.RATE,
            say(
                "Its domain agrees with the From field's: if SPF passes, so does DMARC. Whether SPF does is not known "
                "here."
            ),
        ),
        Column("tls_rate", say("TLS"), Form.RATE, say("Handed over encrypted, on the way from us to the provider.")),
        Column(
            "bounce_rate",
            say("Bounced"),
            Form.RATE,
            say("Of what providers took. Amazon SES reviews accounts at 5 %%, pauses them at 10 %%."),
        ),
        Column(
            "complaint_rate",
            say("Complained"),
            Form.RATE,
            say("Of what was taken and did not bounce. Google and Yahoo want less than 0.10 %%, and never 0.30 %%."),
        ),
    ]
    return Report(
        "domains",
        say("Domains' health"),
        say(
            "How mail of each sending domain was really signed, aligned and carried, and its bounces and complaints "
            "beside what the large providers accept."
        ),
        asked.period,
        tables=(
            Table("domains", say("Sending domains"), columns, rows, empty=say("No mail in this period."), most=MOST),
        ),
        filters=asked.filters,
        **lag(sheet),
    )


def _row(asked: Asked, figure: Figure) -> list[Cell]:
    name, sums = str(figure.keys[0]), figure.sums
    q = asked.search(f"from:{quoted('@' + name)}")
    parameters = "&".join(f"{key}={value}" for key, value in asked.period.parameters.items())
    return [
        Cell(name, href=f"/reports/domains/{quote(name, safe='')}?{parameters}"),
        count(sums.copies, q),
        *rates(sums, q),
    ]


def rates(sums: Sums, q: str) -> list[Cell]:
    arrived = max(sums.taken - sums.bounced - sums.dropped, sums.complained)
    return [
        _wanted(sums.signed, sums.handed, say("Some of it went out without a signature.")),
        _wanted(sums.aligned, sums.handed, say("By DKIM, DMARC does not pass for some of it.")),
        rate(sums.envelope_aligned, sums.handed),
        _wanted(sums.encrypted, sums.handed, say("Some of it went to the provider in the clear.")),
        _feared(sums.bounced, sums.taken, BOUNCED, f"{STATUS['bounced']} {q}"),
        _feared(sums.complained, arrived, COMPLAINTS, f"{STATUS['complained']} {q}"),
    ]


def _wanted(hits: int, among: int, note: str) -> Cell:
    cell = rate(hits, among)
    return cell if not among or hits / among >= SIGNED else replace(cell, tone="warn", note=note)


def _feared(hits: int, among: int, limits: tuple[float, float], q: str) -> Cell:
    cell = rate(hits, among, q=q)
    if not among or hits < FEWEST or hits / among < limits[0]:
        return cell
    if hits / among < limits[1]:
        return replace(cell, tone="warn", note=say("More than is wanted."))
    return replace(cell, tone="bad", note=say("So much that providers refuse or pause senders."))


async def domain(asked: Asked, name: str) -> tuple[Report, list[Signing]]:
    """The report of one sending domain, and the keys that signed for it. No row: no mail of it in the period."""
    own = replace(asked, author=f"@{name}")
    sheet = await asked.archive.figures(own.choice)
    signatures = await asked.archive.figures(replace(own.choice, by=(By.VALUE,), facet=Facet.SIGNATURE))
    versions = await asked.archive.figures(replace(own.choice, by=(By.VALUE,), facet=Facet.TLS))
    keys = [_signing(figure) for figure in signatures.figures]
    whole = sheet.total
    overall = await domains(own)
    tables = (
        replace(overall.tables[0], rows=[row for row in overall.tables[0].rows if row[0].value == name]),
        Table(
            "signatures",
            say("Signed with"),
            [
                Column("domain", say("Domain (d=)"), Form.TEXT),
                Column("selector", say("Selector"), Form.TEXT),
                Column("algorithm", say("Algorithm"), Form.TEXT),
                Column("alignment", say("Agrees with From"), Form.TEXT),
                Column("copies", say("Copies")),
                Column("share", say("Share"), Form.RATE),
            ],
            [
                [
                    Cell(key.domain),
                    Cell(key.selector),
                    Cell(key.algorithm),
                    Cell(ALIGNMENTS[key.alignment]),
                    Cell(key.copies),
                    rate(min(key.copies, whole.handed), whole.handed),
                ]
                for key in keys
            ],
            empty=say("Nothing was signed by us in this period; a provider may sign on its own."),
        ),
        Table(
            "tls",
            say("Carried by"),
            [
                Column("version", say("TLS"), Form.TEXT),
                Column("copies", say("Copies")),
                Column("share", say("Share"), Form.RATE),
            ],
            [
                [
                    Cell(str(figure.keys[0]) or say("none, in the clear")),
                    Cell(figure.sums.handed),
                    rate(figure.sums.handed, whole.handed),
                ]
                for figure in versions.figures
            ],
            empty=say("Nothing was handed over in this period."),
        ),
    )
    report = replace(overall, name="domain", title=name, tables=tables)
    return replace(report, **lag(sheet, signatures, versions)), keys


ALIGNMENTS = {"strict": say("the same domain"), "relaxed": say("one within the other"), "none": say("no")}


def _signing(figure: Figure) -> Signing:
    domain_, selector, algorithm, alignment = str(figure.keys[0]).split(" ")
    return Signing(domain_, selector, algorithm, alignment, figure.sums.handed)
