"""A peer whose link is cut without a word: no FIN and no reset ever comes.

The file runs itself again in a network namespace of its own, where the relay,
its near clients and one end of a virtual cable are; the far clients sit in
another one behind that cable. All of it ends with its processes.
"""

import contextlib
import os
import subprocess
import sys
import time
import unittest

from hostile import HostileScenario
from relaytest import DERP_PEER, IS_GO, Peer, free_port, make_cert, wait_until

NEAR, FAR = "198.51.100.1", "198.51.100.2"
USER_TIMEOUT_S = 2
# Its timers are the kernel's and coarse; without the option it is 15 minutes.
LATEST_S = USER_TIMEOUT_S + 30
INSIDE = "DERPKIT_IN_NAMESPACE"


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


class Dropped:
    flags = (
        f"-tcp-user-timeout={USER_TIMEOUT_S}s",
        "-tcp-keepalive-time=1s",
        "-tcp-write-timeout=0",  # it would be quicker
        "-loops=2",
    )

    def derper(self, *flags, tls=False):
        """A relay that listens at both ends of the cable."""
        port = free_port()
        all_flags = [f"-a=:{port}", "-c=" + self.path("k"), "-stun=false", *flags]
        if tls:
            make_cert(self.folder, NEAR, f"IP:{NEAR}")
            all_flags += ["-certmode=manual", "-certdir=" + self.folder]
            all_flags += ["-hostname=" + NEAR, "-http-port=-1"]
        relay = self.spawn(all_flags, port)
        relay.tls = tls
        wait_until(relay.is_up, "the relay to listen")
        return relay

    def plug(self):
        """A namespace at the other end of a new cable: the words that run a
        command in it."""
        holder = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.stdin.close)
        holder.stdout.readline()
        pid = str(holder.pid)
        inside = ["nsenter", "-t", pid, "-n"]
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", pid)
        self.addCleanup(run, "ip", "link", "del", "near")
        run("ip", "addr", "add", NEAR + "/24", "dev", "near")
        run("ip", "link", "set", "near", "up")
        run(*inside, "ip", "addr", "add", FAR + "/24", "dev", "far")
        run(*inside, "ip", "link", "set", "far", "up")
        return inside

    def setUp(self):
        super().setUp()
        self.inside = self.plug()
        self.besiege()
        self.far = Peer([*self.inside, DERP_PEER])
        self.addCleanup(self.far.stop)
        self.near = self.peer()

    def login_far(self, *names):
        options = "tls insecure" if self.tls else ""
        for name in names:
            self.far.do(f"connect {name} {NEAR} {self.relay.port} {options}")
        for name in names:
            self.far.expect(f"up {name} 2")

    def cut(self):
        """Everything sent to the far end vanishes, and nothing comes."""
        began = time.monotonic()
        run(*self.inside, "ip", "link", "set", "far", "down")
        return began

    def heard_from(self, name, *listeners):
        """They have a packet of it, so they are told when it goes."""
        key = self.far.key(name)
        for listener in listeners:
            to = "nodekey:" + self.near.key(listener)
            self.far.do(f"send {name} {to} 01")
            self.near.expect(f"recv {listener} nodekey:{key} 1 01")
        return "nodekey:" + key

    def test_packets_to_it_find_out(self):
        self.near.login(self.relay, "sender", "listener")
        self.login_far("away")
        away = self.heard_from("away", "sender", "listener")
        since = self.cut()
        gone = f"gone (sender|listener) {away} 0"
        while True:
            self.near.do(f"send sender {away} 02")
            with contextlib.suppress(AssertionError):
                self.near.expect(gone, patience=0.1)
                break
            self.assertLess(time.monotonic() - since, LATEST_S)
        lasted = time.monotonic() - since
        self.near.expect(gone)  # the other one is told as well
        print(f"gone {lasted:.1f} s after the cut")
        self.assertGreater(lasted, USER_TIMEOUT_S / 2)
        self.near.ping("sender", "listener")
        self.far.absent("closed .*")
        self.near.absent("closed .*")
        self.undisturbed()

    def test_an_idle_one_is_found_out_by_keep_alives(self):
        # the relay sets when the first one is sent, the system how often
        with open("/proc/sys/net/ipv4/tcp_keepalive_intvl", "w") as f:
            f.write("1")
        self.near.login(self.relay, "listener")
        self.login_far("away")
        away = self.heard_from("away", "listener")
        since = self.cut()
        self.near.expect(f"gone listener {away} 0", patience=LATEST_S)
        print(f"idle, and gone {time.monotonic() - since:.1f} s after the cut")
        self.near.ping("listener")
        self.undisturbed()

    def test_many_at_once(self):
        self.near.login(self.relay, "sender")
        names = [f"away{i}" for i in range(50)]
        self.login_far(*names)
        keys = [self.heard_from(name, "sender") for name in names]
        since = self.cut()
        # much for each of them, so that all there is room for is full
        for key in keys:
            self.near.do(f"flood sender {key} 200 1400")
        for key in keys:
            self.near.expect(f"gone sender {key} 0", patience=LATEST_S)
        print(f"50 gone {time.monotonic() - since:.1f} s after the cut")
        self.near.ping("sender")
        self.undisturbed()
        self.near.do("close sender")
        self.left()


class Plain(Dropped, HostileScenario):
    pass


class Tls(Dropped, HostileScenario):
    tls = True


def enter():
    """Goes on in a namespace; why not, if that is not possible."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = ["unshare", "--map-root-user", "--net"]
    try:
        trial = "ip link set lo up && ip link add near type veth peer name far && unshare -n true"
        run(*command, "sh", "-c", trial)
    except FileNotFoundError as e:
        return str(e)
    except subprocess.CalledProcessError as e:
        return e.stderr.decode().strip()
    os.environ[INSIDE] = "1"
    os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])


def setUpModule():
    """Skips all of it, and says why, where namespaces are not to be had."""
    if IS_GO:
        raise unittest.SkipTest("the flags are those of the relay of this build")
    if not os.environ.get(INSIDE):
        raise unittest.SkipTest(f"no network namespaces: {enter()}")
    run("ip", "link", "set", "lo", "up")


if __name__ == "__main__":
    unittest.main()
