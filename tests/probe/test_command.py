#!/usr/bin/env python3
"""`derpmap probe` as a command: keys, regions, limits, proxies, outputs."""

import contextlib
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import faults
from probetest import (DERPMAP, Authority, ProbeCase, metrics_are_sound,
                       validator)
from relaytest import Lines, wait_until

# Time enough for one node that is well, on a busy machine, and too little for
# a hundred that are silent.
DEAD_S = 8
KEY = "a8" + "11" * 30 + "51"  # a private key, clamped


def public_key():
    """The node key of KEY, by X25519 of OpenSSL."""
    der = bytes.fromhex("302e020100300506032b656e04220420" + KEY)
    done = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout",
                           "-outform", "DER"], input=der, check=True,
                          capture_output=True, timeout=60)
    return "nodekey:" + done.stdout[-32:].hex()


class ConnectProxy(faults.Front):
    """An HTTP proxy: CONNECT to where `allowed` says, else 403."""

    def __init__(self, allowed):
        self.allowed, self.asked = allowed, []
        super().__init__("127.0.0.1", 0, self.connect)

    def connect(self, sock, _):
        head = faults.read_head(sock).decode()
        self.asked.append(head)
        target = self.allowed.get(head.split(" ")[1])
        if target is None:
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(target) as back:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            faults.pipe(sock, back)


class Command(ProbeCase):
    def node(self, relay, **more):
        cert = pathlib.Path(relay.cert())
        return {"HostName": relay.address, "IPv4": relay.address,
                "IPv6": "none", "DERPPort": relay.port, "STUNPort": -1,
                "CertName": "sha256-raw:" + Authority.pin(self, cert), **more}

    def key_file(self, text):
        file = self.folder / "key"
        file.write_text(text, "utf-8")
        return str(file)

    # --- keys

    def test_a_key_file_probes_as_that_node(self):
        nodes = self.folder / "nodes"
        nodes.write_text(public_key() + "\n", "utf-8")
        relay = self.relay(tls=True, flags=["-verify-nodes", str(nodes)])
        file = self.map_file([[self.node(relay)]])
        self.assertEqual(self.visit(self.report(file))["admission"], "members")
        for text in (f"privkey:{KEY}\n",
                     json.dumps({"PrivateNodeKey": "privkey:" + KEY})):
            said = self.report("--key-file", self.key_file(text), file)
            visit = self.visit(said)
            self.assertEqual(visit["admission"], "admitted")
            for step in ("login", "relay", "fast_start", "key_stable"):
                self.assertEqual(visit["steps"][step]["state"], "good", step)
        nodes.write_text("nodekey:" + "9" * 64 + "\n", "utf-8")
        wait_until(lambda: self.visit(self.report(
            "--key-file", self.key_file(f"privkey:{KEY}"), file))["admission"]
            == "rejected", "the list to be read again")
        said = self.report("--key-file", str(self.folder / "key"), file)
        self.assertEqual(self.ids(said), ["not-admitted"])

    def test_a_real_key_is_not_shown_to_an_impostor(self):
        relay = self.relay()
        ca = Authority(self.folder)
        seen = []

        def spy(sock, count):
            seen.append(count)
            faults.to_relay(relay)(sock, count)
        front = faults.Front("127.0.0.1", 0, spy,
                             cert=ca.self_signed("IP:127.0.0.1"))
        self.addCleanup(front.stop)
        said = self.report(
            "--url", f"https://127.0.0.1:{front.port}", "-4",
            "--key-file", self.key_file(f"privkey:{KEY}"))
        self.assertIn("login-unsafe", self.ids(said))
        self.assertEqual(self.visit(said)["admission"], "unknown")
        self.assertEqual(self.visit(said)["steps"]["login"]["state"], "skipped")
        self.assertNotIn(public_key()[8:16], relay.log_text())

    # --- regions

    def test_nodes_of_a_region_that_do_not_forward_are_found(self):
        a, b, c = (self.relay(tls=True) for _ in range(3))
        file = self.map_file([[self.node(a), self.node(b)], [self.node(c)]])
        said = self.report(file)
        self.assertEqual({(p["from"], p["to"], p["state"]) for p in said["pairs"]},
                         {("900a", "900b", "bad"), ("900b", "900a", "bad")})
        self.assertEqual(self.ids(said), ["mesh-missing"])
        found = self.finding(said, "mesh-missing")
        self.assertEqual((found["node"], found["to_node"]), ("900a", "900b"))
        text = self.probe(file).stdout
        self.assertIn("900a -> 900b: FAILS", text)

    def test_two_nodes_that_are_one_relay(self):
        """No mesh, although packets pass between them."""
        a = self.relay(tls=True)
        said = self.report(self.map_file([[self.node(a), self.node(a)]]))
        self.assertEqual(said["pairs"], [])
        self.assertEqual(self.ids(said), ["same-relay"])

    def test_regions_and_nodes_are_chosen(self):
        a, b = self.relay(tls=True), self.relay(tls=True)
        file = self.map_file([[self.node(a)], [self.node(b)]])
        for args, nodes in ((["--region", "901"], {"901a"}),
                            (["--region", "r900"], {"900a"}),
                            (["--node", "901a"], {"901a"}),
                            ([], {"900a", "901a"})):
            said = self.report("-4", *args, file)
            self.assertEqual({v["node"] for v in said["nodes"]}, nodes)
        for args in (["--region", "902"], ["--node", "x"]):
            done = self.probe(*args, file)
            self.assertEqual(done.returncode, 2)
            self.assertIn("the map has no", done.stderr)

    # --- limits

    def test_a_hundred_dead_nodes_end_in_time(self):
        relay = self.relay(tls=True)
        front = faults.Front("127.0.0.1", 0, faults.silent)
        self.addCleanup(front.stop)
        dead = {"HostName": "127.0.0.1", "IPv4": "127.0.0.1", "IPv6": "none",
                "DERPPort": front.port, "STUNPort": -1}
        file = self.map_file([[self.node(relay)], *([[dead]] * 99)])
        start = time.monotonic()
        said = self.report("--timeout", f"{DEAD_S}s", "--concurrency", "8", file)
        self.assertLess(time.monotonic() - start, DEAD_S + 15)
        self.assertEqual(self.ids(said), ["short-of-time"])
        found = self.finding(said, "short-of-time")
        self.assertEqual(found["got"],
                         "99 of 100 nodes and 0 of 0 pairs were not "
                         "probed, or only in part")
        self.assertEqual(self.visit(said, "900a")["admission"], "anyone")
        # one at a time reaches the first only
        said = self.report("--timeout", f"{DEAD_S}s", "--concurrency", "1", "-4", file)
        self.assertTrue(self.visit(said, "999a")["cut_short"])
        self.assertFalse(self.visit(said, "900a")["cut_short"])

    # --- URLs, families, proxies

    def test_a_url_needs_no_map(self):
        relay = self.relay(tls=True)
        url = f"https://127.0.0.1:{relay.port}"
        pin = "sha256-raw:" + Authority.pin(self, relay.cert())
        said = self.report("-4", "--url", url)
        self.assertEqual(self.ids(said), ["cert-self-signed", "stun-silent"])
        self.assertIn(pin, self.finding(said, "cert-self-signed")["hint"])
        plain = f"127.0.0.1:{self.relay().port}"
        said = self.report("-4", "--url", url, "--cert-name", pin, "--url",
                           "http://" + plain)
        self.assertEqual(self.ids(said), ["stun-silent"])
        self.assertEqual(self.visit(said, plain)["admission"], "anyone")
        said = self.report("-4", "--url", "http://" + plain, "--stun-port", "-1")
        self.assertEqual(self.ids(said), [])

    def test_a_url_with_another_stun_port(self):
        relay = self.relay(stun=True)
        url = f"http://127.0.0.1:{relay.port}"
        said = self.report("-4", "--url", url, "--stun-port", str(relay.stun_port))
        self.assertEqual(self.ids(said), [])
        self.assertTrue(said["netcheck"]["udp"])

    def test_ipv6(self):
        try:
            relay = self.relay(address="::1", tls=True, stun=True)
        except (AssertionError, OSError):
            self.skipTest("no IPv6 on the loopback")
        node = self.node(relay, IPv4="none", IPv6="::1",
                         STUNPort=relay.stun_port)
        said = self.report(self.map_file([[node]]))
        self.assertEqual(self.ids(said), [])
        visit = self.visit(said, family="ipv6")
        self.assertEqual((visit["address"], visit["admission"]), ("::1", "anyone"))
        self.assertTrue(visit["mapped_address"].startswith("[::1]:"))
        self.assertTrue(self.visit(said, family="ipv4")["off"])
        said = self.report("--url", f"https://[::1]:{relay.port}", "-6")
        self.assertEqual(self.visit(said, family="ipv6")["admission"], "anyone")

    def test_through_a_proxy(self):
        relay = self.relay(tls=True)
        # a name that only the proxy knows: it resolves it, not we
        target = "only-the-proxy-knows.invalid"
        proxy = ConnectProxy({f"{target}:{relay.port}": ("127.0.0.1", relay.port)})
        self.addCleanup(proxy.stop)
        node = self.node(relay, HostName=target, InsecureForTests=True)
        file = self.map_file([[node]])
        url = f"http://user:secret@127.0.0.1:{proxy.port}"
        said = self.report("--proxy", url, file)
        self.assertEqual(self.ids(said), [])
        visit = self.visit(said, family="proxy")
        self.assertEqual(visit["admission"], "anyone")
        self.assertIn("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=",
                      proxy.asked[0])
        node["DERPPort"] = 1
        said = self.report("--proxy", url, self.map_file([[node]]))
        self.assertEqual(self.ids(said), ["proxy-refused"])
        self.assertIn("403 Forbidden", self.finding(said, "proxy-refused")["got"])
        done = self.probe("--proxy", "socks5://127.0.0.1", file)
        self.assertEqual(done.returncode, 2)

    # --- outputs

    def test_the_text_tells_all(self):
        relay = self.relay(tls=True, stun=True)
        good = self.node(relay, STUNPort=relay.stun_port)
        closed = faults.closed_port("127.0.0.1")
        self.addCleanup(closed.close)
        bad = {"HostName": "127.0.0.1", "IPv4": "127.0.0.1", "IPv6": "none",
               "DERPPort": closed.getsockname()[1], "STUNPort": -1}
        done = self.probe(self.map_file([[good], [bad]]))
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        for pattern in (r"^  \* UDP: true$", r"^  \* Nearest DERP: Region 900$",
                        r"^      - r900: [0-9.]+ms \(Region 900\)$",
                        r"^      - r901: none \(Region 901\)$",
                        r"^900 +900a +ipv4 +127\.0\.0\.1:\d+ .* anyone ",
                        r"^901 +901a +ipv4 .* FAILS ",
                        r"^error: 901a ipv4 \(region 901\): the relay's port is "
                        r"closed \[tcp-refused\]$",
                        r"^  tried: connecting to 127\.0\.0\.1:\d+$",
                        r"^  got:   connect: Connection refused$",
                        r"^  means: ", r"^  do:    ",
                        r"^1 error, 0 warnings\. 2 nodes, "):
            self.assertRegex(done.stdout, re.compile(pattern, re.M))
        self.assertNotIn("\033", done.stdout)
        colours = self.probe("--color", "always", self.map_file([[good]]))
        self.assertIn("\033[32m", colours.stdout)
        self.assertEqual(colours.returncode, 0)
        self.assertIn("Everything that was tried works", colours.stdout)

    def test_foreign_text_cannot_reach_the_terminal(self):
        front = faults.Front("127.0.0.1", 0, faults.says(
            "404 \x1b[31mred\x9b", "Server: \x1b]0;x\x07\r\n", b"\x1b[2J body"))
        self.addCleanup(front.stop)
        url = f"http://127.0.0.1:{front.port}"
        done = self.probe("-4", "-v", "--url", url)
        self.assertFalse(re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout),
                         done.stdout)
        self.report("-4", "--url", url)

    def test_watching_goes_on_and_metrics_are_whole(self):
        relay = self.relay(tls=True)
        file = self.map_file([[self.node(relay)]])
        metrics = self.folder / "derpmap.prom"
        proc = subprocess.Popen(
            [DERPMAP, "probe", "--watch", "1", "--format", "json",
             "--metrics-file", str(metrics), file], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        said = Lines(proc.stderr)
        lines, torn = [], []
        reader = threading.Thread(
            target=lambda: lines.extend(proc.stdout), daemon=True)
        reader.start()

        def look():
            if metrics.exists():
                text = metrics.read_text("utf-8")
                if not metrics_are_sound(text):
                    torn.append(text)
            return len(lines) >= 3
        try:
            wait_until(look, "three probes")
            text = metrics.read_text("utf-8")
            self.assertIn('derpmap_probe_up{region="900",node="900a",'
                          'family="ipv4"} 1', text)
            relay.proc.send_signal(signal.SIGKILL)
            down = 'derpmap_probe_up{region="900",node="900a",family="ipv4"} 0'
            wait_until(lambda: look() and down in metrics.read_text("utf-8"),
                       "the relay to be missed")
            # a map that cannot be read is told, and does not end it
            pathlib.Path(file).write_text("{", "utf-8")
            said.wait("not a map")
            self.assertIsNone(proc.poll())
        finally:
            proc.terminate()
            proc.wait(60)
            reader.join(60)
            proc.stdout.close()
            said.thread.join(60)
        self.assertEqual(torn, [])
        for line in lines:
            validator().validate(json.loads(line))

    def test_progress_is_for_terminals(self):
        relay = self.relay(tls=True)
        file = self.map_file([[self.node(relay)]])
        for args, shown in (([], True), (["--no-progress"], False)):
            ours, theirs = pty.openpty()
            proc = subprocess.Popen([DERPMAP, "probe", *args, file],
                                    stdout=subprocess.DEVNULL, stderr=theirs)
            os.close(theirs)
            said = b""
            with contextlib.suppress(OSError):  # the other side has ended
                while part := os.read(ours, 65536):
                    said += part
            self.assertEqual(proc.wait(60), 0)
            os.close(ours)
            self.assertEqual(b"probing: 2 of 2" in said, shown, said)
            if shown:
                self.assertTrue(said.endswith(b"\r\x1b[K"), said)

    # --- wrong usage

    def test_unusable_input(self):
        text = self.folder / "x"
        text.write_text("<html></html>", "utf-8")
        empty = self.folder / "empty.json"
        empty.write_text('{"Regions": {}}', "utf-8")
        for args, message in (
                ([], "give a map"), (["missing.yaml"], "missing.yaml"),
                ([str(text)], "not a map"), ([str(empty)], "no node"),
                (["--url", "ftp://x"], "not a https"),
                (["--url", "https://x:0"], "not like"),
                (["--url", "https://x:70000"], "not like"),
                (["--url", "https://"], "not like"),
                (["--url", "https://u@x/"], "not like"),
                (["--url", "https://x/path"], "not like"),
                (["--url", "https://x", "--concurrency", "0"], "--concurrency"),
                (["--url", "https://x", "--connects", "0"], "--connects"),
                (["--url", "https://x", "--http-port", "0"], "--http-port"),
                (["--url", "https://x", "--timeout", "0"], "--timeout"),
                (["--url", "https://x", "-4", "-6"], "-4 and -6"),
                (["--url", "https://x", "--metrics-file", ""],
                 "--metrics-file"),
                (["--cert-name", "x", str(empty)], "--cert-name"),
                (["--stun-port", "3479", str(empty)], "goes with --url"),
                (["--url", "https://x", "--stun-port", "0"], "--stun-port is"),
                (["--key-file", str(text), "--url", "https://x"], "private key"),
                (["--key-file", self.key_file(f"privkey:{KEY} privkey:{KEY}"),
                  "--url", "https://x"], "not one private key"),
                (["--ca-file", str(text), "--url", "https://x"], "PEM")):
            done = self.probe(*args)
            self.assertEqual(done.returncode, 2, (args, done))
            self.assertIn(message, done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
