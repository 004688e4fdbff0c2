"""Verification sources that hang, talk garbage or vanish, under load."""

import contextlib
import os
import select
import socket
import threading
import time
import unittest

from hostile import Crowd, HostileScenario, scaled
from rawlogin import raw_login_and_reset
from relaytest import (
    CLOSE,
    HANG,
    HOST,
    HttpServer,
    UnixServer,
    make_cert,
    ours_only,
    stub_localapi,
    stub_verify,
    wait_until,
)

# what real servers listen with; 5 would refuse part of a crowd
UnixServer.request_queue_size = HttpServer.request_queue_size = 1024

ALLOW = (200, '{"Allow":true}\n')
DENY = (200, '{"Allow":false}\n')
KNOWN = '{"Node":{"ID":2},"UserProfile":{},"CapMap":null}\n'
CLOSED = "-verify-client-url-fail-open=false"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
ASK_S = 5  # the relay's patience with a source
# Connections to the source that may stay open: one for each thread that asks,
# with the two descriptors that libcurl wakes itself by.
IDLE_FDS = 20 + 3 * 16


def dripping(body, seconds):
    """An answer that takes so long, byte by byte."""
    data = HEAD % len(body) + body.encode()

    def write(out):
        with contextlib.suppress(OSError):
            for i in range(len(data)):
                out.write(data[i : i + 1])
                out.flush()
                time.sleep(seconds / len(data))

    return write


@ours_only  # the Go one waits for ever
class Admission(HostileScenario):
    """A crowd waits for an answer while those inside go on."""

    def crowd_fares(self, count):
        """Logs a crowd in: how many came up; seconds."""
        crowd = Crowd(self, self.relay)
        started = time.monotonic()
        up = int(crowd.ask(f"login {count}").split()[0])
        lasted = time.monotonic() - started
        crowd.ask(f"leave {count}")
        return up, lasted

    def ordeal(self, answers, good):
        """Each bad way of answering in turn, with 200 clients that wait."""
        count = max(30, scaled(200))
        for what, answer, want_up in answers:
            with self.subTest(what):
                self.stub.answer = lambda path, body: answer
                if want_up:  # it is asked once a second while it did not answer
                    wait_until(lambda: self.crowd_fares(1)[0] == 1, "the source to be believed")
                up, lasted = self.crowd_fares(count)
                print(f"{what}: {up} of {count} logged in after {lasted:.1f} s")
                self.assertEqual(up, count if want_up else 0)
                self.undisturbed(what)
        self.stub.answer = good
        wait_until(lambda: self.crowd_fares(1)[0] == 1, "the source to be believed again")
        up, lasted = self.crowd_fares(count)
        print(f"recovered: {up} of {count} logged in after {lasted:.1f} s")
        self.assertEqual(up, count)
        self.undisturbed("recovered")
        self.left(slack=IDLE_FDS)

    def test_a_url_that_fails_closed(self):
        self.stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-verify-client-url=" + self.stub.url, CLOSED)
        self.ordeal(
            [
                ("hanging", HANG, False),
                ("garbage", os.urandom(3000) + b"\r\n\r\n", False),
                ("closing", CLOSE, False),
                ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", False),
                ("endless", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 << 20), False),
                ("denying", DENY, False),
                ("broken", (500, "x" * 100000), False),
                ("dripping in time", dripping(ALLOW[1], 0.1), True),
                ("dripping for long", dripping(ALLOW[1], 4 * ASK_S), False),
            ],
            lambda path, body: ALLOW,
        )

    def test_a_url_that_fails_open(self):
        self.stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-verify-client-url=" + self.stub.url)
        self.ordeal(
            [
                ("closing", CLOSE, True),
                ("denying", DENY, False),
                ("hanging", HANG, True),
            ],
            lambda path, body: ALLOW,
        )

    def test_a_slow_url(self):
        self.stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-verify-client-url=" + self.stub.url, CLOSED)

        def slowly(path, body):
            time.sleep(0.05)
            return ALLOW

        self.stub.answer = slowly
        count = max(20, scaled(100))
        up, lasted = self.crowd_fares(count)
        print(f"slow source: {up} of {count} logged in after {lasted:.1f} s")
        # those who would wait for more than its patience are turned away
        self.assertGreater(up, 0)
        self.undisturbed()
        self.stub.answer = lambda path, body: ALLOW
        wait_until(lambda: self.crowd_fares(1)[0] == 1, "the source to be fast again")
        self.left(slack=IDLE_FDS)

    def members(self):
        """Two who are inside, and stay there."""
        self.p = self.peer()
        self.p.login(self.relay, "a", "b")
        self.p.do("count b")

    def unknown_clients(self, count):
        """Nobody gets in, and those inside go on meanwhile."""
        crowd = Crowd(self, self.relay)
        crowd.tell(f"login {count}")
        answers, started = [], time.monotonic()
        thread = threading.Thread(target=lambda: answers.append(crowd.answer("login")))
        thread.start()
        sent = 0
        while thread.is_alive():
            self.p.do("flood a b 30 500")  # no more than a queue holds
            sent += 30
            wait_until(lambda: self.p.stats("b")["packets"] == sent, "all packets")
        print(f"{count} refused after {time.monotonic() - started:.1f} s, {sent} packets")
        self.assertEqual(answers[0].split()[0], "0")
        self.assertEqual(self.p.stats("b")["corrupt"], 0)
        self.p.ping("a", "b")
        self.undisturbed()

    def replaced(self, *flags, pair=None, backlog=1024):
        """The source is gone; in its place is a socket that nobody serves."""
        stub = stub_verify(self, lambda path, body: ALLOW, pair)
        port = stub.server.server_port
        self.besiege("-verify-client-url=" + stub.url, CLOSED, *flags)
        self.members()
        stub.answer = lambda path, body: CLOSE  # connections that are kept
        self.assertEqual(self.crowd_fares(1)[0], 0)
        stub.stop()
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(backlog)
        return sock

    def test_a_handshake_that_is_never_answered(self):
        make_cert(self.folder, "stub", f"IP:{HOST}")
        flag = "-verify-client-url-ca=" + self.path("stub.crt")
        self.replaced(flag, pair=self.path("stub"))
        self.unknown_clients(max(30, scaled(200)))

    def test_a_connect_that_is_never_answered(self):
        sock = self.replaced(backlog=0)
        fillers = []
        for _ in range(4):  # the system has one place more than it is told
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(sock.getsockname())
            fillers.append(filler)
        writable = select.select([], fillers, [], 0.5)[1]
        self.assertLess(len(writable), len(fillers))  # the others wait
        self.unknown_clients(max(30, scaled(200)))

    def test_a_tailscaled(self):
        self.stub = stub_localapi(self, self.path("ts"), lambda path, body: (200, KNOWN))
        self.besiege("-verify-clients", "-socket=" + self.path("ts"))
        self.ordeal(
            [
                ("hanging", HANG, False),
                ("garbage", os.urandom(3000) + b"\r\n\r\n", False),
                ("closing", CLOSE, False),
                ("nonsense", (200, "[" * 100000), False),
                ("dripping in time", dripping(KNOWN, 0.1), True),
                ("dripping for long", dripping(KNOWN, 4 * ASK_S), False),
            ],
            lambda path, body: (200, KNOWN),
        )

    def test_logins_that_are_reset_at_once(self):
        """Faster than the source answers, and nobody waits for the answers."""
        self.stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-verify-client-url=" + self.stub.url, CLOSED)

        def slowly(path, body):
            time.sleep(0.05)
            return ALLOW

        self.stub.answer = slowly
        ended = threading.Event()

        def flood():
            while not ended.is_set():
                raw_login_and_reset(self.relay, "127.0.0.2")

        floods = [threading.Thread(target=flood) for _ in range(4)]
        for thread in floods:
            thread.start()
        try:
            time.sleep(1)
            for i in range(4):
                started = time.monotonic()
                self.assertEqual(self.crowd_fares(1)[0], 1)
                print(f"login {i} during the flood: {time.monotonic() - started:.2f} s")
        finally:
            ended.set()
            for thread in floods:
                thread.join()
        self.undisturbed()

    def test_those_who_give_up_while_they_wait(self):
        self.stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-verify-client-url=" + self.stub.url, CLOSED)
        self.stub.answer = lambda path, body: HANG
        peer = self.peer()
        for i in range(max(30, scaled(200))):
            peer.connect(f"n{i}", self.relay, "timeout=3000")
            peer.do(f"close n{i}")
        peer.sync()
        self.undisturbed()
        self.stub.answer = lambda path, body: ALLOW
        wait_until(lambda: self.crowd_fares(1)[0] == 1, "the source to be believed again")
        self.left(slack=IDLE_FDS)


if __name__ == "__main__":
    unittest.main()
