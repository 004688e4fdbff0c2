"""Who is told that a client has gone, and several connections of one key."""

import itertools
import unittest

from relaytest import DISCO, Scenario, ours_only, wait_until

PRIVATE = "40" * 31 + "41"  # any 32 bytes are a private key


class Presence:
    tls = False

    def setUp(self):
        super().setUp()
        self.relay = self.derper(tls=self.tls)
        self.p = self.peer()

    def same_key(self, *names):
        for name in names:
            self.p.key(name, PRIVATE)

    def test_who_received_is_told_once(self):
        self.p.login(self.relay, "a", "b", "c")
        self.p.do("send a b 01", "send a b 02", "send c a 03")
        self.p.expect("recv b a 1 02")
        self.p.expect("recv a c 1 03")
        self.p.do("close a")
        self.p.expect("gone b a 0")
        self.p.settle("b", "c")
        # c only sent to a, so it is not told; nor is b told twice
        self.p.absent("gone .*")

    @ours_only
    def test_who_is_to_be_told_is_counted(self):
        self.p.login(self.relay, "a", "b", "c")
        self.p.do("send a b 01", "send c b 02", "send a b 03")
        self.p.expect("recv b a 1 03")
        self.p.settle("b", "c")
        counters = self.relay.counters()
        self.assertEqual(counters["notify_pairs"], 2)
        self.assertEqual(counters["notify_refused"], 0)

    @ours_only  # the Go one forgets it now and then
    def test_gone_comes_always_once_and_after_the_packets(self):
        self.p.login(self.relay, "b")
        for i in range(60):
            self.p.login(self.relay, "a")
            key = self.p.key("a")
            self.p.do(f"raw a {('0400000021' + self.p.key('b') + '77') * 10}", "close a")
            self.p.expect("gone b a 0")
            del key
            for _ in range(10):  # they came before: nothing is waited for
                self.p.expect("recv b a 1 77", patience=0)
        self.p.settle("b")
        self.p.absent("(gone|recv) .*")

    def test_gone_is_not_sent_while_another_connection_remains(self):
        self.same_key("a1", "a2")
        self.p.login(self.relay, "b", "a1")
        self.p.do("send a1 b 01")
        self.p.expect("recv b a1 1 01")
        self.p.login(self.relay, "a2")
        self.p.do("close a1")
        self.p.expect("closed a1 here")
        self.p.settle("b", "a2")
        self.p.absent("gone .*")
        self.p.do("close a2")
        self.p.expect("gone b a1 0")

    def test_disco_to_one_who_left_is_answered_not_here(self):
        self.p.login(self.relay, "a", "b")
        self.p.do("close b")
        self.p.expect("closed b here")
        # the relay may see the packet before the end; it is sent until it does
        for _ in range(100):
            self.p.do(f"send a b {DISCO.hex()}")
            try:
                self.p.expect("gone a b 1", patience=0.2)
                return
            except AssertionError:
                continue
        self.fail("no NotHere")

    def test_the_newest_connection_gets_the_packets(self):
        self.same_key("a1", "a2")
        self.p.login(self.relay, "b", "a1")
        self.p.login(self.relay, "a2")
        self.p.do("send b a1 01")
        self.p.expect("recv a2 b 1 01")
        self.p.settle("a1", "a2")
        self.p.absent("(recv|closed) .*")

    def active(self, name):
        """The connection that packets reach is this one."""
        self.word = getattr(self, "word", 0) + 1
        self.p.do(f"send b a1 {self.word:04x}")
        self.p.expect(f"recv {name} b 2 {self.word:04x}")

    def test_whoever_spoke_last_is_active(self):
        self.same_key("a1", "a2", "a3")
        self.p.login(self.relay, "b")
        self.p.login(self.relay, "a1")
        self.active("a1")
        self.p.login(self.relay, "a2")
        self.active("a2")
        self.p.ping("a1")
        self.active("a1")
        self.p.do("frame a2 7f 00")  # an unknown frame counts as well
        for _ in range(100):
            self.p.do("send b a1 99")
            if self.p.expect("recv (a.) b 1 99").group(1) == "a2":
                break
        self.active("a2")
        self.p.login(self.relay, "a3")
        self.active("a3")
        self.p.do("close a3")
        self.gone_from("a3", "a2")
        self.p.do("close a2")
        self.gone_from("a2", "a1")
        self.p.absent("closed a1 .*")

    def gone_from(self, left, now):
        """Packets reach `now` once the relay has seen that `left` is gone."""
        self.p.expect(f"closed {left} here")
        for _ in range(200):
            self.p.do("send b a1 98")
            try:
                self.p.expect(f"recv {now} b 1 98", patience=0.2)
                return
            except AssertionError:
                continue
        self.fail(f"{now} gets nothing")

    def test_a_replaced_connection_may_end_without_harm(self):
        self.same_key("a1", "a2")
        self.p.login(self.relay, "b", "a1")
        self.p.login(self.relay, "a2")
        self.p.do("close a1")
        self.p.expect("closed a1 here")
        for _ in range(20):
            self.active("a2")

    def test_a_storm_of_reconnects_with_the_same_key(self):
        self.p.login(self.relay, "b")
        names = [f"s{i}" for i in range(40)]
        self.same_key(*names, "a1")
        for i, name in enumerate(names):
            self.p.login(self.relay, name)
            if i > 0:
                self.p.do(f"close {names[i - 1]}")
        self.active(names[-1])


@ours_only  # told on a signal
class Home(Scenario):
    """NotePreferred, as the operator sees it."""

    def setUp(self):
        super().setUp()
        self.relay = self.derper("-loops=3")
        self.p = self.peer()

    def note(self, *values):
        """Each name says in turn that this is, or is not, its home."""
        for name, home in values:
            self.p.do(f"frame {name} 07 {home:02x}")
        self.p.ping(*{name for name, _ in values})

    def gauges(self):
        counters = self.relay.counters()
        return counters.get("current_home", 0), counters.get("current_connections", 0)

    def become(self, home, connections):
        """Once ends of connections have been seen, which takes a moment."""
        want = (home, connections)
        wait_until(lambda: self.gauges() == want, f"{want} home connections and all")

    def test_the_gauge_goes_up_and_down(self):
        names = [f"n{i}" for i in range(6)]
        self.p.login(self.relay, *names)
        self.assertEqual(self.gauges(), (0, 6))
        self.note(("n0", True))
        self.assertEqual(self.gauges(), (1, 6))
        self.note(("n0", False))
        self.assertEqual(self.gauges(), (0, 6))
        self.note(("n0", True))
        self.assertEqual(self.gauges(), (1, 6))
        # what is known already changes nothing
        self.note(("n0", True), ("n0", True), ("n1", False), ("n1", False))
        self.assertEqual(self.gauges(), (1, 6))
        self.note(*((name, True) for name in names))
        self.assertEqual(self.gauges(), (6, 6))
        self.p.do("close n0")
        self.become(5, 5)
        self.note(("n1", False))
        self.assertEqual(self.gauges(), (4, 5))
        self.p.do("close n1")  # which is at home elsewhere
        self.become(4, 4)
        self.p.login(self.relay, "n0")  # and is told anew
        self.assertEqual(self.gauges(), (4, 5))
        self.p.do("frame n2 07 0101")  # refused, and it leaves
        self.p.expect("closed n2 .*")
        self.become(3, 4)
        self.p.do(*(f"close {name}" for name in ("n0", "n3", "n4", "n5")))
        self.become(0, 0)


class Plain(Presence, Scenario):
    @ours_only  # how the history is kept differs in corner cases
    def test_the_key_stays_reachable_in_any_leaving_order(self):
        names = ["a1", "a2", "a3", "a4"]
        self.same_key(*names)
        self.p.login(self.relay, "b")
        for order in itertools.permutations(names):
            for name in names:
                self.p.login(self.relay, name)
            for i, name in enumerate(order[:-1]):
                self.p.do(f"close {name}")
                self.p.expect(f"closed {name} here")
                self.reachable_by(order[i + 1 :])
            self.p.do(f"close {order[-1]}")
            self.p.expect(f"closed {order[-1]} here")

    def reachable_by(self, left):
        for _ in range(200):
            self.p.do("send b a1 97")
            try:
                self.p.expect(f"recv ({'|'.join(left)}) b 1 97", patience=0.1)
                return
            except AssertionError:
                continue
        self.fail(f"none of {left} gets anything")


class Tls(Presence, Scenario):
    tls = True


if __name__ == "__main__":
    unittest.main()
