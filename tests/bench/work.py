"""One run of derp-load against a running relay, and what limited it."""

import json
import os
import subprocess

from relays import Failure

BUSY = 0.93  # of its processors: nothing more to get out of it
LATE = 0.01  # of the packets: the load tool did not keep its schedule
NOISY = 0.10  # of a processor, used by programs that are not ours
SPARE_S = 120  # logins, draining


class Work:
    """Starts derp-load pinned to the load's processors."""

    def __init__(self, program, machine):
        self.program = program
        self.machine = machine

    def command(self, running, mode, options):
        words = [self.program, mode, "-addr=" + running.addr,
                 "-relay-pid=%d" % running.process.pid]
        if running.tls:
            words.append("-tls")
        for name, value in options.items():
            words.append("-%s=%s" % (name.replace("_", "-"), value))
        return words

    def start(self, running, mode, options):
        cores = self.machine.load
        return subprocess.Popen(
            self.command(running, mode, options), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def run(self, running, mode, **options):
        """Runs to the end; the report, with our judgement added."""
        process = self.start(running, mode, options)
        try:
            out, err = process.communicate(timeout=SPARE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure("derp-load %s hangs against %s" % (
                mode, running.relay.name)) from None
        if process.returncode != 0:
            raise Failure("derp-load %s against %s: %s\n%s" % (
                mode, running.relay.name, err.strip(), running.last_words()))
        report = json.loads(out)
        report["limit"] = self.limit(report)
        report["noisy"] = report.get("others_cpu", 0) > NOISY
        return report

    def limit(self, report):
        """What kept the run from doing more: relay, load or nothing."""
        relay = report.get("relay_cpu", 0) / len(self.machine.relay)
        load = report.get("load_cpu", 0) / len(self.machine.load)
        if report.get("late", 0) > LATE * report.get("sent", 0):
            return "load"
        if relay >= BUSY:
            return "relay"
        # at a fixed rate a busy load tool matters once something is amiss
        calm = report.get("rate", 0) > 0 and report["loss"] < LATE
        return "load" if load >= BUSY and not calm else "none"

    def hold(self, running, clients):
        """Logs clients in and keeps them; a context manager."""
        return Held(self.start(running, "idle", {"clients": clients}))


class Held:
    def __init__(self, process):
        self.process = process

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line or json.loads(line).get("event") != "ready":
            _, err = self.process.communicate()
            raise Failure("derp-load idle: " + err.strip())
        return self

    def __exit__(self, *_):
        # its standard input ends, so it goes
        out, err = self.process.communicate(timeout=SPARE_S)
        if self.process.returncode != 0:
            raise Failure("derp-load idle: " + err.strip())
        report = json.loads(out)
        if report["failures"] or report["lost_clients"]:
            raise Failure("of %d idle clients %d could not log in and %d were "
                          "cut off" % (report["clients"], report["failures"],
                                       report["lost_clients"]))
