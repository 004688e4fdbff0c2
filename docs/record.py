#!/usr/bin/env python3
"""Makes a moving picture of a program in a terminal: record.py OUT COMMAND...
Run by `make captures`, for `make demo`.

An SVG that scrolls as the terminal did, by one CSS animation and no script, so
that it also moves where a page shows it as an image. It moves as fast as one
reads, not as fast as the program was; whoever asks for no motion sees the end.
"""

import html
import os
import pathlib
import pty
import sys

from capture import CELL_H, CELL_W, COLUMNS, DARK, LIGHT, PAD, colours, fold, svg_line

ROWS = 26
STEP = "\033[1m"  # bold: the heading of a step
EACH_S, STEP_S, END_S = 0.12, 1.5, 5.0  # a line, before a step, at the end


def recorded(command):
    """The lines that the command writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    text = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not some:
            break
        text += some
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise SystemExit(f"record: {command[0]} ended with status {status}")
    return text.decode().replace("\r", "").rstrip("\n").split("\n")


def schedule(lines):
    """Rows of cells, each with when it is shown."""
    rows, shown = [], 0.0
    for line in lines:
        shown += STEP_S if line.startswith(STEP) and rows else EACH_S
        rows += [(shown, cells) for cells in fold(line or " ")]
    return rows


def keyframes(rows, total):
    """The place of all rows after each: the newest is the lowest."""
    places = [(0, 0), *((100 * shown / total, number)
                        for number, (shown, _) in enumerate(rows, 1)),
              (100, len(rows))]
    frames = [f"{at:.3f}%{{transform:translateY({(ROWS - number) * CELL_H}px)}}"
              for at, number in places]
    return "@keyframes scroll{" + "".join(frames) + "}"


def animation(rows, title):
    total = rows[-1][0] + END_S
    w, h = COLUMNS * CELL_W + 2 * PAD, ROWS * CELL_H + 2 * PAD
    end = (ROWS - len(rows)) * CELL_H
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h}" '
           f'width="{w:.0f}" height="{h}" role="img">',
           f"<title>{html.escape(title)}</title>",
           "<style>text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
           "monospace;white-space:pre}.b{font-weight:bold}", colours(LIGHT),
           "@media(prefers-color-scheme:dark){", colours(DARK), "}",
           keyframes(rows, total),
           f".all{{transform:translateY({end}px);"
           f"animation:scroll {total:.1f}s step-end infinite}}"
           "@media(prefers-reduced-motion:reduce){.all{animation:none}}</style>",
           '<rect width="100%" height="100%" rx="6"/>',
           f'<svg x="0" y="{PAD}" width="{w:.0f}" height="{ROWS * CELL_H}">',
           '<g class="all">']
    for number, (_, cells) in enumerate(rows):
        out += svg_line(cells, number * CELL_H + 13)
    return "\n".join([*out, "</g></svg></svg>", ""])


def main():
    out, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    rows = schedule(recorded(command))
    out.write_text(animation(rows, "make demo in a terminal"), "utf-8")
    print(out)


if __name__ == "__main__":
    main()
