"""Charts are well-formed, say what they show, and need no colour."""

from __future__ import annotations

from xml.etree import ElementTree

from viewer.figures.chart import PATTERNS, Interval, Series, intervals, nice, stacked, swatch

SVG = "{http://www.w3.org/2000/svg}"


def test_a_stacked_chart_has_title_description_and_a_pattern_for_each_series() -> None:
    series = [Series("sent <b>", 0, [3, 0, 5]), Series("lost", 4, [1, 0, 0])]
    text = stacked("c", "Title & more", "What <is>", ["1 Nov", "2 Nov", "3 <Nov>"], series, width=400, height=200)
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "c-title c-desc"
    assert root.findtext(f"{SVG}title") == "Title & more"
    assert root.findtext(f"{SVG}desc") == "What <is>"
    patterns = root.findall(f".//{SVG}pattern")
    assert [one.attrib["id"] for one in patterns] == ["c-0", "c-4"]
    bars = list(root.findall(f"{SVG}rect"))
    assert [one.attrib["fill"] for one in bars] == ["url(#c-0)", "url(#c-4)", "url(#c-0)"]
    assert "style=" not in text
    assert "<script" not in text
    assert len(set(PATTERNS)) == len(PATTERNS)


def test_labels_are_left_out_where_there_is_no_room_and_nothing_is_drawn_of_nothing() -> None:
    labels = [f"{n} November" for n in range(60)]
    root = ElementTree.fromstring(stacked("c", "", "", labels, [Series("x", 1, [0] * 60)], width=300, height=200))
    shown = [one.text for one in root.findall(f"{SVG}text") if "November" in (one.text or "")]
    assert shown[0] == "0 November"
    assert len(shown) <= 3
    assert root.findall(f"{SVG}rect") == []
    assert ElementTree.fromstring(stacked("c", "", "", [], [], width=300, height=200)) is not None


def test_what_is_there_is_seen_however_little_it_is() -> None:
    root = ElementTree.fromstring(
        stacked("c", "", "", ["a", "b"], [Series("x", 1, [1, 900_000])], width=300, height=200)
    )
    heights = [float(one.attrib["height"]) for one in root.findall(f"{SVG}rect")]
    assert heights[0] == 1.0 < heights[1]


def test_intervals_are_drawn_to_one_scale_with_a_hollow_mark_for_machines() -> None:
    rows = [
        Interval("A a very long name indeed that has no room", 0.2, 0.1, 0.3, "20 %", 0.35),
        Interval("B", 0.1, 0.05, 0.2, "10 %"),
    ]
    root = ElementTree.fromstring(intervals("i", "t", "d", rows, width=300))
    marks = [float(one.attrib["cx"]) for one in root.findall(f"{SVG}circle")]
    assert marks == [8 + 284 * 0.2 / 0.4, 8 + 284 * 0.1 / 0.4]
    assert len([one for one in root.findall(f"{SVG}path") if one.attrib["class"] == "hollow"]) == 1
    assert any((one.text or "").endswith("…") for one in root.findall(f"{SVG}text"))
    whole = ElementTree.fromstring(intervals("i", "t", "d", [Interval("A", 0.9, 0.85, 0.95, "")], width=300))
    assert "100 %" in [one.text for one in whole.findall(f"{SVG}text")]
    assert ElementTree.fromstring(intervals("i", "t", "d", [], width=300)) is not None


def test_the_top_of_a_scale_divides_well() -> None:
    assert [nice(value) for value in (0, 1, 3, 5, 11, 39, 41, 250)] == [1, 1, 4, 10, 20, 40, 100, 400]


def test_a_swatch_stands_alone() -> None:
    assert 'id="s-2"' in swatch("s", Series("x", 2, []))
