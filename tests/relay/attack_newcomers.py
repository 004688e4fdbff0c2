"""Memory for logins that is full of others' halves: the newcomer gets in."""

import struct
import time
import unittest

from attacks import HalfClientInfos
from hostile import LOGIN_S, HostileScenario
from rawlogin import raw_client
from relaytest import (
    PATIENCE,
    dial,
    frame,
    ours_only,
    read_exactly,
    stub_verify,
    wait_until,
)

HALVES = 400  # together more than the relay keeps for all of them


class Pieces:
    """A socket that sends everything in two writes, some time apart."""

    def __init__(self, sock):
        self.sock = sock
        self.recv = sock.recv

    def sendall(self, data):
        self.sock.sendall(data[: len(data) // 2])
        time.sleep(0.05)
        self.sock.sendall(data[len(data) // 2 :])


@ours_only
class Newcomers(HostileScenario):
    def test_halves_of_logins_do_not_keep_others_out(self):
        self.besiege("-loops=1")
        with HalfClientInfos(self.relay, HALVES) as attack:
            failed, slowest = [], 0
            for _ in range(20):
                begin = time.monotonic()
                with dial(self.relay) as sock:
                    try:
                        raw_client(Pieces(sock))
                    except (OSError, AssertionError) as e:
                        failed.append(repr(e))
                slowest = max(slowest, time.monotonic() - begin)
            print(
                f"{HALVES} halves, {attack.alive()} still connected: {len(failed)} of 20 "
                f"logins in two reads failed, the slowest took {slowest:.2f} s"
            )
        self.undisturbed()
        self.assertEqual(failed, [])
        self.assertLess(slowest, LOGIN_S)
        self.left()

    def test_a_frame_after_client_info_waits_for_admission(self):
        """NotePreferred right after it, as clients send it, must not lead to a
        refusal, however long the answer takes."""
        stub = stub_verify(self, lambda path, body: (200, '{"Allow":true}'))
        self.besiege("-loops=1", "-verify-client-url=" + stub.url)

        def slowly(path, body):
            time.sleep(1)
            return (200, '{"Allow":true}')

        stub.answer = slowly
        asked = len(stub.requests)
        with HalfClientInfos(self.relay, HALVES), dial(self.relay) as sock:
            sock.settimeout(PATIENCE)
            sender = Follower(sock, frame(0x07, b"\1"))
            raw_client(sender)
            self.assertGreater(len(stub.requests), asked)
            # it is a client: its ping is answered
            sock.sendall(frame(0x12, b"12345678"))
            wait_until(lambda: self.next_frame(sock) == 0x13, "a pong")
        self.undisturbed()

    @staticmethod
    def next_frame(sock):
        kind, length = struct.unpack(">BI", read_exactly(sock, 5))
        read_exactly(sock, length)
        return kind


class Follower:
    """A socket that sends a frame right after ClientInfo, in the same write."""

    def __init__(self, sock, after):
        self.sock, self.after = sock, after
        self.recv = sock.recv

    def sendall(self, data):
        is_client_info = data[:1] == b"\x02"
        self.sock.sendall(data + self.after if is_client_info else data)


if __name__ == "__main__":
    unittest.main()
