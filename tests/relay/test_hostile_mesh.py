"""Who has the mesh key and makes bad use of it: watchers that do not read, and
peers that forward what is not there. See test_mesh.py for relays that lie."""

import os
import unittest

from hostile import SCALE, Crowd, HostileScenario, rss_kb, scaled
from relaytest import frame, ours_only

MESH_KEY = "5e" * 32
MESH = "mesh=" + MESH_KEY
FORWARD_PACKET, WATCH_CONNS, CLOSE_PEER = "0a", "10", "11"
WATCHERS = 4
GROWTH_KB = 16 * 1024 * (1 if SCALE == 1 else 24)


@ours_only
class MeshKey(HostileScenario):
    def setUp(self):
        super().setUp()
        self.write("mesh.key", MESH_KEY + "\n")
        os.chmod(self.path("mesh.key"), 0o600)
        # without the timeouts that end who does not read: the queues are meant
        self.besiege("-loops=2", "-mesh-psk-file=" + self.path("mesh.key"),
                     "-tcp-user-timeout=0", "-tcp-write-timeout=0")
        self.p = self.peer()

    def watch(self, *names, options=""):
        self.p.login(self.relay, *names, options=f"{MESH} {options}")
        for name in names:
            self.p.do(f"frame {name} {WATCH_CONNS} -")
        for name in names:  # itself, too
            self.p.expect(f"present {name} {name} .*")

    def test_watchers_that_do_not_read(self):
        """Their news are not queued: they get what has become of it all."""
        slow = [f"slow{i}" for i in range(WATCHERS)]
        self.watch(*slow, options="rcvbuf=4096")
        for name in slow:
            self.p.do(f"pause {name}")
        self.p.sync()
        crowd = Crowd(self, self.relay)
        crowd.login(scaled(2000))
        before, largest = rss_kb(self.relay), 0
        for _ in range(6):
            self.assertEqual(crowd.ask(f"storm {scaled(2000)}").split()[1], "0")
            largest = max(largest, rss_kb(self.relay) - before)
        self.assertLess(largest, GROWTH_KB)
        self.undisturbed()
        # whoever reads again is told of the last one, as it comes after all
        self.p.login(self.relay, "last")
        for name in slow:
            self.p.do(f"resume {name}")
            self.p.expect(f"present {name} last .*")
        self.p.do("close last")
        for name in slow:
            self.p.expect(f"gone {name} last .*")

    def test_forwarding_what_is_not_there(self):
        """Packets between keys that nobody has, and closes of them."""
        self.p.login(self.relay, "liar", options=MESH)
        unknown = os.urandom(32)
        packet = frame(0x0A, unknown + os.urandom(32) + bytes(1000)).hex()
        close = frame(0x11, unknown).hex()
        for _ in range(scaled(200) + 1):
            self.p.do("raw liar " + (packet + close) * 20)
        self.p.ping("liar")
        self.undisturbed()
        self.assertGreater(self.relay.counters()["dropped_unknown_dest_on_fwd"], 20)

    def test_frames_that_are_cut_short_end_it(self):
        for body in ("", "00" * 31, "00" * 63):
            self.p.login(self.relay, "liar", options=MESH)
            self.p.do(f"frame liar {FORWARD_PACKET} {body or '-'}")
            self.p.expect("closed liar .*")
        for body in ("", "00" * 31):
            self.p.login(self.relay, "liar", options=MESH)
            self.p.do(f"frame liar {CLOSE_PEER} {body or '-'}")
            self.p.expect("closed liar .*")
        self.undisturbed()
        self.left()

    def test_one_without_the_key_may_do_nothing_of_it(self):
        for kind, body in ((WATCH_CONNS, "-"), (CLOSE_PEER, "00" * 32),
                           (FORWARD_PACKET, "00" * 65)):
            self.p.login(self.relay, "liar", options="mesh=" + "5f" * 32)
            self.p.do(f"frame liar {kind} {body}")
            self.p.expect("closed liar .*")
        self.undisturbed()
        self.left()


if __name__ == "__main__":
    unittest.main()
