"""Our packages under a booted systemd: systemd.py ROOT OLD NEW

Run by 30-systemd.sh, which has made ROOT: a Debian with systemd, what our
packages depend on, and the packages of two versions in /packages. Prints a line
for each point shown. Exit status: 0; 77 and the reason where systemd cannot be
booted; 1.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "relay"))
os.environ.setdefault(
    "DERP_PEER", os.path.join(os.environ.get("DERPKIT_HELPERS", "build/tests"), "derp-peer")
)
from relaytest import DERP_PEER, PATIENCE, Peer, wait_until  # noqa: E402
from servicemanager import stopped, threads  # noqa: E402

BOOT_S = 180  # on a busy machine
WATCHDOG_S = 6
# What the relay confines itself with, which nspawn's own filter does not know.
CALLS = "landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret"
SETTINGS = """DERP_DOMAIN=127.0.0.1
DERP_CERT_MODE=manual
DERP_MESH_PSK_FILE=/run/credentials/derper.service/derper.mesh-key
DERP_MAX_CONNECTIONS=1000
DERPER_ARGS=-loops 3 -verify-nodes /etc/derper/nodes
"""


def shown(text):
    print("systemd: " + text, flush=True)


def is_contained(pid):
    """Whether a process has not our namespace of processes."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


class Booted:
    """A Debian that has been booted, with a network of its own."""

    def __init__(self, root):
        self.root, self.group, self.log = root, None, root.parent / "boot.log"
        self.proc = self.pid = None

    def make_group(self):
        """nspawn takes a part of the tree of control groups that it is in."""
        for tree in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup"):
            if os.path.exists(tree + "/cgroup.procs"):
                self.group = f"{tree}/derpkit-{os.getpid()}"
                os.mkdir(self.group)
                return
        raise OSError("there are no control groups")

    def boot(self):
        """None, or why that does not work here."""
        try:
            self.make_group()
        except OSError as e:
            return f"no control group of its own: {e}"
        with open(self.log, "wb") as log:
            self.proc = subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.group,
                 "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
                 "--private-network", "--boot", "--console=pipe",
                 "--system-call-filter=" + CALLS, "-D", str(self.root)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        state = "no answer of systemd"
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end and self.proc.poll() is None:
            if self.find_pid():
                state = self.run("systemctl", "is-system-running", check=False)
            if state == "running":
                return None
            if state == "degraded":
                shown("booted, but degraded without ours: " + " ".join(self.failed_units().split()))
                return None
            time.sleep(0.2)
        text = self.log.read_text(encoding="utf-8", errors="replace").strip()
        return "; ".join((state.splitlines() or ["?"])[-1:] + text.splitlines()[-1:])

    def children(self):
        path = f"/proc/{self.proc.pid}/task/{self.proc.pid}/children"
        try:
            return pathlib.Path(path).read_text(encoding="ascii").split()
        except OSError:
            return []

    def find_pid(self):
        """Its process 1; nspawn's first child only makes it."""
        if self.pid is None:
            self.pid = next(filter(is_contained, self.children()), None)
        return self.pid

    def kill(self, number):
        """Its process 1, if that is there."""
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(int(self.pid), number)

    def end(self):
        if self.proc and self.proc.poll() is None:
            self.find_pid()
            self.kill(signal.SIGRTMIN + 4)  # poweroff
            try:
                self.proc.wait(30)
            except subprocess.TimeoutExpired:
                # process 1 takes all of its namespace along
                self.kill(signal.SIGKILL)
                self.proc.kill()
                self.proc.wait(30)
        end = time.monotonic() + 10
        while not self.remove_group():
            if time.monotonic() > end:
                print(f"systemd: {self.group} cannot be removed", file=sys.stderr)
                return
            time.sleep(0.2)

    def remove_group(self):
        """Whether it is gone: it cannot go while a process ends in it."""
        try:
            for folder, _, _ in os.walk(self.group or "/nonexistent", topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True

    def enter(self, *namespaces):
        return ["nsenter", "-t", self.pid, *namespaces]

    def run(self, *words, check=True):
        """Its output, both streams, without the last line end."""
        done = subprocess.run(
            self.enter("-m", "-u", "-i", "-n", "-p")
            + ["--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
               "DEBIAN_FRONTEND=noninteractive", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}")
        return done.stdout.rstrip("\n")

    def failed_units(self, *names):
        return self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", *names, check=False)

    def peer(self):
        return Peer((*self.enter("-n"), DERP_PEER))

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit)

    def write(self, path, text, mode=0o644):
        target = pathlib.Path(str(self.root) + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def journal(self, unit, *words):
        """Entries, as what they are. What a unit has written is there: the
        journal takes it when it comes to it."""
        self.run("journalctl", "--sync")
        text = self.run("journalctl", "-u", unit, "-o", "json", "--no-pager", "-q", *words)
        return [json.loads(line) for line in text.splitlines()]

    def host_pid(self, unit):
        """The main process, as it is called outside."""
        inner = self.show(unit, "MainPID")
        space = os.readlink(f"/proc/{self.pid}/ns/pid")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == space:
                    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                        ids = re.search(r"^NSpid:\s+(.*)$", f.read(), re.M).group(1).split()
                    if ids[-1] == inner:
                        return int(pid)
            except OSError:
                continue
        raise AssertionError(f"no process {inner} of {unit}")


class Port:
    """The relay, as Peer names one."""

    tls, port = True, 443


def want(condition, what):
    if not condition:
        raise AssertionError(what)


def want_equal(got, wanted, what):
    want(got == wanted, f"{what}: {got!r}, not {wanted!r}")


class Client:
    """One that connects again when its connection ends, as nodes do."""

    def __init__(self, system, peer, name):
        self.system, self.peer, self.name = system, peer, name
        self.times = self.failed = 0

    def connect(self):
        def once():
            self.peer.connect(self.name, Port)
            line = self.peer.expect(f"(up {self.name} 2|(closed|failed) {self.name} .*)")
            if line.group(0).startswith("up"):
                return True
            self.failed += 1
            time.sleep(0.2)  # as long as a real one waits at least
            return False

        wait_until(once, f"{self.name} to be connected")
        self.times += 1

    def lose(self):
        self.peer.expect(f"(closed|failed) {self.name} .*")


def install(system, version):
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
    system.run("dpkg", "-i", *(f"/packages/{name}_{version}_{arch}.deb" for name in ("derper", "derpmap")))
    want_equal(system.run("dpkg-query", "-W", "-f", "${Version}", "derper"), version, "version")


def show_install(system, version):
    install(system, version)
    for unit in ("derper", "derpverify"):
        want(system.run("systemctl", "is-active", unit, check=False) == "inactive", unit + " runs")
    units = system.run("sh", "-c", "ls /lib/systemd/system/derp*").split()
    want_equal(system.run("systemd-analyze", "verify", "--man=no", *units), "", "systemd-analyze verify")
    shown(f"installed; systemd-analyze verify has nothing to say of {len(units)} units")


def measures(report):
    """The measures that are in force, of the relay's line about them."""
    return re.findall(r" ([^,:]+): on\b", report.split("hardening:", 1)[1])


def hardening_outside():
    """What this kernel lets a relay without a unit have; what a unit adds or takes
    away is seen by the difference."""
    relay = os.path.join(os.environ.get("DERPKIT_BIN", "build/bin"), "derper")
    with tempfile.TemporaryDirectory() as folder:
        proc = subprocess.Popen(
            [relay, "-a=127.0.0.1:0", "-stun=false", "-http-port=-1",
             "-hostname=127.0.0.1", "-certmode=manual", "-certdir=" + folder, f"-c={folder}/key"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            return next(line for line in proc.stderr if "hardening: " in line)
        finally:
            proc.kill()
            proc.wait()
            proc.stderr.close()


def show_start(system, key):
    system.write("/etc/default/derper", SETTINGS)
    system.write("/etc/derper/nodes", f"nodekey:{key}\n")
    system.write("/etc/credstore/derper.mesh-key", os.urandom(32).hex() + "\n", 0o600)
    os.chmod(str(system.root) + "/etc/credstore", 0o700)
    # short, so that it can be waited for
    system.write(
        "/etc/systemd/system/derper.service.d/test.conf",
        f"[Service]\nWatchdogSec={WATCHDOG_S}\n",
    )
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "start", "derper")
    want_equal(system.show("derper", "ActiveState"), "active", "state")
    # which comes behind the message that it is ready
    status = wait_until(lambda: system.show("derper", "StatusText"), "a status")
    want(re.fullmatch(r"0 clients, certificate until \d{4}-\d\d-\d\d, 1 node keys listed", status), status)
    text = "\n".join(x["MESSAGE"] for x in system.journal("derper", "-t", "derper"))
    want("Got mesh key from static file" in text, "no mesh key: " + text)
    hardening = re.search("hardening: .*", text).group(0)
    want_equal(measures(hardening), measures(hardening_outside()), hardening)
    shown("started, with a secret out of /etc/credstore; " + hardening)


def show_reload(system, client):
    client.connect()
    wait_until(lambda: system.show("derper", "StatusText").startswith("1 clients"), "a client in the status")
    other = os.urandom(32).hex()
    with open(str(system.root) + "/etc/derper/nodes", "a", encoding="utf-8") as f:
        f.write(f"nodekey:{other}\n")
    system.run("systemctl", "reload", "derper")
    wait_until(
        lambda: any("received SIGHUP" in x["MESSAGE"] for x in system.journal("derper", "-t", "derper")),
        "the reload",
    )
    wait_until(lambda: "2 node keys" in system.show("derper", "StatusText"), "the list to be read again")
    want_equal(system.show("derper", "ActiveState"), "active", "state")
    client.peer.ping(client.name)
    want_equal(client.times, 1, "connections")
    shown("reloaded: a list is read again, and the client stays connected")


def show_log(system, peer):
    """A login that is refused is one entry, a warning."""
    peer.key("unknown")
    peer.connect("unknown", Port)
    peer.expect("(closed|failed) unknown .*")

    def refusals():
        return [x for x in system.journal("derper", "-t", "derper", "-p", "warning")
                if "client nodekey:" in x["MESSAGE"]]

    found = wait_until(refusals, "the refusal in the journal")
    want_equal(len(found), 1, "entries of a refusal")
    want(re.fullmatch(r"derp: 127\.0\.0\.1:\d+: client nodekey:[0-9a-f]{64} rejected: [^\n]+",
                      found[0]["MESSAGE"]), found[0]["MESSAGE"])
    entries = system.journal("derper", "-t", "derper")
    levels = {x["PRIORITY"] for x in entries}
    want({"4", "6"} <= levels and levels <= {"3", "4", "6", "7"}, f"levels {levels}")
    for x in entries:
        want(not re.search(r"^<\d>|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|\n", x["MESSAGE"]), x["MESSAGE"])
    shown("journal: one line is one entry with its level and no second time; a refused login "
          "is found by journalctl -p warning")


def show_watchdog(system, client):
    """One worker that hangs is enough."""
    before = system.host_pid("derper")
    task = threads(before, "worker 1")
    want_equal(len(task), 1, "threads named worker 1")
    try:
        with stopped(task[0]):
            wait_until(lambda: not os.path.exists(f"/proc/{before}/exe") or
                       system.show("derper", "NRestarts") == "1", "systemd to act")
    except PermissionError as e:
        shown(f"the watchdog is NOT shown: threads may not be traced here: {e}")
        return
    client.lose()
    client.connect()
    want_equal(system.show("derper", "NRestarts"), "1", "restarts")
    text = "\n".join(x["MESSAGE"] for x in system.journal("derper"))
    want("event loop 1 does not answer" in text, text)
    want("Watchdog timeout" in text, text)
    shown("a worker that hangs: told in the journal, killed by the watchdog, started again, the client is back")


def show_sockets(system, client):
    system.run("systemctl", "stop", "derper")
    client.lose()
    system.run("systemctl", "start", "derper-https.socket", "derper-http.socket", "derper-stun.socket")
    want_equal(system.show("derper", "ActiveState"), "inactive", "state")
    client.connect()  # which starts the relay
    wait_until(lambda: system.show("derper", "ActiveState") == "active", "the relay to be ready")
    text = "\n".join(x["MESSAGE"] for x in system.journal("derper", "-t", "derper"))
    for name in ("https", "http", "stun"):
        want(f'socket "{name}" of the service manager' in text, text)
    shown("sockets: the first client starts the relay")


def keep_relaying(clients, upgrade):
    """Packets from one to the other, one at a time, until it is over and both
    have come back once; how many arrived."""
    a, b = clients
    relayed = 0
    end = None
    while not upgrade.done() or a.times + b.times < 4:
        if upgrade.done() and end is None:
            upgrade.result()  # raises what went wrong in it
            end = time.monotonic() + PATIENCE
        want(end is None or time.monotonic() < end, "the upgrade is over, and the relay was not restarted")
        a.peer.do("send a b " + "00" * 200)
        line = a.peer.expect("recv b a 200 .*|(closed|failed) [ab] .*").group(0)
        if line.startswith("recv"):
            relayed += 1
            continue
        (b if line.split()[1] == "a" else a).lose()
        for client in clients:
            client.connect()
    return relayed


def show_upgrade(system, clients, version):
    pid = system.show("derper", "MainPID")
    for client in clients:
        client.times = client.failed = 0
        client.connect()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        upgrade = pool.submit(install, system, version)
        relayed = keep_relaying(clients, upgrade)
    upgrade.result()
    want_equal([client.times for client in clients], [2, 2], "connections")
    want_equal([client.failed for client in clients], [0, 0], "refused connections")
    want(relayed > 1, "nothing was relayed")
    want_equal(system.run("dpkg-query", "-W", "-f", "${Version}", "derper"), version, "version")
    want(system.show("derper", "MainPID") != pid, "the old relay runs")
    wait_until(lambda: system.show("derper", "ActiveState") == "active", "the relay to be ready")
    running = os.readlink(f"/proc/{system.host_pid('derper')}/exe")
    want("(deleted)" not in running, running)
    text = pathlib.Path(str(system.root) + "/etc/default/derper").read_text(encoding="utf-8")
    want_equal(text, SETTINGS, "settings")
    shown(f"upgraded to {version} while {relayed} packets were relayed: each client came back once, "
          "no connection was refused, settings are kept")


def show_admission(system):
    """The admission server."""
    system.write("/etc/credstore/derpverify.tokens", "0123456789abcdef\n", 0o600)
    system.write("/etc/derper/nodes2", "nodekey:" + "a" * 64 + "\n")
    system.write(
        "/etc/default/derpverify",
        "DERPVERIFY_ARGS=--listen 127.0.0.1:8080 --nodes /etc/derper/nodes2 "
        "--token-file /run/credentials/derpverify.service/derpverify.tokens\n",
    )
    system.run("systemctl", "start", "derpverify")
    system.run("systemctl", "reload", "derpverify")
    wait_until(lambda: any("received SIGHUP" in x["MESSAGE"] for x in system.journal("derpverify")), "the reload")
    wait_until(lambda: system.show("derpverify", "ActiveState") == "active", "the end of the reload")
    system.run("systemctl", "stop", "derpverify")
    want_equal(system.show("derpverify", "Result"), "success", "result")
    shown("derpverify: started with tokens, reloaded, stopped")


def show_maps(system):
    """What the timers start: others can read what they write."""
    folder = str(HERE.parent.parent / "examples")
    server = subprocess.Popen(
        system.enter("-n") + ["python3", "-m", "http.server", "-b", "127.0.0.1", "-d", folder, "8000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        system.write("/etc/default/derpmap", "DERPMAP_FETCH_ARGS=http://127.0.0.1:8000/derp.json\n"
                     "DERPMAP_PROBE_ARGS=/var/lib/derpmap/derp.yaml\n")
        wait_until(lambda: system.run("systemctl", "start", "derpmap-fetch.service", check=False) == "",
                   "the map to be fetched")
    finally:
        server.kill()
        server.wait()
    want_equal(system.run("stat", "-c", "%U %a", "/var/lib/derpmap/derp.yaml"), "derpmap 644", "the map")
    # without node_exporter there is nothing to do
    system.run("systemctl", "start", "derpmap-probe.service")
    want_equal(system.show("derpmap-probe.service", "ConditionResult"), "no", "condition")
    metrics = "/var/lib/prometheus/node-exporter"
    system.run("useradd", "-r", "prometheus")
    system.run("install", "-d", "-o", "prometheus", metrics)
    system.run("systemctl", "start", "derpmap-probe.service")
    want_equal(system.show("derpmap-probe.service", "Result"), "success", "result")
    want("derpmap_probe" in system.run("cat", metrics + "/derpmap.prom"), "no metrics")
    want(system.run("stat", "-c", "%U %a", metrics + "/derpmap.prom").startswith("prometheus 644"), "mode")
    shown("derpmap-fetch and derpmap-probe: the map and the metrics are there, and others can read them")


def show_stop(system):
    system.run("systemctl", "stop", "derper-https.socket", "derper-http.socket", "derper-stun.socket")
    system.run("systemctl", "stop", "derper")
    want_equal(system.show("derper", "Result"), "success", "result")
    want_equal(system.show("derper", "ActiveState"), "inactive", "state")
    want_equal(system.failed_units("derp*"), "", "failed units")
    shown("stopped in good order; no unit of ours has failed")


def scenario(system, old, new):
    show_install(system, old)
    peer = system.peer()
    clients = [Client(system, peer, "a"), Client(system, peer, "b")]
    private = os.urandom(32).hex()
    key = peer.key("a", private)
    show_start(system, key)
    show_reload(system, clients[0])
    show_log(system, peer)
    show_watchdog(system, clients[0])
    show_sockets(system, clients[0])
    with open(str(system.root) + "/etc/derper/nodes", "a", encoding="utf-8") as f:
        f.write(f"nodekey:{peer.key('b')}\n")
    system.run("systemctl", "reload", "derper")
    wait_until(lambda: "3 node keys" in system.show("derper", "StatusText"), "the list to be read again")
    clients[0].peer.do("close a")
    clients[0].lose()
    show_upgrade(system, clients, new)
    show_admission(system)
    show_maps(system)
    show_stop(system)
    peer.stop()


def main():
    root, old, new = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    system = Booted(root)
    try:
        why = system.boot()
        if why:
            print("SKIPPED: systemd-nspawn does not boot here: " + why)
            return 77
        scenario(system, old, new)
    finally:
        system.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
