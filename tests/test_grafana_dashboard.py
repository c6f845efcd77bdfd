"""The dashboard for Grafana asks for metrics and labels that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from relay import metrics

DASHBOARD = json.loads((Path(__file__).parents[1] / "docs" / "grafana" / "mailwitness.json").read_text())
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]


def served() -> dict[str, set[str]]:
    """Every series that /metrics gives, with its labels."""
    found: dict[str, set[str]] = {}
    for one in vars(metrics).values():
        if isinstance(one, Counter | Gauge | Histogram):
            name, labels = one._name, set(one._labelnames)  # the library has no other way to ask
            suffixes = {Counter: ("_total",), Histogram: ("_bucket", "_sum", "_count")}.get(type(one), ("",))
            found |= {name + suffix: labels for suffix in suffixes}
    return found


def test_every_metric_of_the_dashboard_is_served_with_the_labels_asked_for() -> None:
    there = served()
    for target in TARGETS:
        names = re.findall(r"mailwitness_\w+", target["expr"])
        assert names
        assert set(names) <= set(there), target["expr"]
        for labels in [
            *re.findall(r"by \(([^)]*)\)", target["expr"]),
            *re.findall(r"{{(\w+)}}", target["legendFormat"]),
        ]:
            asked = {label.strip() for label in labels.split(",")} - {"le"}
            assert asked <= set.union(*(there[name] for name in names)), target["expr"]


def test_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
