#!/usr/bin/env python3
"""Certificates that the relay orders itself, from the pebble of its Go module,
which is younger than Debian's: all of test_acme.py, and renewals when the
authority suggests them. Run by `make e2e`.

DERPKIT_PEERS: the folder with pebble; see relaytest.py for the rest.
"""

import os
import re
import signal
import sys
import unittest

os.environ["PEBBLE"] = os.path.join(os.environ.get("DERPKIT_PEERS", "build/peers"), "pebble")

from acmetest import PEBBLE  # noqa: E402
from relaytest import IS_GO, wait_until  # noqa: E402
from test_acme import CERTIFICATE, NAME, Orders, Relays  # noqa: E402, F401


SUGGESTED = "suggests to renew between 2020-01-01 00:00 UTC and 2020-01-02 00:00 UTC"


class Suggestions(Relays):
    def test_a_renewal_when_it_is_suggested(self):
        """Long before it is due, and no client is dropped."""
        relay = self.relay(http=False)
        # the next is not ordered before a twentieth of that has passed
        self.begin(relay, lifetime=100)
        self.issued(relay)
        self.wait_served(relay)
        p = self.login(relay)

        def suggested():
            """It may have been renewed meanwhile: then for that one."""
            pem = re.search(CERTIFICATE, self.file(NAME), re.S).group(0)
            self.authority.suggest(pem, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
            relay.proc.send_signal(signal.SIGHUP)
            lines = relay.log.text().splitlines()
            return next((i for i, line in enumerate(lines, 1) if SUGGESTED in line), None)

        # from there on: it may have been issued before this is known
        self.issued(relay, wait_until(suggested, "the relay to hear the suggestion"))
        self.wait_served(relay)
        self.authority.log.wait("ARI: order .* is a replacement of")
        p.ping("a")


if __name__ == "__main__":
    if PEBBLE is None or IS_GO:
        print("e2e: SKIPPED in it: there is no pebble in DERPKIT_PEERS", file=sys.stderr)
        sys.exit(0)
    unittest.main()
