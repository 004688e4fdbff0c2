"""Network namespaces, and slow, long and lossy links between them.

A script that calls enter() runs itself again in a network namespace of its
own, the near end of every link. A Place is a further namespace; Link joins one
to the near end by two TUN devices with derp-link between them. All of it ends
with the process, however that ends: the namespaces are held by processes, and
derp-link ends, when their standard input does.

Environment: DERP_LINK is the emulator program.
"""

import collections
import json
import os
import subprocess
import sys
import unittest

DERP_LINK = os.environ.get("DERP_LINK", "derp-link")
INSIDE = "DERPKIT_IN_LINK_NAMESPACE"
SKIPPED = 77  # what ctest takes for skipped
MTU = 1500
DEVICE_QUEUE = 10000  # packets

# One direction: one-way delay in ms, rate in kbit/s (0: unlimited), loss in
# percent of the packets, and bytes that may wait for the transmitter.
Way = collections.namedtuple("Way", "delay_ms rate_kbit loss queue")
Way.__new__.__defaults__ = (0, 0, 0, 65536)


class Unavailable(Exception):
    """Why there can be no links here."""


def run(*command):
    """Runs it; what it printed. Its message, if it fails, is the failure's."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def enter():
    """Goes on in a network namespace of its own, with only a loopback
    interface; raises Unavailable where that is not possible."""
    if os.environ.get(INSIDE):
        run("ip", "link", "set", "lo", "up")
        return
    alone = ["unshare", "--map-root-user", "--net"]
    trial = "ip link set lo up && ip tuntap add trial mode tun && unshare -n true"
    try:
        run(*alone, "sh", "-c", trial)
    except (OSError, RuntimeError) as e:
        raise Unavailable(f"no network namespaces or TUN devices: {e}") from None
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[INSIDE] = "1"
    os.execvp(alone[0], [*alone, sys.executable, "-B", *sys.argv])


class Place:
    """Another network namespace; a context manager."""

    def __init__(self):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if not self.holder.stdout.readline():
            self.close()
            raise RuntimeError("no further network namespace")
        self.path = f"/proc/{self.holder.pid}/ns/net"

    def command(self, *words):
        """The words that run a command there."""
        return ["nsenter", "--net=" + self.path, "--", *words]

    def run(self, *words):
        return run(*self.command(*words))

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Link:
    """A link from this namespace to a place: 10.93.NUMBER.1 here, .2 there,
    which has no other route; a context manager."""

    def __init__(self, place, number=0, to_far=Way(), to_near=None, seed=1):
        to_near = to_far if to_near is None else to_near
        device = f"link{number}"
        self.near, self.far = f"10.93.{number}.1", f"10.93.{number}.2"
        command = [DERP_LINK, f"-seed={seed}", f"-far-ns={place.path}"]
        command += [f"-near-dev={device}", f"-far-dev={device}"]
        for name, way in (("to-far", to_far), ("to-near", to_near)):
            command += [f"-{name}-delay={way.delay_ms}ms", f"-{name}-rate={way.rate_kbit}"]
            command += [f"-{name}-loss={way.loss}", f"-{name}-queue={way.queue}"]
        self.proc = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if not self.proc.stdout.readline():
            self.close()
            raise RuntimeError("derp-link has not started")
        for where, address in ((run, self.near), (place.run, self.far)):
            # no IPv6: its router solicitations would be counted, and lost
            where("ip", "link", "set", device, "mtu", str(MTU), "addrgenmode", "none")
            # the queue is the emulator's, so no packet may be lost before it
            where("ip", "link", "set", device, "txqueuelen", str(DEVICE_QUEUE))
            where("ip", "addr", "add", address + "/24", "dev", device)
            where("ip", "link", "set", device, "up")
        place.run("ip", "route", "add", "default", "via", self.near)

    def stats(self):
        """Packets and bytes so far: {"to_far": {"offered": …}, "to_near": …}."""
        self.proc.stdin.write("stats\n")
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())

    def close(self):
        self.proc.stdin.close()
        self.proc.stdout.close()
        self.proc.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    """unittest.main, in a namespace of its own; ends as skipped, with the
    reason, where that cannot be."""
    try:
        enter()
    except Unavailable as e:
        print(f"SKIPPED: {e}", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
