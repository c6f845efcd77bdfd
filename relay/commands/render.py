"""`mailwitness render FILE`: the copy that one recipient would get, and every change that makes it. Sends nothing."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.commands.options import EXIT_DATA, ConfigFile, configured, fail
from relay.commands.search import printable

if TYPE_CHECKING:
    from relay.config import Config
    from relay.courier.rendering import Rendition
    from relay.model.edit import Edit
    from relay.rendition.tracking import Tracked

EXAMPLE = "https://tracking.example"
"""Stands for tracking.url where there is none, so that anything can be tried."""
SHOWN = 400
"""Octets shown of each side of an edit."""


def register(app: typer.Typer) -> None:
    @app.command()
    def render(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A message (.eml); - for standard input.")],
        to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="The recipient whose copy it is.")],
        application: Annotated[str, typer.Option(help="As if this application had sent it.")] = "default",
        track: Annotated[
            str | None, typer.Option(metavar="opens,clicks|none", help="Track this, whatever the configuration says.")
        ] = None,
        output: Annotated[
            Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the copy there.")
        ] = None,
        config: ConfigFile = None,
    ) -> None:
        """Show the copy that a recipient would get: each edit with its step, and what is left alone and why."""
        settings = configured(config)
        content = _content(file)
        tracked, rendition = _copy(settings, content, to, application, track)
        for line in _report(content, tracked, rendition):
            typer.echo(line)
        if output is not None:
            try:
                output.write_bytes(rendition.wire)
            except OSError as error:
                fail(f"{output}: {error.strerror}")


def _content(file: Path) -> bytes:
    """The message as SMTP would have brought it: a file of a Unix system has no CRLF."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", EXIT_DATA)
    return content if b"\r\n" in content else content.replace(b"\n", b"\r\n")


def _copy(settings: Config, content: bytes, to: str, name: str, track: str | None) -> tuple[Tracked, Rendition]:
    import socket

    from relay.clock import new_token, now
    from relay.courier.marking import Marking
    from relay.courier.rendering import render
    from relay.rendition.signing import SigningFailed
    from relay.rendition.tracking import Tracked
    from relay.signing_keys import KeyFileError, load_signer

    message = _message(content, to, name, now())
    table, applications = settings.tracking, settings.application
    if track is not None:
        said = {word.strip() for word in track.lower().split(",")}
        wish: dict[str, Any] = {"opens": "opens" in said, "clicks": "clicks" in said, "url": table.url or EXAMPLE}
        table = table.model_copy(update=wish)
        applications = tuple(one.model_copy(update={"opens": None, "clicks": None}) for one in applications)
    survey = Marking(table, applications, new_token).survey(message, content)
    tracked = survey.copy(new_token) if survey is not None else Tracked()
    hostname = settings.smtp.hostname or socket.gethostname()
    try:
        signer = load_signer(settings)
        return tracked, render(message, content, settings.delivery.trace, hostname, signer, now(), tracked.edits)
    except (ValueError, SigningFailed, KeyFileError) as error:
        fail(f"this copy could not be sent: {error}", EXIT_DATA)


def _message(content: bytes, to: str, application: str, now: int) -> Any:
    from relay.clock import new_id
    from relay.model.message import Envelope, Message, Mode, Reception, Recipient

    return Message(
        id=new_id(),
        received_at=now,
        application=application,
        mode=Mode.RELAY,
        envelope=Envelope("", (Recipient(to),)),
        reception=Reception("unix", "localhost", "ESMTP", "render"),
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
    )


def _report(content: bytes, tracked: Tracked, rendition: Rendition) -> list[str]:
    lines = [printable(reason) for reason in tracked.skipped]
    if not rendition.edits:
        lines.append("No edits: the copy is the original, octet for octet.")
    for number, edit in enumerate(rendition.edits, 1):
        lines += [f"{number}. {edit.step}, {_place(content, edit)}"]
        lines += _side("-", content[edit.start : edit.stop]) + _side("+", edit.replacement)
    for token in tracked.tokens:
        lines.append(f"{token.kind.value} in part {token.part}: {printable(token.url)}".rstrip(": "))
    size, digest = len(rendition.wire), rendition.sha256.hex()
    return [*lines, f"Original: {len(content)} octets. Copy: {size} octets, SHA-256 {digest}."]


def _place(content: bytes, edit: Edit) -> str:
    line = content.count(b"\n", 0, edit.start) + 1
    return f"octets {edit.start} to {edit.stop}, line {line}"


def _side(sign: str, octets: bytes) -> list[str]:
    """Each line of the octets, marked; long ones cut."""
    if not octets:
        return []
    shown = octets[:SHOWN].decode("utf-8", "backslashreplace")
    lines = [f"   {sign} {printable(line)}" for line in shown.splitlines()]
    if len(octets) > SHOWN:
        lines.append(f"   {sign} … {len(octets) - SHOWN} more octets")
    return lines
