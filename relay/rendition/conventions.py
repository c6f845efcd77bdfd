"""Tags and metadata in header fields, as the mail providers' customers already write them. Read, never removed.

One table, CONVENTIONS: field name -> how its value is read. Only our own `X-Mailwitness-*` are taken out of the sent
copy (`trace.own_header_edits`). Sources: the providers' documentation
of what their SMTP servers read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from relay.rendition.decode import clean

MAX_TAGS = 100
MAX_TAG = 200
MAX_METADATA = 200
MAX_VALUE = 2000


@dataclass(slots=True)
class Labels:
    """Tags and metadata gathered so far, each once, in the order of the fields."""

    tags: dict[str, None] = field(default_factory=dict)
    metadata: dict[tuple[str, str], None] = field(default_factory=dict)
    defects: dict[str, None] = field(default_factory=dict)

    def tag(self, value: Any) -> None:
        text = _text(value)[:MAX_TAG]
        if text and len(self.tags) < MAX_TAGS:
            self.tags.setdefault(text)

    def pair(self, key: str, value: Any) -> None:
        name, text = clean(key)[:MAX_TAG], _text(value)[:MAX_VALUE]
        if name and len(self.metadata) < MAX_METADATA:
            self.metadata.setdefault((name, text))


Reader = Callable[[Labels, str], None]


def read_labels(fields: Iterable[tuple[str, str]]) -> Labels:
    """The tags and metadata in `fields`: (name, decoded value). Never raises; JSON that is none is a defect."""
    labels = Labels()
    for name, value in fields:
        key = name.lower()
        reader = CONVENTIONS.get(key)
        try:
            if reader is not None:
                reader(labels, value)
                continue
            for prefix in METADATA_PREFIXES:
                if key.startswith(prefix):
                    labels.pair(key[len(prefix) :], value)
        except (ValueError, RecursionError):
            labels.defects.setdefault(f"{name[:100]}: not the JSON object expected")
    return labels


def _one_tag(labels: Labels, value: str) -> None:
    labels.tag(value)


def _tag_list(labels: Labels, value: str) -> None:
    """`a, b`"""
    for tag in value.split(",", MAX_TAGS):
        labels.tag(tag)


def _pair_list(labels: Labels, value: str) -> None:
    """`a=1, b=2` (Amazon SES)"""
    for item in value.split(",", MAX_METADATA):
        key, _, text = item.partition("=")
        labels.pair(key, text.strip())


def _json_metadata(labels: Labels, value: str) -> None:
    """`{"a": 1}`"""
    _pairs(labels, _object(value))


def _sendgrid(labels: Labels, value: str) -> None:
    """`{"category": "a" or ["a"], "unique_args": {"k": "v"}}`"""
    given = _object(value)
    _tags(labels, given.get("category"))
    _pairs(labels, given.get("unique_args"))


def _sparkpost(labels: Labels, value: str) -> None:
    """`{"campaign_id": "a", "tags": ["b"], "metadata": {"k": "v"}}`"""
    given = _object(value)
    _tags(labels, given.get("campaign_id"))
    _tags(labels, given.get("tags"))
    _pairs(labels, given.get("metadata"))


def _object(value: str) -> dict[str, Any]:
    given = json.loads(value)
    if not isinstance(given, dict):
        raise ValueError("not an object")
    return given


def _tags(labels: Labels, value: Any) -> None:
    for tag in value if isinstance(value, list) else [value]:
        labels.tag(tag)


def _pairs(labels: Labels, value: Any) -> None:
    for key, item in value.items() if isinstance(value, dict) else ():
        labels.pair(key, item)


def _text(value: Any) -> str:
    """Strings as they are, null as nothing, anything else as JSON."""
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


CONVENTIONS: dict[str, Reader] = {
    "x-mailwitness-tag": _one_tag,
    "x-mailwitness-tags": _tag_list,
    "x-tags": _tag_list,  # Mailpit
    "x-pm-tag": _one_tag,  # Postmark
    "x-mailgun-tag": _one_tag,
    "x-mailgun-variables": _json_metadata,
    "x-mc-tags": _tag_list,  # Mandrill
    "x-mc-metadata": _json_metadata,
    "x-smtpapi": _sendgrid,
    "x-ses-message-tags": _pair_list,
    "x-msys-api": _sparkpost,
    "x-mt-category": _one_tag,  # Mailtrap
    "x-mt-custom-variables": _json_metadata,
}
METADATA_PREFIXES = ("x-mailwitness-metadata-", "x-pm-metadata-")
"""`X-PM-Metadata-Order: 7` -> ("order", "7"): header field names have no case, so the key is in lower case."""
