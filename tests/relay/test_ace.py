#!/usr/bin/env python3
"""CONNECT tunnels (-ace), to stubs of Tailscale's hosts.

The file runs itself again in namespaces of its own, where the names lead to
addresses that look public: the hosts are in another network namespace, at the
other end of a virtual cable. All of it ends with its processes.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from relaytest import HOST, IS_GO, PATIENCE, Response, Scenario, dial, ours_only
from relaytest import read_all, read_exactly, request, wait_until

INSIDE = "DERPKIT_ACE_INSIDE"
CLONE_NEWNET = 0x40000000
NEAR, FAR, SILENT, PRIVATE = "192.200.0.1", "192.200.0.101", "192.200.0.102", "10.9.9.9"
HOSTS = f"""127.0.0.1 localhost loop.tailscale.com
{FAR} one.tailscale.com
{SILENT} silent.tailscale.com
{NEAR} own.tailscale.com
{PRIVATE} private.tailscale.com
"""
# no answer comes from there either, and is waited for
RESOLV = f"nameserver {SILENT}\noptions timeout:1 attempts:2\n"
# as in derper/http
PER_ADDRESS, DIALS = 16, 64


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def enter():
    """Goes on in the namespaces; why not, if that is not possible."""
    folder = tempfile.mkdtemp(prefix="derpkit-ace-")
    files = {"hosts": HOSTS, "resolv.conf": RESOLV}
    mounts = []
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
        if os.path.exists(f"/etc/{name}"):
            mounts.append(f"mount --bind {folder}/{name} /etc/{name}")
    # what is mounted stays when its name goes
    tail = f"; s=$?; rm -r {folder}; [ $s = 0 ]"
    setting = " && ".join(["ip link set lo up", *mounts])
    command = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-c"]
    trial = f"{setting} && ip link add near type veth peer name far && unshare -n true"
    try:
        run(*command, trial)
    except (FileNotFoundError, subprocess.CalledProcessError) as e:
        shutil.rmtree(folder)
        return getattr(e, "stderr", b"").decode().strip() or str(e)
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[INSIDE] = "1"
    script = f'{setting}{tail} && exec "$@"'
    os.execvp(command[0], [*command, script, "sh", sys.executable, "-B", *sys.argv])


WHY_NOT = ""


def setUpModule():
    global WHY_NOT
    if not IS_GO and not os.environ.get(INSIDE):
        WHY_NOT = enter()


class Echo:
    """A host of Tailscale's: sends back what comes while it may read; "end" ends
    it, "much" is answered with much, and then it ends, too."""

    MUCH = 4 << 20

    def __init__(self, sock):
        self.sock = sock
        self.accepted = 0
        self.reads = threading.Event()
        self.reads.set()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn, contextlib.suppress(ConnectionError):
            while True:
                self.reads.wait(PATIENCE)
                data = conn.recv(65536)
                if not data or data == b"end":
                    return
                if data == b"much":
                    conn.sendall(bytes(range(256)) * (self.MUCH // 256))
                    return
                conn.sendall(data)
                if b"/hello" in data:
                    return

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@ours_only
class Inside(Scenario):
    flags = ("-loops=1",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if WHY_NOT:
            raise unittest.SkipTest(f"no namespaces: {WHY_NOT}")

    def setUp(self):
        super().setUp()
        self.plug()
        self.echo = Echo(self.in_far(lambda: socket.create_server(("", 443))))
        self.addCleanup(self.echo.close)
        self.relay = self.derper("-ace", *self.flags, tls=True)

    def plug(self):
        """The namespace of the hosts, behind a cable."""
        holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo && exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.stdin.close)
        holder.stdout.readline()
        pid = str(holder.pid)
        self.far_net = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self.addCleanup(os.close, self.far_net)
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", pid)
        self.addCleanup(run, "ip", "link", "del", "near")
        run("ip", "addr", "add", NEAR + "/24", "dev", "near")
        run("ip", "link", "set", "near", "up")
        for words in (f"addr add {FAR}/24 dev far", f"addr add {PRIVATE}/32 dev far", "link set far up"):
            run("nsenter", "-t", pid, "-n", "ip", *words.split())
        run("ip", "route", "add", PRIVATE, "dev", "near")
        # what is sent there arrives, at nobody
        run("ip", "neigh", "add", SILENT, "lladdr", "02:00:00:00:00:01", "dev", "near")

    def in_far(self, make):
        """What `make` returns, called among the hosts."""
        made = []

        def there():
            if ctypes.CDLL(None).setns(self.far_net, CLONE_NEWNET) == 0:
                made.append(make())
        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        return made[0]

    def connect(self, target):
        sock = dial(self.relay)
        self.addCleanup(sock.close)
        sock.settimeout(PATIENCE)
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return sock

    def open(self):
        sock = self.connect("one.tailscale.com:443")
        self.assertEqual(read_exactly(sock, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        return sock

    def metric(self, name):
        text = request(self.relay, "/metrics").body.decode()
        return int(text.split(f"\n{name} ")[1].split()[0])

    def tunnels(self):
        return self.metric("derpkit_tunnels")


class Tunnels(Inside):
    def test_bytes_go_both_ways(self):
        sock = self.open()
        # by turns: Python's TLS sockets may not be used by two threads at once
        for _ in range(16):
            data = os.urandom(1 << 16)
            sock.sendall(data)
            self.assertEqual(read_exactly(sock, len(data)), data)
        self.assertEqual(self.tunnels(), 1)
        self.assertEqual(self.metric("derpkit_tunnel_bytes_total"), 2 * 16 << 16)
        # the host ends it
        sock.sendall(b"end")
        self.assertEqual(read_all(sock), b"")
        wait_until(lambda: self.tunnels() == 0, "the tunnel to end")

    def test_the_client_ends_it(self):
        self.open().close()
        wait_until(lambda: self.tunnels() == 0, "the tunnel to end")

    def test_the_end_of_an_answer_arrives(self):
        sock = self.open()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        sock.sendall(b"much")
        got = read_all(sock)
        self.assertEqual(len(got), Echo.MUCH)
        self.assertEqual(got, bytes(range(256)) * (Echo.MUCH // 256))

    def test_who_does_not_read_holds_up_who_sends(self):
        """And nothing is lost. A relay that took all of it would be sent more
        than the buffers of five sockets hold."""
        self.echo.reads.clear()
        sock = self.open()
        sock.settimeout(0.2)
        chunk, sent, idle, carried = bytes(65536), 0, 0, -1
        while idle < 5 and sent < 64 << 20:
            try:
                sent += sock.send(chunk)
                idle = 0
            except TimeoutError:
                now = self.metric("derpkit_tunnel_bytes_total")
                idle, carried = (idle + 1 if now == carried else 0), now
        self.assertLess(sent, 64 << 20)
        self.echo.reads.set()
        # the record whose sending was cut short has to be sent whole
        got, ended = 0, False
        while got < sent or not ended:
            with contextlib.suppress(TimeoutError):
                if not ended:
                    sent += sock.send(chunk)
                    ended = True
            with contextlib.suppress(TimeoutError):
                got += len(sock.recv(1 << 20))
        self.assertEqual(got, sent)
        self.assertEqual(self.tunnels(), 1)

    def test_what_cannot_be_reached_is_told(self):
        for target in ("one.tailscale.com:80", "nobody.tailscale.com:443"):
            response = Response(self.connect(target))
            self.assertEqual((response.status, response.body), (502, b"Connect failure\n"))
        wait_until(lambda: self.tunnels() == 0, "the tunnels to end")
        self.assertEqual(self.metric('derpkit_tunnels_total{result="failed"}'), 2)

    def test_others_are_refused(self):
        for target in ("example.com:443", "derp1.tailscale.com:443", "DERP1.tailscale.com:443", "one.tailscale.com:22"):
            response = Response(self.connect(target))
            self.assertEqual((response.status, response.body), (403, b"Invalid CONNECT target\n"))

    def test_names_that_lead_inside_are_refused(self):
        """To the relay, to its machine, and into its network."""
        here = Echo(socket.create_server(("", 443)))
        self.addCleanup(here.close)
        for host in ("loop", "own", "private"):
            response = Response(self.connect(f"{host}.tailscale.com:443"))
            self.assertEqual((response.status, response.body), (502, b"Connect failure\n"), host)
        self.assertEqual(self.metric('derpkit_tunnels_total{result="forbidden"}'), 3)
        self.assertEqual((here.accepted, self.echo.accepted), (0, 0))
        self.relay.wait_log("not of the public Internet")

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_uses_it(self):
        """Which sees its own request as the host's answer."""
        done = subprocess.run(
            ["curl", "-s", "--proxy-insecure", "-p", "--http0.9", "--max-time", str(PATIENCE)]
            + ["--proxy", f"https://{HOST}:{self.relay.port}", "-H", "Connection: close"]
            + ["http://one.tailscale.com:443/hello"],
            capture_output=True,
            timeout=2 * PATIENCE,
        )
        self.assertIn(b"GET /hello HTTP/1.1", done.stdout)


class Hostile(Inside):
    """Whoever asks for tunnels and does not want them."""

    def threads(self):
        return len(os.listdir(f"/proc/{self.relay.proc.pid}/task"))

    def test_nobody_has_all_tunnels(self):
        socks = [self.connect("silent.tailscale.com:443") for _ in range(PER_ADDRESS)]
        wait_until(lambda: self.tunnels() == PER_ADDRESS, "all tunnels")
        response = Response(self.connect("one.tailscale.com:443"))
        self.assertEqual((response.status, response.body), (503, b"Too many tunnels\n"))
        for sock in socks:
            sock.close()
        wait_until(lambda: self.tunnels() == 0, "the tunnels to end")
        self.open()

    def test_asking_and_hanging_up(self):
        """Hosts that do not answer, and names that nobody knows: threads are as
        many as there may be, and clients notice nothing."""
        p = self.peer()
        p.login(self.relay, "client")
        before = self.threads()
        most = 0
        for i in range(4 * DIALS):
            host = "silent" if i % 2 == 0 else f"nobody{i}"
            sock = self.connect(f"{host}.tailscale.com:443")
            # a reset, once it is asked for
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            if i % 16 == 0:
                most = max(most, self.threads())
                p.ping("client")
        most = max(most, self.threads())
        print(f"threads: {before} before, at most {most}")
        # one for each that connects, and one of the resolver's
        self.assertLessEqual(most, before + 2 * DIALS)
        p.ping("client")
        p.absent("closed client.*")
        wait_until(lambda: self.tunnels() == 0, "the tunnels to end")
        wait_until(lambda: self.threads() <= before, "the threads to end")
        self.open()

    def test_resets_with_answers_on_their_way(self):
        for _ in range(40):
            sock = self.connect("one.tailscale.com:443")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        wait_until(lambda: self.tunnels() == 0, "the tunnels to end")
        self.open()


@ours_only
class Without(Scenario):
    def test_without_the_flag_it_is_refused(self):
        sock = dial(self.derper(tls=True))
        with sock:
            sock.sendall(b"CONNECT one.tailscale.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            response = Response(sock)
        self.assertEqual((response.status, response.body), (403, b"CONNECT not enabled\n"))


if __name__ == "__main__":
    unittest.main()
