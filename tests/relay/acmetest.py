"""A certificate authority for scenarios: pebble, and the names that it asks.

PEBBLE names the program (default: pebble, of Debian's package or built from
its Go module). It rejects one nonce in five, as authorities may.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request

from relaytest import HOST, PATIENCE, Lines, clean_env, free_port, make_cert, wait_until

PEBBLE = shutil.which(os.environ.get("PEBBLE", "pebble"))
NAME = "derp.example.org"


class Names:
    """A DNS server for which every name is this machine."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            end = query.index(b"\0", 12) + 5
            is_a = query[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(HOST)
            head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + bytes(4)
            self.socket.sendto(head + query[12:end] + (answer if is_a else b""), peer)

    def stop(self):
        self.socket.close()


class Authority:
    """pebble on ports that are known before it runs, so that a relay can be
    told of it while it is away."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.management = free_port(), free_port()
        self.directory = f"https://{HOST}:{self.port}/dir"
        self.proc = None
        self.roots = make_cert(folder, "authority", f"IP:{HOST}")
        self.names = Names()

    def start(self, http_port, tls_port, lifetime=3600, **settings):
        config = {
            "listenAddress": f"{HOST}:{self.port}",
            "managementListenAddress": f"{HOST}:{self.management}",
            "certificate": self.roots,
            "privateKey": self.roots.replace(".crt", ".key"),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "certificateValidityPeriod": lifetime,
            "profiles": {"default": {"description": "all", "validityPeriod": lifetime}},
            "retryAfter": {"authz": 1, "order": 1},
        }
        path = os.path.join(self.folder, "pebble.json")
        with open(path, "w") as f:
            json.dump({"pebble": dict(config, **settings)}, f)
        env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20"}
        self.proc = subprocess.Popen(
            [PEBBLE, "-config", path, "-dnsserver", f"{HOST}:{self.names.port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_env(env),
        )
        self.log = Lines(self.proc.stdout)
        wait_until(self.is_up, "pebble to answer")

    def is_up(self):
        if self.proc.poll() is not None:
            raise AssertionError("pebble ended:\n" + self.log.text())
        return self.get(self.directory) is not None

    def get(self, url):
        context = ssl.create_default_context(cafile=self.roots)
        if f":{self.management}/" in url:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(url, timeout=PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def root(self):
        """The certificate that its chains lead to."""
        return self.get(f"https://{HOST}:{self.management}/roots/0")

    def stop(self):
        if self.proc is not None:
            self.proc.terminate()
            self.proc.wait(PATIENCE)
            self.log.thread.join(PATIENCE)
            self.proc = None

    def close(self):
        self.stop()
        self.names.stop()
