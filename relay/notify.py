"""Tells systemd how the service is (sd_notify), where systemd asks to be told. Protocol: sd_notify(3)."""

from __future__ import annotations

import socket
from collections.abc import Mapping


def notify(state: str, environment: Mapping[str, str]) -> None:
    """Sends `READY=1`, `RELOADING=1` or `STOPPING=1` to $NOTIFY_SOCKET; nothing where there is none."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
