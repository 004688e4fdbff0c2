"""STUN answers, and what gets none."""

import socket
import struct
import unittest

from relaytest import HOST, Scenario, free_port, stun_request

TXID = bytes(range(1, 13))


class Stun(Scenario):
    def setUp(self):
        super().setUp()
        self.relay = self.derper(stun=True)
        self.relay.wait_log(r"STUN server listening on 127\.0\.0\.1:\d+")
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.sock.close)
        self.sock.connect((HOST, self.relay.stun_port))

    def answer(self):
        self.sock.settimeout(30)
        return self.sock.recv(2048)

    def test_a_tailscale_request_gets_its_address(self):
        self.sock.send(stun_request(TXID))
        data = self.answer()
        port = self.sock.getsockname()[1]
        mapped = struct.pack(">BBH", 0, 1, port ^ 0x2112) + bytes(
            a ^ b for a, b in zip(socket.inet_aton(HOST), bytes.fromhex("2112a442"))
        )
        self.assertEqual(
            data,
            bytes.fromhex("0101000c2112a442") + TXID + bytes.fromhex("00200008") + mapped,
        )

    def test_others_are_ignored(self):
        good = stun_request(TXID)
        for bad in (
            b"",
            b"hello",
            good[:20],
            good[:-1],
            good[:-1] + bytes([good[-1] ^ 1]),
            stun_request(TXID, b"tailnodf"),
            stun_request(TXID, tail=b"\x80\x22\x00\x04abcd"),
            b"\x01\x01" + good[2:],
            b"\xc0\x01" + good[2:],
            good[:4] + b"\0\0\0\0" + good[8:],
            bytes.fromhex("000100002112a442") + TXID,
        ):
            self.sock.send(bad)
        last = bytes(range(50, 62))
        self.sock.send(stun_request(last))
        self.assertEqual(self.answer()[8:20], last)  # nothing came before it

    def test_many_are_answered_each_with_its_own(self):
        for i in range(50):
            self.sock.send(stun_request(bytes([i]) * 12))
        self.assertEqual(
            {self.answer()[8] for _ in range(50)}, set(range(50))
        )

    def test_the_client_agrees(self):
        p = self.peer()
        p.do(f"stun {HOST} {self.relay.stun_port}")
        p.expect(rf"stun {HOST}:\d+")


class Off(Scenario):
    def test_without_stun_nobody_listens(self):
        port = free_port()
        relay = self.derper(f"-stun-port={port}")
        self.assertNotIn("STUN", relay.log.text())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, port))


if __name__ == "__main__":
    unittest.main()
