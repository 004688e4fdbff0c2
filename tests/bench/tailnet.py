"""Two real tailscaleds in network namespaces of their own, logged in to
upstream's test control server, with nothing between them but a relay."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from relays import Failure

REGION, CODE = 901, "bench"
AUTH_KEY = "k1"
PROGRAMS = ["tailscaled", "tailscale", "control"]  # and where they come from
JOIN_S = 90
PING_S = 10
SINK_PORT = 9009
SOCKS_PORT = 1055  # each node has a loopback interface of its own

# Takes one TCP connection after the other and tells how many bytes have come,
# and when, at each line of standard input.
SINK = """
import selectors, socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
poll = selectors.DefaultSelector()
poll.register(s, selectors.EVENT_READ)
poll.register(sys.stdin, selectors.EVENT_READ)
got = 0
print("ready", flush=True)
while True:
    for key, _ in poll.select():
        if key.fileobj is s:
            poll.register(s.accept()[0], selectors.EVENT_READ)
        elif key.fileobj is sys.stdin:
            if not sys.stdin.readline():
                sys.exit(0)
            print(got, time.monotonic(), flush=True)
        else:
            data = key.fileobj.recv(1 << 20)
            got += len(data)
            if not data:
                poll.unregister(key.fileobj)
                key.fileobj.close()
"""

# Sends without end to an address, through the node's SOCKS server.
SOURCE = """
import socket, struct, sys
host, port = sys.argv[2], int(sys.argv[3])
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"\\5\\1\\0")
s.recv(2)
s.sendall(b"\\5\\1\\0\\1" + socket.inet_aton(host) + struct.pack(">H", port))
answer = s.recv(10)
if answer[1:2] != b"\\0":
    sys.exit("SOCKS: %r" % answer)
while True:
    s.sendall(bytes(65536))
"""


def wait_for(what, seconds, condition):
    """The condition's first true value."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError, KeyError):
            value = condition()
            if value:
                return value
        time.sleep(0.05)
    raise Failure("in vain waited for " + what)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("local-tailscaled.sock", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Child:
    """A program that ends when the block does."""

    def __init__(self, command, env=None, log=None, **pipes):
        self.proc = subprocess.Popen(
            command, env=dict(os.environ, **(env or {})), stderr=log,
            stdin=subprocess.PIPE, stdout=pipes.get("stdout", log), text=True)

    def line(self):
        found = self.proc.stdout.readline()
        if not found:
            raise Failure("%s has ended" % " ".join(self.proc.args[:6]))
        return found.strip()

    def ask(self):
        self.proc.stdin.write("\n")
        self.proc.stdin.flush()
        return self.line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.proc.stdin.close()
        if self.proc.stdout:
            self.proc.stdout.close()


class Node:
    """A tailscaled in a place; to be closed with the stack it is made on."""

    def __init__(self, stack, peers, place, name, folder, socket_path=None,
                 socks_port=SOCKS_PORT):
        self.peers, self.place, self.name = peers, place, name
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.socket = socket_path or os.path.join(self.folder, "sock")
        env = {"TS_LOGS_DIR": self.folder, "TS_DISABLE_PORTMAPPER": "1",
               "TS_DEBUG_NEVER_DIRECT_UDP": "1",
               "TS_ASSUME_NETWORK_UP_FOR_TEST": "1",
               "TS_PANIC_IF_HIT_MAIN_CONTROL": "1"}
        self.log = stack.enter_context(
            open(os.path.join(self.folder, "log"), "w+", encoding="utf-8"))
        stack.enter_context(Child(place.command(
            os.path.join(peers, "tailscaled"), "--no-logs-no-support",
            "--tun=userspace-networking", "--statedir=" + self.folder,
            "--socket=" + self.socket, "--port=0",
            "--socks5-server=127.0.0.1:%d" % socks_port), env, self.log))

    def join(self, url):
        wait_for(self.name, JOIN_S, lambda: os.path.exists(self.socket))
        done = subprocess.run(self.place.command(
            os.path.join(self.peers, "tailscale"), "--socket=" + self.socket,
            "up", "--login-server=" + url, "--auth-key=" + AUTH_KEY,
            "--hostname=" + self.name, "--accept-dns=false",
            "--timeout=%ds" % JOIN_S), capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure("%s does not join: %s" % (self.name, done.stderr))

    def call(self, method, path, patience=120):
        connection = UnixConnection(self.socket, patience)
        try:
            connection.request(method, "/localapi/v0/" + path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def address(self):
        return self.call("GET", "status")["TailscaleIPs"][0]

    def knows(self, other):
        """Waits until the other's home relay is known."""
        key = other.call("GET", "status")["Self"]["PublicKey"]
        wait_for("%s to know %s" % (self.name, other.name), JOIN_S, lambda:
                 self.call("GET", "status")["Peer"][key]["Relay"] == CODE)

    def ping(self, address, kind):
        """What came of it; OSError when it was lost, of which tailscaled says
        nothing."""
        return self.call("POST", "ping?ip=%s&type=%s" % (address, kind), PING_S)

    def ping_ms(self, address, kind="TSMP"):
        """A round trip; None when no answer came. TSMP goes the way of the
        data, within the tunnel."""
        answer = self.ping(address, kind)
        if answer["Err"] or answer.get("Endpoint"):
            return None
        return 1000 * answer["LatencySeconds"]


def derp_map(running, home):
    with open(home.stem + ".crt", encoding="ascii") as f:
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
    node = {"Name": "1", "RegionID": REGION, "HostName": running.host,
            "IPv4": running.host, "IPv6": "none", "CertName": "sha256-raw:" +
            pin, "DERPPort": running.port, "STUNPort": running.stun_port}
    return {"Regions": {str(REGION): {
        "RegionID": REGION, "RegionCode": CODE, "RegionName": "Bench",
        "Nodes": [node]}}}


class Tailnet:
    """Control server and two nodes that know each other; a context manager."""

    def __init__(self, peers, running, home, places):
        self.peers, self.running, self.home = peers, running, home
        self.places = places

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            # a short path: it has to hold the name of a socket
            folder = tempfile.mkdtemp(prefix="dk-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            path = os.path.join(folder, "map.json")
            with open(path, "w", encoding="ascii") as f:
                json.dump(derp_map(self.running, self.home), f)
            control = stack.enter_context(Child(
                [os.path.join(self.peers, "control"), self.running.host + ":0",
                 path, AUTH_KEY], stdout=subprocess.PIPE))
            url = control.line()
            self.a, self.b = (
                Node(stack, self.peers, place, name, folder)
                for place, name in zip(self.places, ("node-a", "node-b")))
            self.a.join(url)
            self.b.join(url)
            self.a.knows(self.b)
            self.b.knows(self.a)
            self.to = self.b.address()
            wait_for("a ping", JOIN_S,
                     lambda: self.a.ping_ms(self.to) is not None)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @contextlib.contextmanager
    def stream(self):
        """One TCP stream from the first to the second node, as fast as it
        goes. Yields a function: bytes that have arrived, and when."""
        python = [sys.executable, "-c"]
        with Child(self.places[1].command(*python, SINK, str(SINK_PORT)),
                   stdout=subprocess.PIPE) as sink:
            sink.line()
            with Child(self.places[0].command(
                    *python, SOURCE, str(SOCKS_PORT), self.to,
                    str(SINK_PORT))) as source:

                def arrived():
                    if source.proc.poll() is not None:
                        raise Failure("the stream has ended")
                    got, at = sink.ask().split()
                    return int(got), float(at)

                yield arrived

    def pings(self, seconds, every_s):
        """Round trips in ms, and how many were lost."""
        times, lost = [], 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begin = time.monotonic()
            try:
                found = self.a.ping_ms(self.to)
            except OSError:
                found = None
            if found is None:
                lost += 1
            else:
                times.append(found)
            time.sleep(max(0, begin + every_s - time.monotonic()))
        return sorted(times), lost
