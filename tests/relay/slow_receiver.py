"""A receiver that reads slowly, and somebody who sends it a burst.

Run as a program it is the receiver: slow_receiver.py HOST PORT plain|tls RATE
[RCVBUF]. RATE is in bytes a second, 0 for as fast as they come and "stuck" for
none. It prints its key, sends one packet to the key that it reads from standard
input, so that this one is told when it goes, and reads until that ends.

As a module it measures: whether a relay keeps such receivers, and when not,
after how many seconds they were cut off.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from rawlogin import raw_client
from relaytest import frame, read_exactly, tls_context

SEND, PEER_GONE, PING, PONG = 0x04, 0x08, 0x12, 0x13
PACKET = 1400  # bytes
BURST_RATE = 2_000_000  # bytes a second, much more than any receiver here
STEP_S = 0.05  # of the pace of senders and receivers


def connect(host, port, tls, rcvbuf=0):
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(30)
    sock.connect((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls_context().wrap_socket(sock) if tls else sock


def receive(sock, rate):
    """Reads at that pace until standard input ends; bytes, and whether the
    connection has ended. What it reads does not matter, so also not that it
    is encrypted."""
    raw = socket.socket(fileno=sock.detach())
    raw.setblocking(False)
    begin, got = time.monotonic(), 0
    watched = [sys.stdin] if rate is None else [sys.stdin, raw]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if sys.stdin in ready:
            return got, False
        try:
            due = 65536 if not rate else int((time.monotonic() - begin) * rate) - got
            data = raw.recv(due) if due > 0 else b"-"
        except BlockingIOError:
            continue
        except OSError:
            return got, True
        if not data:
            return got, True
        got += len(data) if due > 0 else 0
        if rate:
            time.sleep(STEP_S)


def main():
    host, port, kind, rate, *rcvbuf = sys.argv[1:]
    rate = None if rate == "stuck" else int(rate)
    sock = connect(host, int(port), kind == "tls", int(rcvbuf[0]) if rcvbuf else 0)
    public = raw_client(sock)
    print(public.hex(), flush=True)
    # unbuffered, so that select sees what is there
    told = os.read(0, 100).decode().strip()
    sock.sendall(frame(SEND, bytes.fromhex(told) + b"\1"))
    print("ready", flush=True)
    got, ended = receive(sock, rate)
    print(got, "ended" if ended else "open", flush=True)


class Sender:
    """A client that bursts at a receiver and hears when that is gone."""

    def __init__(self, host, port, tls):
        self.sock = connect(host, port, tls)
        self.public = raw_client(self.sock)
        self.gone_at = None  # monotonic
        self.failed = None
        self.lock = threading.Lock()  # of sending
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        self.sock.settimeout(None)
        try:
            while True:
                kind, length = struct.unpack(">BI", read_exactly(self.sock, 5))
                body = read_exactly(self.sock, length)
                if kind == PEER_GONE:
                    self.gone_at = time.monotonic()
                elif kind == PING:
                    self.send(frame(PONG, body))
        except (OSError, AssertionError) as e:
            self.failed = e

    def send(self, data):
        with self.lock:
            self.sock.sendall(data)

    def burst(self, to, seconds):
        packet = frame(SEND, to + bytes(PACKET))
        begin, sent = time.monotonic(), 0
        while time.monotonic() - begin < seconds and self.failed is None:
            due = (time.monotonic() - begin) * BURST_RATE / PACKET
            self.send(packet * int(due - sent))
            sent += int(due - sent)
            time.sleep(STEP_S)

    def close(self):
        self.sock.close()


class Trial:
    """One receiver and its sender. `enter` are words that run the receiver
    elsewhere, where the relay has the address `far_host`."""

    def __init__(self, relay, rate, burst_s, enter=(), far_host=None, rcvbuf=0):
        host, port, tls = relay
        self.rate, self.burst_s = rate, burst_s
        words = [sys.executable, "-B", os.path.abspath(__file__)]
        words += [far_host or host, str(port), "tls" if tls else "plain"]
        words += ["stuck" if rate is None else str(rate), str(rcvbuf)]
        self.proc = subprocess.Popen(
            [*enter, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.sender = Sender(host, port, tls)
        self.key = bytes.fromhex(self.proc.stdout.readline())
        self.proc.stdin.write(self.sender.public.hex() + "\n")
        self.proc.stdin.flush()
        self.proc.stdout.readline()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.begin = time.monotonic()
        self.thread.start()

    def run(self):
        self.sender.burst(self.key, self.burst_s)

    def cut_after_s(self):
        """None while it is connected."""
        gone = self.sender.gone_at
        return None if gone is None else gone - self.begin

    def end(self):
        """Bytes that the receiver has read."""
        self.thread.join()
        if self.sender.failed:
            raise AssertionError(f"the sender was cut off: {self.sender.failed}")
        self.sender.close()
        self.proc.stdin.close()
        got = int(self.proc.stdout.readline().split()[0])
        self.proc.stdout.close()
        self.proc.wait()
        return got


def measure(trials, seconds):
    """Runs them side by side: for each when it was cut off (None: kept), and
    how much it has read."""
    for trial in trials:
        trial.start()
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if all(t.cut_after_s() is not None for t in trials):
            break
        time.sleep(0.1)
    cut = [t.cut_after_s() for t in trials]
    return list(zip(cut, [t.end() for t in trials]))


if __name__ == "__main__":
    main()
