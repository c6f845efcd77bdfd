"""What the server says when it has started."""

from __future__ import annotations

from pathlib import Path

from relay.config import Config, Delivery, Listener, Smtp, TlsPolicy, Upstream
from relay.greeting import Facts, greeting
from relay.model.message import Mode


def _greeting(config: Config, bound: list[tuple[str, str]], link: str | None = None) -> str:
    return greeting(Facts("1.2.3", config, bound, "http://127.0.0.1:8025/", Path("/data"), link))


def test_without_upstream_it_says_that_nothing_is_sent() -> None:
    text = _greeting(Config(), [("smtp", "127.0.0.1:1025")])
    assert "127.0.0.1:1025" in text
    assert "no password needed on this machine, no TLS" in text
    assert "capture: kept, nothing is sent; set [[upstream]] in config.toml to relay" in text
    assert "sign-in" not in text


def test_with_an_upstream_it_says_where_mail_goes() -> None:
    config = Config(upstream=(Upstream(host="smtp.example.com"),))
    assert "relay: kept, then sent on through smtp.example.com:587" in _greeting(config, [("smtp", "127.0.0.1:1025")])


def test_holding_is_said_so() -> None:
    config = Config(delivery=Delivery(mode=Mode.HOLD))
    assert "hold: kept, sent after a person's approval" in _greeting(config, [])


def test_each_listener_is_named_with_its_terms() -> None:
    listeners = (
        Listener(name="a", tls=TlsPolicy.IMPLICIT, require_auth=True),
        Listener(name="b", tls=TlsPolicy.REQUIRED),
        Listener(name="c", certificate=Path("c.pem")),
        Listener(name="d", tls=TlsPolicy.NONE),
    )
    bound = [("a", "127.0.0.1:465"), ("b", "[::1]:587"), ("c", "/run/smtp.sock"), ("d", "127.0.0.1:25")]
    lines = _greeting(Config(smtp=Smtp(listeners=listeners)), bound).splitlines()
    assert any("465" in line and "user name and password, TLS from the start" in line for line in lines)
    assert any("587" in line and "STARTTLS required" in line for line in lines)
    assert any("smtp.sock" in line and "STARTTLS offered" in line for line in lines)
    assert any(":25" in line and "no TLS" in line for line in lines)


def test_the_first_sign_in_link_stands_on_a_line_of_its_own() -> None:
    link = "http://127.0.0.1:8025/sign-in/abc"
    assert link in [line.strip() for line in _greeting(Config(), [], link).splitlines()]
