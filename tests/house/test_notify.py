"""systemd is told how the service is."""

from __future__ import annotations

import socket
from pathlib import Path

from relay.notify import notify


def test_the_state_is_sent_to_the_socket_that_systemd_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert systemd.recv(100) == b"READY=1"


def test_an_abstract_socket_is_told_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("")
        name = systemd.getsockname()
        notify("STOPPING=1", {"NOTIFY_SOCKET": "@" + name[1:].decode()})
        assert systemd.recv(100) == b"STOPPING=1"


def test_without_systemd_nobody_is_told() -> None:
    notify("READY=1", {})
