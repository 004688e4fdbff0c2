"""Servers with a fault each, on threads of this process.

A Front takes connections on an address and hands each to `serve`, on a thread
of its own. What it shows of TLS and HTTP is put together from the small parts
below; behind it there may be a real relay without TLS.
"""

import contextlib
import select
import socket
import ssl
import struct
import threading
import time


def pipe(a, b):
    """Bytes both ways until one side has ended. On one thread, because OpenSSL
    does not let two use a connection at a time."""
    other = {a: b, b: a}
    while True:
        ready = [s for s in other if pending(s)]
        if not ready:
            ready, _, _ = select.select([a, b], [], [], 30)
        for sock in ready:
            data = sock.recv(65536)
            if not data:
                return
            other[sock].sendall(data)


def pending(sock):
    """Whether bytes wait that select does not see."""
    return isinstance(sock, Seen) and bool(sock.head) or (
        hasattr(sock, "pending") and sock.pending() > 0)


def read_head(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(1)
        if not data:
            break
        head += data
    return head


def context(cert, highest=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(*cert)
    if highest:
        c.maximum_version = highest
    if highest and highest < ssl.TLSVersion.TLSv1_2:
        c.minimum_version = ssl.TLSVersion.TLSv1
        c.set_ciphers("ALL:@SECLEVEL=0")
    return c


class Front:
    def __init__(self, address, port, serve, cert=None, highest=None, delay=None,
                 backlog=64):
        """delay(n): seconds before the answer to the n-th TLS handshake."""
        self.serve, self.delay = serve, delay
        self.context = context(cert, highest) if cert else None
        self.listener = socket.create_server((address, port), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.count = 0
        self.open = set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._serve, args=(sock, self.count),
                             daemon=True).start()

    def _serve(self, sock, count):
        self.open.add(sock)
        try:
            sock.settimeout(30)
            if self.delay:
                sock.recv(1, socket.MSG_PEEK)  # the client has begun
                time.sleep(self.delay(count))
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
                self.open.add(sock)
            self.serve(sock, count)
        except (OSError, ValueError):
            pass
        finally:
            with contextlib.suppress(OSError):
                sock.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.close()


# --- what a connection may meet ---

def to_relay(*relays):
    """A relay behind, each in turn."""
    def serve(sock, count):
        relay = relays[(count - 1) % len(relays)]
        with socket.create_connection((relay.address, relay.port)) as back:
            pipe(sock, back)
    return serve


def edited(relay, edit):
    """The relay behind, with the head of each request edited."""
    def serve(sock, _):
        head = edit(read_head(sock))
        with socket.create_connection((relay.address, relay.port)) as back:
            back.sendall(head)
            pipe(sock, back)
    return serve


def answered(relay, edit):
    """The relay behind, with the head of each answer edited."""
    def serve(sock, _):
        head = read_head(sock)
        with socket.create_connection((relay.address, relay.port)) as back:
            back.sendall(head)
            sock.sendall(edit(read_head(back)))
            pipe(sock, back)
    return serve


def without_upgrade(head):
    return b"\r\n".join(line for line in head.split(b"\r\n")
                        if not line.lower().startswith((b"upgrade:", b"connection:")))


def says(status, headers="", body=b""):
    """The same answer to everything."""
    answer = (f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n"
              "Connection: close\r\n\r\n").encode() + body

    def serve(sock, _):
        read_head(sock)
        sock.sendall(answer)
    return serve


def by_path(paths, otherwise):
    """What is done with a request for one of the paths, and with others."""
    def serve(sock, count):
        seen = Seen(sock, read_head(sock))
        path = seen.head.split(b" ")[1].decode()
        paths.get(path, otherwise)(seen, count)
    return serve


class Seen:
    """A socket of which the head has been read."""

    def __init__(self, sock, head):
        self.sock, self.head = sock, head

    def recv(self, n, *flags):
        if self.head:
            data, self.head = self.head[:n], self.head[n:]
            return data
        return self.sock.recv(n, *flags)

    def __getattr__(self, name):
        return getattr(self.sock, name)


def silent(sock, _):
    """Holds the connection and says nothing."""
    with contextlib.suppress(OSError):
        while sock.recv(4096):
            pass


def plain_http(sock, _):
    """A server without TLS that is sent TLS."""
    sock.recv(4096)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def reset(sock, _):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sometimes_reset(relay, which):
    """The relay behind, but for the connection of that number."""
    passes = to_relay(relay)

    def serve(sock, count):
        (reset if count == which else passes)(sock, count)
    return serve


def garbage_after_switch(sock, _):
    read_head(sock)
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"\xff" * 64)


def endless_headers(sock, _):
    read_head(sock)
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        sock.sendall(b"X-Again: and again\r\n" * 64)


def silent_after_server_key(key):
    """Switches, tells its key, and then says nothing."""
    def serve(sock, count):
        read_head(sock)
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n"
                     b"Connection: Upgrade\r\n\r\n\x01" +
                     struct.pack(">I", 40) + bytes.fromhex("444552 50f09f9491") +
                     key)
        silent(sock, count)
    return serve


def closed_port(address, port=0):
    """A socket that holds a port on which nobody listens: it is refused, and
    nobody else can take it."""
    sock = socket.socket()
    sock.bind((address, port))
    return sock


def full_listener(address, port):
    """A port whose queue is full: the kernel drops what comes next."""
    listener = socket.create_server((address, port), backlog=0)
    waiting = []
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(listener.getsockname())
        waiting.append(sock)
    return [listener, *waiting]


# --- STUN ---

COOKIE = bytes.fromhex("2112a442")


class Stun:
    """Answers each request with what `answer` makes of (request, peer), from
    another socket when that is given."""

    def __init__(self, address, port, answer, other=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        self.port = self.sock.getsockname()[1]
        self.answer, self.sender = answer, self.sock
        if other:
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sender.bind((other, port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2048)
            except OSError:
                return
            if not data:
                return
            reply = self.answer(data, peer)
            if reply:
                self.sender.sendto(reply, peer)

    def stop(self):
        with contextlib.suppress(OSError), socket.socket(
                socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.sock.getsockname())
        self.thread.join(5)
        self.sock.close()
        self.sender.close()


def stun_response(request, address, port, mapped=False, txid=None):
    """mapped: the IPv4 address as IPv6, as the Go relay has it."""
    txid = txid or request[8:20]
    ip = socket.inet_aton(address)
    family = 1
    if mapped:
        ip, family = bytes(10) + b"\xff\xff" + ip, 2
    ip = bytes(a ^ b for a, b in zip(ip, COOKIE + txid))
    value = struct.pack(">BBH", 0, family, port ^ 0x2112) + ip
    return (struct.pack(">HH", 0x0101, 4 + len(value)) + COOKIE + txid +
            struct.pack(">HH", 0x20, len(value)) + value)
