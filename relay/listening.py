"""Where something listens, in words."""

from __future__ import annotations

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Listening everywhere, a browser here reaches us by loopback."""


def reason(error: OSError) -> str:
    """`[Errno 98] error while attempting to bind on address ('127.0.0.1', 1025): address already in use`, in words."""
    return error.strerror or str(error)


def address(host: str, port: int) -> str:
    """`127.0.0.1:1025`, `[::1]:1025`; a UNIX socket has no port, only its path."""
    if port == 0:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
