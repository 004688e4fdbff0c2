"""A certificate authority for scenarios: pebble, and the names that it asks.

PEBBLE names the program (default: pebble, of Debian's package or built from
its Go module). It rejects one nonce in five, as authorities may.
"""

import datetime
import functools
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request

from relaytest import (
    HOST,
    PATIENCE,
    Lines,
    clean_env,
    free_port,
    make_cert,
    openssl,
    wait_until,
)

PEBBLE = shutil.which(os.environ.get("PEBBLE", "pebble"))
NAME = "derp.example.org"


def name_answer(query):
    """What a DNS server answers for which every name is this machine."""
    end = query.index(b"\0", 12) + 5
    is_a = query[end - 4 : end - 2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(HOST)
    head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + bytes(4)
    return head + query[12:end] + (answer if is_a else b"")


class Names:
    """A DNS server for which every name is this machine. Debian's pebble asks
    it over UDP, that of the Go module over TCP."""

    def __init__(self):
        self.port = free_port()  # of both kinds
        self.tcp = socket.create_server((HOST, self.port))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((HOST, self.port))
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(512)
                self.udp.sendto(name_answer(query), peer)
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                connection = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    @staticmethod
    def answer(connection):
        with connection, connection.makefile("rb") as queries:
            while len(length := queries.read(2)) == 2:
                answer = name_answer(queries.read(int.from_bytes(length, "big")))
                connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def stop(self):
        self.udp.close()
        # also wakes who waits for a connection
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()


OLD_CONFIG = """
[ca]
default_ca = old
[old]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[leaf]
subjectAltName = DNS:{name}
authorityKeyIdentifier = keyid
"""


def make_old_cert(signer, path, name):
    """Writes key and certificate to the path: of 90 days, ten of which are
    left, signed by the certificate `signer`."""
    folder = os.path.splitext(signer)[0] + ".old"
    os.mkdir(folder)
    at = functools.partial(os.path.join, folder)
    with open(at("config"), "w") as f:
        f.write(OLD_CONFIG.format(folder=folder, name=name))
    open(at("index.txt"), "w").close()
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (
        (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (-80, 10)
    )
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at("key"))
    openssl("req", "-new", "-key", at("key"), "-subj", "/CN=test", "-out", at("request"))
    openssl(
        *("ca", "-batch", "-notext", "-config", at("config"), "-extensions", "leaf"),
        *("-cert", signer, "-keyfile", signer.replace(".crt", ".key")),
        *("-startdate", begin, "-enddate", end, "-in", at("request"), "-out", at("leaf")),
    )
    with open(path, "w") as f:
        for part in "key", "leaf":
            with open(at(part)) as text:
                f.write(text.read())


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

    def get(self, url, post=None):
        context = ssl.create_default_context(cafile=self.roots)
        if f":{self.management}/" in url:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(url, post, timeout=PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def orders(self):
        """How many orders were made."""
        return self.log.text().count("Added order ")

    def suggest(self, certificate, start, end):
        """Has it suggest to renew the certificate (PEM) between two times. Only
        the pebble of the Go module can."""
        window = {"suggestedWindow": {"start": start, "end": end}}
        body = {"Certificate": certificate, "ARIResponse": json.dumps(window)}
        url = f"https://{HOST}:{self.management}/set-renewal-info/"
        if self.get(url, json.dumps(body).encode()) is None:
            raise AssertionError("pebble takes no suggestion")

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
