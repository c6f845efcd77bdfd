from __future__ import annotations

from pathlib import Path

import pytest

from relay.archive.api import ApplicationRecord
from relay.config import Alert, Application, Config, LiveConfig, Reference
from relay.config.pattern import matches_nothing, pattern_fault
from relay.config.settings import origins
from relay.config.stored import merged
from relay.intake.credentials import Directory
from relay.model.alert import Rule
from relay.model.delivery import Priority
from relay.model.event import Event, Kind
from relay.model.message import Mode
from relay.model.switch import Pause, Switches
from tests.support.archive_values import NOON, new_id
from tests.support.fresh import open_archive

FILE = Config(
    reference=(Reference(name="invoice", pattern=r"INV-\d+"),),
    application=(Application(name="shop", addresses=("192.0.2.1/32",), opens=False),),  # type: ignore[arg-type]
)


def test_without_anything_stored_the_file_holds_as_it_is():
    assert merged(FILE, None) is FILE
    assert merged(FILE, {}) is FILE


def test_what_the_file_says_wins_and_what_it_does_not_say_is_added():
    stored = {
        "reference": [
            {"name": "invoice", "pattern": "other"},
            {"name": "order", "pattern": r"ORD-(\d+)", "syntax": "re2"},
            {"name": "broken", "pattern": 5},
        ],
        "alert": [{"name": "bounces", "rule": "bounce-rate"}],
        "application": {
            "shop": {"opens": True, "clicks": True, "username": "never"},
            "added": {"clicks": False},
            "empty": {},
            "wrong": {"priority": "soon"},
        },
    }
    config = merged(FILE, stored)
    assert [(one.name, one.pattern) for one in config.reference] == [("invoice", r"INV-\d+"), ("order", r"ORD-(\d+)")]
    assert config.alert == (Alert(name="bounces", rule=Rule.BOUNCE_RATE),)
    shop, added = config.application
    assert (shop.opens, shop.clicks, shop.username) == (False, True, "")
    assert (added.name, added.clicks) == ("added", False)


def test_a_stored_value_that_is_no_longer_allowed_is_left_out():
    assert merged(FILE, {"application": {"shop": {"priority": "soon"}}}).application == FILE.application


def test_a_live_configuration_answers_as_the_one_that_holds_now():
    live = LiveConfig(FILE)
    assert live.as_config.reference == FILE.reference
    live.use(Config())
    assert live.as_config.reference == ()


def test_each_key_says_who_gave_it(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text('[smtp]\nport = 25\n[viewer]\nhosts = ["a"]\n[[application]]\nname = "shop"\n')
    found = origins(file, {"MAILWITNESS_VIEWER__PORT": "80", "PATH": "/bin"})
    assert found == {
        ("smtp", "listeners", 0, "port"): str(file),
        ("viewer", "hosts"): str(file),
        ("viewer", "port"): "MAILWITNESS_VIEWER__PORT",
        ("application", 0, "name"): str(file),
    }


@pytest.mark.parametrize(
    ("pattern", "is_linear", "is_right"),
    [("(a", False, False), ("(a", True, False), ("a", True, True), ("(?=a)", True, False), ("(?=a)", False, True)],
)
def test_a_pattern_is_judged_in_its_own_syntax(pattern: str, is_linear: bool, is_right: bool):
    assert (pattern_fault(pattern, is_linear=is_linear) == "") is is_right


def test_a_pattern_that_finds_nothing_everywhere_is_known():
    assert matches_nothing("a*", is_linear=True)
    assert not matches_nothing("a+", is_linear=False)


async def test_an_application_added_here_gets_what_is_stored_for_it(tmp_path: Path):
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")

    event = Event(new_id(), NOON, Kind.ACCOUNT_CHANGED, "user:anna")
    await archive.put_application(ApplicationRecord("added", "added", bytes(32), NOON, "hold"), event)
    config = merged(FILE, {"application": {"added": {"priority": "bulk", "max_messages_per_hour": 5}}})
    directory = await Directory.load(config, archive, Mode.RELAY)
    added = directory.named("added")
    assert added is not None
    assert (added.mode, added.username, added.priority, added.max_messages_per_hour) == (
        Mode.HOLD,
        "added",
        Priority.BULK,
        5,
    )
    await archive.close()


async def test_of_two_who_turn_switches_at_once_neither_undoes_the_other(tmp_path: Path):
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")

    def event() -> Event:
        return Event(new_id(), NOON, Kind.PAUSED, "user:anna")

    pause = Pause("anna", NOON)
    assert await archive.put_switches(Switches().pausing(pause), event(), Switches())
    late = event()
    assert not await archive.put_switches(Switches().pausing(pause, "ses"), late, Switches())
    assert (await archive.switches()).paused_upstreams == {}
    now = await archive.switches()
    assert await archive.put_switches(now.pausing(pause, "ses"), late, now)
    # The answer was lost, the caller repeats: it is done.
    assert await archive.put_switches(now.pausing(pause, "ses"), late, now)
    assert await archive.change_setting("key", None, {"a": 1}, [event()])
    assert not await archive.change_setting("key", None, {"a": 2}, [event()])
    assert await archive.setting("key") == {"a": 1}
    await archive.close()
