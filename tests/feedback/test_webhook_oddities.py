"""Documented events with something else in any place of them: refused or read, never a crash, always storable."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.feedback.webhooks.document import Malformed
from relay.feedback.webhooks.provider import Needs, Refusal, Request, Verified
from relay.feedback.webhooks.providers import PROVIDERS
from relay.model.event import Grade
from relay.model.report import Payload
from tests.feedback.test_webhook_events import SAMPLES
from tests.support.hooks import CERTIFICATE_URL, NOW, certificate, post, tables

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in the value, itself first."""
    found = [here]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*here, key))
    return found


def changed(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    result = copy.deepcopy(value)
    outer = result
    for step in place[:-1]:
        outer = outer[step]
    outer[place[-1]] = other
    return result


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_in_any_place_is_read_or_malformed_and_can_be_stored(provider: str, data: st.DataObject):
    sample = data.draw(st.sampled_from(SAMPLES[provider])).document
    document = changed(sample, data.draw(st.sampled_from(places(sample))), data.draw(JSON))
    wrapped = {"mailgun": {"event-data": document}, "ses": {"Type": "Notification", "Message": json.dumps(document)}}
    body = json.dumps(wrapped.get(provider, document)).encode()
    try:
        reports = PROVIDERS[provider].read(Payload("p", NOW, "webhook:x", Grade.SIGNED, "", {}, body))
    except Malformed:
        return
    for report in reports:
        assert report.event_key
        assert isinstance(report.at, int)
        assert -(2**63) <= report.at < 2**63
        for text in (report.recipient, report.delivery_id, report.provider_id, report.status, report.diagnostic):
            text.encode()
        json.dumps(dict(report.detail)).encode()


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_anything_in_any_place_of_a_signed_request_is_answered(provider: str, data: st.DataObject):
    sent = post(provider, data.draw(st.sampled_from(SAMPLES[provider])).document)
    signed = json.loads(sent.body)
    document = changed(signed, data.draw(st.sampled_from(places(signed))), data.draw(JSON))
    headers = CIMultiDict(sent.headers)
    if data.draw(st.booleans()):
        headers[data.draw(st.sampled_from(list(headers)))] = data.draw(st.text(max_size=20))
    request = Request(json.dumps(document).encode(), headers, document, NOW, {CERTIFICATE_URL: certificate()})
    assert isinstance(PROVIDERS[provider].verify(request, tables()[provider]), Verified | Refusal | Needs)
