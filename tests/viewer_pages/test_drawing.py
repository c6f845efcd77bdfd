"""The pieces of HTML that are made without a template: everything that is not ours is escaped, and once."""

from __future__ import annotations

from relay.model.delivery import State
from relay.model.summary import Reference
from viewer.drawing import Drawing, when
from viewer.present import STATES, Word

HOSTILE = "<img src=x>\"'&"
ESCAPED = "&lt;img src=x&gt;&#34;&#39;&amp;"


def test_words_are_escaped_once() -> None:
    drawn = Drawing("/icons.svg").status(STATES[State.SENT])
    assert "the recipient&#39;s mailbox" in drawn
    assert "&amp;#39;" not in drawn


def test_whatever_is_hostile_is_escaped() -> None:
    drawing = Drawing("/icons.svg")
    word = Word(HOSTILE, "sent", "good", HOSTILE)
    reference = Reference(HOSTILE, HOSTILE)
    pieces = (
        drawing.icon("sent", HOSTILE),
        drawing.status(word),
        drawing.mark(word),
        drawing.reference(reference, lambda one: f"https://example.com/{one.code}"),
        drawing.reference(reference, lambda one: ""),
    )
    for piece in pieces:
        assert "<img" not in piece
        assert ESCAPED in piece


def test_a_time_names_no_zone_twice() -> None:
    assert when(0, 0).count("1 Jan 1970, 00:00:00 UTC") == 1
