"""The page for operators names every metric there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from relay.metrics import REGISTRY

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "operations.md").read_text()


def test_the_page_names_the_metrics_that_there_are() -> None:
    there = {metric.name for metric in REGISTRY.collect()}
    named = re.findall(r"`(mailwitness_[a-z_]+)", PAGE)
    assert {name.removesuffix("_total") for name in named} == there
