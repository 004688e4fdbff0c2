#!/usr/bin/env python3
"""Measures relays side by side: same machine, same work, one after the other.

Each relay runs alone on one processor, the load on the others. Every
measurement starts a fresh relay and warms it up, but where all run and take
turns in many short rounds; relays alternate within each repetition, so that a
slow minute of the machine hits all of them; medians are shown. Progress goes to standard error, the table to standard output.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import admission  # noqa: E402
import linked     # noqa: E402
import scenarios  # noqa: E402
import table      # noqa: E402
from relays import Failure, Home, Machine, Relay  # noqa: E402
from work import Work  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Settings:
    """How much is done: the full programme, and what --quick cuts."""

    def __init__(self, quick, workers=2):
        self.runs = 1 if quick else 3
        self.warmup = "500ms" if quick else "700ms"
        self.measure = "1500ms" if quick else "2s"
        self.long = "2s" if quick else "4s"
        self.workers = workers  # of the rows for several
        self.workers_rates = [40000] if quick else [20000, 40000, 60000]
        self.settle = 0.5 if quick else 3  # until memory is given back
        self.transports = [True] if quick else [True, False]  # TLS or not
        self.per_writes = [11] if quick else [1, 11]
        self.rates = [50000] if quick else [25000, 50000]
        self.pairs = [10] if quick else [10, 100, 1000]
        self.first_rate = 50000
        self.probe_hz = 200  # a quiet pair, as a call is
        # pings that outrun a stalled relay's queues would be lost there
        self.storm_hz = 100
        self.idle_clients = 2000
        self.logins = 150 if quick else 300  # in one round
        self.login_rounds = 3 if quick else 15
        self.storm_clients = 1000 if quick else 5000
        # over emulated links, in seconds
        self.wide_idle_s = 2 if quick else 5
        self.wide_warmup_s = 3
        self.wide_s = 5 if quick else 15
        self.slow_s = 20 if quick else 40  # longer than anybody is patient


class Bench:
    def __init__(self, settings, relays, machine, home, load):
        self.settings = settings
        self.relays = relays
        self.machine = machine
        self.home = home
        self.peers = None  # folder with tailscaled, where it is needed
        self.work = Work(load, machine)
        self.runs = []     # every measurement, as it came
        self.results = []  # rows of the table
        self.begin = time.monotonic()

    def say(self, text):
        print("[%5.0f s] %s" % (time.monotonic() - self.begin, text),
              file=sys.stderr, flush=True)

    def capacity(self, running, per_write):
        """What earlier runs have found for this relay; 0: nothing."""
        found = [r["measured"]["capacity"] for r in self.runs
                 if r["scenario"] == "capacity" and
                 r["relay"] == running.relay.name and
                 r["tls"] == running.tls and
                 r["params"]["per_write"] == per_write]
        return statistics.median(found) if found else 0

    def run(self, names, kinds=scenarios.ALL):
        for kind in kinds:
            if kind.name in names:
                scenario = kind(self)
                for tls, params in scenario.cases():
                    self.run_case(scenario, tls, params)
                scenario.finish()

    def run_case(self, scenario, tls, params):
        relays = [r for r in scenario.relays() if scenario.fits(r) and (
            not r.records_only or (tls and scenario.shows_records(params)))]
        if scenario.rounds() > 0:
            self.run_rounds(scenario, tls, params, relays)
        for repeat in range(0 if scenario.rounds() else self.settings.runs):
            for relay in rotated(relays, repeat):
                flags = scenario.flags(params)
                with relay.running(
                        scenario.machine(), self.home, tls, flags) as running:
                    measured = scenario.measure(running, params)
                self.note(scenario, tls, params, relay, repeat, measured)
        for metric in scenario.metrics(params):
            self.add_result(scenario, tls, params, metric)

    def run_rounds(self, scenario, tls, params, relays):
        """All relays run, and take turns."""
        with contextlib.ExitStack() as stack:
            flags = scenario.flags(params)
            all_running = [stack.enter_context(r.running(
                self.machine, self.home, tls, flags)) for r in relays]
            for running in all_running:
                scenario.warm_up(running, params)
            for repeat in range(scenario.rounds()):
                for running in rotated(all_running, repeat):
                    measured = scenario.measure(running, params)
                    self.note(scenario, tls, params, running.relay, repeat,
                              measured)

    def note(self, scenario, tls, params, relay, repeat, measured):
        self.runs.append({"scenario": scenario.name, "tls": tls,
                          "params": params, "relay": relay.name,
                          "repeat": repeat, "measured": measured})
        shown = ", ".join("%s %s" % (m.label, table.number(
            measured.get(m.key), m.unit)) for m in scenario.metrics(params))
        warnings = ""
        if measured["limit"] == "load" and any(
                m.limited for m in scenario.metrics(params)):
            warnings += "; THE LOAD TOOL WAS THE LIMIT"
        if measured["noisy"]:
            warnings += "; noisy: others used %.0f %% of a processor" % (
                100 * measured["others_cpu"])
        self.say("%s, %s, %s, %s, run %d: %s%s" % (
            scenario.name, "TLS" if tls else "plain", scenario.label(params),
            relay.name, repeat + 1, shown, warnings))

    def add_result(self, scenario, tls, params, metric):
        relays, paired = {}, scenario.rounds() > 0
        for relay in scenario.relays():
            found = [r["measured"] for r in self.runs
                     if r["scenario"] == scenario.name and r["tls"] == tls and
                     r["params"] == params and r["relay"] == relay.name]
            if found:
                relays[relay.name] = cell(found, metric)
        self.results.append({
            "scenario": scenario.name, "title": scenario.title,
            "transport": "tls" if tls else "plain", "params": params,
            "label": scenario.label(params), "key": metric.key,
            "metric": metric.label, "unit": metric.unit,
            "better": metric.better, "relays": relays, "paired": paired,
            "ratios": ratios(relays.get("ours"), relays.get("go"), paired),
            "ratio": ratio(relays.get("ours"), relays.get("go"), paired)})

    def document(self):
        return {"version": 1,
                "machine": self.machine.describe(),
                "settings": vars(self.settings),
                "relays": [r.describe() for r in self.relays],
                "seconds": round(time.monotonic() - self.begin, 1),
                "results": self.results,
                "goals": table.goals(self.results),
                "runs": self.runs}


def cell(found, metric):
    values = [m[metric.key] for m in found if m.get(metric.key) is not None]
    limits = [m["limit"] for m in found]
    return {"median": statistics.median(values) if values else None,
            "min": min(values, default=None),
            "max": max(values, default=None),
            "runs": values,
            "limit": statistics.mode(limits) if metric.limited else "none",
            "noisy": 2 * sum(m["noisy"] for m in found) >= len(found)}


def rotated(items, n):
    """In another order each time: nobody is always first."""
    turn = n % max(1, len(items))
    return items[turn:] + items[:turn]


def ratios(ours, go, paired):
    """Ours to Go's in each round; none where they took no turns."""
    if not paired or not ours or not go:
        return []
    return [a / b for a, b in zip(ours["runs"], go["runs"])]


def ratio(ours, go, paired):
    if not ours or not go or ours["median"] is None or not go["median"]:
        return None
    if paired:
        return statistics.median(ratios(ours, go, paired))
    return ours["median"] / go["median"]


def schema_problems(document):
    """What the published schema does not like; none where there is no
    validator."""
    try:
        import jsonschema
    except ImportError:
        return []
    path = os.path.join(HERE, "..", "..", "schemas", "bench.schema.json")
    with open(path, encoding="utf-8") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    return ["schema: %s: %s" % (e.json_path, e.message)
            for e in validator.iter_errors(document)]


def smoke_document(args, relay, machine, home):
    """A bench of one short scenario, as far as the JSON goes."""
    settings = Settings(quick=True)
    settings.logins = 20
    bench = Bench(settings, [relay], machine, home, args.load)
    bench.run(["login"])
    # as it will be read again
    return json.loads(json.dumps(bench.document()))


def smoke(args):
    """Whether the tools work and a small load arrives whole; no figures."""
    relay = Relay("ours", args.ours, "", ["-loops=1"])
    machine, home = Machine(may_share=True), Home()
    work = Work(args.load, machine)
    short = {"warmup": "200ms", "measure": "500ms"}
    problems = []
    try:
        for tls in (True, False):
            with relay.running(machine, home, tls) as running:
                for options in ({"per_write": 1}, {"per_write": 11},
                                {"per_write": 1, "destinations": 2},
                                {"per_write": 11, "websocket": 1}):
                    r = work.run(running, "flow", rate=1000, pairs=4,
                                 probe_hz=50, **short, **options)
                    bad = {k: r[k] for k in ("lost", "unfinished", "corrupt",
                                             "reordered", "broken") if r[k]}
                    if bad or not r["delivered"] or r["latency"]["lost"]:
                        problems.append("flow %s: %s" % (options, r))
                r = work.run(running, "login", clients=20, concurrency=4)
                if r["logins"] != 20 or r["failures"]:
                    problems.append("login: %s" % r)
                with work.hold(running, 20):
                    if running.pss_kb() <= 0:
                        problems.append("no memory figure")
                r = work.run(running, "storm", clients=20, **short)
                if not r["logins"] or r["failures"] or r["latency"]["lost"]:
                    problems.append("storm: %s" % r)
        problems += schema_problems(
            smoke_document(args, relay, machine, home))
    finally:
        home.remove()
    for problem in problems:
        print("bench smoke: " + problem)
    print("bench smoke: %s" % ("FAILED" if problems else "ok"))
    return 1 if problems else 0


def make_relays(args):
    one = ["-loops=1"]
    every = {}
    if args.go:
        every["go"] = Relay("go", args.go, "the Go derper, GOMAXPROCS=1")
    every["ours"] = Relay("ours", args.ours, "own TLS records", one)
    every["openssl"] = Relay(
        "openssl", args.ours, "ours, OpenSSL carries the records",
        one + ["-tls-records=openssl"], records_only=True)
    if args.ours_evp:
        every["evp"] = Relay(
            "evp", args.ours_evp, "ours, built without libipsec-mb", one,
            records_only=True)
    every["one"] = Relay(
        "one", args.ours, "ours with one worker, beside several", one,
        only="workers")
    every["unframed"] = Relay(
        "unframed", args.ours, "ours without WebSocket, beside it", one,
        only="websocket")
    if not args.relays:
        return list(every.values())
    unknown = [n for n in args.relays.split(",") if n not in every]
    if unknown:
        raise Failure("--relays: %s not among %s" % (
            ", ".join(unknown), ", ".join(every)))
    return [every[n] for n in args.relays.split(",")]


def peers_folder(args):
    return os.path.abspath(os.environ.get("DERPKIT_PEERS") or os.path.join(
        os.path.dirname(args.ours), "..", "peers"))


def build_peers(args, programs):
    """Whether these programs of upstream's are there, or could be built."""
    folder = peers_folder(args)

    def there():
        return all(os.access(os.path.join(folder, p), os.X_OK)
                   for p in programs)

    if not there():
        print("bench: building upstream's %s (minutes, the first time)" %
              ", ".join(programs), file=sys.stderr, flush=True)
        script = os.path.join(HERE, "..", "interop", "build-peers.sh")
        subprocess.run([script, folder, *programs], stdout=sys.stderr)
    return there()


def find_go(args):
    """The Go derper to compare with: the one that was named, or one built
    from tests/interop where there is Go. Says so plainly when there is none.
    """
    if args.go:
        if not os.access(args.go, os.X_OK):
            raise Failure("no Go derper at " + args.go)
        return args.go
    if build_peers(args, ["derper"]):
        return os.path.join(peers_folder(args), "derper")
    print("bench: NO GO DERPER: only our own figures, no comparison. Name one "
          "with --go or DERPER_GO.", file=sys.stderr)
    return None


KINDS = scenarios.ALL + admission.ALL
NAMES = [s.name for s in KINDS]
LINKED = [s.name for s in linked.ALL]


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--bin", metavar="DIR",
                   help="folder with derper and derp-load")
    p.add_argument("--ours", help="our derper, if not in --bin")
    p.add_argument("--load", help="derp-load, if not in --bin")
    p.add_argument("--ours-evp", metavar="DERPER",
                   help="our derper, built without libipsec-mb, as a further "
                        "relay to compare")
    p.add_argument("--go", default=os.environ.get("DERPER_GO"),
                   help="the Go derper (default: $DERPER_GO, else it is "
                        "built)")
    p.add_argument("--relays", help="which ones, in order: go,ours,openssl,evp")
    p.add_argument("--only", action="append", metavar="SCENARIO",
                   choices=NAMES + LINKED,
                   help="this scenario only; may be repeated: %s" %
                        ", ".join(NAMES + LINKED))
    p.add_argument("--wide", action="store_true",
                   help="also what is measured over emulated links (%s), in "
                        "network namespaces" % ", ".join(LINKED))
    p.add_argument("--in-namespace", metavar="FILE", help=argparse.SUPPRESS)
    p.add_argument("--quick", action="store_true",
                   help="one short run of a part: a look, no result")
    p.add_argument("--workers", type=int, default=2, metavar="N",
                   help="of the rows for several workers (default 2)")
    p.add_argument("--runs", type=int, help="repetitions (default 3)")
    p.add_argument("--json", metavar="FILE", help="write everything there")
    p.add_argument("--smoke", action="store_true",
                   help="only test that the tools work")
    args = p.parse_args()
    if args.bin:
        args.ours = args.ours or os.path.join(args.bin, "derper")
        args.load = args.load or os.path.join(args.bin, "derp-load")
    for program in (args.ours, args.load):
        if not program or not os.access(program, os.X_OK):
            p.error("no program %s: give --bin, or --ours and --load" % program)
    return args


def wanted(args, names, by_default):
    """Those of the names that are to be run."""
    return [n for n in names if (n in args.only if args.only else by_default)]


def make_bench(args, home):
    settings = Settings(args.quick, args.workers)
    if args.runs:
        settings.runs = args.runs
    return Bench(settings, make_relays(args), Machine(), home, args.load)


def run_in_namespace(args):
    """The child's part: measures over links, and writes what was found."""
    linked.prepare(args.ours)
    home = Home(linked.ADDRESS, stun=True)
    try:
        bench = make_bench(args, home)
        bench.peers = peers_folder(args)
        bench.run(wanted(args, LINKED, True), linked.ALL)
    finally:
        home.remove()
    with open(args.in_namespace, "w", encoding="utf-8") as f:
        json.dump({"runs": bench.runs, "results": bench.results}, f)


def run_linked(args, bench, names):
    """Measures over links in a network namespace, by this program again, and
    adds what was found."""
    if "wide" in names and not build_peers(args, linked.PROGRAMS):
        print("bench: NO TAILSCALED: not measured over a wide area",
              file=sys.stderr)
        names.remove("wide")
    words = [w for n in names for w in ("--only", n)]
    words += ["--go", args.go] if args.go else []
    for name in ("ours", "load", "ours_evp", "relays", "runs"):
        if getattr(args, name):
            words += ["--" + name.replace("_", "-"), str(getattr(args, name))]
    words += ["--quick"] if args.quick else []
    if not names:
        return
    with tempfile.NamedTemporaryFile("r", prefix="derp-bench-") as f:
        done = subprocess.run(
            [*linked.ALONE, sys.executable, "-B", os.path.abspath(__file__),
             "--in-namespace", f.name, *words])
        if done.returncode != 0:
            raise Failure("no measurements over links: they need network "
                          "namespaces and /dev/net/tun")
        found = json.load(f)
    bench.runs += found["runs"]
    bench.results += found["results"]


def main():
    args = parse()
    if args.smoke:
        return smoke(args)
    if args.in_namespace:
        run_in_namespace(args)
        return 0
    args.go = find_go(args)
    home = Home()
    try:
        bench = make_bench(args, home)
        bench.run(wanted(args, NAMES, True), KINDS)
        run_linked(args, bench, wanted(args, LINKED, args.wide))
    finally:
        home.remove()
    shown = [r.name for r in bench.relays
             if any(r.name in row["relays"] for row in bench.results)]
    print(table.render(bench.results, shown))
    print(table.render_goals(table.goals(bench.results)))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(bench.document(), f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print("bench: %s" % failure, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
