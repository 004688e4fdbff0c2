"""What a receiver reads is whole frames in order, whoever dies around it."""

import random
import time
import unittest

from hostile import AT_ONCE_S, HostileScenario, scaled
from relaytest import HOST, make_cert, ours_only, wait_until


AFTER = 20  # packets: fewer than a queue holds


class Framing:
    # nobody ends a slow reader but itself
    flags = ("-tcp-write-timeout=0", "-tcp-user-timeout=0", "-loops=2")

    def setUp(self):
        super().setUp()
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege()
        self.p = self.peer()

    def slow_reader(self, name):
        self.p.login(self.relay, name, options="rcvbuf=4096")
        self.p.do(f"count {name}", f"pause {name}")

    def arrived(self, name, last):
        """The numbers once the last packet is there, which is the newest."""
        def last_one():
            self.p.ping(name)
            stats = self.p.stats(name)
            return stats if stats["packets"] and stats["last"] == last else None

        return wait_until(last_one, f"the last packet for {name}")

    def test_a_slow_reader_at_saturation(self):
        """It stops and goes on reading, over and over, in a full stream."""
        self.p.login(self.relay, "sender")
        self.slow_reader("slow")
        # sizes at which frames fall on records' and chunks' edges and do not
        for size in (8, 1400, 16384 - 37, 16384, 65536 - 8, 65536):
            count = min(scaled(4000), 8_000_000 // size)
            self.p.do("count slow")
            for _ in range(4):
                self.p.do("pause slow", f"flood sender slow {count} {size}")
                self.p.do("resume slow", f"flood sender slow {count} {size}")
            # a worker that does not keep up loses the newest of a flood; there
            # is room for all of a few when it has taken over what the other
            # one had handed on by the time it answered
            self.p.ping("sender")
            self.p.settle("slow")
            self.p.do(f"flood sender slow {AFTER} {size}")
            stats = self.arrived("slow", AFTER - 1)
            # each flood counts from 0 again
            self.assertEqual(stats["corrupt"], 0)
            self.assertLess(stats["disorder"], 9)
            self.p.ping("slow", "sender")
        self.undisturbed()
        self.p.do("close slow", "close sender")
        self.left()

    def test_killed_slow_readers_and_those_who_take_their_place(self):
        self.p.login(self.relay, "sender")
        for i in range(scaled(25)):
            self.slow_reader("slow")
            size = random.choice((100, 1400, 8000, 60000))
            self.p.do(f"flood sender slow {3000000 // size} {size}", "close slow")
            # at once; several, so that one of them has the old descriptor
            names = [f"new{i}.{j}" for j in range(3)]
            self.p.login(self.relay, *names)
            for j, name in enumerate(names):
                self.p.do(f"send sender {name} {i:04x}{j:02x}")
            for j, name in enumerate(names):
                self.p.expect(f"recv {name} sender 3 {i:04x}{j:02x}")
            # nothing else comes
            self.p.ping(*names)
            self.p.absent(f"(recv|gone|error|closed) new{i}.*")
            self.p.do(*[f"close {name}" for name in names])
            for name in names:
                self.p.expect(f"closed {name} here")
            self.p.expect("closed slow here")
        self.undisturbed()
        self.p.do("close sender")
        self.left()

    def test_senders_killed_in_the_middle_of_a_frame(self):
        self.p.login(self.relay, "friend")
        self.p.do("count friend")
        key = self.p.key("friend")
        for i in range(scaled(25)):
            self.p.login(self.relay, "sender")
            self.p.do(f"flood sender friend 20 {random.randrange(8, 3000)}")
            cut = random.randrange(1, 3000)
            whole = f"0400000c00{key}" + "ab" * 3040
            self.p.do(f"raw sender {whole[: 2 * cut]}", "close sender")
            self.p.expect("closed sender here")
            count = 20 * (i + 1)  # there is room for no more than these
            wait_until(lambda: self.p.stats("friend")["packets"] == count, "all that was whole")
        self.p.ping("friend")
        stats = self.p.stats("friend")
        self.assertEqual((stats["packets"], stats["corrupt"]), (count, 0))
        self.undisturbed()
        self.p.do("close friend")
        self.left()


class Plain(Framing, HostileScenario):
    def test_a_bad_length_ends_with_fin_or_reset(self):
        """Also while much is still on its way in both directions."""
        self.p.login(self.relay, "sender")
        for i in range(10):
            name = f"bad{i}"
            self.slow_reader(name)
            self.p.do(f"flood sender {name} 2000 1400", f"frame {name} 07 0101")
            since = time.monotonic()
            self.p.do(f"resume {name}")
            self.p.expect(f"closed {name} .*")
            self.assertLess(time.monotonic() - since, AT_ONCE_S)
        self.undisturbed()
        self.p.do("close sender")
        self.left()


class Tls(Framing, HostileScenario):
    tls = True


@ours_only
class TlsOpenssl(Framing, HostileScenario):
    tls = True
    flags = (*Framing.flags, "-tls-records=openssl")


if __name__ == "__main__":
    unittest.main()
