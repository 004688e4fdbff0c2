"""Prints results side by side and compares them with what is wanted."""

import statistics


def number(value, unit):
    if value is None:
        return "-"
    if unit == "share":
        return "%.1f %%" % (100 * value)
    if abs(value) >= 1000:
        return "%d" % round(value)
    if abs(value) >= 100:
        return "%.0f" % value
    return "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def mark(cell):
    """What a reader must know about a cell."""
    return (" L" if cell["limit"] == "load" else "") + (
        " N" if cell["noisy"] else "")


def middle_half(values):
    """Between which values half of them lie."""
    if len(values) < 3:
        return min(values), max(values)
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    return quartiles[0], quartiles[2]


def cell_text(cell, unit, paired=False):
    if cell is None or cell["median"] is None:
        return "-"
    text = number(cell["median"], unit)
    if paired:
        text += " (%s-%s)" % tuple(
            number(v, unit) for v in middle_half(cell["runs"]))
    return text + mark(cell)


def ratio_text(result):
    if result["ratio"] is None:
        return "-"
    text = "%.2fx" % result["ratio"]
    if result["ratios"]:
        text += " (%.2f-%.2f)" % middle_half(result["ratios"])
    return text


def lines_of(results, relays):
    """The table as a list of rows of text, one list of cells each."""
    head = [""] + relays + (["ours/go"] if "go" in relays else [])
    yield head
    last = None
    for r in results:
        place = (r["scenario"], r["transport"])
        if place != last:
            yield ["%s, %s" % (r["title"], r["transport"].upper() if
                               r["transport"] == "tls" else "plain")]
            last = place
        text = "  " + ", ".join(x for x in (r["label"], r["metric"]) if x)
        if r["unit"] not in ("", "share"):
            text += " (%s)" % r["unit"]
        cells = [cell_text(r["relays"].get(name), r["unit"], r["paired"])
                 for name in relays]
        if "go" in relays:
            cells.append(ratio_text(r))
        yield [text] + cells


def render(results, relays):
    rows = list(lines_of(results, relays))
    full = [row for row in rows if len(row) > 1]
    widths = [max(len(row[i]) for row in full) for i in range(len(full[0]))]
    out = []
    for row in rows:
        if len(row) == 1:
            out.append("")
            out.append(row[0])
            continue
        out.append("  ".join([row[0].ljust(widths[0])] + [
            row[i].rjust(widths[i]) for i in range(1, len(row))]).rstrip())
    if any(r["paired"] for r in results):
        out += ["", "(a-b): the relays took turns, and half of the rounds lie "
                    "there; a ratio is that of each round."]
    cells = [c for r in results for c in r["relays"].values()]
    if any(c["limit"] == "load" for c in cells):
        out += ["", "L: the load tool was the limit there, not the relay: the "
                    "relay can do more than is shown."]
    if any(c["noisy"] for c in cells):
        out += ["", "N: other programs used the machine in at least half of "
                    "the runs."]
    return "\n".join(out)


def find(results, scenario, transport, key, **params):
    for r in results:
        if (r["scenario"], r["transport"], r["key"]) == (
                scenario, transport, key) and all(
                    r["params"].get(k) == v for k, v in params.items()):
            return r
    return None


def goal(text, row, bound, below=True, absolute=False, to=None):
    """One line of the list of goals; None when it was not measured. What is
    compared is the ratio to the Go relay, or to another one, or the figure
    itself."""
    if row is None:
        return None
    ours = row["relays"].get("ours")
    other = (row["relays"].get(to) or {}).get("median")
    got = (ours or {}).get("median")
    if to is not None:
        got = got / other if got is not None and other else None
    elif not absolute:
        got = row["ratio"]
    if got is None:
        return None
    met = got <= bound if below else got >= bound
    limited = ours["limit"] == "load" and not met
    return {"goal": text, "got": round(got, 3), "bound": bound,
            "met": met, "load_limited": limited}


def goals(results):
    """What the project wants of itself: TLS, one core, 1400 bytes, where
    nothing else is said."""
    def row(scenario, key, **params):
        return find(results, scenario, "tls", key, **params)

    per_packet = "relay_us_per_packet"
    wanted = [
        goal("CPU per packet at 50k/s, 1 per write, to Go's: <= 0.65",
             row("cpu", per_packet, rate=50000, per_write=1, pairs=10), 0.65),
        goal("CPU per packet at 50k/s, 11 per write, to Go's: <= 0.25",
             row("cpu", per_packet, rate=50000, per_write=11, pairs=10), 0.25),
        goal("capacity at 11 per write, to Go's: >= 3.5",
             row("capacity", "capacity", per_write=11), 3.5, below=False),
        goal("CPU per packet at capacity, 11 per write, to Go's: <= 0.2",
             row("capacity", per_packet, per_write=11), 0.2),
        goal("goodput with unstoppable senders, share of capacity: >= 0.9",
             row("unstoppable", "share", per_write=11), 0.9, below=False,
             absolute=True),
        goal("idle connection: <= 3 kB",
             row("memory", "kb_per_connection"), 3, absolute=True),
        goal("idle connection, to Go's: <= 0.05",
             row("memory", "kb_per_connection"), 0.05),
        goal("CPU per login, to Go's: <= 0.5",
             row("login", "relay_us_per_login"), 0.5),
        goal("CPU per login, verified, to Go's: <= 0.5",
             row("verified", "relay_us_per_login"), 0.5),
        goal("round trip p50, idle, to Go's: <= 1",
             row("latency", "p50_us", load="idle"), 1),
        goal("round trip p99, idle, to Go's: <= 1",
             row("latency", "p99_us", load="idle"), 1),
    ]
    wanted += [
        goal("CPU per packet at %dk/s, two workers, to one's: <= 1.15" %
             (rate // 1000), find(results, "workers", "plain", per_packet,
                                  rate=rate), 1.15, to="one")
        for rate in (20000, 40000, 60000)]
    wanted += [
        goal("CPU per packet over WebSocket, %d per write, to without: <= 1.2" %
             per_write, row("websocket", per_packet, per_write=per_write), 1.2,
             to="unframed")
        for per_write in (1, 11)]
    return [g for g in wanted if g is not None]


def render_goals(found):
    if not found:
        return ""
    out = ["", "Goals (TLS and a relay on one core, where nothing else is said):"]
    for g in found:
        state = "met" if g["met"] else (
            "not shown: load tool at its limit" if g["load_limited"]
            else "MISSED")
        out.append("  %-66s %8.3f  %s" % (g["goal"], g["got"], state))
    return "\n".join(out)
