"""A client is told about once a minute that the relay lives, quiet or not."""

import threading
import time
import unittest

from hostile import SCALE
from relaytest import Scenario

# 60 to 65 s in the relay; a slow build adds its own time
EARLIEST_S = 55
LATEST_S = 75 if SCALE == 1 else 120


class KeepAlive(Scenario):
    def test_everybody_gets_one_after_a_minute(self):
        relays = [self.derper(), self.derper(tls=True)]
        p, talker = self.peer(), self.peer()
        since = {}
        for i, relay in enumerate(relays):
            for name in (f"quiet{i}", f"busy{i}"):
                since[name] = time.monotonic()
                p.login(relay, name)
            talker.login(relay, f"talker{i}")
            p.do(f"count busy{i}")
        busy = ["nodekey:" + p.key(f"busy{i}") for i in range(len(relays))]
        talkers = ["nodekey:" + talker.key(f"talker{i}") for i in range(len(relays))]
        over = threading.Event()

        def talk():
            """Packets, all the time, to the busy ones and from them."""
            while not over.wait(0.05):
                for i in range(len(relays)):
                    talker.do(f"send talker{i} {busy[i]} 01")
                    p.do(f"send busy{i} {talkers[i]} 02")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        for name, began in since.items():
            p.expect(f"keepalive {name}", patience=120)
            lasted = time.monotonic() - began
            print(f"{name}: the first keep-alive after {lasted:.1f} s")
            self.assertGreaterEqual(lasted, EARLIEST_S)
            self.assertLessEqual(lasted, LATEST_S)
        over.set()
        thread.join()
        for i in range(len(relays)):
            self.assertGreater(p.stats(f"busy{i}")["packets"], 100)
            talker.expect(f"recv talker{i} {busy[i]} 1 02")


if __name__ == "__main__":
    unittest.main()
