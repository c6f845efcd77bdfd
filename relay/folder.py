"""The archive's folder: where it is, made for its owner alone, and the archive in it opened for service or command."""

from __future__ import annotations

from relay.archive import open_archive
from relay.archive.api import Archive, ArchiveError
from relay.clock import new_id, now
from relay.config import Config
from relay.master_keys import encryption_of


class FolderError(Exception):
    """The folder cannot be made, or the archive in it cannot be opened; the text is one line for the operator."""


def archive_url(config: Config) -> str:
    """Where the archive is, as `open_archive` takes it."""
    return config.archive.url or f"sqlite:///{config.archive.path.resolve() / 'archive.db'}"


async def open_in_folder(config: Config, *, read_only: bool = False) -> Archive:
    """The archive; to write, the folder is made first, with mode 0700. Raises FolderError.

    That encryption was turned on or off is in the log before anything is kept.
    """
    folder = config.archive.path.resolve()
    try:
        if not read_only:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive = await open_archive(
            archive_url(config),
            read_only=read_only,
            encryption=encryption_of(config),
            is_followed=config.archive.continuous_copy,
        )
        if not read_only:
            await _noted(archive)
        return archive
    except OSError as error:
        raise FolderError(f"{folder}: {error.strerror or error}") from error
    except ArchiveError as error:
        raise FolderError(f"cannot open the archive: {error}") from error


async def _noted(archive: Archive) -> None:
    """Raises ArchiveError; the archive is then closed."""
    try:
        await archive.note_encryption(new_id(), now())
    except BaseException:
        await archive.close()
        raise
