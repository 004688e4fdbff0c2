#!/usr/bin/env python3
"""derper doctor: relays whose sockets, addresses or names are not those of their flags."""

import os
import socket
import subprocess
import sys
import unittest

from relaytest import DERPER, HOST, clean_env, free_port, make_cert, wait_until
from test_doctor import Base

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "derp.example.invalid"


class Given(Base):
    """Sockets that the relay was given."""

    def setUp(self):
        super().setUp()
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)

    def is_listening(self, name):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.path(name)) == 0

    def sockets(self, host=HOST):
        """A listener and a UDP socket on ports that the kernel chose."""
        own, stun = socket.create_server((host, 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(own.close)
        self.addCleanup(stun.close)
        stun.bind((host, 0))
        return own, stun

    def flags_for(self, port, stun):
        return [f"-a={HOST}:{port}", f"-stun-port={stun}", "-c=" + self.path("derper.key"), f"-hostname={HOST}",
                "-certmode=manual", f"-certdir={self.folder}", "-http-port=-1", "-max-connections=100",
                "-control-socket=" + self.path("s")]

    def activate(self, flags, own, stun, before=()):
        """The relay with sockets that it is given."""
        fds = [own.fileno(), stun.fileno()]
        given = [sys.executable, os.path.join(HERE, "servicemanager.py"), f"https={fds[0]}", f"stun={fds[1]}"]
        relay = subprocess.Popen([*before, *given, "--", DERPER, *flags], pass_fds=fds, env=clean_env(),
                                 cwd=self.folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(relay.wait)
        self.addCleanup(relay.kill)
        wait_until(lambda: self.is_listening("s") or relay.poll() is not None, "its socket")
        self.assertIsNone(relay.poll())
        return relay

    def test_ports_that_others_have_too(self):
        """As the service manager does that gave them to the relay: its process is the older one."""
        own, stun = self.sockets()
        port, stun_port = own.getsockname()[1], stun.getsockname()[1]
        flags = self.flags_for(port, stun_port)
        relay = self.activate(flags, own, stun)
        for words in ((), flags[:-1]):
            found = self.doctor(*words, env={"DERP_CONTROL_SOCKET": self.path("s")})
            self.assertEqual(self.told["relay_pid"], relay.pid)
            for there in (f"tcp {port}", f"udp {stun_port}"):
                self.has(found, "ports", "ok", f"{there}: the relay listens (process {relay.pid})")

    def test_sockets_on_other_ports_than_the_flags_say(self):
        own, stun = self.sockets()
        port, stun_port = own.getsockname()[1], stun.getsockname()[1]
        relay = self.activate(self.flags_for(free_port(), free_port()), own, stun)
        found = self.ask()
        self.assertEqual((self.told["relay_pid"], self.told["errors"]), (relay.pid, 0), self.told)
        for there in (f"tcp {port}", f"udp {stun_port}"):
            self.has(found, "ports", "ok", f"{there}: the relay listens (process {relay.pid})")
        self.has(found, "names", "ok", f"port {port} of {HOST} accepts connections")
        self.has(found, "certificate", "ok", "the relay serves it")
        self.assertEqual(self.levels(found, "stun"), ["ok", "ok"])

    def test_a_socket_on_one_other_address(self):
        own, stun = self.sockets("127.0.0.2")
        self.activate(self.flags_for(free_port(), free_port()), own, stun)
        found = self.ask()
        self.has(found, "certificate", "ok", "the relay serves it")
        self.has(found, "stun", "ok", "udp 127.0.0.2:%d answers" % stun.getsockname()[1])

    def test_a_relay_in_a_pid_namespace(self):
        """As in a container with the host's network: LISTEN_PID is a number of there."""
        before = ["unshare", "-p", "-f", "--kill-child"]
        if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("namespaces cannot be made here")
        own, stun = self.sockets()
        self.activate(self.flags_for(free_port(), free_port()), own, stun, before)
        found = self.ask()
        for port in (f"tcp {own.getsockname()[1]}", f"udp {stun.getsockname()[1]}"):
            self.has(found, "ports", "ok", f"{port}: the relay listens")


class Orders(Base):
    """A relay that orders its certificate from an authority that is away."""

    def start(self, hostname):
        return self.derper("-control-socket=" + self.path("s"), "-certmode=letsencrypt", "-http-port=-1",
                           f"-acme-directory=https://{HOST}:{free_port()}/dir", "-certdir=" + self.path("certs"),
                           f"-hostname={hostname}", "-max-connections=100")

    def test_none_has_come_yet(self):
        self.start(NAME)
        found = self.ask()
        self.has(found, "certificate", "warning", f"there is none for {NAME} yet")
        self.assertEqual(len(found["certificate"]), 1, found["certificate"])

    def test_a_name_with_a_final_dot(self):
        os.mkdir(self.path("certs"), 0o700)
        make_cert(self.folder, NAME, f"DNS:{NAME}", days=400)
        text = ""
        for end in (".key", ".crt"):
            with open(self.path(NAME + end), encoding="utf-8") as f:
                text += f.read()
        self.write("certs/" + NAME, text)
        self.start(NAME + ".")
        self.has(self.ask(), "certificate", "ok", "the relay serves it")


if __name__ == "__main__":
    unittest.main()
