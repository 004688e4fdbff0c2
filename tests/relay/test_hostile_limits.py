"""Limits at work while packets flow: what arrives is whole, in order, counted."""

import contextlib
import resource
import socket
import threading
import unittest

from hostile import Crowd, HostileScenario, open_files, scaled
from relaytest import HOST, Scenario, make_cert, ours_only, wait_until

CROWD = scaled(3000)  # who want in and are refused


class Limits:
    def setUp(self):
        super().setUp()
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.p = self.peer()

    def counted(self, name):
        return self.relay.counters().get(name, 0)

    def dropped(self):
        return self.counted("dropped_queue_head") + self.counted("dropped_queue_tail")

    def all_arrive(self, size, count=30):
        """A flood that its receiver reads, and no more at once than a queue
        holds: nothing may be missing, however busy the machine."""
        self.p.do("count friend", f"flood sender friend {count} {size} 50")
        wait_until(lambda: self.p.stats("friend")["packets"] == count, "all packets")
        stats = self.p.stats("friend")
        self.assertEqual((stats["disorder"], stats["corrupt"]), (0, 0))

    def flood_until(self, over):
        floods = 0
        while not over():
            self.all_arrive((100, 1400, 8000)[floods % 3])
            floods += 1
        print(f"{floods} floods meanwhile")
        self.assertGreater(floods, 0)
        self.p.absent("closed .*")
        self.undisturbed()

    def test_most_connections(self):
        self.besiege("-max-connections=40", "-loops=2")
        self.p.login(self.relay, "sender", "friend")
        crowd = Crowd(self, self.relay)
        crowd.tell(f"login {CROWD}")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(crowd.answer("login")))
        thread.start()
        self.flood_until(lambda: not thread.is_alive())
        up, failed = (int(x) for x in answers[0].split()[:2])
        print(f"of {CROWD} {up} came in")
        self.assertEqual((up, up + failed), (36, CROWD))
        # one that has not logged in may also have made room for another
        ended = self.counted("refused_limit") + self.counted("shed_before_login")
        self.assertEqual(ended, failed)
        crowd.ask(f"leave {CROWD}")
        self.p.do("close sender", "close friend")
        self.left()

    def test_most_connections_of_an_address(self):
        self.besiege("-max-connections-per-address=30", "-loops=2")
        self.p.login(self.relay, "sender", "friend")
        socks = []

        def crowd():
            for _ in range(CROWD):
                sock = socket.socket()
                sock.bind(("127.9.0.1", 0))
                with contextlib.suppress(ConnectionError):
                    sock.connect((HOST, self.relay.port))
                socks.append(sock)

        thread = threading.Thread(target=crowd)
        thread.start()
        self.flood_until(lambda: not thread.is_alive())
        wait_until(lambda: self.counted("refused_limit") == CROWD - 30, "the refusals")
        for sock in socks:
            sock.close()
        self.p.do("close sender", "close friend")
        self.left()

    def slow_readers(self, *names):
        for name in names:
            self.p.login(self.relay, name, options="rcvbuf=4096")
            self.p.do(f"count {name}", f"pause {name}")

    def full_queues(self, readers, rounds):
        """More for them than there is room for, then they read it: packets come
        whole and in order, and those that do not are counted."""
        self.p.login(self.relay, "sender", "friend")
        self.slow_readers(*readers)
        sent = got = 0
        for size in (100, 1400, 16000, 65000)[:rounds]:
            count = max(40, min(scaled(20000), 20_000_000 // size))
            for name in readers:
                self.p.do(f"count {name}", f"pause {name}")
            for name in readers:
                self.p.do(f"flood sender {name} {count} {size}")
            sent += count * len(readers)
            self.p.ping("sender")  # the relay has them all
            self.all_arrive(1400)
            self.p.do(*[f"resume {name}" for name in readers])

            def settled():
                """What has come and what was dropped is what was sent."""
                arrived = sum(self.p.stats(name)["packets"] for name in readers)
                return got + arrived + self.dropped() == sent

            wait_until(settled, "every packet to be accounted for")
            for name in readers:
                stats = self.p.stats(name)
                got += stats["packets"]
                self.assertEqual((stats["disorder"], stats["corrupt"]), (0, 0))
                self.assertGreater(stats["packets"], 0)
        print(f"{sent} sent, {got} arrived, {self.dropped()} dropped")
        self.assertGreater(self.counted("dropped_queue_tail"), 0)  # the byte limit
        self.p.ping("sender", "friend", *readers)
        self.p.absent("(closed|error) .*")
        self.undisturbed()
        self.p.do(*[f"close {name}" for name in ("sender", "friend", *readers)])
        self.left()

    def test_few_bytes_for_a_client(self):
        self.besiege("-queue-bytes=70000", "-tcp-write-timeout=0", "-loops=1")
        self.full_queues(["slow"], 4)

    def test_few_bytes_for_everybody(self):
        """Who leaves most unread goes, and not who happens to be there."""
        self.besiege("-queue-bytes-total=3000000", "-tcp-write-timeout=0", "-loops=1")
        greedy = ["greedy1", "greedy2", "greedy3"]
        self.p.login(self.relay, "sender", "friend")
        self.slow_readers("modest", *greedy)
        self.p.do("flood sender modest 30 1400")
        for name in greedy:
            self.p.do(f"flood sender {name} 100 65000")
        self.relay.wait_log("derp client .*: too much is queued for all clients")
        self.all_arrive(1400)
        self.p.do("resume modest")
        wait_until(lambda: self.p.stats("modest")["packets"] == 30, "the modest one's packets")
        closed = self.counted("refused_memory")
        print(f"{closed} of {len(greedy)} were closed")
        self.assertIn(closed, (1, 2, 3))
        self.p.absent("closed (sender|friend|modest).*")
        self.undisturbed()


class Plain(Limits, HostileScenario):
    pass


class Tls(Limits, HostileScenario):
    tls = True


@ours_only
class Descriptors(Scenario):
    """The relay raises its own limit as far as the system lets it."""

    SOFT, HARD = 64, 256

    def limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.SOFT, self.HARD))

    def test_only_the_hard_limit_counts(self):
        relay = self.derper("-loops=1", preexec_fn=self.limit)
        p = self.peer()
        names = [f"n{i}" for i in range(self.HARD - 40)]
        p.login(relay, *names)
        self.assertGreater(open_files(relay), 3 * self.SOFT)
        p.do(f"send {names[0]} {names[-1]} 01")
        p.expect(f"recv {names[-1]} {names[0]} 1 01")
        self.assertNotIn("out of file descriptors", relay.log.text())
        for _ in range(60):
            self.addCleanup(socket.create_connection((HOST, relay.port)).close)
        match = relay.wait_log("out of file descriptors with ([0-9]+) connections")
        self.assertGreater(int(match.group(1)), self.HARD - 30)
        self.assertGreater(open_files(relay), self.HARD - 3)
        p.ping(*names)


if __name__ == "__main__":
    unittest.main()
