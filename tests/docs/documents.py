"""The documents of the tree, and the blocks of code in them."""

import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.M | re.S)


def blocks(page, *languages):
    """The texts of a page's blocks of code in these languages."""
    return [textwrap.dedent(text) for _, language, text
            in FENCE.findall(page.read_text("utf-8")) if language in languages]


def prose(page):
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))
