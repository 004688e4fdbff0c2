"""Admission by a file: several sources, deny lists, outages and restarts."""

import os
import signal
import time
import unittest

from relaytest import HOST, Scenario, free_port, ours_only, request, stub_verify, wait_until

ALLOW = (200, '{"Allow":true}\n')
DENY = (200, '{"Allow":false}\n')


def admission_counts(relay):
    lines = request(relay, "/metrics").body.decode().splitlines()
    return {
        name: int(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")
        if name.startswith("derpkit_admission_")
    }


@ours_only  # the Go derper has no such file
class Config(Scenario):
    def setUp(self):
        super().setUp()
        self.p = self.peer()
        self.keys = {name: self.p.key(name) for name in "abcd"}

    def relay(self, text, *flags):
        self.write("admission.yaml", text)
        return self.derper("-verify-config=" + self.path("admission.yaml"), *flags)

    def refused(self, relay, name, reason):
        mark = relay.log_mark()
        self.p.refused(relay, name)
        relay.wait_log(rf"client nodekey:{self.keys[name]} rejected: .*{reason}", mark)

    def becomes_admitted(self, relay, name):
        def admitted():
            self.p.connect(name, relay)
            return self.p.expect(f"(up|closed|failed) {name} .*").group(1) == "up"

        wait_until(admitted, f"{name} to be admitted")

    def start_fails(self, *flags):
        flags = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("k"), *flags]
        status, _, err = self.run_relay(flags)
        self.assertEqual(status, 1)
        return err

    def stub(self, *allowed):
        """A controller that allows those, and whoever is added to the set."""
        names = set(allowed)

        def answer(path, body):
            return ALLOW if any(self.keys[n].encode() in body for n in names) else DENY

        stub = stub_verify(self, answer)
        stub.names = names
        return stub

    def test_any_source_is_enough_and_a_deny_list_beats_them(self):
        k = self.keys
        stub = self.stub("a", "d")
        self.write("nodes", f"{k['b']} bob\n")
        self.write("denied", f"{k['d']} dora\n")
        relay = self.relay(
            f"policy: any\nsources:\n- url: {stub.url}\n- nodes: {self.path('nodes')}\n"
            f"- nodes: {self.path('denied')}\n  deny: true\n"
        )
        self.p.login(relay, "a", "b")
        self.refused(relay, "c", "not allowed")
        self.refused(relay, "d", "dora denied by node list")
        for _ in range(5):  # what takes longer each time is not the machine
            mark, started = relay.log_mark(), time.monotonic()
            self.write("denied", f"{k['d']} dora\n{k['a']} alice\n")
            self.p.expect("closed a .*")
            if time.monotonic() - started < 2.5:
                break
            self.write("denied", f"{k['d']} dora\n")
            self.becomes_admitted(relay, "a")
        else:
            self.fail("it takes longer, time and again")
        relay.wait_log(rf"client nodekey:{k['a']} disconnected: alice: .*denied by", mark)
        self.p.ping("b")

    def test_who_is_denied_later_is_asked_about_again(self):
        stub = self.stub("a", "b")
        relay = self.relay(f"sources:\n- url: {stub.url}\n  recheck: 300ms\n", "-loops=2")
        self.p.login(relay, "a", "b")
        stub.names.discard("a")
        self.p.expect("closed a .*")
        relay.wait_log(rf"client nodekey:{self.keys['a']} disconnected: .*not allowed")
        self.p.ping("b")
        self.assertEqual(relay.counters()["revoked"], 1)

    def test_members_are_known_after_a_restart_in_an_outage(self):
        """Also within Landlock: the folder may be written to."""
        stub = self.stub("a")
        os.mkdir(self.path("state"))
        text = (
            f"last-good-folder: {self.path('state')}\nsources:\n- url: {stub.url}\n"
            "  outage: last-known-good\n  outage-for: 1h\n"
        )
        relay = self.relay(text)
        self.p.login(relay, "a")
        self.refused(relay, "b", "not allowed")
        relay.exit_expected = True
        self.assertEqual(relay.stop(), 0)
        files = os.listdir(self.path("state"))
        self.assertEqual(len(files), 1)
        path = os.path.join(self.path("state"), files[0])
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        stub.stop()
        relay = self.relay(text)
        self.p.login(relay, "a")
        self.refused(relay, "b", "unreachable")

    def test_what_is_wrong_in_the_file_is_fatal_and_said(self):
        path = self.path("bad.yaml")
        self.write("bad.yaml", "sources:\n- nodes: x\n  outag: open\n")
        err = self.start_fails("-verify-config=" + path)
        self.assertIn(f'{path}:3:3: "outag" is not known; is it "outage"?', err)
        self.write("bad.yaml", f"policy: any\nsources:\n- nodes: {self.path('n')}\n")
        self.write("n", self.keys["a"] + "\n")
        err = self.start_fails(
            "-verify-config=" + path, "-verify-client-url=http://127.0.0.1:1/verify"
        )
        self.assertIn("its policy is any", err)

    def test_a_relay_runs_no_programs(self):
        path = self.write("command.yaml", "sources:\n- command: [touch, ran]\n")
        for flags in [], ["-seccomp=false"]:
            err = self.start_fails("-verify-config=" + path, *flags)
            self.assertIn("source command: derper runs no programs", err)
            self.assertIn('"derpverify serve"', err)
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_flags_and_file_must_agree(self):
        stub = self.stub("a", "b")
        self.write("nodes", f"{self.keys['a']}\n{self.keys['c']}\n")
        relay = self.relay(
            f"sources:\n- nodes: {self.path('nodes')}\n", "-verify-client-url=" + stub.url
        )
        self.p.login(relay, "a")
        self.refused(relay, "b", "not in node list")
        self.refused(relay, "c", "not allowed")

    def rewrite(self, text):
        """As an editor or a deployment does: the new file takes the old one's place."""
        self.write("new.yaml", text)
        os.replace(self.path("new.yaml"), self.path("admission.yaml"))

    def test_a_bad_file_is_said_and_changes_nothing(self):
        self.write("nodes", self.keys["a"] + "\n")
        relay = self.relay(f"sources:\n- nodes: {self.path('nodes')}\n")
        for bad, why in (
            ("sources:\n- nods: x\n", r'admission.yaml:2:3: "nods" is not a kind of source; is it "nodes"'),
            ("sources:\n- nodes: x\n  outag: open\n", r"admission.yaml:3:3: \"outag\" is not known"),
            (f"sources:\n- nodes: {self.path('none')}\n", r"none: cannot open"),
            ("sources:\n- nodes: /etc/shadow\n", r"/etc/shadow"),
        ):
            for signalled in (False, True):
                mark = relay.log_mark()
                if signalled:
                    relay.proc.send_signal(signal.SIGHUP)
                else:
                    self.rewrite(bad)
                relay.wait_log(why + ".*the configuration before stays in force", mark)
        self.p.login(relay, "a")
        self.refused(relay, "b", "not in node list")

    def test_a_changed_file_takes_effect_for_all(self):
        """By SIGHUP and by itself; who is connected, and who comes."""
        for name in "abc":
            self.write(name, f"{self.keys[name]} {name}\n")
        relay = self.relay(
            f"policy: any\nsources:\n- nodes: {self.path('a')}\n- nodes: {self.path('b')}\n",
            "-loops=2",
        )
        self.p.login(relay, "a", "b")
        self.refused(relay, "c", "not in node list")
        mark = relay.log_mark()
        self.rewrite(
            f"policy: any\nsources:\n- nodes: {self.path('b')}\n- nodes: {self.path('c')}\n"
        )
        relay.wait_log(r"admission.yaml is in force", mark)
        self.p.expect("closed a .*")
        relay.wait_log(rf"client nodekey:{self.keys['a']} disconnected: .*not in node list", mark)
        self.p.login(relay, "c")
        self.p.ping("b")
        mark = relay.log_mark()
        stub = self.stub("c")
        self.rewrite(f"sources:\n- url: {stub.url}\n")
        relay.proc.send_signal(signal.SIGHUP)
        self.p.expect("closed b .*")
        self.p.ping("c")
        self.refused(relay, "a", "not allowed")

    def test_counters_go_on(self):
        self.write("nodes", self.keys["a"] + "\n")
        text = f"sources:\n- nodes: {self.path('nodes')}\n"
        relay = self.relay(text)
        self.p.login(relay, "a")
        self.refused(relay, "b", "not in node list")
        before = admission_counts(relay)
        mark = relay.log_mark()
        self.rewrite("# changed\n" + text)
        relay.wait_log(r"admission.yaml is in force", mark)
        after = admission_counts(relay)
        self.assertGreater(before["derpkit_admission_questions_total"], 1)
        for name, count in before.items():
            self.assertGreaterEqual(after[name], count, name)
        self.p.ping("a")

    def test_who_waits_when_the_file_changes_has_an_answer(self):
        hanging = stub_verify(self, lambda path, body: "hang")
        relay = self.relay(f"timeout: 2s\nsources:\n- url: {hanging.url}\n")
        mark = relay.log_mark()
        self.p.connect("a", relay)
        hanging.wait_requests(1)
        self.write("nodes", self.keys["b"] + "\n")
        self.rewrite(f"sources:\n- nodes: {self.path('nodes')}\n")
        relay.wait_log(r"admission.yaml is in force", mark)
        self.p.login(relay, "b")
        relay.wait_log(rf"client nodekey:{self.keys['a']} rejected: ", mark)

    def test_deny_lists_by_flag_go_with_everything(self):
        k = self.keys
        for name in "abd":
            self.write(name, f"{k[name]} {name}\n")
        deny = [f"-verify-deny={self.path(name)}" for name in "ab"]
        relay = self.derper(*deny)
        self.p.login(relay, "c", "d")
        self.refused(relay, "a", "a denied by node list")
        self.refused(relay, "b", "b denied by node list")
        relay.wait_log("except the keys of 2 deny lists")
        mark = relay.log_mark()
        self.write("b", f"{k['b']} b\n{k['d']} dora\n")
        self.p.expect("closed d .*")
        relay.wait_log("disconnected: dora", mark)
        self.p.ping("c")
        relay = self.relay(
            f"policy: any\nsources:\n- nodes: {self.path('a')}\n- nodes: {self.path('d')}\n",
            deny[0],
        )
        self.refused(relay, "a", "a denied by")
        self.p.login(relay, "d")

    def test_flags_without_effect_are_warned_of(self):
        relay = self.derper("-socket=/run/x", "-verify-client-url-fail-open=false")
        relay.wait_log("-socket has no effect without -verify-clients")
        relay.wait_log("-verify-client-url-fail-open has no effect without -verify-client-url")


if __name__ == "__main__":
    unittest.main()
