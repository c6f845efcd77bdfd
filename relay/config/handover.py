"""`[journal]` and `[[export]]`: what is handed to others for good, as it comes or by a timetable."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from relay.config.values import Expected, Name, Size, Table


class Journal(Table):
    """A copy of each message, with its envelope, for another archive."""

    to: Annotated[
        str, Field(pattern=r"^([^\s@<>]+@[^\s@<>]+)?$", max_length=254), Expected("an address such as a@example.com")
    ] = ""
    """Where journal reports go; empty: there are none."""
    upstream: str = ""
    """Name of the `[[upstream]]` that takes them, of kind `smtp`; empty: the first one."""


class Export(Table):
    """A signed export that is made by a timetable. Each has what came since the last one that was finished."""

    name: Name
    to: Annotated[
        str,
        Field(pattern=r"^(/[^\x00-\x1f]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)$"),
        Expected("a folder from the root such as /srv/exports, or s3://bucket/prefix"),
    ]
    """Where each run makes a folder of its own: a folder, or a bucket of object storage."""
    endpoint: Annotated[
        str, Field(pattern=r"^(https?://[A-Za-z0-9.:\[\]_-]{1,253})?$"), Expected("an https:// address")
    ] = ""
    """Of storage that speaks S3 and is not Amazon's."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$"), Expected("a region such as eu-central-1")] = ""
    query: str = ""
    """As in the viewer; empty: everything."""
    every: Literal["hour", "day", "week"] = "day"
    at: Annotated[int, Field(ge=0, le=23), Expected("an hour from 0 to 23")] = 3
    """Hour (UTC) at which it is made every day, or on Mondays."""
    format: Literal["eml", "mbox", "zip"] = "zip"
    split: Size = 1024**3
    """Octets of contents in a volume."""
