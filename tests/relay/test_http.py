"""What the relay answers to HTTP on its own port and on port 80's stand-in."""

import json
import re
import socket
import ssl
import unittest

from relaytest import (
    HOST,
    UPGRADE,
    Response,
    Scenario,
    dial,
    free_port,
    make_cert,
    ours_only,
    read_all,
    read_exactly,
    read_until,
    request,
    wait_until,
)

SECURITY = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'self'; block-all-mixed-content; "
    "object-src 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
}


class Pages:
    tls = False

    def setUp(self):
        super().setUp()
        self.relay = self.derper(tls=self.tls)

    def check_security(self, response):
        for name, value in SECURITY.items():
            self.assertEqual(response.headers.get(name), value)

    def test_the_upgrade_is_byte_exact(self):
        with dial(self.relay) as sock:
            sock.sendall(UPGRADE)
            head = read_until(sock, b"\r\n\r\n").decode()
            greeting = read_exactly(sock, 45)
        self.assertEqual(greeting[:13], bytes.fromhex("0100000028444552" "50f09f9491"))
        self.assertEqual(
            head,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n"
            "Connection: Upgrade\r\nDerp-Version: 2\r\n"
            f"Derp-Public-Key: {greeting[13:].hex()}\r\n\r\n",
        )

    def test_upgrade_is_looked_at_alone(self):
        for text in (
            b"GET /derp HTTP/1.1\r\nHost: h\r\nUpgrade: dErP\r\n\r\n",
            b"POST /derp?x=1 HTTP/1.1\r\nHost: h\r\nupgrade: DERP\r\n\r\n",
            b"GET /derp HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\n\r\n",
            b"GET /derp HTTP/1.0\r\nUpgrade: DERP\r\n\r\n",
        ):
            with dial(self.relay) as sock:
                sock.sendall(text)
                self.assertEqual(Response(sock).status, 101)

    def test_without_upgrade_it_is_426(self):
        for headers in ({}, {"Upgrade": "h2c"}, {"Upgrade": "derp2"}):
            r = request(self.relay, "/derp", headers=headers)
            self.assertEqual(r.status, 426)
            self.assertEqual(r.body, b"DERP requires connection upgrade\n")
            self.assertEqual(r.headers["content-type"], "text/plain; charset=utf-8")
            self.assertEqual(r.headers["x-content-type-options"], "nosniff")

    @ours_only  # the Go one says nothing
    def test_an_upgrade_that_got_lost_is_logged(self):
        self.assertEqual(request(self.relay, "/derp").status, 426)
        self.relay.wait_log(f"derp: {HOST}:[0-9]+: a request for /derp without Upgrade; a proxy")
        request(self.relay, "/derp", headers={"Upgrade": "h2c"})
        self.relay.wait_log('Weird upgrade: "h2c"')
        self.assertEqual(self.relay.counters()["derp_without_upgrade"], 2)

    @ours_only  # the Go one serves the home page
    def test_health(self):
        for method, body in (("GET", b"ok"), ("HEAD", b"")):
            r = request(self.relay, "/healthz", method)
            self.assertEqual((r.status, r.body), (200, body))
            self.assertEqual(r.headers["content-type"], "text/plain; charset=utf-8")
            self.assertEqual(r.headers["cache-control"], "no-store")

    def test_the_target_may_be_the_whole_server(self):
        self.check_asterisk(lambda: dial(self.relay))

    def check_asterisk(self, connect):
        for method, status, stays in (("OPTIONS", 200, True), ("GET", 400, False)):
            with connect() as sock:
                sock.sendall(f"{method} * HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                r = Response(sock)
                self.assertEqual((r.status, r.body), (status, b""))
                self.assertEqual(r.headers.get("connection"), None if stays else "close")
                if not stays:
                    self.assertEqual(read_all(sock), b"")

    def test_the_target_may_be_absolute(self):
        with dial(self.relay) as sock:
            sock.sendall(b"GET http://x/derp/probe HTTP/1.1\r\nHost: h\r\n\r\n")
            r = Response(sock)
            self.assertEqual((r.status, r.headers["access-control-allow-origin"]), (200, "*"))
            sock.sendall(b"GET http://x//derp?y HTTP/1.1\r\nHost: h\r\n\r\n")
            r = Response(sock)
            self.assertIn(r.status, (301, 307))
            self.assertEqual(r.headers["location"], "/derp?y")

    def test_fast_start_has_no_response(self):
        with dial(self.relay) as sock:
            sock.sendall(UPGRADE.replace(b"Upgrade: DERP", b"Derp-Fast-Start: 1\r\nUpgrade: DERP"))
            self.assertEqual(read_exactly(sock, 5), bytes.fromhex("0100000028"))

    def test_probes(self):
        for path in ("/derp/probe", "/derp/latency-check"):
            for method in ("GET", "HEAD"):
                r = request(self.relay, path, method)
                self.assertEqual((r.status, r.body), (200, b""))
                self.assertEqual(r.headers["access-control-allow-origin"], "*")
            r = request(self.relay, path, "POST")
            self.assertEqual((r.status, r.body), (405, b"bogus probe method\n"))

    def test_generate_204_echoes_harmless_challenges_only(self):
        self.check_challenges(None)

    def check_challenges(self, port):
        for challenge, echoed in (
            (None, False),
            ("input", True),
            ("ts_derp99b.tailscale.com", True),
            ("a:b-C.9_", True),
            ("x" * 64, True),
            ("x" * 65, False),
            ("a b", False),
            ("a/b", False),
            ("a\x01b", False),
        ):
            headers = {} if challenge is None else {"X-Tailscale-Challenge": challenge}
            r = request(self.relay, "/generate_204", headers=headers, port=port)
            if r.status == 400 and challenge == "a\x01b":
                continue  # no header value at all
            self.assertEqual((r.status, r.body), (204, b""))
            self.assertEqual(
                r.headers["cache-control"],
                "no-cache, no-store, must-revalidate, no-transform, max-age=0",
            )
            want = f"response {challenge}" if echoed else None
            self.assertEqual(r.headers.get("x-tailscale-response"), want)

    def test_robots(self):
        r = request(self.relay, "/robots.txt")
        self.assertEqual((r.status, r.body), (200, b"User-agent: *\nDisallow: /\n"))
        self.check_security(r)

    def test_bootstrap_dns_has_nothing_to_say(self):
        r = request(self.relay, "/bootstrap-dns")
        self.assertEqual((r.status, r.body), (200, b""))
        self.assertEqual(r.headers["content-type"], "application/json")
        self.check_security(r)

    def test_home_page_and_everything_unknown(self):
        for path in ("/", "/derp/", "/nothing", "/derp/probe/x", "/index.html?q"):
            for method in ("GET", "POST"):
                r = request(self.relay, path, method)
                self.assertEqual(r.status, 200, path)
                self.assertEqual(r.headers["content-type"], "text/html; charset=utf-8")
                self.assertIn(b"DERP", r.body)
                self.check_security(r)

    def test_unclean_paths_are_redirected(self):
        for path, clean in (("//derp", "/derp"), ("/a/../derp", "/derp")):
            r = request(self.relay, path)
            self.assertIn(r.status, (301, 307))
            self.assertEqual(r.headers["location"], clean)

    def test_a_connection_serves_many_requests_also_pipelined(self):
        one = b"GET /derp/probe HTTP/1.1\r\nHost: h\r\n\r\n"
        with dial(self.relay) as sock:
            sock.sendall(one)
            self.assertEqual(Response(sock).status, 200)
            sock.sendall(one * 3 + UPGRADE)
            for status in (200, 200, 200, 101):
                self.assertEqual(Response(sock).status, status)

    def test_http_1_0_ends_the_connection(self):
        with dial(self.relay) as sock:
            sock.sendall(b"GET /robots.txt HTTP/1.0\r\n\r\n")
            self.assertIn(b"Disallow", read_all(sock))

    def test_an_endless_head_is_refused(self):
        with dial(self.relay) as sock:
            try:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")
                for i in range(3000):
                    sock.sendall(b"X-%d: %s\r\n" % (i, b"a" * 1000))
            except OSError:
                return  # closed while we were talking
            sock.sendall(b"\r\n")
            self.assertIn(b" 431 ", read_all(sock).split(b"\r\n")[0])

    @ours_only  # upstream allows a mebibyte
    def test_a_long_head_is_answered_431(self):
        with dial(self.relay) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 17000)
            self.assertIn(b" 431 ", read_all(sock).split(b"\r\n")[0])

    def check_connect(self):
        with dial(self.relay) as sock:
            sock.sendall(b"CONNECT x.tailscale.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            response = Response(sock)
        self.assertEqual((response.status, response.body), (403, b"CONNECT not enabled\n"))


class Plain(Pages, Scenario):
    @ours_only  # the Go one serves the home page
    def test_connect_is_refused(self):
        self.check_connect()


class Tls(Pages, Scenario):
    tls = True

    def test_connect_is_refused(self):
        self.check_connect()


class Flags(Scenario):
    @ours_only
    def test_bootstrap_dns_tells_published_names_only(self):
        """Addresses are their own look-up: no DNS is needed."""
        relay = self.derper(
            "-bootstrap-dns-names=192.0.2.7,localhost",
            "-unpublished-bootstrap-dns-names=192.0.2.9,192.0.2.11/no.such.name.invalid",
        )

        def told(query=""):
            r = request(relay, "/bootstrap-dns" + query)
            return json.loads(r.body) if r.body else {}

        wait_until(lambda: len(told()) == 2, "both names to be looked up")
        self.assertEqual(told()["192.0.2.7"], ["192.0.2.7"])
        self.assertIn("127.0.0.1", told()["localhost"])
        wait_until(lambda: len(told("?q=192.0.2.9")) == 1, "the unpublished name to be looked up")
        self.assertEqual(told("?q=192.0.2.9"), {"192.0.2.9": ["192.0.2.9"]})
        for query in ("", "?q=localhost", "?q=x", "?q=192.0.2.11"):
            self.assertEqual(sorted(told(query)), ["192.0.2.7", "localhost"])
        raw = request(relay, "/bootstrap-dns?q=192.0.2.9").body
        self.assertEqual(raw, b'{\n\t"192.0.2.9": [\n\t\t"192.0.2.9"\n\t]\n}')

    @ours_only
    def test_bootstrap_names_are_checked(self):
        status, _, err = self.run_relay(["-dev", "-bootstrap-dns-names=a,b/c"])
        self.assertEqual(status, 1)
        self.assertIn('"b/c" is not a host name', err)

    def test_without_derp_only_the_probes_are_served(self):
        relay = self.derper("-derp=false")
        r = request(relay, "/derp", headers={"Upgrade": "DERP"})
        self.assertEqual((r.status, r.body), (404, b"derp server disabled\n"))
        self.assertEqual(request(relay, "/derp/probe").status, 200)
        self.assertIn(b"disabled", request(relay, "/").body)

    def test_home_blank(self):
        r = request(self.derper("-home=blank"), "/x")
        self.assertEqual((r.status, r.body), (200, b""))
        self.assertEqual(r.headers["content-type"], "text/html; charset=utf-8")

    def test_home_redirect(self):
        r = request(self.derper("-home=https://example.com/a"), "/x")
        self.assertEqual((r.status, r.headers["location"]), (302, "https://example.com/a"))

    def test_home_nonsense_is_fatal(self):
        flags = ["-home=x", f"-a={HOST}:{free_port()}", "-c=k", "-stun=false"]
        status, _, err = self.run_relay(flags)
        self.assertEqual(status, 1)
        self.assertRegex(err, 'unknown --home value "x"')


class HttpPort(Scenario):
    """The plain listener beside TLS."""

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.relay = self.derper(f"-http-port={self.port}", tls=True)

    def get(self, path, method="GET", headers=None):
        return request(self.relay, path, method, headers, port=self.port)

    def test_challenge(self):
        Pages.check_challenges(self, self.port)

    def test_everything_else_goes_to_https(self):
        for path in ("/derp", "/robots.txt", "/a?b=c", "/?b"):
            r = self.get(path)
            self.assertEqual(r.status, 302)
            self.assertEqual(r.headers["location"], f"https://{HOST}{path}")

    def test_who_may_see_them_is_led_to_the_debug_pages(self):
        for headers, path in (({}, "/debug/"), ({"X-Forwarded-For": "127.0.0.1"}, "/")):
            r = self.get("/", headers=headers)
            self.assertEqual((r.status, r.headers["location"]), (302, f"https://{HOST}{path}"))

    def test_other_methods_are_refused(self):
        r = self.get("/x", "POST")
        self.assertEqual((r.status, r.body), (400, b"Use HTTPS\n"))

    def test_derp_is_not_served(self):
        with socket.create_connection((HOST, self.port)) as sock:
            sock.sendall(UPGRADE)
            self.assertEqual(Response(sock).status, 302)

    def test_unclean_paths_are_redirected(self):
        for path, clean in (("//x", "/x"), ("/a/../x?y", "/x?y"), ("/debug", "/debug/")):
            r = self.get(path)
            self.assertIn(r.status, (301, 307))
            self.assertEqual(r.headers["location"], clean)

    def test_the_target_may_be_the_whole_server(self):
        Pages.check_asterisk(self, lambda: socket.create_connection((HOST, self.port)))

    @ours_only  # the Go one leads to https://xhttp://x/y
    def test_an_absolute_target_leads_to_its_host(self):
        for target, location in (
            ("http://x/y?z", "https://x/y?z"),
            ("http://x:81?z", "https://x:81/?z"),
            ("https://x", "https://x/"),
        ):
            with socket.create_connection((HOST, self.port)) as sock:
                sock.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                r = Response(sock)
            self.assertEqual((r.status, r.headers["location"]), (302, location))

    @ours_only  # the Go one leads to https:///x
    def test_without_a_host_there_is_nowhere_to_go(self):
        with socket.create_connection((HOST, self.port)) as sock:
            sock.sendall(b"GET /x HTTP/1.0\r\n\r\n")
            r = Response(sock)
        self.assertEqual((r.status, r.body), (400, b"Use HTTPS\n"))

    def test_a_request_behind_a_body_is_answered_or_told_off(self):
        second = b"GET /y HTTP/1.1\r\nHost: h\r\n\r\n"
        for body in (b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            with socket.create_connection((HOST, self.port)) as sock:
                sock.sendall(b"POST /x HTTP/1.1\r\nHost: h\r\n" + body + second)
                r = Response(sock)
                self.assertEqual((r.status, r.body), (400, b"Use HTTPS\n"))
                if r.headers.get("connection") == "close":
                    self.assertEqual(read_all(sock), b"")
                else:
                    self.assertEqual(Response(sock).status, 302)

    @ours_only  # the Go one sends it to HTTPS
    def test_health(self):
        r = self.get("/healthz")
        self.assertEqual((r.status, r.body), (200, b"ok"))

    def test_http_port_in_use_is_fatal(self):
        flags = [f for f in self.relay.flags if not f.startswith("-a=")]
        status, _, err = self.run_relay(flags + [f"-a={HOST}:{free_port()}"])
        self.assertEqual(status, 1)
        self.assertRegex(err, re.compile("address already in use", re.I))


class WrongProtocol(Scenario):
    def test_plain_http_to_the_tls_port(self):
        relay = self.derper(tls=True)
        self.answered_400(relay)

    @ours_only  # the Go one says nothing
    def test_plain_http_to_the_tls_port_is_logged(self):
        relay = self.derper(tls=True)
        self.answered_400(relay)
        relay.wait_log(f"http: {HOST}:[0-9]+: a plain HTTP request on the TLS port")
        self.assertEqual(relay.counters()["tls_got_http"], 1)

    @ours_only  # the Go one says less
    def test_a_client_without_server_name_is_logged(self):
        make_cert(self.folder, "derp.example.org", "DNS:derp.example.org")
        relay = self.derper(tls=True, hostname="derp.example.org")
        for sni, told in ((None, " .the client sent no server name.$"), ("x", "$")):
            with self.assertRaises(ssl.SSLError):
                dial(relay, sni)
            relay.wait_log(f'cert mismatch with hostname: "{sni or ""}"{told}')

        def counted():  # after the line
            counters = relay.counters()
            return counters.get("tls_no_name"), counters.get("tls_failed")

        wait_until(lambda: counted() == (1, 2), "both to be counted")

    def answered_400(self, relay):
        with socket.create_connection((HOST, relay.port)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(
                read_all(sock),
                b"HTTP/1.0 400 Bad Request\r\n\r\n"
                b"Client sent an HTTP request to an HTTPS server.\n",
            )


if __name__ == "__main__":
    unittest.main()
