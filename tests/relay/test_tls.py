"""Certificates: which one, for whom, with what behind it, and their reload."""

import os
import re
import signal
import socket
import ssl
import subprocess
import unittest

from relaytest import (
    HOST,
    PATIENCE,
    Scenario,
    cert_der,
    cert_pin,
    free_port,
    make_cert,
    ours_only,
    tls_context,
    wait_until,
)

NAME = "derp.example.org"


def chain(relay, sni=None, most=None):
    """DER of the certificates served, leaf first."""
    context = tls_context()
    if most:
        context.maximum_version = most
    with socket.create_connection((HOST, relay.port), PATIENCE) as raw:
        with context.wrap_socket(raw, server_hostname=sni) as sock:
            certs = sock._sslobj.get_unverified_chain()
            return [ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in certs]


class DnsName(Scenario):
    def setUp(self):
        super().setUp()
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        self.relay = self.derper(tls=True, hostname=NAME)

    def test_the_right_name_gets_the_certificate(self):
        der = cert_der(self.path(f"{NAME}.crt"))
        self.assertEqual(chain(self.relay, NAME)[0], der)

    def test_other_names_and_none_get_an_alert(self):
        for sni in ("other.example.org", NAME.upper(), "x." + NAME, None):
            mark = self.relay.log_mark()
            with self.assertRaisesRegex(ssl.SSLError, "(?i)internal.error"):
                chain(self.relay, sni)
            self.relay.wait_log(
                rf'cert mismatch with hostname: "{sni or ""}"', mark
            )

    def test_clients_check_the_name_against_their_roots(self):
        p = self.peer()
        ca = self.path(f"{NAME}.crt")
        p.do(f"connect a {HOST} {self.relay.port} tls name={NAME} ca={ca}")
        p.expect("up a 2")
        p.do(f"connect b {HOST} {self.relay.port} tls name=wrong.example.org sni={NAME} ca={ca}")
        p.expect("failed b dial certificate: .*[Hh]ostname mismatch")
        p.do(f"connect c {HOST} {self.relay.port} tls name={NAME}")
        p.expect("failed c dial certificate: .*")


class Start(Scenario):
    def fatal(self, hostname, pattern):
        flags = ["-a", f"{HOST}:{free_port()}", "-certmode=manual", "-http-port=-1"]
        flags += ["-certdir=" + self.folder, "-hostname=" + hostname, "-stun=false"]
        status, _, err = self.run_relay(flags + ["-c=" + self.path("k")])
        self.assertEqual(status, 1)
        self.assertRegex(err, pattern)

    def test_missing_files_are_fatal_for_a_name(self):
        self.fatal(NAME, f'can not start cert provider: .*hostname "{NAME}"')

    def test_a_certificate_for_another_name_is_fatal(self):
        make_cert(self.folder, NAME, "DNS:else.example.org")
        self.fatal(NAME, f'cert invalid for hostname "{NAME}"')

    def test_a_common_name_does_not_count(self):
        make_cert(self.folder, "test", "DNS:else.example.org")
        self.fatal("test", 'cert invalid for hostname "test"')

    def test_a_key_that_does_not_belong_is_fatal(self):
        make_cert(self.folder, "other", f"DNS:{NAME}")
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        os.rename(self.path("other.key"), self.path(f"{NAME}.key"))
        self.fatal(NAME, "can not start cert provider")

    def test_a_damaged_certificate_is_fatal(self):
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        self.write(f"{NAME}.crt", "garbage")
        self.fatal(NAME, "can not start cert provider")

    def test_a_wildcard_certificate_serves(self):
        make_cert(self.folder, NAME, "DNS:*.example.org")
        relay = self.derper(tls=True, hostname=NAME)
        self.assertEqual(len(chain(relay, NAME)), 2)

    def test_a_supplied_chain_is_followed_by_the_metacert(self):
        ca = make_cert(self.folder, "ca", "DNS:ca.example.org")
        crt = make_cert(self.folder, NAME, f"DNS:{NAME}", self.path("ca"))
        want = [cert_der(crt), cert_der(ca)]
        with open(crt, "a") as out, open(ca) as more:
            out.write(more.read())
        relay = self.derper(tls=True, hostname=NAME)
        served = chain(relay, NAME)
        self.assertEqual((len(served), served[:2]), (3, want))
        p = self.peer()
        p.do(f"connect a {HOST} {relay.port} tls name={NAME} ca={ca}")
        p.expect("up a 2")

    def test_an_unknown_certmode_is_fatal(self):
        flags = ["-a=:443", "-certmode=x", "-c=" + self.path("k"), "-stun=false"]
        status, _, err = self.run_relay(flags + ["-hostname=h"])
        self.assertEqual(status, 1)
        self.assertIn('unsupport cert mode: "x"', err)


class SelfSigned(Scenario):
    def test_a_certificate_is_made_and_its_pin_is_told(self):
        relay = self.derper(tls=True)
        relay.wait_log(
            r' Using self-signed certificate for IP address "127\.0\.0\.1"\. '
            r"Configure it in DERPMap using: "
            r"\(https://tailscale\.com/s/custom-derp\)$"
        )
        crt, key = self.path(f"{HOST}.crt"), self.path(f"{HOST}.key")
        pin = cert_pin(crt)
        relay.wait_log(
            r'^  \{"Name":"custom","RegionID":900,"HostName":"127\.0\.0\.1",'
            rf'"CertName":"sha256-raw:{pin}"\}}$'
        )
        self.assertEqual(os.stat(crt).st_mode & 0o777, 0o644)
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        served = chain(relay)
        self.assertEqual(served[0], cert_der(crt))
        p = self.peer()
        p.do(f"connect a {HOST} {relay.port} tls pin={pin}")
        p.expect("up a 2")
        p.do(f"connect b {HOST} {relay.port} tls pin={'0' * 64}")
        p.expect("failed b dial certificate: SHA-256 is .*")
        relay.stop()
        relay.exit_expected = True
        again = self.derper(tls=True)  # and is kept over a restart
        self.assertEqual(chain(again)[0], cert_der(crt))
        again.wait_log(pin)

    def test_an_own_certificate_for_the_address_is_told_too(self):
        make_cert(self.folder, HOST, f"IP:{HOST}")
        relay = self.derper(tls=True)
        relay.wait_log(cert_pin(self.path(f"{HOST}.crt")))
        for sni in (None, "whatever.example.org"):
            self.assertEqual(chain(relay, sni)[0], cert_der(self.path(f"{HOST}.crt")))


@ours_only
class Told(Scenario):
    """What is said about a certificate, at start or instead of it."""

    def redated(self, days):
        crt, key = self.path(f"{NAME}.crt"), self.path(f"{NAME}.key")
        args = ["openssl", "x509", "-in", crt, "-signkey", key, "-days", str(days)]
        args += ["-copy_extensions", "copyall", "-out", crt + ".new"]
        subprocess.run(args, check=True, capture_output=True)
        os.rename(crt + ".new", crt)

    def test_names_issuer_and_expiry(self):
        make_cert(self.folder, NAME, f"DNS:{NAME},IP:{HOST}")
        relay = self.derper(tls=True, hostname=NAME)
        relay.wait_log(
            rf"certificate: for {NAME}, 127\.0\.0\.1, self-signed, "
            r"expires \d{4}-\d\d-\d\d \d\d:\d\d UTC$"
        )
        self.assertNotIn("RSA", relay.log.text())

    def test_an_expired_one_is_told_at_start_and_on_reload(self):
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        relay = self.derper(tls=True, hostname=NAME)
        relay.wait_log(" serving on ")
        self.assertNotIn("expired", relay.log.text())
        self.redated(-1)
        relay.proc.send_signal(signal.SIGHUP)
        relay.wait_log(rf"certificate .*{NAME}.crt expired on .*: clients refuse it")
        again = self.derper(tls=True, hostname=NAME)
        again.wait_log(rf"certificate .*{NAME}.crt expired on .*: clients refuse it")

    def test_an_rsa_key_is_told(self):
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        crt, key = self.path(f"{NAME}.crt"), self.path(f"{NAME}.key")
        args = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        args += ["-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{NAME}"]
        subprocess.run(args + ["-keyout", key, "-out", crt], check=True, capture_output=True)
        self.derper(tls=True, hostname=NAME).wait_log("its key is RSA")

    def test_no_pin_is_proposed_for_an_authoritys_certificate(self):
        make_cert(self.folder, "ca", "DNS:ca.example.org")
        make_cert(self.folder, HOST, f"IP:{HOST}", self.path("ca"))
        relay = self.derper(tls=True)
        relay.wait_log(r'certificate: for 127\.0\.0\.1, issued by "test"')
        self.assertNotIn("self-signed", relay.log.text())
        self.assertNotIn("sha256-raw", relay.log.text())

    def test_certbots_names_are_hinted_at(self):
        for name in ("fullchain.pem", "privkey.pem"):
            self.write(name, "")
        flags = [f"-a={HOST}:{free_port()}", "-certmode=manual", "-http-port=-1"]
        flags += ["-certdir=" + self.folder, "-hostname=" + NAME, "-stun=false"]
        status, _, err = self.run_relay(flags + ["-c=" + self.path("k")])
        self.assertEqual(status, 1)
        self.assertIn(f"make links {NAME}.crt to fullchain.pem", err)

    def renew(self, status):
        flags = ["-renew-self-signed", "-hostname=" + HOST, "-certdir=" + self.folder]
        flags += ["-certmode=manual", "-http-port=-1"]
        got, out, err = self.run_relay(flags)
        self.assertEqual(got, status, err)
        return out if status == 0 else err

    def test_a_self_signed_one_is_renewed_on_request(self):
        relay = self.derper(tls=True)
        old = cert_pin(self.path(f"{HOST}.crt"))
        pin = self.renew(0).strip()
        new = cert_pin(self.path(f"{HOST}.crt"))
        self.assertNotEqual(new, old)
        self.assertEqual(pin, "sha256-raw:" + new)
        der = cert_der(self.path(f"{HOST}.crt"))
        wait_until(lambda: chain(relay)[0] == der, "the new certificate")
        # the map needs the new pin: it is where operators copied the old one
        relay.wait_log(f"CertName.*{pin}")

    def test_an_authoritys_certificate_is_not_replaced(self):
        make_cert(self.folder, "ca", "DNS:ca.example.org")
        crt = make_cert(self.folder, HOST, f"IP:{HOST}", self.path("ca"))
        old = cert_pin(crt)
        self.assertIn("which has to renew it", self.renew(1))
        self.assertEqual(cert_pin(crt), old)


class Metacert(Scenario):
    def setUp(self):
        super().setUp()
        self.relay = self.derper(tls=True)

    def test_it_is_last_and_says_the_key(self):
        p = self.peer()
        p.do(f"connect a {HOST} {self.relay.port} tls insecure")
        meta = p.expect(r"dialed a TLSv1\.3 2 ([0-9a-f]{64})").group(1)
        self.assertEqual(p.expect("upgraded a 101 (.*)").group(1), meta)
        p.expect("up a 2")

    def test_its_contents(self):
        der = chain(self.relay)[-1]
        pem = self.write("meta.pem", ssl.DER_cert_to_PEM_cert(der))
        text = subprocess.run(
            ["openssl", "x509", "-in", pem, "-noout", "-text", "-nameopt", "show_type"],
            check=True,
            capture_output=True,
        ).stdout.decode()
        for part in (
            r"Serial Number: 2 \(0x2\)",
            r"Issuer: CN ?= ?PRINTABLESTRING:derpkey[0-9a-f]{64}",
            r"Subject: CN ?= ?PRINTABLESTRING:derpkey[0-9a-f]{64}",
            r"Signature Algorithm: ED25519",
            r"X509v3 Basic Constraints: critical\s+CA:FALSE",
        ):
            self.assertRegex(text, part)
        self.assertEqual(text.count("X509v3 "), 2)  # the title and this one

    def test_tls_1_2_gets_it_too(self):
        self.assertEqual(len(chain(self.relay, most=ssl.TLSVersion.TLSv1_2)), 2)

    def test_the_chain_does_not_grow(self):
        for _ in range(20):
            self.assertEqual(len(chain(self.relay)), 2)

    def test_fast_start_logs_in_in_one_flush(self):
        p = self.peer()
        for name in "abc":
            p.do(f"connect {name} {HOST} {self.relay.port} tls insecure fast")
            p.expect(f"upgraded {name} 0 .*")  # no HTTP response
            p.expect(f"greeted {name}")
            p.expect(f"up {name} 2")
        p.do("send a b 01")
        p.expect("recv b a 1 01")

    def test_fast_start_works_over_plain_http_as_well(self):
        plain = self.derper()  # same key file
        p = self.peer()
        p.do(f"connect x {HOST} {plain.port}")
        key = p.expect("upgraded x 101 (.*)").group(1)
        p.do(f"connect y {HOST} {plain.port} fast server={key}")
        p.expect("upgraded y 0 .*")
        p.expect("up y 2")


class ForeignMetacert(Scenario):
    """What our client takes for a metacert: the relay is played by the test."""

    def setUp(self):
        super().setUp()
        self.meta = chain(self.derper(tls=True))[-1]
        self.key = re.search(rb"derpkey([0-9a-f]{64})", self.meta).group(1)

    def changed(self, old, new):
        """The relay's own metacert with other bytes in it: nobody checks its
        signature, as it proves nothing that the key in it does not."""
        self.assertIn(old, self.meta)
        self.assertEqual(len(old), len(new))
        return self.meta.replace(old, new)

    def dialed(self, meta):
        """Version, certificates and key that the client makes of a chain that
        ends with this one."""
        crt = make_cert(self.folder, HOST, f"IP:{HOST}")
        with open(crt, "a") as f:
            f.write(ssl.DER_cert_to_PEM_cert(meta))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, self.path(f"{HOST}.key"))
        p = self.peer()
        with socket.create_server((HOST, 0)) as listener:
            listener.settimeout(PATIENCE)
            port = listener.getsockname()[1]
            p.do(f"connect a {HOST} {port} tls insecure until=dial")
            conn, _ = listener.accept()
            conn.settimeout(PATIENCE)
            with context.wrap_socket(conn, server_side=True):
                return p.expect("dialed a (.*)").group(1)

    def test_only_this_version_of_the_protocol_is_believed(self):
        self.assertEqual(self.dialed(self.meta), f"TLSv1.3 2 {self.key.decode()}")
        serial = b"\x02\x01%c\x30\x05\x06\x03\x2b\x65\x70"  # then Ed25519
        for version in (0, 1, 3, 0x7F):
            with self.subTest(version):
                meta = self.changed(serial % 2, serial % version)
                self.assertEqual(self.dialed(meta), "TLSv1.3 2 -")

    def test_only_a_key_is_believed(self):
        for key in (b"0" * 64, b"g" * 64):
            with self.subTest(key):
                meta = self.changed(self.key, key)
                self.assertEqual(self.dialed(meta), "TLSv1.3 2 -")
        self.assertEqual(
            self.dialed(self.changed(b"derpkey", b"derpkez")), "TLSv1.3 2 -"
        )


@ours_only  # it must be restarted
class Reload(Scenario):
    def setUp(self):
        super().setUp()
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        self.relay = self.derper(tls=True, hostname=NAME)
        self.p = self.peer()
        self.options = f"name={NAME} tls insecure"
        for name in "ab":
            self.p.do(f"connect {name} {HOST} {self.relay.port} {self.options}")
            self.p.expect(f"up {name} 2")

    def served(self):
        return chain(self.relay, NAME)[0]

    def still_relaying(self):
        self.p.do("send a b 07")
        self.p.expect("recv b a 1 07")

    def test_new_files_are_picked_up(self):
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        new = cert_der(self.path(f"{NAME}.crt"))
        wait_until(lambda: self.served() == new, "the new certificate")
        self.still_relaying()

    def test_sighup_picks_them_up_at_once(self):
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        new = cert_der(self.path(f"{NAME}.crt"))
        self.relay.proc.send_signal(signal.SIGHUP)
        wait_until(lambda: self.served() == new, "the new certificate")
        self.still_relaying()

    def test_a_bad_file_keeps_the_old_certificate(self):
        old = self.served()
        self.write(f"{NAME}.crt", "garbage")
        self.relay.proc.send_signal(signal.SIGHUP)
        self.relay.wait_log("certificate reload failed, keeping the old one")
        self.assertEqual(self.served(), old)
        make_cert(self.folder, NAME, f"DNS:{NAME}")
        new = cert_der(self.path(f"{NAME}.crt"))
        wait_until(lambda: self.served() == new, "the repaired certificate")
        self.still_relaying()

    def test_a_certificate_may_come_before_its_key(self):
        old = self.served()
        new = cert_der(make_cert(self.folder, "next", f"DNS:{NAME}"))
        os.rename(self.path("next.crt"), self.path(f"{NAME}.crt"))
        self.relay.wait_log("certificate reload failed, keeping the old one")
        self.assertEqual(self.served(), old)
        # nobody tells the relay that the key is there now
        os.rename(self.path("next.key"), self.path(f"{NAME}.key"))
        wait_until(lambda: self.served() == new, "the new certificate")
        self.still_relaying()

    def test_a_certificate_for_another_name_keeps_the_old_one(self):
        old = self.served()
        make_cert(self.folder, "next", "DNS:else.example.org")
        for ext in ("key", "crt"):
            os.rename(self.path(f"next.{ext}"), self.path(f"{NAME}.{ext}"))
        self.relay.wait_log(
            "certificate reload failed, keeping the old one: "
            f'.*cert invalid for hostname "{NAME}"'
        )
        self.assertEqual(self.served(), old)
        self.still_relaying()


class Links(Scenario):
    """certbot's folders: live/NAME leads to archive/NAME, file by file."""

    def renew(self, n):
        folder = self.path(f"archive/{NAME}")
        make_cert(folder, f"{n}", f"DNS:{NAME}")
        for name, ext in (("fullchain", "crt"), ("privkey", "key")):
            link = self.path(f"live/{NAME}/{name}.pem")
            os.symlink(f"../../archive/{NAME}/{n}.{ext}", link + ".new")
            os.rename(link + ".new", link)
        return cert_der(f"{folder}/{n}.crt")

    def test_a_renewed_certificate_is_read_through_links(self):
        for folder in ("archive", "live"):
            os.makedirs(self.path(f"{folder}/{NAME}"))
        os.mkdir(self.path("certs"))
        self.renew(1)
        for name, ext in (("fullchain", "crt"), ("privkey", "key")):
            target = self.path(f"live/{NAME}/{name}.pem")
            os.symlink(target, self.path(f"certs/{NAME}.{ext}"))
        relay = self.derper("-certdir=" + self.path("certs"), tls=True, hostname=NAME)
        new = self.renew(2)
        relay.proc.send_signal(signal.SIGHUP)
        wait_until(lambda: chain(relay, NAME)[0] == new, "the new certificate")


if __name__ == "__main__":
    unittest.main()
