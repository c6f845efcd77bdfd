"""A small DNS server on loopback, over UDP and TCP, that knows a few TXT records."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Sequence[str]]
"""Name to its TXT records, each as a zone file writes it: `"one string" "another"`. The name alone: no record."""


class Nameserver:
    """Runs within `with`. Names that are not in the zone do not exist; `is_broken` answers SERVFAIL to everything."""

    def __init__(self, zone: Zone, *, is_broken: bool = False) -> None:
        self._zone, self._is_broken = zone, is_broken
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

        self._datagrams = socketserver.UDPServer(("127.0.0.1", 0), Datagrams)
        self.address = f"127.0.0.1:{self._datagrams.server_address[1]}"
        self._streams = socketserver.TCPServer(("127.0.0.1", self._datagrams.server_address[1]), Streams)

    def answer(self, octets: bytes, limit: int) -> bytes:
        query = dns.message.from_wire(octets)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        if self._is_broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self._zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif self._zone[name] and question.rdtype == dns.rdatatype.TXT:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *self._zone[name]))
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
