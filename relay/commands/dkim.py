"""`mailwitness dkim`: makes signing keys, and looks up whether the DNS publishes those that are configured."""

from __future__ import annotations

import json
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import EXIT_FAILED, EXIT_USAGE, ConfigFile, configured, fail

if TYPE_CHECKING:
    from relay.config import DkimKey
    from relay.rendition.keyring import SigningKey
    from relay.resolver import Resolver

app = typer.Typer(name="dkim", help="Keys that sign what is sent (DKIM).", no_args_is_help=True)

RSA_BITS = 2048
"""RFC 8301 section 3.2. Longer keys do not fit the DNS answers that many verifiers can read."""


class Kind(StrEnum):
    RSA = "rsa"
    ED25519 = "ed25519"


@app.command()
def new(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="Of the From addresses, such as example.com.")],
    selector: Annotated[str, typer.Option("--selector", "-s", help="Name of the key; a new one for every key.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The key; must not exist yet.")],
    algorithm: Annotated[
        Kind, typer.Option("--algorithm", "-a", help="What receivers know: all of them RSA.")
    ] = Kind.RSA,
) -> None:
    """Make a key: writes the private half to FILE, prints the DNS record and the lines for config.toml."""
    from relay.rendition.keyrecord import zone_line

    _check_names(domain, selector)
    pem, key = _make(domain, selector, algorithm)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(pem)
    except OSError as error:
        fail(f"{str(output)!r} cannot be written: {error.strerror}", EXIT_FAILED)
    typer.echo(f"# The key is in {output}, for the server's user alone (mode 0600).")
    typer.echo(f"# Publish in the DNS:\n{zone_line(key)}\n\n# For config.toml:\n[[dkim.key]]")
    typer.echo(f'domain = "{key.domain}"\nselector = "{selector}"\nfile = {json.dumps(str(output.resolve()))}')


@app.command()
def check(
    nameserver: Annotated[
        str, typer.Option(metavar="ADDRESS[:PORT]", help="Ask this name server; without it the system's.")
    ] = "",
    config: ConfigFile = None,
) -> None:
    """Look up the DNS record of every configured key and say what is wrong with it."""
    from relay.resolver import Resolver

    tables = configured(config).dkim.key
    if not tables:
        fail("the configuration has no [[dkim.key]]", EXIT_FAILED)
    try:
        resolver = Resolver(nameserver)
    except ValueError:
        fail(f"{nameserver!r}, expected an address, or address:port", EXIT_USAGE)
    verdicts = [_told(table, resolver) for table in tables]
    if not all(verdicts):
        raise typer.Exit(EXIT_FAILED)


def _told(table: DkimKey, resolver: Resolver) -> bool:
    """Prints what is to be said of one key; whether its signatures can be verified."""
    from relay.signing_keys import load_key

    key = load_key(table)
    found, remarks = _looked_at(key, resolver)
    state = "" if table.active else ", not active"
    typer.echo(f"{key.record_name} ({key.algorithm}{state}): {'; '.join(found) if found else 'ok'}")
    for remark in remarks:
        typer.echo(f"  note: {remark}")
    return not found


def _looked_at(key: SigningKey, resolver: Resolver) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Problems and remarks."""
    from relay.rendition.keyrecord import problems, warnings
    from relay.resolver import LookupFailed

    try:
        records = resolver.txt(key.record_name)
    except LookupFailed as error:
        return (str(error),), ()
    found = problems(key, records)
    if not found and not _verifies(key, records):
        found = ("a signature made with the key is not verified by dkimpy with this record",)
    return found, warnings(records)


def _verifies(key: SigningKey, records: list[tuple[bytes, ...]]) -> bool:
    """Whether dkimpy, which knows only the record, accepts what we sign."""
    import dkim

    from relay.clock import now
    from relay.rendition.signing import sign

    wire = f"From: check@{key.domain}\r\nSubject: check\r\n\r\ncheck\r\n".encode()
    signed = sign(wire, [key], at=now() // 1_000_000) + wire
    return bool(dkim.verify(signed, dnsfunc=lambda name, timeout=5: b"".join(records[0])))


def _make(domain: str, selector: str, algorithm: Kind) -> tuple[bytes, SigningKey]:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from relay.rendition.keyring import signing_key

    private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if algorithm is Kind.ED25519:
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(65537, RSA_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, signing_key(private, domain, selector)


def _check_names(domain: str, selector: str) -> None:
    from relay.model.signature import DNS_LIMIT, DNS_NAME

    for what, name in (("domain", domain), ("selector", selector)):
        if re.fullmatch(DNS_NAME, name) is None or len(name) > DNS_LIMIT:
            fail(f"{name!r} is no {what}, expected letters, digits, hyphens and dots (beyond ASCII xn--…)", EXIT_USAGE)
