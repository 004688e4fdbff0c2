"""Packets between clients, pings, home notes and what unknown keys get."""

import hashlib
import os
import unittest

from relaytest import DISCO, Scenario, ours_only


class Relaying:
    """Run over plain TCP and over TLS."""

    tls = False

    def setUp(self):
        super().setUp()
        self.relay = self.derper(tls=self.tls)
        self.p = self.peer()

    def test_three_clients_relay(self):
        self.p.login(self.relay, "a", "b", "c")
        self.p.do("send a b 0a0b", "send b c 0b0c")
        self.p.expect("recv b a 2 0a0b")
        self.p.expect("recv c b 2 0b0c")
        self.p.settle("a", "b", "c")
        self.p.absent("recv .*")
        self.p.absent("gone .*")

    def test_a_client_may_send_to_itself(self):
        self.p.login(self.relay, "a")
        self.p.do("send a a 01")
        self.p.expect("recv a a 1 01")

    def test_packets_of_all_sizes_arrive_whole(self):
        self.p.login(self.relay, "a", "b")
        for size in (0, 1, 61, 62, 1400, 16384, 65535, 65536):
            data = os.urandom(size)
            self.p.do(f"send a b {data.hex()}")
            m = self.p.expect(f"recv b a {size} (.*)")
            shown = m.group(1)
            if shown.startswith("sha256:"):
                self.assertEqual(shown[7:], hashlib.sha256(data).hexdigest())
            else:
                self.assertEqual(shown, data.hex())

    def test_many_frames_in_one_write_arrive_in_order(self):
        self.p.login(self.relay, "a", "b")
        key = self.p.key("b")
        frames = "".join(f"0400000021{key}{i:02x}" for i in range(30))
        self.p.do(f"raw a {frames}")
        for i in range(30):
            m = self.p.expect("recv b a 1 (..)")
            self.assertEqual(int(m.group(1), 16), i)

    def test_a_frame_may_come_byte_by_byte(self):
        self.p.login(self.relay, "a", "b")
        whole = f"0400000022{self.p.key('b')}cafe"
        self.p.do(*(f"raw a {whole[i:i + 2]}" for i in range(0, len(whole), 2)))
        self.p.expect("recv b a 2 cafe")

    def test_one_burst_reaches_a_hundred_clients_twice(self):
        names = [f"n{i}" for i in range(100)]
        self.p.login(self.relay, "a", *names)
        for word in ("01", "02"):
            frames = "".join(f"0400000021{self.p.key(n)}{word}" for n in names)
            self.p.do(f"raw a {frames}")
            for n in names:
                self.p.expect(f"recv {n} a 1 {word}")

    def test_ping_is_answered_with_its_first_eight_bytes(self):
        self.p.login(self.relay, "a")
        self.p.do("frame a 12 0001020304050607")
        self.p.expect("pong a 0001020304050607")
        self.p.do("frame a 12 1011121314151617" + "ff" * 10)
        self.p.expect("pong a 1011121314151617")
        self.p.do("frame a 12 2021222324252627" + "ee" * 992)
        self.p.expect("pong a 2021222324252627")

    def test_home_notes_are_taken(self):
        self.p.login(self.relay, "a")
        for note in ("01", "01", "00", "ff", "00"):
            self.p.do(f"frame a 07 {note}")
        self.p.ping("a")

    def test_a_pong_from_a_client_is_ignored(self):
        self.p.login(self.relay, "a")
        self.p.do("frame a 13 0001020304050607", "frame a 13 00")
        self.p.ping("a")

    def test_packets_to_unknown_keys_vanish_silently(self):
        self.p.login(self.relay, "a")
        unknown = "nodekey:" + "77" * 32
        short = DISCO[:-1].hex()  # one byte too short to look like disco
        self.p.do(f"send a {unknown} 0102", f"send a {unknown} {short}")
        self.p.do(f"send a {unknown} {'00' * 100}")
        self.p.settle("a")
        self.p.absent("gone .*")

    def test_disco_to_an_unknown_key_is_answered_three_times_at_most(self):
        self.p.login(self.relay, "a")
        unknown = "nodekey:" + "77" * 32
        frame = f"040000005e{'77' * 32}{DISCO.hex()}"
        self.p.do("raw a " + frame * 8)
        for _ in range(3):
            self.p.expect(f"gone a {unknown} 1")
        self.p.settle("a")
        self.p.absent("gone .*")

    def test_not_here_comes_again_after_a_while(self):
        self.p.login(self.relay, "a", "b")
        frame = f"040000005e{'77' * 32}{DISCO.hex()}"
        self.p.do("raw a " + frame * 8)
        for _ in range(3):
            self.p.expect("gone a .* 1")
        # the other connection has a limit of its own
        self.p.do("raw b " + frame)
        self.p.expect("gone b .* 1")
        # one token a second comes back
        for _ in range(200):
            self.p.do("raw a " + frame)
            try:
                self.p.expect("gone a .* 1", patience=0.1)
                return
            except AssertionError:
                continue
        self.fail("no NotHere any more")

    def test_health_and_present_are_never_sent_to_clients(self):
        self.p.login(self.relay, "a", "b")
        self.p.do("close b")
        self.p.settle("a")
        self.p.absent("(health|present|restarting|frame) .*")

    def test_many_connections_come_and_go(self):
        self.p.login(self.relay, "a")
        for i in range(30):
            self.p.login(self.relay, f"x{i % 3}")
            self.p.do(f"send a x{i % 3} {i:02x}")
            self.p.expect(f"recv x{i % 3} a 1 {i:02x}")
            self.p.do(f"close x{i % 3}")
            self.p.expect(f"closed x{i % 3} here")


class Plain(Relaying, Scenario):
    pass


class Tls(Relaying, Scenario):
    tls = True


@ours_only
class TlsOpenssl(Relaying, Scenario):
    """OpenSSL's own record layer instead of ours."""

    tls = True

    def derper(self, *flags, **options):
        return super().derper("-tls-records=openssl", *flags, **options)


if __name__ == "__main__":
    unittest.main()
