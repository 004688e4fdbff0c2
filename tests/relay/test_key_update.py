"""KeyUpdates of TLS 1.3 in the middle of a connection, sent by openssl's own
client: a few are followed, a flood of them ends the connection."""

import contextlib
import subprocess
import unittest

from hostile import HostileScenario
from relaytest import HOST, PATIENCE, Lines, make_cert, ours_only, wait_until

FEW = 8
FLOOD = 300  # openssl sends one for each line


class SClient:
    """openssl s_client, which takes a chunk of input that begins with K or k as
    the command to send a KeyUpdate, that asks for one in return or does not."""

    def __init__(self, test, relay):
        self.proc = subprocess.Popen(
            ["openssl", "s_client", "-tls1_3", "-msg", "-crlf"]
            + ["-connect", f"{HOST}:{relay.port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.out = Lines(self.proc.stdout)
        test.addCleanup(self.proc.wait, PATIENCE)
        test.addCleanup(self.close)
        self.out.wait("<<< TLS 1.3, Handshake .*Finished")
        self.out.wait(">>> TLS 1.3, Handshake .*Finished")
        self.updates = 0

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.proc.stdin.close()

    def write(self, text):
        self.proc.stdin.write(text)
        self.proc.stdin.flush()

    def count(self, direction):
        text = self.out.text()
        return sum(
            line.startswith(direction) and line.endswith("KeyUpdate")
            for line in text.split("\n")
        )

    def update(self, command):
        """Each is a read of its own, so the one before must be under way."""
        self.updates += 1
        self.write(command + b"\n")
        wait_until(lambda: self.count(">>>") >= self.updates or self.out.ended, "an update")

    def ask(self, word):
        """A request on the connection, whose answer is like no other."""
        request = f"GET /generate_204 HTTP/1.1\nHost: h\nX-Tailscale-Challenge: {word}\n\n"
        self.write(request.encode())
        self.out.wait(f"X-Tailscale-Response: response {word}\r?$")


class KeyUpdate:
    tls = True

    def setUp(self):
        super().setUp()
        make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege()
        self.client = SClient(self, self.relay)

    def test_answers_are_right_before_between_and_after(self):
        answered = 0
        self.client.ask("first")
        for i in range(FEW):
            self.client.update(b"k")
            self.client.ask(f"told{i}")
            self.client.update(b"K")
            answered += 1
            self.client.ask(f"asked{i}")
            # the relay's own comes before what it says next
            self.assertEqual(self.client.count("<<<"), answered)
        for command in b"kKkk":  # in a row, and nothing in between
            self.client.update(bytes([command]))
        self.client.ask("last")
        self.assertEqual(self.client.count("<<<"), answered + 1)
        self.undisturbed()


class Own(KeyUpdate, HostileScenario):
    @ours_only  # the others follow for ever
    def test_a_flood_ends_its_connection_only(self):
        self.client.ask("first")
        for i in range(FLOOD):
            if self.client.out.ended:
                break
            with contextlib.suppress(BrokenPipeError):
                self.client.update(b"kK"[i % 2 : i % 2 + 1])
        self.client.out.thread.join(PATIENCE)
        self.assertTrue(self.client.out.ended, "it still runs")
        sent = self.client.count(">>>")
        print(f"ended after {sent} of {FLOOD} key updates")
        self.assertGreater(sent, FEW)
        self.assertRegex(self.client.out.text(), "<<< TLS 1.3, Alert .*unexpected_message")
        self.undisturbed()
        self.left()

    def test_waves_of_floods(self):
        """One after the other, and the memory of none stays."""
        for _ in range(10):
            client = SClient(self, self.relay)
            while not client.out.ended:
                with contextlib.suppress(BrokenPipeError):
                    client.update(b"K")
            client.close()
        self.undisturbed()
        self.client.ask("all_the_while")
        self.client.close()
        self.left()


@ours_only
class Openssl(KeyUpdate, HostileScenario):
    flags = ("-tls-records=openssl",)


if __name__ == "__main__":
    unittest.main()
