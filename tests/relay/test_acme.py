#!/usr/bin/env python3
"""Certificates that the relay orders itself, from a real pebble."""

import http.client
import os
import re
import signal
import socket
import ssl
import stat
import sys
import unittest

from acmetest import NAME, PEBBLE, Authority
from relaytest import (
    HOST,
    IS_GO,
    PATIENCE,
    Scenario,
    free_port,
    wait_until,
)

CERTIFICATE = "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"


class Orders(Scenario):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.addCleanup(self.authority.close)
        self.certs = self.path("certs")

    def relay(self, *flags, hostname=NAME, http=True):
        """A relay whose authority is away; its http_port is an attribute."""
        http_port = free_port() if http else -1
        relay = self.derper(
            "-certmode=letsencrypt",
            f"-acme-directory={self.authority.directory}",
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
        with open(os.path.join(self.certs, file)) as f:
            pem = re.search(CERTIFICATE, f.read(), re.S).group(0)
        wanted = ssl.PEM_cert_to_DER_cert(pem)
        wait_until(lambda: self.served(relay, name) == wanted, "the new certificate to be served")
        return wanted

    def login(self, relay, name=NAME):
        """A client that verifies all of the chain."""
        roots = self.write("roots.pem", self.authority.root())
        p = self.peer()
        p.do(f"connect a {HOST} {relay.port} tls name={name} ca={roots}")
        p.expect("up a 2")
        return p

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
        relay.wait_log("acme: no certificate for .*: the tls-alpn-01 challenge failed: ")
        self.issued(relay)
        self.wait_served(relay)
        self.login(relay)
        # as Go's autocert has them
        for name in (NAME, "acme_account+key"):
            mode = os.stat(os.path.join(self.certs, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        with open(os.path.join(self.certs, NAME)) as f:
            kinds = re.findall("-----BEGIN (.*)-----", f.read())
        self.assertEqual(kinds[0], "EC PRIVATE KEY")
        self.assertEqual(set(kinds[1:]), {"CERTIFICATE"})

    def test_renewal_drops_nobody(self):
        relay = self.relay(http=False)
        self.begin(relay, lifetime=12)
        self.issued(relay)
        first = self.wait_served(relay)
        p = self.login(relay)
        self.issued(relay, relay.log_mark())
        wait_until(lambda: self.served(relay) not in (first, None), "another one")
        p.ping("a")
        p.absent("closed a.*")

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
        # only the first is found by the authority: the other one learns from
        # the folder
        self.begin(relays[0])
        self.issued(relays[0])
        want = self.wait_served(relays[0])
        wait_until(lambda: self.served(relays[1]) == want, "the other to serve it")

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


if __name__ == "__main__":
    if PEBBLE is None or IS_GO:
        print("SKIPPED: there is no pebble program (package pebble)", file=sys.stderr)
        sys.exit(77)
    unittest.main()
