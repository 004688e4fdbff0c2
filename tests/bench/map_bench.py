#!/usr/bin/env python3
"""What linting a map costs beside parsing it with bare libyaml.

  map_bench.py --bin FOLDER --peer MAP-PEER [--regions N...] [--most RATIO]

For each number of regions a map is made, three nodes in each, and linted and
converted, in turns with libyaml, from a warm cache; the times are user and
system time, medians of the runs, the memory is the largest that was resident.
The text of the findings is written, too, to /dev/null. Time and memory should grow as the map
does. With --most the exit status is 1 when lint needs more than that many times
what libyaml does.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

RUNS = 9


def make(path, regions):
    with open(path, "w", encoding="ascii") as file:
        file.write("regions:\n")
        for i in range(1, regions + 1):
            file.write(f"  {i}:\n    regionid: {i}\n    regioncode: r{i}\n"
                       f"    regionname: Region {i}\n    nodes:\n")
            for j in range(3):
                file.write(
                    f"      - name: {i}{'abc'[j]}\n        regionid: {i}\n"
                    f"        hostname: d{i}-{j}.relay.net\n"
                    f"        ipv4: 8.{i >> 8 & 255}.{i & 255}.{j + 1}\n"
                    f"        ipv6: 2a01:{i:x}::{j + 1}\n"
                    "        derpport: 443\n        stunport: 3478\n")


def cost(command):
    """Seconds of CPU and bytes of memory of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def costs(*commands):
    """The median time of each command, run in turns, and its most memory."""
    runs = [[cost(command) for command in commands] for _ in range(RUNS)]
    return [(statistics.median(run[i][0] for run in runs),
             max(run[i][1] for run in runs)) for i in range(len(commands))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--regions", type=int, nargs="+",
                        default=[1000, 10000])
    parser.add_argument("--most", type=float)
    args = parser.parse_args()
    derpmap = str(pathlib.Path(args.bin) / "derpmap")
    worst = 0
    print(f"{'map':<14} {'MB':>5} {'libyaml':>9} {'lint':>9} {'ratio':>6} "
          f"{'memory':>8} {'convert':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for regions in args.regions:
            path = os.path.join(folder, f"{regions}.yaml")
            make(path, regions)
            (peer, _), (lint, memory), (convert, _) = costs(
                (args.peer, path), (derpmap, "lint", "--no-config", path),
                (derpmap, "convert", path))
            ratio = lint / max(peer, 1e-3)
            worst = max(worst, ratio)
            print(f"{regions:>6} regions {os.path.getsize(path) / 1e6:>5.1f} "
                  f"{peer * 1e3:>6.0f} ms {lint * 1e3:>6.0f} ms "
                  f"{ratio:>6.1f} {memory / 1e6:>5.0f} MB "
                  f"{convert * 1e3:>6.0f} ms")
    return 1 if args.most is not None and worst > args.most else 0


if __name__ == "__main__":
    sys.exit(main())
