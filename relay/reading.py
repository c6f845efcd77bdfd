"""What the service's parts are told of a configuration: names, keys, patterns. Reads key files, starts nothing."""

from __future__ import annotations

import socket

from relay.clock import new_return_token, new_token
from relay.config import Config, Smtp
from relay.courier.marking import Marking
from relay.extraction import Wish
from relay.rendition.extract import ReferencePattern
from relay.rendition.signing import Signer
from relay.signing_keys import KeyFileError, load_signer


class StartError(Exception):
    """The service cannot start: a port is taken, a folder cannot be made. The text is one line for the operator."""


def wish(config: Config) -> Wish:
    """How summaries are read, as the extractor takes it."""
    patterns = (
        ReferencePattern(one.name, one.pattern, tuple(one.where), one.link, one.syntax == "re2")
        for one in config.reference
    )
    return Wish(tuple(patterns), config.archive.max_content_text, config.archive.attachment_text)


def smtp_of(config: Config) -> Smtp:
    """The table with the name that we go by: without one in the file, this machine's."""
    return config.smtp.model_copy(update={"hostname": config.smtp.hostname or socket.gethostname()})


def marking_of(config: Config) -> Marking:
    return Marking(config.tracking, config.application, new_token, config.bounces, new_return_token)


def signer_of(config: Config) -> Signer:
    """Checked when the configuration was read; a file may have changed since."""
    try:
        return load_signer(config)
    except KeyFileError as error:
        raise StartError(f"a key of [[dkim.key]] {error}") from error


def tracking_place(config: Config) -> tuple[bool, str, int]:
    return is_public(config), config.tracking.host, config.tracking.port


def is_public(config: Config) -> bool:
    """Whether somebody outside has reason to come to the public port."""
    return config.is_tracking_possible or bool(config.webhooks) or config.ledger.public
