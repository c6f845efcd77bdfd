"""What the records of SPF, DMARC and DKIM say of a domain, and a name server that does not answer."""

from __future__ import annotations

import pytest

from relay.resolver import Lookup
from viewer.figures.domains import Signing
from viewer.figures.naming import dkim, dmarc, facts, spf


@pytest.mark.parametrize(
    ("records", "tone"),
    [
        ([], "warn"),
        (["v=spf1 -all", "v=spf1 ~all"], "bad"),
        (["v=spf1 +all"], "bad"),
        (["v=spf1 include:x.example -all"], "good"),
        (["v=spf1 redirect=_spf.example.com"], "good"),
        (["v=spf1 mx"], "warn"),
    ],
)
def test_spf_records(records: list[str], tone: str) -> None:
    assert spf("example.com", records).tone == tone


@pytest.mark.parametrize(
    ("records", "tone"),
    [
        ([], "bad"),
        (["v=DMARC1; p=none", "v=DMARC1; p=none"], "bad"),
        (["v=DMARC1; p=reject"], "good"),
        (["v=DMARC1; p=none"], "good"),
        (["v=DMARC1; rua=mailto:a@example.com"], "bad"),
    ],
)
def test_dmarc_records(records: list[str], tone: str) -> None:
    assert dmarc("_dmarc.example.com", records).tone == tone


@pytest.mark.parametrize(
    ("records", "tone"), [([], "bad"), (["v=DKIM1; p="], "bad"), (["v=DKIM1; k=rsa; p=MIIB"], "good"), (["x"], "bad")]
)
def test_dkim_records(records: list[str], tone: str) -> None:
    assert dkim("s._domainkey.example.com", records).tone == tone


async def test_a_name_server_that_does_not_answer_leaves_it_unknown() -> None:
    key = Signing("example.com", "s", "rsa-sha256", "strict", 1)
    found = await facts(Lookup("127.0.0.1:9", lifetime=0.2), "example.com", [key, key])
    assert [(fact.what, fact.tone) for fact in found] == [("SPF", "quiet"), ("DMARC", "quiet"), ("DKIM", "quiet")]
    assert all("Not known" in fact.verdict for fact in found)
