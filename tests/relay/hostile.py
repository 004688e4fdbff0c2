"""What the hostile scenarios share: crowds, a quiet pair, a look at the relay.

A quiet pair is two clients of a process of their own that exchange a packet
every few milliseconds while somebody else misbehaves: none may be lost. How
long they take before and during the attack is printed, and only a grossly
longer time is a failure, as machines that test are busy machines.

Environment: DERP_CROWD is the crowd program, DERPKIT_SCALE divides crowds.
"""

import collections
import os
import re
import resource
import subprocess
import time

from relaytest import HOST, PATIENCE, Lines, Scenario, wait_until

DERP_CROWD = os.environ.get("DERP_CROWD", "derp-crowd")
SCALE = int(os.environ.get("DERPKIT_SCALE", "1"))
P99_BOUND_US = 2_000_000
# What the relay may have grown by once everybody has left: its allocator keeps
# some. Sanitizers keep freed memory on purpose.
KEPT_KB = 24 * 1024 * (1 if SCALE == 1 else 24)
# Less than any deadline of the relay, the shortest of which is 10 s, and more
# than a busy machine stalls: what comes sooner has waited for none.
AT_ONCE_S = 5
LOGIN_S = 5 if SCALE == 1 else 20  # a login while others do their worst
SILENCE_S = 0.5  # how long the pair runs before the attack, a measurement

Mark = collections.namedtuple("Mark", "sent lost p50 p99 max")


def scaled(count):
    return max(1, count // SCALE)


def descriptors():
    """How many this process may have; raises the limit as far as it goes."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Crowd:
    """A derp-crowd process."""

    def __init__(self, test, relay, env=None):
        command = [DERP_CROWD, HOST, str(relay.port)]
        command += ["tls"] if getattr(relay, "tls", False) else []
        self.proc = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
        )
        self.out = Lines(self.proc.stdout)
        self.taken = 0
        test.addCleanup(self.stop)

    def ask(self, command, patience=4 * PATIENCE):
        """The answer, without its first word."""
        self.tell(command)
        return self.answer(command.split()[0], patience)

    def tell(self, command):
        self.proc.stdin.write((command + "\n").encode())
        self.proc.stdin.flush()

    def answer(self, name, patience=4 * PATIENCE):
        match = self.out.wait(rf"^({name}|error)( .*)?$", self.taken, patience)
        if match.group(1) == "error":
            raise AssertionError(match.group(0))
        with self.out.cond:
            self.taken = self.out.lines.index(match.group(0), self.taken) + 1
        return (match.group(2) or "").strip()

    def login(self, count):
        answer = self.ask(f"login {count}")
        if not answer.startswith(f"{count} 0 "):
            raise AssertionError(f"of {count} logins: {answer}")

    def burst(self, size=100):
        """How many were sent, arrived and were wrong."""
        return tuple(int(x) for x in self.ask(f"burst {size}").split())

    def mark(self):
        return Mark(*(int(x) for x in self.ask("mark").split()))

    def broken(self):
        return re.findall(r"^broken.*", self.out.text(), re.M)

    def stop(self):
        if self.proc.poll() is None:
            self.proc.stdin.close()
        if self.proc.wait(PATIENCE) != 0:
            raise AssertionError(f"derp-crowd ended with {self.proc.returncode}")


def rss_kb(relay):
    with open(f"/proc/{relay.proc.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def open_files(relay):
    return len(os.listdir(f"/proc/{relay.proc.pid}/fd"))


def cpu_seconds(relay):
    with open(f"/proc/{relay.proc.pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class HostileScenario(Scenario):
    """A relay, a quiet pair on it, and what must hold after an attack."""

    tls = False
    flags = ()
    quiet_env = None  # of the pair's process

    def besiege(self, *flags, **options):
        """Starts the relay and the pair, and remembers how things were."""
        self.relay = self.derper(*self.flags, *flags, tls=self.tls, **options)
        self.quiet = Crowd(self, self.relay, self.quiet_env)
        self.quiet.login(2)
        self.quiet.ask("pair 2 200")
        time.sleep(SILENCE_S)
        self.before = self.quiet.mark()
        self.assertEqual(self.before.lost, 0)
        self.assertGreater(self.before.sent, 0)
        self.files = open_files(self.relay)
        self.rss = rss_kb(self.relay)
        return self.relay

    def undisturbed(self, what=""):
        """The pair has lost nothing since besiege or the last call."""
        now = self.quiet.mark()
        while now.sent == 0:  # too soon to tell
            self.assertEqual(now.lost, 0)
            time.sleep(0.05)
            now = self.quiet.mark()
        name = f"{type(self).__name__}.{what or self._testMethodName}"
        print(
            f"{name}: quiet pair p99 {self.before.p99} us before, {now.p99} us "
            f"during (p50 {self.before.p50}, {now.p50}), "
            f"{now.sent} exchanges, {now.lost} lost",
            flush=True,
        )
        self.assertEqual(self.quiet.broken(), [])
        if now.lost > 0:  # what the relay knows of it
            print(self.relay.counters(), flush=True)
        self.assertEqual(now.lost, 0)
        self.assertLess(now.p99, P99_BOUND_US)

    def left(self, slack=0):
        """Whoever attacked has gone, and nothing of it stays."""
        wait_until(
            lambda: open_files(self.relay) <= self.files + slack,
            f"descriptors to be closed: {open_files(self.relay)}, were {self.files}",
        )
        wait_until(
            lambda: rss_kb(self.relay) - self.rss < KEPT_KB,
            f"memory to be given back: {rss_kb(self.relay)} kB, was {self.rss}",
        )
        grown = rss_kb(self.relay) - self.rss
        print(f"{self._testMethodName}: RSS {self.rss} kB, {grown:+} kB after")

    def logged(self, pattern, start, started):
        """There is such a line since then, and not a flood of lines."""
        self.relay.wait_log(pattern, start)
        # per loop and kind of line 20 at once and 5 a second, each with a note
        # that counts those held back; machines stall
        lasted = time.monotonic() - started
        allowed = 2 * 2 * os.cpu_count() * (20 + 5 * (lasted + 2))
        with self.relay.log.cond:
            lines = self.relay.log.lines[start:]
        self.assertLess(len(lines), allowed)
        return lines
