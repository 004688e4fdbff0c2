"""derpverify serve: the admission protocol, who may ask, limits, reload, end;
relays that share one."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from relaytest import (
    HOST,
    PATIENCE,
    Scenario,
    cert_der,
    make_cert,
    ours_only,
    read_all,
    stub_verify,
    tls_context,
    wait_until,
)
from servetest import Server, UnixConnection, question

KNOWN, UNKNOWN, OTHER = "11" * 32, "22" * 32, "33" * 32
TOKEN, NEW_TOKEN = "a1" * 16, "b2" * 16
ALLOW, DENY = '{"Allow": true}\n', '{"Allow":false}\n'
CLOSED = "-verify-client-url-fail-open=false"


class Serve(Scenario):
    def nodes(self, *keys):
        return self.write("nodes", "".join(f"{k} node\n" for k in keys) or "# none\n")

    def server(self, *options, **how):
        self.nodes(KNOWN)
        return Server(self, "--nodes", "nodes", *options, **how)

    def refused_start(self, reason, *options):
        s = self.server(*options, listen=False, wait=False)
        self.assertEqual(s.proc.wait(PATIENCE), 2)
        s.log.wait(reason)


@ours_only
class Protocol(Serve):
    def test_decisions_differ_in_nothing_but_the_word(self):
        s = self.server()
        allow, deny = s.ask(KNOWN, "192.0.2.7"), s.ask(UNKNOWN)
        self.assertEqual((allow.status, allow.text), (200, ALLOW))
        self.assertEqual((deny.status, deny.text), (200, DENY))
        self.assertEqual(allow.getheader("Content-Type"), "application/json")
        names = [sorted(r.headers.keys()) for r in (allow, deny)]
        self.assertEqual(names[0], names[1])
        self.assertEqual(allow.getheader("Content-Length"), deny.getheader("Content-Length"))
        s.log.wait(rf"verify: {HOST}:\d+: allow nodekey:{KNOWN} from 192.0.2.7: ")
        s.log.wait(rf"verify: {HOST}:\d+: deny nodekey:{UNKNOWN}: ")

    def test_what_is_not_a_question(self):
        s = self.server()
        for method, path, body, status, text in [
            ("GET", "/verify", None, 405, "method not allowed\n"),
            ("PUT", "/verify", question(KNOWN), 405, "method not allowed\n"),
            ("POST", "/verify", "{", 400, "Bad Request: invalid JSON\n"),
            ("POST", "/verify", "", 400, "Bad Request: invalid JSON\n"),
            ("POST", "/verify", '{"NodePublic":"x"}', 400, "Bad Request: invalid JSON\n"),
            ("POST", "/verify", question(KNOWN, "nowhere"), 400, "Bad Request: invalid JSON\n"),
            ("POST", "/verify", question(KNOWN) + " x", 400, "Bad Request: invalid JSON\n"),
            ("POST", "/verify", " " * 4097, 413, None),
            ("POST", "/verify", " " * 3000 + question(KNOWN), 200, ALLOW),
            ("POST", "/verify", "{}", 200, DENY),
            ("POST", "/", question(KNOWN), 404, "404 page not found\n"),
            ("POST", "/healthz", "", 405, None),
        ]:
            with self.subTest(f"{method} {path} {(body or '')[-80:]}"):
                r = s.request(method, path, body)
                self.assertEqual(r.status, status)
                if text:
                    self.assertEqual(r.text, text)
        self.assertEqual(s.request("GET", "/verify").getheader("Allow"), "POST")
        self.assertEqual(s.metric('requests_refused_total{reason="method"}'), 3)

    def test_metrics_of_a_source_that_is_asked(self):
        self.write('a"b', KNOWN + "\n")
        url = f"http://user:secret@{HOST}:9/verify?token=secret"
        s = Server(self, "--url", url, "--nodes", 'a"b', "--policy", "any")
        s.ask(UNKNOWN)
        self.assertEqual(s.metric(f'source_away_total{{source="url http://{HOST}:9/verify"}}'), 1)
        self.assertEqual(s.metric('source_keys{source="node list a\\"b"}'), 1)
        self.assertNotIn("secret", s.request(path="/metrics").text)

    def test_no_source_can_tell(self):
        s = Server(self, "--url", f"http://{HOST}:9/verify")
        r = s.ask(KNOWN)
        self.assertEqual((r.status, r.text), (503, DENY))
        s = Server(self, "--url", f"http://{HOST}:9/verify", "--fail-open", "--quiet")
        self.assertEqual(s.ask(KNOWN).text, ALLOW)
        s.log.wait(r"allow \(fail open\)")
        self.assertEqual(s.metric("fail_open_total"), 1)

    def test_answers_take_one_time(self):
        s = self.server("--answer-time", "300ms")
        conn = s.connect()
        for key in (KNOWN, UNKNOWN, KNOWN):
            began = time.monotonic()
            self.assertEqual(s.ask(key, conn=conn).status, 200)
            self.assertGreater(time.monotonic() - began, 0.29)

    def test_requests_one_after_the_other_on_a_connection(self):
        stub = stub_verify(self, lambda path, body: (200, '{"Allow":true}'))
        s = Server(self, "--url", stub.url)
        one = f"POST /verify HTTP/1.1\r\nHost: h\r\nContent-Length: {len(question(KNOWN))}\r\n\r\n"
        with socket.create_connection((HOST, s.port), PATIENCE) as sock:
            sock.sendall((one + question(KNOWN)).encode() * 3 + b"GET /healthz HTTP/1.0\r\n\r\n")
            data = read_all(sock).decode()
        self.assertEqual(data.count(ALLOW), 3)
        self.assertTrue(data.endswith("ok\n"), data)

    def test_metrics_are_prometheus(self):
        s = self.server()
        s.ask(KNOWN)
        r = s.request(path="/metrics")
        self.assertIn("version=0.0.4", r.getheader("Content-Type"))
        self.assertEqual(s.metric('decisions_total{verdict="allow"}'), 1)
        self.assertEqual(s.metric("engine_keys"), 1)
        self.assertEqual(s.metric('source_keys{source="node list nodes"}'), 1)
        self.assertEqual(s.metric('source_up{source="node list nodes"}'), 1)
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "metrics"], input=r.text.encode(), check=True)


@ours_only
class Who(Serve):
    def test_a_token_in_three_places(self):
        self.write("tokens", f"# of the relays\n\n{TOKEN}\n")
        os.chmod(self.path("tokens"), 0o600)
        s = self.server("--token-file", "tokens")
        basic = base64.b64encode(f"relay:{TOKEN}".encode()).decode()
        for headers, path, status in [
            ({"Authorization": "Bearer " + TOKEN}, "/verify", 200),
            ({"Authorization": "bearer  " + TOKEN}, "/verify", 200),
            ({"Authorization": "Basic " + basic}, "/verify", 200),
            ({}, "/verify/" + TOKEN, 200),
            ({}, "/verify", 401),
            ({}, "/verify/", 401),
            ({}, "/verify/" + TOKEN[:-1], 401),
            ({"Authorization": "Bearer " + TOKEN + "x"}, "/verify", 401),
            ({"Authorization": "Bearer # of the relays"}, "/verify", 401),
            ({"Authorization": TOKEN}, "/verify", 401),
            ({"Authorization": "Basic " + TOKEN}, "/verify", 401),
        ]:
            with self.subTest(f"{path} {headers}"):
                r = s.ask(KNOWN, path=path, headers=headers)
                self.assertEqual(r.status, status)
        self.assertEqual(s.request(path="/metrics").status, 401)
        self.assertEqual(s.request(path="/healthz").status, 200)
        self.assertEqual(s.request("GET", "/verify").status, 401)
        bearer = {"Authorization": "Bearer " + TOKEN}
        self.assertGreater(
            s.metrics(headers=bearer)['derpverify_requests_refused_total{reason="unauthorized"}'], 7
        )
        self.assertNotIn(TOKEN, s.log.text())

    def test_tokens_are_read_again(self):
        self.write("tokens", TOKEN)
        s = self.server("--token-file", "tokens")
        s.log.wait("tokens: others can read it")
        self.write("tokens", f"{NEW_TOKEN}\n{TOKEN}\n")
        s.log.wait("tokens reloaded from tokens")
        wait_until(lambda: s.ask(KNOWN, path="/verify/" + NEW_TOKEN).status == 200, "the new one")
        self.assertEqual(s.ask(KNOWN, path="/verify/" + TOKEN).status, 200)
        for bad, reason in [("short\n", "has 5 characters"), ("", "not one token"),
                            (TOKEN + " x\n", "other than letters")]:
            self.write("tokens", bad)
            s.log.wait("token reload failed, keeping the old ones: .*" + reason)
            self.assertEqual(s.ask(KNOWN, path="/verify/" + NEW_TOKEN).status, 200)
        self.write("tokens", NEW_TOKEN)
        wait_until(lambda: s.ask(KNOWN, path="/verify/" + TOKEN).status == 401, "the old one's end")

    def test_it_starts_with_nothing_that_is_half_right(self):
        cert = make_cert(self.folder, "a", f"IP:{HOST}")
        make_cert(self.folder, "b", f"IP:{HOST}")
        self.write("tokens", "short")
        for reason, options in [
            ("is not a loopback address.*--allow-plain", ["--listen", ":0"]),
            ("key go together: --key is missing", ["--listen", f"{HOST}:0", "--cert", cert]),
            ("key go together: --cert is missing", ["--listen", f"{HOST}:0", "--key", "a.key"]),
            ("", ["--listen", f"{HOST}:0", "--cert", cert, "--key", "b.key"]),
            ("none.crt", ["--listen", f"{HOST}:0", "--cert", "none.crt", "--key", "a.key"]),
            ("has 5 characters", ["--listen", f"{HOST}:0", "--token-file", "tokens"]),
            ("not an address", ["--listen", "localhost"]),
            ("the path is empty", ["--listen", "unix:"]),
            ("name an address", []),
            ("is not a mode", ["--listen", f"{HOST}:0", "--listen-mode", "9"]),
            ("4s or less", ["--listen", f"{HOST}:0", "--answer-time", "5s"]),
            ("1 to 1000000", ["--listen", f"{HOST}:0", "--max-connections", "0"]),
        ]:
            with self.subTest(reason):
                self.refused_start(reason, *options)

    def test_plain_for_all_is_a_warning(self):
        s = self.server("--allow-plain", "--listen", "0.0.0.0:0", listen=False)
        s.log.wait("plain HTTP on an address that others can reach")

    def certificate(self, s):
        with socket.create_connection((HOST, s.port), PATIENCE) as sock:
            with tls_context().wrap_socket(sock) as tls:
                return tls.getpeercert(True)

    def test_certificates_are_read_again(self):
        cert = make_cert(self.folder, "a", f"IP:{HOST}")
        old = cert_der(cert)
        s = self.server("--cert", "a.crt", "--key", "a.key")
        kept = s.connect()
        self.assertEqual(s.ask(KNOWN, conn=kept).text, ALLOW)
        self.assertEqual(self.certificate(s), old)
        self.write("a.crt", "no certificate\n")
        s.log.wait("certificate reload failed, keeping the old one")
        self.assertEqual(self.certificate(s), old)
        make_cert(self.folder, "a", f"IP:{HOST}")
        s.log.wait("certificate reloaded from a.crt")
        wait_until(lambda: self.certificate(s) == cert_der(cert), "the new certificate")
        self.assertEqual(s.ask(KNOWN, conn=kept).text, ALLOW)
        with socket.create_connection((HOST, s.port), PATIENCE) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            read_all(sock)
        s.log.wait("a plain HTTP request on a TLS port")
        self.assertEqual(s.metrics()['derpverify_connections_refused_total{reason="tls"}'], 1)

    def test_a_unix_socket(self):
        path = self.path("v.sock")
        where = ("--listen", "unix:" + path)
        s = self.server(*where, "--listen-mode", "0640", listen=False)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        conn = UnixConnection(path)
        self.addCleanup(conn.close)
        r = s.ask(KNOWN, conn=conn)
        self.assertEqual(r.text, ALLOW)
        s.log.wait(f"verify: unix socket: allow nodekey:{KNOWN}")
        self.refused_start("listen unix .*: Address already in use", *where)
        self.assertEqual(s.ask(KNOWN, conn=conn).text, ALLOW)
        s.kill()
        self.assertTrue(os.path.exists(path))
        s = self.server(*where, listen=False)  # nobody listens there any more
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(s.stop(), 0)
        self.assertFalse(os.path.exists(path))
        self.write("v.sock", "a file")
        self.refused_start("listen unix .*: Address already in use", *where)


@ours_only
class Limits(Serve):
    def hold(self, s, count):
        socks = [socket.create_connection((HOST, s.port), PATIENCE) for _ in range(count)]
        for sock in socks:
            self.addCleanup(sock.close)
        return socks

    def is_answered(self, s):
        with contextlib.suppress(OSError):
            return s.ask(KNOWN).status == 200
        return False

    def test_connections_from_one_address(self):
        s = self.server("--max-connections-per-address", "3")
        held = self.hold(s, 3)
        r = s.ask(KNOWN)
        self.assertEqual(r.status, 503)
        self.assertEqual(r.getheader("Connection"), "close")
        s.log.wait("too many connections from this address")
        held += self.hold(s, 3)  # answered 503, if they ever ask
        with socket.create_connection((HOST, s.port), PATIENCE) as sock:
            self.assertEqual(read_all(sock), b"")
        for sock in held:
            sock.close()
        wait_until(lambda: self.is_answered(s), "room for another")
        self.assertGreaterEqual(s.metric('connections_refused_total{reason="address"}'), 5)

    def test_the_longest_idle_goes_for_a_newcomer(self):
        s = self.server("--max-connections", "3")
        first, second, third = (s.connect() for _ in range(3))
        for conn in (first, second, third, first):
            self.assertEqual(s.ask(KNOWN, conn=conn).status, 200)
        self.assertEqual(s.ask(KNOWN).status, 200)
        for conn in (first, third):
            self.assertEqual(s.ask(KNOWN, conn=conn).status, 200)
        with self.assertRaises((ConnectionError, OSError)):
            second.auto_open = False
            s.ask(KNOWN, conn=second)
        self.assertEqual(s.metric('connections_refused_total{reason="evicted"}'), 1)

    def test_time_and_input_are_bounded(self):
        # both are 10 s and more by themselves
        s = self.server("--request-timeout", "2s", "--idle-timeout", "1s")
        (idle,) = self.hold(s, 1)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        slow, drip = self.hold(s, 2)
        drip.sendall(b"POST /verify HTTP/1.1\r\n")
        began = time.monotonic()
        self.assertEqual(read_all(slow), b"")
        self.assertEqual(read_all(drip), b"")
        self.assertLess(time.monotonic() - began, 9)
        self.assertIn(b"200 OK", read_all(idle))
        self.assertEqual(s.metric('connections_refused_total{reason="timeout"}'), 2)
        (large,) = self.hold(s, 1)
        large.sendall(b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertIn(b" 431 ", read_all(large))
        self.assertEqual(s.metric('connections_refused_total{reason="malformed"}'), 1)

    def test_who_sends_on_while_an_answer_is_out(self):
        blocked = threading.Event()
        self.addCleanup(blocked.set)

        def answer(path, body):
            blocked.wait(PATIENCE)
            return 200, '{"Allow":true}'

        s = Server(self, "--url", stub_verify(self, answer).url)
        (sock,) = self.hold(s, 1)
        body = question(KNOWN)
        head = f"POST /verify HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall((head + body).encode() + b"x" * 40000)
        with contextlib.suppress(ConnectionError):
            self.assertEqual(sock.recv(1), b"")
        s.log.wait("more input than a request may have")
        self.assertEqual(s.metric('connections_refused_total{reason="input"}'), 1)
        self.assertEqual(s.metric("questions_gone_total"), 1)
        blocked.set()
        self.assertEqual(s.ask(OTHER).text, ALLOW)

    def test_the_log_is_limited(self):
        s = self.server()
        conn, began = s.connect(), time.monotonic()
        for _ in range(400):
            self.assertEqual(s.ask(UNKNOWN, conn=conn).text, DENY)
        allowed = 100 + 20 * (time.monotonic() - began + 1)
        self.assertEqual(s.ask(KNOWN, conn=conn).text, ALLOW)
        s.log.wait(f"allow nodekey:{KNOWN}")  # which they cannot hide
        s.stop()
        lines = [x for x in s.log.lines if " deny " in x]
        self.assertLess(len(lines), max(300, allowed))
        self.assertGreater(len(lines), 50)


@ours_only
class End(Serve):
    def test_what_was_asked_is_answered(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def answer(path, body):
            release.wait(PATIENCE)
            return 200, '{"Allow":true}'

        stub = stub_verify(self, answer)
        s = Server(self, "--url", stub.url)
        idle, asking = s.connect(), s.connect()
        self.assertEqual(s.request(conn=idle).text, "ok\n")
        asking.request("POST", "/verify", question(KNOWN))
        stub.wait_requests(1)
        s.proc.send_signal(signal.SIGTERM)
        self.assertEqual(idle.sock.recv(1), b"")  # nothing was asked there
        release.set()
        r = asking.getresponse()
        self.assertEqual((r.status, r.read().decode()), (200, ALLOW))
        self.assertEqual(r.getheader("Connection"), "close")
        self.assertEqual(s.stop(), 0)

    def test_nobody_holds_it_up(self):
        stub = stub_verify(self, lambda path, body: "hang")
        s = Server(self, "--url", stub.url)
        asking = s.connect()
        asking.request("POST", "/verify", question(KNOWN))
        stub.wait_requests(1)
        began = time.monotonic()
        self.assertEqual(s.stop(signal.SIGINT), 0)
        self.assertLess(time.monotonic() - began, 25)  # it would be 60 s

    def test_lists_are_read_again(self):
        s = self.server()
        self.assertEqual(s.ask(OTHER).text, DENY)
        self.nodes(KNOWN, OTHER)
        wait_until(lambda: s.ask(OTHER).text == ALLOW, "the new list")
        self.nodes()
        s.log.wait("keeping", patience=PATIENCE)
        self.assertEqual(s.ask(OTHER).text, ALLOW)
        s.proc.send_signal(signal.SIGHUP)
        wait_until(lambda: s.ask(OTHER).text == DENY, "the empty list")

    def test_members_are_known_after_a_restart_in_an_outage(self):
        """By a folder of its own, whatever the file says that a relay has, too."""
        os.mkdir(self.path("relay"))
        os.mkdir(self.path("own"))
        self.write("secret", "sekret\n")
        os.chmod(self.path("secret"), 0o600)
        node = {"nodes": [{"nodeKey": "nodekey:" + KNOWN, "givenName": "n", "expiry": None}]}
        stub = stub_verify(self, lambda path, body: (200, json.dumps(node)))
        config = self.write(
            "verify.yaml",
            f"last-good-folder: {self.path('relay')}\nsources:\n"
            f"- headscale: {stub.url.removesuffix('/verify')}\n"
            f"  key-file: {self.path('secret')}\n",
        )
        options = ("--config", config, "--last-good-folder", self.path("own"))
        s = Server(self, *options)
        self.assertEqual(s.ask(KNOWN).text, ALLOW)
        self.assertEqual(s.stop(), 0)
        self.assertEqual(len(os.listdir(self.path("own"))), 1)
        self.assertEqual(os.listdir(self.path("relay")), [])
        stub.stop()
        s = Server(self, *options)
        self.assertEqual(s.ask(KNOWN).text, ALLOW)
        self.assertNotEqual(s.ask(UNKNOWN).text, ALLOW)
        config = self.write("verify.yaml", f"{open(config).read()}  refresh: 1m\n")
        s.proc.send_signal(signal.SIGHUP)
        s.log.wait("is in force")
        self.assertEqual(s.stop(), 0)
        self.assertEqual(os.listdir(self.path("relay")), [])

    def test_who_goes_before_the_answer(self):
        stub = stub_verify(self, lambda path, body: "hang")
        s = Server(self, "--url", stub.url)
        for number in range(100):
            sock = socket.create_connection((HOST, s.port), PATIENCE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
            body = question(f"{number:064x}" if number else KNOWN)
            head = f"POST /verify HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
            sock.sendall((head + body).encode())
            if number < 16:
                stub.wait_requests(number + 1)
            sock.close()
        wait_until(lambda: s.metric("questions_gone_total") == 100, "all to be gone")
        self.assertLess(len(stub.requests), 100)


@ours_only
class Relays(Serve):
    """Two relays ask one server."""

    def setUp(self):
        super().setUp()
        self.p = self.peer()
        self.known, self.fresh = self.p.key("known"), self.p.key("fresh")

    def relays(self, server, *flags, path="/verify"):
        url = f"-verify-client-url=http://relay:{TOKEN}@{HOST}:{server.port}{path}"
        return [self.derper(url, CLOSED, *flags) for _ in range(2)]

    def test_two_share_one(self):
        self.write("tokens", TOKEN)
        server = Server(self, "--nodes", self.nodes(self.known), "--token-file", "tokens")
        for relay in self.relays(server):
            self.p.login(relay, "known")
            self.p.do("close known")
            self.p.expect("closed known .*")
            self.p.refused(relay, "fresh")
            self.assertNotIn(TOKEN, relay.log.text())
        self.nodes(self.known, self.fresh)
        server.log.wait("reloaded")
        for relay in self.relays(server):
            self.p.login(relay, "fresh")
            self.p.do("close fresh")
            self.p.expect("closed fresh .*")
        server.log.wait(f"allow nodekey:{self.fresh} from {HOST}: ")

    def test_a_relay_without_the_token(self):
        self.write("tokens", NEW_TOKEN)
        server = Server(self, "--nodes", self.nodes(self.known), "--token-file", "tokens")
        relay, _ = self.relays(server)
        self.p.refused(relay, "known")
        relay.wait_log("rejected: admission controller: 401 Unauthorized")


if __name__ == "__main__":
    unittest.main()
