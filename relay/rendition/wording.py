"""How a table of receiving servers' words is written; its two halves are in `wording_strong.py` and `wording_weak.py`.

Strong words say more than any enhanced code beside them: some servers answer 5.1.1 to a sender they block, or 5.7.1 to
everything. Weak words count where the code says nothing exact. The first row that matches counts. A row is a small
regular expression over lower-case text on one line: ` * ` stands for up to 60 characters, `@who` and the like for the
words in `CLASSES`; it begins and ends at the edges of words, unless `~` says otherwise. Each row has a line in
`tests/rendition/wording.tsv`; to add one, add both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from relay.rendition.findings import Finding

CLASSES = {
    "@who": "(?:user|recipient|mail ?box|address|account|name|addressee|alias|e-?mail|customer|member|"
    "rcpt|local part|destination)",
    "@unknown": "(?:unknown|not (?:found|exists?|known|listed|valid|recognized|here|available)|doesn'?t exist|"
    "undefined|nonexistent|non-existent|invalid|unrecognized|nicht gefunden)",
    "@gone": "(?:disabled|inactive|suspended|deactivated|discontinued|locked|expired|closed|terminated|frozen|"
    "cancelled|canceled|blocked|unavailable for)",
    "@no": "(?:no|unknown|invalid|nonexistent|non-existent|illegal|bad|unrouteable|unresolvable|undeliverable|"
    "unrecognized)",
}


@dataclass(frozen=True)
class Wording:
    row: str
    finding: Finding

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when first asked for: all of them together take a tenth of a second."""
        return _compiled(self.row)


def rows(finding: Finding, table: str) -> tuple[Wording, ...]:
    return tuple(Wording(row, finding) for line in table.splitlines() if (row := line.strip()))


def _compiled(row: str) -> re.Pattern[str]:
    start = "" if row.startswith("~") else r"(?<!\w)"
    stop = "" if row.endswith("~") else r"(?!\w)"
    inner = row.strip("~").replace(" * ", " (?:.{0,60} )?")
    for name, words in CLASSES.items():
        inner = inner.replace(name, words)
    return re.compile(f"{start}(?:{inner}){stop}")
