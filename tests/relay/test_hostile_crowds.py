"""More connections than anybody wants: silent, many, coming back, too many."""

import contextlib
import resource
import socket
import time
import unittest

from hostile import (
    KEPT_KB,
    LOGIN_S,
    Crowd,
    HostileScenario,
    cpu_seconds,
    descriptors,
    open_files,
    rss_kb,
    scaled,
)
from relaytest import HOST, IS_GO, UPGRADE, make_cert, wait_until


class Silent:
    """Connections that never log in, from many addresses."""

    COUNT = 10000

    def connect(self, i):
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind((f"127.2.{i // 250 % 250}.{1 + i % 250}", 0))
        sock.settimeout(60)
        sock.connect((HOST, self.relay.port))
        return sock

    def test_connections_that_never_log_in(self):
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege()
        room = descriptors() - 500
        count = min(scaled(self.COUNT), room)
        if count < scaled(self.COUNT):
            print(f"only {count} connections: the descriptor limit is {room + 500}")
        self.crowd = Crowd(self, self.relay)
        kept = [self.hold(count) for _ in range(2)]
        self.left()
        # what the allocator keeps it uses again
        self.assertLess(kept[1] - kept[0], KEPT_KB / 2)

    def hold(self, count):
        """What the relay's memory is when all have come and gone, kB."""
        socks = []
        for i in range(count):
            socks.append(self.connect(i))
            with contextlib.suppress(ConnectionError):
                socks[-1].sendall(self.SAYS[i % len(self.SAYS)])
        # the kernel accepts before the relay does; those who have asked for
        # /derp have 10 s, which may be over for some
        wait_until(
            lambda: open_files(self.relay) - self.files > count * 0.55,
            "the relay to hold them",
        )
        held = open_files(self.relay) - self.files
        print(f"{held} of {count} silent connections: RSS {rss_kb(self.relay)} kB")
        started = time.monotonic()
        self.crowd.login(20)
        lasted = time.monotonic() - started
        print(f"20 logins among them took {lasted:.3f} s")
        self.assertLess(lasted, LOGIN_S)
        self.assertEqual(self.crowd.burst(), (19, 19, 0))
        self.undisturbed()
        for sock in socks:
            sock.close()
        self.crowd.ask("leave 20")
        wait_until(lambda: open_files(self.relay) <= self.files, "all to have left")
        return rss_kb(self.relay)


class PlainSilent(Silent, HostileScenario):
    SAYS = [b"", b"GET /de", b"G", UPGRADE, UPGRADE + b"\x02\x00\x00"]


class TlsSilent(Silent, HostileScenario):
    tls = True
    SAYS = [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(90)]


class Many:
    """As many who are logged in, and each is reachable."""

    COUNT = 20000

    def test_twenty_thousand_are_reachable(self):
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        # the relay's share of the limit counts: it has other descriptors, too
        room = descriptors() - 150
        count = min(scaled(self.COUNT), room)
        if count < scaled(self.COUNT):
            print(f"only {count} connections: the descriptor limit is {room + 150}")
        self.besiege("-max-connections-per-address=30000")
        crowd = Crowd(self, self.relay)
        crowd.login(count)
        self.undisturbed("logins")
        self.assertGreaterEqual(open_files(self.relay) - self.files, count)
        grown = rss_kb(self.relay) - self.rss
        print(f"{count} connections: {grown} kB, {grown * 1024 // count} bytes each")
        for size in (100, 1000, 100):
            self.assertEqual(crowd.burst(size), (count - 1, count - 1, 0))
        # half of them leave, and others take their places
        crowd.ask(f"leave {count // 2}")
        crowd.login(count // 2)
        self.assertEqual(crowd.burst(), (count - 1, count - 1, 0))
        self.assertEqual(crowd.broken(), [])
        self.undisturbed("bursts")
        crowd.ask(f"leave {count}")
        self.left()


class PlainMany(Many, HostileScenario):
    pass


class TlsMany(Many, HostileScenario):
    tls = True


class Limits(HostileScenario):
    def test_the_limit_per_address_holds(self):
        self.relay = self.derper("-max-connections-per-address=50")
        socks = [socket.create_connection((HOST, self.relay.port)) for _ in range(80)]
        ended = set()

        def thirty_ended():  # closed without a word
            for sock in socks:
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    with contextlib.suppress(ConnectionResetError):
                        self.assertEqual(sock.recv(1), b"")
                    ended.add(sock)
            return len(ended) >= 30

        wait_until(thirty_ended, "those above the limit to be closed")
        self.assertEqual(len(ended), 30)
        base = open_files(self.relay)
        other = socket.socket()
        self.addCleanup(other.close)
        other.bind(("127.3.0.1", 0))
        other.connect((HOST, self.relay.port))
        other.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertIn(b"200", other.recv(100))
        for sock in socks:
            sock.close()
        wait_until(lambda: open_files(self.relay) < base, "the crowd to be gone")
        peer = self.peer()
        peer.login(self.relay, "a")

    def test_a_burst_to_999(self):
        for tls in (False, True):
            for loops in (1, 4):
                with self.subTest(tls=tls, loops=loops):
                    self.burst_to_999(tls, loops)

    def burst_to_999(self, tls, loops):
        if tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.relay = self.derper(f"-loops={loops}", tls=tls)
        crowd = Crowd(self, self.relay)
        crowd.login(1000)
        for size in (24, 24, 1400, 24):
            self.assertEqual(crowd.burst(size), (999, 999, 0))

        def few_turns():
            """Two rounds, of which one has all of a burst in so few turns of
            the loop that there are more than 256 in one of them."""
            before = self.turns()
            for _ in range(2):
                self.assertEqual(crowd.burst(24), (999, 999, 0))
            return (self.turns() - before) * 256 < 2 * 999

        if loops == 1 and not IS_GO:
            wait_until(few_turns, "a burst in one go")

    def turns(self):
        return self.relay.counters()["turns"]


class Storm:
    def test_the_same_keys_come_back_again_and_again(self):
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege("-loops=3")
        crowd = Crowd(self, self.relay)
        crowd.login(40)
        for _ in range(2):
            count = scaled(1000)
            self.assertTrue(crowd.ask(f"storm {count}").startswith(f"{count} 0 "))

            # a packet for a connection whose end the relay has not seen yet is
            # lost with it, but none is later
            def all_arrive():
                sent, received, wrong = crowd.burst()
                self.assertEqual((sent, wrong), (39, 0))
                return received == sent

            wait_until(all_arrive, "every key to be reachable")
        self.assertEqual(crowd.broken(), [])
        self.undisturbed()
        crowd.ask("leave 40")
        self.left()


class PlainStorm(Storm, HostileScenario):
    pass


class TlsStorm(Storm, HostileScenario):
    tls = True


class Few(HostileScenario):
    """A full descriptor table."""

    LIMIT = 256

    def limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.LIMIT, self.LIMIT))

    def test_fill_free_and_log_in_again(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.tls = tls
                if tls:
                    make_cert(self.folder, HOST, f"IP:{HOST}")
                self.fill()

    def fill(self):
        self.besiege(preexec_fn=self.limit)
        for _ in range(2):
            socks = []
            for _ in range(500):  # the kernel takes what the relay cannot
                sock = socket.create_connection((HOST, self.relay.port))
                socks.append(sock)
                self.addCleanup(sock.close)
            wait_until(lambda: open_files(self.relay) >= self.LIMIT - 1, "a full table")
            before = cpu_seconds(self.relay)
            time.sleep(1)  # a measurement, not a wait: it must not spin
            self.assertLess(cpu_seconds(self.relay) - before, 0.8)
            for sock in socks:
                sock.close()
            crowd = Crowd(self, self.relay)
            crowd.login(100)
            self.assertEqual(crowd.burst(), (99, 99, 0))
            self.undisturbed("fill_free_and_log_in_again")
            crowd.ask("leave 100")
            self.left()


if __name__ == "__main__":
    unittest.main()
