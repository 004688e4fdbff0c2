#!/usr/bin/env python3
"""The configurations of docs/proxies.md, run by the proxies that they are for:
derpmap probe relays a packet through each.

Names, ports and certificates are replaced, nothing else. Skipped where a proxy
is not installed (Debian packages nginx-light, libnginx-mod-stream, haproxy,
caddy).
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

from probetest import PATIENCE, Authority, ProbeCase, free_port
from relaytest import wait_until

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs"))
from documents import ROOT, blocks  # noqa: E402

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
CADDY = shutil.which("caddy")
PAGE = ROOT / "docs/proxies.md"
NAME = "derp.example.org"


def documented(language, word):
    """The block of that language in which the word is."""
    found = [b for b in blocks(PAGE, language) if word in b]
    assert len(found) == 1, f"{len(found)} blocks of {language} with {word}"
    return found[0]


def replaced(text, *pairs):
    for old, new in pairs:
        assert old in text, f"{old} is not in the document any more"
        text = text.replace(old, new)
    return text


class Documented(ProbeCase):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.cert, self.key = self.ca.leaf("DNS:localhost")
        self.port = free_port()

    def tls_relay(self, *flags):
        """A relay that serves the certificate itself."""
        certs = self.folder / "certs"
        certs.mkdir()
        shutil.copy(self.cert, certs / "localhost.crt")
        shutil.copy(self.key, certs / "localhost.key")
        return self.relay(tls=True, flags=("-hostname", "localhost", "-certdir",
                                           str(certs), *flags))

    def start(self, program, *args, env=None, ports=()):
        """Returns when it listens on its port, and on these."""
        log = self.enterContext(open(self.folder / "proxy.log", "wb"))
        proc = subprocess.Popen([program, *args], stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL, env=env)
        self.addCleanup(proc.wait, PATIENCE)
        self.addCleanup(proc.terminate)

        def answers():
            self.assertIsNone(proc.poll(), (self.folder / "proxy.log").read_text())
            try:
                for port in (self.port, *ports):
                    socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
            return True
        wait_until(answers, program)

    def check(self, program, *args):
        done = subprocess.run([program, *args], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def relays_a_packet(self, *args, **node):
        """Through the proxy; what the report says of it."""
        said = self.report("--ca-file", self.ca.root, *args, self.map_file([[
            {"HostName": "localhost", "IPv4": "127.0.0.1", "IPv6": "none",
             "DERPPort": self.port, "STUNPort": -1, **node}]]))
        self.assertEqual(self.ids(said), [])
        self.assertEqual(self.visit(said)["steps"]["relay"]["state"], "good")
        return said


@unittest.skipUnless(NGINX, "nginx is not installed")
class Nginx(Documented):
    def serve(self, text):
        folder = self.folder / "nginx"
        folder.mkdir()
        conf = folder / "conf"
        conf.write_text(replaced(text, ("FOLDER", str(folder))))
        self.check(NGINX, "-t", "-q", "-c", str(conf), "-e", str(folder / "log"))
        self.start(NGINX, "-c", str(conf), "-e", str(folder / "log"))

    def main(self, text, first=""):
        return (f"{first}\ndaemon off; pid FOLDER/pid; error_log FOLDER/log;\n"
                "worker_processes 1; events {}\n" + text)

    def test_tls_is_passed_through(self):
        relay = self.tls_relay()
        self.serve(self.main(replaced(
            documented("nginx", "ssl_preread"), ("listen 443", f"listen 127.0.0.1:{self.port}"),
            (NAME, "localhost"), ("127.0.0.1:8443", f"127.0.0.1:{relay.port}")),
            f"load_module {STREAM};"))
        said = self.relays_a_packet()
        self.assertEqual(self.visit(said)["steps"]["fast_start"]["state"], "good")

    def test_tls_is_ended(self):
        relay = self.relay()
        server = replaced(
            documented("nginx", "proxy_http_version"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", self.cert),
            (f"/etc/letsencrypt/live/{NAME}/privkey.pem", self.key),
            (NAME, "localhost"), ("127.0.0.1:3340", f"127.0.0.1:{relay.port}"))
        places = "".join(f"{p}_temp_path FOLDER/{p};\n" for p in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.serve(self.main(f"http {{ access_log off;\n{places}{server} }}"))
        self.finding(self.relays_a_packet(), "proxy-between")


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class HaProxy(Documented):
    def serve(self, text):
        conf = self.folder / "haproxy.cfg"
        conf.write_text(text)
        self.check(HAPROXY, "-c", "-q", "-f", str(conf))
        self.start(HAPROXY, "-db", "-f", str(conf))

    def test_tls_is_passed_through(self):
        relay = self.tls_relay("-proxy-protocol-from", "127.0.0.1")
        self.serve(replaced(
            documented("haproxy", "send-proxy-v2"), ("bind :443", f"bind 127.0.0.1:{self.port}"),
            (NAME, "localhost"), ("127.0.0.1:8443", f"127.0.0.1:{relay.port}")))
        said = self.relays_a_packet()
        self.assertEqual(self.visit(said)["steps"]["fast_start"]["state"], "good")

    def test_tls_is_ended(self):
        relay = self.relay()
        both = self.folder / "both.pem"
        both.write_text(pathlib.Path(self.cert).read_text() +
                        pathlib.Path(self.key).read_text())
        self.serve(replaced(
            documented("haproxy", "timeout tunnel"), ("bind :443", f"bind 127.0.0.1:{self.port}"),
            (f"/etc/haproxy/{NAME}.pem", str(both)),
            ("127.0.0.1:3340", f"127.0.0.1:{relay.port}")))
        self.finding(self.relays_a_packet(), "meta-missing")


@unittest.skipUnless(CADDY, "caddy is not installed")
class Caddy(Documented):
    def test_tls_is_ended_and_port_80_answers(self):
        relay, http = self.relay(), free_port()
        site, redirect = blocks(PAGE, "caddy")
        conf = self.folder / "Caddyfile"
        conf.write_text(
            "{\n\tadmin off\n\tauto_https off\n}\n" + replaced(
                site, (NAME + " {", f"https://localhost:{self.port} {{\n"
                       f"\tbind 127.0.0.1\n\ttls {self.cert} {self.key}"),
                ("127.0.0.1:3340", f"127.0.0.1:{relay.port}")) + replaced(
                redirect, ("http:// {", f"http://:{http} {{\n\tbind 127.0.0.1"),
                ("127.0.0.1:3340", f"127.0.0.1:{relay.port}")))
        self.start(CADDY, "run", "--adapter", "caddyfile", "--config", str(conf),
                   env={**os.environ, "HOME": str(self.folder)}, ports=[http])
        said = self.relays_a_packet("--http-port", str(http), CanPort80=True)
        self.assertEqual(self.visit(said)["steps"]["port80"]["state"], "good")


if __name__ == "__main__":
    unittest.main()
