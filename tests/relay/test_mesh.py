"""Relays of one region that are a mesh: whoever is at one is reached from all."""

import os
import signal
import struct
import unittest
from unittest import mock

from lyingrelay import LyingRelay, gone, present
from relaytest import HOST, Scenario, frame, free_port, make_cert, ours_only, wait_until

MESH_KEY = "5e" * 32
PRIVATE = "40" * 31 + "41"  # any 32 bytes are a private key


GROWTH_KB = 100 << 10  # whatever a sanitizer adds; well below what is sent


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


class Mesh(Scenario):
    """Nodes of a mesh, each with a name, folder and port of its own."""

    def setUp(self):
        super().setUp()
        make_cert(self.folder, "ca", "DNS:ca")
        self.write("mesh.key", MESH_KEY + "\n")
        os.chmod(self.path("mesh.key"), 0o600)
        self.p = self.peer()

    def node(self, name, *others, port=None, flags=()):
        """A node on `port` that has links to the others, (name, port) each."""
        host = f"{name}.mesh.test"
        if not os.path.exists(self.path(host + ".crt")):
            make_cert(self.folder, host, f"DNS:{host}", self.path("ca"))
        port = port or free_port()
        links = ",".join(f"{n}.mesh.test:{p}/{HOST}" for n, p in others)
        relay = self.spawn(
            [
                f"-a={HOST}:{port}",
                f"-c={self.path(name)}.key.json",
                "-stun=false",
                "-certmode=manual",
                f"-certdir={self.folder}",
                f"-hostname={host}",
                "-http-port=-1",
                f"-mesh-psk-file={self.path('mesh.key')}",
                f"-mesh-with={links}",
                *flags,
            ],
            port=port,
            env={"SSL_CERT_FILE": self.path("ca.crt")},
        )
        wait_until(relay.is_up, "the relay to listen")
        relay.tls, relay.name = True, name
        return relay

    def login(self, relay, *names, options=""):
        self.p.login(relay, *names, options=f"sni={relay.name}.mesh.test {options}")

    def kill(self, relay):
        relay.exit_expected = True
        relay.stop(signal.SIGKILL)

    def pair(self, **options):
        ports = {"a": free_port(), "b": free_port()}
        return [
            self.node(n, (o, ports[o]), port=ports[n], **options)
            for n, o in (("a", "b"), ("b", "a"))
        ]

    def reaches(self, sender, receiver, data):
        """A packet gets there, once the nodes know of each other: each try is
        lost or arrives."""

        def tried():
            self.p.do(f"send {sender} {receiver} {data}")
            try:
                self.p.expect(f"recv {receiver} {sender} .* {data}", patience=0.2)
                return True
            except AssertionError:
                return False

        wait_until(tried, f"a packet from {sender} to {receiver}")


class TwoNodes(Mesh):
    def test_packets_cross_both_ways(self):
        a, b = self.pair()
        self.login(a, "x")
        self.login(b, "y")
        self.reaches("x", "y", "aa01")
        self.reaches("y", "x", "aa02")

    @ours_only
    def test_whoever_heard_from_a_key_is_told_when_its_node_ends(self):
        a, b = self.pair()
        self.login(a, "x")
        self.login(b, "y")
        self.reaches("x", "y", "aa01")
        self.reaches("y", "x", "aa02")
        self.p.do("close x")
        self.p.expect("gone y x 0")
        self.login(a, "z")
        # who is forwarded before its node has told of it is not noted yet
        self.reaches("y", "z", "aa03")
        self.reaches("z", "y", "aa04")
        self.kill(a)
        self.p.expect("gone y z 0")

    def test_a_client_that_moves_is_reached_where_it_is(self):
        a, b = self.pair()
        self.login(a, "x")
        for i, (new, old) in enumerate(((b, None), (a, b), (b, a), (a, b))):
            self.login(new, "y")
            self.reaches("x", "y", f"bb0{i}")
            self.reaches("y", "x", f"cc0{i}")
            self.p.do("close y")
            self.p.expect("gone x y 0")

    @ours_only
    def test_the_newer_of_two_places_is_not_lost_with_the_other(self):
        a, b = self.pair()
        self.p.key("y", PRIVATE)
        self.p.key("y2", PRIVATE)
        self.login(a, "x")
        self.login(b, "y")
        self.reaches("x", "y", "aa01")
        # a connection here wins; when it ends, the other relay has the key
        self.login(a, "y2")
        self.reaches("x", "y2", "aa02")
        self.p.do("close y2")
        self.reaches("x", "y", "aa03")
        self.p.absent("gone x .*")

    @ours_only
    def test_nodes_that_are_killed_and_restarted_lose_no_key(self):
        ports = {"a": free_port(), "b": free_port()}
        other = {"a": "b", "b": "a"}
        nodes = {}

        def start(n):
            o = other[n]
            nodes[n] = self.node(n, (o, ports[o]), port=ports[n])

        for n in ports:
            start(n)
        self.login(nodes["a"], "xa")
        self.login(nodes["b"], "xb")
        self.reaches("xa", "xb", "aa00")
        for i in range(4):
            n = "ab"[i % 2]
            self.p.do("flood xa xb 2000 100 500", "flood xb xa 2000 100 500")
            self.kill(nodes[n])
            self.p.expect(f"closed x{n} .*")
            start(n)
            self.login(nodes[n], f"x{n}")
            self.reaches("xa", "xb", f"aa{i:02d}")
            self.reaches("xb", "xa", f"bb{i:02d}")

    @ours_only
    def test_a_relay_that_is_its_own_neighbour_is_told_so(self):
        port = free_port()
        a = self.node("a", ("a", port), port=port)
        a.wait_log('detected self-connect; ignoring host')
        self.assertNotIn("mesh_keys", a.counters())

    @ours_only
    def test_a_wrong_key_is_not_a_mesh(self):
        ports = {"a": free_port(), "b": free_port()}
        a = self.node("a", ("b", ports["b"]), port=ports["a"])
        self.write("mesh.key", "6f" * 32)
        self.node("b", ("a", ports["a"]), port=ports["b"])
        a.wait_log(r'mesh\("b.mesh.test:.*"\): Recv: ')
        self.login(a, "x")
        self.assertNotIn("watchers", a.counters())


@ours_only
class Lying(Mesh):
    """A relay of the mesh that says what is not so."""

    def setUp(self):
        super().setUp()
        # what ASan keeps of freed memory is not the relay's: 256 MB otherwise
        options = {"ASAN_OPTIONS": "quarantine_size_mb=16"}
        self.enterContext(mock.patch.dict(os.environ, options))
        self.other = LyingRelay(self)
        self.addCleanup(self.other.close)
        self.a = self.node("a", ("liar", self.other.port))
        self.sock = self.other.accept()
        self.login(self.a, "x")

    def alive(self):
        self.p.settle("x")
        return self.a.counters()

    def test_a_flood_of_keys_is_limited(self):
        batch = b"".join
        for at in range(0, 150000, 1000):
            self.sock.sendall(
                batch(present(struct.pack(">I", i + 1) + bytes(28)) for i in range(at, at + 1000))
            )
        self.sock.sendall(frame(0x06))
        wait_until(
            lambda: self.alive().get("mesh_keys_refused", 0) >= 150000 - 131072,
            "keys beyond the limit to be refused",
        )
        self.assertEqual(self.alive()["mesh_keys"], 131072)
        # all are taken back when it goes
        self.sock.close()
        wait_until(lambda: "mesh_keys" not in self.alive(), "its keys to go")

    def test_giant_frames_are_skipped_and_cost_nothing(self):
        key = bytes(31) + b"\x01"
        before = rss_kb(self.a.proc.pid)
        for kind in (0x0A, 0x05, 0x14, 0x77):
            for _ in range(16):
                self.sock.sendall(frame(kind, bytes(4 << 20)))
        self.sock.sendall(present(key))
        wait_until(lambda: self.alive().get("mesh_keys") == 1, "the frame after them")
        self.assertLess(rss_kb(self.a.proc.pid) - before, GROWTH_KB)

    def test_a_presence_of_no_such_length_ends_the_link(self):
        self.sock.sendall(frame(0x09, bytes(300)))
        self.a.wait_log("Recv: PeerPresent frame of 300 bytes")
        self.alive()

    def test_keys_that_are_elsewhere_or_nowhere_do_no_harm(self):
        self.login(self.a, "y")
        key = bytes.fromhex(self.p.key("y"))
        self.sock.sendall(present(key) + gone(bytes(32), 1) + gone(key, 0) + gone(key, 0) + present(key))
        wait_until(lambda: self.alive().get("mesh_keys") == 1, "the key")
        self.p.do("send x y aa01")
        self.p.expect("recv y x 2 aa01")
        self.p.do("close y")
        # now it is there, as far as anybody knows: a packet goes out to it
        wait_until(lambda: self.forwarded("x", "y"), "a forwarded packet")

    def forwarded(self, src, dst):
        self.p.do(f"send {src} {dst} aa02")
        self.p.settle(src)
        return self.a.counters().get("packets_forwarded_out", 0) > 0

    def test_one_that_does_not_read_costs_little(self):
        key = bytes(31) + b"\x01"
        self.sock.sendall(present(key))
        wait_until(lambda: self.alive().get("mesh_keys") == 1, "the key")
        self.login(self.a, "y")
        before = rss_kb(self.a.proc.pid)
        to = "nodekey:" + key.hex()
        for _ in range(8):
            self.p.do(f"flood x {to} 4000 1400")
            self.p.settle("x")
        wait_until(lambda: self.forwarded_and_dropped(to), "packets to be dropped")
        self.p.do("send x y aa01")
        self.p.expect("recv y x 2 aa01")
        self.assertLess(rss_kb(self.a.proc.pid) - before, GROWTH_KB)

    def forwarded_and_dropped(self, to):
        self.p.do(f"flood x {to} 4000 1400")
        return self.alive().get("dropped_queue_head", 0) > 0


if __name__ == "__main__":
    unittest.main()
