#!/usr/bin/env python3
"""Sockets of the service manager are served instead of addresses, by all
workers; one that does not fit is told."""

import json
import os
import re
import socket
import struct
import unittest
import zlib

from relaytest import HOST, Scenario, free_port, make_cert, ours_only
from servetest import DERPVERIFY, UnixConnection
from servicemanager import Activated, datagram, stream

STUN_MAGIC = 0x2112A442


def ask_stun(port):
    """Whether a binding request is answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(60)
        sock.connect((HOST, port))
        txid = os.urandom(12)
        # as netcheck asks: SOFTWARE and FINGERPRINT
        software = struct.pack(">HH8s", 0x8022, 8, b"tailnode")
        head = struct.pack(">HHI", 1, len(software) + 8, STUN_MAGIC) + txid
        crc = zlib.crc32(head + software) ^ 0x5354554E
        sock.send(head + software + struct.pack(">HHI", 0x8028, 4, crc))
        answer = sock.recv(1500)
        return answer[:2] == b"\x01\x01" and answer[8:20] == txid


@ours_only
class Sockets(Scenario):
    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def start(self, sockets, *flags, **options):
        flags = ["-c=" + self.path("derper.key"), *flags]
        return Activated(self, sockets, flags, **options)

    def tls_flags(self):
        make_cert(self.folder, HOST, "IP:" + HOST)
        return [f"-a={HOST}:0", "-certmode=manual", "-certdir=" + self.folder, "-hostname=" + HOST]

    def test_all_three_are_served(self):
        main, http, stun = (self.keep(s) for s in (stream(), stream(), datagram()))
        relay = self.start(
            [("stun", stun), ("https", main), ("http", http)], *self.tls_flags(), "-loops=3"
        )
        relay.tls = True
        relay.port = main.getsockname()[1]
        relay.wait_log(f"listening on {HOST}:{relay.port} .TLS. and {HOST}:{http.getsockname()[1]}$")
        p = self.peer()
        p.login(relay, "a", "b")
        p.do("send a b " + "00" * 100)
        p.expect("recv b a 100 .*")
        with socket.create_connection(http.getsockname()) as sock:
            sock.sendall(b"GET /generate_204 HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 204 ", sock.recv(4096))
        self.assertTrue(ask_stun(stun.getsockname()[1]))

    def test_who_connects_between_two_relays_waits(self):
        """The socket outlives the relay: nobody is refused."""
        main = self.keep(stream())
        flags = [f"-a={HOST}:0", "-stun=false"]
        first = self.start([("http", main)], *flags)
        first.wait_log("listening on ")
        first.exit_expected = True
        self.assertEqual(first.stop(), 0)
        p = self.peer()
        p.connect("a", first)
        second = self.start([("http", main)], *flags)
        p.expect("up a 2")
        self.assertIsNone(second.proc.poll())

    def test_every_worker_accepts(self):
        """One that is held up does not keep connections from the others."""
        main = self.keep(stream())
        relay = self.start([("http", main)], f"-a={HOST}:0", "-stun=false", "-loops=4")
        relay.wait_log("listening on ")
        names = [f"c{i}" for i in range(40)]
        p = self.peer()
        p.login(relay, *names)
        p.settle(*names)
        self.assertEqual(relay.counters()["current_connections"], len(names))

    def test_two_of_one_name(self):
        one, two = self.keep(stream()), self.keep(stream())
        relay = self.start([("http", one), ("http", two)], f"-a={HOST}:0", "-stun=false")
        relay.wait_log("listening on ")
        p = self.peer()
        p.login(relay, "a")
        relay.port = two.getsockname()[1]
        p.login(relay, "b")

    def test_what_is_not_given_is_bound(self):
        main = self.keep(stream())
        port = free_port()
        relay = self.start([("http", main)], f"-a={HOST}:1", f"-stun-port={port}")
        relay.wait_log(f"STUN server listening on {HOST}:{port}")
        self.assertTrue(ask_stun(port))

    def test_what_does_not_fit_is_told(self):
        plain = [f"-a={HOST}:0"]
        cases = [
            ("https", stream, plain, "named \"https\", but TLS is not served"),
            ("derper.socket", stream, plain, "must be https, http or stun"),
            ("", stream, plain, 'named "unknown", but FileDescriptorName='),
            ("http", datagram, plain, "(http) is not a listening stream socket"),
            ("stun", stream, plain, "(stun) is not a UDP socket"),
            ("stun", datagram, plain + ["-stun=false"], "-stun is false"),
            ("http", stream, self.tls_flags() + ["-http-port=-1"], "-http-port is -1"),
        ]
        for name, make, flags, want in cases:
            with self.subTest(want):
                relay = self.start([(name, self.keep(make()))], *flags)
                relay.exit_expected = True
                self.assertEqual(relay.proc.wait(60), 1)
                relay.log.thread.join(60)
                self.assertIn(want, relay.log.text())

    def test_a_unix_socket_is_not_for_the_relay(self):
        sock = self.keep(socket.socket(socket.AF_UNIX))
        sock.bind(self.path("socket"))
        sock.listen()
        relay = self.start([("http", sock)], f"-a={HOST}:0")
        relay.exit_expected = True
        self.assertEqual(relay.proc.wait(60), 1)
        relay.log.thread.join(60)
        self.assertIn("(http) is not a socket of IPv4 or IPv6", relay.log.text())


@ours_only
class Admission(Scenario):
    def serve(self, sockets, *flags):
        nodes = self.write("nodes", "nodekey:" + "a" * 64 + "\n")
        return Activated(self, sockets, ["serve", "--nodes", nodes, *flags], command=(DERPVERIFY,))

    def test_given_sockets_are_served(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(self.path("socket"))
        sock.listen()
        tcp = stream()
        self.addCleanup(sock.close)
        self.addCleanup(tcp.close)
        server = self.serve([("derpverify.socket", sock), ("derpverify.socket", tcp)])
        server.wait_log(rf"serving admission on unix:{re.escape(self.path('socket'))} \(http\)")
        server.wait_log(rf"serving admission on {HOST}:{tcp.getsockname()[1]} \(http\)")
        conn = UnixConnection(self.path("socket"))
        self.addCleanup(conn.close)
        conn.request("POST", "/verify", json.dumps({"NodePublic": "nodekey:" + "a" * 64, "Source": ""}))
        self.assertTrue(json.loads(conn.getresponse().read())["Allow"])
        with socket.create_connection(tcp.getsockname()) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", plain.recv(4096))

    def test_what_does_not_fit_is_told(self):
        sock = datagram()
        self.addCleanup(sock.close)
        server = self.serve([("x", sock)])
        server.exit_expected = True
        self.assertEqual(server.proc.wait(60), 2)
        server.log.thread.join(60)
        self.assertIn("(x) is not a listening stream socket", server.log.text())

    def test_without_any_an_address_is_needed(self):
        server = self.serve([])
        server.exit_expected = True
        self.assertEqual(server.proc.wait(60), 2)
        server.log.thread.join(60)
        self.assertIn("name an address to listen on", server.log.text())


if __name__ == "__main__":
    unittest.main()
