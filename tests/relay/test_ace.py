#!/usr/bin/env python3
"""CONNECT tunnels (-ace): to stubs of Tailscale's hosts, in a network and mount
namespace where these names lead to loopback."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

from relaytest import HOST, PATIENCE, Response, Scenario, dial, ours_only, read_all, read_exactly, request, wait_until

INSIDE = os.environ.get("ACE_INSIDE") == "1"
HOSTS = "127.0.0.1 localhost\n127.0.0.1 one.tailscale.com\n127.0.0.9 closed.tailscale.com\n"


class Echo:
    """A host of Tailscale's: sends back what comes while it may read. It ends
    when its peer does, and after some words."""

    def __init__(self, port):
        self.sock = socket.create_server((HOST, port))
        self.reads = threading.Event()
        self.reads.set()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn:
            while True:
                self.reads.wait(PATIENCE)
                data = conn.recv(65536)
                if not data or data == b"end":
                    return
                conn.sendall(data)
                if b"/hello" in data:
                    return

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@ours_only
@unittest.skipUnless(INSIDE, "runs inside its own namespaces")
class Tunnels(Scenario):
    def setUp(self):
        super().setUp()
        self.echo = Echo(443)
        self.addCleanup(self.echo.close)
        self.relay = self.derper("-ace", tls=True)

    def connect(self, target):
        sock = dial(self.relay)
        self.addCleanup(sock.close)
        sock.settimeout(PATIENCE)
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return sock

    def open(self):
        sock = self.connect("one.tailscale.com:443")
        self.assertEqual(read_exactly(sock, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        return sock

    def tunnels(self):
        text = request(self.relay, "/metrics").body.decode()
        return int(text.split("\nderpkit_tunnels ")[1].split()[0])

    def test_bytes_go_both_ways(self):
        sock = self.open()
        # by turns: Python's TLS sockets may not be used by two threads at once
        for _ in range(16):
            data = os.urandom(1 << 16)
            sock.sendall(data)
            self.assertEqual(read_exactly(sock, len(data)), data)
        self.assertEqual(self.tunnels(), 1)
        # the host ends it
        sock.sendall(b"end")
        self.assertEqual(read_all(sock), b"")
        wait_until(lambda: self.tunnels() == 0, "the tunnel to end")

    def test_the_client_ends_it(self):
        self.open().close()
        wait_until(lambda: self.tunnels() == 0, "the tunnel to end")

    def test_who_does_not_read_holds_up_who_sends(self):
        self.echo.reads.clear()
        sock = self.open()
        sock.settimeout(1)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                sent += sock.send(bytes(65536))
        self.echo.reads.set()

    def test_what_cannot_be_reached_is_told(self):
        response = Response(self.connect("closed.tailscale.com:80"))
        self.assertEqual((response.status, response.body), (502, b"Connect failure\n"))
        wait_until(lambda: self.tunnels() == 0, "the tunnels to end")

    def test_others_are_refused(self):
        for target in ("example.com:443", "derp1.tailscale.com:443", "one.tailscale.com:22"):
            response = Response(self.connect(target))
            self.assertEqual((response.status, response.body), (403, b"Invalid CONNECT target\n"))

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_uses_it(self):
        """Which sees its own request as the host's answer."""
        done = subprocess.run(
            ["curl", "-s", "--proxy-insecure", "-p", "--http0.9", "--max-time", "20"]
            + ["--proxy", f"https://{HOST}:{self.relay.port}", "-H", "Connection: close"]
            + ["http://one.tailscale.com:443/hello"],
            capture_output=True,
        )
        self.assertIn(b"GET /hello HTTP/1.1", done.stdout)


@ours_only
@unittest.skipIf(INSIDE, "is about being outside")
class Outside(Scenario):
    def test_in_namespaces_of_its_own(self):
        hosts = self.write("hosts", HOSTS)
        enter = ["unshare", "-rmn", "sh", "-c"]
        script = f'ip link set lo up && mount --bind "{hosts}" /etc/hosts && exec "$@"'
        if subprocess.run(enter + [script, "sh", "true"], capture_output=True).returncode != 0:
            self.skipTest("namespaces are not allowed here")
        done = subprocess.run(
            enter + [script, "sh", sys.executable, "-B", os.path.abspath(__file__)],
            env=dict(os.environ, ACE_INSIDE="1"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_without_the_flag_it_is_refused(self):
        sock = dial(self.derper(tls=True))
        with sock:
            sock.sendall(b"CONNECT one.tailscale.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            response = Response(sock)
        self.assertEqual((response.status, response.body), (403, b"CONNECT not enabled\n"))


if __name__ == "__main__":
    unittest.main()
