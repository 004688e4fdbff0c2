"""Receivers that read slowly, and receivers behind slow links: whoever makes
progress is kept, however little it is; whoever makes none is closed.

The same bursts as a file that is copied to them would be: 2 MB/s for one second
and for six.
"""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "link"))

import link  # noqa: E402
from relaytest import HOST, Scenario, free_port, make_cert, ours_only, wait_until  # noqa: E402
from slow_receiver import Trial, measure  # noqa: E402

KIB = 1024
RATES = [4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB]
BURSTS_S = [1, 6]
LASTS_S = 18  # longer than a receiver without progress has
ETHERNET = link.Way(delay_ms=2, queue=10**6)
# a weak mobile link
WEAK = link.Way(delay_ms=300, rate_kbit=64, loss=2, queue=16384)


class Receivers:
    tls = False

    def start(self, *more):
        """A relay that is reached from everywhere in this namespace."""
        port = free_port()
        flags = [f"-a=:{port}", "-c=" + self.path("k"), "-stun=false", *more]
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
            flags += ["-certmode=manual", "-certdir=" + self.folder]
            flags += ["-hostname=" + HOST, "-http-port=-1"]
        relay = self.spawn(flags, port)
        wait_until(relay.is_up, "the relay to listen")
        self.relay = (HOST, port, self.tls)

    def place(self, number, way):
        place = self.enterContext(link.Place())
        joined = self.enterContext(link.Link(place, number, way))
        return {"enter": place.command(), "far_host": joined.near}

    def run_all(self, rates, **where):
        """Runs all bursts at receivers of these rates (None: stuck)."""
        trials = [Trial(self.relay, r, b, **where) for b in BURSTS_S for r in rates]
        results = measure(trials, LASTS_S)
        for trial, (cut_s, got) in zip(trials, results):
            print(
                f"rate {trial.rate}, burst {trial.burst_s} s: "
                f"{'kept' if cut_s is None else f'cut off after {cut_s:.1f} s'}, read {got}"
            )
        return [(t.rate, t.burst_s, cut_s) for t, (cut_s, _) in zip(trials, results)]

    def kept(self, rates, **where):
        found = self.run_all(rates, **where)
        self.assertEqual([x for x in found if x[2] is not None], [])

    def test_slow_receivers_with_small_buffers_are_kept(self):
        # A segment over loopback is larger than such a buffer, and as long as
        # none fits as a whole, the kernel's user timeout sees no progress.
        self.start("-tcp-user-timeout=0")
        self.kept(RATES, rcvbuf=8192)

    def test_slow_receivers_are_kept(self):
        self.start()
        self.kept(RATES, **self.place(1, ETHERNET))

    def test_receivers_behind_a_weak_link_are_kept(self):
        self.start()
        # one link each: together they would be slower still
        trials = [
            Trial(self.relay, 0, burst_s, **self.place(number, WEAK))
            for burst_s, number in zip(BURSTS_S, (2, 3))
        ]
        for trial, (cut_s, got) in zip(trials, measure(trials, LASTS_S)):
            print(f"weak link, burst {trial.burst_s} s: cut off {cut_s}, read {got}")
            with self.subTest(trial.burst_s):
                self.assertIsNone(cut_s)

    def test_stuck_receivers_are_closed(self):
        self.start()
        found = self.run_all([None], **self.place(1, ETHERNET))
        self.assertEqual([x for x in found if x[2] is None], [])


@ours_only
class Plain(Receivers, Scenario):
    pass


@ours_only
class Tls(Receivers, Scenario):
    tls = True


if __name__ == "__main__":
    link.main()
