"""What the server prints when it has started: where to point an application, where to look, what is done with mail.

Words only; `service.py` knows the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.config import Config, Listener, TlsPolicy
from relay.model.message import Mode

_MODES = {
    Mode.RELAY: "relay: kept, then sent on through {upstream}",
    Mode.CAPTURE: "capture: kept, nothing is sent{hint}",
    Mode.HOLD: "hold: kept, sent after a person's approval",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """`bound`: listener name and where it listens, `127.0.0.1:1025` or a socket's path."""

    version: str
    config: Config
    bound: Sequence[tuple[str, str]]
    viewer: str
    """`http://127.0.0.1:8025/`."""
    archive: Path
    sign_in_link: str | None = None
    tracking: str = ""
    """`127.0.0.1:8026`; empty where nothing can be tracked."""
    """Once, for the first administrator."""


def greeting(facts: Facts) -> str:
    """The lines to print, with an empty line before and after."""
    config = facts.config
    listeners = {listener.name: listener for listener in config.smtp.listeners}
    lines = [f"Mailwitness {facts.version} is running.", ""]
    lines += [f"  SMTP for applications   {where}  ({_terms(listeners[name], config)})" for name, where in facts.bound]
    lines.append(f"  See the mail            {facts.viewer}")
    if facts.tracking:
        lines.append(f"  Pixels and links        {facts.tracking}  (for everyone, as {_public(config)})")
    lines.append(f"  Mode                    {_mode(config)}")
    lines.append(f"  Archive                 {facts.archive}")
    if facts.sign_in_link:
        lines += ["", "  No user yet. This link makes the first administrator; it works once, for 24 hours:"]
        lines.append(f"    {facts.sign_in_link}")
    return "\n" + "\n".join(lines) + "\n\n"


def _public(config: Config) -> str:
    addresses = [config.tracking.url, *(application.tracking_url for application in config.application)]
    return ", ".join(dict.fromkeys(address for address in addresses if address))


def _terms(listener: Listener, config: Config) -> str:
    tls = {
        TlsPolicy.IMPLICIT: "TLS from the start",
        TlsPolicy.REQUIRED: "STARTTLS required",
        TlsPolicy.OPTIONAL: "STARTTLS offered" if listener.certificate else "no TLS",
        TlsPolicy.NONE: "no TLS",
    }[listener.tls]
    return f"{'user name and password' if listener.require_auth else 'no password needed on this machine'}, {tls}"


def _mode(config: Config) -> str:
    upstream = config.upstream[0] if config.upstream else None
    return _MODES[config.default_mode].format(
        upstream=f"{upstream.host}:{upstream.port}" if upstream else "",
        hint="" if upstream else "; set [[upstream]] in config.toml to relay",
    )
