"""A DERP client over the library websockets: websockets_client.py URL KEY.

Sends packets to that key and wants one of the same length back for each. Exit
status 0: all came, pings were answered, and the end was the one of the RFC.
"""

import ssl
import struct
import sys

from rawlogin import raw_handshake
from relaytest import frame, read_exactly
from websockets.sync.client import connect

MESSAGE_MAX = 32768
SEND_PACKET, RECV_PACKET = 0x04, 0x05


class Stream:
    """Messages as a stream of bytes, as rawlogin wants it."""

    def __init__(self, ws):
        self.ws, self.rest = ws, b""

    def recv(self, n):
        if not self.rest:
            self.rest = self.ws.recv(60)
            if not isinstance(self.rest, bytes):
                raise AssertionError("a text message")
        part, self.rest = self.rest[:n], self.rest[n:]
        return part

    def sendall(self, data):
        # in frames of one message, which the relay must put together
        for at in range(0, len(data), MESSAGE_MAX):
            part = data[at : at + MESSAGE_MAX]
            cut = len(part) // 2
            self.ws.send([part[:cut], part[cut:]])

    def packet(self):
        while True:
            kind, n = struct.unpack(">BI", read_exactly(self, 5))
            body = read_exactly(self, n)
            if kind == RECV_PACKET:
                return body[:32], body[32:]


def main(url, key):
    peer = bytes.fromhex(key)
    context = None
    if url.startswith("wss:"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # no pings but the one that is counted, and no end on a busy machine
    with connect(url, subprotocols=["derp"], ssl=context, proxy=None, ping_interval=None,
                 open_timeout=60, close_timeout=60) as ws:
        if ws.subprotocol != "derp":
            raise AssertionError(f"subprotocol {ws.subprotocol}")
        stream = Stream(ws)
        raw_handshake(stream)
        for size in (1, 125, 126, 1400, 30000, 65536):
            stream.sendall(frame(SEND_PACKET, peer + bytes(size)))
            source, packet = stream.packet()
            if source != peer or packet != b"\xcd" * size:
                raise AssertionError(f"{len(packet)} bytes instead of {size}")
        if not ws.ping(b"there?").wait(60):
            raise AssertionError("a ping was not answered")
    if (ws.close_code, ws.protocol.close_rcvd_then_sent) != (1000, False):
        raise AssertionError(f"closed with {ws.close_code}")


if __name__ == "__main__":
    main(*sys.argv[1:])
