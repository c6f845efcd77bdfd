"""What can keep the notary from signing. Each text is one line for the operator."""

from __future__ import annotations


class NotaryProblem(Exception):
    """Nothing is signed until somebody has looked."""


class KeyProblem(NotaryProblem):
    """The key is not there, cannot be used, or is not the log's."""


class LogProblem(NotaryProblem):
    """The log is not the one that was signed before: to sign it would show two histories."""
