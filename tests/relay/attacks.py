"""Attacks by clients that are not logged in: each a context manager that goes
on, by itself or in a thread of its own, until its block ends.

    with SilentConnections(relay, 1000) as attack: ...

`relay` is a relaytest.Derper. Sockets come from many loopback addresses, so
that limits per source address are met only where an attack means to meet them.

Environment: DERP_ATTACK is the program for what needs our own TLS records.
"""

import contextlib
import itertools
import os
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

from relaytest import HOST, UPGRADE, frame, read_until, tls_context

DERP_ATTACK = os.environ.get("DERP_ATTACK", "derp-attack")
RECORD_MAX = 16384 + 256  # bytes of a TLS 1.3 record's body
LOGIN_TRIES_S = 30

# What must not reach a log as it is: C1 controls as UTF-8 and as bytes, a
# bidirectional override, quotes, an escape sequence.
INJECTIONS = [
    b"\xc2\x9b2J",
    "\u202egnp.exe".encode(),
    b"\x9b2J",
    b'" level=error msg="',
    b"\xe2\x80\xa8next line",
]


def source(number):
    """A loopback address: the same few hundred for small numbers."""
    return f"127.1.{number // 250 % 250}.{number % 250 + 1}"


def connect(relay, address=None):
    """A connection from there, without TLS."""
    sock = socket.socket()
    sock.settimeout(LOGIN_TRIES_S)
    if address:
        # the port is chosen when it connects, so that 28,000 are enough
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.bind((address, 0))
    try:
        sock.connect((HOST, relay.port))
    except OSError:
        sock.close()
        raise
    return sock


def handshake(relay, address=None):
    sock = connect(relay, address)
    return tls_context().wrap_socket(sock) if getattr(relay, "tls", False) else sock


def upgraded(relay, address=None):
    """A connection that has become DERP, before any login."""
    sock = handshake(relay, address)
    sock.sendall(UPGRADE)
    read_until(sock, b"DERP\xf0\x9f\x94\x91")
    return sock


def client_hello():
    """A ClientHello as ssl sends it, one record."""
    outward = ssl.MemoryBIO()
    tls = tls_context().wrap_bio(ssl.MemoryBIO(), outward, server_hostname="derp.test")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outward.read()


class Connections:
    """So many connections that are made and then only held. One that the relay
    ends is made again at `again_per_s`, 0: it is not."""

    again_per_s = 0

    def __init__(self, relay, count, again_per_s=0, sources=True):
        self.relay, self.count, self.sources = relay, count, sources
        self.again_per_s = again_per_s
        self.socks, self.refused, self.ended = [], 0, 0
        self.over = threading.Event()
        self.numbers = itertools.count()

    def open(self, address):
        """Makes one: a socket, or a list of sockets to be held."""
        raise NotImplementedError

    def add(self):
        number = next(self.numbers)
        try:
            sock = self.open(source(number) if self.sources else None)
        except (OSError, AssertionError):
            self.refused += 1
            return
        sock.setblocking(False)
        self.socks.append(sock)

    def __enter__(self):
        for _ in range(self.count):
            self.add()
        self.thread = threading.Thread(target=self.hold, daemon=True)
        if self.again_per_s:
            self.thread.start()
        return self

    def alive(self):
        """How many the relay has not ended."""
        self.sweep()
        return len(self.socks)

    def sweep(self):
        kept = [s for s in self.socks if not has_ended(s)]
        self.ended += len(self.socks) - len(kept)
        self.socks = kept

    def hold(self):
        while not self.over.wait(1):
            self.sweep()
            for _ in range(min(self.again_per_s, self.count - len(self.socks))):
                self.add()

    def __exit__(self, *_):
        self.over.set()
        if self.again_per_s:
            self.thread.join()
        for sock in self.socks:
            sock.close()


def has_ended(sock):
    """Reads what there is; closes it when that was the end."""
    try:
        while sock.recv(65536):
            pass
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        pass
    sock.close()
    return True


class SilentConnections(Connections):
    """They connect and say nothing."""

    def open(self, address):
        return connect(self.relay, address)


class PartialRecords(Connections):
    """All but the last byte of the longest record, without a handshake."""

    def open(self, address):
        sock = connect(self.relay, address)
        sock.sendall(b"\x16\x03\x01" + struct.pack(">H", 16384) + bytes(16383))
        return sock


class StaticHellos(Connections):
    """A ClientHello that is always the same: no work for them, a key exchange
    and a signature for the relay."""

    def __init__(self, relay, count, **options):
        super().__init__(relay, count, **options)
        self.hello = client_hello()

    def open(self, address):
        sock = connect(self.relay, address)
        sock.sendall(self.hello)
        return sock


class HalfClientInfos(Connections):
    """A ClientInfo of the largest size without its last byte, after which
    nothing comes. Those after the first `large` send less and less, so that
    together they take whatever room a relay has for such input."""

    large = 256
    longest = 262144

    def open(self, address):
        sock = upgraded(self.relay, address)
        after = max(0, len(self.socks) + self.refused - self.large)
        size = max(1, (self.longest - 1) >> (after // 4))
        sock.sendall(frame(0x02, os.urandom(size), self.longest))
        return sock


class Program:
    """derp-attack, with so many connections."""

    kind = None

    def __init__(self, relay, count):
        self.words = [DERP_ATTACK, self.kind, HOST, str(relay.port), str(count)]
        self.sent = self.ended = 0

    def __enter__(self):
        self.proc = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.proc.stdout.readline() != "ready\n":
            raise AssertionError("derp-attack has not started")
        return self

    def __exit__(self, *_):
        out, _ = self.proc.communicate()
        if self.proc.returncode != 0:
            raise AssertionError(f"derp-attack ended with {self.proc.returncode}")
        words = out.split()
        self.sent, self.ended = int(words[1]), int(words[3])


class EmptyClientHellos(Program):
    """TLS 1.2 records with an empty ClientHello each, answers not read."""

    kind = "hellos"


class KeyUpdates(Program):
    """KeyUpdates that ask for one in return, which is not read."""

    kind = "updates"


class LogInjection:
    """Requests whose headers are not fit to be printed, again and again."""

    def __init__(self, relay, every_s=0.05):
        self.relay, self.every_s = relay, every_s
        self.over = threading.Event()
        self.sent = 0

    def send(self, text):
        request = b"GET /derp HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
        request += b"Upgrade: " + text + b"\r\nUser-Agent: " + text + b"\r\n\r\n"
        with contextlib.suppress(OSError), handshake(self.relay) as sock:
            sock.sendall(request)
            sock.settimeout(5)
            sock.recv(4096)
        self.sent += 1

    def run(self):
        for text in itertools.cycle(INJECTIONS):
            if self.over.wait(self.every_s):
                return
            self.send(text)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def unfit(lines):
    """The lines that hold anything but printable ASCII."""
    return [x for x in lines if not (x.isascii() and x.replace("\t", " ").isprintable())]


def wait_quiet(sock, seconds):
    """Whether nothing comes and the connection does not end for so long."""
    ready, _, _ = select.select([sock], [], [], seconds)
    return not ready


def login_seconds(login, patience=LOGIN_TRIES_S):
    """How long it takes until a login works."""
    begin = time.monotonic()
    while True:
        try:
            login().close()
            return time.monotonic() - begin
        except (OSError, AssertionError):
            if time.monotonic() - begin > patience:
                raise
            time.sleep(0.05)
