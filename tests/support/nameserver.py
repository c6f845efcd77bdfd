"""A small DNS server on loopback, over UDP and TCP, that knows a few records, and may claim to validate."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Sequence[str]]
"""Name to its records, each as a zone file writes it: `"one string" "another"` for TXT, other kinds with the kind
before them: `MX 10 mail.example.com.`. The name alone: no record."""
KINDS = ("A", "AAAA", "MX", "TLSA", "TXT", "DNSKEY", "CNAME")


def _on_one_port(
    datagrams: type[socketserver.BaseRequestHandler], streams: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.UDPServer, socketserver.TCPServer]:
    """Both servers on the same free port: the one that is free for the first may not be for the second."""
    while True:
        first = socketserver.UDPServer(("127.0.0.1", 0), datagrams)
        try:
            return first, socketserver.TCPServer(("127.0.0.1", first.server_address[1]), streams)
        except OSError:
            first.server_close()


def _of_kind(records: Sequence[str], kind: str) -> list[str]:
    parts = [
        (record.partition(" ") if record.partition(" ")[0] in KINDS else ("TXT", "", record)) for record in records
    ]
    return [text for of, _, text in parts if of == kind]


class Nameserver:
    """Runs within `with`. Names that are not in the zone do not exist; `is_broken` answers SERVFAIL to everything."""

    def __init__(
        self, zone: Zone, *, is_broken: bool = False, broken: Collection[str] = (), is_validating: bool = False
    ) -> None:
        """`broken`: names that get SERVFAIL, `TLSA _25._tcp.mx.example`: of that kind. `is_validating`: AD is set."""
        self.zone, self._is_broken, self._broken, self._is_validating = zone, is_broken, broken, is_validating
        self.asked: list[str] = []
        """`MX example.com`, in order."""
        outer = self

        class Datagrams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                octets, socket = self.request
                socket.sendto(outer.answer(octets, 1232), self.client_address)

        class Streams(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                (size,) = struct.unpack("!H", self.rfile.read(2))
                answer = outer.answer(self.rfile.read(size), 65535)
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

        self._datagrams, self._streams = _on_one_port(Datagrams, Streams)
        self.address = f"127.0.0.1:{self._datagrams.server_address[1]}"

    def answer(self, octets: bytes, limit: int) -> bytes:
        query = dns.message.from_wire(octets)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {name}")
        if self._is_validating:
            response.flags |= dns.flags.AD
        if self._is_broken or name in self._broken or f"{kind} {name}" in self._broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif records := _of_kind(self.zone[name], kind):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        octets = response.to_wire()
        if len(octets) > limit:
            response.answer.clear()
            response.flags |= dns.flags.TC
            octets = response.to_wire()
        return octets

    def __enter__(self) -> Nameserver:
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            for server in (self._datagrams, self._streams)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._datagrams, self._streams):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
