"""A quiet client is told now and then that the relay lives."""

import unittest

from relaytest import Scenario


class KeepAlive(Scenario):
    def test_quiet_clients_get_one_after_a_minute(self):
        relays = [self.derper(), self.derper(tls=True)]
        p = self.peer()
        for i, relay in enumerate(relays):
            p.login(relay, f"quiet{i}", f"busy{i}", f"old{i}", f"new{i}")
        for i in range(len(relays)):
            for name in (f"quiet{i}", f"busy{i}", f"old{i}", f"new{i}"):
                p.expect(f"keepalive {name}", patience=120)


if __name__ == "__main__":
    unittest.main()
