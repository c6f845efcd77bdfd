"""What each recipient's copy gets: tracking by the application's settings and the message's own wish, ways back to us.

A failure here never stops the mail: the original is sent, and an event says so. The rewriting is `rendition.tracking`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.config import Application, Bounces
from relay.config import Tracking as TrackingTable
from relay.model.message import Message
from relay.model.token import Token
from relay.rendition.addition import has_unsubscribe
from relay.rendition.decode import decode_field
from relay.rendition.mime import header_fields
from relay.rendition.tracking import Planned, Survey, survey
from relay.rendition.wish import OWN_FIELD, REFUSALS, TrackingWish, wished

NO_BOUNCES = Bounces()


@dataclass(frozen=True, slots=True)
class Marking:
    """What the configuration says of each recipient's copy. `new_token`: unguessable and URL-safe."""

    table: TrackingTable
    applications: tuple[Application, ...]
    new_token: Callable[[], str]
    bounces: Bounces = NO_BOUNCES
    new_return_token: Callable[[], str] = str
    """Unguessable, lower-case letters and digits; needed where there is a domain for bounces."""

    def application(self, message: Message) -> Application | None:
        """The table of the application that handed the message in; None: it has none in the file."""
        return next((one for one in self.applications if one.name == message.application), None)

    def unsubscribe_base(self, message: Message, content: bytes) -> str:
        """The address under which one unsubscribes from a message that has no List-Unsubscribe; '': it gets none."""
        application = self.application(message)
        if application is None or not application.unsubscribe or has_unsubscribe(content):
            return ""
        return self._address(application)

    def survey(self, message: Message, content: bytes) -> Survey | None:
        """What tracking changes in `message`; None if none is asked for. A failure is a reason in `skipped`."""
        try:
            return self._survey(message, content)
        except Exception as error:
            return Survey("", skipped=(failure(error),))

    def _survey(self, message: Message, content: bytes) -> Survey | None:
        application = self.application(message)
        address = self._address(application)
        if not address:
            return None
        fields = [
            (field.name, decode_field(field.value(content)))
            for field in header_fields(content)
            if field.key == OWN_FIELD or field.key in REFUSALS
        ]
        wish = wished(self._settings(application), fields)
        return survey(content, wish, base_url=address) if wish.is_any else None

    def _address(self, application: Application | None) -> str:
        """Where the public port is reached, without a slash at the end."""
        return ((application.tracking_url if application else "") or self.table.url).rstrip("/")

    def _settings(self, application: Application | None) -> TrackingWish:
        table = self.table
        opens = application.opens if application else None
        clicks = application.clicks if application else None
        return TrackingWish(
            opens=table.opens if opens is None else opens,
            clicks=table.clicks if clicks is None else clicks,
            text_links=table.text_links,
            honeypot=table.honeypot,
            excluded_domains=frozenset(domain.lower() for domain in table.excluded_domains),
            strip_signatures=table.already_signed == "strip",
        )


def failure(error: Exception) -> str:
    """The reason to show where tracking failed and the original is sent."""
    return f"left alone: tracking failed: {type(error).__name__}: {error}"


def tokens_of(planned: Sequence[Planned], message_id: str, delivery_id: str, at: int) -> list[Token]:
    """What is to be kept of the tokens in one recipient's copy."""
    return [Token(one.id, delivery_id, message_id, one.kind, at, one.url, one.part) for one in planned]
