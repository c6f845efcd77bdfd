import dataclasses
import pickle

import pytest

from relay.model import delivery, edit, event, hold, message, reply, summary

VALUES = [
    value
    for module in (delivery, edit, event, message, reply, summary)
    for value in vars(module).values()
    if dataclasses.is_dataclass(value) and isinstance(value, type) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_values_are_frozen_and_slotted(value: type) -> None:
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(value)


def test_a_value_survives_the_way_to_a_worker_process() -> None:
    made = summary.Summary(
        subject="x", to=(summary.Addressee("Jo", "jo@b"),), references=(summary.Reference("a", "b"),)
    )
    assert pickle.loads(pickle.dumps(made)) == made


def test_event_kinds_are_names_for_the_outside() -> None:
    assert all(kind.value.replace("-", "").isalpha() and kind.value.islower() for kind in event.Kind)
    assert [grade.value for grade in event.Grade] == ["A", "B", "C", "D", "E"]


@pytest.mark.parametrize(("peer", "is_imported"), [("import", True), ("192.0.2.7:25", False)])
def test_what_was_taken_over_is_told_by_who_handed_it_in(peer: str, is_imported: bool) -> None:
    envelope, reception = message.Envelope("a@b", ()), message.Reception(peer, "", "", "")
    made = message.Message("m", 1, "shop", message.Mode.CAPTURE, envelope, reception, 0, bytes(32))
    assert made.is_imported is is_imported


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "which matter"), (" ", "which matter"), ("a\nb", "which matter"), ("Case 7", ""), ("x" * 101, "at most 100")],
)
def test_a_hold_has_a_name_of_one_line(name: str, words: str) -> None:
    fault = hold.name_fault(name)
    assert words in fault
    assert bool(fault) is bool(words)
