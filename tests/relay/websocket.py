"""A WebSocket client that can send anything, good or bad; no library."""

import os
import struct

from rawlogin import raw_handshake
from relaytest import Response, dial, read_exactly

FIN = 0x80
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 section 1.3, as is the answer
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MESSAGE_MAX = 32768


def ws_frame(first, payload=b"", masked=True, length=None):
    """A frame that begins with this byte; `length` is what its head says."""
    n = len(payload) if length is None else length
    mask = os.urandom(4) if masked else b""
    head = bytes([first])
    if n < 126:
        head += bytes([n | 0x80 * masked])
    elif n < 65536:
        head += bytes([126 | 0x80 * masked]) + struct.pack(">H", n)
    else:
        head += bytes([127 | 0x80 * masked]) + struct.pack(">Q", n)
    if masked and payload:
        pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
        n = len(payload)
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")
    return head + mask + payload


class WebSocket:
    """Looks like a socket to those who read and write a stream."""

    def __init__(self, relay, path="/derp"):
        self.sock = dial(relay)
        self.rest = b""  # of a message
        self.pongs = []
        self.closed = None  # code and reason
        self.sizes = []  # of messages that came
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nOrigin: null\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            f"Sec-WebSocket-Protocol: derp\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )
        self.response = Response(self.sock)
        if self.response.status != 101:
            raise AssertionError(self.response.line)

    def login(self):
        self.key = "nodekey:" + raw_handshake(self).hex()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.sock.close()

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def sendall(self, data):
        self.send(ws_frame(FIN | BINARY, data))

    def read_frame(self):
        first, second = read_exactly(self.sock, 2)
        if second & 0x80 or first & 0x70 or not first & FIN:
            raise AssertionError(f"not a whole unmasked frame: {first:02x} {second:02x}")
        n = second
        if n == 126:
            (n,) = struct.unpack(">H", read_exactly(self.sock, 2))
        elif n == 127:
            (n,) = struct.unpack(">Q", read_exactly(self.sock, 8))
        return first & 0x0F, read_exactly(self.sock, n)

    def recv(self, n):
        """As of a socket: some of the stream, empty at its end."""
        while not self.rest and self.closed is None:
            opcode, payload = self.read_frame()
            if opcode == BINARY:
                self.sizes.append(len(payload))
                self.rest = payload
            elif opcode == PONG:
                self.pongs.append(payload)
            elif opcode == CLOSE:
                self.closed = (struct.unpack(">H", payload[:2])[0] if payload else None,
                               payload[2:].decode())
            else:
                raise AssertionError(f"opcode {opcode}")
        part, self.rest = self.rest[:n], self.rest[n:]
        return part

    def end(self):
        """Reads on to the end: the code and the reason of the Close frame."""
        while self.recv(65536):
            pass
        return self.closed

    def wait_pong(self, payload):
        while payload not in self.pongs:
            opcode, got = self.read_frame()
            if opcode == PONG:
                self.pongs.append(got)
