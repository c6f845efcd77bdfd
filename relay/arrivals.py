"""Where mail to the return paths arrives: a port of our own, a mailbox that is read, or both. Part of the service.

The port is an intake whose door keeps mail for known tokens and refuses the rest: anybody may speak to it, nobody can
send through it. It offers STARTTLS with the certificate of the first SMTP listener that has one.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import TYPE_CHECKING

from relay.archive.api import Archive
from relay.config import Bounces, Config, Listener, Smtp
from relay.feedback.inbound import ReturnDoor
from relay.feedback.returnpath import ReturnPaths
from relay.intake.credentials import Directory
from relay.intake.listener import Bound, Intake
from relay.model.message import Mode

if TYPE_CHECKING:
    from relay.feedback.imap import MailboxReader

ANYBODY = (ip_network("0.0.0.0/0"), ip_network("::/0"))
NOBODY = Directory((), Mode.CAPTURE)
"""No application can sign in."""
MAX_RECIPIENTS = 100


class Arrivals:
    """`kept`: called after something was kept. `hostname`: the name we go by."""

    def __init__(
        self, archive: Archive, *, clock: Callable[[], int], new_id: Callable[[], str], kept: Callable[[], None]
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._kept = kept
        self._door: ReturnDoor | None = None
        self._intake: Intake | None = None
        self._reader: MailboxReader | None = None
        self._reads: object = None

    @property
    def bound(self) -> list[Bound]:
        return self._intake.bound if self._intake is not None else []

    async def use(self, config: Config, hostname: str) -> None:
        """Listens and reads as configured, from now on. Raises OSError: the port is taken; the rest goes on."""
        await self._listen(config, hostname)
        reads = (config.bounces.imap, _paths(config.bounces), config.bounces.max_size)
        if reads == self._reads:
            return
        await self._stop_reading()
        self._reads = reads
        if config.bounces.imap.host:
            from relay.feedback.imap import MailboxReader  # aioimaplib is there only for who wants it

            self._reader = MailboxReader(
                config.bounces.imap,
                _paths(config.bounces),
                max_size=config.bounces.max_size,
                archive=self._archive,
                clock=self._clock,
                new_id=self._new_id,
                kept=self._kept,
            )
            self._reader.start()

    async def _listen(self, config: Config, hostname: str) -> None:
        if not config.bounces.listen:
            await self._stop_listening(0.0)
            return
        smtp, paths = _smtp(config, hostname), _paths(config.bounces)
        if self._intake is not None and self._door is not None:
            await self._intake.reload(smtp, NOBODY)
            self._door.use(paths)
            return
        door = ReturnDoor(paths, archive=self._archive, clock=self._clock, new_id=self._new_id, kept=self._kept)
        intake = Intake(
            smtp,
            archive=self._archive,
            applications=NOBODY,
            clock=self._clock,
            new_id=self._new_id,
            expire_after=0,
            door=door,
        )
        await intake.start()
        self._door, self._intake = door, intake

    async def stop(self, grace: float) -> None:
        await self._stop_reading()
        await self._stop_listening(grace)

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            await self._reader.stop()
        self._reader = self._reads = None

    async def _stop_listening(self, grace: float) -> None:
        if self._intake is not None:
            await self._intake.stop(grace)
        self._door = self._intake = None


def _paths(table: Bounces) -> ReturnPaths:
    return ReturnPaths(table.local_part, table.domain)


def _smtp(config: Config, hostname: str) -> Smtp:
    """The limits of `[smtp]`, for one listener that anybody may use."""
    table = config.bounces
    secured = next((one for one in config.smtp.listeners if one.certificate is not None), Listener())
    listener = Listener(
        name="bounces",
        host=table.host,
        port=table.port,
        certificate=secured.certificate,
        certificate_key=secured.certificate_key,
    )
    return config.smtp.model_copy(
        update={
            "hostname": hostname,
            "listeners": (listener,),
            "max_message_size": table.max_size,
            "max_recipients": MAX_RECIPIENTS,
            "allow_from": ANYBODY,
        }
    )
