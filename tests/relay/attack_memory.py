"""What those who have not logged in cost: memory for each, and the slots that
they leave to others."""

import socket
import time
import unittest

from attacks import PartialRecords, SilentConnections, StaticHellos, source
from attacks import connect as connect_from
from hostile import SCALE, HostileScenario, descriptors, rss_kb, scaled
from rawlogin import raw_client
from relaytest import HOST, make_cert, ours_only, tls_context, wait_until

FEW, MANY = scaled(500), scaled(3000)
# Sanitizers put a red zone around every allocation.
FACTOR = 1 if SCALE == 1 else 12
SILENT_BYTES = 2048 * FACTOR
# 512 MB for 65,536 of the worst, be it that each costs less or that some go
WORST_BYTES = 8192 * FACTOR
SETTLE_S = 0.5
SLOTS = 60


@ours_only
class Memory(HostileScenario):
    tls = True

    def setUp(self):
        super().setUp()
        descriptors()
        make_cert(self.folder, HOST, f"IP:{HOST}")

    def grown(self, kind, count):
        """Bytes that so many of them add."""
        before = rss_kb(self.relay)
        with kind(self.relay, count) as attack:
            time.sleep(SETTLE_S)
            grown = 1024 * (rss_kb(self.relay) - before)
            print(
                f"{kind.__name__}: {count} asked for, {attack.refused} refused, "
                f"{attack.alive()} still connected, {grown // 1024:+} kB"
            )
        self.left()
        return grown

    def cost(self, kind, most):
        """The slope between two numbers of them, after some that pay for what
        the relay allocates only once."""
        # as small as the crowds are
        total = 20 * 1024 * 1024 // SCALE
        self.besiege("-loops=1", f"-login-bytes-total={total}")
        self.grown(kind, FEW)
        few, many = self.grown(kind, FEW), self.grown(kind, MANY)
        # of memory that is kept, growth is seen only once: by the larger
        each = max(many - few, many, 0) / MANY
        print(f"{kind.__name__}: {each:.0f} bytes each")
        self.undisturbed()
        self.assertLess(each, most)

    def test_silent_connections(self):
        self.cost(SilentConnections, SILENT_BYTES)

    def test_partial_records(self):
        self.cost(PartialRecords, WORST_BYTES)

    def test_replayed_client_hellos(self):
        self.cost(StaticHellos, WORST_BYTES)

    def test_partial_records_of_clients_are_counted(self):
        """A client that is logged in may hold part of a record for long, but
        all of them together no more than the queues may."""
        limit = 1 << 20
        self.besiege("-loops=1", f"-queue-bytes-total={limit}")
        count = scaled(500)
        before, socks = rss_kb(self.relay), []
        for i in range(count):
            sock = tls_context().wrap_socket(connect_from(self.relay, source(i)))
            raw_client(sock)
            socks.append(sock)
        time.sleep(SETTLE_S)
        clients = rss_kb(self.relay)
        raws = [socket.socket(fileno=s.detach()) for s in socks]
        for raw in raws:
            self.addCleanup(raw.close)
            raw.setblocking(True)
            raw.sendall(b"\x17\x03\x03\x40\x00" + bytes(16383))
        time.sleep(SETTLE_S)
        grown = rss_kb(self.relay) - clients
        print(
            f"{count} clients {clients - before:+} kB, with part of a record "
            f"{grown:+} kB, the limit is {limit // 1024} kB"
        )
        self.undisturbed()
        self.assertLess(grown, (limit // 1024 + 2048) * FACTOR)

    def test_slots_are_left_for_those_who_log_in(self):
        self.besiege("-loops=1", f"-max-connections={SLOTS}")
        with SilentConnections(self.relay, 2 * SLOTS) as attack:
            print(f"{attack.alive()} of {2 * SLOTS} silent connections are held")

            def login():
                sock = connect_from(self.relay, "127.2.0.1")
                with tls_context().wrap_socket(sock) as tls:
                    raw_client(tls)
                return True

            def tried():
                try:
                    return login()
                except (OSError, AssertionError):
                    return False

            begin = time.monotonic()
            wait_until(tried, "a login among silent connections", patience=10)
            print(f"a login took {time.monotonic() - begin:.2f} s")
        self.undisturbed()


if __name__ == "__main__":
    unittest.main()
