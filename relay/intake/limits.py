"""The limits that are counted: connections in all and of one client; errors, junk and failed sign-ins of one session.

Each limit is one parameter of `config.Smtp`. Pure: no clock, no sockets. Attacks: docs/attacks.md, 18 to 21.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address, IPv6Network, ip_address

from relay.config import Smtp
from relay.model.reply import Reply

TOO_MANY_CONNECTIONS = Reply(421, "too many connections, try again later", "4.7.0")
TOO_MANY_OF_YOURS = Reply(421, "too many connections from you, try again later", "4.7.0")
TOO_MANY_ERRORS = Reply(421, "too many errors, goodbye", "4.7.0")
TOO_MUCH_JUNK = Reply(421, "too many commands without a message, goodbye", "4.7.0")
TOO_MANY_SIGN_INS = Reply(421, "too many failed sign-ins, goodbye", "4.7.0")

DATA_GRACE = 60.0
"""Seconds of DATA before the minimum rate is asked for."""


class Census:
    """Who is connected. A client of IPv6 is its /64: one host has as many addresses as it likes."""

    def __init__(self) -> None:
        self.total = 0
        self._by_client: Counter[str] = Counter()

    def arrive(self, smtp: Smtp) -> Reply | None:
        """Counts one more connection; the reply with which to end it, if that is one too many."""
        self.total += 1
        return TOO_MANY_CONNECTIONS if self.total > smtp.max_connections else None

    def name(self, client: str, smtp: Smtp) -> Reply | None:
        """Counts a connection for its client; the reply with which to end it, if that is one too many."""
        self._by_client[client] += 1
        return TOO_MANY_OF_YOURS if self._by_client[client] > smtp.max_connections_per_client else None

    def leave(self, client: str | None) -> None:
        """Uncounts a connection, and its client if it was named."""
        self.total -= 1
        if client is not None:
            self._by_client[client] -= 1
            if self._by_client[client] <= 0:
                del self._by_client[client]


def client_key(host: str) -> str:
    """Whom to count a connection for: the IPv4 address, the IPv6 /64, or the text itself (`unix`)."""
    if ":" not in host:
        return host
    address = ip_address(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((address, 64), strict=False))
    return host


class Budget:
    """What one session may still waste. Errors count over the session; junk is forgiven by each accepted message."""

    def __init__(self, smtp: Smtp) -> None:
        self._errors = smtp.max_errors
        self._junk = self._max_junk = smtp.max_junk_commands
        self._sign_ins = smtp.max_auth_failures

    def spend_error(self) -> Reply | None:
        self._errors -= 1
        return TOO_MANY_ERRORS if self._errors < 0 else None

    def spend_junk(self) -> Reply | None:
        self._junk -= 1
        return TOO_MUCH_JUNK if self._junk < 0 else None

    def spend_sign_in(self) -> Reply | None:
        self._sign_ins -= 1
        return TOO_MANY_SIGN_INS if self._sign_ins < 0 else None

    def forgive_junk(self) -> None:
        self._junk = self._max_junk


def is_too_slow(octets: int, seconds: float, smtp: Smtp, grace: float = DATA_GRACE) -> bool:
    """Whether a DATA that has brought `octets` in `seconds` is below the minimum rate, once past the grace."""
    return seconds > grace and octets < smtp.min_data_rate * seconds
