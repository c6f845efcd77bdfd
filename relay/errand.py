"""An errand: a write that a command asks of the running server, through the UNIX socket in the archive's folder.

One process alone may write to the embedded archive, so beside a running server a command sends its writes here.
Without one there is nobody to ask (`NobodyThere`) and the command opens the archive itself. The server's half is
`control.py`.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin

from relay.archive.api import ApiToken, ApplicationRecord, User, Waiting
from relay.model.access import Group, Permission, Role, Scope
from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery, State
from relay.model.erasure import Erasure
from relay.model.erasure import Standing as ErasureStanding
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Judgement, Verdict
from relay.model.hold import Hold
from relay.model.message import Recipient
from relay.model.reply import Reply
from relay.model.suppression import Cause, Suppressed
from relay.model.switch import Switches

SOCKET_NAME = "control.sock"
TIME_LIMIT = 30.0
"""Seconds to wait for the server's answer."""

ERRANDS: Mapping[str, tuple[type, ...]] = {
    "put_user": (User, Event),
    "remove_user": (str, Event),
    "remove_factors": (str, Event),
    "end_sessions": (str, type(None), Event),
    "put_role": (Role, Event),
    "remove_role": (str, Event),
    "put_group": (Group, Event),
    "remove_group": (str, Event),
    "add_token": (ApiToken, Event),
    "remove_token": (str, Event),
    "put_application": (ApplicationRecord, Event),
    "remove_application": (str, Event),
    "add_events": (list,),
    "reindex": (bool,),
    "encrypt_all": (Event,),
    "rotate_keys": (Event,),
    "judge": (list[Judgement],),
    "add_suppressions": (list[Suppressed], int),
    "remove_suppressions": (list[str], list),
    "change_waiting": (list[Waiting], list),
    "make_hold": (Hold, Event),
    "place_hold": (str, list[str], list),
    "lift_hold": (str, list[str], list),
    "end_hold": (str, Event),
    "add_spooled": (str,),
    "put_setting": (str, dict),
    "ask_erasure": (Erasure, Event),
    "decide_erasure": (str, ErasureStanding, Event),
    "put_switches": (Switches, Event, Switches),
}
"""The archive's methods that a command may ask for, and what they take."""
NOTARY_ERRANDS: Mapping[str, tuple[type, ...]] = {
    "ledger_status": (),
    "ledger_checkpoint": (),
    "ledger_rotate": (str, bool),
}
"""The notary's, alike."""


SOCKET_PATH_LIMIT = 107
"""Octets in the name of a UNIX socket (Linux, sun_path)."""


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for a socket that the system takes, however deep its folder lies. Raises OSError."""
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class NobodyThere(Exception):
    """No server runs on this archive."""


class Refused(Exception):
    """The server could not do it; the text says why."""


def packed(value: Any) -> Any:
    """A value of the archive's contract as JSON; octets become `{"hex": …}`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: packed(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {key: packed(item) for key, item in value.items()}
    return [packed(item) for item in value] if isinstance(value, list | tuple) else value


def unpacked(kind: type, value: Any) -> Any:
    """The value that `packed` packed. Raises KeyError, TypeError or ValueError for anything else."""
    if kind is type(None):
        return None
    if kind is list:
        return [unpacked(Event, item) for item in value]
    if get_origin(kind) is list:
        return [unpacked(get_args(kind)[0], item) for item in value]
    if kind is dict:
        return dict(value)
    if kind is Switches:
        return Switches.of_json(value)
    if kind is Waiting:
        return Waiting(_delivery(value["delivery"]), State(value["expected_state"]))
    if not dataclasses.is_dataclass(kind):
        return kind(value)
    fields = {name: _unpacked_field(item) for name, item in value.items()}
    if kind is Event:
        fields |= {"kind": Kind(fields["kind"]), "grade": Grade(fields["grade"])}
    if kind is User:
        fields |= {"scope": Scope.of_json(value["scope"]["shares"])}
    if kind is ApiToken and value["permissions"] is not None:
        fields |= {"permissions": frozenset(map(Permission, value["permissions"]))}
    if kind is Role:
        fields |= {"permissions": frozenset(map(Permission, value["permissions"]))}
    if kind is Group:
        fields |= {"scope": Scope.of_json(value["scope"]["shares"])}
    if kind is Judgement:
        fields |= {"verdict": Verdict(fields["verdict"])}
    if kind is Erasure:
        fields |= {"standing": ErasureStanding(fields["standing"])}
    if kind is Suppressed:
        fields |= {"cause": Cause(fields["cause"])}
    return kind(**fields)


def _delivery(value: Mapping[str, Any]) -> Delivery:
    made: dict[str, Any] = {"recipient": Recipient(**value["recipient"]), "state": State(value["state"])}
    for name, kind in (("bounce", BounceClass), ("grade", Grade)):
        made[name] = kind(value[name]) if value[name] is not None else None
    made["reply"] = Reply(**value["reply"]) if value["reply"] else None
    return Delivery(**{**value, **made})


def _unpacked_field(item: Any) -> Any:
    if isinstance(item, dict) and set(item) == {"hex"}:
        return bytes.fromhex(item["hex"])
    return tuple(item) if isinstance(item, list) else item


def ask(folder: Path, errand: str, arguments: Sequence[Any]) -> Any:
    """What the archive's method returned, after its commit. Raises NobodyThere, or Refused with the reason."""
    status, answer = _exchange(folder, "POST", f"/{errand}", [packed(argument) for argument in arguments])
    if status != 200:
        raise Refused(str(answer.get("error", status)))
    return answer.get("result")


def status(folder: Path) -> dict[str, Any]:
    """What the running server says of itself: version, process id, addresses. Raises NobodyThere."""
    return _exchange(folder, "GET", "/status", None)[1]


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("mailwitness", timeout=TIME_LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIME_LIMIT)
        with reachable(self._path) as name:
            self.sock.connect(name)


def _exchange(folder: Path, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    connection = _Connection(folder / SOCKET_NAME)
    try:
        connection.connect()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NobodyThere(str(folder)) from error
    except OSError as error:
        raise Refused(f"{folder / SOCKET_NAME}: {error.strerror or error}") from error
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(f"the running server did not answer: {error}") from error
    finally:
        connection.close()
