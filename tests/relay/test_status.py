#!/usr/bin/env python3
"""The status page, its JSON, and what is asked on the control socket."""
import html
import json
import os
import re
import socket
import stat
import subprocess
import threading
import unittest

import jsonschema

from relaytest import DERPER, HOST, PATIENCE, IS_GO, Response, Scenario, clean_env, make_cert, read_all, request, wait_until

SCHEMA = os.path.join(os.path.dirname(__file__), "..", "..", "schemas", "derper-status.schema.json")
with open(SCHEMA, encoding="utf-8") as f:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(f))


def name_list(keys):
    return "".join(f"nodekey:{key} {name}\n" for key, name in keys)


class Base(Scenario):
    def setUp(self):
        super().setUp()
        if IS_GO:
            self.skipTest("the Go derper has no status")

    def status(self, relay, query=""):
        r = request(relay, "/debug/status.json" + query)
        self.assertEqual((r.status, r.headers["content-type"]), (200, "application/json; charset=utf-8"))
        told = json.loads(r.body)
        VALIDATOR.validate(told)
        return told


class Pages(Base):
    def test_who_may_see_it(self):
        relay = self.derper()
        for path in ("/debug/status", "/debug/status.json"):
            self.assertEqual(request(relay, path).status, 200)
            self.assertEqual(request(relay, path, headers={"X-Forwarded-For": "1"}).status, 403)

    def test_clients_are_told(self):
        p = self.peer()
        key = {name: p.key(name) for name in ("a", "b")}
        nodes = self.write("nodes", name_list([(key["a"], "node-a"), (key["b"], "node-b")]))
        make_cert(self.folder, HOST, f"IP:{HOST}")
        relay = self.derper(f"-verify-nodes={nodes}", "-loops=2", tls=True)
        p.login(relay, "a", "b")
        p.do("frame a 7 01", "send a b 010203")
        p.expect("recv b a 3 .*")
        p.ping("a", "b")
        told = self.status(relay)
        self.assertEqual(told["hostname"], HOST)
        self.assertEqual(told["workers"], 2)
        self.assertEqual(told["listeners"], [{"what": "DERP over TLS", "address": f"{HOST}:{relay.port}"}])
        self.assertIsNotNone(told["certificate_expires"])
        self.assertEqual(told["connections"]["clients"], 2)
        self.assertEqual(told["connections"]["home"], 1)
        self.assertEqual(told["totals"]["packets_received"], 1)
        self.assertGreaterEqual(told["totals"]["tls_handshakes"], 3)
        self.assertFalse(told["admission"]["admits_everybody"])
        source = told["admission"]["sources"][0]
        self.assertEqual((source["nodes"], source["fault"]), (2, None))
        self.assertIn("nodes", source["source"])
        clients = {c["name"]: c for c in told["clients"]}
        self.assertEqual(set(clients), {"node-a", "node-b"})
        a = clients["node-a"]
        self.assertEqual(a["key"], "nodekey:" + key["a"])
        self.assertTrue(a["home"] and a["tls"])
        self.assertFalse(clients["node-b"]["home"])
        self.assertTrue(a["address"].startswith(HOST + ":"))
        self.assertGreater(a["bytes_received"], 0)
        self.assertEqual([c["key"] for c in told["clients"]], sorted(c["key"] for c in told["clients"]))
        self.assertEqual(len(told["top_talkers"]), 2)
        p.do("end a")
        p.expect("closed a .*")
        # a snapshot is used for a second and more
        wait_until(lambda: len(self.status(relay)["clients"]) == 1, "the client to be gone")

    def test_the_page_is_safe_and_whole(self):
        p = self.peer()
        key = p.key("a")
        turned = p.key("b")
        nodes = self.write("nodes", name_list([(key, "<script>&\"x'"), (turned, "\u202eevil")]))
        relay = self.derper(f"-verify-nodes={nodes}")
        p.login(relay, "a", "b")
        p.ping("a", "b")
        r = request(relay, "/debug/status")
        page = r.body.decode()
        self.assertEqual(r.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", r.headers["content-security-policy"])
        self.assertNotIn("<script", page)
        self.assertIn(html.escape("<script>&\"x'", quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"), page)
        self.assertNotIn("\u202e", page)
        self.assertIn("<td>\\u202eevil</td>", page)
        self.assertIn('<meta http-equiv="refresh" content="10">', page)
        self.assertEqual(page.count("<svg"), 6)
        self.assertTrue(page.endswith("</body></html>\n"))
        self.assertNotIn("http-equiv", request(relay, "/debug/status?refresh=0").body.decode())
        self.assertEqual(request(relay, "/debug/status?order=x").status, 400)

    def test_many_are_told_in_pages(self):
        p = self.peer()
        relay = self.derper("-loops=2")
        names = [f"c{i}" for i in range(25)]
        p.login(relay, *names)
        p.ping(*names)
        seen = []
        for offset in (0, 10, 20, 30):
            told = self.status(relay, f"?offset={offset}&limit=10")
            self.assertEqual(told["clients_total"], 25)
            seen += [c["key"] for c in told["clients"]]
        self.assertEqual(len(seen), 25)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual(len(self.status(relay, "?order=traffic&limit=3")["clients"]), 3)
        page = request(relay, "/debug/status?order=key&offset=5").body.decode()
        self.assertEqual(len(re.findall(r"<code>\[", page)), 20)

    def links(self, relay, query):
        page = request(relay, "/debug/status?" + query).body.decode()
        return [html.unescape(x) for x in re.findall(r'<a href="(\?[^"]*)"', page)]

    def test_links_lead_on_in_the_same_way(self):
        p = self.peer()
        relay = self.derper()
        names = [f"c{i}" for i in range(7)]
        p.login(relay, *names)
        p.ping(*names)
        self.assertEqual(self.links(relay, "order=key&limit=3&offset=3&refresh=5&debugkey=a%26"), [
            "?order=key&offset=0&limit=3&refresh=5&debugkey=a%26",
            "?order=key&offset=6&limit=3&refresh=5&debugkey=a%26"])
        self.assertEqual(self.links(relay, "limit=3"), ["?order=traffic&offset=3&limit=3&refresh=10"])
        # from beyond the end it is one step back to the last ones
        self.assertEqual(self.links(relay, "limit=3&offset=1000"), ["?order=traffic&offset=4&limit=3&refresh=10"])

    def test_who_does_not_wait_for_it(self):
        relay = self.derper("-loops=2")
        for _ in range(20):
            with socket.create_connection((HOST, relay.port), PATIENCE) as sock:
                sock.sendall(b"GET /debug/status HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(request(relay, "/debug/status").status, 200)
        # and an end with some on their way
        socks = [socket.create_connection((HOST, relay.port), PATIENCE) for _ in range(5)]
        for sock in socks:
            sock.sendall(b"GET /debug/status HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(relay.stop(), 0)
        relay.exit_expected = True
        for sock in socks:
            sock.close()


class Traffic(Base):
    """/debug/traffic: rounds of those whose totals grew, until the client has enough."""

    def watch(self, relay):
        """The head, and lines after it."""
        sock = socket.create_connection((HOST, relay.port), PATIENCE)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /debug/traffic HTTP/1.0\r\n\r\n")
        lines = self.enterContext(sock.makefile("r", encoding="utf-8", newline="\n"))
        head = []
        while not head or head[-1] != "\r\n":
            head.append(lines.readline())
        return head, lines

    def round(self, lines):
        found = {}
        for line in iter(lines.readline, "\n"):
            told = json.loads(line)
            self.assertEqual(list(told)[:3], ["Sent", "Recv", "Key"])
            self.assertLessEqual(set(told), {"Sent", "Recv", "Key", "UniqueSenders"})
            self.assertNotEqual(told.get("UniqueSenders"), 0)
            found[told["Key"]] = told
        return found

    def test_who_sends_and_who_gets(self):
        relay, p = self.derper("-loops=2"), self.peer()
        p.login(relay, "a", "b", "idle")
        p.ping("a", "b", "idle")
        a, b, idle = ("nodekey:" + p.key(name) for name in ("a", "b", "idle"))
        head, lines = self.watch(relay)
        self.assertEqual(head[0], "HTTP/1.1 200 OK\r\n")
        self.assertIn("Content-Type: text/plain; charset=utf-8\r\n", head)
        first = self.round(lines)
        self.assertEqual(set(first), {a, b, idle})
        p.do("send a b 010203")
        p.expect("recv b .*")
        seen = {}
        while not {a, b} <= set(seen):
            seen.update(self.round(lines))
        self.assertEqual(set(seen), {a, b})
        self.assertGreater(seen[a]["Recv"], first[a]["Recv"])
        self.assertGreater(seen[b]["Sent"], first[b]["Sent"])
        # as upstream: who has sent to it, each once
        self.assertNotIn("UniqueSenders", seen[a])
        p.do("send idle b 040506", "send a b 070809")
        p.expect("recv b .*")
        p.expect("recv b .*")
        while seen[b]["UniqueSenders"] != 2:
            p.do("send a b 0a")
            p.expect("recv b .*")
            seen.update(self.round(lines))
        p.do("close idle")
        p.expect("gone b .*")
        while seen[b]["UniqueSenders"] != 1:
            p.do("send a b 0b")
            p.expect("recv b .*")
            seen.update(self.round(lines))

    def test_the_head_alone_takes_no_place(self):
        relay = self.derper()
        sock = socket.create_connection((HOST, relay.port), PATIENCE)
        self.addCleanup(sock.close)
        for _ in range(20):
            sock.sendall(f"HEAD /debug/traffic HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            self.assertEqual(Response(sock, "HEAD").status, 200)

    def test_who_may_watch_and_how_many(self):
        relay = self.derper()
        self.assertEqual(request(relay, "/debug/traffic", headers={"X-Forwarded-For": "1"}).status, 403)
        self.assertIn(b"/debug/traffic", request(relay, "/debug/").body)
        for _ in range(8):
            head, lines = self.watch(relay)
            self.assertEqual(head[0], "HTTP/1.1 200 OK\r\n")
        self.assertEqual(self.watch(relay)[0][0], "HTTP/1.1 503 Service Unavailable\r\n")
        # the relay ends with some on their way
        self.assertEqual(relay.stop(), 0)
        relay.exit_expected = True
        while lines.readline():
            pass


class Control(Base):
    def relay(self, *flags):
        self.socket = self.path("control.sock")
        return self.derper(f"-control-socket={self.socket}", *flags)

    def run_command(self, *words, env=None):
        done = subprocess.run([DERPER, *words], capture_output=True, timeout=PATIENCE, cwd=self.folder,
                              env=clean_env({"DERP_CONTROL_SOCKET": self.path("control.sock"), **(env or {})}))
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_the_socket_is_the_owners(self):
        self.relay()
        mode = os.stat(self.socket)
        self.assertTrue(stat.S_ISSOCK(mode.st_mode))
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o600)

    def test_status_in_a_pipe(self):
        relay = self.relay()
        p = self.peer()
        p.login(relay, "a", "b")
        p.ping("a", "b")
        status, out, err = self.run_command("status")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("admission    everybody may use this relay\n", out)
        self.assertIn("2 of 2 clients", out)
        self.assertNotIn("\033", out)
        self.assertIn("\033[1mderper", self.run_command("status", "--color=always")[1])
        status, out, _ = self.run_command("status", "--json", "--clients=1")
        told = json.loads(out)
        VALIDATOR.validate(told)
        self.assertEqual((told["clients_total"], len(told["clients"])), (2, 1))

    def test_watch_ends_with_the_relay(self):
        relay = self.relay()
        proc = subprocess.Popen([DERPER, "status", "--watch", "--json", "--interval=100ms"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=clean_env({"DERP_CONTROL_SOCKET": self.socket}))
        self.addCleanup(proc.stdout.close)
        self.addCleanup(proc.stderr.close)
        for _ in range(2):
            VALIDATOR.validate(json.loads(proc.stdout.readline()))
        relay.stop()
        relay.exit_expected = True
        self.assertEqual(proc.wait(PATIENCE), 2)
        self.assertIn(b"derper: ", proc.stderr.read())

    def test_nobody_to_ask(self):
        status, out, err = self.run_command("status")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("there is no such socket", err)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("control.sock"))
        status, _, err = self.run_command("drain")
        self.assertEqual(status, 2)
        self.assertIn("nobody listens there", err)
        self.assertEqual(self.run_command("status", "x")[0], 2)
        self.assertEqual(self.run_command("status", "--clients=1001")[0], 2)
        self.assertEqual(self.run_command("close")[0], 2)
        self.assertIn("usage: derper close", self.run_command("close", "--help")[1])

    def test_close_by_whole_and_by_short_key(self):
        relay = self.relay("-loops=2")
        p = self.peer()
        p.login(relay, "a", "b")
        p.ping("a", "b")
        key = {name: p.key(name) for name in ("a", "b")}
        self.assertEqual(self.run_command("close", "nodekey:" + "11" * 32)[0], 1)
        self.assertEqual(self.run_command("close", "[aaaaa]")[0], 1)
        self.assertEqual(self.run_command("close", "nonsense")[0], 2)
        status, out, _ = self.run_command("close", "nodekey:" + key["a"])
        self.assertEqual((status, out), (0, f"nodekey:{key['a']}: closing connections: 1\n"))
        p.expect("closed a .*")
        relay.wait_log("closed by the operator")
        short = [c["key_short"] for c in self.status(relay)["clients"] if c["key"] == "nodekey:" + key["b"]]
        self.assertEqual(self.run_command("close", short[0])[0], 0)
        p.expect("closed b .*")

    def test_reload(self):
        """Of a file that nothing else reads again."""
        rates = self.write("rates", json.dumps({"PerClientRateLimitBytesPerSec": 11111}))
        relay = self.relay(f"-rate-config={rates}")
        relay.wait_log("client-rate=11111 ")
        self.write("rates", json.dumps({"PerClientRateLimitBytesPerSec": 22222}))
        mark = relay.log_mark()
        status, out, _ = self.run_command("reload")
        self.assertEqual(status, 0)
        self.assertIn("reloading", out)
        relay.wait_log("control socket: reload", mark)
        relay.wait_log("client-rate=22222 ", mark)
        self.assertNotIn("SIGHUP", relay.log.text())

    def test_drain_sends_clients_away_and_ends(self):
        relay = self.relay("-loops=2")
        p = self.peer()
        names = [f"c{i}" for i in range(6)]
        p.login(relay, *names)
        p.ping(*names)
        relay.exit_expected = True
        status, out, _ = self.run_command("drain", "--within=2s")
        self.assertEqual(status, 0)
        self.assertIn("draining", out)
        for name in names:
            p.expect(f"closed {name} .*")
        relay.wait_log("drained, shutting down")
        self.assertEqual(relay.proc.wait(PATIENCE), 0)

    def test_a_drain_ends_at_once_without_clients(self):
        relay = self.relay()
        relay.exit_expected = True
        self.assertEqual(self.run_command("drain", "--within=1h")[0], 0)
        self.assertEqual(relay.proc.wait(PATIENCE), 0)

    def test_a_drain_can_be_waited_for(self):
        relay = self.relay()
        p = self.peer()
        p.login(relay, "a")
        relay.exit_expected = True
        self.assertEqual(
            self.run_command("drain", "--within=1s", "--wait")[0], 0)
        # nobody listens any more
        self.assertEqual(self.run_command("status")[0], 2)
        self.assertEqual(relay.proc.wait(PATIENCE), 0)

    def test_a_signal_ends_a_drain(self):
        relay = self.relay()
        p = self.peer()
        p.login(relay, "a")
        self.assertEqual(self.run_command("drain", "--within=1h")[0], 0)
        relay.wait_log("draining within")
        self.assertTrue(self.json_status()["draining"])
        self.assertEqual(relay.stop(), 0)
        relay.exit_expected = True

    def json_status(self):
        return json.loads(self.run_command("status", "--json")[1])

    def test_the_socket_under_systemd(self):
        os.mkdir(self.path("run"))
        self.derper(env={"RUNTIME_DIRECTORY": self.path("run") + ":/elsewhere"}).wait_log(" serving on ")
        self.assertTrue(stat.S_ISSOCK(os.stat(self.path("run/control.sock")).st_mode))
        status, out, _ = self.run_command("status", env={"DERP_CONTROL_SOCKET": self.path("run/control.sock")})
        self.assertEqual(status, 0)

    def test_a_folder_that_is_of_no_use_stops_no_relay(self):
        relay = self.derper(env={"RUNTIME_DIRECTORY": self.path("gone")})
        relay.wait_log("no control socket")

    def test_a_relay_takes_the_place_of_one_that_is_gone(self):
        relay = self.relay()
        relay.stop(9)
        relay.exit_expected = True
        self.relay()
        self.assertEqual(self.run_command("status")[0], 0)

    def test_what_the_socket_does_not_answer(self):
        self.relay()
        for text, code in ((b"GET / HTTP/1.1", b"404"), (b"GET /close HTTP/1.1", b"405"),
                           (b"POST /close HTTP/1.1", b"400"), (b"POST /drain?within=x HTTP/1.1", b"400"),
                           (b"GET /status.json?limit=x HTTP/1.1", b"400"), (b"nonsense", b"400")):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.socket)
                s.sendall(text + b"\r\nHost: h\r\nConnection: close\r\n\r\n")
                self.assertEqual(read_all(s).split(b" ")[1], code, text)

    def test_clients_that_mean_harm(self):
        """Slow ones, endless ones and nonsense: others are answered, and packets go on."""
        relay = self.relay()
        p = self.peer()
        p.login(relay, "a", "b")
        p.ping("a", "b")
        texts = (b"", b"GET /sta", b"POST /close?key=" + b"x" * 70000, b"\0" * 70000, b"\x16\x03\x01\x02\0\x01",
                 b"GET /status.json HTTP/1.1\r\nHost: h\r\n\r\n" * 400, b"A: b\r\n" * 20000,
                 b"POST /reload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n")
        kept = []
        for i in range(5 * len(texts)):
            s = socket.socket(socket.AF_UNIX)
            self.addCleanup(s.close)
            s.setblocking(False)
            kept.append(s)
            try:
                s.connect(self.socket)
                s.send(texts[i % len(texts)])
            except OSError:
                pass  # it may have been closed already, or not be taken yet
        # they are more than the socket serves: some have to run out of their time before there is room
        wait_until(lambda: self.run_command("status")[0] == 0, "an answer")
        p.ping("a", "b")
        for s in kept:
            s.close()
        wait_until(lambda: self.run_command("status")[0] == 0, "an answer")
        self.assertEqual(json.loads(self.run_command("status", "--json")[1])["clients_total"], 2)


class Liar(Base):
    """Commands that ask something else than a relay."""

    def serve(self, answer):
        """Each connection gets that, whatever it asks."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        self.socket = self.path(f"liar{len(os.listdir(self.folder))}")
        listener.bind(self.socket)
        listener.listen(8)

        def run():
            while True:
                try:
                    s, _ = listener.accept()
                except OSError:
                    return
                with s:
                    try:
                        if s.recv(4096):
                            s.sendall(answer)
                    except OSError:
                        pass  # it has heard enough

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)

    def ask(self, *words):
        done = subprocess.run([DERPER, *words, "--control-socket", self.socket], capture_output=True, timeout=PATIENCE,
                              cwd=self.folder, env=clean_env())
        self.assertNotIn(b"\x1b", done.stdout + done.stderr, words)
        self.assertIn(done.returncode, (0, 1, 2), (words, done.stderr))
        if done.returncode:
            self.assertRegex(done.stderr, b"^derper: ", words)
        return done.returncode

    def http(self, body, status=200, length=None):
        length = len(body) if length is None else length
        return f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n".encode() + body

    def test_answers_that_are_none(self):
        for answer in (b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 X\r\nContent-Length: x\r\n\r\n",
                       self.http(b"{}", length=100), self.http(b"{", status=204), self.http(b" " * (5 << 20))):
            self.serve(answer)
            for words in (["status"], ["status", "--json"], ["close", "[aaaaa]"]):
                self.assertNotEqual(self.ask(*words), 0, (words, answer[:60]))

    def test_json_that_is_of_no_use(self):
        for body in (b"", b"{", b"[]", b"1", b'"x"', b"{} x", b"[" * 100000, b"{\"a\": \"\x1b[31m\"}", b'{"clients": [' + b"[" * 3000):
            self.serve(self.http(body))
            for words in (["status"], ["status", "--json"], ["close", "[aaaaa]"]):
                self.assertNotEqual(self.ask(*words), 0, (words, body[:60]))

    def test_control_characters_that_json_may_hold(self):
        texts = ["\x7f", "\x80", "\x9b31m", "\x9f", "\xa0\xe9\u0101\u4e9b"]
        self.serve(self.http(json.dumps({"x": texts}, ensure_ascii=False).encode()))
        out = subprocess.run([DERPER, "status", "--json", "--control-socket", self.socket], check=True, text=True,
                             capture_output=True, timeout=PATIENCE, env=clean_env(), encoding="utf-8").stdout
        self.assertNotRegex(out, "[\x7f-\x9f]")
        self.assertEqual(json.loads(out), {"x": texts})

    def test_members_of_other_kinds(self):
        """What a relay tells, with one member after another of another kind."""
        relay = self.derper("-control-socket=" + self.path("s"))
        p = self.peer()
        p.login(relay, "a")
        told = self.status(relay)
        for name in told:
            for value in (None, "\x1b[31m\n", -1, 1e300, [None, {"key": 5}], {"x": {}}):
                self.serve(self.http(json.dumps({**told, name: value}).encode()))
                self.ask("status")

        def change(value, to):
            """All that is of the kind of `to`, at any depth."""
            if isinstance(value, dict):
                return {k: change(v, to) for k, v in value.items()}
            if isinstance(value, list):
                return [change(v, to) for v in value]
            return to if isinstance(value, type(to)) and not isinstance(value, bool) else value

        told["drops"] = {"\x1b[31m": 5}
        told["listeners"] = told["clients"] = told["clients"] + told["listeners"]
        for to in ("\x1b[31m" * 100, -1, 1 << 62, {"x": 5}):
            self.serve(self.http(json.dumps(change(told, to)).encode()))
            self.ask("status")

    def test_a_refusal_in_its_words(self):
        self.serve(self.http(b"\x1b[31mno\n" * 500, status=503))
        for words in (["status"], ["reload"], ["drain"], ["close", "nodekey:" + "11" * 32]):
            self.assertNotEqual(self.ask(*words), 0, words)


if __name__ == "__main__":
    unittest.main()
