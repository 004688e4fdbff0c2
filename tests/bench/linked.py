"""What is measured over emulated links: a tailnet across a wide area, and
receivers that are slow. As in scenarios.py, one class per question; they run in
a network namespace of their own, which bench.py makes.
"""

import contextlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", name) for name in ("link", "relay")]

import link            # noqa: E402
import slow_receiver   # noqa: E402
from relays import Failure  # noqa: E402
from scenarios import Metric, Scenario  # noqa: E402
from tailnet import PROGRAMS, Tailnet  # noqa: E402, F401 (for bench.py)

ADDRESS = "10.91.0.1"  # of relay and control server, at the near end of links
PING_EVERY_S = 0.1
KIB = 1024


def way(delay_ms, rate_mbit, loss=0):
    """A direction with a queue of 100 ms, as a router has."""
    queue = max(65536, int(rate_mbit * 1e6 / 8 / 10))
    return link.Way(delay_ms, int(rate_mbit * 1000), loss, queue)


# The sender's link and the receiver's; delays are one-way.
WIDE = {
    "metro": ("2 x 10 ms, 100 Mbit/s", way(10, 100), way(10, 100)),
    "far": ("2 x 50 ms, 50 Mbit/s", way(50, 50), way(50, 50)),
    "lossy": ("2 x 50 ms, 50 Mbit/s, 0.3 % loss", way(50, 50, 0.3),
              way(50, 50, 0.3)),
    "slow receiver": ("2 x 10 ms, 50 to 10 Mbit/s", way(10, 50), way(10, 10)),
    "mobile": ("60 + 30 ms, 20 Mbit/s, 1 % loss", way(60, 20, 1), way(30, 20)),
}


@contextlib.contextmanager
def places(*ways):
    """Namespaces, each behind a link like this, that reach ADDRESS."""
    with contextlib.ExitStack() as stack:
        found = []
        for number, one in enumerate(ways, 1):
            place = stack.enter_context(link.Place())
            joined = stack.enter_context(link.Link(place, number, one))
            found.append((place, joined))
        yield found


class Linked(Scenario):
    def __init__(self, bench):
        super().__init__(bench)
        # what is not measured with derp-load has no such limits
        self.judged = {"limit": "none", "noisy": False}

    def shows_records(self, params):
        return False


class WideArea(Linked):
    name = "wide"
    title = "Two tailscaleds over emulated links, one TCP stream"

    def cases(self):
        for name in WIDE:
            yield True, {"link": name}

    def metrics(self, params):
        return [Metric("goodput_mbit", "goodput", "Mbit/s", "higher"),
                Metric("p50_ms", "ping beside it, p50", "ms"),
                Metric("p99_ms", "ping beside it, p99", "ms"),
                Metric("idle_p50_ms", "ping without it, p50", "ms")]

    def label(self, params):
        return "%s (%s)" % (params["link"], WIDE[params["link"]][0])

    def measure(self, running, params):
        _, *ways = WIDE[params["link"]]
        with places(*ways) as found, Tailnet(
                self.bench.peers, running, self.bench.home,
                [place for place, _ in found]) as net:
            idle, _ = net.pings(self.set.wide_idle_s, PING_EVERY_S)
            with net.stream() as arrived:
                time.sleep(self.set.wide_warmup_s)
                before, since = arrived()
                times, lost = net.pings(self.set.wide_s, PING_EVERY_S)
                after, until = arrived()
        if not idle or not times:
            raise Failure("%s: no ping came back" % running.relay.name)
        return {**self.judged, "goodput_mbit":
                8 * (after - before) / (until - since) / 1e6,
                "p50_ms": times[len(times) // 2],
                "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)],
                "idle_p50_ms": idle[len(idle) // 2],
                "pings": len(times), "lost_pings": lost}


class SlowReceivers(Linked):
    name = "slow"
    title = "Slow receivers after a burst of 2 MB/s: seconds until cut off"
    rates = [4, 8, 16, 32, 64]  # KiB/s
    weak = link.Way(delay_ms=300, rate_kbit=64, loss=2, queue=16384)
    ethernet = link.Way(delay_ms=2, queue=10**6)

    def cases(self):
        for burst_s in (1, 6):
            yield True, {"burst_s": burst_s}

    def metrics(self, params):
        found = [Metric(self.key(r), "%d KiB/s" % r, "s", "higher")
                 for r in self.rates]
        return found + [Metric("weak_s", "64 kbit/s, 300 ms, 2 % loss", "s",
                               "higher"),
                        Metric("stuck_s", "one that reads nothing", "s"),
                        Metric("kept", "kept of those that read", "",
                               "higher")]

    @staticmethod
    def key(rate):
        return "rate_%d_s" % rate

    def label(self, params):
        return "burst of %d s, kept if %d" % (params["burst_s"],
                                              self.set.slow_s)

    def measure(self, running, params):
        relay = (running.host, running.port, running.tls)
        keys = [self.key(r) for r in self.rates] + ["weak_s", "stuck_s"]
        with places(self.ethernet, self.weak) as found:
            fast, weak = (place.command() for place, _ in found)
            rates = [(r * KIB, fast) for r in self.rates]
            rates += [(0, weak), (None, fast)]
            trials = [slow_receiver.Trial(relay, rate, params["burst_s"], where)
                      for rate, where in rates]
            results = slow_receiver.measure(trials, self.set.slow_s)
        cut = dict(zip(keys, (at for at, _ in results)))
        kept = sum(at is None for key, at in cut.items() if key != "stuck_s")
        shown = {key: self.set.slow_s if at is None else at
                 for key, at in cut.items()}
        return {**self.judged, **shown, "kept": kept}


ALL = [WideArea, SlowReceivers]


# the words that run a command in a network namespace of its own
ALONE = ["unshare", "--map-root-user", "--net"]


def prepare(ours):
    """Called in the namespace: the address that everybody reaches, no way from
    one link to another, and the emulator of the build that `ours` is from."""
    link.DERP_LINK = os.environ.get("DERP_LINK") or os.path.join(
        os.path.dirname(ours), "..", "tests", "derp-link")
    link.run("ip", "link", "set", "lo", "up")
    link.run("ip", "addr", "add", ADDRESS + "/32", "dev", "lo")
    with contextlib.suppress(OSError), open(
            "/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("0")
