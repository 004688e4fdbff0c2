"""Relays for the cases of `lint --online`: TLS servers with certificates that
are good or bad in one way each, and what answers on port 80.

A case names them in its file `args` and in its map: @PORT:NAME@ is the port of
the server on 127.0.0.1, @PIN:NAME@ the pin of its certificate. All serve
derp.home.arpa unless their name says otherwise.
"""

import hashlib
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time

HOST = "derp.home.arpa"
DAY = 86400
# name: (names in the certificate, days from now it is valid from and to,
# whether it signs itself)
CERTIFICATES = {
    "good": ([HOST], -1, 300, False),
    "self": ([HOST], -1, 3000, True),
    "ending": ([HOST], -300, 10.5, True),
    "brief": ([HOST], -1, 5.5, False),
    "expired": ([HOST], -300, -2.5, False),
    "future": ([HOST], 2.5, 300, False),
    "bare": ([], -1, 300, False),
    "other": (["other.home.arpa"], -1, 300, False),
}
ANSWERS = {
    "http-good": "204 No Content\r\nX-Tailscale-Response: response ts_" + HOST,
    "http-bare": "204 No Content",
    "http-page": "200 OK\r\nContent-Length: 2",
    "http-moved": "301 Moved\r\nLocation: https://" + HOST + "/",
    "http-not": None,
}
BODIES = {
    "url-map": ("200 OK", '{"Regions":{"1":{"RegionID":1,"Nodes":[]}}}'),
    "url-empty": ("200 OK", "{}"),
    "url-missing": ("404 Not Found", '{"Regions":{"1":{"RegionID":1}}}'),
    "url-page": ("200 OK", "<html></html>"),
}
CONFIG = """\
[ca]
default_ca = d
[d]
dir = .
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
unique_subject = no
email_in_dn = no
[p]
commonName = supplied
[names]
subjectAltName = %s
[none]
basicConstraints = CA:FALSE
"""


def stamp(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY))


class Relays:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.sockets = []
        self.ports, self.pins = {}, {}
        self.make_authority()
        for name in CERTIFICATES:
            self.make_certificate(name)
            self.serve(name, self.context(name))
        chain = (self.path / "self.pem").read_text("ascii") + (
            self.path / "ca.pem").read_text("ascii")
        (self.path / "chain.pem").write_text(chain, "ascii")
        self.pins["chain"] = self.pins["self"]
        self.serve("chain", self.context("chain"))
        self.serve_metacert()
        self.serve("filter", self.filtering())
        self.serve("old", self.ancient())
        for name, answer in ANSWERS.items():
            self.serve(name, None, answer)
        for name, (status, body) in BODIES.items():
            self.serve(name, None, f"{status}\r\nContent-Length: {len(body)}"
                       f"\r\nConnection: close\r\n\r\n{body}")
        self.ports["closed"] = 1  # nobody is there

    def close(self):
        for listener in self.sockets:
            listener.close()
        self.folder.cleanup()

    def environment(self):
        return {"SSL_CERT_FILE": str(self.path / "ca.pem")}

    def fill(self, text):
        text = re.sub(r"@PORT:([a-z-]+)@",
                      lambda m: str(self.ports[m[1]]), text)
        return re.sub(r"@PIN:([a-z-]+)@",
                      lambda m: "sha256-raw:" + self.pins[m[1]], text)

    # --- certificates

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.path, check=True,
                       capture_output=True)

    def make_authority(self):
        for name in "ca", "leaf":
            self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                         "ec_paramgen_curve:P-256", "-out", f"{name}.key")
        self.openssl("req", "-x509", "-key", "ca.key", "-out", "ca.pem",
                     "-subj", "/CN=authority", "-days", "3000")
        (self.path / "index").write_text("")

    def make_certificate(self, name):
        names, start, end, signs_itself = CERTIFICATES[name]
        section = "names" if names else "none"
        (self.path / "config").write_text(
            CONFIG % ",".join(f"DNS:{n}" for n in names or ["x"]))
        self.openssl("req", "-new", "-key", "leaf.key", "-out", "req",
                     "-subj", f"/CN={HOST}")
        by = ["-selfsign", "-keyfile", "leaf.key"] if signs_itself else [
            "-cert", "ca.pem", "-keyfile", "ca.key"]
        self.openssl("ca", "-batch", "-config", "config", "-in", "req", "-out",
                     f"{name}.pem", "-notext", "-extensions", section, *by,
                     "-startdate", stamp(start), "-enddate", stamp(end))
        der = ssl.PEM_cert_to_DER_cert(
            (self.path / f"{name}.pem").read_text("ascii"))
        self.pins[name] = hashlib.sha256(der).hexdigest()

    # --- servers

    def serve_metacert(self):
        """As derper does: its key is in a certificate after its own."""
        self.openssl("req", "-x509", "-key", "ca.key", "-out", "key.pem",
                     "-subj", "/CN=derpkey" + 57 * "1", "-days", "30")
        (self.path / "meta.pem").write_text(
            (self.path / "self.pem").read_text("ascii")
            + (self.path / "key.pem").read_text("ascii"), "ascii")
        self.pins["meta"] = self.pins["self"]
        self.serve("meta", self.context("meta"))

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path / f"{name}.pem",
                                self.path / "leaf.key")
        return context

    def filtering(self):
        """As a filter does that reads names: it ends what has one."""
        context = self.context("good")
        context.sni_callback = lambda sock, name, ctx: (
            ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE if name else None)
        return context

    def ancient(self):
        context = self.context("good")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def serve(self, name, context, answer=None):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.sockets.append(listener)
        self.ports[name] = listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(listener, context, answer),
                         daemon=True).start()

    def accept(self, listener, context, answer):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock, context, answer),
                             daemon=True).start()

    @staticmethod
    def talk(sock, context, answer):
        sock.settimeout(20)
        try:
            with sock:
                if context is not None:
                    with context.wrap_socket(sock, server_side=True) as tls:
                        tls.recv(1)
                    return
                request = sock.recv(4096).decode("ascii", "replace")
                if answer is None:
                    sock.sendall(b"SSH-2.0-x\r\n\r\n")
                elif request.startswith("GET /m ") or (
                        f"X-Tailscale-Challenge: ts_{HOST}\r\n" in request):
                    sock.sendall(f"HTTP/1.1 {answer}\r\n\r\n".encode("ascii"))
        except (OSError, ssl.SSLError):
            pass
