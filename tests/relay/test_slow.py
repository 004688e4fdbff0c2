"""Receivers that do not read."""

import unittest

from relaytest import DISCO, Scenario, ours_only


class Slow:
    tls = False

    def slow_reader(self, relay, name):
        self.p.login(relay, name, options="rcvbuf=4096")
        self.p.do(f"count {name}", f"pause {name}")

    def test_others_do_not_feel_a_slow_reader(self):
        relay = self.derper("-tcp-write-timeout=0", tls=self.tls)
        self.p = self.peer()
        self.p.login(relay, "alice", "bob")
        self.slow_reader(relay, "cathy")
        self.p.do("count bob", "flood alice cathy 5000 1400")
        for i in range(50):
            self.p.do("flood alice cathy 20 1400", "flood alice bob 5 1000")
            self.p.ping("alice", "bob")
        self.p.sync()
        # all of bob's came: 250 packets, a few at a time
        self.until(lambda: self.p.stats("bob")["packets"] == 250)
        bob = self.p.stats("bob")
        self.assertEqual((bob["packets"], bob["corrupt"]), (250, 0))

    def until(self, condition):
        for _ in range(1000):
            if condition():
                return
            self.p.ping("bob")
        self.fail("did not come true")

    def test_the_newest_packets_survive_whole_and_in_order(self):
        relay = self.derper("-tcp-write-timeout=0", tls=self.tls)
        self.p = self.peer()
        self.p.login(relay, "alice")
        self.slow_reader(relay, "cathy")
        # far more than the sockets between them can hold
        self.p.do("flood alice cathy 20000 1400")
        self.p.ping("alice")
        self.p.do("resume cathy")
        self.p.ping("cathy")
        for _ in range(1000):
            stats = self.p.stats("cathy")
            if stats["packets"] and stats["last"] == 19999:
                break
            self.p.ping("cathy")
        stats = self.p.stats("cathy")
        self.assertEqual(stats["last"], 19999)  # the oldest are dropped
        self.assertEqual(stats["first"], 0)
        self.assertEqual((stats["disorder"], stats["corrupt"]), (0, 0))
        self.assertLess(stats["packets"], 20000)
        # and the connection is as good as new
        self.p.do("flood alice cathy 1 100")
        self.until_packets("cathy", stats["packets"] + 1)

    def until_packets(self, name, count):
        for _ in range(1000):
            if self.p.stats(name)["packets"] >= count:
                return
            self.p.ping(name)
        self.fail("packets are missing")

    def test_a_reader_that_stays_stuck_is_closed(self):
        relay = self.derper("-tcp-write-timeout=300ms", tls=self.tls)
        self.p = self.peer()
        self.p.login(relay, "alice", "bob")
        self.slow_reader(relay, "cathy")
        self.p.do("flood alice cathy 20000 1400")
        self.p.ping("alice")
        # the relay gives up; what is in the socket can still be read
        for _ in range(2000):
            self.p.do(f"send alice cathy {DISCO.hex()}")
            try:
                self.p.expect("gone alice cathy 1", patience=0.05)
                break
            except AssertionError:
                continue
        else:
            self.fail("cathy is still there")
        self.p.do("resume cathy")
        self.p.expect("closed cathy .*")
        self.assertEqual(self.p.stats("cathy")["corrupt"], 0)
        self.p.do("send alice bob 01")
        self.p.expect("recv bob alice 1 01")

    def test_killed_slow_readers_leave_nothing_behind(self):
        relay = self.derper("-tcp-write-timeout=0", tls=self.tls)
        self.p = self.peer()
        self.p.login(relay, "alice", "bob")
        for _ in range(10):
            self.slow_reader(relay, "cathy")
            self.p.do("flood alice cathy 600 8000", "close cathy")
            self.p.expect("closed cathy here")
            # the next connection inherits its descriptor, not its bytes
            self.p.login(relay, "dave")
            self.p.do("send alice dave 0d")
            self.p.expect("recv dave alice 1 0d")
            self.p.do("close dave")
            self.p.expect("closed dave here")
        self.p.absent("error .*")


class Plain(Slow, Scenario):
    pass


class Tls(Slow, Scenario):
    tls = True


@ours_only
class TlsOpenssl(Slow, Scenario):
    tls = True

    def derper(self, *flags, **options):
        return super().derper("-tls-records=openssl", *flags, **options)


if __name__ == "__main__":
    unittest.main()
