"""A worker process that does what it is asked to, good or bad: `python -m tests.support.idle_worker MEMORY`."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading

from viewer.message.worker import serve


def answer(asked: bytes) -> bytes:
    match asked:
        case b"sleep":
            threading.Event().wait()
        case b"die":
            os._exit(3)
        case b"connect":
            socket.create_connection(("127.0.0.1", 9))
        case b"resolve":
            socket.getaddrinfo("localhost", 9)
        case b"start":
            subprocess.run(["/bin/true"], check=True)
        case b"write":
            with tempfile.TemporaryFile() as file:
                file.write(b"x" * 100_000)
                file.flush()
        case b"remember":
            bytearray(1 << 30)
    return b"said"


if __name__ == "__main__":
    serve(answer)
