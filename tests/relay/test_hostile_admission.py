"""Verification sources that hang, talk garbage or vanish, under load."""

import os
import time
import unittest

from hostile import Crowd, HostileScenario, scaled
from relaytest import (
    CLOSE,
    HANG,
    HttpServer,
    UnixServer,
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
        self.left(slack=20)  # connections to the source may stay open

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
        self.left(slack=20)

    def test_a_tailscaled(self):
        self.stub = stub_localapi(self, self.path("ts"), lambda path, body: (200, KNOWN))
        self.besiege("-verify-clients", "-socket=" + self.path("ts"))
        self.ordeal(
            [
                ("hanging", HANG, False),
                ("garbage", os.urandom(3000) + b"\r\n\r\n", False),
                ("closing", CLOSE, False),
                ("nonsense", (200, "[" * 100000), False),
            ],
            lambda path, body: (200, KNOWN),
        )

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
        self.left(slack=20)


if __name__ == "__main__":
    unittest.main()
