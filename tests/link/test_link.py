"""The link emulator itself: what is measured is what was asked for."""

import math
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import link
from link import Link, Place, Way

HEADERS = 28  # IPv4 and UDP, which the link counts as well
SIZE = 1000
PORT = 9000

# Echoes datagrams, or only counts them, until its standard input ends.
FAR = """
import select, socket, sys, time
echo = sys.argv[1] == "echo"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
s.bind(("", int(sys.argv[2])))
print("ready", flush=True)
count = total = 0
first = last = 0.0
while True:
    ready, _, _ = select.select([s, sys.stdin], [], [])
    if s in ready:
        data, address = s.recvfrom(65536)
        last = time.monotonic()
        first = first or last
        count += 1
        total += len(data)
        if echo:
            s.sendto(data, address)
    elif sys.stdin in ready:
        break
print(count, total, first, last)
"""


class Far:
    """The other end's program; the clock is the same for both."""

    def __init__(self, test, place, kind):
        self.proc = subprocess.Popen(
            place.command(sys.executable, "-c", FAR, kind, str(PORT)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        test.addCleanup(self.proc.communicate)
        self.proc.stdout.readline()

    def end(self):
        self.proc.stdin.close()
        count, total, first, last = self.proc.stdout.readline().split()
        self.proc.wait()  # and its port is free
        self.proc.stdin = None  # nothing left for communicate to close
        return int(count), int(total), float(first), float(last)


def waited_s(pid):
    """How long a process has waited for a processor so far."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[1]) / 1e9


class Emulator(unittest.TestCase):
    def join(self, **options):
        self.place = self.enterContext(Place())
        self.link = self.enterContext(Link(self.place, **options))
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(10)
        self.addCleanup(self.sock.close)
        self.sock.connect((self.link.far, PORT))

    def send_at(self, rate, count, size=SIZE):
        """So many datagrams at so many a second."""
        begin = time.monotonic()
        for i in range(count):
            self.sock.send(bytes(size))
            time.sleep(max(0, begin + (i + 1) / rate - time.monotonic()))

    def crossed(self, direction, count):
        """Waits until so many are delivered or gone."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            stats = self.link.stats()[direction]
            if stats["delivered"] + stats["lost"] + stats["dropped"] >= count:
                return stats
            time.sleep(0.05)
        self.fail(f"of {count} packets: {stats}")

    def round_trips(self, count):
        times = []
        for i in range(count):
            begin = time.monotonic()
            self.sock.send(struct.pack(">I", i))
            self.sock.recv(100)
            times.append(1000 * (time.monotonic() - begin))
            time.sleep(0.02)
        return sorted(times)

    def test_the_delay_is_right_both_ways(self):
        self.join(to_far=Way(delay_ms=40), to_near=Way(delay_ms=15))
        Far(self, self.place, "echo")
        times = self.round_trips(40)
        # the least of them: the rest is how busy the machine is
        print(f"asked for 55 ms: {times[0]:.1f} to {times[-1]:.1f}")
        self.assertGreaterEqual(times[0], 55)
        self.assertLess(times[0], 60)

    def rate(self, kbit):
        """Half as much again is offered; what arrives goes at the rate."""
        # a quarter of a second, so that a sender that stalls leaves no gap
        queue = max(5000, kbit * 125 // 4)
        self.join(to_far=Way(rate_kbit=kbit, queue=queue), to_near=Way())
        wire = 8 * (SIZE + HEADERS)
        count = max(30, int(3 * 1000 * kbit / wire))
        before = 0
        for i in range(1, 5):
            far = Far(self, self.place, "count")
            pids = (os.getpid(), self.link.proc.pid, far.proc.pid)
            waited = sum(map(waited_s, pids))
            self.send_at(1.5 * 1000 * kbit / wire, count)
            delivered = self.crossed("to_far", i * count)["delivered"]
            waited = sum(map(waited_s, pids)) - waited
            got, _, first, last = far.end()
            self.assertEqual(got, delivered - before)
            before = delivered
            measured = (got - 1) * wire / (last - first) / 1000
            print(f"asked for {kbit} kbit/s: {measured:.0f}, waited {waited:.2f} s")
            self.assertLess(measured, kbit * 1.1)
            if measured > kbit * 0.9:
                return
            # else it was the machine, or the link is too slow
            self.assertGreater(waited, 0.02 * (last - first), "a link that is too slow")
        self.skipTest("the machine is too busy to send as fast as that")

    def test_a_slow_rate_is_right(self):
        self.rate(64)

    def test_a_middle_rate_is_right(self):
        self.rate(5000)

    def test_a_fast_rate_is_right(self):
        self.rate(50000)

    def test_the_loss_is_right(self):
        self.join(to_far=Way(loss=2), to_near=Way(), seed=5)
        Far(self, self.place, "count")
        count = 10000
        self.send_at(4000, count, 50)
        stats = self.crossed("to_far", count)
        expected, sigma = 0.02 * count, math.sqrt(count * 0.02 * 0.98)
        print(f"asked for {expected:.0f} lost of {count}: {stats['lost']}")
        self.assertEqual(stats["dropped"], 0)
        self.assertLess(abs(stats["lost"] - expected), 5 * sigma)

    def test_the_queue_drops_the_newest(self):
        self.join(to_far=Way(rate_kbit=1000, queue=10000), to_near=Way())
        far = Far(self, self.place, "count")
        begin = time.monotonic()
        self.send_at(100000, 100)
        lasted = time.monotonic() - begin
        stats = self.crossed("to_far", 100)
        got = far.end()[0]
        print(f"of 100 kB into a queue of 10 kB at 1 Mbit/s: {got} kB arrived")
        self.assertEqual(got, stats["delivered"])
        self.assertGreaterEqual(got, 9)
        # the queue, and what it has sent while they came, all but at once
        most = 20 + int(125 * lasted)
        self.assertLess(got, most)
        self.assertGreater(stats["dropped"], 99 - most)

    def test_a_stream_arrives_whole_over_a_bad_link(self):
        self.join(to_far=Way(20, 20000, 1, 50000), to_near=Way(20, 5000, 1, 50000))
        listener = socket.create_server((self.link.near, 0))
        self.addCleanup(listener.close)
        send = "import socket,sys; s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
        send += "s.sendall(bytes(range(250))*4000); s.close()"
        words = [self.link.near, str(listener.getsockname()[1])]
        sender = subprocess.Popen(self.place.command(sys.executable, "-c", send, *words))
        self.addCleanup(sender.wait)
        listener.settimeout(30)
        conn, _ = listener.accept()
        conn.settimeout(30)
        with conn, conn.makefile("rb") as f:
            self.assertEqual(f.read(), bytes(range(250)) * 4000)

    def test_nothing_is_left_when_it_is_killed(self):
        """A process that dies without a word leaves neither program behind."""
        code = "import link,os,sys; p=link.Place(); l=link.Link(p, number=9);"
        code += "print(p.holder.pid, l.proc.pid, flush=True); os.kill(os.getpid(), 9)"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            capture_output=True,
            text=True,
            cwd=os.path.dirname(os.path.abspath(__file__)),
        )
        pids = [int(x) for x in done.stdout.split()]
        self.assertEqual(len(pids), 2, done.stderr)
        gone = threading.Event()
        for _ in range(500):
            if not any(self.alive(pid) for pid in pids):
                return
            gone.wait(0.02)
        self.fail(f"{pids} still run")

    @staticmethod
    def alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                return f.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


if __name__ == "__main__":
    link.main()
