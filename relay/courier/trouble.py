"""What goes wrong between us and an upstream, each with the local Reply that the delivery will show. RFC 3463.

These exceptions stay inside the courier's rooms: the pool and the transaction turn them into outcomes.
"""

from __future__ import annotations

import socket
import ssl

from relay.model.reply import MalformedReply, Reply, local_reply


class SessionLost(Exception):
    """The session can be used no more; `reply` is transient and says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class NoSession(SessionLost):
    """No session could be had: not connected, not greeted, not secured or not authenticated."""


class StaleSession(Exception):
    """A kept session had been closed by the upstream meanwhile. Nothing was sent: try again on a new one."""


def connection_closed() -> Reply:
    return local_reply(421, "4.4.2", "the upstream closed the connection")


def timed_out(waiting_for: str, seconds: float) -> Reply:
    return local_reply(421, "4.4.2", f"no {waiting_for} within {seconds:g} s")


def garbage(cause: MalformedReply) -> Reply:
    return local_reply(451, "4.5.0", f"the upstream broke the protocol: {cause}")


def unexpected(step: str, reply: Reply) -> Reply:
    return local_reply(451, "4.5.0", f"the upstream broke the protocol: answered {reply.code} to {step}")


def broken(cause: BaseException) -> Reply:
    """The reply for an error of the network or of TLS, in words."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return local_reply(
            454, "4.7.5", f"the upstream's certificate is not trusted: {getattr(cause, 'verify_message', cause)}"
        )
    if isinstance(cause, ssl.SSLError):
        return local_reply(454, "4.7.5", f"TLS failed: {getattr(cause, 'reason', None) or cause}")
    if isinstance(cause, socket.gaierror):
        return local_reply(421, "4.4.3", f"the upstream's name cannot be looked up: {cause.strerror}")
    if isinstance(cause, OSError) and (cause.strerror or str(cause)):
        return local_reply(421, "4.4.1", f"connection failed: {cause.strerror or cause}")
    return local_reply(421, "4.4.2", f"connection lost: {cause!r}")


def refused(step: str, reply: Reply) -> Reply:
    """The reply when an upstream refuses a session, as opposed to a message.

    A permanent refusal here is about our configuration (a wrong password, a blocked address), not about the message:
    it must not make messages fail for good, so it is shown but is transient.
    """
    return reply if reply.is_transient else local_reply(454, "4.7.0", f"the upstream refused {step}: {reply}")
