"""What is measured: one class per question, one method per measurement.

A scenario yields rows: a dict of what was asked (`params`) and, per metric,
how to read it out of a measurement. The bench repeats, alternates and takes
medians; a scenario only says what one measurement of one relay is.
"""

import sys
import time

from work import Work

PASS_LOSS = 0.01    # capacity: less than this is lost
PASS_SENT = 0.98    # and at least this of the offer was taken
STEP = 1.5          # growth of the offer while searching upwards
CLOSE = 1.06        # upper over lower end at which a search ends
TRIALS = 14         # per search, however it goes


class Metric:
    """`limited`: worth more if the load tool were faster."""

    def __init__(self, key, label, unit, better="lower", limited=False):
        self.key = key
        self.label = label
        self.unit = unit
        self.better = better
        self.limited = limited


class Scenario:
    name = ""
    title = ""

    def __init__(self, bench):
        self.bench = bench
        self.set = bench.settings

    def cases(self):
        """Yields (tls, params)."""
        raise NotImplementedError

    def metrics(self, params):
        raise NotImplementedError

    def label(self, params):
        return ""

    def fits(self, relay):
        """Whether this relay has what is measured."""
        return True

    def flags(self, params):
        """Further flags of the relays."""
        return []

    def finish(self):
        """All has been measured."""

    def machine(self):
        """Which processors are used."""
        return self.bench.machine

    def relays(self):
        """Those that are measured."""
        return [r for r in self.bench.relays if r.only in (None, self.name)]

    def shows_records(self, params):
        """Whether ways to carry TLS records are worth comparing here."""
        return True

    def rounds(self):
        """How often relays that all run take turns; 0: each measurement has a
        relay of its own, and no other runs beside it."""
        return 0

    def warm_up(self, running, params):
        """Before a relay's first turn."""

    def measure(self, running, params):
        """One measurement of one relay: a dict with the metrics' keys."""
        raise NotImplementedError

    def flow(self, running, **options):
        times = {"warmup": self.set.warmup, "measure": self.set.measure,
                 "drain": "2s"}
        return self.bench.work.run(running, "flow", **{**times, **options})


class Cpu(Scenario):
    name = "cpu"
    title = "CPU per delivered packet at equal offered load"

    def cases(self):
        for tls in self.set.transports:
            for rate in self.set.rates:
                for per_write in (1, 11):
                    for pairs in self.set.pairs:
                        yield tls, {"rate": rate, "per_write": per_write,
                                    "pairs": pairs}

    def metrics(self, params):
        return [Metric("relay_us_per_packet", "CPU per packet", "us"),
                Metric("loss", "lost", "share")]

    def label(self, params):
        return "%dk/s, %d per write, %d pairs" % (
            params["rate"] // 1000, params["per_write"], params["pairs"])

    def shows_records(self, params):
        return params["pairs"] == 10

    def measure(self, running, params):
        return self.flow(running, **params)


class Workers(Cpu):
    """Several workers on as many cores, beside one that may use them all."""

    name = "workers"
    title = "CPU per delivered packet, several workers"

    def __init__(self, bench):
        super().__init__(bench)
        self.shared = bench.machine.shared_by(self.set.workers)

    def cases(self):
        if self.shared is None:
            print("bench: not enough processors for %d workers" %
                  self.set.workers, file=sys.stderr)
            return
        for rate in self.set.workers_rates:
            yield False, {"rate": rate, "per_write": 1, "pairs": 10}

    def machine(self):
        return self.shared

    def relays(self):
        """The Go relay with as many processors, ours with as many workers,
        and ours with one."""
        return [r if r.only else r.with_workers(self.set.workers)
                for r in super().relays()]

    def shows_records(self, params):
        return False

    def label(self, params):
        return "%d workers, %s" % (self.set.workers, super().label(params))

    def measure(self, running, params):
        work = Work(self.bench.work.program, self.shared)
        return work.run(running, "flow", warmup=self.set.warmup,
                        measure=self.set.measure, drain="2s", **params)


class Hubs(Cpu):
    """Senders with many destinations each: what finding one costs."""

    name = "hubs"
    title = "CPU per delivered packet, senders with many destinations"
    destinations = 64

    def cases(self):
        for tls in self.set.transports:
            yield tls, {"rate": self.set.rates[-1], "per_write": 1,
                        "pairs": 2 * self.destinations,
                        "destinations": self.destinations}

    def label(self, params):
        return "%dk/s, %d per write, %d senders, %d destinations each" % (
            params["rate"] // 1000, params["per_write"],
            params["pairs"] // params["destinations"], params["destinations"])

    def shows_records(self, params):
        return False


class Mesh(Cpu):
    """Two relays of one kind, senders at one and receivers at the other: what
    a packet costs both."""

    name = "mesh"
    title = "CPU per delivered packet across a mesh of two relays"

    def cases(self):
        for per_write in (1, 11):
            yield True, {"rate": self.set.rates[0], "per_write": per_write,
                         "pairs": 10}

    def shows_records(self, params):
        return False

    def measure(self, running, params):
        running.__exit__()
        far = running.relay.running(self.machine(), self.bench.home, True)
        for node, other in ((running, far), (far, running)):
            node.join_mesh(other, self.bench.home)
        with running, far:
            running.wait_for_mesh()
            far.wait_for_mesh()
            return self.flow(running, far_addr=far.addr,
                             far_pid=far.process.pid, **params)


class WebSocket(Cpu):
    """Messages around the frames, and a mask over what clients send."""

    name = "websocket"
    title = "CPU per delivered packet over WebSocket"

    def cases(self):
        for per_write in (1, 11):
            yield True, {"rate": self.set.rates[-1], "per_write": per_write,
                         "pairs": 10}

    def shows_records(self, params):
        return False

    def measure(self, running, params):
        framed = {} if running.relay.only == self.name else {"websocket": 1}
        return self.flow(running, **framed, **params)


class Capacity(Scenario):
    name = "capacity"
    title = "Capacity of one core: highest offered load with < 1 % loss"

    def cases(self):
        for tls in self.set.transports:
            for per_write in self.set.per_writes:
                yield tls, {"per_write": per_write, "pairs": 10}

    def metrics(self, params):
        return [Metric("capacity", "capacity", "packets/s", "higher", True),
                Metric("relay_us_per_packet", "CPU per packet there", "us")]

    def label(self, params):
        return "%d per write, %d pairs" % (params["per_write"],
                                           params["pairs"])

    def shows_records(self, params):
        return params["per_write"] == 11

    def measure(self, running, params):
        known = self.bench.capacity(running, params["per_write"])
        best, limit = self.search(running, params, known)
        return {**best, "capacity": best["delivered_per_s"], "limit": limit}

    def trial(self, running, params, rate):
        for _ in range(2):
            report = self.flow(running, rate=int(rate), **params)
            passed = (report["loss"] < PASS_LOSS and
                      report["sent_per_s"] >= PASS_SENT * rate)
            # others at work may have spoiled it: once more
            if passed or not report["noisy"]:
                break
        self.bench.say("  %s %d/s: %s (%.2f %% lost, relay %.0f %%, load "
                       "%.0f %%)" % (
                           running.relay.name, rate,
                           "holds" if passed else "too much",
                           100 * report["loss"], 100 * report["relay_cpu"],
                           100 * report["load_cpu"]))
        return passed, report

    def search(self, running, params, known):
        """The best report that passed, and what limited the first that did
        not. Starts near what an earlier run found, if there was one."""
        rate = 0.9 * known if known else self.set.first_rate
        step = 1.12 if known else STEP
        low, high, best, limit = 0, None, None, "none"
        for _ in range(TRIALS):
            passed, report = self.trial(running, params, rate)
            if passed:
                low, best = rate, report
                step = min(STEP, 1.15 * step)
            else:
                high, limit = rate, report["limit"]
            if low and high and high / low < CLOSE:
                break
            rate = self.next_rate(low, high, step, report, passed)
        return best or report, limit

    @staticmethod
    def next_rate(low, high, step, report, passed):
        if high is None:
            return low * step
        middle = (low * high) ** 0.5 if low else high / step
        # A relay that pushes back says itself how much it takes.
        if not passed and report["loss"] < PASS_LOSS:
            middle = max(middle, 0.97 * report["delivered_per_s"])
        return min(middle, high / (1 + (CLOSE - 1) / 2))


class Unstoppable(Scenario):
    name = "unstoppable"
    title = "Goodput when the senders never stop"

    def cases(self):
        return Capacity.cases(self)

    def metrics(self, params):
        return [Metric("delivered_per_s", "delivered", "packets/s", "higher",
                       True),
                Metric("share", "share of own capacity", "share", "higher",
                       True),
                Metric("relay_us_per_packet", "CPU per packet", "us"),
                Metric("loss", "lost", "share")]

    label = Capacity.label
    shows_records = Capacity.shows_records

    def measure(self, running, params):
        report = self.flow(running, rate=0, **params)
        known = self.bench.capacity(running, params["per_write"])
        if known:
            report["share"] = report["delivered_per_s"] / known
        return report


def quantiles(report):
    found = report["latency"]
    return {"p50_us": found["p50_us"], "p99_us": found["p99_us"],
            "p999_us": found["p999_us"], "lost_pings": found["lost"]}


class Latency(Scenario):
    name = "latency"
    title = "Round trip of a quiet pair, two hops, 64 bytes"

    def cases(self):
        for tls in self.set.transports:
            yield tls, {"load": "idle"}
            yield tls, {"load": "equal", "rate": self.set.rates[0]}
            yield tls, {"load": "half"}

    def metrics(self, params):
        return [Metric("p50_us", "p50", "us"), Metric("p99_us", "p99", "us"),
                Metric("p999_us", "p99.9", "us")]

    def label(self, params):
        if params["load"] == "equal":
            return "at %dk/s, 11 per write" % (params["rate"] // 1000)
        if params["load"] == "half":
            return "at 50 % of own capacity"
        return "idle"

    def shows_records(self, params):
        return params["load"] == "idle"

    def measure(self, running, params):
        options = {"probe_hz": self.set.probe_hz, "measure": self.set.long}
        if params["load"] == "idle":
            report = self.bench.work.run(
                running, "latency", warmup=self.set.warmup, **options)
        else:
            rate = params.get("rate")
            if rate is None:
                rate = (self.bench.capacity(running, 11) or
                        self.set.first_rate) // 2
            report = self.flow(running, rate=int(rate), per_write=11,
                               pairs=10, **options)
        return {**report, **quantiles(report)}


class Memory(Scenario):
    name = "memory"
    title = "Memory per idle connection"

    def cases(self):
        for tls in self.set.transports:
            yield tls, {"clients": self.set.idle_clients,
                        "more": 3 * self.set.idle_clients}

    def metrics(self, params):
        return [Metric("kb_per_connection", "resident", "kB")]

    def label(self, params):
        return "from %d to %d connections" % (
            params["clients"], params["clients"] + params["more"])

    def measure(self, running, params):
        # The slope between two sizes: the first connections pay for what is
        # allocated once and for all, and leave free memory behind that later
        # ones use.
        with self.bench.work.hold(running, params["clients"]):
            time.sleep(self.set.settle)
            before = running.pss_kb()
            with self.bench.work.hold(running, params["more"]):
                time.sleep(self.set.settle)
                after = running.pss_kb()
        return {"kb_per_connection": (after - before) / params["more"],
                "before_kb": before, "after_kb": after, "limit": "none",
                "noisy": False}


class Login(Scenario):
    name = "login"
    title = "CPU per login"

    def cases(self):
        for tls in self.set.transports:
            yield tls, {"clients": self.set.logins, "concurrency": 16}

    def metrics(self, params):
        return [Metric("relay_us_per_login", "CPU per login", "us")]

    def label(self, params):
        return "%d at a time" % params["concurrency"]

    def rounds(self):
        # A login is mostly computing, at the pace that the processor and its
        # caches have at the moment: what others do beside it moves a figure by
        # a third, for a second or a minute. Rounds of a fraction of a second
        # in turn are disturbed alike, and are compared one by one.
        return self.set.login_rounds

    def warm_up(self, running, params):
        self.bench.work.run(running, "login", clients=200)

    def measure(self, running, params):
        return self.bench.work.run(running, "login", **params)


class Storm(Scenario):
    name = "storm"
    title = "A quiet pair while clients reconnect without end"

    def cases(self):
        for tls in self.set.transports:
            yield tls, {"clients": self.set.storm_clients}

    def metrics(self, params):
        return [Metric("p99_us", "p99 of the quiet pair", "us"),
                Metric("p50_us", "p50 of the quiet pair", "us"),
                Metric("lost_pings", "lost pings", ""),
                Metric("logins_per_s", "logins", "1/s", "higher", True),
                Metric("failures", "failed logins", "")]

    def label(self, params):
        return "%d clients" % params["clients"]

    def shows_records(self, params):
        return False

    def measure(self, running, params):
        report = self.bench.work.run(
            running, "storm", probe_hz=self.set.storm_hz,
            warmup=self.set.warmup, measure=self.set.long, concurrency=64,
            **params)
        return {**report, **quantiles(report)}


# in this order: later ones use the capacities that earlier ones found
ALL = [Cpu, Workers, Hubs, Mesh, WebSocket, Capacity, Unstoppable, Latency,
       Memory, Login, Storm]
