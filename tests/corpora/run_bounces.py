"""How well real bounces are read: recipient, class and final status, by source, against what is published with them.

    python -m tests.corpora.run_bounces [--cache FOLDER] [--all]

Reads what `collect_bounces` gathered. What is expected of a message comes from the tests of its own package, where
they say so, and from `bounces_reviewed.tsv`: what the program found, corrected by hand. A message counts as right when
*all* of these are right: whether it is a bounce at all, every recipient, delayed or failed, the class, and that a
status was found.
`--all` lists each message, else those that are not right; of the half that is held out (`published_replies.py`), none.
The rules were made from all sources but `sisimai` and `zone-mta`. No registry serves Sisimai's messages here: they were
put by hand into `FOLDER/sisimai/taken_NAME` and `FOLDER/sisimai-later/taken_NAME`, its replies into
`FOLDER/sisimai-replies`; where they are not, nothing is counted. `bounce_classes.tsv` says which of our classes is
right for another's word.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from relay.feedback.returned.reader import read
from relay.feedback.returned.values import Action, Returned, ReturnedKind
from relay.rendition.diagnosis import classify
from tests.corpora.collect_bounces import DEFAULT_CACHE
from tests.corpora.published_replies import classes_of, is_held_out, measure

REVIEWED = Path(__file__).with_name("bounces_reviewed.tsv")
SISIMAI = Path(__file__).with_name("bounces_sisimai.tsv")
NO_MESSAGES = ("packages", "zone-mta", "sisimai-replies")
NEW = ("sisimai", "sisimai-later")
"""Sources that the rules were not made from; the first is measured in two halves, the other was taken afterwards."""
CLASSES = {
    "over_quota": "quota",
    "user_unknown": "hard",
    "user_disabled": "hard",
    "domain_error": "hard policy soft",
    "spam": "spam block",
    "message_too_large": "policy",
}
"""The words of Mail::DeliveryStatus::BounceParser, which calls refused relaying an error of the domain."""


@dataclass(frozen=True, slots=True)
class Expected:
    """None or '': nothing is known of it. `classes`: any of these words is right; `status`: `*` if there is none."""

    is_bounce: bool | None = None
    recipients: frozenset[str] | None = None
    is_delayed: bool | None = None
    classes: str = ""
    status: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    reviewed = dict(_reviewed())
    table: dict[str, Counter[str]] = {}
    for folder in sorted(path for path in arguments.cache.iterdir() if path.is_dir() and path.name not in NO_MESSAGES):
        published = dict(PUBLISHED.get(folder.name, _nothing)(folder / "expected"))
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            key = path.name.partition("_")[2]
            is_hidden = folder.name == NEW[1] or (folder.name in NEW and is_held_out(key))
            half = ("", " tuned", " held out")[(folder.name in NEW) + is_hidden]
            counts = table.setdefault(folder.name + half, Counter())
            expected = _merged(published.get(key, Expected()), reviewed.get(f"{folder.name}/{path.name}"))
            returned = read(path.read_bytes())
            wrong = list(_wrong(returned, expected, counts))
            counts["messages"] += 1
            counts["right"] += not wrong
            if (wrong or arguments.all) and not is_hidden:
                print(f"{folder.name}/{path.name}: {returned.kind} [{returned.form}] {'; '.join(wrong)}")
    _print(table)
    print(*measure(arguments.cache), sep="\n")
    return 0


def _wrong(returned: Returned, expected: Expected, counts: Counter[str]) -> Iterator[str]:
    is_bounce = returned.kind is ReturnedKind.BOUNCE
    if expected.is_bounce is False:
        counts["no bounces"] += 1
        counts["not counted"] += not _is_counted(returned)
        if _is_counted(returned):
            yield "is no bounce"
        return
    counts["bounces"] += 1
    recipients = frozenset(fate.addressee.lower() for fate in returned.fates if fate.addressee)
    finals = frozenset(fate.recipient.lower() for fate in returned.fates if fate.recipient)
    wanted = expected.recipients
    right = bool(recipients) if wanted is None else wanted in (recipients, finals, recipients | finals)
    counts["recipients"] += right
    if not right:
        yield f"recipients {sorted(recipients)}, not {sorted(wanted or ())}"
    status = bool(returned.fates) and all(fate.status for fate in returned.fates)
    if expected.status == "*":
        status = True
    elif expected.status:
        status = status and all(fate.status == expected.status for fate in returned.fates)
    counts["status"] += status or wanted == frozenset()
    if not status and wanted != frozenset():
        yield f"status {[fate.status for fate in returned.fates]} {expected.status}"
    found = {str(classify(fate.code, fate.status, fate.diagnostic).bounce) for fate in returned.fates}
    delayed = bool(returned.fates) and all(fate.action is Action.DELAYED for fate in returned.fates)
    classes = expected.classes.split()
    right = (is_bounce or returned.kind is ReturnedKind.COMPLAINT) and (
        not classes or not found or found <= set(classes) or (is_bounce and delayed and expected.is_delayed is True)
    )
    right = right and (expected.is_delayed is None or not returned.fates or delayed == expected.is_delayed)
    counts["class"] += right
    if not right:
        yield f"class {returned.kind} {sorted(found)}{' delayed' if delayed else ''}, not {expected.classes}"


def _is_counted(returned: Returned) -> bool:
    """As a failure: what would make a delivery bounced."""
    return returned.kind is ReturnedKind.BOUNCE and any(fate.action is Action.FAILED for fate in returned.fates)


def _merged(published: Expected, reviewed: Expected | None) -> Expected:
    """What was reviewed stands before what is published."""
    if reviewed is None:
        return published
    return replace(
        published,
        is_bounce=published.is_bounce if reviewed.is_bounce is None else reviewed.is_bounce,
        recipients=published.recipients if reviewed.recipients is None else reviewed.recipients,
        is_delayed=published.is_delayed if reviewed.is_delayed is None else reviewed.is_delayed,
        classes=reviewed.classes or published.classes,
        status=reviewed.status or published.status,
    )


def _nothing(folder: Path) -> Iterator[tuple[str, Expected]]:
    yield from ()


def _of_flufl(folder: Path) -> Iterator[tuple[str, Expected]]:
    source = (folder / "test_detectors.py").read_text()
    found: dict[str, Expected] = {}
    for _, name, addresses, is_delayed in _literal(source, r"^DETECTORS = (\[.*?^\])"):
        if addresses or name not in found:
            recipients = frozenset(address.decode().lower() for address in addresses)
            found[name] = Expected(bool(addresses) or None, recipients or None, is_delayed if addresses else None)
    yield from found.items()


def _of_bounced(folder: Path) -> Iterator[tuple[str, Expected]]:
    source = next(folder.glob("test_*.py")).read_text()
    for name, address in re.findall(r"'([\w-]+)': \[Bounce\(\s*\('', '([^']+)'\)", source):
        yield f"{name}.eml", Expected(True, frozenset((address.lower(),)))


def _of_bounce_parser(folder: Path) -> Iterator[tuple[str, Expected]]:
    """The calls `check_report('t/corpus/NAME', is_bounce => 1, addresses => […], …)`, and tables of them."""
    for path in folder.glob("*.t"):
        source = path.read_text(encoding="latin-1")
        for name, call in re.findall(r"check_report\(\s*'t/corpus/([\w.-]+)',(.*?)\);", source, re.DOTALL):
            yield name, _call(call)
        for name in re.findall(r"check_one\('t/corpus/([\w.-]+)'\)", source):
            yield name, Expected(False)
        for pattern in re.findall(r"glob\(? ?'t/corpus/([\w*.-]+)'", source):
            call = source[source.index("check_report") :]
            for number in ("", *(f"-{n}" for n in range(10)), *(str(n) for n in range(60))):
                yield pattern.replace("*", number), _call(call)
        if path.name in ("various-unknown.t", "various-domain.t"):
            reason = "user_unknown" if "unknown" in path.name else "domain_error"
            recipient = r'"recipient" => \'([^\']+)\''
            for name, inner in re.findall(r'"([\w.-]+\.msg)"\s*=> \{(.*?)\},\n', source, re.DOTALL):
                own = re.search(recipient, inner)
                classes = "" if "std_reason" in inner else CLASSES[reason]
                yield name, Expected(True, frozenset((own[1] if own else "recipient@example.net",)), False, classes)


def _of_sisimai(folder: Path) -> Iterator[tuple[str, Expected]]:
    classes = classes_of("sisimai")
    for line in SISIMAI.read_text().splitlines():
        if not line.startswith("#"):
            name, recipients, action, status, words = line.split("\t")
            ours: frozenset[str] = frozenset().union(*(classes[word] for word in words.split()))
            is_delayed = {"delayed": True, "failed": False}.get(action)
            yield (
                name,
                Expected(True, frozenset(recipients.split()), is_delayed, " ".join(sorted(ours)), status.strip("-")),
            )


def _call(text: str) -> Expected:
    said = dict(re.findall(r"(\w+)\s*=> '?([\w.]+)'?", text.split("todo_")[0]))
    addresses = re.search(r"addresses\s*=> \[\s*(?:qw\()?(.*?)\)?\s*\]", text, re.DOTALL)
    recipients = re.findall(r"[^\s',]+@[^\s',)]+", addresses[1]) if addresses else []
    return Expected(
        is_bounce=said.get("is_bounce") == "1",
        recipients=frozenset(one.lower() for one in recipients)
        or (frozenset() if said.get("reports") == "0" else None),
        classes=CLASSES.get(said.get("std_reason", ""), ""),
        status=said.get("status", ""),
    )


def _literal(source: str, pattern: str) -> list[tuple[str, str, list[bytes], bool]]:
    match = re.search(pattern, source, re.DOTALL | re.MULTILINE)
    return ast.literal_eval(match[1]) if match else []


def _reviewed() -> Iterator[tuple[str, Expected]]:
    """Lines `source/file, bounce|no, recipients, failed|delayed, classes`; `-`: as published, `*`: none."""
    for line in REVIEWED.read_text().splitlines():
        if line and not line.startswith("#"):
            path, kind, recipients, action, classes = line.split("\t")[:5]
            yield (
                path,
                Expected(
                    is_bounce={"bounce": True, "no": False}.get(kind),
                    recipients=None
                    if recipients == "-"
                    else frozenset(one.lower() for one in recipients.split() if one != "*"),
                    is_delayed={"delayed": True, "failed": False}.get(action),
                    classes="" if classes == "-" else classes,
                ),
            )


def _print(table: dict[str, Counter[str]]) -> None:
    names = ("messages", "bounces", "recipients", "class", "status", "no bounces", "not counted", "right")
    print(f"{'source':18}" + "".join(f"{name:>13}" for name in names))
    total: Counter[str] = Counter()
    for source, counts in table.items():
        total.update(counts)
        print(f"{source:18}" + "".join(f"{counts[name]:13}" for name in names))
    print(f"{'all':18}" + "".join(f"{total[name]:13}" for name in names))
    bounces = max(total["bounces"], 1)
    shares = "  ".join(f"{name} {100 * total[name] / bounces:.1f} %" for name in ("recipients", "class", "status"))
    print(f"of {bounces} bounces: {shares}; all right {100 * total['right'] / max(total['messages'], 1):.1f} %")


PUBLISHED = {
    "flufl.bounce": _of_flufl,
    "BounceParser": _of_bounce_parser,
    "bounced": _of_bounced,
    "sisimai": _of_sisimai,
    "sisimai-later": _of_sisimai,
}

if __name__ == "__main__":
    sys.exit(main())
