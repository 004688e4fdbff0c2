"""A full descriptor table, a log that nobody reads, crowds."""

import os
import resource
import socket
import ssl
import struct
import time
import unittest

from relaytest import HOST, Scenario, dial, make_cert, ours_only, wait_until


def cpu(relay):
    """Seconds of processor time that it has used."""
    with open(f"/proc/{relay.proc.pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client_hello():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@ours_only
class Handshakes(Scenario):
    def hello(self, relay):
        sock = socket.create_connection((HOST, relay.port))
        sock.sendall(self.first)
        return sock

    def test_a_reset_connection_that_waits_costs_no_turns(self):
        """It waits to begin its handshake and is not read from; that it was
        reset is told in every turn until the relay reacts."""
        make_cert(self.folder, HOST, f"IP:{HOST}")
        relay = self.derper("-loops=1", "-max-handshakes=1", tls=True)
        self.first = client_hello()
        relay.wait_log("serving on")
        first = self.hello(relay)
        second = self.hello(relay)
        time.sleep(0.5)  # until it is accepted and waits
        second.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        second.close()
        before = cpu(relay)
        time.sleep(1)  # a measurement, not a wait: it must not spin
        self.assertLess(cpu(relay) - before, 0.5)
        first.close()


class Descriptors(Scenario):
    def few(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    def test_a_full_table_frees_again(self):
        relay = self.derper(preexec_fn=self.few)
        p = self.peer()
        p.login(relay, "a", "b")
        crowd = [socket.create_connection((HOST, relay.port)) for _ in range(300)]

        def full():
            return len(os.listdir(f"/proc/{relay.proc.pid}/fd")) >= 120

        wait_until(full, "the descriptors to run out")
        p.do("send a b 01")  # those inside feel nothing
        p.expect("recv b a 1 01")
        before = cpu(relay)
        time.sleep(1)  # a measurement, not a wait: it must not spin
        self.assertLess(cpu(relay) - before, 0.7)
        for sock in crowd:
            sock.close()

        def again():
            p.do(f"connect c {HOST} {relay.port} timeout=2000")
            return p.expect("(up|closed|failed) c .*").group(1) == "up"

        wait_until(again, "a login after the crowd has left")
        p.do("send c b 02")
        p.expect("recv b c 1 02")



@ours_only  # the Go one dies or stops
class Log(Scenario):
    def noisy(self, relay):
        """Makes it log more than a pipe holds."""
        for _ in range(300):
            with dial(relay) as sock:
                sock.sendall(b"GET /derp HTTP/1.1\r\nUpgrade: " + b"x" * 3000 + b"\r\n\r\n")
                sock.recv(100)

    def check(self, relay):
        p = self.peer()
        p.login(relay, "a", "b")
        p.do("send a b 01")
        p.expect("recv b a 1 01")

    def test_a_reader_that_goes_away_does_not_end_it(self):
        read_end, write_end = os.pipe()
        relay = self.derper(stderr=write_end)
        os.close(write_end)
        os.close(read_end)
        self.noisy(relay)
        self.check(relay)

    def test_a_full_pipe_does_not_stop_it(self):
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        os.set_blocking(write_end, False)
        try:
            while True:
                os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(write_end, True)
        relay = self.derper(stderr=write_end)
        os.close(write_end)
        self.noisy(relay)
        self.check(relay)

    def test_without_a_standard_error_it_runs(self):
        relay = self.derper(stderr=None, preexec_fn=lambda: os.close(2))
        self.check(relay)


class Crowd(Scenario):
    def crowd(self, tls):
        relay = self.derper(tls=tls)
        p = self.peer()
        names = [f"n{i}" for i in range(250)]
        p.login(relay, *names)
        for i, name in enumerate(names):
            p.do(f"send {name} {names[i - 1]} 01")
        for i, name in enumerate(names):
            p.expect(f"recv {names[i - 1]} {name} 1 01")

    def test_many_clients(self):
        self.crowd(False)

    def test_many_tls_clients(self):
        self.crowd(True)


if __name__ == "__main__":
    unittest.main()
