"""The relays under test: how each is started, measured and stopped."""

import copy
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

HOST = "127.0.0.1"
START_S = 10
STOP_S = 10
MESH_S = 30  # upstream tries again after 5 s


class Failure(Exception):
    """Something that ends the whole bench; the text is for a person."""


class Machine:
    """Which processor runs the relay and which ones the load."""

    def __init__(self, may_share=False):
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) == 1 and not may_share:
            raise Failure("needs two processors, one for the relay and one "
                          "for the load")
        self.relay = usable[:1]
        # more load threads than four only fight for the relay's sockets
        self.load = usable[1:5] or usable

    def shared_by(self, workers):
        """A relay of several workers on as many processors, the load on the
        others; together on all of them where there are not enough."""
        usable = sorted({*self.relay, *self.load})
        if len(usable) < workers:
            return None
        found = copy.copy(self)
        found.relay = usable[:workers]
        found.load = usable[workers:] or usable
        return found

    def describe(self):
        return {
            "cpu": first_match("/proc/cpuinfo", r"model name\s*:\s*(.*)"),
            "kernel": os.uname().release,
            "relay_cores": self.relay,
            "load_cores": self.load,
            "congestion_control": first_match(
                "/proc/sys/net/ipv4/tcp_congestion_control", r"(.*)"),
        }


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            found = re.search(pattern, f.read())
    except OSError:
        return ""
    return found.group(1) if found else ""


class Home:
    """A folder with the certificate and key that all relays share, and the
    address that they listen on. With `stun` they answer STUN as well."""

    def __init__(self, host=HOST, stun=False):
        self.host = host
        self.stun = stun
        self.path = tempfile.mkdtemp(prefix="derp-bench-")
        self.stem = stem = os.path.join(self.path, host)
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                   "-subj", "/CN=" + host, "-addext",
                   "subjectAltName=IP:" + host, "-keyout", stem + ".key",
                   "-out", stem + ".crt"]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            raise Failure("openssl cannot make a certificate:\n" + made.stderr)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Relay:
    """One way to run a relay; `running` starts it for a `with` block."""

    def __init__(self, name, program, note, args=(), env=(),
                 records_only=False, only=None):
        self.name = name
        self.program = program
        self.note = note
        self.args = list(args)
        self.env = dict(env)
        # a variant of another one that carries TLS records in another way
        self.records_only = records_only
        self.only = only  # the one scenario that it is for; None: all

    def with_workers(self, workers):
        found = copy.copy(self)
        found.args = ["-loops=%d" % workers if a.startswith("-loops=") else a
                      for a in self.args]
        return found

    def describe(self):
        shown = subprocess.run([self.program, "-version"], text=True,
                               capture_output=True, timeout=START_S)
        lines = (shown.stdout or shown.stderr).split("\n")
        return {"name": self.name, "note": self.note, "args": self.args,
                "env": self.env, "version": lines[0]}

    def running(self, machine, home, tls, flags=()):
        return Running(self, machine, home, tls, flags)


class Running:
    def __init__(self, relay, machine, home, tls, flags=()):
        self.relay = relay
        self.tls = tls
        self.host = home.host
        self.port = free_port(self.host)
        self.stun_port = free_port(self.host) if home.stun else None
        self.addr = "%s:%d" % (self.host, self.port)
        self.log_path = os.path.join(home.path, relay.name + ".log")
        self.command = [relay.program, "-a=" + self.addr, "-http-port=-1",
                        "-hostname=" + self.host,
                        "-c=" + os.path.join(home.path, "derper.key")]
        self.command.append("-stun-port=%d" % self.stun_port if home.stun
                            else "-stun=false")
        if tls:
            self.command += ["-certmode=manual", "-certdir=" + home.path]
        self.command += [*relay.args, *flags]
        self.cores = machine.relay
        self.process = None
        self.env = {}

    def __enter__(self):
        cores = self.cores
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

        def prepare():
            os.sched_setaffinity(0, cores)
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        env = dict(os.environ, GOMAXPROCS=str(len(cores)), **self.relay.env,
                   **self.env)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=env, preexec_fn=prepare, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL)
        try:
            self.wait_until_up()
        except Failure:
            self.__exit__()
            raise
        return self

    def join_mesh(self, other, home):
        """Before it starts: makes it a node of a mesh with the other one,
        with a key of its own, as a relay takes itself for itself."""
        psk = os.path.join(home.path, "mesh.key")
        with open(psk, "w", encoding="ascii") as f:
            f.write("5e" * 32)
        os.chmod(psk, 0o600)
        own = os.path.join(home.path, "%d.key" % self.port)
        self.log_path = os.path.join(home.path, "%d.log" % self.port)
        self.command += ["-c=" + own, "-mesh-psk-file=" + psk,
                         "-mesh-with=" + other.addr]
        self.env = {"SSL_CERT_FILE": home.stem + ".crt"}

    def wait_for_mesh(self):
        """Until it watches the other one, which tells of itself at least."""
        trusting = ssl._create_unverified_context()
        until = time.monotonic() + MESH_S
        while time.monotonic() < until:
            with urllib.request.urlopen(
                    "https://%s/debug/varz" % self.addr, timeout=MESH_S,
                    context=trusting) as varz:
                text = varz.read().decode()
            if re.search(r"^derp_clients_remote [1-9]", text, re.M):
                return
            time.sleep(0.05)
        raise Failure("%s: no mesh\n%s" % (self.relay.name,
                                           self.last_words()))

    def wait_until_up(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure("%s does not start: %s\n%s" % (
            self.relay.name, " ".join(self.command), self.last_words()))

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-5:])

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def pss_kb(self):
        """Resident memory, shared pages in part; in kB."""
        base = "/proc/%d/" % self.process.pid
        pss = first_match(base + "smaps_rollup", r"\nPss:\s+(\d+) kB")
        return int(pss or first_match(base + "status", r"VmRSS:\s+(\d+) kB"))


def free_port(host=HOST):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]
