"""A flood of anything that is logged: 20 lines at once, then 5 a second."""

import re
import time
import unittest

from hostile import HostileScenario, scaled
from relaytest import UPGRADE, dial, frame, ours_only, read_all, stub_verify

BURST, PER_S = 20, 5
# Far more than the limit lets through while they come, and so many more as it
# takes on a slow machine.
COUNT = max(150, scaled(1000))
SLOW_S = 120
CLOSED = "-verify-client-url-fail-open=false"


@ours_only
class Flood(HostileScenario):
    flags = ("-loops=1",)  # limits are each loop's

    def flood(self, strike, pattern, count=COUNT):
        mark, started = self.relay.log_mark(), time.monotonic()
        done = 0
        while done < count or self.allowed(started) > 0.8 * done:
            self.assertLess(time.monotonic() - started, SLOW_S, "too slow to be judged")
            strike()
            done += 1
        count = done
        self.undisturbed()  # and what was done is logged
        lasted = time.monotonic() - started
        hits, held, others = self.tally(mark, pattern)
        print(f"{count} in {lasted:.1f} s, {hits} lines, {held} held back")
        allowed = self.allowed(started)
        self.assertGreaterEqual(hits, BURST)
        self.assertLessEqual(hits, allowed)
        self.assertLessEqual(others, allowed)  # notes of what was held back
        # the next one that may be told, tells how many were not
        time.sleep(1.5 / PER_S)
        last = self.relay.log_mark()
        strike()
        if hits + held < count:
            self.relay.wait_log("similar lines suppressed", last)
        self.relay.wait_log(pattern, last)
        hits, held, _ = self.tally(mark, pattern)
        self.assertEqual(hits + held, count + 1)
        self.left(slack=2)

    @staticmethod
    def allowed(started):
        """Lines that the limit may have let through since then."""
        return BURST + PER_S * (time.monotonic() - started + 1)

    def tally(self, mark, pattern):
        """Lines of the kind, how many more there would be, other lines."""
        with self.relay.log.cond:
            lines = self.relay.log.lines[mark:]
        hits = sum(pattern in line for line in lines)
        notes = re.findall("([0-9]+) similar lines suppressed", "\n".join(lines))
        return hits, sum(int(n) for n in notes), len(lines) - hits

    def bad_login(self):
        with dial(self.relay) as sock:
            sock.sendall(UPGRADE + frame(0x04, bytes(40)))
            read_all(sock)

    def test_bad_logins(self):
        self.besiege()
        self.flood(self.bad_login, "bad frame type 0x4")

    def test_bad_frames(self):
        self.besiege()
        peer = self.peer()

        def strike():
            peer.login(self.relay, "bad")
            peer.do("frame bad 07 0101")
            peer.expect("closed bad .*")

        self.flood(strike, "frame of 2 bytes: bad length")

    def test_rejected_clients(self):
        stub = stub_verify(self, lambda path, body: (200, '{"Allow":true}'))
        self.besiege("-verify-client-url=" + stub.url, CLOSED)
        stub.answer = lambda path, body: (200, '{"Allow":false}')
        peer = self.peer()

        def strike():
            peer.refused(self.relay, "unknown")

        self.flood(strike, "rejected: ")


if __name__ == "__main__":
    unittest.main()
