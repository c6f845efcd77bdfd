"""What commands ask of the notary: of the running server's, or of one of their own where no server runs."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from relay.commands.options import fail

if TYPE_CHECKING:
    from relay.config import Config


def ask_notary(config: Config, errand: str, *arguments: Any) -> Any:
    """What the notary's method of that name gave; the command ends with its words if nothing can be signed."""
    from relay import errand as errands

    try:
        return errands.ask(config.archive.path, errand, arguments)
    except errands.NobodyThere:
        return asyncio.run(_ask_here(config, errand, arguments))
    except errands.Refused as error:
        fail(str(error))


async def _ask_here(config: Config, errand: str, arguments: tuple[Any, ...]) -> Any:
    from relay.archive.api import ArchiveError
    from relay.clock import new_id, now
    from relay.folder import FolderError, open_in_folder
    from relay.notary.notary import Notary
    from relay.notary.problem import NotaryProblem

    try:
        archive = await open_in_folder(config)
    except FolderError as error:
        fail(str(error))
    notary = Notary(
        config.ledger,
        folder=config.archive.path.resolve(),
        hostname=config.smtp.hostname or socket.gethostname(),
        archive=archive,
        clock=now,
        new_id=new_id,
    )
    try:
        return await getattr(notary, errand)(*arguments)
    except (ArchiveError, NotaryProblem) as error:
        fail(str(error))
    finally:
        await archive.close()
