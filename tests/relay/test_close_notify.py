"""However the relay ends a TLS connection, close_notify tells it from a truncation."""

import os
import signal
import socket
import ssl
import unittest

from rawlogin import raw_login
from relaytest import (
    HOST,
    PATIENCE,
    UPGRADE,
    Scenario,
    frame,
    make_cert,
    ours_only,
    tls_context,
)


class CloseNotify:
    flags = ()
    newest = ssl.TLSVersion.TLSv1_3

    def setUp(self):
        super().setUp()
        make_cert(self.folder, HOST, f"IP:{HOST}")
        self.relay = self.derper(*self.flags, tls=True)

    def dial(self):
        """An end without close_notify is an error for it."""
        raw = socket.create_connection((HOST, self.relay.port), PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = tls_context()
        context.maximum_version = self.newest
        sock = context.wrap_socket(raw, suppress_ragged_eofs=False)
        self.addCleanup(sock.close)
        return sock

    def ends(self, sock):
        """All that comes until the end, which is told."""
        data = b""
        while part := sock.recv(65536):
            data += part
        return data

    def says(self, data):
        sock = self.dial()
        sock.sendall(data)
        return self.ends(sock)

    def test_http_that_ends(self):
        head = b"GET /robots.txt HTTP/1."
        self.assertIn(b"Disallow", self.says(head + b"0\r\n\r\n"))
        close = b"1\r\nHost: h\r\nConnection: close\r\n\r\n"
        self.assertIn(b"Disallow", self.says(head + close))

    def test_http_that_is_refused(self):
        self.assertIn(b" 400 ", self.says(b"no HTTP at all\r\n\r\n"))
        long = b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 18000
        self.assertIn(b" 431 ", self.says(long))

    def test_a_login_that_is_none(self):
        for body in (frame(0x04, bytes(64)), frame(0x02, os.urandom(200))):
            self.assertIn(b" 101 ", self.says(UPGRADE + body))

    def test_a_bad_frame(self):
        for bad in (frame(0x07, b"\1\1"), frame(0x04, bytes(31)), frame(0x10)):
            sock = raw_login(self.relay, self.dial())
            sock.sendall(bad)
            self.assertEqual(self.ends(sock), b"")

    def test_its_own_end(self):
        client, guest = raw_login(self.relay, self.dial()), self.dial()
        guest.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: h\r\n\r\n")
        guest.recv(1)
        self.relay.proc.send_signal(signal.SIGTERM)
        self.assertEqual(self.ends(client)[0], 0x15)  # Restarting
        self.assertIn(b"Disallow", self.ends(guest))
        self.relay.exit_expected = True
        self.assertEqual(self.relay.stop(), 0)


class Own(CloseNotify, Scenario):
    pass


class Older(CloseNotify, Scenario):
    """TLS 1.2, whose records are always OpenSSL's."""

    newest = ssl.TLSVersion.TLSv1_2


@ours_only
class Openssl(CloseNotify, Scenario):
    flags = ("-tls-records=openssl",)


if __name__ == "__main__":
    unittest.main()
