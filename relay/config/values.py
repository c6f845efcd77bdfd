"""What values of the configuration look like: durations, sizes, names, addresses, each with its words for an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value must be, in words: ends the line `…: 70000, expected <words>`."""

    words: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that no message shows, though it is no secret: it may have been given in a secret's place."""


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
FOREVER = "forever"
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3}
_SIZE = re.compile(r"([0-9]{1,15})([KMG]?)")


def number(value: object) -> object:
    """The value; but `true` and `false`, which Python takes for numbers, as text that no number field accepts."""
    return str(value).lower() if isinstance(value, bool) else value


def seconds(value: object) -> object:
    """Whole seconds of `90`, `30s`, `5m`, `4h` or `2d`; anything else is returned as it is, for the model to refuse."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[match[2]] if match else number(value)


def term(value: object) -> object:
    """As `seconds`; `forever` is 0, after which nothing ever goes."""
    return 0 if value == FOREVER else seconds(value)


def octets(value: object) -> object:
    """Octets of `5000`, `100K`, `50M` or `1G` (powers of 1024); anything else is returned as it is."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * 1024 ** _POWERS[match[2]] if match else number(value)


Network = Annotated[IPv4Network | IPv6Network, Expected("an address or a range such as 192.0.2.0/24")]
NAME_WORDS = "a name of at most 63 letters, digits, spaces, dots, hyphens and underscores"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"), Expected(NAME_WORDS)]
FieldName = Annotated[str, Field(pattern=r"^[!-9;-~]{1,76}$"), Expected("the name of a header field")]
Address = Annotated[
    str, Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$", max_length=254), Expected("an address such as a@example.com")
]
RecipientRule = Annotated[
    str, Field(pattern=r"^[^\s@<>]*@[^\s@<>]+$", max_length=254), Expected("an address, or a domain as @example.com")
]
PublicUrl = Annotated[
    str,
    Field(pattern=r"^(https?://[A-Za-z0-9.:\[\]_-]{1,253}(/[A-Za-z0-9._~/-]{0,200})?)?$"),
    Expected("an http:// or https:// address such as https://click.example.com"),
]
Port = Annotated[int, BeforeValidator(number), Field(ge=0, le=65535)]
Count = Annotated[int, BeforeValidator(number), Field(ge=1)]
Duration = Annotated[int, BeforeValidator(seconds), Field(ge=0), Expected("a duration such as 30s, 5m, 4h or 2d")]
"""Whole seconds; the file may say `30s`, `5m`, `4h` or `2d`."""
Term = Annotated[int, BeforeValidator(term), Field(ge=0), Expected("forever, or a duration such as 12h or 30d")]
"""Whole seconds that something is kept; 0, in the file `forever`: it never goes."""
Size = Annotated[int, BeforeValidator(octets), Field(ge=1), Expected("a size such as 100K, 50M or 1G")]
"""Octets; the file may say `100K`, `50M` or `1G` (powers of 1024)."""


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


SENDER_RULE = re.compile(r"<>|@[^\s@]+|[^\s@]+@[^\s@]+")


def names_author(text: str) -> bool:
    """Whether it is an address, or a domain such as `@example.com`: one that somebody writes from."""
    return text != "<>" and SENDER_RULE.fullmatch(text) is not None
