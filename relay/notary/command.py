"""A signer that is a command of the operator's: hardware, a service, another machine.

The command gets what is to be signed on standard input and answers with the Ed25519 signature: 64 octets, or their
base64 with or without a line end. What it gives is checked before it is used (`relay.ledger.note.signature_line`).
"""

from __future__ import annotations

import base64
import subprocess

from relay.notary.problem import KeyProblem

TIME_LIMIT = 30.0
"""Seconds that the command has."""
_SIZE = 64
_SHOWN = 200


class Command:
    """Signs by running the command; blocks until it has answered."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command

    def __call__(self, message: bytes, /) -> bytes:
        """The signature. Raises KeyProblem: the command cannot be run, fails, takes too long or answers otherwise."""
        name = self._command[0]
        try:
            # The operator's own command, from the configuration file alone.
            done = subprocess.run(  # noqa: S603
                self._command, input=message, capture_output=True, timeout=TIME_LIMIT, check=False
            )
        except OSError as error:
            raise KeyProblem(f"the signer {name} cannot be run: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise KeyProblem(f"the signer {name} did not answer in {TIME_LIMIT:g} seconds") from error
        if done.returncode:
            words = " ".join(done.stderr.decode("utf-8", "replace").split())[:_SHOWN]
            raise KeyProblem(f"the signer {name} ended with {done.returncode}: {words}")
        return _signature(done.stdout, name)


def _signature(answer: bytes, name: str) -> bytes:
    if len(answer) == _SIZE:
        return answer
    try:
        octets = base64.b64decode(answer.strip(), validate=True)
    except ValueError:
        octets = b""
    if len(octets) != _SIZE:
        raise KeyProblem(f"the signer {name} did not answer with a signature of {_SIZE} octets")
    return octets
