#!/usr/bin/env python3
"""Checks how the programs were linked: what a release binary must have.

Usage: hardening.py PROGRAM... ; needs readelf and objdump (binutils), which
every compiler comes with. Prints a line per fault; exit status 1 when there is
one.
"""

import re
import subprocess
import sys

sys.dont_write_bytecode = True


def run(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          check=True).stdout


def headers_faults(program):
    text = run("readelf", "-W", "--file-header", "--program-headers",
               "--dynamic", program)
    if not re.search(r"Type:\s+DYN", text) or "INTERP" not in text:
        yield "not a position-independent executable"
    if "GNU_RELRO" not in text:
        yield "no RELRO"
    if not re.search(r"FLAGS.*(BIND_NOW|NOW)", text):
        yield "symbols are bound late: RELRO is partial"
    if re.search(r"GNU_STACK.*RWE", text):
        yield "the stack is executable"
    if re.search(r"LOAD.*RWE", text):
        yield "a segment is writable and executable"
    if re.search(r"\((RPATH|RUNPATH)\)", text):
        yield "has an RPATH"


def symbols_faults(program):
    text = run("readelf", "-W", "--dyn-syms", program)
    if "__stack_chk_fail" not in text:
        yield "no stack protector"
    if not re.search(r"__\w+_chk\b", text.replace("__stack_chk_fail", "")):
        yield "no fortified function"


def branches_faults(program):
    if "X86-64" not in run("readelf", "-h", program):
        return
    # it exits with 1 where a note is younger than itself
    notes = subprocess.run(["readelf", "-n", program], capture_output=True,
                           text=True, check=False).stdout
    if "SHSTK" not in notes:
        yield "not marked for shadow stacks"
    code = run("objdump", "-d", "--no-show-raw-insn", program)
    entry = re.search(r"<main>:\n.*", code)
    # a stripped program has no names: most functions begin with a landing pad
    if entry and "endbr64" not in entry.group(0):
        yield "functions have no landing pads (-fcf-protection)"


def main(programs):
    bad = 0
    for program in programs:
        for check in (headers_faults, symbols_faults, branches_faults):
            for fault in check(program):
                print("%s: %s" % (program, fault))
                bad += 1
    print("%d programs, %d faults" % (len(programs), bad))
    return 1 if bad or not programs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
