#!/usr/bin/env python3
"""`derpmap probe` on relays behind nginx and HAProxy, set up well and badly.

Skipped where they are not installed (Debian packages nginx-light, haproxy).
"""

import pathlib
import shutil
import socket
import subprocess
import unittest

from probetest import PATIENCE, Authority, ProbeCase, free_port
from relaytest import wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")

NGINX_CONF = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e;
  ssl_certificate {cert}; ssl_certificate_key {key};
  {servers}
}}
"""
PASS_ON = ('proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; '
           'proxy_set_header Connection "upgrade"; proxy_read_timeout 1d;')


class Behind(ProbeCase):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.cert, self.key = self.ca.leaf("DNS:localhost")

    def start(self, args, *ports):
        log = self.enterContext(open(self.folder / "proxy.log", "wb"))
        proc = subprocess.Popen(args, stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL)
        self.addCleanup(proc.wait, PATIENCE)
        self.addCleanup(proc.terminate)

        def answers():
            self.assertIsNone(proc.poll(), (self.folder / "proxy.log").read_text())
            for port in ports:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                except OSError:
                    return False
            return True
        wait_until(answers, args[0])

    def node(self, port, **more):
        return {"HostName": "localhost", "IPv4": "127.0.0.1", "IPv6": "none",
                "DERPPort": port, "STUNPort": -1, **more}

    def probed(self, *nodes, args=()):
        return self.report("--ca-file", self.ca.root, *args,
                           self.map_file([[n] for n in nodes]))


@unittest.skipUnless(NGINX, "nginx is not installed")
class Nginx(Behind):
    def serve(self, servers, *ports):
        folder = self.folder / "nginx"
        folder.mkdir()
        conf = folder / "conf"
        conf.write_text(NGINX_CONF.format(folder=folder, cert=self.cert,
                                          key=self.key, servers=servers))
        self.start([NGINX, "-c", str(conf), "-e", str(folder / "error.log")],
                   *ports)

    def server(self, port, relay, options="", tls=True):
        return (f"server {{ listen 127.0.0.1:{port} {'ssl' if tls else ''};\n"
                f"location / {{ proxy_pass http://127.0.0.1:{relay.port}; "
                f"{options} }} }}\n")

    def test_the_upgrade_is_passed_on_or_eaten(self):
        a, b, c = self.relay(), self.relay(), self.relay()
        good, naive, part = free_port(), free_port(), free_port()
        elsewhere = (f"server {{ listen 127.0.0.1:{part} ssl;\n"
                     "location = /derp/latency-check { return 403; }\n"
                     f"location / {{ proxy_pass http://127.0.0.1:{c.port}; "
                     f"{PASS_ON} }} }}\n")
        self.serve(self.server(good, a, PASS_ON) + self.server(naive, b) +
                   elsewhere, good, naive, part)
        said = self.probed(self.node(good), self.node(naive), self.node(part))
        self.assertEqual(self.ids(said, "900a"), [])
        self.assertIn("nginx", self.finding(said, "proxy-between", "900a")["got"])
        self.finding(said, "meta-missing", "900a")
        self.assertEqual(self.visit(said, "900a")["steps"]["relay"]["state"], "good")
        self.assertEqual(self.ids(said, "901a"), ["upgrade-eaten"])
        self.assertEqual(self.ids(said, "902a"), ["latency-check-failed"])

    def test_port_80_redirected_and_passed_on(self):
        a, b = self.relay(), self.relay()
        one, two, http = free_port(), free_port(), free_port()
        redirect = "return 301 https://$host$request_uri;"
        self.serve(
            self.server(one, a, PASS_ON) + self.server(two, b, PASS_ON) +
            f"server {{ listen 127.0.0.1:{http}; {redirect} }}\n"
            f"server {{ listen 127.0.0.2:{http}; location / {{ {redirect} }}\n"
            f"location = /generate_204 {{ proxy_pass http://127.0.0.1:{b.port}; }}"
            " }\n" + self.server(two, b, PASS_ON).replace("127.0.0.1:%d ssl" % two,
                                                         "127.0.0.2:%d ssl" % two),
            one, two, http)
        said = self.probed(
            self.node(one, CanPort80=True),
            self.node(two, CanPort80=True, IPv4="127.0.0.2"),
            args=["--http-port", str(http)])
        self.assertEqual(self.ids(said, "900a"), ["port80-redirect"])
        self.assertIn("https://127.0.0.1/generate_204",
                      self.finding(said, "port80-redirect")["got"])
        self.assertEqual(self.ids(said, "901a"), ["dns-differs"])
        self.assertEqual(self.visit(said, "901a")["steps"]["port80"]["state"], "good")


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class HaProxy(Behind):
    def serve(self, text, *ports):
        both = self.folder / "both.pem"
        both.write_text(pathlib.Path(self.cert).read_text() +
                        pathlib.Path(self.key).read_text())
        conf = self.folder / "haproxy.cfg"
        conf.write_text("defaults\n  timeout connect 5s\n  timeout client 1m\n"
                        "  timeout server 1m\n  timeout tunnel 1d\n" +
                        text.replace("CERT", str(both)))
        self.start([HAPROXY, "-db", "-f", str(conf)], *ports)

    def test_tls_ended_passed_through_and_spread(self):
        tls = self.relay(tls=True)
        plain, first, second = self.relay(), self.relay(), self.relay()
        ended, through, spread = free_port(), free_port(), free_port()
        self.serve(
            f"listen ended\n  mode http\n  bind 127.0.0.1:{ended} ssl crt CERT\n"
            f"  server a 127.0.0.1:{plain.port}\n"
            f"listen through\n  mode tcp\n  bind 127.0.0.1:{through}\n"
            f"  server a 127.0.0.1:{tls.port}\n"
            f"listen spread\n  mode http\n  balance roundrobin\n"
            f"  bind 127.0.0.1:{spread} ssl crt CERT\n"
            f"  server a 127.0.0.1:{first.port}\n"
            f"  server b 127.0.0.1:{second.port}\n", ended, through, spread)
        pin = "sha256-raw:" + self.ca.pin(tls.cert())
        said = self.probed(
            self.node(ended),
            self.node(through, HostName="127.0.0.1", CertName=pin),
            self.node(spread))
        self.assertEqual(self.ids(said, "900a"), [])
        self.finding(said, "meta-missing", "900a")
        self.assertEqual(self.ids(said, "901a"), [])
        self.assertEqual(self.visit(said, "901a")["steps"]["fast_start"]["state"],
                         "good")
        self.assertIn("key-changes", self.ids(said, "902a"))


if __name__ == "__main__":
    unittest.main()
