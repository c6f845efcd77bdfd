"""The ledger: `[ledger]`, who cosigns its checkpoints, and who stamps them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from relay.config.values import Count, Duration, Expected, Table, number

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"), Expected("letters, digits and hyphens")]
Origin = Annotated[
    str, Field(pattern=r"^([!-*,-~]{1,200})?$"), Expected("a name such as mail.example.com/log, without spaces and +")
]
VerifierKey = Annotated[
    str, Field(pattern=r"^([!-*,-~]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)?$"), Expected("a verifier key: name+id+key")
]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s]+$"), Expected("an http:// or https:// address")]


class Witness(Table):
    """Somebody who sees to it that the log only grows, and cosigns its checkpoints."""

    name: Word
    key: VerifierKey
    """As the witness gives it: `name+id+key`."""
    url: HttpUrl
    """`/add-checkpoint` is added to it."""


class Authority(Table):
    """A time-stamping authority (RFC 3161)."""

    name: Word
    url: HttpUrl
    roots: Path
    """PEM: the certificates that it is believed by, and those between."""
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None


class Ledger(Table):
    """The log of all that happens, and how it is sealed."""

    origin: Origin = ""
    """Name of the log; empty: `smtp.hostname` with `/log`. Fixed once the first checkpoint is signed."""
    key: Path | None = None
    """File of the signing key, made at the first start; without it `ledger.key` in the archive's folder."""
    signer: tuple[str, ...] = ()
    """A command that signs instead: what is to be signed on standard input, 64 octets or their base64 as answer."""
    verifier: VerifierKey = ""
    """The public key of `signer`."""
    checkpoint_every: Duration = 300
    checkpoint_leaves: Count = 10_000
    """Facts after which a checkpoint is made sooner."""
    public: bool = False
    """Checkpoint and tiles can be read at the public port, whose place `[tracking]` says."""
    witness: tuple[Witness, ...] = Field(default=(), max_length=32)
    quorum: Annotated[int, BeforeValidator(number), Field(ge=0)] = 0
    """How many witnesses have to cosign before a checkpoint is shown to the public."""
    authority: tuple[Authority, ...] = Field(default=(), max_length=16)
    stamp_every: Duration = 86_400
    worm: Duration = 0
    """How long nobody at all can delete a content after its message came in; 0: no such term."""
