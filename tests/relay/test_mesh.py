"""Relays of one region that are a mesh: whoever is at one is reached from all."""

import os
import signal
import unittest

from relaytest import HOST, Scenario, free_port, make_cert, ours_only, wait_until

MESH_KEY = "5e" * 32


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
        self.reaches("z", "y", "aa03")
        self.kill(a)
        self.p.expect("gone y z 0")


if __name__ == "__main__":
    unittest.main()
