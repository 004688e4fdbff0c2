"""A mesh that is cut in two and whole again: the file runs itself again in a
network namespace, where one relay is; the other one is behind a cable."""

import ctypes
import os
import unittest

import test_dropped_link as cable
from relaytest import DERP_PEER, Peer, free_port, make_cert, wait_until
from test_mesh import Mesh

CLONE_NEWNET = 0x40000000
LIMIT_S = 2  # after which a relay ends connections that acknowledge nothing


class Partition(Mesh):
    plug = cable.Dropped.plug

    def setUp(self):
        super().setUp()
        self.inside = self.plug()
        pid = self.inside[2]
        self.far_net = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self.addCleanup(os.close, self.far_net)
        cable.run(*self.inside, "ip", "link", "set", "lo", "up")
        self.ports = {cable.NEAR: free_port(), cable.FAR: free_port()}
        self.near = self.start(cable.NEAR, cable.FAR)
        self.far = self.start(cable.FAR, cable.NEAR, preexec_fn=self.enter_far)
        self.q = Peer([*self.inside, DERP_PEER])
        self.addCleanup(self.q.stop)

    def enter_far(self):
        ctypes.CDLL(None).setns(self.far_net, CLONE_NEWNET)

    def start(self, address, other, **options):
        make_cert(self.folder, address, f"IP:{address}", self.path("ca"))
        port = self.ports[address]
        relay = self.spawn(
            [
                f"-a={address}:{port}",
                f"-c={self.path(address)}.key.json",
                "-stun=false",
                "-certmode=manual",
                f"-certdir={self.folder}",
                f"-hostname={address}",
                "-http-port=-1",
                f"-tcp-user-timeout={LIMIT_S}s",
                f"-mesh-psk-file={self.path('mesh.key')}",
                f"-mesh-with={other}:{self.ports[other]}",
            ],
            port,
            env={"SSL_CERT_FILE": self.path("ca.crt")},
            **options,
        )
        relay.wait_log("listening on")
        return relay

    def login_at(self, peer, address, *names):
        for name in names:
            peer.do(f"connect {name} {address} {self.ports[address]} tls insecure")
        for name in names:
            peer.expect(f"up {name} 2")

    def crosses(self, sender, src, receiver, dst, data):
        """A packet from src, a client of one program, to dst of another."""
        to, of = "nodekey:" + receiver.key(dst), "nodekey:" + sender.key(src)

        def tried():
            sender.do(f"send {src} {to} {data}")
            try:
                receiver.expect(f"recv {dst} {of} .* {data}", patience=0.2)
                return True
            except AssertionError:
                return False

        wait_until(tried, f"a packet from {src} to {dst}")

    def both_ways(self, x, y, data):
        self.crosses(self.p, x, self.q, y, data + "01")
        self.crosses(self.q, y, self.p, x, data + "02")

    def test_what_changed_meanwhile_is_known_afterwards(self):
        self.login_at(self.p, cable.NEAR, "x", "leaves")
        self.login_at(self.q, cable.FAR, "y", "goes")
        self.both_ways("x", "y", "aa")
        self.both_ways("leaves", "goes", "ab")
        cable.run(*self.inside, "ip", "link", "set", "far", "down")
        # each side tells its watcher of these, who does not answer
        self.login_at(self.p, cable.NEAR, "new")
        self.login_at(self.q, cable.FAR, "other")
        self.p.do("close leaves")
        self.q.do("close goes")
        for relay in (self.near, self.far):
            wait_until(lambda: "watchers" not in relay.counters(), "the watcher to be cut off")
        cable.run(*self.inside, "ip", "link", "set", "far", "up")
        self.both_ways("x", "y", "ba")
        self.both_ways("new", "other", "bb")
        # who left is gone on both sides
        for relay in (self.near, self.far):
            wait_until(lambda: relay.counters().get("mesh_keys") == 3, "three keys at the other relay")


def setUpModule():
    cable.setUpModule()


if __name__ == "__main__":
    unittest.main()
