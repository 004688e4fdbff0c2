#!/usr/bin/env python3
"""derper doctor: each fault that it looks for, made for real."""

import json
import os
import resource
import socket
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

import jsonschema

from relaytest import (
    DERPER,
    HOST,
    IS_GO,
    PATIENCE,
    Scenario,
    cert_pin,
    clean_env,
    free_port,
    make_cert,
    openssl,
    wait_until,
)

HERE = os.path.dirname(os.path.abspath(__file__))
DERPMAP = os.path.join(os.path.dirname(DERPER), "derpmap")
with open(os.path.join(HERE, "../../schemas/doctor.schema.json"), encoding="utf-8") as f:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(f))

MAP = """regions:
  900:
    regionid: 900
    regioncode: home
    regionname: Home
    nodes:
      - name: 900a
        regionid: 900
        hostname: {host}
        ipv4: {host}
        derpport: {port}
        stunport: {stun}
        certname: {certname}
"""


class Base(Scenario):
    def setUp(self):
        super().setUp()
        if IS_GO:
            self.skipTest("the Go derper has no doctor")

    def doctor(self, *words, env=None, before=(), **popen):
        """What it tells, by check: a list of (level, text, advice)."""
        done = subprocess.run(
            [*before, DERPER, "doctor", "--json", *words], capture_output=True, text=True,
            env=clean_env(env), cwd=popen.pop("cwd", self.folder), timeout=PATIENCE * 2, **popen)
        self.assertEqual(done.stderr, "")
        told = json.loads(done.stdout)
        VALIDATOR.validate(told)
        self.assertEqual(done.returncode, 1 if told["errors"] else 0, told)
        self.told = told
        found = {}
        for one in told["checks"]:
            found.setdefault(one["check"], []).append((one["level"], one["text"], one["advice"]))
        return found

    def ask(self, *words, **options):
        """Of the relay whose control socket is s."""
        return self.doctor("--control-socket", self.path("s"), *words, **options)

    def levels(self, found, check):
        return [level for level, _, _ in found[check]]

    def has(self, found, check, level, part):
        """The advice of the one finding that has the part."""
        matches = [x for x in found[check] if x[0] == level and part in x[1]]
        self.assertEqual(len(matches), 1, found[check])
        if level == "error":
            self.assertTrue(matches[0][2], matches)
        return matches[0][2]

    def flags(self, *more, hostname=HOST):
        self.port, self.stun = free_port(), free_port()
        return [f"-a={HOST}:{self.port}", "-c=" + self.path("derper.key"), f"-stun-port={self.stun}",
                f"-hostname={hostname}", "-max-connections=100", *more]

    def tls(self, *more, **options):
        return self.flags("-certmode=manual", f"-certdir={self.folder}", "-http-port=-1", *more, **options)

    def pair(self, stem, san, begin, end):
        """A pair that is valid from `begin` to `end`, days from now."""
        base = ["-subj", "/CN=test", "-addext", f"subjectAltName={san}"]
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path(stem + ".key"), "-out", self.path("csr"), *base)
        self.write("ca.conf", f"[ca]\ndefault_ca=x\n[x]\ndatabase={self.path('db')}\nnew_certs_dir={self.folder}\n"
                   "default_md=sha256\npolicy=p\nrand_serial=yes\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")
        self.write("db", "")

        def at(days):
            return subprocess.run(["date", "-u", "-d", f"{days} days", "+%Y%m%d%H%M%SZ"], check=True,
                                  capture_output=True, text=True).stdout.strip()

        openssl("ca", "-batch", "-notext", "-config", self.path("ca.conf"), "-selfsign",
                "-keyfile", self.path(stem + ".key"), "-in", self.path("csr"), "-out", self.path(stem + ".crt"),
                "-startdate", at(begin), "-enddate", at(end))


class Faults(Base):
    def test_nothing_is_wrong(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        self.write("nodes", "")
        found = self.doctor(*self.tls("-verify-nodes=nodes"))
        self.assertEqual(self.told["errors"], 0)
        self.assertIsNone(self.told["relay_pid"])
        self.has(found, "ports", "ok", f"tcp {self.port} is free")
        self.has(found, "certificate", "ok", "certname: sha256-raw:" + cert_pin(self.path(HOST + ".crt")))
        self.has(found, "names", "ok", f"{HOST} is {HOST}, an address of this machine")
        self.has(found, "sources", "ok", "nodes nodes answers")
        self.assertEqual(self.levels(found, "stun"), ["skipped"])

    def test_a_port_is_taken(self):
        flags = self.flags()
        with socket.socket() as taken, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            taken.bind((HOST, self.port))
            taken.listen()
            udp.bind((HOST, self.stun))
            found = self.doctor(*flags)
        for text in (f"listen tcp {HOST}:{self.port}", f"listen udp {HOST}:{self.stun}"):
            self.has(found, "ports", "error", text)
        self.assertTrue(all(f"(process {os.getpid()})" in text for _, text, _ in found["ports"]), found["ports"])

    def test_certificates(self):
        self.pair(HOST, f"IP:{HOST}", -30, -1)
        self.has(self.doctor(*self.tls()), "certificate", "error", "it expired on")
        self.pair(HOST, f"IP:{HOST}", 2, 30)
        advice = self.has(self.doctor(*self.tls()), "certificate", "error", "it is valid from")
        self.assertIn("set the clock", advice)
        self.pair(HOST, f"IP:{HOST}", -80, 10)
        self.has(self.doctor(*self.tls()), "certificate", "warning", "it expires on")
        make_cert(self.folder, HOST, "DNS:other.example")
        self.has(self.doctor(*self.tls()), "certificate", "error", "can not load x509 key pair")
        make_cert(self.folder, "ca", "DNS:ca.example", days=400)
        make_cert(self.folder, HOST, f"IP:{HOST}", self.path("ca"), days=400)
        advice = self.has(self.doctor(*self.tls()), "certificate", "warning", "the file has the leaf alone")
        self.assertIn("fullchain.pem", advice)
        found = self.doctor(*self.tls(), env={"SSL_CERT_FILE": self.path("ca.crt")})
        self.has(found, "certificate", "ok", "roots trust it")

    def test_a_key_of_another_certificate(self):
        make_cert(self.folder, HOST, f"IP:{HOST}")
        make_cert(self.folder, "x", f"IP:{HOST}")
        os.rename(self.path("x.key"), self.path(HOST + ".key"))
        self.assertIn("error", self.levels(self.doctor(*self.tls()), "certificate"))

    def test_a_name_that_nobody_knows(self):
        found = self.doctor(*self.flags(hostname="no.such.name.invalid"))
        self.assertIn(self.levels(found, "names"), (["error"], ["warning"]))  # what the resolver here says
        self.assertIn("no.such.name.invalid", found["names"][0][1])

    def test_an_address_of_another_machine(self):
        found = self.doctor(*self.flags(hostname="192.0.2.1"))
        self.has(found, "names", "warning", "no interface of this machine has")

    def serve(self, date):
        """A server whose clock says that; its URL."""

        class Handler(BaseHTTPRequestHandler):
            def date_time_string(self, timestamp=None):
                return date or super().date_time_string(timestamp)

            def do_GET(self):
                self.send_response(200)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *args):
                pass

        server = HTTPServer((HOST, 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://{HOST}:{server.server_port}/verify"

    def test_the_clock(self):
        found = self.doctor(*self.flags("-verify-client-url=" + self.serve(None)))
        self.assertEqual(self.levels(found, "clock"), ["ok"])
        found = self.doctor(*self.flags("-verify-client-url=" + self.serve("Sun, 06 Nov 1994 08:49:37 GMT")))
        self.has(found, "clock", "error", "ahead of that of")

    def test_a_source_that_does_not_answer(self):
        nobody = f"http://{HOST}:{free_port()}/verify"
        found = self.doctor(*self.flags("-verify-client-url=" + nobody))
        self.has(found, "sources", "error", "EVERYBODY is admitted by it while that lasts")
        found = self.doctor(*self.flags("-verify-client-url=" + nobody, "-verify-client-url-fail-open=false"))
        self.has(found, "sources", "error", "nobody is admitted by it while that lasts")
        found = self.doctor(*self.flags("-verify-clients", "-socket=" + self.path("none")))
        self.has(found, "sources", "error", "does not answer")
        found = self.doctor(*self.flags("-verify-nodes=" + self.path("none")))
        self.assertEqual(self.levels(found, "sources"), ["error"])
        found = self.doctor(*self.flags())
        self.has(found, "sources", "warning", "open relay")

    def test_too_few_descriptors(self):
        def lower():
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

        found = self.doctor(*self.flags(), preexec_fn=lower)
        advice = self.has(found, "limits", "warning", "128 open files, and -max-connections 100 needs")
        self.assertIn("LimitNOFILE=", advice)

    def test_rules_of_the_firewall(self):
        """nft's answer is made up: where there is none, there are no rules."""
        flags = self.flags()

        def rule(*expr, chain="input"):
            return {"rule": {"family": "inet", "table": "t", "chain": chain, "handle": 1, "expr": list(expr)}}

        def match(protocol, port, op="=="):
            return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": "dport"}}, "right": port}}

        def ask(policy, *rules):
            rules = [{"metainfo": {"version": "1.0.6"}},
                     {"chain": {"family": "inet", "table": "t", "name": "input", "hook": "input", "prio": 0,
                                "type": "filter", "policy": policy}}, *rules]
            self.write("rules", json.dumps({"nftables": rules}))
            self.write("nft", f"#!/bin/sh\n[ \"$*\" = '-j list ruleset' ] && cat {self.path('rules')}\n")
            os.chmod(self.path("nft"), 0o755)
            found = self.doctor(*flags, env={"PATH": self.folder + ":" + os.environ["PATH"]})
            return [level for level, text, _ in found["firewall"] if "tables-legacy" not in text]

        tcp, udp = self.port, self.stun
        accept, drop = {"accept": None}, {"drop": None}
        self.assertEqual(ask("accept"), ["ok", "ok"])
        self.assertEqual(ask("drop"), ["warning", "warning"])
        self.assertEqual(ask("drop", rule(match("tcp", tcp), accept)), ["ok", "warning"])
        ports = {"set": [22, {"range": [udp - 5, udp + 5]}]}
        self.assertEqual(ask("drop", rule(match("udp", ports), accept)), ["warning", "ok"])
        self.assertEqual(ask("accept", rule(match("tcp", tcp), drop)), ["warning", "ok"])
        self.assertEqual(ask("accept", rule(match("tcp", 22), drop)), ["ok", "ok"])
        self.assertEqual(ask("accept", rule(match("tcp", tcp), drop, chain="other")), ["ok", "ok"])
        self.assertEqual(ask("accept", rule(match("th", tcp, "!="), drop)), ["ok", "warning"])
        self.assertEqual(ask("accept", rule({"reject": {"type": "tcp reset"}})), ["warning", "warning"])
        # of some packets only
        from_one = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                              "right": "192.0.2.66"}}
        over = {"limit": {"rate": 9, "per": "second", "inv": True}}
        for condition in (from_one, over, {"ct count": {"val": 9, "inv": True}}, {"xt": None}):
            self.assertEqual(ask("accept", rule(match("tcp", tcp), condition, drop)), ["ok", "ok"])
            self.assertEqual(ask("accept", rule(condition, {"counter": None}, drop)), ["ok", "ok"])
            self.assertEqual(ask("drop", rule(condition, accept)), ["warning", "warning"])
            self.assertEqual(ask("drop", rule(match("tcp", tcp), condition, accept)), ["ok", "warning"])
        # of a protocol
        meta = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}
        both = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["tcp", "udp"]}}}
        self.assertEqual(ask("accept", rule(meta, match("th", tcp), {"counter": None}, drop)), ["warning", "ok"])
        self.assertEqual(ask("accept", rule(meta, match("th", udp), drop)), ["ok", "ok"])
        self.assertEqual(ask("accept", rule(both, match("th", udp), drop)), ["ok", "warning"])
        # of more than the port
        self.assertEqual(ask("drop", rule(accept)), ["ok", "ok"])
        self.assertEqual(ask("drop", rule(meta, accept)), ["ok", "warning"])
        # in a chain of packets that do not come in
        output = {"chain": {"family": "inet", "table": "t", "name": "output", "hook": "output", "prio": 0,
                            "type": "filter", "policy": "accept"}}
        self.assertEqual(ask("drop", output, rule(match("tcp", tcp), accept, chain="output")), ["warning", "warning"])
        self.assertEqual(ask("drop", rule(match("tcp", tcp), accept, chain="web")), ["ok", "warning"])
        self.write("nft", "#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n")
        os.chmod(self.path("nft"), 0o755)
        found = self.doctor(*flags, env={"PATH": self.folder + ":" + os.environ["PATH"]})
        told = [row for row in found["firewall"] if "tables-legacy" not in row[1]]
        self.assertEqual([row[0] for row in told], ["skipped"])
        self.assertIn("Operation not permitted", told[0][1])

    def test_rules_of_legacy_iptables(self):
        """Real ones, in a network of their own; nft does not list them."""
        alone = ["unshare", "-n", "sh", "-ec"]
        rule = "-A INPUT -p tcp --dport"
        can = f"iptables-legacy {rule} 1:22 -j ACCEPT && ip6tables-legacy {rule} 1:22 -j ACCEPT"
        if subprocess.run([*alone, can], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("legacy rules cannot be made here")
        make = [*alone, "for program in iptables-legacy ip6tables-legacy; do\n"
                "$program -P INPUT DROP\n"
                f"$program {rule} 1:22 -j ACCEPT\n"
                f"$program {rule} $PORT -j ACCEPT\n"
                'done\nip link set lo up\nexec "$@"', "sh"]
        flags = self.flags()
        env = {"PORT": str(self.port)}
        found = self.doctor(*flags, f"-a=:{self.port}", env=env, before=make)
        for program in ("iptables-legacy", "ip6tables-legacy"):
            self.has(found, "firewall", "ok", f"tcp {self.port}: a rule accepts it ({program})")
            advice = self.has(found, "firewall", "warning",
                              f"udp {self.stun}: the input chain drops by default, and no rule accepts it ({program})")
            self.assertIn("iptables-legacy -S", advice)
        # of the family alone that it listens for
        found = self.doctor(*flags, env=env, before=make)
        self.has(found, "firewall", "ok", f"tcp {self.port}: a rule accepts it (iptables-legacy)")
        self.assertFalse([text for _, text, _ in found["firewall"] if "(ip6tables-legacy)" in text])
        # not by a part of the rules
        self.write("iptables-legacy", "#!/bin/sh\necho '-P INPUT DROP'\nexit 1\n")
        os.chmod(self.path("iptables-legacy"), 0o755)
        make = [*make[:-2], make[-2].replace('exec "$@"', f'PATH={self.folder}:$PATH exec "$@"'), make[-1]]
        found = self.doctor(*flags, f"-a=:{self.port}", env=env, before=make)
        self.assertEqual({text.split("(")[-1] for _, text, _ in found["firewall"] if "legacy" in text},
                         {"ip6tables-legacy)"})

    def test_no_relay_and_no_flags(self):
        """What is said does not read as faults of a relay that was started otherwise."""
        socket = self.path("none.sock")
        found = self.doctor(env={"DERP_CONTROL_SOCKET": socket, "DERP_ADDR": f"{HOST}:{free_port()}"})
        self.assertIn("give its flags", self.has(found, "start", "warning", "no relay answers at " + socket))
        found = self.doctor(*self.flags(), env={"DERP_CONTROL_SOCKET": socket})
        self.assertEqual(self.levels(found, "start"), ["ok"])

    def test_a_relay_that_only_root_may_ask(self):
        """It is not said that none runs."""
        path, before = self.path("s"), []
        if os.geteuid() == 0:  # one that may not do all, as in containers
            before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
            if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL).returncode != 0:
                self.skipTest("capabilities cannot be dropped here")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            os.chmod(path, 0)
            found = self.doctor(env={"DERP_CONTROL_SOCKET": path}, before=before)
        advice = self.has(found, "start", "warning", f"no relay answers at {path} (Permission denied)")
        self.assertIn("run this as root", advice)

    def test_flags_that_are_refused(self):
        found = self.doctor(*self.flags("-home=what"))
        self.assertEqual(found, {"start": [("error", 'unknown --home value "what"', None)]})
        for words in (["-nope"], ["word"], ["--map", self.path("none")], ["--control-socket", self.path("none")]):
            done = subprocess.run([DERPER, "doctor", *words], capture_output=True, text=True, env=clean_env())
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)


class Running(Base):
    def start(self, *more):
        relay = self.derper(*more, "-control-socket=" + self.path("s"), "-max-connections=100", tls=True, stun=True)
        relay.wait_log(" serving on ")
        return relay

    def test_the_relay_that_runs(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        self.write("nodes", "")
        relay = self.start("-verify-nodes=nodes")
        found = self.ask(cwd="/")  # its paths are those of the relay's folder
        self.assertEqual((self.told["relay_pid"], self.told["errors"]), (relay.proc.pid, 0))
        for port in (f"tcp {relay.port}", f"udp {relay.stun_port}"):
            self.has(found, "ports", "ok", f"{port}: the relay listens (process {relay.proc.pid})")
        self.has(found, "names", "ok", f"port {relay.port} of {HOST} accepts connections")
        self.assertEqual(self.levels(found, "stun"), ["ok", "ok"])
        self.has(found, "sources", "ok", "nodes nodes answers")

    def test_the_certificate_that_it_serves(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        relay = self.start()
        self.has(self.ask(), "certificate", "ok", "the relay serves it")
        os.mkdir(self.path("renewed"))
        make_cert(self.path("renewed"), HOST, f"IP:{HOST}", days=300)
        flags = [f"-a={HOST}:{relay.port}", "-c=" + self.path("derper.key"), f"-stun-port={relay.stun_port}",
                 f"-hostname={HOST}", "-certmode=manual", "-certdir=" + self.path("renewed"), "-http-port=-1"]
        found = self.ask(*flags)
        self.has(found, "certificate", "error", "the relay serves another certificate than that of")
        # one that it has read meanwhile is not another one
        for end in (".key", ".crt"):
            os.replace(self.path("renewed/" + HOST + end), self.path(HOST + end))
        self.has(self.ask(), "certificate", "ok", "the relay serves it")

    def test_what_a_proxy_is_not_served(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        self.start(f"-proxy-protocol-from={HOST}")
        self.has(self.ask(), "certificate", "skipped", "-proxy-protocol-from")

    def test_its_variables_count(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        nodes = self.write("nodes", "")
        self.spawned = self.derper("-control-socket=" + self.path("s"), env={"DERP_VERIFY_NODES": nodes})
        self.has(self.ask(), "sources", "ok", f"nodes {nodes} answers")

    def test_a_key_in_a_variable_of_an_odd_name(self):
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        self.derper("-control-socket=" + self.path("s"), f"-verify-headscale=http://{HOST}:{free_port()}",
                    "-verify-headscale-key-variable=odd", env={"odd": "secret", "DERP_HOSTNAME": HOST})
        advice = self.has(self.ask(), "sources", "warning", "the relay has the variable odd, which is not looked into")
        self.assertIn("_SECRET", advice)

    def test_its_variables_are_not_for_programs(self):
        """Whoever took the relay over writes what he likes there."""
        if os.geteuid() != 0:
            self.skipTest("only root may read them")
        folder, own = self.path("theirs"), self.path("own")
        for path in (folder, own):
            os.mkdir(path)
            with open(path + "/nft", "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\nenv >{path}/ran\necho '{{\"nftables\": []}}'\n")
            os.chmod(path + "/nft", 0o755)
        theirs = {"PATH": folder + ":" + os.environ["PATH"], "GCONV_PATH": folder, "DERP_HOSTNAME": HOST}
        self.spawned = self.derper("-control-socket=" + self.path("s"), env=theirs)
        found = self.ask(env={"PATH": own + ":" + os.environ["PATH"], "LANG": "C"})
        self.has(found, "names", "ok", f"{HOST} is")  # what a relay reads was taken
        self.assertFalse(os.path.exists(folder + "/ran"))
        with open(own + "/ran", encoding="utf-8") as f:
            names = {line.split("=")[0] for line in f}
        self.assertLessEqual(names, {"PATH", "LC_ALL", "PWD", "OLDPWD", "_", "SHLVL"})

    def test_a_port_that_it_does_not_have(self):
        self.start()
        flags = self.tls()
        found = self.ask(*flags)
        self.has(found, "ports", "error", f"tcp {self.port}: the relay that runs")

    def test_maps(self):
        if not os.access(DERPMAP, os.X_OK):
            self.skipTest("derpmap is not beside it")
        make_cert(self.folder, HOST, f"IP:{HOST}", days=400)
        relay = self.start()
        pin = "sha256-raw:" + cert_pin(self.path(HOST + ".crt"))
        values = {"host": HOST, "port": relay.port, "stun": relay.stun_port, "certname": pin}

        def ask(**other):
            self.write("derp.yaml", MAP.format(**{**values, **other}))
            return self.ask("--map", "derp.yaml")

        found = ask()
        self.has(found, "map", "ok", "is the pin of the relay's certificate")
        self.has(found, "map", "ok", "clients reach the relay by it")
        wrong = "sha256-raw:" + "0" * 64
        advice = self.has(ask(certname=wrong), "map", "error", "the pin of another certificate")
        self.assertIn(pin, advice)
        self.has(ask(port=free_port()), "map", "warning", "derpport is")
        self.has(ask(host="192.0.2.9"), "map", "error", "has the host name")
        self.write("derp.yaml", "regions: [")
        self.assertIn("error", self.levels(self.ask("--map", "derp.yaml"), "map"))


USER, GROUP = 65534, 4242
# Its arguments are flags to the doctor: the key file that -c names is another one then.
LIAR = f"""
import os, signal, socket
os.setgroups([{GROUP}])
os.setgid({USER})
os.setuid({USER})
with socket.socket(socket.AF_UNIX) as s:
    s.bind("new")
    s.listen(64)
    os.rename("new", "s")
    signal.pause()
"""


class Liar(Base):
    """A process of another user that says it is a relay."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can act as another user")
        os.chown(self.folder, USER, USER)

    def start(self, *flags, before=()):
        command = [*before, sys.executable, "-c", LIAR, *self.flags(), *flags]
        proc = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)
        wait_until(lambda: os.path.exists(self.path("s")) or proc.poll() is not None, "its socket")
        return proc

    def ask(self):
        return self.doctor("--control-socket", self.path("s"), "--map", self.path("map"))


class OfAnotherUser(Liar):
    """What root does with the words of a process that is not root's: anything can be in them."""

    def owned(self, name, mode, group=0, text=""):
        path = self.write(name, text)
        os.chown(path, 0, group)
        os.chmod(path, mode)
        return path

    def test_files_of_root(self):
        self.owned("map", 0o600, text=MAP.format(host="192.0.2.9", port=1, stun=1, certname='""'))
        self.owned("nodes", 0o600)
        proc = self.start("-verify-nodes=nodes")
        found = self.ask()
        self.assertEqual(self.told["relay_pid"], proc.pid)
        self.assertEqual(self.levels(found, "sources"), ["error"])
        self.assertIn("Permission denied", found["sources"][0][1])
        # what root asked for is read by root, then as before
        self.has(found, "map", "error", "has the host name")

    def test_files_of_its_groups(self):
        self.owned("map", 0o600)
        self.owned("nodes", 0o640, GROUP)
        self.start("-verify-nodes=nodes")
        self.has(self.ask(), "sources", "ok", "nodes nodes answers")

    def test_files_where_it_sees_them(self):
        """As those of a unit with DynamicUser= are."""
        self.owned("map", 0o600)
        for name in ("there", "here"):
            os.mkdir(self.path(name))
        nodes = self.owned("there/nodes", 0o644)
        mount = ["unshare", "-m", "sh", "-c", 'mount --bind there here && exec "$@"', "sh"]
        if subprocess.run([*mount, "true"], cwd=self.folder, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("mounts cannot be made here")
        shown = nodes.replace("/there/", "/here/")
        self.start(f"-verify-nodes={shown}", before=mount)
        self.assertFalse(os.path.exists(shown))
        self.has(self.ask(), "sources", "ok", f"nodes {shown} answers")


class Elsewhere(Liar):
    """A relay that is found by its socket, but has other ports and processes than we see."""

    def refused(self, *before):
        socket_path = self.path("s")
        for words, env in ((["--control-socket", socket_path], {}), ([], {"DERP_CONTROL_SOCKET": socket_path})):
            done = subprocess.run([*before, DERPER, "doctor", *words], capture_output=True, text=True,
                                  env=clean_env(env), timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertIn("run this there", done.stderr)
            yield done.stderr

    def unshare(self, *how):
        command = ["unshare", *how]
        if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("namespaces cannot be made here")
        return command

    def test_in_another_network(self):
        proc = self.start(before=self.unshare("-n"))
        for told in self.refused():
            self.assertIn(f"(process {proc.pid}) is in another network namespace", told)

    def test_among_other_processes(self):
        self.start()
        for told in self.refused(*self.unshare("-p", "-f", "--mount-proc")):
            self.assertIn("is in another PID namespace", told)


class ForPeople(Base):
    def test_text(self):
        done = subprocess.run([DERPER, "doctor", *self.flags()], capture_output=True, text=True, env=clean_env(),
                              cwd=self.folder, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^ok       start         the relay starts with these flags$")
        self.assertRegex(done.stdout, r"(?m)^ {23}-> see -verify-nodes")
        self.assertRegex(done.stdout, r"(?m)^0 errors, \d+ warnings?$")

    def test_help(self):
        for words in (["doctor", "-h"], ["help", "doctor"], ["doctor", "-hostname", "x", "--help"]):
            done = subprocess.run([DERPER, *words], capture_output=True, text=True, env=clean_env())
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("usage: derper doctor [options] [flags of the relay]", done.stdout)


if __name__ == "__main__":
    unittest.main()
