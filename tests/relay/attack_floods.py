"""Handshake messages after the handshake, without end and without reading what
comes back: the relay neither keeps the answers nor lets others wait."""

import time
import unittest

from attacks import EmptyClientHellos, KeyUpdates
from hostile import SCALE, HostileScenario, rss_kb
from relaytest import HOST, make_cert, ours_only

LASTS_S = 5
CONNECTIONS = 4
# Sockets' worth of answers, and what the allocator keeps.
GROWTH_KB = 4 * 1024 * (1 if SCALE == 1 else 24)
# Of the quiet pair: three times what it was, and no less than this, as a busy
# machine's scheduler takes its time.
P50_FLOOR_US = 5000 * (1 if SCALE == 1 else 4)


@ours_only
class Floods(HostileScenario):
    tls = True

    def setUp(self):
        super().setUp()
        make_cert(self.folder, HOST, f"IP:{HOST}")

    def flood(self, kind, *flags):
        self.besiege("-loops=1", *flags)
        before, largest = rss_kb(self.relay), 0
        with kind(self.relay, CONNECTIONS) as attack:
            until = time.monotonic() + LASTS_S
            while time.monotonic() < until:
                largest = max(largest, rss_kb(self.relay) - before)
                time.sleep(0.05)
            during = self.quiet.mark()
        print(
            f"{kind.kind}: {attack.sent} sent, {attack.ended} connections ended; "
            f"RSS {largest:+} kB, quiet pair p50 {self.before.p50} -> {during.p50} us, "
            f"p99 {self.before.p99} -> {during.p99} us, {during.lost} lost"
        )
        self.assertEqual(self.quiet.broken(), [])
        self.assertEqual(during.lost, 0)
        with self.subTest("each connection is ended"):
            self.assertGreaterEqual(attack.ended, CONNECTIONS)
        with self.subTest("the memory is bounded"):
            self.assertLess(largest, GROWTH_KB)
        with self.subTest("others do not wait"):
            self.assertLessEqual(during.p50, max(3 * self.before.p50, P50_FLOOR_US))
        self.left()

    def test_empty_client_hellos(self):
        self.flood(EmptyClientHellos)

    def test_key_updates(self):
        self.flood(KeyUpdates)

    def test_key_updates_on_openssl_records(self):
        self.flood(KeyUpdates, "-tls-records=openssl")


if __name__ == "__main__":
    unittest.main()
