#!/usr/bin/env python3
"""`derpmap probe` against servers with a fault each: one map of all of them,
probed at once, so that it also shows that none disturbs another.

Each row of the table is a region with one node: what serves it, and which
warnings and errors the probe must find, no more and no less. Infos are named
where they matter.
"""

import ssl
import time
import unittest

import faults
from probetest import Authority, ProbeCase, free_port, metrics_are_sound


class Faults(ProbeCase):
    """All in one map; the rows are checked one by one."""

    def setUp(self):
        super().setUp()
        self.rows, self.nodes = [], []
        self.last = 0
        self.ca = Authority(self.folder)
        self.plain = self.relay()
        self.second = self.relay()
        self.good = self.ca.leaf("DNS:localhost,IP:127.0.0.1")
        self.http_port = free_port()

    def address(self):
        """A loopback address that nobody else has."""
        self.last += 1
        return f"127.9.{self.last >> 8}.{self.last & 255}"

    def add(self, node, *expected, infos=(), check=None):
        self.nodes.append({"STUNPort": -1, **node})
        self.rows.append((sorted(expected), infos, check))

    def front(self, serve, *expected, cert=None, host=None, node=(), infos=(),
              check=None, tls=True, **how):
        """A node whose relay is a Front. host: reached by that name, else by
        its address, where clients check no name."""
        address = "127.0.0.1" if host else self.address()
        front = faults.Front(address, 0, serve,
                             cert=(cert or self.good) if tls else None, **how)
        self.addCleanup(front.stop)
        self.add({"HostName": host or address, "IPv4": address, "IPv6": "none",
                  "DERPPort": front.port, **dict(node)},
                 *expected, infos=infos, check=check)

    def relay_node(self, relay, *expected, infos=(), check=None, **node):
        pin = "sha256-raw:" + self.ca.pin(str(relay.cert()))
        self.add({"HostName": relay.address, "IPv4": relay.address,
                  "IPv6": "none", "DERPPort": relay.port, "CertName": pin, **node},
                 *expected, infos=infos, check=check)

    # --- the rows

    def add_good(self):
        tls = self.relay(tls=True, stun=True)
        self.relay_node(tls, STUNPort=tls.stun_port, check=lambda v: (
            self.assertEqual(v["admission"], "anyone"),
            self.assertEqual({k for k, s in v["steps"].items()
                              if s["state"] == "skipped"}, {"port80"}),
            self.assertTrue(v["certificate"]["metacert"]),
            self.assertRegex(v["mapped_address"], r"^127\.0\.0\.1:\d+$")))
        self.front(faults.to_relay(self.relay()), host="localhost",
                   infos=("meta-missing",),
                   check=lambda v: self.assertEqual(
                       v["steps"]["fast_start"]["state"], "skipped"))
        members = self.relay(tls=True, flags=["-verify-nodes", self.empty()])
        self.relay_node(members, infos=("members-only",), check=lambda v: (
            self.assertEqual(v["admission"], "members"),
            self.assertEqual(v["steps"]["relay"]["state"], "skipped"),
            self.assertEqual(v["steps"]["fast_start"]["state"], "good")))

    def empty(self):
        file = self.folder / "nobody"
        file.write_text("nodekey:" + "9" * 64 + "\n", "utf-8")
        return str(file)

    def add_connecting(self):
        closed = faults.closed_port("127.9.200.1")
        self.addCleanup(closed.close)
        self.add({"HostName": "127.9.200.1", "IPv4": "127.9.200.1",
                  "IPv6": "none", "DERPPort": closed.getsockname()[1]},
                 "tcp-refused")
        sockets = faults.full_listener("127.9.200.2", 0)
        for sock in sockets:
            self.addCleanup(sock.close)
        self.add({"HostName": "127.9.200.2", "IPv4": "127.9.200.2",
                  "IPv6": "none", "DERPPort": sockets[0].getsockname()[1]},
                 "tcp-silent")
        self.front(faults.reset, "tls-failed", tls=False)
        self.front(faults.silent, "tls-silent", tls=False)
        self.front(faults.plain_http, "tls-plain", tls=False)
        self.front(faults.to_relay(self.relay()), "tls-slow",
                   delay=lambda n: 3.3 if n == 1 else 0)
        self.front(faults.to_relay(self.relay()), infos=("tls-old",),
                   highest=ssl.TLSVersion.TLSv1_2)
        self.front(faults.to_relay(self.relay()), "tls-too-old",
                   highest=ssl.TLSVersion.TLSv1_1)
        self.front(faults.sometimes_reset(self.relay(), 5), "connect-unsteady")

    def add_certificates(self):
        ca = self.ca
        relay = faults.to_relay(self.plain)
        for expected, cert in (
                ("cert-expired", ca.leaf("DNS:localhost", dates=(
                    "20200101000000Z", "20210101000000Z"))),
                ("cert-not-yet", ca.leaf("DNS:localhost", dates=(
                    "20900101000000Z", "20910101000000Z"))),
                ("cert-other-name", ca.leaf("DNS:other.example")),
                ("cert-self-signed", ca.self_signed("DNS:localhost")),
                ("cert-untrusted", ca.leaf("DNS:localhost", by="other",
                                           chain=("middle",))),
                ("cert-incomplete", ca.leaf("DNS:localhost", by="middle"))):
            self.front(relay, expected, "same-relay", cert=cert,
                       host="localhost")
        self.front(relay, "same-relay", host="localhost",
                   cert=ca.leaf("DNS:localhost", by="middle", chain=("middle",)))
        self.front(relay, "same-relay", host="localhost",
                   cert=ca.leaf("DNS:front.example"),
                   node={"CertName": "front.example"})
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 864000))
        self.front(relay, "cert-expiring", "same-relay", host="localhost",
                   cert=ca.leaf("DNS:localhost", dates=("20200101000000Z", soon)))
        self.front(relay, "same-relay", cert=ca.self_signed("DNS:x.example"),
                   node={"InsecureForTests": True}, infos=("cert-ignored",))
        own = ca.self_signed("IP:127.0.0.1")
        self.front(relay, "pin-differs", "same-relay", cert=own,
                   node={"CertName": "sha256-raw:" + "0" * 64})
        self.front(relay, "pin-bad", "same-relay", cert=own,
                   node={"CertName": "sha256-raw:" + ca.pin(own[0]).upper()})
        chained = ca.leaf("DNS:localhost", chain=("root",))
        self.front(relay, "pin-chain", "same-relay", cert=chained,
                   node={"CertName": "sha256-raw:" + ca.pin(chained[0])})

    def add_http(self):
        relay = self.second
        to = faults.to_relay(relay)
        self.front(faults.edited(relay, faults.without_upgrade), "upgrade-eaten")
        self.front(faults.says("200 OK"), "upgrade-refused")
        self.front(faults.says("404 Not Found", "Server: nginx/1.22\r\n"),
                   "latency-check-failed", "upgrade-refused",
                   infos=("proxy-between",))
        self.front(faults.by_path({"/derp": faults.silent}, to), "upgrade-silent")
        self.front(faults.by_path({"/derp": faults.garbage_after_switch}, to),
                   "not-derp")
        self.front(faults.by_path({"/derp": faults.endless_headers}, to),
                   "headers-too-long")
        self.front(faults.by_path({"/derp": faults.silent_after_server_key(
            b"\x07" * 32)}, to), "login-failed")
        self.front(faults.by_path({"/derp/latency-check": faults.says(
            "200 OK", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 squid\r\n")},
            faults.to_relay(self.relay())), "clock-skew",
            infos=("proxy-between", "latency-check-cors"))
        self.front(faults.to_relay(self.relay(), self.relay()), "key-changes",
                   "relay-failed")

    def add_addresses(self):
        self.add({"HostName": "127.9.201.1", "IPv4": "none", "IPv6": "none"},
                 "no-address")
        self.add({"HostName": "127.9.201.2", "IPv4": "127.9.201.2",
                  "IPv6": "none", "DERPPort": 70000, "STUNPort": 70001},
                 "bad-port")
        self.add({"HostName": "no-such-relay.invalid"}, "dns-failed")
        self.front(faults.to_relay(self.relay()), "dns-differs", node={
            "HostName": "localhost"})

    def stun(self, answer, *expected, other=None, **how):
        address = self.address()
        server = faults.Stun(address, 0, answer, other=other)
        self.addCleanup(server.stop)
        self.add({"HostName": address, "IPv4": address, "IPv6": "none",
                  "STUNOnly": True, "STUNPort": server.port}, *expected, **how)

    def add_stun(self):
        mine = faults.stun_response
        self.stun(lambda r, p: mine(r, p[0], p[1]))
        self.stun(lambda r, p: mine(r, p[0], p[1], mapped=True),
                  check=lambda v: self.assertRegex(v["mapped_address"],
                                                   r"^127\.0\.0\.1:"))
        self.stun(lambda r, p: None, "stun-silent")
        self.stun(lambda r, p: mine(r, p[0], p[1], txid=bytes(12)), "stun-silent")
        self.stun(lambda r, p: mine(r, "172.17.0.1", p[1]), "stun-nat-likely")
        self.stun(lambda r, p: mine(r, "203.0.113.9", p[1]))
        self.stun(lambda r, p: mine(r, p[0], p[1]), "stun-other-source",
                  other=self.address())

    def portal(self, serve, *expected, ipv4=True):
        address = self.address()
        if serve:
            front = faults.Front(address, self.http_port, serve)
            self.addCleanup(front.stop)
        else:
            self.addCleanup(faults.closed_port(address, self.http_port).close)
        node = {"HostName": address, "IPv6": "none", "STUNOnly": True,
                "CanPort80": True}
        if ipv4:
            node["IPv4"] = address
        self.add(node, *expected, infos=() if ipv4 else ("port80-unused",))

    def add_portals(self):
        says = faults.says
        self.portal(faults.to_relay(self.plain))
        self.portal(says("301 Moved", "Location: https://x.example/\r\n"),
                    "port80-redirect")
        self.portal(says("204 No Content"), "port80-challenge")
        self.portal(says("204 No Content", "X-Tailscale-Response: response ts_x\r\n"),
                    "port80-challenge")
        self.portal(says("200 OK", body=b"Welcome to nginx!"), "port80-status")
        self.portal(None, "port80-closed")
        self.portal(None, ipv4=False)

    # --- the test

    def test_each_fault_is_found_and_disturbs_nobody(self):
        for add in (self.add_good, self.add_connecting, self.add_certificates,
                    self.add_http, self.add_addresses, self.add_stun,
                    self.add_portals):
            add()
        file = self.map_file([[node] for node in self.nodes])
        metrics = self.folder / "metrics.prom"
        start = time.monotonic()
        said = self.report("--ca-file", self.ca.root, "--http-port",
                           str(self.http_port), "--metrics-file", str(metrics),
                           "--concurrency", "64", file)
        took = time.monotonic() - start
        self.assertTrue(metrics_are_sound(metrics.read_text("utf-8")))
        for i, (expected, infos, check) in enumerate(self.rows):
            name = f"{900 + i}a"
            with self.subTest(node=self.nodes[i], expected=expected):
                # which of those behind one relay is the first is not told,
                # and a machine that is busy makes slow handshakes
                spare = {"same-relay", "tls-slow"} - (set(expected) & {"tls-slow"})
                self.assertEqual(
                    [x for x in self.ids(said, name) if x not in spare],
                    [x for x in expected if x not in spare])
                for info in infos:
                    self.finding(said, info, name)
                if check:
                    check(self.visit(said, name))
        self.check_texts(said)
        self.assertLess(took, 60)

    def check_texts(self, said):
        """What the texts of some of them must hold."""
        for name, key, text in (
                ("cert-self-signed", "hint", 'certname: "sha256-raw:'),
                ("cert-other-name", "hint", "other.example"),
                ("pin-differs", "hint", 'certname: "sha256-raw:'),
                ("upgrade-eaten", "got", "426"),
                ("upgrade-eaten", "advice", "proxy_set_header Upgrade"),
                ("upgrade-refused", "got", "200"),
                ("headers-too-long", "got",
                 "too long (limits: 16384 bytes, 64 headers)"),
                ("headers-too-long", "advice", "curl -v"),
                ("tls-too-old", "got", "no TLS 1.2 or newer"),
                ("tls-too-old", "advice", "ssl_protocols"),
                ("port80-redirect", "got", "301 to https://x.example/"),
                ("port80-status", "got", "Welcome to nginx!"),
                ("stun-nat-likely", "got", "172.17.0.1"),
                ("stun-nat-likely", "means", "Docker"),
                ("clock-skew", "got", "behind"),
                ("dns-differs", "got", "127.0.0.1"),
                ("tcp-refused", "got", "refused")):
            with self.subTest(finding=name):
                self.assertIn(text, self.finding(said, name)[key])
        for f in said["findings"]:
            for key in ("title", "tried", "got", "means", "advice"):
                self.assertTrue(f[key], f)


if __name__ == "__main__":
    unittest.main()
