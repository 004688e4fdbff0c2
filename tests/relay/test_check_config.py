#!/usr/bin/env python3
"""-check-config: its verdict and its error are those of a real start, and it
leaves no trace."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest

import jsonschema

from relaytest import (
    DERPER,
    HOST,
    IS_GO,
    PATIENCE,
    Lines,
    Scenario,
    clean_env,
    free_port,
    make_cert,
    wait_until,
)

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "../../schemas/check-config.schema.json"), encoding="utf-8") as f:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(f))
CONTAINERS = os.path.join(HERE, "../interop/testdata/containers.json")
NAMESPACE = ["unshare", "-n", "-m"]


def can_unshare():
    done = subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"], capture_output=True)
    return done.returncode == 0


def snapshot(folder):
    """All that is in a folder, and since when."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            st = os.lstat(os.path.join(at, name))
            found[os.path.join(at, name)] = (st.st_mode, st.st_size, st.st_mtime_ns, st.st_ino)
    return found


class Base(Scenario):
    def setUp(self):
        super().setUp()
        if IS_GO:
            self.skipTest("the Go derper has no -check-config")

    def start(self, words, env):
        """Starts a relay: how it ends by itself and what it says last, or 0 and
        "" when it serves."""
        proc = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env=env, cwd=self.folder)
        log = Lines(proc.stderr)
        try:
            wait_until(lambda: proc.poll() is not None or " serving on " in log.text(), "the relay")
            if proc.poll() is not None:
                log.thread.join(PATIENCE)
                return proc.returncode, log.text()
        finally:
            proc.terminate()
            proc.wait(PATIENCE)
            log.thread.join(PATIENCE)
        return 0, ""

    def check(self, words, env):
        """What it says of the same, in JSON; files are as they were."""
        before = snapshot(self.folder)
        done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=self.folder, timeout=PATIENCE)
        self.assertEqual(snapshot(self.folder), before)
        self.assertNotIn("Sanitizer", done.stderr)
        if done.returncode == 2:
            return 2, done.stderr
        told = json.loads(done.stdout)
        VALIDATOR.validate(told)
        self.assertEqual(done.stderr, "")
        self.assertEqual(told["starts"], done.returncode == 0)
        return done.returncode, told

    def same(self, flags, env=None):
        """Both say the same; what -check-config tells."""
        env = clean_env(env)
        status, told = self.check([DERPER, "-check-config", "-json", *flags], env)
        real, log = self.start([DERPER, *flags], env)
        self.assertEqual(status, real, (flags, told, log))
        if real == 1:
            self.assertEqual(told["error"], log.split("\n")[-1].split(" derper: ", 1)[1])
        elif real == 2:
            self.assertEqual(told, log + "\n")
        return told


class Facts(Base):
    def flags(self, *more):
        self.port, self.stun = free_port(), free_port()
        return [f"-a={HOST}:{self.port}", "-c=" + self.path("new/derper.key"),
                f"-stun-port={self.stun}", *more]

    def told(self, *flags, env=None):
        return self.same(self.flags(*flags), env)

    def test_a_relay_without_anything(self):
        told = self.told()
        self.assertEqual(
            told["listeners"],
            [{"what": "DERP", "protocol": "tcp", "address": f"{HOST}:{self.port}", "binds": True},
             {"what": "STUN", "protocol": "udp", "address": f"{HOST}:{self.stun}", "binds": True}])
        self.assertIsNone(told["certificate"])
        self.assertEqual(told["key"], {"file": self.path("new/derper.key"), "state": "would be made", "public_key": None})
        self.assertEqual(told["admission"]["admits_everybody"], True)
        self.assertEqual(told["debug_pages"], ["this machine", "Tailscale addresses"])
        # the start has made it
        again = self.told()
        self.assertEqual(again["key"]["state"], "found")

    def test_the_key_is_the_one_that_clients_see(self):
        relay = self.derper()
        p = self.peer()
        p.connect("k", relay, "until=upgrade")
        key = p.expect("upgraded k 101 (.*)").group(1)
        _, told = self.check([DERPER, "-check-config", "-json", "-c=derper.key", "-a=127.0.0.1:0", "-stun=false"],
                             clean_env())
        self.assertEqual(told["key"]["public_key"].split(":")[1], key.split(":")[-1])

    def test_a_certificate_is_told(self):
        make_cert(self.folder, "h.example", "DNS:h.example,DNS:other.example", days=400)
        told = self.told("-certmode=manual", "-certdir=" + self.folder, "-hostname=h.example", "-http-port=-1")
        c = told["certificate"]
        self.assertEqual((c["state"], c["name"]), ("found", "h.example"))
        self.assertEqual(c["file"], self.path("h.example.crt"))
        self.assertEqual(c["certificate"]["names"], "h.example, other.example")
        self.assertEqual(c["certificate"]["age"], "valid")

    def test_one_that_would_be_made_or_ordered(self):
        told = self.told("-certmode=manual", "-certdir=" + self.path("certs"), f"-hostname={HOST}", "-http-port=-1")
        self.assertEqual(told["certificate"]["state"], "would be made")
        told = self.told("-certdir=" + self.path("ordered"), "-hostname=h.example", "-http-port=-1",
                         "-acme-directory=https://127.0.0.1:9/dir?secret")
        c = told["certificate"]
        self.assertEqual((c["state"], c["ordered_from"]), ("would be ordered", "https://127.0.0.1:9"))

    def test_sources_and_what_their_outage_means(self):
        nodes = self.write("nodes", "")
        told = self.told("-verify-nodes=" + nodes, "-verify-client-url=https://u:secret@h.example/verify")
        admission = told["admission"]
        self.assertFalse(admission["admits_everybody"])
        self.assertEqual([(s["kind"], s["outage"]) for s in admission["sources"]],
                         [("url", "open"), ("nodes", "last-known-good")])
        self.assertNotIn("secret", json.dumps(told))
        self.assertIn("  while it is away: EVERYBODY is admitted by it", admission["description"])

    def test_mesh_limits_and_debug_pages(self):
        self.write("mesh.key", "ab" * 32)
        os.chmod(self.path("mesh.key"), 0o600)
        rates = self.write("rates", '{"client": {"bytes_per_second": 1000}}')
        told = self.told("-mesh-psk-file=mesh.key", f"-mesh-with={HOST}:9", "-rate-config=" + rates, "-loops=2",
                         env={"TS_DEBUG_TRUSTED_CIDRS": "192.0.2.0/24, 2001:db8::/32", "TS_DEBUG_KEY_PATH": "/k"})
        self.assertEqual(told["mesh"], {"has_key": True, "relays": [f"{HOST}:9"]})
        self.assertEqual((told["limits"]["workers"], told["limits"]["rate_config"]), (2, rates))
        self.assertEqual(told["debug_pages"][2:],
                         ["192.0.2.0/24", "2001:db8::/32", "whoever gives the key in /k"])

    def test_flags_without_effect_are_told(self):
        told = self.told("-certdir=/x", "-http-port=8080", "-stun=false", "-socket=/s", "-secrets-path-prefix=p",
                         env={"DERP_HOSTNAM": "x"})
        texts = "\n".join(w["text"] for w in told["warnings"])
        for flag in ("-certdir", "-http-port", "-stun-port", "-socket", "-secrets-path-prefix"):
            self.assertIn(f"{flag} has no effect ", texts)
        self.assertIn("environment variable DERP_HOSTNAM is ignored: did you mean DERP_HOSTNAME?", texts)
        told = self.told("-log-connections", "-max-connections=100")
        self.assertEqual(told["warnings"], [])

    def test_warnings_are_told_whatever_the_log_has(self):
        status, told = self.check([DERPER, "-check-config", "-json", *self.flags("-socket=/s", "-log-level=error")],
                                  clean_env())
        self.assertEqual(status, 0)
        self.assertIn("-socket has no effect without -verify-clients", [w["text"] for w in told["warnings"]])

    def test_for_people(self):
        make_cert(self.folder, "h.example", "DNS:h.example", days=400)
        done = subprocess.run(
            [DERPER, "-check-config", *self.flags("-certmode=manual", "-certdir=.", "-hostname=h.example")],
            capture_output=True, text=True, env=clean_env(), cwd=self.folder, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (
            rf"listens      tcp {HOST}:{self.port}: DERP over TLS",
            rf"certificate  -certmode manual for h\.example: found; file \./h\.example\.crt",
            rf"key          {self.path('new/derper.key')}: would be made",
            r"mesh         no mesh key",
            r"admission    EVERYBODY is admitted: this is an open relay",
            r"the relay would start",
        ):
            self.assertRegex(done.stdout, rf"(?m)^{line}$")


class Broken(Base):
    """Each is refused by both, with the same words."""

    def refused(self, *flags, env=None, about=None, port=None):
        flags = [f"-a={HOST}:{port or free_port()}", "-c=" + self.path("k.json"), *flags]
        if not any(f.startswith("-stun") for f in flags):
            flags.append("-stun=false")
        told = self.same(flags, env)
        self.assertIsInstance(told, dict, flags)
        self.assertFalse(told["starts"])
        if about:
            self.assertEqual(told["errors"][0]["about"], about)
        return told

    def tls(self, *flags, name="h.example"):
        return [f"-hostname={name}", "-certmode=manual", f"-certdir={self.folder}", "-http-port=-1", *flags]

    def test_flags(self):
        for flags in (["-http-port=port", ], ["-nope"], ["-dev", "word"], ["-stun=maybe"]):
            self.assertIsInstance(self.same(flags), str)
        port = free_port()
        for flags in (
            ["-home=what"],
            ["-tls-records=mine"],
            ["-accept-connection-limit=0"],
            ["-proxy-protocol-from=x"],
            ["-secrets-url=https://h.example"],
            ["-loops=65"],
            ["-certmode=manual", "-hostname=a/b", "-certdir=."],
            self.tls(f"-http-port={port}", f"-a={HOST}:{port}"),
        ):
            self.refused(*flags, about="flags")
        self.refused("-log-level=loud", about="settings")
        self.refused("-unpublished-bootstrap-dns-names=" + "a" * 300, about="settings")
        self.refused(env={"TS_DEBUG_TRUSTED_CIDRS": "x"}, about="settings")

    def test_ports(self):
        for kind, flag, about in ((socket.SOCK_STREAM, "-a={}", "main port"),
                                  (socket.SOCK_STREAM, "-http-port={}", "http port"),
                                  (socket.SOCK_DGRAM, "-stun-port={}", "stun port")):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind((HOST, 0))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                port = taken.getsockname()[1]
                make_cert(self.folder, "h.example", "DNS:h.example")
                value = f"{HOST}:{port}" if flag == "-a={}" else port
                told = self.refused(*self.tls("-stun=true", f"-stun-port={free_port()}", flag.format(value)),
                                    about=about)
                self.assertEqual([x["binds"] for x in told["listeners"]].count(False), 1)

    def test_keys(self):
        self.write("k.json", "{}")
        self.refused(about="key")
        os.unlink(self.path("k.json"))
        self.write("file", "")
        self.refused("-c=" + self.path("file/derper.key"), about="key")
        self.refused("-c=" + self.path("file/deep/derper.key"), about="key")
        self.refused("-mesh-with=h.example", about="mesh")
        self.refused("-mesh-psk-file=" + self.path("none"), about="mesh")
        self.refused("-mesh-psk-file=" + self.write("bad", "xyz"), about="mesh")
        good = self.write("good", "ab" * 32)
        self.refused("-mesh-psk-file=" + good, "-mesh-with=a.example,a.example", about="mesh")

    def test_certificates(self):
        self.refused(*self.tls(), about="certificate")
        make_cert(self.folder, "h.example", "DNS:other.example")
        self.refused(*self.tls(), about="certificate")
        make_cert(self.folder, "h.example", "DNS:h.example")
        make_cert(self.folder, "x", "DNS:h.example")
        shutil.copy(self.path("x.key"), self.path("h.example.key"))
        self.refused(*self.tls(), about="certificate")
        self.write("h.example.crt", "garbage")
        self.refused(*self.tls(), about="certificate")
        self.write("file", "")
        self.refused(*self.tls(f"-certdir={self.path('file/certs')}", name=HOST), about="certificate")
        self.refused("-hostname=h.example", f"-certdir={self.path('file/certs')}", "-http-port=-1",
                     "-acme-directory=https://127.0.0.1:9/dir", about="certificate")

    def test_files_of_limits_and_admission(self):
        garbage = self.write("garbage", "{{{{")
        none = self.path("none")
        for name in (none, garbage):
            self.refused("-rate-config=" + name, about="limits")
            self.refused("-verify-config=" + name, about="admission")
        self.refused("-verify-nodes=" + none, about="admission")
        self.refused("-verify-nodes=" + self.write("nodes", "nodekey:xyz\n"), about="admission")
        self.refused("-verify-deny=" + none, about="admission")
        self.refused("-verify-client-url=h.example/verify", about="admission")
        self.refused("-verify-client-url=https://h.example/", "-verify-client-url-ca=" + none, about="admission")
        any_of = self.write("any.yaml", "policy: any\nsources:\n  - nodes: nodes\n")
        self.refused("-verify-config=" + any_of, "-verify-clients", about="admission")
        program = self.write("program.yaml", "sources:\n  - command: [\"true\"]\n")
        self.refused("-verify-config=" + program, about="admission")

    def test_control_sockets(self):
        self.refused("-control-socket=" + self.path("none/socket"), about="control socket")
        self.refused("-control-socket=" + self.path("s" * 120), about="control socket")
        self.refused("-control-socket=" + self.write("file", ""), about="control socket")

    def test_all_errors_are_told(self):
        with socket.socket() as taken:
            taken.bind((HOST, 0))
            taken.listen()
            told = self.refused("-verify-nodes=" + self.path("none"), "-rate-config=" + self.path("none"),
                                port=taken.getsockname()[1])
        self.assertEqual([e["about"] for e in told["errors"]], ["limits", "main port", "admission"])


class Containers(Base):
    """The set-ups that people publish, in a namespace with all ports."""

    absolute = re.compile(r'(^|[ ="])/')

    def inside(self, text):
        return self.absolute.sub(rf"\1{self.folder}/", text)

    def words(self, setup, flags):
        """The shell that runs it, with flags before its own."""
        script = f"""ip link set lo up
            mount --bind {self.folder}/var/lib /var/lib
            derper() {{ exec {DERPER} {flags} "$@"; }}
            {self.inside(setup["command"])}"""
        return [*NAMESPACE, "sh", "-euc", script]

    def env(self, setup):
        env = {"HOME": self.path("root"), "XDG_CACHE_HOME": ""}
        for variables in (setup["image"] or {}, setup["run"] or {}):
            env.update({name: self.inside(value) for name, value in variables.items()})
        return clean_env(env)

    def prepare(self, setup):
        """The folders, and the certificate that the owner has put there."""
        for folder in ("root", "var/lib"):
            os.makedirs(self.path(folder), exist_ok=True)
        shown = subprocess.run(["sh", "-euc", "derper() { printf '%s\\n' \"$@\"; }\n" + self.inside(setup["command"])],
                               env=self.env(setup), capture_output=True, text=True, check=True).stdout
        value = {}
        for name in ("certmode", "certdir", "hostname"):
            match = re.search(rf"(?m)^--?{name}(?:=|\n)(.*)$", shown)
            value[name] = match.group(1) if match else ""
        if value["certmode"] == "manual":
            os.makedirs(value["certdir"], exist_ok=True)
            if not re.fullmatch(r"[0-9.]+", value["hostname"]):
                make_cert(value["certdir"], value["hostname"], "DNS:" + value["hostname"])

    def test_each_is_judged_as_it_starts(self):
        if not can_unshare():
            self.skipTest("no namespaces here")
        with open(CONTAINERS, encoding="utf-8") as f:
            setups = json.load(f)
        self.assertGreaterEqual(len(setups), 28)
        seen = set()
        for setup in setups:
            with self.subTest(setup["name"]):
                shutil.rmtree(self.folder)
                os.makedirs(self.folder)
                self.prepare(setup)
                env = self.env(setup)
                status, told = self.check(self.words(setup, "-check-config -json"), env)
                real, log = self.start(self.words(setup, ""), env)
                self.assertEqual(status, real, (told, log))
                seen.add(real)
                if real == 1:
                    self.assertEqual(told["error"], log.split("\n")[-1].split(" derper: ", 1)[1])
        self.assertLessEqual({0, 2}, seen)


if __name__ == "__main__":
    unittest.main()
