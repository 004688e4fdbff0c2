"""Logins whose bytes are ours: boxes sealed by libsodium, no derp-peer."""

import ctypes
import ctypes.util
import functools
import os
import socket
import struct

from relaytest import HOST, UPGRADE, dial, frame, read_exactly, read_until


@functools.cache
def sodium():
    return ctypes.CDLL(ctypes.util.find_library("sodium"))


def client_info(public, box_key):
    """The frame of this public key's owner, sealed so that the key opens it."""
    text, nonce = b'{"Version":2,"CanAckPings":true}', os.urandom(24)
    box = ctypes.create_string_buffer(len(text) + 16)
    length = ctypes.c_ulonglong(len(text))
    sodium().crypto_secretbox_easy(box, text, length, nonce, box_key)
    return frame(0x02, public + nonce + box.raw)


def public_of(number):
    """The public key, hex, of the private key that is this number."""
    public = ctypes.create_string_buffer(32)
    sodium().crypto_scalarmult_base(public, number.to_bytes(32, "big"))
    return public.raw.hex()


def zero_box_key():
    """What opens a box when the shared secret is zero."""
    key = ctypes.create_string_buffer(32)
    sodium().crypto_core_hsalsa20(key, bytes(16), bytes(32), None)
    return key


def raw_client(sock):
    """Logs in on a connection; the client's public key."""
    sock.sendall(UPGRADE)
    return raw_handshake(sock)


def raw_handshake(sock):
    """The same on one that speaks DERP already."""
    public, private, key = (ctypes.create_string_buffer(32) for _ in range(3))
    sodium().crypto_box_keypair(public, private)
    read_until(sock, b"DERP\xf0\x9f\x94\x91")
    sodium().crypto_box_beforenm(key, read_exactly(sock, 32), private)
    sock.sendall(client_info(public.raw, key))
    kind, length = struct.unpack(">BI", read_exactly(sock, 5))
    if kind != 0x03:
        raise AssertionError(f"frame {kind} instead of ServerInfo")
    read_exactly(sock, length)
    return public.raw


def raw_login(relay, sock=None):
    """A connection behind its ServerInfo, whose bytes are ours."""
    sock = sock or dial(relay)
    raw_client(sock)
    return sock


def raw_login_and_reset(relay, source):
    """From that address: a login that is broken off before its answer."""
    public, private, key = (ctypes.create_string_buffer(32) for _ in range(3))
    sodium().crypto_box_keypair(public, private)
    sock = socket.create_connection((HOST, relay.port), 30, (source, 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with sock:
        sock.sendall(UPGRADE)
        read_until(sock, b"DERP\xf0\x9f\x94\x91")
        sodium().crypto_box_beforenm(key, read_exactly(sock, 32), private)
        sock.sendall(client_info(public.raw, key))
