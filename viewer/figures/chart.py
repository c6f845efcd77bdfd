"""Charts as SVG text: stacked bars over time, and rates with their intervals. Pure; no script, no style of its own.

Readable without colour: each series has a pattern besides its class, and where a bar or mark stands says the rest. What
is drawn is also in `<title>` and `<desc>`, and every page has the table beside it. Colours are in figures.css.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

PATTERNS = ("", "M0 8 8 0M-2 2 2-2M6 10 10 6", "M2 2h1v1h-1zM6 6h1v1h-1z", "M0 2h8M0 6h8", "M0 0 8 8M8 0 0 8")
"""What a series is filled with over its colour: nothing, stripes, dots, lines, crosses."""
LINE = 18
"""Height of a line of text."""
GLYPH = 6.6
"""Width of a character, about."""


@dataclass(frozen=True, slots=True)
class Series:
    """`tone`: a class of figures.css, and the pattern of that place."""

    name: str
    tone: int
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate from 0 to 1 and its interval. `lighter`: a second rate, drawn hollow; None: none."""

    name: str
    rate: float
    low: float
    high: float
    text: str
    lighter: float | None = None


def stacked(
    key: str, title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, width: int, height: int
) -> str:
    """Bars, one for each label, the first series at the bottom. `key`: unique on the page, `[a-z0-9-]+`."""
    totals = [sum(one.values[place] for one in series) for place in range(len(labels))]
    top = nice(max(totals, default=0))
    left = max(34, int(len(f"{top:,}") * GLYPH) + 10)
    wide, high = width - left - 4, height - 2 * LINE
    parts = [_defs(key, series)]
    for n in range(5):
        value = top * n // 4
        if top >= 4 or n in (0, 4):
            y = 8 + high - high * value / top
            parts.append(f'<path class="grid" d="M{left} {y:.1f}h{wide}"/>')
            parts.append(f'<text class="axis" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,}</text>')
    step = wide / max(len(labels), 1)
    for place in range(len(labels)):
        parts.append(_bar(key, series, place, left + step * place, 8 + high, step, high / top))
    parts.extend(_labels(labels, left, step, 8 + high + LINE))
    return _svg(key, title, description, width, height, parts)


def _bar(key: str, series: Sequence[Series], place: int, x: float, y: float, step: float, scale: float) -> str:
    gap = min(3.0, step * 0.2)
    parts = []
    for one in series:
        size = one.values[place] * scale
        if size:
            # What is there is seen, however little it is.
            size = max(size, 1.0)
            y -= size
            box = f'x="{x + gap / 2:.1f}" y="{y:.1f}" width="{step - gap:.1f}" height="{size:.1f}"'
            parts.append(f'<rect {box} fill="url(#{key}-{one.tone})" class="edge t{one.tone}"/>')
    return "".join(parts)


def _labels(labels: Sequence[str], left: int, step: float, y: float) -> list[str]:
    """Under the bars, as many as have room."""
    room = max((len(label) for label in labels), default=0) * GLYPH + 10
    every = max(1, -int(-room // step))
    return [
        f'<text class="axis" x="{left + step * (place + 0.5):.1f}" y="{y:.1f}" text-anchor="middle">'
        f"{escape(labels[place])}</text>"
        for place in range(0, len(labels), every)
        # The first and the last must not be cut off.
        if place == 0 or step * (place + 0.5) + room / 2 <= step * len(labels) + 4
    ]


def intervals(key: str, title: str, description: str, rows: Sequence[Interval], *, width: int) -> str:
    """A line for each row: a filled mark at the rate, a bar over its interval, a hollow mark at the lighter rate."""
    each = 2 * LINE + 8
    top = _round_rate(max((max(row.high, row.lighter or 0) for row in rows), default=0))
    left, wide, height = 8, width - 16, each * len(rows) + LINE + 10
    parts = []
    for n in range(5):
        x = left + wide * n / 4
        anchor = "start" if n == 0 else "end" if n == 4 else "middle"
        parts.append(f'<path class="grid" d="M{x:.1f} 4v{each * len(rows)}"/>')
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{top * n * 25:.4g} %</text>'
        )
    for place, row in enumerate(rows):
        y = each * place + 8
        start, stop, at = (left + wide * rate / top for rate in (row.low, row.high, row.rate))
        name = _fitting(row.name, wide - len(row.text) * GLYPH - 16)
        parts.append(f'<text class="name" x="{left}" y="{y + 12}">{escape(name)}</text>')
        parts.append(f'<text class="axis" x="{left + wide}" y="{y + 12}" text-anchor="end">{escape(row.text)}</text>')
        middle = y + LINE + 12
        ends = "".join(f"M{x:.1f} {middle - 6}v12" for x in (start, stop))
        parts.append(f'<path class="span" d="M{start:.1f} {middle}H{stop:.1f}{ends}"/>')
        parts.append(f'<circle class="mark" cx="{at:.1f}" cy="{middle}" r="5"/>')
        if row.lighter is not None:
            x = left + wide * row.lighter / top
            parts.append(f'<path class="hollow" d="M{x:.1f} {middle - 6}l6 6-6 6-6-6z"/>')
    return _svg(key, title, description, width, height, parts)


def nice(value: int) -> int:
    """The next of 1, 2, 4, 10, 20, 40 … that is not below: a top that four lines divide well."""
    size = 1
    while True:
        for step in (1, 2, 4):
            if value <= step * size:
                return step * size
        size *= 10


def _round_rate(rate: float) -> float:
    return next((top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if rate <= top), 1.0)


def _fitting(name: str, room: float) -> str:
    most = max(int(room / GLYPH), 4)
    return name if len(name) <= most else name[: most - 1] + "…"


def _defs(key: str, series: Sequence[Series]) -> str:
    found = []
    for one in series:
        lines = PATTERNS[one.tone]
        drawn = f'<path d="{lines}"/>' if lines else ""
        found.append(
            f'<pattern id="{key}-{one.tone}" class="t{one.tone}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8"/>{drawn}</pattern>'
        )
    return f"<defs>{''.join(found)}</defs>"


def swatch(key: str, series: Series) -> str:
    """The square of a legend. `key`: unique on the page, other than the chart's."""
    fill = f'fill="url(#{key}-{series.tone})" class="edge t{series.tone}"'
    return (
        f'{_svg_open("swatch", 14, 14)} aria-hidden="true">{_defs(key, [series])}'
        f'<rect width="14" height="14" {fill}/></svg>'
    )


def _svg(key: str, title: str, description: str, width: int, height: float, parts: Sequence[str]) -> str:
    return (
        f'{_svg_open("chart", width, height)} role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _svg_open(name: str, width: float, height: float) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg class="{name}" xmlns="http://www.w3.org/2000/svg" {size}'
