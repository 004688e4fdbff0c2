#!/usr/bin/env python3
"""The example filter for fail2ban, by fail2ban itself, over what a relay logs
that refuses logins."""

import os
import re
import shutil
import subprocess
import unittest

from relaytest import HOST, Scenario, free_port, ours_only

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/fail2ban")
FILTER = EXAMPLES + "/filter.d/derper.conf"
KEY = "nodekey:" + "a" * 64


@unittest.skipUnless(shutil.which("fail2ban-regex"), "fail2ban is not installed")
@ours_only
class Filter(Scenario):
    def matches(self, lines):
        """The addresses that fail2ban finds in these lines."""
        log = self.write("log", "".join(line + "\n" for line in lines))
        # beside the file that it includes
        folder = self.path("filter.d")
        if not os.path.exists(folder):
            shutil.copytree("/etc/fail2ban/filter.d", folder)
            shutil.copy(FILTER, folder)
        done = subprocess.run(
            ["fail2ban-regex", "--out", "ip", log, folder + "/derper.conf"],
            capture_output=True, text=True, timeout=60, cwd=self.folder,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.split()

    def refuse(self, flags, pattern):
        """A relay with these flags refuses a login; all that it logs."""
        relay = self.derper(*flags)
        p = self.peer()
        p.refused(relay, "a")
        relay.wait_log(pattern)
        relay.exit_expected = True
        self.assertEqual(relay.stop(), 0)
        with relay.log.cond:
            return list(relay.log.lines)

    def nodes(self):
        return "-verify-nodes=" + self.write("nodes", KEY + "\n")

    def test_who_is_refused_is_found(self):
        lines = self.refuse([self.nodes()], " rejected: ")
        self.assertEqual(self.matches(lines), [HOST])

    def test_and_in_the_journal(self):
        lines = self.refuse([self.nodes(), "-log-format=journal"], " rejected: ")
        # as journalctl prints entries, and as fail2ban makes lines of them
        for before in ("Nov 29 12:00:00 host derper[52]: ", "2026-11-29T12:00:00.12 host derper[52]: "):
            self.assertEqual(self.matches([before + line[3:] for line in lines]), [HOST])

    def test_an_outage_is_nobodys_fault(self):
        url = f"-verify-client-url=http://{HOST}:{free_port()}/verify"
        flags = [url, "-verify-client-url-fail-open=false"]
        self.assertEqual(self.matches(self.refuse(flags, " rejected: ")), [])

    def test_other_forms(self):
        """By what the sources say, at both kinds of addresses."""
        head = f"2026/11/29 12:00:00 derp: %s: client {KEY} rejected: "
        found = f"peer {KEY} not authorized (not in node list /etc/derper/nodes)"
        away = "failed to query local tailscaled status for x: No such file or directory"
        cases = (
            (found, True),
            (f"admission controller: {KEY}/192.0.2.1 not allowed", True),
            (f"{found}; {found}", True),
            (f"{found}; {away}", False),
            (f"{away}; {found}", False),
            (away, False),
            (f"peer {KEY} not authorized (x expired 2026-01-01 in headscale)", False),
        )
        lines, wanted = [], []
        for i, (text, counts) in enumerate(cases):
            lines += [head % f"192.0.2.{i}:41641" + text, head % f"[2001:db8::{i + 1}]:41641" + text]
            wanted += [f"192.0.2.{i}", f"2001:db8::{i + 1}"] if counts else []
        self.assertEqual(self.matches(lines), wanted)

    def test_the_jail_uses_it(self):
        with open(EXAMPLES + "/jail.d/derper.conf", encoding="utf-8") as f:
            jail = f.read()
        self.assertIsNotNone(re.search(r"^filter += derper$", jail, re.M))
        self.assertIsNotNone(re.search(r"^\[derper\]$", jail, re.M))


if __name__ == "__main__":
    unittest.main()
