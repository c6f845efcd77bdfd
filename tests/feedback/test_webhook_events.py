"""Each provider's documented events: signed with keys made here they are believed and read, forged they are refused."""

from __future__ import annotations

import pytest

from relay.feedback.webhooks.provider import Refusal, Verified
from relay.feedback.webhooks.providers import PROVIDERS
from relay.model.event import Grade
from relay.model.report import Payload, Report
from tests.support.hooks import NOW, Expected, Sample, post, tables
from tests.support.samples import brevo, mailgun, mailjet, postmark, resend, sendgrid, ses, sparkpost

SAMPLES: dict[str, list[Sample]] = {
    "ses": ses.SAMPLES,
    "mailgun": mailgun.SAMPLES,
    "sendgrid": sendgrid.SAMPLES,
    "postmark": postmark.SAMPLES,
    "resend": resend.SAMPLES,
    "brevo": brevo.SAMPLES,
    "mailjet": mailjet.SAMPLES,
    "sparkpost": sparkpost.SAMPLES,
}
CASES = [
    pytest.param(provider, sample, id=f"{provider}: {sample.name}")
    for provider, samples in SAMPLES.items()
    for sample in samples
]
GRADES = {"ses": Grade.SIGNED, "sendgrid": Grade.SIGNED}


def read(provider: str, sample: Sample) -> list[Report]:
    sent = post(provider, sample.document)
    headers = {name.title(): value for name, value in sent.headers.items()}
    payload = Payload("p", NOW, f"webhook:{provider}", Grade.SIGNED, "", headers, sent.body)
    return list(PROVIDERS[provider].read(payload))


def test_there_are_samples_of_every_provider():
    assert SAMPLES.keys() == PROVIDERS.keys() == tables().keys()


@pytest.mark.parametrize(("provider", "sample"), CASES)
def test_a_documented_event_is_believed(provider: str, sample: Sample):
    verdict = PROVIDERS[provider].verify(post(provider, sample.document).request(), tables()[provider])
    assert isinstance(verdict, Verified), verdict
    assert verdict.grade is GRADES.get(provider, Grade.UNSIGNED)
    assert verdict.verdict


@pytest.mark.parametrize(("provider", "sample"), CASES)
def test_a_documented_event_signed_by_somebody_else_is_refused(provider: str, sample: Sample):
    sent = post(provider, sample.document, is_forged=True)
    verdict = PROVIDERS[provider].verify(sent.request(), tables()[provider])
    assert isinstance(verdict, Refusal), verdict
    assert verdict.status in (401, 403)


@pytest.mark.parametrize(("provider", "sample"), CASES)
def test_a_documented_event_is_read(provider: str, sample: Sample):
    reports = read(provider, sample)
    assert len(reports) == len(sample.expected)
    for report, expected in zip(reports, sample.expected, strict=True):
        _compare(report, expected)
    assert len({report.event_key for report in reports}) == len(reports)
    assert all(report.event_key for report in reports)


@pytest.mark.parametrize(("provider", "sample"), CASES)
def test_the_same_event_has_the_same_key_each_time(provider: str, sample: Sample):
    first, second = read(provider, sample), read(provider, sample)
    assert [report.event_key for report in first] == [report.event_key for report in second]


def _compare(report: Report, expected: Expected) -> None:
    assert (report.kind, report.recipient, report.bounce) == (expected.kind, expected.recipient, expected.bounce)
    assert report.is_machine is expected.is_machine
    assert report.detail["event"]
    given = {
        "event": report.detail["event"],
        "provider_id": report.provider_id,
        "identifier": report.delivery_id,
        "status": report.status,
        "diagnostic": report.diagnostic,
        "at": report.at,
    }
    for name, value in given.items():
        wanted = getattr(expected, name)
        assert wanted is None or value == wanted, name
    for name, value in expected.detail.items():
        assert report.detail[name] == value
