"""Users, roles, groups and tokens by command: all that the pages can say of people."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.model.access import BUILT_IN
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

PASSWORD = "long enough a password\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def beside(server: RunningServer) -> Prompt:
    return Prompt(server.config_file)


@pytest.fixture
def alone(tmp_path: Path) -> Prompt:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path}/data"\n')
    return Prompt(tmp_path / "config.toml")


def add(prompt: Prompt, name: str, *options: str) -> str:
    return prompt("user", "add", name, *options, "--password-stdin", typed=PASSWORD)


def ask(server: RunningServer, token: str, path: str) -> tuple[int, str]:
    request = urllib.request.Request(server.viewer_url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_roles_are_added_changed_and_removed(alone: Prompt) -> None:
    rows = [line.split("\t") for line in alone("role", "list").splitlines()]
    assert [row[0] for row in rows] == [role.name for role in BUILT_IN]
    assert rows[-1] == ["member", "sees nothing", "built in", "read, body, attachments"]
    assert alone("role", "add", "desk", "--permission", "read", "--permission", "tag") == "Added desk: read, tag.\n"
    alone("role", "change", "desk", "--permission", "read", "--sees-all")
    assert alone("role", "list").splitlines()[-1] == "desk\tsees everything\tadded\tread"
    add(alone, "ann", "--role", "desk")
    assert "somebody has the role desk" in alone("role", "remove", "desk", code=1)
    alone("user", "change", "ann", "--role", "")
    alone("role", "remove", "desk")
    assert "desk" not in alone("role", "list")


def test_groups_and_scopes_are_said_as_they_are_listed(alone: Prompt) -> None:
    options = ("--application", "shop", "--application", "crm", "--sender", "@Example.com")
    assert alone("group", "add", "support", "--role", "auditor", *options, "--share", "tag=red") == (
        "Added support (auditor).\n"
    )
    words = add(alone, "ann", "--role", "member", "--group", "support", "--sees", "nothing")
    assert words == "Added ann (member, support).\n"
    scope = "application=shop,application=crm,sender=@example.com; tag=red"
    assert alone("group", "list") == f"support\tauditor\t{scope}\tann\n"
    assert alone("user", "list") == "ann\tmember\tsupport\tnothing\tenabled\n"
    alone("user", "change", "ann", "--no-groups", "--tag", "blue", "--role", "operator")
    assert alone("user", "list") == "ann\toperator\t\ttag=blue\tenabled\n"
    alone("user", "change", "ann", "--sees", "by-role")
    alone("group", "change", "support", "--role", "member", "--sees", "nothing")
    assert alone("group", "list") == "support\tmember\tnothing\t\n"
    alone("group", "remove", "support")
    assert alone("group", "list") == ""
    assert alone("user", "list") == "ann\toperator\t\t\tenabled\n"


@pytest.mark.parametrize(
    ("command", "words", "code"),
    [
        ("user change nobody --role member", "no user 'nobody'", 65),
        ("user change ann", "is so already", 65),
        ("user change ann --enable", "is so already", 65),
        ("user change ann --role king", "expected one of the roles", 64),
        ("user change ann --group none", "no group 'none'", 65),
        ("user change ann --group none --no-groups", "together with --no-groups", 64),
        ("user change ann --sender example.com", "expected an address", 64),
        ("user change ann --share shop", "expected application=NAME", 64),
        ("user change ann --share colour=red", "expected application=NAME", 64),
        ("user change ann --tag red --sees nothing", "together with a scope", 64),
        ("user sign-out nobody", "no user", 65),
        ("role add member", "already", 65),
        ("role add a/b", "1 to 64 letters", 64),
        ("role add desk --permission fly", "fly", 64),
        ("role change desk --permission read", "no role 'desk'", 65),
        ("role change auditor --sees-all", "no role 'auditor'", 65),
        ("role change auditor", "say what to change", 64),
        ("role remove auditor", "no role 'auditor'", 65),
        ("group add a/b --role member", "1 to 64 letters", 64),
        ("group add desk --role king", "expected one of the roles", 64),
        ("group change desk --role member", "no group", 65),
        ("group remove desk", "no group", 65),
        ("token add x --user ann --days 1 --expires 2099-01-01", "together with --expires", 64),
        ("token add x --user ann --expires 2020-01-01", "is over", 64),
        ("token add x --user ann --expires soon", "soon", 64),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(anns: Prompt, command: str, words: str, code: int) -> None:
    assert words in anns(*command.split(), code=code)


@pytest.fixture(scope="module")
def anns(tmp_path_factory: pytest.TempPathFactory) -> Prompt:
    """Where Ann is a user."""
    folder = tmp_path_factory.mktemp("anns")
    (folder / "config.toml").write_text(f'[archive]\npath = "{folder}/data"\n')
    prompt = Prompt(folder / "config.toml")
    add(prompt, "ann")
    return prompt


@pytest.mark.parametrize(
    "command", ["user remove ann", "user change ann --role operator", "user change ann --disable"], ids=str
)
def test_the_last_who_may_manage_people_stays(alone: Prompt, command: str) -> None:
    add(alone, "ann")
    add(alone, "bob", "--role", "operator")
    assert "nobody would be left who may manage people" in alone(*command.split(), code=1)
    assert ["ann", "administrator", "enabled"] in [line.split() for line in alone("user", "list").splitlines()]
    alone("user", "change", "bob", "--role", "administrator")
    alone(*command.split())


def test_who_is_disabled_is_let_in_no_more_beside_a_running_server(server: RunningServer, beside: Prompt) -> None:
    beside("role", "add", "desk", "--permission", "read", "--permission", "audit", "--sees-all")
    beside("group", "add", "all", "--role", "desk")
    add(beside, "eve", "--role", "member", "--group", "all")
    made = beside(
        *("token", "add", "job", "--user", "eve", "--expires", "2099-01-31"),
        *("--permission", "read", "--application", "shop"),
    ).split()
    token_id, token = made[1], made[3]
    listed = f"{token_id}\tjob\teve\t2099-02-01 00:00:00Z\tread\tshop\n"
    assert listed in beside("token", "list")
    assert ask(server, token, "/api/messages")[0] == 200
    assert ask(server, token, "/api/events")[0] == 403
    beside("user", "change", "eve", "--disable")
    assert "eve\tmember\tall\t\tdisabled\n" in beside("user", "list")
    assert ask(server, token, "/api/messages")[0] == 401
    beside("user", "change", "eve", "--enable")
    status, text = ask(server, token, "/api/messages")
    assert (status, json.loads(text)["messages"]) == (200, [])
    assert beside("user", "sign-out", "eve") == "eve is signed out everywhere; sessions ended: 0.\n"
    beside("group", "change", "all", "--tag", "red")
    assert "all\tdesk\ttag=red\teve\n" in beside("group", "list")
    beside("role", "change", "desk", "--permission", "read")
    beside("user", "remove", "eve")
    beside("group", "remove", "all")
    beside("role", "remove", "desk")
