#!/usr/bin/env python3
"""Certificates that the relay orders itself, from a real pebble."""

import http.client
import http.server
import os
import re
import signal
import socket
import ssl
import stat
import sys
import threading
import time
import unittest

from acmetest import NAME, PEBBLE, Authority, make_old_cert
from relaytest import (
    HOST,
    IS_GO,
    PATIENCE,
    Scenario,
    free_port,
    wait_until,
)

CERTIFICATE = "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"


class Relays(Scenario):
    """Relays that order from an authority which the test starts."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.addCleanup(self.authority.close)
        self.certs = self.path("certs")

    def relay(self, *flags, hostname=NAME, http=True, directory=None):
        """A relay whose authority is away; its http_port is an attribute."""
        http_port = free_port() if http else -1
        relay = self.derper(
            "-certmode=letsencrypt",
            f"-acme-directory={directory or self.authority.directory}",
            f"-acme-ca={self.authority.roots}",
            f"-certdir={self.certs}",
            f"-hostname={hostname}",
            f"-http-port={http_port}",
            *flags,
        )
        relay.tls, relay.http_port = True, http_port
        return relay

    def begin(self, relay, **settings):
        """The authority comes, and is asked at once."""
        relay.wait_log("acme: no certificate for .*(refused|connect)")
        self.authority.start(
            settings.pop("http_port", relay.http_port),
            settings.pop("tls_port", relay.port),
            **settings,
        )
        relay.proc.send_signal(signal.SIGHUP)

    def issued(self, relay, mark=0):
        """Waits for a certificate. On a busy machine an order may fail for a
        time-out of the authority: then it is told to try again at once."""
        seen = 0

        def look():
            nonlocal seen
            with relay.log.cond:
                lines = relay.log.lines[mark:]
            failures = sum("acme: no certificate for" in line for line in lines)
            if failures > seen:
                seen = failures
                relay.proc.send_signal(signal.SIGHUP)
            return any(re.search("acme: certificate for .* issued", line) for line in lines)

        wait_until(look, "a certificate to be issued")

    def served(self, relay, name=NAME):
        """The certificate that a client is shown; None: it is refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection((HOST, relay.port), PATIENCE) as plain:
                with context.wrap_socket(plain, server_hostname=name) as tls:
                    return tls.getpeercert(binary_form=True)
        except ssl.SSLError:
            return None

    def wait_served(self, relay, file=NAME, name=NAME):
        """Returns the certificate of the file, once it is served."""
        pem = re.search(CERTIFICATE, self.file(file), re.S).group(0)
        wanted = ssl.PEM_cert_to_DER_cert(pem)
        wait_until(lambda: self.served(relay, name) == wanted, "the new certificate to be served")
        return wanted

    def login(self, relay, name=NAME):
        """A client that verifies all of the chain."""
        with open(self.authority.roots) as f:
            old = f.read()
        roots = self.write("roots.pem", old + (self.authority.root() or ""))
        p = self.peer()
        p.do(f"connect a {HOST} {relay.port} tls name={name} ca={roots}")
        p.expect("up a 2")
        return p

    def file(self, name):
        with open(os.path.join(self.certs, name)) as f:
            return f.read()

    def count_issued(self, *relays):
        return sum(len(re.findall("acme: certificate for .* issued", r.log.text())) for r in relays)


class Orders(Relays):
    def test_by_tls_alpn_01(self):
        relay = self.relay(http=False)
        relay.wait_log(f"there is none for {NAME} yet: TLS clients are refused until one has come from")
        self.assertIsNone(self.served(relay))
        self.begin(relay)
        self.issued(relay)
        relay.wait_log(f"acme: certificate for {NAME} issued by https://{HOST}:{self.authority.port}, expires")
        self.wait_served(relay)
        self.login(relay)

    def test_by_http_01_when_tls_alpn_01_fails(self):
        relay = self.relay()
        self.begin(relay, tls_port=free_port())
        relay.wait_log("acme: no certificate for .*: the tls-alpn-01 challenge failed: .*trying again in 1 s")
        # by itself: away, tls-alpn-01, http-01
        wait_until(lambda: relay.log.text().count("acme: ordering") >= 3, "the other challenge to be tried")
        self.issued(relay)
        self.wait_served(relay)
        self.login(relay)
        # as Go's autocert has them
        for name in (NAME, "acme_account+key"):
            mode = os.stat(os.path.join(self.certs, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        kinds = re.findall("-----BEGIN (.*)-----", self.file(NAME))
        self.assertEqual(kinds[0], "EC PRIVATE KEY")
        self.assertEqual(set(kinds[1:]), {"CERTIFICATE"})

    def test_an_authority_that_comes_back(self):
        """Nobody tells the relay."""
        relay = self.relay(http=False)
        relay.wait_log("acme: no certificate for .*(refused|connect)")
        self.authority.start(5, relay.port)
        relay.wait_log("acme: certificate for .* issued")
        self.wait_served(relay)

    def test_renewal_drops_nobody(self):
        os.mkdir(self.certs, 0o700)
        make_old_cert(self.authority.roots, os.path.join(self.certs, NAME), NAME)
        relay = self.relay(http=False)
        relay.wait_log("acme: no certificate for .*the present one stays until")
        old = self.wait_served(relay)
        p = self.login(relay)
        self.authority.start(5, relay.port)
        relay.proc.send_signal(signal.SIGHUP)
        self.issued(relay)
        self.assertNotEqual(self.wait_served(relay), old)
        p.ping("a")
        self.login(relay)
        p.ping("a")

    def test_an_address(self):
        relay = self.relay("-acme-ip-certs", hostname=HOST)
        self.begin(relay, tls_port=free_port())
        self.issued(relay)
        self.wait_served(relay, f"{HOST}.crt", None)
        self.login(relay, HOST)
        names = {f: stat.S_IMODE(os.stat(os.path.join(self.certs, f)).st_mode) for f in os.listdir(self.certs)}
        self.assertEqual(
            names,
            {f"{HOST}.crt": 0o644, f"{HOST}.key": 0o600, f"{HOST}+lock": 0o600, "acme-account.key": 0o600},
        )
        self.assertNotIn("reload failed", relay.log.text())

    def test_an_account_that_is_known_already(self):
        key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
        keys = {"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": key}}
        relay = self.relay(http=False)
        self.begin(relay, **keys)
        relay.wait_log("acme: no certificate for .*makes accounts only for.*see -acme-eab-kid")
        relay.exit_expected = True
        relay.stop()
        relay = self.relay("-acme-eab-kid=kid-1", f"-acme-eab-key={key}", "-acme-email=me@example.org", http=False)
        self.authority.stop()
        self.authority.start(5, relay.port, **keys)
        relay.proc.send_signal(signal.SIGHUP)
        self.issued(relay)
        self.wait_served(relay)

    def test_two_relays_with_one_folder(self):
        relays = [self.relay(http=False), self.relay(http=False)]
        # whichever orders, the authority looks at the first
        self.begin(relays[0])
        wait_until(lambda: self.count_issued(*relays) > 0, "a certificate to be issued")
        want = self.wait_served(relays[0])
        wait_until(lambda: self.served(relays[1]) == want, "the other to serve it")
        self.assertEqual(self.count_issued(*relays), 1)

    def test_the_challenge_of_the_other(self):
        """The authority finds the relay that does not order, and cannot."""
        away = f"https://{HOST}:{free_port()}/dir"
        found = self.relay(directory=away)
        self.authority.start(found.http_port, found.port)
        relay = self.relay(http=False)
        self.issued(relay)
        want = self.wait_served(relay)
        wait_until(lambda: self.served(found) == want, "the other to serve it")
        self.assertEqual(self.count_issued(found), 0)
        left = [f for f in os.listdir(self.certs) if f.endswith(("+http-01", "+token", "+order", "+retry"))]
        self.assertEqual(left, [])

    def test_a_failure_is_remembered(self):
        relay = self.relay(http=False)
        self.begin(relay, tls_port=free_port())
        relay.wait_log("acme: no certificate for .*: the tls-alpn-01 challenge failed: ")
        relay.exit_expected = True
        relay.stop()
        orders = self.authority.orders()
        self.assertIn("fault: challenge", self.file(f"{NAME}+retry"))
        # for another with the folder, and after a restart
        again = self.relay(http=False)
        again.wait_log(f"acme: an order for {NAME} has failed before: the next is not made before")
        self.assertNotIn("acme: ordering", again.log.text())
        self.assertEqual(self.authority.orders(), orders)
        again.proc.send_signal(signal.SIGHUP)
        again.wait_log("acme: ordering")

    def test_a_limit_is_kept(self):
        os.mkdir(self.certs, 0o700)
        now = int(time.time())
        with open(os.path.join(self.certs, f"{NAME}+retry"), "w") as f:
            f.write(f"fault: limited\nfailures: 1\nasked: yes\nsince: {now}\nuntil: {now + 7200}\n")
        relay = self.relay(http=False)
        relay.wait_log("acme: an order for .* has failed before")
        relay.proc.send_signal(signal.SIGHUP)
        relay.wait_log("acme: .* is not asked before [0-9]+ s have passed, as it wants it")
        self.assertNotIn("acme: ordering", relay.log.text())

    def test_an_answer_that_is_too_large(self):
        class Flood(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                try:
                    self.wfile.write(b"{" + b" " * 300_000 + b"}")
                except OSError:
                    pass  # it does not read all of it

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer((HOST, 0), Flood)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        relay = self.relay(http=False, directory=f"http://{HOST}:{server.server_port}/dir")
        relay.wait_log("acme: no certificate for .* answers too much; trying again in")

    def test_a_folder_that_is_there(self):
        """A damaged file is replaced, a good one is used before any order."""
        os.mkdir(self.certs, 0o700)
        with open(os.path.join(self.certs, NAME), "w") as f:
            f.write("garbage")
        relay = self.relay(http=False)
        relay.wait_log(f"acme: .*{NAME} cannot be used: .*; a new one is ordered")
        self.begin(relay)
        self.issued(relay)
        want = self.wait_served(relay)
        relay.exit_expected = True
        relay.stop()
        self.authority.stop()
        again = self.relay(http=False)
        again.wait_log(f"certificate: kept in .*{NAME}, and renewed by")
        self.assertEqual(self.served(again), want)
        self.assertNotIn("ordering", again.log.text())

    def test_what_cannot_be_written_is_not_ordered_again(self):
        relay = self.relay("-landlock=false", http=False)
        relay.wait_log("acme: no certificate for .*(refused|connect)")
        os.mkdir(os.path.join(self.certs, NAME))  # a folder is in the way
        self.authority.start(5, relay.port)
        relay.proc.send_signal(signal.SIGHUP)
        relay.wait_log("acme: no certificate for .*: it was issued, but cannot be written: ")
        self.authority.stop()
        os.rmdir(os.path.join(self.certs, NAME))
        relay.proc.send_signal(signal.SIGHUP)
        self.issued(relay)
        self.wait_served(relay)

    def test_a_port_that_shows_no_more_than_it_must(self):
        relay = self.relay()
        relay.wait_log("acme: no certificate")
        for host, path, status in (
            (NAME, "/.well-known/acme-challenge/x", 404),
            ("else.example.org", "/.well-known/acme-challenge/x", 403),
            (NAME, "/generate_204", 204),
            (NAME, "/else", 302),
        ):
            with self.subTest(path=path, host=host):
                c = http.client.HTTPConnection(HOST, relay.http_port, timeout=PATIENCE)
                self.addCleanup(c.close)
                c.request("GET", path, headers={"Host": host})
                self.assertEqual(c.getresponse().status, status)


    def test_an_address_is_the_same_in_any_spelling(self):
        relay = self.relay("-acme-ip-certs", hostname="2001:DB8:0::1")
        relay.wait_log("acme: no certificate for 2001:db8::1 from")
        for host, status in ("[2001:db8::1]", 404), ("[2001:db8:0:0::1]:80", 404), ("[2001:db8::2]", 403):
            with self.subTest(host=host):
                c = http.client.HTTPConnection(HOST, relay.http_port, timeout=PATIENCE)
                self.addCleanup(c.close)
                c.request("GET", "/.well-known/acme-challenge/x", headers={"Host": host})
                self.assertEqual(c.getresponse().status, status)


if __name__ == "__main__":
    if PEBBLE is None or IS_GO:
        print("SKIPPED: there is no pebble program (package pebble)", file=sys.stderr)
        sys.exit(77)
    unittest.main()
