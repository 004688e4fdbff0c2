"""A relay in Python that lets a mesh peer log in and then says what it likes."""

import ctypes
import os
import socket
import ssl
import struct

from rawlogin import sodium
from relaytest import HOST, PATIENCE, frame, make_cert, read_exactly, read_until


def present(key):
    return frame(0x09, key + bytes(18) + b"\x01")


def gone(key, reason):
    return frame(0x08, key + bytes([reason]))


class LyingRelay:
    """Its certificate is for liar.mesh.test, of the scenario's CA."""

    def __init__(self, scenario):
        make_cert(scenario.folder, "liar", "DNS:liar.mesh.test", scenario.path("ca"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(scenario.path("liar.crt"), scenario.path("liar.key"))
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.public, self.private = (ctypes.create_string_buffer(32) for _ in range(2))
        sodium().crypto_box_keypair(self.public, self.private)

    def accept(self):
        """The next mesh peer, logged in and watching."""
        plain, _ = self.listener.accept()
        plain.settimeout(PATIENCE)
        sock = self.context.wrap_socket(plain, server_side=True)
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n")
        sock.sendall(frame(0x01, b"DERP\xf0\x9f\x94\x91" + self.public.raw))
        kind, length = struct.unpack(">BI", read_exactly(sock, 5))
        if kind != 0x02:
            raise AssertionError(f"frame {kind} instead of ClientInfo")
        client = read_exactly(sock, length)[:32]
        text, nonce = b'{"version":2}', os.urandom(24)
        box = ctypes.create_string_buffer(len(text) + 16)
        sodium().crypto_box_easy(
            box, text, ctypes.c_ulonglong(len(text)), nonce, client, self.private
        )
        sock.sendall(frame(0x03, nonce + box.raw))
        if read_exactly(sock, 5) != frame(0x10):
            raise AssertionError("no WatchConns")
        self.sock = sock
        return sock

    def close(self):
        if hasattr(self, "sock"):
            self.sock.close()
        self.listener.close()
