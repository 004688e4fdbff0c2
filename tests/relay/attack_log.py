"""Foreign text in the log: nothing of it is interpreted by a terminal."""

import time
import unittest

from attacks import INJECTIONS, LogInjection, unfit
from hostile import HostileScenario
from relaytest import HOST, make_cert, ours_only


class Injection(HostileScenario):
    def test_headers_are_quoted(self):
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege("-loops=1")
        mark, started = self.relay.log_mark(), time.monotonic()
        attack = LogInjection(self.relay)
        for text in INJECTIONS:
            attack.send(text)
        self.undisturbed()
        lines = self.logged("(?i)upgrade", mark, started)
        bad = unfit(lines)
        print(f"{len(lines)} lines, {len(bad)} that are not printable: {bad[:3]!r}")
        self.assertEqual(bad, [])
        # a quote within quoted text is escaped: no field is added
        self.assertEqual([x for x in lines if '" level=' in x.replace('\\"', "_")], [])


@ours_only
class Plain(Injection):
    pass


@ours_only
class Tls(Injection):
    tls = True


del Injection  # or it would be run as a test itself

if __name__ == "__main__":
    unittest.main()
