"""`[[retention]]`: how long contents are kept, and how long what is known about them."""

from __future__ import annotations

from relay.config.values import Name, Size, Table, Term


class Retention(Table):
    """A rule; of several that fit a message the first one counts. What none fits is kept for ever."""

    name: Name
    application: tuple[str, ...] = ()
    """Mail of any of these; empty: of all."""
    tag: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    """Author addresses, as in the search `from:`."""
    larger: Size | None = None
    """Only messages of more octets."""
    body: Term = 0
    """Seconds from reception after which the content is deleted; 0: never."""
    metadata: Term = 0
    """Seconds from reception after which the facts that tell of people or of the content go too; 0: never."""
