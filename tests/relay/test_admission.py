"""Verification by a tailscaled's socket and by an admission URL, and outages."""

import json
import os
import signal
import time
import unittest

from relaytest import (
    CLOSE,
    HANG,
    HOST,
    Scenario,
    free_port,
    make_cert,
    ours_only,
    stub_localapi,
    stub_verify,
    wait_until,
)

KNOWN = '{"Node":{"ID":2,"Name":"n.e2e.test."},"UserProfile":{},"CapMap":null}\n'
UNKNOWN = (404, "no match for IP:port\n")
ALLOW = (200, '{"Allow":true}\n')
DENY = (200, '{"Allow":false}\n')
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(KNOWN), KNOWN.encode())
)


class Admission(Scenario):
    def setUp(self):
        super().setUp()
        self.p = self.peer()
        self.count = 0

    def fresh(self):
        """A client whose key nobody has asked about."""
        self.count += 1
        return f"c{self.count}"

    def admitted(self, relay):
        self.p.login(relay, self.fresh())

    def rejected(self, relay, reason, patience=None):
        name, mark = self.fresh(), relay.log_mark()
        key = self.p.key(name)
        self.p.refused(relay, name)
        line = rf"derp: {HOST}:\d+: client nodekey:{key} rejected: .*{reason}"
        relay.wait_log(line, mark)


class Tailscaled(Admission):
    def setUp(self):
        super().setUp()
        self.sock = self.path("ts.sock")

    def relay(self, *flags):
        return self.derper("-verify-clients", "-socket=" + self.sock, *flags)

    def test_known_keys_are_admitted(self):
        stub = stub_localapi(self, self.sock, lambda path, body: (200, KNOWN))
        relay = self.relay()
        key = self.p.key("a")
        self.p.login(relay, "a")
        self.p.login(relay, "b")
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")
        method, path, headers, _ = stub.requests[0]
        self.assertEqual(method, "GET")
        self.assertIn(path.lower(), {f"/localapi/v0/whois?addr=nodekey%3a{key}"})
        self.assertEqual(headers["Host"], "local-tailscaled.sock")
        self.assertNotIn("Origin", headers)
        self.assertNotIn("Referer", headers)

    def test_chunked_answers_are_read(self):
        stub_localapi(self, self.sock, lambda path, body: CHUNKED)
        self.admitted(self.relay())

    def test_unknown_keys_are_rejected(self):
        key = self.p.key("known")
        stub_localapi(
            self, self.sock, lambda path, body: (200, KNOWN) if key in path else UNKNOWN
        )
        relay = self.relay()
        self.p.login(relay, "known")
        self.rejected(relay, r"not authorized \(not found in local tailscaled\)")
        self.p.ping("known")

    def test_every_other_answer_rejects(self):
        stub = stub_localapi(self, self.sock, None)
        relay = self.relay()
        for answer, reason in (
            ((400, "invalid 'addr' parameter\n"), "tailscaled version is too old"),
            ((400, "invalid nodekey in 'addr' parameter\n"), ""),
            ((403, "read access denied\n"), ""),
            ((500, "oops\n"), ""),
            ((200, "this is not JSON"), ""),
            (b"garbage\r\n\r\n", ""),
            (CLOSE, ""),
        ):
            with self.subTest(answer=answer):
                stub.answer = lambda path, body: answer
                self.rejected(relay, reason)
        stub.answer = lambda path, body: (200, KNOWN)
        self.admitted(relay)

    @ours_only  # the Go one waits for ever
    def test_a_hanging_tailscaled_rejects_in_the_end(self):
        stub = stub_localapi(self, self.sock, lambda path, body: (200, KNOWN))
        relay = self.relay()
        self.p.login(relay, "early")
        stub.answer = lambda path, body: HANG
        self.p.connect("hung", relay)
        self.p.ping("early")  # others do not wait with it
        self.p.expect("closed hung .*")

    def test_a_missing_socket_rejects_and_may_appear_later(self):
        relay = self.relay()
        self.rejected(relay, "failed to query local tailscaled status")
        stub_localapi(self, self.sock, lambda path, body: (200, KNOWN))
        self.admitted(relay)

    def test_both_ways_must_agree_and_the_socket_is_asked_first(self):
        local = stub_localapi(self, self.sock, lambda path, body: UNKNOWN)
        url = stub_verify(self, lambda path, body: ALLOW)
        relay = self.relay("-verify-client-url=" + url.url)
        self.rejected(relay, "not found in local tailscaled")
        self.assertEqual(len(url.requests), 0)
        local.answer = lambda path, body: (200, KNOWN)
        self.admitted(relay)
        self.assertEqual(len(url.requests), 1)
        url.answer = lambda path, body: DENY
        self.rejected(relay, "not allowed")


class Url(Admission):
    def relay(self, url, *flags, **options):
        return self.derper("-verify-client-url=" + url, *flags, **options)

    def test_what_is_asked(self):
        stub = stub_verify(self, lambda path, body: ALLOW)
        relay = self.relay(stub.url)
        key = self.p.key("a")
        self.p.login(relay, "a")
        method, path, headers, body = stub.requests[0]
        self.assertEqual((method, path), ("POST", "/verify"))
        self.assertEqual(
            json.loads(body), {"NodePublic": "nodekey:" + key, "Source": HOST}
        )
        self.assertNotIn("Content-Type", headers)
        self.assertEqual(headers["User-Agent"], "Go-http-client/1.1")

    def test_allow_and_deny(self):
        key = self.p.key("known")
        stub = stub_verify(
            self, lambda path, body: ALLOW if key.encode() in body else DENY
        )
        relay = self.relay(stub.url)
        self.p.login(relay, "known")
        self.rejected(relay, rf"admission controller: nodekey:[0-9a-f]+/{HOST} not allowed")
        self.p.ping("known")

    def test_an_answer_that_is_no_yes_rejects_even_when_failing_open(self):
        stub = stub_verify(self, None)
        relay = self.relay(stub.url)
        for answer, reason in (
            ((404, "not found\n"), "admission controller: 404 Not Found"),
            ((403, ""), "admission controller: 403 Forbidden"),
            ((500, ALLOW[1]), "admission controller: 500 Internal Server Error"),
            ((201, ALLOW[1]), "admission controller: 201 Created"),
            ((200, "{}"), "not allowed"),
            ((200, "garbage"), ""),
            ((200, ""), ""),
            ((200, '{"Allow":1}'), ""),
            ((200, " " * 5000 + ALLOW[1]), ""),
        ):
            with self.subTest(answer=answer):
                stub.answer = lambda path, body: answer
                self.rejected(relay, reason)
        stub.answer = lambda path, body: (200, '{"allow":true} trailing')
        self.admitted(relay)

    def test_redirects_are_followed(self):
        stub = stub_verify(self, None)
        moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
        stub.answer = lambda path, body: ALLOW if path == "/there" else moved
        self.admitted(self.relay(stub.url))

    def test_unreachable_admits_and_says_so(self):
        relay = self.relay(f"http://{HOST}:{free_port()}/verify")
        mark = relay.log_mark()
        key = self.p.key("a")
        self.p.login(relay, "a")
        relay.wait_log(f"admission controller unreachable; allowing client nodekey:{key}", mark)

    def start_fails(self, *flags):
        """It says why and does not serve."""
        common = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("k")]
        status, _, err = self.run_relay(common + list(flags))
        self.assertEqual(status, 1)
        return err

    @ours_only  # the Go one starts, and admits everybody
    def test_what_can_never_work_is_fatal(self):
        url = f"https://{HOST}/verify"
        for value in ("htps://h/verify", "h.example/verify"):
            self.assertIn(value, self.start_fails("-verify-client-url=" + value))
        self.write("ca", "no PEM\n")
        for name in ("absent", "ca"):
            flag = "-verify-client-url-ca=" + self.path(name)
            err = self.start_fails("-verify-client-url=" + url, flag)
            self.assertIn("CA file " + self.path(name), err)

    @ours_only  # the Go one admits everybody
    def test_broken_trust_is_not_an_outage(self):
        make_cert(self.folder, "stub", f"IP:{HOST}")
        make_cert(self.folder, "other", f"IP:{HOST}")
        stub = stub_verify(self, lambda path, body: ALLOW, self.path("stub"))
        ca = "-verify-client-url-ca=" + self.path("other.crt")
        relay = self.relay(stub.url, ca)
        self.rejected(relay, "not trusted: .*certificate")
        plain = stub_verify(self, lambda path, body: ALLOW)
        # some roots: the system's take a second of CPU to load under tsan
        relay = self.relay(plain.url.replace("http:", "https:"), ca)
        self.rejected(relay, "not trusted: .*does not speak TLS")
        moved = b"HTTP/1.1 307 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        stub.answer = lambda path, body: moved % plain.url.encode()
        relay = self.relay(stub.url, "-verify-client-url-ca=" + self.path("stub.crt"))
        self.rejected(relay, "not trusted: the redirect from https to http:")

    @ours_only
    def test_who_fails_open_is_counted_and_named(self):
        """However many are rejected meanwhile."""
        relay = self.relay(f"http://{HOST}:{free_port()}/verify")
        mark = relay.log_mark()
        for _ in range(40):
            self.admitted(relay)
        self.assertEqual(relay.counters()["admitted_fail_open"], 40)
        lines = relay.log.text().count("unreachable; allowing client nodekey:")
        self.assertEqual(lines, 40)
        relay.wait_log(r"allowing client nodekey:\w+ \(.*onnection refused\)", mark)

    def test_unreachable_rejects_when_failing_closed(self):
        flag = "-verify-client-url-fail-open=false"
        relay = self.relay(f"http://{HOST}:{free_port()}/verify", flag)
        self.rejected(relay, "[Cc]onnect")

    def test_no_http_counts_as_unreachable(self):
        stub = stub_verify(self, lambda path, body: CLOSE)
        self.admitted(self.relay(stub.url))
        stub.answer = lambda path, body: b"garbage\r\n\r\n"
        closed = self.relay(stub.url, "-verify-client-url-fail-open=false")
        self.rejected(closed, "")

    def test_a_hanging_controller_is_given_up(self):
        stub = stub_verify(self, lambda path, body: HANG)
        opened = self.relay(stub.url)
        closed = self.relay(stub.url, "-verify-client-url-fail-open=false")
        self.p.connect("o", opened)
        self.p.connect("c", closed)
        self.p.expect("up o 2")
        self.p.expect("closed c .*")
        self.p.absent("up c .*")

    def test_a_hanging_body_rejects_even_when_failing_open(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
        stub = stub_verify(self, lambda path, body: head)
        self.rejected(self.relay(stub.url), "")

    def test_https_with_roots_from_the_environment(self):
        make_cert(self.folder, "stub", f"IP:{HOST}")
        stub = stub_verify(self, lambda path, body: ALLOW, self.path("stub"))
        closed = "-verify-client-url-fail-open=false"
        ca = self.path("stub.crt")
        self.admitted(self.relay(stub.url, closed, env={"SSL_CERT_FILE": ca}))
        self.rejected(self.relay(stub.url, closed), "[Cc]ertificate")

    @ours_only
    def test_https_with_roots_from_a_flag(self):
        make_cert(self.folder, "stub", f"IP:{HOST}")
        stub = stub_verify(self, lambda path, body: ALLOW, self.path("stub"))
        flags = ["-verify-client-url-fail-open=false"]
        flags += ["-verify-client-url-ca=" + self.path("stub.crt")]
        self.admitted(self.relay(stub.url, *flags))

    def test_slow_answers_do_not_hold_up_others(self):
        stub = stub_verify(self, lambda path, body: ALLOW)
        relay = self.relay(stub.url)
        self.p.login(relay, "a", "b")
        stub.answer = lambda path, body: HANG
        for i in range(3):
            self.p.connect(f"hung{i}", relay)
        stub.wait_requests(3)
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")


@ours_only
class Nodes(Admission):
    def setUp(self):
        super().setUp()
        self.keys = {name: self.p.key(name) for name in "abcd"}

    def relay(self, content):
        self.write("nodes", content)
        return self.derper("-verify-nodes=" + self.path("nodes"))

    def refused_as(self, relay, name):
        mark = relay.log_mark()
        self.p.refused(relay, name)
        key = self.keys[name]
        relay.wait_log(rf"client nodekey:{key} rejected: .*not in node list", mark)

    def becomes_admitted(self, relay, name):
        def admitted():
            time.sleep(0.1)  # refusals in the log are limited in rate
            self.p.connect(name, relay)
            return self.p.expect(f"(up|closed|failed) {name} .*").group(1) == "up"

        wait_until(admitted, f"{name} to be admitted")

    def test_listed_keys_only(self):
        k = self.keys
        relay = self.relay(f"# ours\nnodekey:{k['a']} node a\n\n{k['b']}\n")
        self.p.login(relay, "a", "b")
        self.refused_as(relay, "c")
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")

    def test_headscale_json(self):
        k = self.keys
        for text in (
            json.dumps([{"id": "1", "name": "n", "nodeKey": "nodekey:" + k["a"]}]),
            json.dumps([{"id": 1, "name": "n", "node_key": "nodekey:" + k["a"]}]),
            json.dumps({"nodes": [{"id": "1", "nodeKey": "nodekey:" + k["a"]}]}),
        ):
            relay = self.relay(text)
            self.p.login(relay, "a")
            self.refused_as(relay, "b")
            self.p.do("close a")
            self.p.expect("closed a here")

    def test_a_changed_list_is_read_again(self):
        relay = self.relay(self.keys["a"] + "\n")
        self.p.login(relay, "a")
        self.refused_as(relay, "b")
        self.write("nodes", f"{self.keys['a']}\n{self.keys['b']}\n")
        self.becomes_admitted(relay, "b")
        self.p.ping("a")

    def test_who_is_taken_off_the_list_is_disconnected(self):
        """All its connections, on every worker, within two seconds, and nobody
        else's. What takes longer each time is not the machine."""
        names = [f"x{i}" for i in range(8)]
        key = [self.p.key(name, "11" * 32) for name in names][0]
        other = self.keys["b"]
        self.write("nodes", f"{key} alice\n{other}\n")
        relay = self.derper("-verify-nodes=" + self.path("nodes"), "-loops=2")
        self.p.login(relay, "b")

        def disconnected():
            """Seconds until they are."""
            self.becomes_admitted(relay, names[0])
            self.p.login(relay, *names[1:])
            mark, started = relay.log_mark(), time.monotonic()
            self.write("nodes", f"{other}\n{self.keys['c']}\n")
            for name in names:
                self.p.expect(f"closed {name} .*")
            lasted = time.monotonic() - started
            relay.wait_log(rf"client nodekey:{key} disconnected: alice: .*not in node list", mark)
            return lasted

        for rounds in range(1, 6):
            if disconnected() < 2.5:
                break
            self.write("nodes", f"{key} alice\n{other}\n")
        else:
            self.fail("it takes longer, time and again")
        self.assertEqual(relay.counters()["revoked"], rounds * len(names))
        self.p.ping("b")
        self.p.login(relay, "c")

    def test_who_expires_is_disconnected(self):
        rows = [{"nodeKey": "nodekey:" + self.keys[x], "expiry": None} for x in "ab"]
        relay = self.relay(json.dumps(rows))
        self.p.login(relay, "a", "b")
        soon = time.gmtime(time.time() + 4)
        rows[1]["expiry"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", soon)
        self.write("nodes", json.dumps(rows))
        self.p.expect("closed b .*")
        relay.wait_log(rf"client nodekey:{self.keys['b']} disconnected: .*expired")
        self.p.ping("a")

    def test_a_bad_list_keeps_the_last_good_one_and_says_so(self):
        relay = self.relay(self.keys["a"] + "\n")
        mark = relay.log_mark()
        self.write("nodes", "nodekey:short\n")
        relay.wait_log("node list is bad, keeping the 1 keys of the last good one: .*nodes:1", mark)
        self.p.login(relay, "a")
        self.refused_as(relay, "b")
        self.write("nodes", self.keys["b"] + "\n")
        self.becomes_admitted(relay, "b")

    def test_an_emptied_list_is_believed_on_sighup(self):
        relay = self.relay(self.keys["a"] + "\n")
        mark = relay.log_mark()
        self.write("nodes", "")
        relay.wait_log("is empty now; keeping the 1 keys", mark)
        relay.proc.send_signal(signal.SIGHUP)
        relay.wait_log(r"reloaded: 0 keys \(was 1\)", mark)
        self.refused_as(relay, "a")

    def test_a_vanished_list_keeps_the_last_good_one_and_says_so(self):
        relay = self.relay(self.keys["a"] + "\n")
        mark = relay.log_mark()
        os.unlink(self.path("nodes"))
        relay.wait_log("keeping the 1 keys of the last good one: .*No such file", mark)
        self.p.login(relay, "a")
        self.refused_as(relay, "b")

    def test_a_bad_list_at_the_start_is_fatal(self):
        self.write("nodes", "nodekey:short\n")
        for name in ("nodes", "absent"):
            flags = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("k")]
            status, _, err = self.run_relay(flags + ["-verify-nodes=" + self.path(name)])
            self.assertEqual(status, 1)
            self.assertIn(name, err)


if __name__ == "__main__":
    unittest.main()
