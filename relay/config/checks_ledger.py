"""Rules about several keys of `[ledger]` and `[[retention]]`, and about certificates. Pure but for opening those."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509

from relay.config.expectation import Location
from relay.config.house import Config
from relay.config.ledger import Authority, Ledger, Witness
from relay.config.problem import Problem, reason, twice
from relay.config.values import FOREVER
from relay.ledger.note import KeyType, NoteError, Verifier

DAY = 86_400
"""Seconds."""


def problems(config: Config) -> Iterator[Problem]:
    table = config.ledger
    yield from _signer(table)
    for key in ("checkpoint_every", "stamp_every"):
        if getattr(table, key) == 0:
            yield Problem(("ledger", key), "0, expected at least 1s: without a pause there is no end of them")
    for n, witness in enumerate(table.witness):
        yield from _witness(witness, ("ledger", "witness", n))
    yield from twice(("ledger", "witness"), "name", [witness.name for witness in table.witness])
    yield from twice(("ledger", "witness"), "key", [witness.key for witness in table.witness])
    if table.quorum > len(table.witness):
        yield Problem(("ledger", "quorum"), f"{table.quorum}, expected no more than there are [[ledger.witness]]")
    for n, authority in enumerate(table.authority):
        yield from _authority(authority, ("ledger", "authority", n))
    yield from twice(("retention",), "name", [rule.name for rule in config.retention])
    for n, rule in enumerate(config.retention):
        if rule.metadata and not 0 < rule.body <= rule.metadata:
            words = f"{_term(rule.metadata)}, expected no less than body, which is {_term(rule.body)}"
            yield Problem(("retention", n, "metadata"), f"{words}: no content stays without what is known about it")
    yield from twice(("ledger", "authority"), "name", [authority.name for authority in table.authority])


def _term(seconds: int) -> str:
    """`30d`, `90s`, `forever`."""
    if not seconds:
        return FOREVER
    return f"{seconds}s" if seconds % DAY else f"{seconds // DAY}d"


def _signer(table: Ledger) -> Iterator[Problem]:
    if table.signer and not table.verifier:
        yield Problem(("ledger", "verifier"), "missing, expected the public key that signer signs with")
    if table.verifier and not table.signer:
        yield Problem(("ledger", "verifier"), "given without signer, expected both")
    if table.signer and table.key:
        yield Problem(("ledger", "key"), "given together with signer, expected one of the two")
    if not table.verifier:
        return
    verifier = _key(table.verifier)
    if verifier is None or verifier.type != KeyType.ED25519:
        yield Problem(("ledger", "verifier"), f"{table.verifier!r}, expected the verifier key of an Ed25519 key")
    elif table.origin and table.origin != verifier.name:
        yield Problem(("ledger", "origin"), f"{table.origin!r}, expected the name in verifier, {verifier.name}")


def _witness(witness: Witness, here: Location) -> Iterator[Problem]:
    verifier = _key(witness.key)
    if verifier is None or verifier.type != KeyType.COSIGNATURE:
        yield Problem((*here, "key"), f"{witness.key!r}, expected a verifier key for cosignatures")
    if witness.name in ("none", "quorum"):
        yield Problem((*here, "name"), f"{witness.name!r} has a meaning of its own in policies, expected another")


def _key(text: str) -> Verifier | None:
    try:
        return Verifier.parse(text)
    except NoteError:
        return None


def _authority(authority: Authority, here: Location) -> Iterator[Problem]:
    try:
        x509.load_pem_x509_certificates(authority.roots.read_bytes())
    except OSError as error:
        yield Problem((*here, "roots"), f"{str(authority.roots)!r} cannot be read: {reason(error)}")
    except ValueError:
        yield Problem((*here, "roots"), f"{str(authority.roots)!r}, expected certificates in PEM")
    if bool(authority.username) != bool(authority.password.get_secret_value() or authority.password_file):
        yield Problem((*here, "username"), "username and password belong together, expected both or neither")
