"""-proxy-protocol-from: whose a connection is, as a load balancer says, and
what becomes of headers that are not good, late, or from somebody else."""

import os
import shutil
import socket
import struct
import subprocess
import unittest

import nginx
from relaytest import (HOST, Scenario, free_port, make_cert, read_all, tls_context,
                       wait_until)

V1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = socket.inet_aton("198.51.100.7") + socket.inet_aton("192.0.2.1") \
    + struct.pack(">HH", 4711, 443)
V2 = SIGNATURE + b"\x21\x11" + struct.pack(">H", len(ADDRESSES)) + ADDRESSES
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
LOST = b"GET /derp HTTP/1.1\r\nHost: h\r\n\r\n"  # is logged, with the address


class ProxyProtocol(Scenario):
    def connect(self, relay, *pieces):
        sock = socket.create_connection((HOST, relay.port), 30)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
        return sock

    def test_the_client_is_whom_the_header_names(self):
        relay = self.derper("-proxy-protocol-from=2001:db8::/32,127.0.0.0/8")
        for header, who in ((V1, "198.51.100.7:4711"), (V2, "198.51.100.7:4711"),
                            (LOCAL, HOST + ":[0-9]+"), (b"PROXY UNKNOWN\r\n", HOST + ":[0-9]+")):
            for pieces in ([header + LOST], [bytes([b]) for b in header + LOST]):
                mark = relay.log_mark()
                sock = self.connect(relay, *pieces)
                self.assertIn(b" 426 ", sock.recv(4096))
                relay.wait_log(f"derp: {who}: a request for /derp without Upgrade", mark)
        self.assertEqual(relay.counters()["proxy_headers"], 8)

    def test_who_is_believed_is_told(self):
        relay = self.derper("-proxy-protocol-from=192.0.2.0/24,127.0.0.1")
        relay.wait_log("PROXY headers name the clients of connections from "
                       "192.0.2.0/24,127.0.0.1$")
        for anybody in ("192.0.2.1,0.0.0.0/0", "::/0"):
            relay = self.derper("-proxy-protocol-from=" + anybody)
            relay.wait_log(f"-proxy-protocol-from {anybody}: whoever can connect may claim any")

    def test_before_tls(self):
        make_cert(self.folder, HOST, "IP:127.0.0.1")
        relay = self.derper("-proxy-protocol-from=127.0.0.1", tls=True)
        mark = relay.log_mark()
        with tls_context().wrap_socket(self.connect(relay, V2)) as sock:
            sock.sendall(LOST)
            self.assertIn(b" 426 ", sock.recv(4096))
        relay.wait_log("derp: 198.51.100.7:4711: a request", mark)

    def test_headers_that_are_not_good(self):
        relay = self.derper("-proxy-protocol-from=127.0.0.1")
        bad = {
            "no PROXY header": LOST,
            "more than 107 bytes": b"PROXY UNKNOWN " + b"x" * 200,
            "of its family": b"PROXY TCP6 198.51.100.7 192.0.2.1 1 2\r\n",
            "longer than 1024 bytes": SIGNATURE + b"\x21\x11\xff\xff",
            "neither TCP": SIGNATURE + b"\x21\x12\x00\x0c" + ADDRESSES,
            "too short for": SIGNATURE + b"\x21\x21\x00\x0c" + ADDRESSES,
        }
        for why, header in bad.items():
            mark = relay.log_mark()
            self.assertEqual(read_all(self.connect(relay, header)), b"")
            relay.wait_log(f"proxy protocol: {HOST}:[0-9]+: refused: .*{why}", mark)
        # who goes on for ever, and who says nothing
        mark = relay.log_mark()
        slow, silent = self.connect(relay, V2[:-1]), self.connect(relay)
        self.assertEqual(read_all(slow), b"")
        self.assertEqual(read_all(silent), b"")
        relay.wait_log("refused: no header in time", mark)
        self.assertEqual(relay.counters()["proxy_refused"], len(bad) + 2)

    def test_nobody_else_is_believed(self):
        relay = self.derper("-proxy-protocol-from=192.0.2.0/24")
        for header in (V1, V2):
            self.assertIn(b" 400 ", read_all(self.connect(relay, header + LOST)))
        self.assertNotIn("proxy_headers", relay.counters())

    def test_limits_count_the_client(self):
        relay = self.derper("-proxy-protocol-from=127.0.0.1", "-max-connections-per-address=2")
        other = V1.replace(b"198.51.100.7", b"198.51.100.8")
        self.assertIn(b" 426 ", self.connect(relay, other + LOST).recv(4096))
        mark = relay.log_mark()
        socks = [self.connect(relay, V1) for _ in range(2)]
        wait_until(lambda: relay.counters().get("proxy_headers") == 3, "both headers")
        self.assertEqual(read_all(self.connect(relay, V1)), b"")
        relay.wait_log("http: 198.51.100.7:4711: refused: too many connections", mark)
        self.assertIn(b" 426 ", self.connect(relay, other + LOST).recv(4096))
        for sock in socks:  # which nobody has closed for it
            sock.sendall(LOST)
            self.assertIn(b" 426 ", sock.recv(4096))

    def test_who_is_unknown_has_no_rights(self):
        """A balancer on this machine is not its clients."""
        relay = self.derper("-proxy-protocol-from=127.0.0.1")
        for header, status in (
            (b"PROXY UNKNOWN\r\n", 403),
            (SIGNATURE + b"\x21\x00\x00\x00", 403),
            (SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216), 403),
            (V1, 403),
            (LOCAL, 200),
            (b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 443\r\n", 200),
        ):
            for path in (b"/debug/", b"/debug/varz", b"/metrics"):
                request = b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                answer = read_all(self.connect(relay, header + request))
                self.assertIn(f" {status} ".encode(), answer.split(b"\r\n")[0], header)

    def test_a_relay_that_ends_waits_for_nobody(self):
        relay = self.derper("-proxy-protocol-from=127.0.0.1")
        self.assertIn(b" 426 ", self.connect(relay, V1 + LOST).recv(4096))
        sock = self.connect(relay, V2[:5])
        wait_until(lambda: relay.counters()["connections"] >= 2, "the connection")
        relay.exit_expected = True
        self.assertEqual(relay.stop(), 0)
        self.assertEqual(read_all(sock), b"")

    def test_prefixes_that_are_none(self):
        for text in ("x", "10.0.0.0/33", "10.0.0.0/8,,::1"):
            status, _, err = self.run_relay(["-a=127.0.0.1:0", "-proxy-protocol-from=" + text])
            self.assertEqual(status, 1)
            self.assertIn("is not an IP address or prefix", err)

    @unittest.skipUnless(shutil.which("haproxy"), "there is no haproxy")
    def test_through_haproxy(self):
        relay = self.derper("-proxy-protocol-from=127.0.0.2")
        for version in ("send-proxy", "send-proxy-v2"):
            port = free_port()
            self.write("haproxy.cfg", f"""
defaults
  mode tcp
  timeout connect 10s
  timeout client 30s
  timeout server 30s
listen derp
  bind {HOST}:{port}
  server relay {HOST}:{relay.port} {version} source 127.0.0.2
""")
            proxy = subprocess.Popen(["haproxy", "-db", "-f", self.path("haproxy.cfg")],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            self.addCleanup(proxy.wait, 30)
            self.addCleanup(proxy.kill)
            wait_until(lambda: nginx.reaches(port), "haproxy to listen")
            mark = relay.log_mark()
            with socket.create_connection((HOST, port), 30, ("127.0.0.3", 0)) as sock:
                mine = sock.getsockname()
                sock.sendall(LOST)
                self.assertIn(b" 426 ", sock.recv(4096))
            relay.wait_log(f"derp: {mine[0]}:{mine[1]}: a request for /derp", mark)

    @unittest.skipUnless(nginx.NGINX and os.path.exists(nginx.STREAM),
                         "there is no nginx with its stream module")
    def test_through_nginx(self):
        """Which sends version 1, before what the client sends."""
        make_cert(self.folder, HOST, "IP:127.0.0.1")
        for tls in (False, True):
            relay = self.derper("-proxy-protocol-from=127.0.0.2", tls=tls)
            port = nginx.stream(self, f"proxy_pass {HOST}:{relay.port}; "
                                "proxy_bind 127.0.0.2; proxy_protocol on;")
            mark = relay.log_mark()
            sock = socket.create_connection((HOST, port), 30, ("127.0.0.3", 0))
            mine = sock.getsockname()
            if tls:
                sock = tls_context().wrap_socket(sock)
            with sock:
                sock.sendall(LOST)
                self.assertIn(b" 426 ", sock.recv(4096))
            relay.wait_log(f"derp: {mine[0]}:{mine[1]}: a request for /derp", mark)
            self.assertGreaterEqual(relay.counters()["proxy_headers"], 1)


if __name__ == "__main__":
    unittest.main()
