"""The reports in the description of the HTTP API: operations and their parameters."""

from __future__ import annotations

from viewer.description.openapi_operation import Operation
from viewer.description.schemas import DAY, TEXT, Json
from viewer.figures.catalogue import MAKE
from viewer.figures.comparison import KINDS, MOST
from viewer.figures.period import PRESETS
from viewer.figures.senders import KINDS as SENDERS

_ASKED = (
    *("period", "from", "to", "compare", "application", "author", "by", "kind", "v", "domain", "name"),
)  # what each report makes use of: docs/figures.md

FIGURE_PARAMETERS: dict[str, tuple[Json, str]] = {
    "period": ({"enum": list(PRESETS), "default": "30d"}, "Which days."),
    "from": (DAY, "The first day, in UTC; stands before `period`."),
    "to": (DAY, "The last day."),
    "compare": ({"enum": ["0", "1"], "default": "0"}, "Also of as many days before: volume, senders, application."),
    "author": (TEXT, "Only mail of this author: an address, or `@domain`."),
    "by": ({"enum": list(SENDERS), "default": "author"}, "Of senders: what they are told apart by."),
    "kind": ({"enum": list(KINDS), "default": "subject"}, "Of compare: what is compared."),
    "v": ({"type": "array", "items": TEXT, "maxItems": MOST}, "Of compare: the subjects, tags or searches."),
    "name": (TEXT, "Of domain and application: which."),
    "table": (TEXT, "Which table of the report; without it the first."),
}
FIGURE_PATHS: dict[str, Json] = {"report": {"enum": list(MAKE)}, "address": TEXT}

FIGURE_OPERATIONS = (
    Operation("get", "/api/figures/{report}", "A report", "Figures", _ASKED, refusals=(400, 404)),
    Operation(
        "get", "/api/figures/{report}/csv", "A table of a report", "text/csv", (*_ASKED, "table"), refusals=(400, 404)
    ),
    Operation(
        "post",
        "/api/figures/domains/{name}/check",
        "What the DNS says now of a domain that mail was sent from",
        "DomainFacts",
        ("period", "from", "to"),
        refusals=(400, 404),
    ),
    Operation(
        "post",
        "/api/figures/bounces/suppress",
        "Send nothing more to the recipients of one line of the bounce desk",
        "LineSuppressed",
        ("period", "from", "to", "application"),
        body="SuppressLine",
        refusals=(400,),
    ),
    Operation(
        "get",
        "/api/recipients/{address}",
        "All that was sent to one address",
        "RecipientFigures",
        ("limit", "cursor"),
        refusals=(400,),
    ),
    Operation("get", "/api/recipients/{address}/csv", "The same as CSV, all of it", "text/csv"),
)
