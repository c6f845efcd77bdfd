"""`mailwitness retention`, the whole way: counted, done by the server and without one, proven afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.leavings import PERSON, send, traces
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

CONFIG = """
[[retention]]
name = "invoices"
sender = ["shop@example.com"]
body = "1s"
metadata = "1s"

[[retention]]
name = "others"
body = "30d"
"""


def counts(told: str) -> dict[str, list[int]]:
    """Of each rule: deleted, kept, facts erased, facts kept."""
    rows = [line.split("\t") for line in told.splitlines()]
    return {name: [int(count) for count in numbers] for name, *numbers in rows}


def counted(prompt: Prompt, expected: list[int]) -> None:
    """Returns when a dry run counts so much: a second has to pass."""
    wait_until(lambda: counts(prompt("retention", "--dry-run")) == {"invoices": expected, "others": [0, 0, 0, 0]})


@pytest.mark.usefixtures("_impatient")
def test_what_is_over_goes_and_what_was_handed_out_still_holds(tmp_path: Path) -> None:
    bundle = str(tmp_path / "old.zip")
    with RunningServer(tmp_path, CONFIG) as server:
        prompt = Prompt(server.config_file)
        send(server, "shop@example.com", "Please pay.", PERSON)
        send(server, "shop@example.com", "Please pay too.", "bob@example.org")
        send(server, "crm@example.com", "Hello Carl.", "carl@example.org")
        wait_until(lambda: len(prompt("search", "invoice").splitlines()) == 3)
        prompt("evidence", "--query", "invoice", "-o", bundle)
        (tmp_path / "before").write_text(prompt("ledger", "checkpoint"))
        counted(prompt, [2, 0, 2, 0])
        prompt("hold", "add", "court", "to:bob@example.org", "--reason", "case 7")
        counted(prompt, [1, 1, 1, 1])
        assert "went through the rules" in prompt("retention")
        assert counts(prompt("retention", "--dry-run"))["invoices"] == [0, 1, 0, 1]
        assert prompt("search", "is:erased").count("erased@erased.invalid") == 2
        prompt("hold", "end", "court", "--reason", "settled")
        server.stop()
        assert traces(server.archive_path) == []
        assert counts(prompt("retention")) == {"invoices": [1, 0, 1, 0], "others": [0, 0, 0, 0]}
        assert counts(prompt("retention")) == {"invoices": [0, 0, 0, 0], "others": [0, 0, 0, 0]}
        assert "carl@example.org" in prompt("search", "carl")
        assert "Nothing in this file is wrong" in prompt("verify", bundle)
        said = prompt("verify", "--archive", "--checkpoint", str(tmp_path / "before"))
        assert "Nothing in this archive is wrong" in said


def test_without_rules_it_says_that_everything_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    assert "everything is kept" in Prompt(config)("retention", code=1)


def test_facts_that_go_before_their_content_are_a_mistake(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[retention]]\nname = "old"\nbody = "30d"\nmetadata = "7d"\n')
    told = Prompt(config)("retention", "--dry-run", code=78)
    assert "retention[0].metadata: 7d, expected no less than body, which is 30d" in told
