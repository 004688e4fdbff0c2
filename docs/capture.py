#!/usr/bin/env python3
"""Makes the pictures of the README from what the programs really print:
capture.py DERPMAP DERPER OUT. Run by `make captures`.

Each is an SVG that looks like a terminal; its colours follow the reader's
setting for light or dark. Everything runs in a temporary folder, the relay on
loopback.
"""

import html
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata

CELL_W, CELL_H, PAD = 7.8, 17, 12
COLUMNS = 108  # longer lines are folded, as in a terminal
LIGHT = {"fg": "#24292f", "bg": "#f6f8fa", "31": "#b62324", "32": "#1a6f37",
         "33": "#7d4e00", "36": "#0b5a8a", "2": "#6e7781"}
DARK = {"fg": "#d1d7e0", "bg": "#151b23", "31": "#ff8f87", "32": "#67d687",
        "33": "#e6b450", "36": "#6cc7f0", "2": "#8b949e"}

BROKEN = """\
# Our relay at home
regions:
  900:
    regionid: 900
    RegionCode: home
    nodes:
      - name: 900a
        regionid: 901
        hostname: https://derp.home.arpa
        derpport: 0443
"""
OLD = """\
regions:
  900:
    regionid: 900
    regioncode: home
    regionname: Home
    nodes:
      - {name: 900a, regionid: 900, hostname: derp.home.arpa, ipv4: 198.51.100.7}
  901:
    regionid: 901
    regioncode: office
    regionname: Office
    nodes:
      - {name: 901a, regionid: 901, hostname: derp2.home.arpa}
"""
NEW = OLD.replace("198.51.100.7", "198.51.100.9").replace(
    "regionname: Office", "regionname: Office (2nd floor)") + """\
  902:
    regionid: 902
    regioncode: lab
    nodes:
      - {name: 902a, regionid: 902, hostname: derp3.home.arpa}
"""


def spans(line, style):
    """Splits a line at its escapes: [(style, text)], and the style after it."""
    out = []
    for part in re.split(r"(\033\[[0-9;]*m)", line):
        if part.startswith("\033["):
            codes = part[2:-1].split(";")
            style = "" if codes in (["0"], [""]) else " ".join(
                [*style.split(), *codes])
        elif part:
            out.append((style, part))
    return out, style


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def fold(text):
    """Cells into lines of at most COLUMNS."""
    lines, style = [], ""
    for line in text.rstrip("\n").split("\n"):
        cells, style = spans(line, style)
        current, used = [], 0
        for kind, part in cells:
            while used + width(part) > COLUMNS:
                cut = COLUMNS - used
                current.append((kind, part[:cut]))
                lines.append(current)
                current, used, part = [], 0, part[cut:]
            current.append((kind, part))
            used += width(part)
        lines.append(current)
    return lines


def colours(of, selector=""):
    rules = [f"{selector}text{{fill:{of['fg']}}}",
             f"{selector}rect{{fill:{of['bg']}}}"]
    rules += [f"{selector}.c{c}{{fill:{v}}}" for c, v in of.items()
              if c.isdigit()]
    return "".join(rules)


def svg_line(cells, y):
    """The elements of a line of text at that height."""
    out, column = [], 0
    for style, part in cells:
        if part.strip():
            names = " ".join("b" if c == "1" else f"c{c}" for c in style.split())
            cls = f' class="{names}"' if names else ""
            out.append(
                f'<text x="{PAD + column * CELL_W:.1f}" y="{y}"{cls} '
                f'textLength="{width(part) * CELL_W:.1f}" '
                f'xml:space="preserve">{html.escape(part)}</text>')
        column += width(part)
    return out


def svg(text, title):
    lines = fold(text)
    w = COLUMNS * CELL_W + 2 * PAD
    h = len(lines) * CELL_H + 2 * PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} '
           f'{h}" width="{w:.0f}" height="{h}" role="img">',
           f"<title>{html.escape(title)}</title>",
           "<style>text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans "
           "Mono',monospace;white-space:pre}.b{font-weight:bold}"
           + colours(LIGHT)
           + "@media(prefers-color-scheme:dark){" + colours(DARK)
           + "}</style>",
           '<rect width="100%" height="100%" rx="6"/>']
    for i, cells in enumerate(lines):
        out += svg_line(cells, PAD + i * CELL_H + 13)
    return "\n".join([*out, "</svg>", ""])


class Terminal:
    def __init__(self, folder, derpmap):
        self.folder, self.derpmap, self.text = folder, derpmap, ""

    def run(self, line, *extra):
        """Runs `derpmap ...` as typed; extra options are not shown."""
        words = line.split()
        assert words[0] == "derpmap"
        done = subprocess.run(
            [self.derpmap, *words[1:], *extra], cwd=self.folder, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "TERM": "xterm"})
        self.text += f"\033[2m$\033[0m \033[1m{line}\033[0m\n"
        self.text += done.stdout.decode()
        return done.returncode


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def probe(terminal, derper):
    """A relay on loopback that admits known nodes only."""
    folder, port, stun = terminal.folder, free_port(), free_port()
    (folder / "nodes").write_text("nodekey:" + "ab" * 32 + "\n")
    relay = subprocess.Popen(
        [derper, "-a", f"127.0.0.1:{port}", "-hostname", "127.0.0.1",
         "-certmode", "manual", "-certdir", str(folder / "certs"), "-c",
         str(folder / "key"), "-http-port", "-1", "-stun-port",
         str(stun), "-verify-nodes", str(folder / "nodes")], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        subprocess.run(
            [terminal.derpmap, "generate", "--from-derper", "--hostname",
             "127.0.0.1", "--certdir", str(folder / "certs"), "--derp-port",
             str(port), "--stun-port", str(stun), "-o",
             str(folder / "derp.yaml")], check=False)
        terminal.run("derpmap probe derp.yaml", "--colour", "always")
    finally:
        relay.terminate()
        relay.wait(10)


def main():
    derpmap, derper, out = (os.path.abspath(x) for x in sys.argv[1:4])
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "derp.yaml").write_text(BROKEN)
        (folder / "old.yaml").write_text(OLD)
        (folder / "new.yaml").write_text(NEW)
        lint, diff = (Terminal(folder, derpmap) for _ in range(2))
        assert lint.run("derpmap lint derp.yaml", "--color", "always") == 1
        assert diff.run("derpmap diff old.yaml new.yaml", "--color",
                        "always") == 1
        pictures = {"lint": lint, "diff": diff}
        pictures["probe"] = Terminal(folder, derpmap)
        probe(pictures["probe"], derper)
        for name, terminal in pictures.items():
            (out / f"{name}.svg").write_text(
                svg(terminal.text, f"derpmap {name} in a terminal"), "utf-8")
            print(out / f"{name}.svg")


if __name__ == "__main__":
    main()
