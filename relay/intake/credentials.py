"""The applications that may send, and who a client is: by SMTP credentials, by address, or by being on this machine.

Secrets are generated, of high entropy, and known here only by their SHA-256; they are compared in constant time and
never logged. Does not speak SMTP (`auth.py`) and does not keep applications (the archive, the configuration).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from relay.archive.api import Archive
from relay.config import DEFAULT_NAME, Application, Config, Network
from relay.model.delivery import Priority
from relay.model.message import Mode

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class KnownApplication:
    """An application as intake sees it. `secret_hash` is b"" for one that cannot sign in."""

    name: str
    mode: Mode
    username: str = ""
    secret_hash: bytes = b""
    addresses: tuple[Network, ...] = ()
    senders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    redirect_to: tuple[str, ...] = ()
    """Mode redirect: who gets everything."""
    priority: Priority = Priority.NORMAL
    max_messages_per_hour: int = 0
    """0: no limit."""

    def may_send_as(self, address: str) -> bool:
        """Whether the reverse-path is allowed: `a@example.com`, `@example.com`, `<>` for ''; no rule means any.

        Case is ignored: a rule names a mailbox of one's own, and no provider tells mailboxes apart by case.
        """
        if not self.senders:
            return True
        shown = address.casefold() or "<>"
        domain = "@" + shown.rpartition("@")[2]
        return any(rule.casefold() in (shown, domain) for rule in self.senders)


class Directory:
    """Answers who a client is. Immutable: after a change a new one is loaded and given to the intake."""

    def __init__(self, applications: Iterable[KnownApplication], default_mode: Mode) -> None:
        """Of two applications with one user name the first counts; so does the first of two that list an address.

        In mode redirect without an address to redirect to, mail is held.
        """
        known = tuple(_workable(application) for application in applications)
        self._by_username: dict[str, KnownApplication] = {}
        for application in known:
            if application.username and application.secret_hash:
                self._by_username.setdefault(application.username, application)
        self._by_address = tuple((network, a) for a in known for network in a.addresses)
        named = (a for a in known if a.name == DEFAULT_NAME)
        self._by_name: dict[str, KnownApplication] = {}
        for application in known:
            self._by_name.setdefault(application.name, application)
        self.default = next(named, None) or _workable(KnownApplication(DEFAULT_NAME, default_mode))

    @classmethod
    async def load(cls, config: Config, archive: Archive, default_mode: Mode) -> Directory:
        """The applications of the configuration, then those added by command. Raises what the archive raises.

        A mode that a person switched an application to stands before that of the configuration.
        """
        switched = (await archive.switches()).modes
        records = await archive.applications()
        tables = {table.name: table for table in config.application if not _lets_in(table)}
        bare = tables.keys() & {record.name for record in records}
        configured = [_of_configuration(table, default_mode) for table in config.application if table.name not in bare]
        added = [
            KnownApplication(
                name=record.name,
                mode=Mode(record.mode) if record.mode else default_mode,
                username=record.username,
                secret_hash=record.secret_hash,
                senders=record.senders,
                tags=record.tags,
                **(_settings_of(tables[record.name]) if record.name in tables else {}),
            )
            for record in records
        ]
        known = [replace(one, mode=switched.get(one.name, one.mode)) for one in configured + added]
        return cls(known, switched.get(DEFAULT_NAME, default_mode))

    def named(self, name: str) -> KnownApplication | None:
        """The application of that name; the default one too."""
        return self.default if name == DEFAULT_NAME else self._by_name.get(name)

    @property
    def has_credentials(self) -> bool:
        """Whether anyone could sign in at all; without, AUTH is not offered."""
        return bool(self._by_username)

    def sign_in(self, username: str, secret: bytes) -> KnownApplication | None:
        """The application with these credentials. Takes the same time for an unknown name and a wrong secret."""
        application = self._by_username.get(username)
        expected = application.secret_hash if application else b""
        return application if hmac.compare_digest(sha256(secret).digest(), expected) else None

    def current(self, application: KnownApplication) -> KnownApplication | None:
        """An application that signed in earlier as it is set now; None if its credentials are no longer the same."""
        now = self._by_username.get(application.username)
        is_same = now is not None and (now.name, now.secret_hash) == (application.name, application.secret_hash)
        return now if is_same else None

    def at_address(self, address: Address) -> KnownApplication | None:
        """The application that lists `address`."""
        return next((a for network, a in self._by_address if address in network), None)


def _lets_in(table: Application) -> bool:
    """Whether a client can be this application by the table alone; one without is about an application added here."""
    return bool(table.username or table.addresses)


def _settings_of(table: Application) -> dict[str, Any]:
    """What a table says of an application whose credentials were added here."""
    return {
        "priority": Priority[table.priority.upper()],
        "max_messages_per_hour": table.max_messages_per_hour,
    }


def _of_configuration(table: Application, default_mode: Mode) -> KnownApplication:
    return KnownApplication(
        name=table.name,
        mode=table.mode or default_mode,
        username=table.username,
        secret_hash=bytes.fromhex(table.secret_hash.removeprefix("sha256:")),
        addresses=table.addresses,
        senders=table.senders,
        tags=table.tags,
        redirect_to=table.redirect_to,
        priority=Priority[table.priority.upper()],
        max_messages_per_hour=table.max_messages_per_hour,
    )


def _workable(application: KnownApplication) -> KnownApplication:
    is_lost = application.mode is Mode.REDIRECT and not application.redirect_to
    return replace(application, mode=Mode.HOLD) if is_lost else application
