import dataclasses
import pickle

import pytest

from relay.model import delivery, edit, event, message, reply, summary

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
