"""A service manager as a program sees it: the socket that it notifies, and
sockets that it is given (sd_notify(3), sd_listen_fds(3)).

Run as a program it puts descriptors in their place and becomes another one:
  servicemanager.py NAME=FD... -- COMMAND...
"""

import contextlib
import ctypes
import os
import re
import socket
import subprocess
import sys
import threading

from relaytest import DERPER, HOST, PATIENCE, Derper, Lines, clean_env

FIRST = 3
# linux/ptrace.h
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # linux/wait.h: threads, too


class Manager:
    """The socket of NOTIFY_SOCKET, and what has come."""

    def __init__(self, test, watchdog_us=None):
        path = test.path("notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.env = {"NOTIFY_SOCKET": path}
        if watchdog_us:
            self.env["WATCHDOG_USEC"] = str(watchdog_us)
        self.messages, self.cond = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        test.addCleanup(self._stop)

    def _read(self):
        while True:
            message = self.sock.recv(4096).decode()
            if not message:
                break
            with self.cond:
                self.messages.append(message)
                self.cond.notify_all()
        self.sock.close()

    def _stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.env["NOTIFY_SOCKET"])

    def mark(self):
        with self.cond:
            return len(self.messages)

    def since(self, mark):
        with self.cond:
            return self.messages[mark:]

    def wait(self, pattern, mark=0):
        """The match in the first message from `mark` on that matches whole."""
        def found():
            matches = (re.fullmatch(pattern, m) for m in self.messages[mark:])
            return next(filter(None, matches), None)

        with self.cond:
            match = self.cond.wait_for(found, PATIENCE)
            if not match:
                raise AssertionError(f"no message {pattern!r} in {self.messages[mark:]}")
            return match


class Activated(Derper):
    """A relay, or another program, that is given sockets: (name, socket)."""

    def __init__(self, test, sockets, flags, command=(DERPER,), env=None):
        self.folder, self.flags = test.folder, flags
        self.port = sockets[0][1].getsockname()[1] if sockets else 0
        me = [sys.executable, "-B", os.path.abspath(__file__)]
        me += [f"{name}={s.fileno()}" for name, s in sockets]
        self.proc = subprocess.Popen(
            me + ["--", *command, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=clean_env(env),
            cwd=self.folder,
            pass_fds=[s.fileno() for _, s in sockets],
        )
        self.log = Lines(self.proc.stderr)
        self.exit_expected = False
        test.addCleanup(self.check_end)


def stream(address=HOST, family=socket.AF_INET):
    """A listening socket, at a number that no program is given."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind((address, 0))
    sock.listen(128)
    return sock


def datagram():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock


def threads(pid, name):
    """The ids of the threads of that name."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/comm") as f:
            if f.read().strip() == name:
                found.append(int(task))
    return found


@contextlib.contextmanager
def stopped(task):
    """That thread alone does not run, until it is killed; PermissionError where
    it may not be traced."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long

    def ptrace(request):
        if libc.ptrace(request, task, None, None) == -1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    ptrace(SEIZE)
    try:
        ptrace(INTERRUPT)
        os.waitpid(task, WALL)
        yield
    finally:
        try:
            ptrace(DETACH)
        except ProcessLookupError:
            # its process is not gone before its tracer knows
            os.waitpid(task, WALL)


def main():
    split = sys.argv.index("--")
    given = [word.split("=") for word in sys.argv[1:split]]
    # out of the way of each other first
    high = [os.dup2(int(fd), 100 + i) for i, (_, fd) in enumerate(given)]
    for i, fd in enumerate(high):
        os.dup2(fd, FIRST + i)
        os.close(fd)
    env = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)))
    names = ":".join(name for name, _ in given)
    if names.strip(":"):
        env["LISTEN_FDNAMES"] = names
    os.execvpe(sys.argv[split + 1], sys.argv[split + 1 :], env)


if __name__ == "__main__":
    main()
