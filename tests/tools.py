"""Programs of others that tests install into a folder of their own.

A test calls what it needs; what cannot be installed raises Skipped, by name.
A registry may fail once: it is asked three times.
"""

import os
import subprocess
import sys
import time

TRIES, PAUSE_S = 3, 5

class Skipped(Exception):
    """A program that the test needs cannot be had."""


def attempt(command, env):
    """None, or why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=600, env={**os.environ, **env},
                              check=False)
    except FileNotFoundError as why:
        raise Skipped(f"there is no {command[0]} command") from why
    except subprocess.TimeoutExpired:
        return "it takes longer than 600 s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["it does not say why"])[-1]


def install(*command, **env):
    for tries in range(1, TRIES + 1):
        why = attempt(command, env)
        if why is None:
            return
        if tries < TRIES:
            print(f"{command[-1]} cannot be installed, trying again: {why}",
                  file=sys.stderr, flush=True)
            time.sleep(PAUSE_S)
    raise Skipped(f"{command[-1]} cannot be installed: {why}")


def python(folder, *packages):
    """A Python with the packages, in a virtual environment."""
    venv = folder / "venv"
    if not venv.exists():
        install(sys.executable, "-m", "venv", str(venv))
    for package in packages:
        install(str(venv / "bin/pip"), "install", "-q", package)
    return venv / "bin/python"


def node(folder, package):
    """The folder of an npm package; the version may follow after @."""
    install("npm", "install", "--silent", "--prefix", str(folder), package)
    name = package[0] + package[1:].split("@")[0]
    return folder / "node_modules" / name


def go(folder, package):
    """A program written in Go; the version follows after @."""
    binary = folder / "bin" / package.split("@")[0].rsplit("/", 1)[1]
    if not binary.exists():
        install("go", "install", package, GOBIN=str(folder / "bin"))
    return binary


def check(*command, **options):
    """Runs it, and returns its output; it must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True,
                          text=True, timeout=300, check=False, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout
