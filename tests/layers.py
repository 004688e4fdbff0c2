#!/usr/bin/env python3
"""Checks the layers of the C sources; run by `make lint`.

  layers.py [--root DIR] [--quiet]

Reads includes and calls, prints the shelves, and fails on

  circle    two files that include or call each other, directly or through
            others. A module is noun.h and noun.c together.
  upward    a shelf (a folder) that includes, calls or links one that is not
            below it in SHELVES.
  twice     a header name that is used in two folders.
  long      a file of more than FILE_LINES, a function of more than
            FUNCTION_LINES lines.
  foreign   noun.c exports a function that begins neither with the noun, or
            its singular or plural, nor with the noun's first word, which the
            files of a group share (derp_frame.c, derp_msg.c).

A call is any use of another file's non-static function, its address included.
Only what a file can see through its includes counts, so that a local variable
with the name of a function elsewhere is not a call. The sources are read with
regular expressions: that is enough because clang-format fixes their form (a
function's braces stand alone in column 0).

Exit status: 0 clean, 1 findings, 2 wrong usage.
"""

import argparse
import os
import re
import subprocess
import sys

FILE_LINES = 600
FUNCTION_LINES = 60

LIB = ["lib/base", "lib/proto", "lib/doc", "lib/tls", "lib/net", "lib/http",
       "lib/derp", "lib/cli", "lib/acme"]

# What each shelf may use; what these may use is included. The order is the
# order in which they are printed.
SHELVES = {
    "lib/base": [],
    "lib/doc": ["lib/base"],
    "lib/proto": ["lib/base", "lib/doc"],
    "lib/tls": ["lib/base"],
    "lib/net": ["lib/base", "lib/tls"],
    "lib/http": ["lib/base", "lib/net"],
    "lib/derp": ["lib/base", "lib/proto", "lib/net", "lib/http"],
    "lib/cli": ["lib/base"],
    "lib/acme": ["lib/base"],
    "verify/engine": LIB,
    "verify/serve": ["verify/engine"],
    "verify": ["verify/serve", "verify/engine"],
    "derper/conn": LIB,
    "derper/relay": ["derper/conn", "verify/engine"],
    "derper/http": ["derper/relay"],
    "derper/status": ["derper/http"],
    "derper/commands": ["derper/status"],
    "derper/acme": LIB,
    "derper/sandbox": LIB,
    "derper/config": ["derper/commands", "derper/acme", "derper/sandbox"],
    "derper/metrics": ["derper/relay", "derper/acme"],
    "derper/server": ["derper/config", "derper/metrics", "derper/status"],
    "derper/check": ["derper/server"],
    "derper/doctor": ["derper/check"],
    "derper": ["derper/doctor"],
    "derpmap/model": LIB,
    "derpmap/headscale": ["derpmap/model"],
    "derpmap/online": ["derpmap/model"],
    "derpmap/lint": ["derpmap/headscale", "derpmap/online"],
    "derpmap/probe": ["derpmap/model"],
    "derpmap/diff": ["derpmap/model"],
    "derpmap": ["derpmap/model", "derpmap/diff", "derpmap/headscale", "derpmap/online",
                "derpmap/lint", "derpmap/probe"],
}

# Anything may be used by a test; nothing uses a test.
TESTS = "tests"

# Module -> prefixes that it may export besides its own. Each has a reason.
EXPORTS = {
    # the three kinds of bounded bytes, which are used together everywhere
    "lib/base/bytes": ["reader", "slice", "writer"],
    # both directions of one encoding
    "lib/base/encode": ["decode"],
    # the names of what they stand in for, with an x before them
    "lib/base/xalloc": ["xcalloc", "xprintf", "xstrdup"],
}


class Module:
    """noun.h and noun.c: what it includes, defines, declares and names."""

    def __init__(self, name):
        self.name = name  # path without extension
        self.folder, self.noun = os.path.split(name)
        self.includes = set()  # header names
        self.defines = set()  # non-static functions
        self.words = set()  # identifiers that are no struct members
        self.has_source = False

    def is_test(self):
        return in_tests(self.folder)


def in_tests(folder):
    return (folder + "/").startswith(TESTS + "/")


# ---- reading the sources

COMMENT = r"//[^\n]*|/\*.*?\*/"
STRING = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
TOKEN = re.compile(COMMENT + "|" + STRING, re.S)
INCLUDE = re.compile(r'^#\s*include\s+"([^"]+)"', re.M)
MACRO = re.compile(r"^#\s*define\b(?:[^\\\n]|\\.|\\\n)*", re.M)
WORD = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
# what is before the last parentheses; a macro may be in the return type
NESTED = r"(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*"
NAME = re.compile(rf"(\w+)\s*\({NESTED}\)\s*$")


def blank(text, keep_strings=False):
    """The text without comments (and strings), its lines as they were."""

    def replace(match):
        token = match.group()
        if keep_strings and token[0] in "\"'":
            return token
        return " " + "\n" * token.count("\n")

    return TOKEN.sub(replace, text)


class Function:
    """A definition: on which line it begins and how many it takes."""

    def __init__(self, head, line, lines):
        self.name = NAME.search(head).group(1)
        self.is_static = re.search(r"\bstatic\b", head) is not None
        self.line, self.lines = line, lines


def functions(text):
    """The functions that a text without comments defines, in order."""
    lines = text.split("\n")
    found = []
    for i, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        first = head_start(lines, i)
        head = " ".join(lines[first:i])
        if NAME.search(head) is None:
            continue
        end = lines.index("}", i) if "}" in lines[i:] else len(lines) - 1
        found.append(Function(head, first + 1, end - first + 1))
    return found


def head_start(lines, brace):
    """The line on which the declarator before the brace begins."""
    first = brace
    while first > 0 and re.match(r"[^#].*[^;}\s]\s*$|[\w*]$", lines[first - 1]):
        first -= 1
    return first


def list_files(root):
    """All .c and .h below root that git knows; without git, all there are."""
    if os.path.exists(os.path.join(root, ".git")):
        done = subprocess.run(["git", "ls-files", "-z", "*.c", "*.h"], cwd=root,
                              stdout=subprocess.PIPE, check=True)
        names = done.stdout.decode().split("\0")
        return sorted(n for n in names if os.path.isfile(os.path.join(root, n)))
    return sorted(
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith((".c", ".h"))
    )


def header_code(text, found):
    """What of a header is code: inline functions and macros, for a prototype
    is not a call."""
    lines = text.split("\n")
    code = [line for f in found for line in lines[f.line - 1:f.line - 1 + f.lines]]
    return "\n".join(code + MACRO.findall(text))


class Tree:
    """All modules, and where each header and function is."""

    def __init__(self, root):
        self.root = root
        self.modules = {}
        self.headers = {}  # header name -> [folder]
        self.declares = {}  # header path -> identifiers in it
        self.problems = []
        for path in list_files(root):
            self.read(path)
        self.owners = {}  # function -> [module that defines it]
        for module in self.modules.values():
            for name in module.defines:
                self.owners.setdefault(name, []).append(module)

    def read(self, path):
        stem, ext = os.path.splitext(path)
        module = self.modules.setdefault(stem, Module(stem))
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            raw = f.read()
        text = blank(raw)
        found = functions(text)
        module.includes |= set(INCLUDE.findall(blank(raw, keep_strings=True)))
        self.read_functions(path, module, found)
        if ext == ".h":
            folder, name = os.path.split(path)
            self.headers.setdefault(name, []).append(folder)
            self.declares[path] = set(WORD.findall(text))
            text = header_code(text, found)
        else:
            module.has_source = True
        module.words |= set(WORD.findall(text))
        if raw.count("\n") > FILE_LINES:
            self.problems.append(f"{path}: long: {raw.count(chr(10))} lines, "
                                 f"{FILE_LINES} are allowed")

    def read_functions(self, path, module, found):
        for f in found:
            if not f.is_static:
                module.defines.add(f.name)
            if f.lines > FUNCTION_LINES:
                self.problems.append(
                    f"{path}:{f.line}: long: {f.name} has {f.lines} lines, "
                    f"{FUNCTION_LINES} are allowed")

    def header_module(self, user, header):
        """The module whose header it is; the one in the user's own folder if
        the name is there twice. None for a header that is not ours."""
        base = os.path.basename(header)
        folders = self.headers.get(base)
        if not folders:
            return None
        folder = user.folder if user.folder in folders else folders[0]
        return self.modules[os.path.splitext(os.path.join(folder, base))[0]]

    def included(self, module):
        """The modules whose headers it includes itself."""
        found = (self.header_module(module, h) for h in sorted(module.includes))
        return [m for m in found if m is not None and m is not module]

    def visible(self, module):
        """The modules whose headers it sees, through others too."""
        seen, todo = {module}, [module]
        while todo:
            for other in self.included(todo.pop()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    def declared(self, module):
        """Identifiers of all headers that the module sees."""
        names = set()
        for other in self.visible(module):
            names |= self.declares.get(other.name + ".h", set())
        return names


# ---- edges and circles


def edges(tree):
    """(module, module) -> reasons, for every include and every call."""
    found = {}
    for module in tree.modules.values():
        for other in tree.included(module):
            found.setdefault((module, other), []).append(
                f"includes {other.noun}.h")
        called = (module.words - module.defines) & tree.owners.keys()
        for name in sorted(called & tree.declared(module)):
            other = owner(tree, module, name)
            if other is not module:
                found.setdefault((module, other), []).append(f"uses {name}")
    return found


def owner(tree, user, name):
    """Who defines the function: programs of tests may do so more than once,
    and then the user's folder is meant, or else what is not a test."""
    def distance(module):
        return (module.folder != user.folder, module.is_test(), module.name)

    return min(tree.owners[name], key=distance)


def circles(nodes, links):
    """The strongly connected components of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in links.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(stack[at:])
            del stack[at:]

    for node in nodes:
        if node not in index:
            visit(node)
    return found


def check_circles(tree, arrows):
    links = {}
    for module, other in arrows:
        links.setdefault(module, []).append(other)
    problems = []
    for circle in circles(tree.modules.values(), links):
        names = sorted(m.name for m in circle)
        text = [f"circle: {', '.join(names)}"]
        for (a, b), reasons in sorted(arrows.items(), key=lambda x: arrow_key(*x[0])):
            if a in circle and b in circle:
                text.append(f"    {a.name} -> {b.name}: {short(reasons)}")
        problems.append("\n".join(text))
    return problems


def arrow_key(a, b):
    return (a.name, b.name)


def short(reasons, most=4):
    """The first few reasons, calls before includes."""
    reasons = sorted(reasons, key=lambda r: r.startswith("includes"))
    more = len(reasons) - most
    return ", ".join(reasons[:most]) + (f" and {more} more" if more > 0 else "")


# ---- shelves


def below(shelf, shelves):
    """All that a shelf may use."""
    found = set()
    for other in shelves.get(shelf, ()):
        found |= {other} | below(other, shelves)
    return found


def check_upward(arrows, shelves):
    problems = []
    for (a, b), reasons in sorted(arrows.items(), key=lambda x: arrow_key(*x[0])):
        if a.folder == b.folder or a.is_test():
            continue
        if b.folder not in below(a.folder, shelves):
            problems.append(f"upward: {a.name} -> {b.name} ({a.folder} may not "
                            f"use {b.folder}): {short(reasons)}")
    return problems


def check_folders(tree, shelves):
    folders = {m.folder for m in tree.modules.values() if not m.is_test()}
    return [f"{folder}: no shelf: add it to SHELVES in tests/layers.py"
            for folder in sorted(folders - shelves.keys())]


SHELF_CALL = re.compile(r"^derpkit_shelf\(\s*(\w+)([^)]*)\)", re.M)
PROGRAM_LINK = re.compile(
    r"^target_link_libraries\(\s*(\w+)\s+(?:PRIVATE|PUBLIC|INTERFACE)([^)]*)\)",
    re.M)


def cmake_links(root, shelves):
    """(folder, target, names it links) of every target of the shelves, and
    target -> folder."""
    links, home = [], {}
    for folder in shelves:
        path = os.path.join(root, folder, "CMakeLists.txt")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"#[^\n]*", "", f.read())
        for name, rest in SHELF_CALL.findall(text):
            home[name] = folder
            links.append((folder, name, rest.partition("LINK")[2].split()))
        for name, rest in PROGRAM_LINK.findall(text):
            links.append((folder, name, rest.split()))
    return links, home


def check_cmake(root, shelves):
    links, home = cmake_links(root, shelves)
    problems = []
    for folder, target, names in links:
        for other in (home[n] for n in names if n in home):
            if other != folder and other not in below(folder, shelves):
                problems.append(f"{folder}/CMakeLists.txt: upward: {target} "
                                f"links {other}")
    return problems


# ---- names


def check_twice(tree):
    return [f"twice: {name} is in {' and '.join(sorted(folders))}"
            for name, folders in sorted(tree.headers.items())
            if len(folders) > 1]


def check_exports(tree, exceptions):
    problems = []
    for module in sorted(tree.modules.values(), key=lambda m: m.name):
        if not module.has_source or module.is_test() or module.noun == "main":
            continue
        prefixes = own_prefixes(module.noun) | set(exceptions.get(module.name, ()))
        problems += [f"{module.name}.c: foreign: exports {name}"
                     for name in sorted(module.defines)
                     if not begins(name, prefixes)]
    return problems


def own_prefixes(noun):
    words = {noun, noun.split("_")[0]}
    return words | {w + "s" for w in words} | {w[:-1] for w in words if w[-1] == "s"}


def begins(name, prefixes):
    return any(name == p or name.startswith(p + "_") for p in prefixes)


# ---- the report


def print_shelves(arrows, shelves):
    used = {}
    for a, b in arrows:
        if a.folder != b.folder:
            used.setdefault(a.folder, set()).add(b.folder)
    for shelf in shelves:
        may = sorted(below(shelf, shelves))
        does = sorted(used.get(shelf, ()))
        print(f"{shelf}\n    may use: {' '.join(may) or '-'}"
              f"\n    uses:    {' '.join(does) or '-'}")


def check(root, shelves=None, exceptions=None, quiet=True):
    """All findings of a tree, as lines of text."""
    shelves = SHELVES if shelves is None else shelves
    exceptions = EXPORTS if exceptions is None else exceptions
    tree = Tree(root)
    arrows = edges(tree)
    if not quiet:
        print_shelves(arrows, shelves)
    return (check_folders(tree, shelves) + check_circles(tree, arrows)
            + check_upward(arrows, shelves) + check_cmake(root, shelves)
            + check_twice(tree) + check_exports(tree, exceptions)
            + tree.problems)


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description="Checks the layers.")
    parser.add_argument("--root", default=here)
    parser.add_argument("--quiet", action="store_true",
                        help="print findings only")
    args = parser.parse_args()
    problems = check(args.root, quiet=args.quiet)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"layers: {len(problems)} findings", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
