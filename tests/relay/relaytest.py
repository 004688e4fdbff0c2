"""What the scenarios share: a relay, its clients, stubs of what it asks.

Environment: DERPER is the relay under test (default: DERPER_BUILT, the build's
own), DERP_PEER the client program, DERPER_IS_GO=1 says that the relay is the
Go derper; tests of what ours does better or differently are then skipped.

Nothing here sleeps for a result: every wait ends when its condition holds, and
fails loudly after PATIENCE seconds, which is far more than is ever needed.
"""

import contextlib
import hashlib
import http.server
import os
import random
import re
import signal
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

DERPER = os.environ.get("DERPER") or os.environ.get("DERPER_BUILT", "derper")
DERP_PEER = os.environ.get("DERP_PEER", "derp-peer")
IS_GO = os.environ.get("DERPER_IS_GO") == "1"
PATIENCE = int(os.environ.get("PATIENCE", "60"))  # seconds
HOST = "127.0.0.1"

ours_only = unittest.skipIf(IS_GO, "differs from the Go derper on purpose")
DISCO = bytes.fromhex("5453f09f92ac") + bytes(56)  # the least that looks so


def wait_until(condition, what, patience=PATIENCE):
    """Returns the condition's first true value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.01)


def free_port():
    """A port that nobody listens on, below those the kernel hands out. No test
    that runs at the same time is given it: a name that only one can have says
    whose it is until this process ends."""
    for _ in range(1000):
        port = random.randrange(10000, 32000)
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with socket.socket() as tcp, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as udp:
            try:
                name.bind(f"\0derpkit-port-{port}")
                tcp.bind((HOST, port))
                udp.bind((HOST, port))
            except OSError:
                name.close()
                continue
        name.detach()  # it stays open
        return port
    raise OSError("no port is free, or names of Unix sockets cannot be bound")


def frame(kind, body=b"", length=None):
    """A frame; length is announced instead of the true one."""
    return struct.pack(">BI", kind, len(body) if length is None else length) + body


def accepts(path):
    """Whether somebody listens on a Unix socket there."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(path) == 0


class Lines:
    """Lines that a process prints, collected as they come."""

    def __init__(self, stream):
        self.lines = []
        self.cond = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            with self.cond:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.cond.notify_all()
        with self.cond:
            self.ended = True
            self.cond.notify_all()
        stream.close()

    def wait(self, pattern, start=0, patience=PATIENCE):
        """The match in the first line from `start` on that the pattern finds."""
        deadline = time.monotonic() + patience
        at = start
        with self.cond:
            while True:
                while at < len(self.lines):
                    match = re.search(pattern, self.lines[at])
                    if match:
                        return match
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise AssertionError(
                        f"no line like {pattern!r} in:\n" + "\n".join(self.lines)
                    )
                self.cond.wait(left)

    def text(self):
        with self.cond:
            return "\n".join(self.lines)


class Derper:
    """A running relay."""

    def __init__(self, folder, flags, port, env=None, **popen):
        self.folder, self.flags, self.port = folder, flags, port
        self.proc = subprocess.Popen(
            [DERPER] + flags,
            stdin=subprocess.DEVNULL,
            stdout=popen.pop("stdout", subprocess.DEVNULL),
            stderr=popen.pop("stderr", subprocess.PIPE),
            env=clean_env(env),
            cwd=folder,
            **popen,
        )
        self.log = Lines(self.proc.stderr) if self.proc.stderr else None
        self.exit_expected = False

    def stop(self, sig=signal.SIGTERM):
        """Ends it; its exit status."""
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        status = self.proc.wait(PATIENCE)
        if self.log:
            self.log.thread.join(PATIENCE)
        return status

    def check_end(self):
        """Ends it, and fails where it crashed or had ended by itself."""
        alive = self.proc.poll() is None
        status = self.stop()
        text = self.log.text() if self.log else ""
        if "Sanitizer" in text or "runtime error" in text:
            raise AssertionError("sanitizer report:\n" + text)
        if not self.exit_expected and (not alive or status != 0):
            raise AssertionError(f"the relay ended with {status}:\n{text}")

    def wait_log(self, pattern, start=0, patience=PATIENCE):
        return self.log.wait(pattern, start, patience)

    def log_mark(self):
        """Where the log is now, for wait_log's start."""
        with self.log.cond:
            return len(self.log.lines)

    def counters(self):
        """What it has counted, of which zeros are left out."""
        mark = self.log_mark()
        self.proc.send_signal(signal.SIGUSR1)
        # in several lines, of which this is the last
        self.wait_log(" counters notify_pairs=", mark)
        with self.log.cond:
            lines = self.log.lines[mark:]
        found = (re.search(" counters (.*)", line) for line in lines)
        words = " ".join(match.group(1) for match in found if match).split()
        return {k: int(v) for k, v in (x.split("=") for x in words)}

    def is_up(self):
        """Whether it listens, itself: on a busy machine somebody else may have
        taken the port in the meantime. True also when it has ended."""
        if self.proc.poll() is not None:
            return True
        try:
            return bool(self.sockets() & self.listening())
        except PermissionError:
            # only root may look into a relay that allows no memory dumps;
            # ours says so when it listens
            return bool(self.log) and " serving on " in self.log.text()

    def listening(self):
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with contextlib.suppress(FileNotFoundError), open(table) as f:
                for words in (line.split() for line in f):
                    if words[3] == "0A" and words[1].endswith(f":{self.port:04X}"):
                        found.add(f"socket:[{words[9]}]")
        return found

    def sockets(self):
        folder, found = f"/proc/{self.proc.pid}/fd", set()
        with contextlib.suppress(FileNotFoundError):
            for fd in os.listdir(folder):
                with contextlib.suppress(FileNotFoundError):
                    found.add(os.readlink(f"{folder}/{fd}"))
        return found


def clean_env(extra=None):
    """The environment without anything that the relay would read."""
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("DERP", "TS_", "TAILSCALE_", "SSL"))
        and not k.lower().endswith("_proxy")
    }
    env.update(extra or {})
    return env


class Peer:
    """A derp-peer process: clients by name, events in order of arrival."""

    def __init__(self, command=(DERP_PEER,)):
        self.proc = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.out = Lines(self.proc.stdout)
        self.seen = set()  # indices of events already taken
        self.marks = 0

    def do(self, *commands):
        self.proc.stdin.write(("\n".join(commands) + "\n").encode())
        self.proc.stdin.flush()

    def expect(self, pattern, patience=PATIENCE):
        """Takes the first untaken event that matches whole, waiting for it."""
        deadline = time.monotonic() + patience
        with self.out.cond:
            while True:
                for i, line in enumerate(self.out.lines):
                    match = i not in self.seen and re.fullmatch(pattern, line)
                    if match:
                        self.seen.add(i)
                        return match
                left = deadline - time.monotonic()
                if left <= 0 or self.out.ended:
                    raise AssertionError(f"no event {pattern!r}; {self.untaken()}")
                self.out.cond.wait(left)

    def untaken(self):
        return [x for i, x in enumerate(self.out.lines) if i not in self.seen]

    def sync(self):
        """Returns when all commands so far have been carried out."""
        self.marks += 1
        self.do(f"mark {self.marks}")
        self.expect(f"mark {self.marks}")

    def absent(self, pattern):
        """Fails when an untaken event matches."""
        with self.out.cond:
            found = [x for x in self.untaken() if re.fullmatch(pattern, x)]
        if found:
            raise AssertionError(f"unexpected: {found[:5]}")

    def ping(self, *names):
        """Each has a ping answered: what it sent before has been handled."""
        for name in names:
            data = os.urandom(8).hex()
            self.do(f"frame {name} 12 {data}")
            self.expect(f"pong {name} {data}")

    def settle(self, *names):
        """Gives events that should not come every chance to come: what the
        clients sent is handled, and what was queued for them is written."""
        for _ in range(3):
            self.ping(*names)

    def key(self, name, private=None):
        """The client's public key, hex."""
        self.do(f"key {name}" + (f" privkey:{private}" if private else ""))
        return self.expect(f"key {name} nodekey:(.*)").group(1)

    def connect(self, name, relay, options=""):
        self.do(f"connect {name} {HOST} {relay.port} {relay_options(relay)} {options}")

    def login(self, relay, *names, options=""):
        for name in names:
            self.connect(name, relay, options)
        for name in names:
            self.expect(f"up {name} 2")

    def refused(self, relay, name, options=""):
        """Connects; the relay closes after ClientInfo."""
        self.connect(name, relay, options)
        self.expect(f"(closed|failed) {name} .*")
        self.absent(f"up {name} .*")

    def stats(self, name):
        self.do(f"stats {name}")
        text = self.expect(f"stats {name} (.*)").group(1)
        return {k: int(v) for k, v in (x.split("=") for x in text.split())}

    def stop(self):
        self.proc.stdin.close()
        status = self.proc.wait(PATIENCE)
        if status != 0:
            raise AssertionError(f"derp-peer ended with {status}")


def relay_options(relay):
    return "tls insecure" if getattr(relay, "tls", False) else ""


class Scenario(unittest.TestCase):
    """A test with a folder of its own; what it starts is stopped behind it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="derpkit-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content, mode="w"):
        """Puts a file in place in one go, as an editor or a tool would."""
        with open(self.path(name + ".new"), mode) as f:
            f.write(content)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def spawn(self, flags, port=0, **options):
        """Starts a relay with exactly these flags, and waits for nothing."""
        relay = Derper(self.folder, flags, port, **options)
        self.addCleanup(relay.check_end)
        return relay

    def run_relay(self, flags, env=None):
        """Runs a relay that is to end by itself: status, stdout, stderr. Fails
        as soon as it serves instead, which it would do for ever."""
        proc = subprocess.Popen(
            [DERPER] + flags,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_env(env),
            cwd=self.folder,
        )
        out, err = Lines(proc.stdout), Lines(proc.stderr)
        try:
            wait_until(
                lambda: proc.poll() is not None or " serving on " in err.text(),
                "the relay to end",
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                proc.wait(2)  # it may say so before it finds a port taken
            if proc.poll() is None:
                raise AssertionError("the relay serves:\n" + err.text())
        finally:
            proc.kill()
            proc.wait(PATIENCE)
            for lines in (out, err):
                lines.thread.join(PATIENCE)
        return proc.returncode, out.text(), err.text()

    def derper(self, *flags, tls=False, hostname=HOST, stun=False, **options):
        """Starts a relay on free ports and waits until it is there, at its
        control socket, too."""
        for _ in range(5):
            port, stun_port = free_port(), free_port()
            all_flags = [f"-a={HOST}:{port}", "-c=" + self.path("derper.key")]
            all_flags += [f"-stun-port={stun_port}"] if stun else ["-stun=false"]
            if tls:
                all_flags += ["-certmode=manual", "-certdir=" + self.folder]
                all_flags += [f"-hostname={hostname}"]
                if not any(f.startswith("-http-port") for f in flags):
                    all_flags += ["-http-port=-1"]
            relay = Derper(self.folder, all_flags + list(flags), port, **options)
            relay.tls, relay.stun_port = tls, stun_port
            wait_until(relay.is_up, "the relay to listen")
            if relay.proc.poll() is None:
                self.addCleanup(relay.check_end)
                for flag in flags:
                    if flag.startswith("-control-socket="):
                        path = os.path.join(self.folder, flag.partition("=")[2])
                        wait_until(lambda: accepts(path), "its control socket")
                return relay
            if "address already in use" not in relay.log.text().lower():
                raise AssertionError("the relay did not start:\n" + relay.log.text())
        raise AssertionError("no free port found")

    def peer(self):
        peer = Peer()
        self.addCleanup(peer.stop)
        return peer


def openssl(*args):
    subprocess.run(("openssl",) + args, check=True, capture_output=True)


def make_cert(folder, stem, san, signer=None, days=30):
    """Writes STEM.crt and STEM.key; signed by the pair `signer` if given."""
    crt, key = os.path.join(folder, stem + ".crt"), os.path.join(folder, stem + ".key")
    args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    args += ["-nodes", "-days", str(days), "-subj", "/CN=test", "-keyout", key + ".new"]
    args += ["-out", crt + ".new", "-addext", f"subjectAltName={san}"]
    if signer:
        args += ["-CA", signer + ".crt", "-CAkey", signer + ".key"]
    openssl(*args)
    os.rename(key + ".new", key)
    os.rename(crt + ".new", crt)
    return crt


def cert_der(path):
    with open(path) as f:
        pem = f.read()
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)])


def cert_pin(path):
    return hashlib.sha256(cert_der(path)).hexdigest()


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def dial(relay, sni=None):
    """A raw connection, over TLS where the relay speaks it."""
    sock = socket.create_connection((HOST, relay.port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go does
    if getattr(relay, "tls", False):
        sock = tls_context().wrap_socket(sock, server_hostname=sni)
    return sock


def read_all(sock):
    """Everything until the other side ends, however it does."""
    data = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while True:
            part = sock.recv(65536)
            if not part:
                break
            data += part
    return data


def read_until(sock, end):
    """Bytes up to and with `end`, byte by byte so that the rest stays."""
    data = b""
    while not data.endswith(end):
        part = sock.recv(1)
        if not part:
            raise AssertionError(f"ended after {data!r}")
        data += part
    return data


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise AssertionError(f"ended after {data!r}")
        data += part
    return data


class Response:
    def __init__(self, sock, method="GET"):
        head = read_until(sock, b"\r\n\r\n").decode("latin-1")
        self.line, *rest = head.rstrip("\r\n").split("\r\n")
        self.status = int(self.line.split()[1])
        self.headers = {}
        for header in rest:
            name, _, value = header.partition(":")
            self.headers[name.lower()] = value.strip()
        length = int(self.headers.get("content-length", "0"))
        self.body = b"" if method == "HEAD" else read_exactly(sock, length)


def request(relay, path="/", method="GET", headers=None, version="1.1", port=None):
    """One request on a connection of its own."""
    text = f"{method} {path} HTTP/{version}\r\nHost: {HOST}\r\n"
    text += "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
    if port is None:
        sock = dial(relay)
    else:
        sock = socket.create_connection((HOST, port), PATIENCE)
    with sock:
        sock.sendall((text + "\r\n").encode())
        return Response(sock, method)


UPGRADE = b"GET /derp HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n"


def stun_request(txid=bytes(range(1, 13)), software=b"tailnode", tail=b""):
    """A binding request as Tailscale clients send it."""
    attr = struct.pack(">HH", 0x8022, len(software)) + software
    head = struct.pack(">HHI", 1, len(attr) + 8, 0x2112A442) + txid + attr
    crc = zlib.crc32(head) ^ 0x5354554E
    return head + struct.pack(">HHI", 0x8028, 4, crc) + tail


HANG = "hang"
CLOSE = "close"


class StubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        stub = self.server.stub
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if (self.command, self.path) == ("GET", "/"):  # is anybody there?
            stub.greetings.append(dict(self.headers))
            return self.send_error(404)
        with stub.cond:
            stub.requests.append((self.command, self.path, dict(self.headers), body))
            stub.cond.notify_all()
        answer = stub.answer(self.path, body)
        if answer == HANG:
            stub.stopped.wait(PATIENCE)
            answer = CLOSE
        if answer == CLOSE:
            self.close_connection = True
        elif callable(answer):
            answer(self.wfile)
            self.close_connection = True
        elif isinstance(answer, bytes):
            self.wfile.write(answer)
            self.close_connection = True
        else:
            status, text = answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    do_GET = do_POST = respond

    def address_string(self):
        return "stub"

    def log_message(self, *args):
        pass


class Stub:
    """An HTTP server whose `answer(path, body)` is (status, text), raw bytes,
    HANG, CLOSE or a function that writes to a file, and may be replaced while it runs."""

    def __init__(self, server, answer):
        self.server, self.answer = server, answer
        self.requests, self.cond = [], threading.Condition()
        self.greetings = []  # who asked for "/", about nobody
        self.stopped = threading.Event()
        server.stub = self
        server.handle_error = lambda *args: None
        self.thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.thread.start()

    def wait_requests(self, count):
        with self.cond:
            if not self.cond.wait_for(lambda: len(self.requests) >= count, PATIENCE):
                raise AssertionError(f"{len(self.requests)} requests, not {count}")

    def stop(self):
        if not self.stopped.is_set():
            self.stopped.set()
            self.server.shutdown()
            self.server.server_close()


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class HttpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def stub_localapi(test, path, answer):
    """A tailscaled's LocalAPI on a unix socket."""
    stub = Stub(UnixServer(path, StubHandler), answer)
    test.addCleanup(stub.stop)
    return stub


def stub_verify(test, answer, pair=None):
    """An admission controller; https with the certificate pair if given."""
    server = HttpServer((HOST, 0), StubHandler)
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair + ".crt", pair + ".key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    stub = Stub(server, answer)
    scheme = "https" if pair else "http"
    stub.url = f"{scheme}://{HOST}:{server.server_port}/verify"
    test.addCleanup(stub.stop)
    return stub
