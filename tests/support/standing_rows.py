"""How things stand in an archive: a row in each table of accounts, holds, requests and lists, each with its event."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from relay.archive.api import ApiToken, ApplicationRecord, Archive, User
from relay.archive.api.sign_in import Identity, Passkey, SecondFactor
from relay.model.access import Group, Permission, Role
from relay.model.deletion import Request
from relay.model.erasure import Standing
from relay.model.event import Event, Kind
from relay.model.hold import Hold
from relay.model.message import Message, Mode
from relay.model.suppression import Cause, Suppressed, removed_event
from relay.model.switch import Switches
from relay.notary.erasing import asked, decided
from relay.notary.erasing import run as erase
from tests.support.archive_values import NOON, SECOND, new_id

ANN, BOB = "user:ann", "user:bob"
LATER = NOON + 60 * SECOND


def told(kind: Kind, message: Message | None = None, at: int = NOON, actor: str = ANN, **data: Any) -> Event:
    return Event(new_id(), at, kind, actor, None if message is None else message.id, data=data)


async def add_accounts(archive: Archive) -> None:
    """Of each kind of account two."""

    def changed(**data: Any) -> Event:
        return told(Kind.ACCOUNT_CHANGED, **data)

    for n, name in enumerate(("ann", "ben")):
        digest = sha256(name.encode()).digest()
        await archive.put_role(Role(f"role {n}", frozenset({Permission.READ})), changed(role=n))
        await archive.put_group(Group(f"group {n}", f"role {n}"), changed(group=n))
        await archive.put_user(User(name, "operator", f"$argon2id${n}", NOON, groups=(f"group {n}",)), changed())
        await archive.add_token(ApiToken(new_id(), "script", name, digest, NOON), changed())
        await archive.put_application(ApplicationRecord(f"app {n}", f"login {n}", digest, NOON), changed())
        await archive.put_second_factor(SecondFactor(name, digest[:20], NOON), changed())
        await archive.put_recovery_codes(name, [digest, digest[::-1]], changed())
        await archive.add_passkey(Passkey(new_id(), name, "phone", digest, b"public", 0, NOON), changed())
        await archive.add_identity(Identity("https://sso.example", f"s{n}", name, False, NOON), None, changed())
    await archive.add_identity(
        Identity("https://sso.example", "s9", "cyd", True, NOON), User("cyd", "viewer", "", NOON), changed()
    )
    before = await archive.switches()
    after = Switches(modes={"shop": Mode.CAPTURE})
    assert await archive.put_switches(after, told(Kind.MODE_CHANGED, application="shop"), before)


async def add_holds(archive: Archive, *messages: Message) -> None:
    """One that is open and one that was ended, both over all these messages but for one that was lifted."""
    for name in ("Smith v. us", "Tax"):
        hold = Hold(new_id(), name, "the court asks", NOON, ANN)
        assert await archive.make_hold(hold, told(Kind.HOLD_MADE, hold=hold.id, name=name, reason="the court asks"))
        placed = [told(Kind.HOLD_PLACED, message, hold=hold.id) for message in messages]
        await archive.place_hold(hold.id, [message.id for message in messages], placed)
    lifted = told(Kind.HOLD_LIFTED, messages[-1], hold=hold.id)
    await archive.lift_hold(hold.id, [messages[-1].id], [lifted])
    await archive.end_hold(hold.id, told(Kind.HOLD_ENDED, at=LATER, hold=hold.id))


async def add_terms(archive: Archive) -> None:
    """Two, one after the other."""
    for n, (before, after) in enumerate(((0, 10), (10, 20))):
        event = told(Kind.SETTING_CHANGED, at=NOON + n * SECOND, key="ledger.worm", before=before, after=after)
        assert await archive.use_term(after, event)


async def ask_deletion(archive: Archive, message: Message) -> str:
    request = Request(new_id(), message.id, NOON, ANN, "done with it")
    assert await archive.ask_deletion(request, told(Kind.DELETION_ASKED, message, reason=request.reason))
    return request.id


async def refuse_deletion(archive: Archive, message: Message, request_id: str) -> None:
    event = told(Kind.DELETION_REFUSED, message, LATER, BOB, reason="still wanted", asked=request_id)
    assert await archive.refuse_deletion(request_id, "still wanted", event)


async def change_tags(archive: Archive, *messages: Message) -> None:
    """Each gets two tags, one of which is taken off again."""
    for message in messages:
        await archive.change_tags([message.id], ["Blue"], [], [told(Kind.TAGGED, message, added=["Blue"], removed=[])])
        await archive.change_tags([message.id], ["red"], [], [told(Kind.TAGGED, message, added=["red"], removed=[])])
        await archive.change_tags([message.id], [], ["Red"], [told(Kind.TAGGED, message, added=[], removed=["Red"])])


async def add_suppressions(archive: Archive) -> None:
    """Two that stand, one that was replaced, one that was taken off."""

    def entry(address: str, reason: str) -> Suppressed:
        return Suppressed(new_id(), address, "shop", Cause.MANUAL, reason, NOON, ANN, LATER)

    off = entry("off@example.com", "a mistake")
    some = [entry("Joe@example.com", "asked"), entry("joe@example.com", "asked twice"), entry("liz@example.com", "x")]
    for one in (*some, off):
        await archive.add_suppressions([one])
    removed = removed_event(off, event_id=new_id(), at=LATER, actor=BOB, reason="is well again")
    await archive.remove_suppressions([off.id], [removed])


async def ask_erasures(archive: Archive) -> None:
    """One that is open, one that was refused, one that was done, of people of whom nothing is there."""
    for name in ("open", "refused", "done"):
        erasure, event = asked(
            f"{name}@example.org",
            "as they asked",
            id_=new_id(),
            at=NOON,
            actor=ANN,
            event_id=new_id(),
            needs_another=True,
        )
        assert await archive.ask_erasure(erasure, event)
        if name != "open":
            standing = Standing.REFUSED if name == "refused" else Standing.APPROVED
            decision = decided(erasure, standing, event_id=new_id(), at=LATER, actor=BOB)
            assert await archive.decide_erasure(erasure.id, standing, decision)
        if name == "done":
            await erase(archive, erasure.id, clock=lambda: LATER, new_id=new_id)
