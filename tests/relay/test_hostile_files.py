"""Power cuts: kill -9 while files are written, lists that come in pieces."""

import collections
import json
import os
import random
import re
import signal
import subprocess
import time
import unittest

from hostile import scaled
from relaytest import DERPER, HOST, Scenario, clean_env, free_port, ours_only, wait_until


LINE = 16 * (64 + 1)  # whole lines of a node list, about a kilobyte


class KeyFile(Scenario):
    def start(self, path):
        flags = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + path]
        return subprocess.Popen(
            [DERPER, *flags],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_env(),
        )

    def time_to_key(self):
        """How long a start takes until the key file is there."""
        path = os.path.join(self.folder, "first", "derper.key")
        started = time.monotonic()
        proc = self.start(path)
        try:
            wait_until(lambda: os.path.exists(path), "a key file")
        finally:
            proc.kill()
            proc.wait()
        return time.monotonic() - started

    def check(self, path):
        """The file is whole, or it is not there."""
        if not os.path.exists(path):
            return None
        with open(path) as f:
            text = f.read()
        key = json.loads(text)["PrivateKey"]
        self.assertRegex(key, "^privkey:[0-9a-f]{64}$")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        return key

    def test_a_kill_leaves_it_whole_or_absent(self):
        usual = self.time_to_key()
        absent = whole = 0
        for i in range(max(20, scaled(150))):
            path = os.path.join(self.folder, f"d{i}", "derper.key")
            proc = self.start(path)
            # more and more precisely around the moment of writing
            time.sleep(usual * random.uniform(0.3, 1.3))
            proc.kill()
            proc.wait()
            key = self.check(path)
            absent += key is None
            whole += key is not None
            if i % 10 == 0:
                self.starts_again(path, key)
        print(f"key file absent {absent} times, whole {whole} times")

    def starts_again(self, path, key):
        """What was left behind hinders nobody, and a key stays."""
        relay = self.spawn(["-a=127.0.0.1:0", "-stun=false", "-c=" + path])
        relay.exit_expected = True
        wait_until(lambda: os.path.exists(path), "the key file after a restart")
        relay.wait_log("serving on")
        self.assertEqual(relay.stop(), 0)
        if key is not None:
            self.assertEqual(self.check(path), key)

    def test_what_a_cut_left_of_it_is_refused(self):
        """Never a new identity where an old one may be mended."""
        path = os.path.join(self.folder, "k")
        flags = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + path]
        text = '{\n\t"PrivateKey": "privkey:' + "ab" * 32 + '"\n}'
        for cut in (0, 1, 20, 40, len(text) - 3, len(text) - 1):
            with open(path, "w") as f:
                f.write(text[:cut])
            status, _, err = self.run_relay(flags)
            self.assertEqual(status, 1, text[:cut])
            self.assertIn("k", err)
            with open(path) as f:
                self.assertEqual(f.read(), text[:cut])


@ours_only
class NodeList(Scenario):
    """A writer that does not know how to replace a file, and dies."""

    def test_a_writer_killed_in_the_middle(self):
        peer = self.peer()
        self.keys = {name: peer.key(name) for name in ("always", "never", "last")}
        path = self.path("nodes")
        self.write("nodes", self.list_with())
        relay = self.derper("-verify-nodes=" + path)
        outcomes = collections.Counter()
        for i in range(max(4, scaled(16))):
            fresh, mark = f"fresh{i}", relay.log_mark()
            self.keys[fresh] = peer.key(fresh)
            # cuts at the end of a line and within one; what is behind them is
            # gone, or the old list's
            self.kill_a_writer(path, fresh, step=(LINE, 1000)[i % 2], cut=i // 2 % 2 == 0)
            outcomes[self.look(peer, relay, path, fresh, mark)] += 1
            for name, up in (("always", True), ("never", False)):
                self.login(peer, relay, name, up)
        print(dict(outcomes))
        self.assertGreater(outcomes["new"], 0)
        self.write("nodes", self.list_with("last"))
        wait_until(lambda: self.try_login(peer, relay, "last"), "the new list")

    def list_with(self, *names):
        """A list of its own, but for those in the first lines."""
        keys = [self.keys[name] for name in ("always", *names)]
        keys += [os.urandom(32).hex() for _ in range(3000)]
        return "\n".join(keys) + "\n"

    def kill_a_writer(self, path, fresh, step, cut):
        """Writes another list in place, piece by piece, and dies on the way."""
        text = self.list_with(fresh)
        began, begin = os.pipe()
        pid = os.fork()
        if pid == 0:
            with open(path, "r+") as f:
                for at in range(0, len(text), step):
                    f.write(text[at : at + step])
                    f.flush()
                    if cut:
                        f.truncate()
                    os.write(begin, b"x")
                    time.sleep(0.001)
            os._exit(0)
        os.close(begin)
        os.read(began, 1)  # the first piece is there
        time.sleep(random.uniform(0, 0.15))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(began)

    def look(self, peer, relay, path, fresh, mark):
        """The relay goes by what is in the file, if that is a list at all."""
        with open(path) as f:
            lines = f.read().splitlines()
        self.assertIn(self.keys[fresh], lines)
        if all(re.fullmatch("[0-9a-f]{64}", line) for line in lines):
            wait_until(lambda: self.try_login(peer, relay, fresh), "the new part")
            return "new"
        relay.wait_log("node list is bad, keeping the [0-9]+ keys", mark)
        return "bad"

    def test_a_partial_list_keeps_the_last_good_one(self):
        peer = self.peer()
        keys = {name: peer.key(name) for name in ("a", "b")}
        listed = [{"id": str(i), "nodeKey": "nodekey:" + k} for i, k in enumerate(keys.values())]
        whole = json.dumps(listed)
        self.write("nodes", whole)
        relay = self.derper("-verify-nodes=" + self.path("nodes"))
        for cut in (1, len(whole) // 2, len(whole) - 2, len(whole) - 1):
            mark = relay.log_mark()
            self.write("nodes", whole[:cut])
            relay.wait_log("keeping the 2 keys of the last good one", mark)
            for name in "ab":
                self.login(peer, relay, name, True)
        self.write("nodes", json.dumps(listed[:1]))
        wait_until(lambda: not self.try_login(peer, relay, "b"), "the new list")
        self.login(peer, relay, "a", True)

    def try_login(self, peer, relay, name):
        time.sleep(0.05)
        peer.connect(name, relay)
        up = peer.expect(f"(up|closed|failed) {name} .*").group(1) == "up"
        if up:
            peer.do(f"close {name}")
            peer.expect(f"closed {name} here")
        return up

    def login(self, peer, relay, name, up):
        self.assertEqual(self.try_login(peer, relay, name), up, name)


if __name__ == "__main__":
    unittest.main()
