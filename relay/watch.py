"""The watch: looks every minute whether what a rule watches for has come true, and tells.

An alert that is raised or over is an event in the journal (endpoints that ask for `alert-raised` and `alert-cleared`
are told by the herald), in the same commit as the rule's standing: a restart raises nothing twice. Whom the rule names
gets a mail, which goes through the archive like any other. When one is raised is decided in `relay.model.alert`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from relay import maillog
from relay.archive.api import Archive
from relay.archive.api.deletion import Deeds
from relay.archive.content import stored
from relay.config import Alert
from relay.lasting import Lasting
from relay.model.alert import QUIET, RATES, Finding, Rule, Standing, judge
from relay.model.delivery import MICROSECONDS, Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.upstream import Health, UpstreamState
from relay.rendition.export import moment

SETTING = "alerts"
"""The archive's setting with the standing of each rule that has raised an alert, by name."""
APPLICATION = "mailwitness"
"""Of the mails that tell of alerts."""
LOOK = 60.0
"""Seconds between two looks."""


class Watch:
    """`can_send`: whether there is a way for mail to leave."""

    def __init__(
        self,
        rules: Sequence[Alert],
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        upstream_states: Callable[[], Sequence[UpstreamState]],
        hostname: str,
        can_send: bool,
        look: float = LOOK,
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._upstream_states = upstream_states
        self._look = look
        self._task = Lasting("watch")
        self.use(rules, hostname=hostname, can_send=can_send)

    def use(self, rules: Sequence[Alert], *, hostname: str, can_send: bool) -> None:
        self._rules, self._hostname, self._can_send = tuple(rules), hostname, can_send

    def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        await self._task.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # the top of the room
                maillog.room_failed("watch", error)
            await asyncio.sleep(self._look)

    async def look(self) -> None:
        """One look at every rule; what has changed is told, one commit a rule."""
        rules = {rule.name: rule for rule in self._rules}
        for name in (await self._standings()).keys() - rules.keys():
            # The rule is gone: nobody would ever say that its alert is over.
            await self._put(name, QUIET, None)
        for name, rule in rules.items():
            finding = await self._finding(rule)
            was = (await self._standings()).get(name, QUIET)
            after = judge(was, finding, self._clock())
            if after != was:
                await self._put(name, after, rule)

    async def _standings(self) -> dict[str, Standing]:
        return {name: Standing.of_json(one) for name, one in (await self._archive.setting(SETTING) or {}).items()}

    async def _put(self, name: str, after: Standing, rule: Alert | None) -> None:
        """Keeps the rule's new standing with the event, if it is one to tell."""
        before = await self._archive.setting(SETTING)
        was = Standing.of_json(before[name]) if name in (before or {}) else QUIET
        now = self._clock()
        events: list[Event] = []
        if (was.raised_at is None) != (after.raised_at is None):
            is_raised = after.raised_at is not None
            kind = Kind.ALERT_RAISED if is_raised else Kind.ALERT_CLEARED
            words = after.words if is_raised else was.words
            data = {"alert": name, "words": words, "reason": words, "rule": rule.rule.value if rule else ""}
            events.append(Event(self._new_id(), now, kind, "relay", data=data))
            if rule is not None:
                await self._mail(rule, words, is_raised=is_raised)
        rest = {key: value for key, value in (before or {}).items() if key != name}
        then = rest if after.raised_at is None else {**rest, name: after.as_json()}
        await self._archive.change_setting(SETTING, before, then, events)

    # -- what a rule sees ----------------------------------------------------------------------------------------
    async def _finding(self, rule: Alert) -> Finding:
        now = self._clock()
        whose = f" of {rule.application}" if rule.application else ""
        if rule.rule in RATES:
            return await self._rate(rule, now, whose)
        if rule.rule is Rule.QUEUE_AGE:
            oldest = (await self._archive.queue_facts()).oldest
            age = 0 if oldest is None else max(0, now - oldest) // MICROSECONDS
            return Finding(age, rule.window, f"The oldest waiting delivery has waited for {_span(age)}")
        if rule.rule is Rule.SILENCE:
            latest = await self._archive.latest_capture(rule.application)
            quiet = 0 if latest is None else max(0, now - latest) // MICROSECONDS
            return Finding(quiet, rule.window, f"No mail{whose} for {_span(quiet)}")
        if rule.rule is Rule.UPSTREAM_DOWN:
            down = [one.name for one in self._upstream_states() if one.health in (Health.RESTING, Health.PROBING)]
            return Finding(len(down), 0, f"Cannot be reached: {', '.join(down)}")
        which = Deeds(kinds=frozenset({Kind.SIGN_IN_REFUSED}), since=now - rule.window * MICROSECONDS)
        refused = len(await self._archive.deeds(which, limit=int(rule.above) + 1))
        return Finding(refused, rule.above, f"More than {rule.above:g} sign-ins refused in {_span(rule.window)}")

    async def _rate(self, rule: Alert, now: int, whose: str) -> Finding:
        rates = await self._archive.rates(rule.application, now - rule.window * MICROSECONDS)
        percent = rates.percent(rule.rule) if rates.total >= rule.at_least else 0.0
        what = {Rule.BOUNCE_RATE: "bounced", Rule.COMPLAINT_RATE: "called spam"}.get(rule.rule, "failed")
        words = f"{percent:.1f} % of {rates.total:,} deliveries{whose} in {_span(rule.window)} {what}"
        return Finding(percent, rule.above, f"{words}; the limit is {rule.above:g} %")

    # -- telling by mail -----------------------------------------------------------------------------------------
    async def _mail(self, rule: Alert, words: str, *, is_raised: bool) -> None:
        """A message of ours to whom the rule names; captured only where nothing can be sent."""
        if not rule.mail_to:
            return
        now, message_id = self._clock(), self._new_id()
        content = stored(self._letter(rule, words, message_id, now, is_raised=is_raised))
        recipients = tuple(Recipient(address) for address in rule.mail_to)
        message = Message(
            id=message_id,
            received_at=now,
            application=APPLICATION,
            mode=Mode.RELAY if self._can_send else Mode.CAPTURE,
            # From nobody: a bounce of it must not come back as another mail.
            envelope=Envelope("", recipients),
            reception=Reception(peer="relay", helo=self._hostname, protocol="SMTP", listener="watch"),
            size=content.size,
            sha256=content.sha256,
        )
        state, due_at = (State.QUEUED, now) if self._can_send else (State.CAPTURED, None)
        expires_at = now + 24 * 3600 * MICROSECONDS
        deliveries = [
            Delivery(self._new_id(), message_id, one, state, now, due_at=due_at, expires_at=expires_at)
            for one in recipients
        ]
        captured = Event(self._new_id(), now, Kind.CAPTURED, "relay", message_id, data={"alert": rule.name})
        await self._archive.add_message(message, content, deliveries, [captured])

    def _letter(self, rule: Alert, words: str, message_id: str, now: int, *, is_raised: bool) -> bytes:
        letter = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        letter["From"] = Address("Mailwitness", "mailwitness", self._hostname)
        letter["To"] = ", ".join(rule.mail_to)
        letter["Subject"] = f"{'Alert' if is_raised else 'Over'}: {rule.name}"
        letter["Date"] = format_datetime(moment(now))
        letter["Message-ID"] = f"<{message_id.lower()}@{self._hostname}>"
        letter["Auto-Submitted"] = "auto-generated"
        over = "" if is_raised else "This is over. It was: "
        letter.set_content(f"{over}{words}.\n\nRule: {rule.name} ({rule.rule.value})\n")
        return bytes(letter)


def _span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
