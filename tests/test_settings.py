"""The configuration, read from file and environment."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from relay.config import Config, TlsPolicy
from relay.config.settings import ConfigurationError, load
from relay.model.message import Mode


def _load(folder: Path, text: str, environment: dict[str, str] | None = None) -> Config:
    file = folder / "config.toml"
    file.write_text(text)
    return load(file, environment or {})


def _lines(folder: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as failure:
        _load(folder, text, environment)
    return [line.removeprefix(f"{folder}/") for line in failure.value.lines]


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Config()
    assert Config().default_mode is Mode.CAPTURE


def test_config_toml_of_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[viewer]\nport = 80\n")
    assert load(None, {}).viewer.port == 80


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file or directory"):
        load(tmp_path / "none.toml", {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        '[smtp]\nport = 25\n[delivery]\nretry = ["1m"]\n',
        {
            "MAILWITNESS_SMTP__PORT": "2525",
            "MAILWITNESS_SMTP__ALLOW_FROM": "10.0.0.0/8, ::1",
            "MAILWITNESS_DELIVERY__RETRY": "30s,2m",
            "MAILWITNESS_DELIVERY__NOTICES": "true",
        },
    )
    assert config.smtp.listeners[0].port == 2525
    assert config.smtp.allow_from == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert config.delivery.retry == (30, 120)
    assert config.delivery.notices is True


def test_the_environment_alone_can_set_up_an_upstream() -> None:
    config = load(
        None,
        {
            "MAILWITNESS_UPSTREAM__0__HOST": "smtp.example.com",
            "MAILWITNESS_UPSTREAM__0__USERNAME": "u",
            "MAILWITNESS_UPSTREAM__0__PASSWORD": "p",
        },
    )
    assert config.upstream[0].password.get_secret_value() == "p"
    assert config.default_mode is Mode.RELAY


def test_an_unknown_variable_is_an_error_that_names_the_nearest_one(tmp_path: Path) -> None:
    assert _lines(tmp_path, "", {"MAILWITNESS_SMTP__PROT": "25"}) == [
        "MAILWITNESS_SMTP__PROT: unknown setting, did you mean MAILWITNESS_SMTP__PORT?"
    ]


def test_a_table_cannot_be_set_by_a_variable(tmp_path: Path) -> None:
    assert _lines(tmp_path, "", {"MAILWITNESS_SMTP__LISTENERS": "x"})[0].startswith("MAILWITNESS_SMTP__LISTENERS: ")


def test_a_variable_cannot_leave_a_gap_in_a_list(tmp_path: Path) -> None:
    assert _lines(tmp_path, "", {"MAILWITNESS_UPSTREAM__1__HOST": "x"}) == [
        "MAILWITNESS_UPSTREAM__1__HOST: no upstream[1] to set it in, expected the one before first"
    ]


def test_a_wrong_variable_is_named_in_its_error(tmp_path: Path) -> None:
    assert _lines(tmp_path, "[smtp]\nport = 25\n", {"MAILWITNESS_SMTP__PORT": "many"}) == [
        "MAILWITNESS_SMTP__PORT: 'many', expected an integer from 0 to 65535"
    ]


def test_variables_without_a_double_underscore_are_not_ours(tmp_path: Path) -> None:
    assert _load(tmp_path, "", {"MAILWITNESS_CORPUS": "/x", "SMTP__PORT": "1"}) == Config()


def test_a_secret_can_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret \n")
    upstream = f'[[upstream]]\nhost = "h"\nusername = "u"\npassword_file = "{tmp_path}/password"\n'
    config = _load(tmp_path, upstream)
    assert config.upstream[0].password.get_secret_value() == "s3cret "
    assert "s3cret" not in repr(config)


def test_durations_and_sizes_have_units(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        '[smtp]\nmax_message_size = "1G"\nidle_timeout = 90\nmax_session = "2d"\n[archive]\nmax_content_text = "5K"\n',
    )
    assert config.smtp.max_message_size == 1024**3
    assert config.smtp.idle_timeout == 90
    assert config.smtp.max_session == 172_800
    assert config.archive.max_content_text == 5120


def test_host_and_port_mean_the_first_listener(tmp_path: Path) -> None:
    config = _load(tmp_path, '[smtp]\nport = 26\n[[smtp.listeners]]\ntls = "none"\n[[smtp.listeners]]\nname = "b"\n')
    assert [(one.port, one.tls) for one in config.smtp.listeners] == [
        (26, TlsPolicy.NONE),
        (1025, TlsPolicy.OPTIONAL),
    ]


def test_a_password_in_plain_text_may_go_to_this_machine_only(tmp_path: Path) -> None:
    text = '[[upstream]]\nhost = "127.0.0.1"\nusername = "u"\npassword = "p"\ntls = "none"\n'
    assert _load(tmp_path, text).upstream[0].tls is TlsPolicy.NONE
    assert "upstream[0].tls" in _lines(tmp_path, text.replace("127.0.0.1", "127.0.0.1.example.com"))[0]


@pytest.mark.parametrize(
    "clients",
    [
        "[smtp]\nallow_from = ['192.0.2.0/24']\n",
        "[[application]]\nname = 'shop'\naddresses = ['192.0.2.7']\n",
        f"[[application]]\nname = 'shop'\nusername = 'shop'\nsecret_hash = 'sha256:{'0' * 64}'\n",
    ],
)
def test_a_listener_beyond_loopback_must_know_its_clients(tmp_path: Path, clients: str) -> None:
    listener = '[[smtp.listeners]]\nhost = "192.0.2.1"\n'
    assert _load(tmp_path, f"{clients}{listener}").smtp.listeners[0].host == "192.0.2.1"
    assert "smtp.listeners[0].host" in _lines(tmp_path, listener)[0]


def test_one_wrong_value_does_not_hide_the_others(tmp_path: Path) -> None:
    lines = _lines(tmp_path, '[smtp]\nport = -1\nallow_from = ["x", "10.0.0.0/8", "y"]\n[[reference]]\npattern = "("\n')
    assert [line.split(": ")[1] for line in lines] == [
        "smtp.port",
        "smtp.allow_from[0]",
        "smtp.allow_from[2]",
        "reference[0].name",
        "reference[0].pattern",
    ]


def test_a_control_character_in_a_value_cannot_begin_a_line(tmp_path: Path) -> None:
    (line,) = _lines(tmp_path, '[viewer]\nurl = "x\\nconfig.toml: all is well"\n')
    assert "\n" not in line


def test_every_secret_can_lie_in_a_file_at_any_depth(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    (tmp_path / "signing").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    config = _load(
        tmp_path,
        f'[[upstream]]\nhost = "h"\nusername = "u"\nauth = "xoauth2"\ntoken_url = "https://login.example.com"\n'
        f'client_id = "c"\nclient_secret_file = "{secret}"\nrefresh_token_file = "{secret}"\n'
        f'[webhooks.mailgun]\nkey_file = "{secret}"\nusername = "u"\npassword_file = "{secret}"\n'
        f'[bounces.imap]\nhost = "imap.example.com"\nusername = "u"\npassword_file = "{secret}"\n'
        f'[[endpoint]]\nname = "crm"\nurl = "https://crm.example"\nsecret_file = "{tmp_path}/signing"\n',
    )
    upstream, source = config.upstream[0], config.webhooks["mailgun"]
    read = (upstream.client_secret, upstream.refresh_token, source.key, source.password, config.bounces.imap.password)
    assert {one.get_secret_value() for one in read} == {"s3cret"}
    assert config.endpoint[0].secret.get_secret_value().startswith("whsec_")
    assert "s3cret" not in repr(config)


def test_the_environment_sets_tables_that_have_names_of_their_own(tmp_path: Path) -> None:
    text = '[webhooks.my-ses]\nprovider = "ses"\n'
    arns = {"MAILWITNESS_WEBHOOKS__MY_SES__TOPIC_ARNS": "arn:a, arn:b", "MAILWITNESS_WEBHOOKS__MAILGUN__KEY": "k"}
    config = _load(tmp_path, text, arns)
    assert config.webhooks["my-ses"].topic_arns == ("arn:a", "arn:b")
    assert config.webhooks["mailgun"].key.get_secret_value() == "k"
    assert _lines(tmp_path, text, {**arns, "MAILWITNESS_WEBHOOKS__SES": "x"})[0].startswith(
        "MAILWITNESS_WEBHOOKS__SES: unknown setting"
    )
    assert _lines(tmp_path, text, {**arns, "MAILWITNESS_WEBHOOKS__MY_SES__KEYY": "hunter2"}) == [
        "MAILWITNESS_WEBHOOKS__MY_SES__KEYY: unknown setting, did you mean MAILWITNESS_WEBHOOKS__NAME__KEY?"
    ]


def test_an_upstream_of_a_route_may_be_its_name_alone(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        '[[upstream]]\nname = "a"\nhost = "a"\n[[upstream]]\nname = "b"\nhost = "b"\n'
        '[[route]]\nname = "r"\nupstreams = ["a", { name = "b", weight = 3 }]\n',
    )
    first, second = config.route[0].upstreams
    assert ((first.name, first.weight), (second.name, second.weight)) == (("a", 1), ("b", 3))
    assert "weight" not in first.model_fields_set, "which tells a list from shares"


def test_an_address_that_anyone_may_listen_on_takes_the_port_of_the_others(tmp_path: Path) -> None:
    text = '[viewer]\nhost = "0.0.0.0"\nport = 1025\n'
    assert _lines(tmp_path, text) == ["config.toml: viewer.port: 1025, already used by smtp.listeners[0]"]
    assert _load(tmp_path, text.replace("0.0.0.0", "::")).viewer.port == 1025
    assert _load(tmp_path, "[viewer]\nport = 0\n[[smtp.listeners]]\nport = 0\n").viewer.port == 0
