"""What the DNS says now of a sending domain: SPF, DMARC and the keys of DKIM. Asked for by a person, never on its own.

Says what the records say, not whether SPF passes: that depends on the address from which the provider sends.
RFC 7208, RFC 7489, RFC 6376.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from relay.resolver import Lookup, LookupFailed
from viewer.figures.domains import Signing
from viewer.translation import say

SECONDS = 3.0
"""For each answer."""
MOST_KEYS = 10


@dataclass
class Names:
    """Whom we ask; tests ask a name server of their own."""

    lookup: Lookup


NAMES: web.AppKey[Names] = web.AppKey("names", Names)


@dataclass(frozen=True, slots=True)
class Fact:
    """`what`: SPF, DMARC, DKIM. `record`: as it is in the DNS, '' if there is none or it is not known."""

    what: str
    name: str
    record: str
    tone: str
    verdict: str


def setup(app: web.Application) -> None:
    app[NAMES] = Names(Lookup(lifetime=SECONDS))


async def facts(lookup: Lookup, domain: str, keys: Iterable[Signing]) -> list[Fact]:
    """All that is asked, in order; whatever fails says so in its own line."""
    pairs = list(dict.fromkeys((key.domain, key.selector) for key in keys))[:MOST_KEYS]
    asked = [_spf(lookup, domain), _dmarc(lookup, domain), *(_dkim(lookup, *pair) for pair in pairs)]
    return list(await asyncio.gather(*asked))


async def _texts(lookup: Lookup, name: str) -> list[str]:
    found = await lookup.texts(name)
    return [record.decode("ascii", "replace")[:2000] for record in found.records]


async def _spf(lookup: Lookup, domain: str) -> Fact:
    try:
        records = [text for text in await _texts(lookup, domain) if text.lower().split(" ")[0] == "v=spf1"]
    except LookupFailed as error:
        return _unknown("SPF", domain, error)
    return spf(domain, records)


def spf(domain: str, records: list[str]) -> Fact:
    if not records:
        return Fact(
            "SPF",
            domain,
            "",
            "warn",
            say("There is no SPF record: SPF cannot pass with this domain in the reverse-path."),
        )
    if len(records) > 1:
        return Fact(
            "SPF",
            domain,
            records[0],
            "bad",
            say("There is more than one SPF record: receivers take that for an error."),
        )
    last = records[0].lower().split()[-1]
    if last in ("+all", "all"):
        return Fact("SPF", domain, records[0], "bad", say("It allows every server in the world."))
    if last.endswith("all") or last.startswith("redirect="):
        return Fact(
            "SPF",
            domain,
            records[0],
            "good",
            say("Ask whether the provider's servers are among those it names: that is not known here."),
        )
    return Fact("SPF", domain, records[0], "warn", say("It says nothing of servers that it does not name."))


async def _dmarc(lookup: Lookup, domain: str) -> Fact:
    labels = domain.split(".")
    name = domain
    try:
        # The domain's own policy, else that of one above it (RFC 7489 section 6.6.3; no list of public suffixes).
        for start in range(max(len(labels) - 1, 1)):
            name = ".".join(labels[start:])
            records = [text for text in await _texts(lookup, f"_dmarc.{name}") if text.lower().startswith("v=dmarc1")]
            if records:
                return dmarc(f"_dmarc.{name}", records)
    except LookupFailed as error:
        return _unknown("DMARC", f"_dmarc.{name}", error)
    return dmarc(f"_dmarc.{domain}", [])


def dmarc(name: str, records: list[str]) -> Fact:
    if not records:
        return Fact(
            "DMARC", name, "", "bad", say("There is no DMARC record: Google and Yahoo want one of who sends them much.")
        )
    if len(records) > 1:
        return Fact("DMARC", name, records[0], "bad", say("There is more than one DMARC record: receivers use none."))
    policy = tags(records[0]).get("p", "").lower()
    if policy in ("quarantine", "reject"):
        return Fact("DMARC", name, records[0], "good", say("Mail that does not pass is to be kept apart or refused."))
    if policy == "none":
        return Fact(
            "DMARC",
            name,
            records[0],
            "good",
            say("Mail that does not pass is only reported: enough for the large providers, no protection."),
        )
    return Fact("DMARC", name, records[0], "bad", say("It has no policy (p=) that receivers know."))


async def _dkim(lookup: Lookup, domain: str, selector: str) -> Fact:
    name = f"{selector}._domainkey.{domain}"
    try:
        return dkim(name, await _texts(lookup, name))
    except LookupFailed as error:
        return _unknown("DKIM", name, error)


def dkim(name: str, records: list[str]) -> Fact:
    keys = [record for record in records if "p" in tags(record)]
    if not keys:
        return Fact("DKIM", name, "", "bad", say("There is no key: signatures with this selector do not verify."))
    if not tags(keys[0])["p"]:
        return Fact(
            "DKIM", name, keys[0], "bad", say("The key was revoked: signatures with this selector do not verify.")
        )
    return Fact("DKIM", name, keys[0], "good", say("There is a key."))


def tags(record: str) -> dict[str, str]:
    """`v=DMARC1; p=none` -> `{"v": "DMARC1", "p": "none"}` (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, is_pair, value in pairs if is_pair}


def _unknown(what: str, name: str, error: LookupFailed) -> Fact:
    return Fact(what, name, "", "quiet", say("Not known: %(error)s.", error=str(error)))
