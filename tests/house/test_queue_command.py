"""`mailwitness queue` and `mailwitness endpoint`, beside a running server and without one."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from relay.model.notification import key_of
from tests.support.nursery import ran
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

CONFIG = """
[delivery]
jitter = 0.0
retry = ["1h"]

[[upstream]]
name = "first"
host = "127.0.0.1"
port = 1
tls = "none"
breaker_failures = 100

[[upstream]]
name = "second"
host = "127.0.0.1"
port = 1
tls = "none"

[[route]]
name = "all"
upstreams = ["first"]

[[endpoint]]
name = "crm"
url = "http://127.0.0.1:1/hooks"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
events = ["expired"]
"""
Command = Callable[..., str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("queue"), CONFIG) as running:
        yield running


@pytest.fixture
def queue(server: RunningServer) -> Command:
    return Prompt(server.config_file, "queue")


@pytest.fixture
def still(queue: Command) -> Iterator[None]:
    """Nothing is sent meanwhile, so that nothing changes but by the commands."""
    queue("pause", "--reason", "moving house")
    yield
    queue("resume")


def send(server: RunningServer, subject: str, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        client.sendmail("a@example.com", recipients, f"Subject: {subject}\r\n\r\nHello.\r\n")


def waiting(queue: Command, query: str) -> list[list[str]]:
    return [line.split("\t") for line in queue("list", query).splitlines()]


@pytest.mark.usefixtures("still")
def test_what_waits_is_listed_with_why(server: RunningServer, queue: Command) -> None:
    send(server, "listed", "b@example.com")
    wait_until(lambda: len(waiting(queue, "subject:listed")) == 1)
    (row,) = waiting(queue, "subject:listed")
    assert (row[1], row[4], row[5]) == ("queued", "b@example.com", "listed")
    assert row[6].endswith("moving house")
    assert row[0] in queue("list")
    assert row[0] in queue("list", row[0])
    assert queue("list", "subject:nothing-of-the-kind") == ""


@pytest.mark.usefixtures("still")
def test_one_is_retried_rerouted_and_cancelled(server: RunningServer, queue: Command) -> None:
    send(server, "single", "b@example.com")
    wait_until(lambda: len(waiting(queue, "subject:single")) == 1)
    (row,) = waiting(queue, "subject:single")
    assert queue("retry", row[0]) == "1 changed.\n"
    assert queue("reroute", row[0], "--to", "second") == "1 changed.\n"
    assert waiting(queue, "subject:single")[0][3] == ">second"
    assert queue("reroute", row[0], "--to", "") == "1 changed.\n"
    assert "no upstream 'third'" in queue("reroute", row[0], "--to", "third", code=65)
    assert "1 left: It is not waiting for approval." in queue("release", row[0], code=1)
    assert queue("cancel", row[0]) == "1 changed.\n"
    assert "nothing that waits matches" in queue("cancel", row[0], code=65)


@pytest.mark.usefixtures("still")
def test_many_are_changed_by_a_search_after_a_question(server: RunningServer, queue: Command) -> None:
    send(server, "mailing", "b@example.com", "c@example.com", "d@example.com")
    wait_until(lambda: len(waiting(queue, "subject:mailing")) == 3)
    assert "3 deliveries match" in queue("cancel", "subject:mailing", typed="n\n", code=1)
    assert queue("cancel", "subject:mailing", "--yes") == "3 changed.\n"
    assert queue("list", "subject:mailing") == ""
    assert "empty search" in queue("cancel", "", code=64)
    assert "^" in queue("cancel", "subject:(", code=65)


def test_sending_is_paused_and_resumed(server: RunningServer, queue: Command) -> None:
    assert queue("pause", "--reason", "moving house") == "Paused all sending.\n"
    assert queue("pause", "first") == "Paused first.\n"
    assert "no upstream" in queue("pause", "third", code=65)
    send(server, "paused", "b@example.com")
    assert queue("resume", "first") == "Resumed first.\n"
    assert queue("resume") == "Resumed all sending.\n"
    wait_until(lambda: [row[3] for row in waiting(queue, "subject:paused")] == ["all"])


def test_without_a_server_and_an_archive_nothing_waits(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path}/data"\n')
    run = Prompt(tmp_path / "config.toml")
    assert run("queue", "list") == ""
    assert run("endpoint", "list") == ""
    assert run("queue", "pause") == "Paused all sending.\n"
    assert run("queue", "list") == ""


def test_endpoints_are_listed_and_get_secrets(server: RunningServer) -> None:
    run = Prompt(server.config_file)
    assert run("endpoint", "list").split("\t")[:4] == ["crm", "0", "0", "-"]
    made = ran("endpoint", "secret", check=True).stdout.strip()
    assert len(key_of(made)) == 32
    assert Webhook(made)


def test_check_tells_what_the_configuration_amounts_to(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        CONFIG
        + '[[application]]\nname = "staging"\naddresses = ["127.0.0.1"]\nmode = "redirect"\n'
        + 'redirect_to = ["test@example.com"]\n'
        + '[webhooks.ses]\ntopic_arns = ["arn:aws:sns:eu-west-1:1:mail"]\n'
        + '[bounces]\ndomain = "bounces.example.com"\nlisten = true\n'
        + '[bounces.imap]\nhost = "127.0.0.1"\nusername = "u"\npassword = "hunter2"\n'
        + '[[route]]\nname = "bulk"\nupstreams = [{ name = "first", weight = 3 }, "second"]\n'
    )
    told = Prompt(tmp_path / "config.toml")("check")
    for line in (
        "route     all: first",
        "route     bulk: first (weight 3), second",
        "sender    staging: redirect",
        "webhook   127.0.0.1:8026/hooks/ses, from ses",
        "bounces   bounces+…@bounces.example.com, taken at 127.0.0.1:2525",
        "bounces   read from INBOX at 127.0.0.1:993",
        "endpoint  crm: http://127.0.0.1:1/hooks",
        "No errors.",
    ):
        assert line in told.splitlines()
    assert "hunter2" not in told
    assert "whsec_" not in told
