"""What the tests of `derpmap probe` share: relays, certificates, a run.

Environment: DERPMAP and DERPER_BUILT are the programs, SCHEMAS the folder of
JSON schemas. Everything listens on loopback addresses, 127.0.0.0/8.
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "relay"))
from relaytest import free_port, wait_until  # noqa: E402

DERPMAP = os.path.abspath(os.environ["DERPMAP"])
DERPER = os.path.abspath(os.environ["DERPER_BUILT"])
SCHEMAS = pathlib.Path(os.environ["SCHEMAS"])
PATIENCE = 120


def validator():
    schema = json.loads((SCHEMAS / "probe-report.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A root, an intermediate, and leaf certificates of either."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.count = 0
        self._make("root", ["-x509", "-days", "3650"], "Test root",
                   "basicConstraints=critical,CA:TRUE")
        self._make("other", ["-x509", "-days", "3650"], "Unknown root",
                   "basicConstraints=critical,CA:TRUE")
        self._sign("middle", "root", "Test intermediate",
                   "basicConstraints=critical,CA:TRUE")
        self.root = str(self.folder / "root.crt")

    def _make(self, name, how, subject, extension):
        openssl(self.folder, "req", *how, "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
                "-out", name + (".crt" if "-x509" in how else ".csr"), "-subj",
                "/CN=" + subject, "-addext", extension)

    def _sign(self, name, by, subject, extension, dates=()):
        self._make(name, ["-new"], subject, extension)
        (self.folder / (name + ".ext")).write_text(extension + "\n", "utf-8")
        if dates:
            ca = self.folder / (name + ".ca")
            ca.mkdir()
            (ca / "index").write_text("")
            (ca / "conf").write_text(
                "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\n"
                "default_md=sha256\nrand_serial=yes\npolicy=p\n[p]\n"
                "commonName=supplied\n", "utf-8")
            openssl(ca, "ca", "-batch", "-config", "conf", "-notext",
                    "-cert", f"../{by}.crt", "-keyfile", f"../{by}.key",
                    "-in", f"../{name}.csr", "-out", f"../{name}.crt",
                    "-extfile", f"../{name}.ext", "-startdate", dates[0],
                    "-enddate", dates[1])
        else:
            openssl(self.folder, "x509", "-req", "-in", name + ".csr", "-CA",
                    by + ".crt", "-CAkey", by + ".key", "-CAcreateserial",
                    "-days", "365", "-out", name + ".crt", "-extfile",
                    name + ".ext")

    def leaf(self, names, by="root", chain=(), dates=()):
        """The files of a certificate for the names: chain and key."""
        self.count += 1
        name = f"leaf{self.count}"
        self._sign(name, by, "leaf", "subjectAltName=" + names, dates)
        text = "".join((self.folder / (c + ".crt")).read_text()
                       for c in (name, *chain))
        file = self.folder / (name + ".pem")
        file.write_text(text)
        return str(file), str(self.folder / (name + ".key"))

    def self_signed(self, names):
        self.count += 1
        name = f"self{self.count}"
        self._make(name, ["-x509", "-days", "365"], "self",
                   "subjectAltName=" + names)
        return str(self.folder / (name + ".crt")), str(self.folder / (name + ".key"))

    def pin(self, cert):
        """The pin of the first certificate of a file."""
        done = subprocess.run(
            ["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256"],
            check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.split("=")[1].strip().replace(":", "").lower()


class Relay:
    """A derper of ours: TLS with a certificate of its own, or plain HTTP."""

    def __init__(self, folder, address="127.0.0.1", tls=False, stun=False,
                 flags=(), http_port=-1):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.address, self.port = address, free_port()
        self.stun_port = free_port() if stun else -1
        args = [DERPER, "-hostname", address, "-a",
                f"[{address}]:{self.port}" if ":" in address
                else f"{address}:{self.port}",
                "-c", str(self.folder / "key")]
        args += ["-stun-port", str(self.stun_port)] if stun else ["-stun=false"]
        if tls:
            args += ["-certmode", "manual", "-certdir", str(self.folder / "certs"),
                     "-http-port", str(http_port)]
        self.log = open(self.folder / "log", "wb")
        self.proc = subprocess.Popen(args + list(flags), stdout=self.log,
                                     stderr=self.log, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.answers() or self.proc.poll() is not None,
                   f"derper on port {self.port}")
        if self.proc.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(
                (self.address, self.port), 1):
            return True
        return False

    def cert(self):
        return next((self.folder / "certs").glob("*.crt"))

    def log_text(self):
        return (self.folder / "log").read_text()

    def stop(self):
        self.proc.terminate()
        self.proc.wait(PATIENCE)
        self.log.close()


class ProbeCase(unittest.TestCase):
    """A test with a folder, relays that end with it, and runs of probe."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def relay(self, **how):
        relay = Relay(self.folder, **how)
        self.addCleanup(relay.stop)
        return relay

    def map_file(self, regions, name="map.json"):
        """A map of regions, each a list of nodes without names."""
        out = {}
        for number, nodes in enumerate(regions, 900):
            out[str(number)] = {
                "RegionID": number, "RegionCode": f"r{number}",
                "RegionName": f"Region {number}",
                "Nodes": [{"Name": f"{number}{chr(97 + i)}",
                           "RegionID": number, **node}
                          for i, node in enumerate(nodes)]}
        file = self.folder / name
        file.write_text(json.dumps({"Regions": out}), "utf-8")
        return str(file)

    def probe(self, *args, timeout=PATIENCE, env=None):
        return subprocess.run(
            [DERPMAP, "probe", *args], capture_output=True, timeout=timeout,
            check=False, text=True, cwd=self.folder,
            env={**os.environ, **(env or {})})

    def report(self, *args, **how):
        """The JSON report, which is valid and fits the exit status."""
        done = self.probe("--format", "json", *args, **how)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertEqual(done.stderr, "")
        said = json.loads(done.stdout)
        validator().validate(said)
        self.assertEqual(done.returncode,
                         int(said["errors"] + said["warnings"] > 0), said)
        return said

    def ids(self, said, node=None, severities=("warning", "error")):
        return sorted({f["id"] for f in said["findings"]
                       if f["severity"] in severities
                       and node in (None, f["node"])})

    def finding(self, said, name, node=None):
        for f in said["findings"]:
            if f["id"] == name and node in (None, f["node"]):
                return f
        raise AssertionError(f"no finding {name} in {said['findings']}")

    def visit(self, said, node=None, family="ipv4"):
        for v in said["nodes"]:
            if node in (None, v["node"]) and v["family"] == family:
                return v
        raise AssertionError(f"no {node} over {family}")


def metrics_are_sound(text):
    """Whether it is Prometheus text with the last line of ours."""
    line = re.compile(r'[a-z_]+(\{([a-z0-9_]+="([^"\\\n]|\\.)*",?)+\})? '
                      r"-?[0-9.]+$")
    lines = text.splitlines()
    return (text.endswith("\n") and
            lines[-1].startswith("derpmap_probe_duration_seconds ") and
            all(s.startswith(("# HELP ", "# TYPE ")) or line.match(s)
                for s in lines))
