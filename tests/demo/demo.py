#!/usr/bin/env python3
"""Shows derpkit at work on this machine: a map, a relay, nodes, a guest.

    demo.py BIN_DIR TESTS_DIR

Needs no root and no privileged port, listens on loopback only, cleans up, and
exits 0 only if everything that it shows has really happened.
"""
import contextlib
import json
import os
import queue
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE_S = 30
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class Failed(Exception):
    """Something that was to be shown did not happen."""


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def step(number, text):
    print(f"\n{paint('1', f'{number}. {text}')}", flush=True)


def say(text):
    for line in text.rstrip("\n").split("\n"):
        print("   " + line, flush=True)


def command(*words):
    """A command that can be pasted into a shell."""
    shell(shlex.join(words))


def shell(text):
    say(paint("2", "$ " + text))


def check(condition, what):
    if not condition:
        raise Failed(what)
    say(paint("32", "ok  ") + what)


def free_port(kind):
    """A port that is free now, below those the kernel hands out; the relay says
    so if that changes."""
    for _ in range(100):
        port = random.randrange(10000, 32000)
        with socket.socket(socket.AF_INET, kind) as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise Failed("there is no free port on 127.0.0.1")


class Lines:
    """Lines of a pipe as they come, with a deadline."""

    def __init__(self, pipe):
        self.lines = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe):
        for line in pipe:
            self.lines.put(line.rstrip("\n"))

    def wait(self, what, wanted):
        """The first line from here on for which wanted(line) holds."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"{what}: did not happen within {PATIENCE_S} s; "
                             f"last lines: {self.seen[-5:]}") from None
            self.seen.append(line)
            if wanted(line):
                return line


class Demo:
    def __init__(self, bin_dir, tests_dir, folder):
        self.bin = bin_dir
        self.tests = tests_dir
        self.folder = folder
        self.children = []
        self.port = free_port(socket.SOCK_STREAM)
        self.stun_port = free_port(socket.SOCK_DGRAM)
        self.nodes = self.path("nodes")
        self.map = self.path("derp.yaml")

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.bin, name)

    def start(self, arguments, **pipes):
        child = subprocess.Popen(arguments, text=True, bufsize=1, **pipes)
        self.children.append(child)
        return child

    def stop_all(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def run(self, name, *arguments):
        """Runs a program and shows it; its exit status and output."""
        command(name, *[a.replace(self.folder + "/", "") for a in arguments])
        done = subprocess.run([self.program(name), *arguments], text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)
        text = (done.stdout + done.stderr).replace(self.folder + "/", "")
        if text.strip():
            say(text)
        return done

    # the two programs that stay

    def start_peers(self):
        self.peers = self.start([os.path.join(self.tests, "derp-peer")],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events = Lines(self.peers.stdout)

    def tell(self, line):
        self.peers.stdin.write(line + "\n")
        self.peers.stdin.flush()

    def event(self, what, *starts):
        return self.events.wait(what, lambda line: line.startswith(starts))

    def start_relay(self):
        arguments = [
            "-a", f"127.0.0.1:{self.port}", "-http-port", "-1",
            "-stun-port", str(self.stun_port),
            "-hostname", "127.0.0.1", "-certmode", "manual",
            "-certdir", self.path("certs"), "-c", self.path("derper.key"),
            "-verify-nodes", self.nodes]
        command("derper", *[a.replace(self.folder + "/", "") for a in arguments])
        self.relay = self.start([self.program("derper"), *arguments],
                                stderr=subprocess.PIPE)
        self.log = Lines(self.relay.stderr)
        self.log.wait("the relay starts", lambda line: "STUN server listening" in line)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or self.relay.poll() is not None:
                    raise Failed("the relay does not accept connections") from None
                time.sleep(0.02)
        for line in self.log.seen:
            say(line.replace(self.folder + "/", ""))

    # what is shown, in order

    def make_keys(self):
        keys = {}
        for name in ("laptop", "server", "guest"):
            self.tell(f"key {name}")
            keys[name] = self.event("a key", f"key {name} ").split()[2]
        with open(self.nodes, "w", encoding="ascii") as f:
            f.write("# who may use the relay: one node key per line\n")
            for name in ("laptop", "server"):
                f.write(f"{keys[name]} {name}\n")
        shell("cd $(mktemp -d)")
        with open(self.nodes, encoding="ascii") as f:
            shell("cat >nodes <<END\n" + f.read() + "END")
        return keys

    def write_map(self):
        done = self.run("derpmap", "generate", "--from-derper", "--hostname", "127.0.0.1",
                        "--certdir", self.path("certs"), "--derp-port", str(self.port),
                        "--stun-port", str(self.stun_port), "--region-id", "900",
                        "--region-code", "home", "--region-name", "Demo relay",
                        "-o", self.map)
        check(done.returncode == 0, "derpmap wrote derp.yaml")
        with open(self.map, encoding="utf-8") as f:
            say(f.read())
        done = self.run("derpmap", "lint", self.map)
        check(done.returncode == 0, "it lints clean")

    def read_map(self):
        """What a client learns from the map: where to go, whom to trust."""
        done = subprocess.run([self.program("derpmap"), "convert", "--to", "json", self.map],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        node = json.loads(done.stdout)["Regions"]["900"]["Nodes"][0]
        pin = node["CertName"].removeprefix("sha256-raw:")
        return f"{node['HostName']} {node['DERPPort']} tls fast pin={pin}", node

    def exchange(self, target):
        for name in ("laptop", "server"):
            self.tell(f"connect {name} {target}")
            self.event(f"{name} logs in", f"up {name}")
            say(f"{name} is connected over TLS, its certificate checked against the map's pin")
        for source, to, text in (("laptop", "server", "hello server"),
                                 ("server", "laptop", "hello laptop")):
            self.tell(f"send {source} {to} {text.encode().hex()}")
            line = self.event("a packet arrives", f"recv {to} ")
            check(line.split()[2] == source and bytes.fromhex(line.split()[4]).decode() == text,
                  f"{source} -> relay -> {to}: {text!r}")

    def turn_away(self, target, keys):
        self.tell(f"connect guest {target}")
        self.event("the guest is turned away", "closed guest", "failed guest")
        line = self.log.wait("the log says why", lambda l: "rejected" in l)
        say(line)
        check(keys["guest"] in line, "the guest was turned away, and the log says why")
        done = self.run("derpverify", "check", "--nodes", self.nodes, keys["guest"])
        check(done.returncode == 1, "derpverify gives the same answer")

    def let_in(self, target, keys):
        with open(self.nodes, "a", encoding="ascii") as f:
            f.write(f"{keys['guest']} guest\n")
        shell(f"echo {keys['guest']} guest >>nodes")
        say(self.log.wait("the list is read again", lambda l: "nodes" in l and "rejected" not in l)
            .replace(self.folder + "/", ""))
        deadline = time.monotonic() + PATIENCE_S
        while True:  # a refusal may be remembered for a moment
            self.tell(f"connect guest {target}")
            line = self.event("the guest tries again", "up guest", "closed guest",
                              "failed guest")
            if line.startswith("up"):
                break
            if time.monotonic() > deadline:
                raise Failed("the guest is still refused")
            time.sleep(0.2)
        check(self.relay.poll() is None, "it is let in, without a restart")
        self.tell("send guest laptop " + b"thank you".hex())
        line = self.event("a packet arrives", "recv laptop guest")
        check(bytes.fromhex(line.split()[4]) == b"thank you",
              "guest -> relay -> laptop: 'thank you'")

    def stun(self, node):
        self.tell(f"stun {node['HostName']} {node['STUNPort']}")
        line = self.event("STUN answers", "stun ")
        check(line.startswith("stun 127.0.0.1:"),
              f"STUN says that we come from {line.split()[1]}")

    def break_map(self):
        broken = self.path("broken.yaml")
        # three mistakes that headscale swallows, and one that it does not
        edits = ("0,/regionid: 900/s//regionid: 901/", "s/hostname:/HostName:/", "s/sha256-raw:/sha256:/",
                 f's/derpport: {self.port}/derpport: "{self.port}"/')
        make = " ".join(f"-e {shlex.quote(edit)}" for edit in edits)
        make = f"sed {make} derp.yaml >broken.yaml"
        shell(make)
        subprocess.run(make, shell=True, cwd=self.folder, timeout=PATIENCE_S, check=True)
        done = self.run("derpmap", "lint", broken)
        found = re.search(r"(\d+) errors?\b", done.stdout + done.stderr)
        check(done.returncode == 1 and found is not None and int(found.group(1)) == len(edits),
              f"derpmap finds {len(edits)} mistakes, of which headscale would have told one")
        found = subprocess.run([self.program("derpmap"), "lint", "--format", "json", broken],
                               capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        rules = {f["rule"] for f in json.loads(found.stdout)["findings"]}
        check({"R01", "P01", "P06", "T05"} <= rules, "they are the ones that were made")

    def stop_relay(self):
        self.relay.send_signal(signal.SIGTERM)
        check(self.relay.wait(PATIENCE_S) == 0, "SIGTERM: the relay closed its connections and exited 0")

    def show(self):
        self.start_peers()
        step(1, "Who may use the relay")
        keys = self.make_keys()
        step(2, "A relay on this host, with a self-signed certificate of its own making")
        self.start_relay()
        step(3, "The map that leads to it")
        self.write_map()
        step(4, "Two nodes of the list talk through it")
        target, node = self.read_map()
        self.exchange(target)
        step(5, "A guest is turned away")
        self.turn_away(target, keys)
        step(6, "The guest is put on the list")
        self.let_in(target, keys)
        step(7, "STUN")
        self.stun(node)
        step(8, "A map with mistakes in it")
        self.break_map()
        step(9, "The end")
        self.stop_relay()


TO_DO = """
To run it for real, on a host that your nodes can reach:

   make install
   RELAY=...   # its public address
   derper -hostname $RELAY -certmode manual -certdir /var/lib/derper/certs \\
       -c /var/lib/derper/derper.key -http-port -1 -verify-nodes /etc/derper/nodes
   derpmap generate --from-derper --hostname $RELAY \\
       --certdir /var/lib/derper/certs --region-code home -o derp.yaml
   derpmap lint derp.yaml

then put derp.yaml into derp.paths of headscale's config.yaml. README.md has the rest.
"""


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="derpkit-demo-") as folder:
        demo = Demo(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        try:
            demo.show()
        except Failed as why:
            print(f"\n{paint('31', 'demo failed')}: {why}", file=sys.stderr)
            return 1
        finally:
            demo.stop_all()
    print(TO_DO)
    return 0


if __name__ == "__main__":
    sys.exit(main())
