"""Flags, files, environment, signals: how the relay starts and ends."""

import os
import re
import signal
import stat
import subprocess
import unittest

from relaytest import (
    DERPER,
    HOST,
    PATIENCE,
    Scenario,
    clean_env,
    free_port,
    ours_only,
    request,
    wait_until,
)

KEY_FILE = re.compile(r'\{\n\t"PrivateKey": "privkey:[0-9a-f]{64}"\n\}')


class BadFlags(Scenario):
    def usage(self, flags, message):
        status, out, err = self.run_relay(flags)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err.split("\n")[0], message)
        self.assertRegex(err, r"\nUsage of .*:\n")

    def test_messages_are_those_of_go(self):
        self.usage(["-nope"], "flag provided but not defined: -nope")
        self.usage(["--nope=1"], "flag provided but not defined: -nope")
        self.usage(["-a"], "flag needs an argument: -a")
        self.usage(["-=x"], "bad flag syntax: -=x")
        self.usage(["---a"], "bad flag syntax: ---a")
        self.usage(
            ["-stun-port=x"],
            'invalid value "x" for flag -stun-port: parse error',
        )
        self.usage(
            ["-stun=maybe"],
            'invalid boolean value "maybe" for -stun: parse error',
        )
        self.usage(
            ["-tcp-write-timeout=5"],
            'invalid value "5" for flag -tcp-write-timeout: parse error',
        )

    def test_help_goes_to_stderr_and_is_no_failure(self):
        for flag in ("-h", "--help"):
            status, out, err = self.run_relay([flag])
            self.assertEqual((status, out), (0, ""))
            self.assertIn("-verify-clients", err)

    def test_version(self):
        status, out, err = self.run_relay(["-version", "-a=nonsense"])
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"\d+\.\d+\.\d+")

    @ours_only
    def test_what_is_not_there_yet_is_refused_by_name(self):
        for flag in ("-mesh-with=x", "-ace", "-rate-config=f", "-bootstrap-dns-names=a"):
            status, _, err = self.run_relay([flag])
            self.assertEqual(status, 2)
            self.assertRegex(err.split("\n")[0], f"{flag.split('=')[0]}.*not supported yet")

    def test_a_bad_address_is_fatal(self):
        status, _, err = self.run_relay([f"-a={HOST}", "-c=k", "-stun=false"])
        self.assertEqual(status, 1)
        self.assertIn("invalid server address", err)

    def test_a_boolean_takes_no_word_and_a_word_ends_the_flags(self):
        relay = self.derper("-verify-clients=false", "-derp", "false", "-derp=false")
        # -derp is true, "false" is a word, and what follows is not read
        self.assertEqual(request(relay, "/derp").status, 426)

    def test_the_last_of_two_wins_and_both_dashes_do(self):
        relay = self.derper("-home=blank", "--home", "https://example.com/")
        self.assertEqual(request(relay, "/").status, 302)


class KeyFile(Scenario):
    def public_key(self, relay):
        p = self.peer()
        p.connect("k", relay, "until=upgrade")
        return p.expect("upgraded k 101 (.*)").group(1)

    def test_a_missing_file_is_made_and_kept(self):
        path = self.path("new/deep/derper.key")
        relay = self.derper("-c=" + path)
        with open(path) as f:
            text = f.read()
        self.assertTrue(KEY_FILE.fullmatch(text), text)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(os.listdir(os.path.dirname(path)), ["derper.key"])
        first = self.public_key(relay)
        self.assertEqual(relay.stop(), 0)
        relay.exit_expected = True
        self.assertEqual(self.public_key(self.derper("-c=" + path)), first)
        with open(path) as f:
            self.assertEqual(f.read(), text)

    def test_other_members_and_case_do_not_matter(self):
        text = '{"x":[1],"privatekey":"privkey:%s"}' % ("40" * 32)
        self.write("k", text)
        self.derper("-c=" + self.path("k"))

    def test_bad_files_are_fatal(self):
        good = "privkey:" + "41" * 32
        for text in (
            "",
            "garbage",
            "[]",
            '{"PrivateKey":"%s"}' % good[8:],
            '{"PrivateKey":"%s"}' % good[:-1],
            '{"PrivateKey":"%szz"}' % good[:-2],
            '{"PrivateKey":"nodekey:%s"}' % good[8:],
            '{"PrivateKey":" %s"}' % good,
            '{"PrivateKey":5}',
            '{"PrivateKey":"%s"} x' % good,
        ):
            with self.subTest(text):
                self.write("k", text)
                flags = [f"-a={HOST}:{free_port()}", "-stun=false"]
                status, _, err = self.run_relay(flags + ["-c=" + self.path("k")])
                self.assertEqual(status, 1)
                self.assertIn("derper: config: ", err)
                with open(self.path("k")) as f:
                    self.assertEqual(f.read(), text)

    @ours_only  # the Go one crashes
    def test_a_file_without_a_key_is_fatal(self):
        self.write("k", "{}")
        flags = [f"-a={HOST}:{free_port()}", "-stun=false"]
        status, _, err = self.run_relay(flags + ["-c=" + self.path("k")])
        self.assertEqual(status, 1)
        self.assertIn("derper: config: ", err)

    def test_a_folder_instead_of_a_file_is_fatal(self):
        os.mkdir(self.path("k"))
        flags = [f"-a={HOST}:{free_port()}", "-stun=false"]
        status, _, _ = self.run_relay(flags + ["-c=" + self.path("k")])
        self.assertEqual(status, 1)


class Running(Scenario):
    def test_the_port_in_use_is_told(self):
        relay = self.derper()
        status, _, err = self.run_relay(relay.flags)
        self.assertEqual(status, 1)
        self.assertRegex(err, re.compile("address already in use", re.I))

    def test_log_lines_begin_with_the_time(self):
        relay = self.derper()
        stamp = r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d "
        relay.wait_log(stamp + rf"derper: serving on {HOST}:{relay.port}$")

    def test_with_tls_it_says_so(self):
        relay = self.derper(tls=True)
        relay.wait_log(rf"derper: serving on {HOST}:{relay.port} with TLS$")

    def test_signals_end_it_at_once(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            relay = self.derper()
            p = self.peer()
            p.login(relay, "a")
            self.assertEqual(relay.stop(sig), 0)
            relay.exit_expected = True
            p.expect("closed a .*")

    @ours_only
    def test_clients_are_told_when_it_ends(self):
        relay = self.derper()
        p = self.peer()
        p.login(relay, "a", "b")
        self.assertEqual(relay.stop(), 0)
        relay.exit_expected = True
        for name in "ab":
            p.expect(rf"restarting {name} \d+ \d+")
            p.expect(f"closed {name} eof")

    @ours_only
    def test_sighup_without_tls_does_no_harm(self):
        relay = self.derper()
        p = self.peer()
        p.login(relay, "a")
        relay.proc.send_signal(signal.SIGHUP)
        p.ping("a")
        p.login(relay, "b")

    @ours_only
    def test_variables_are_defaults_for_flags(self):
        port = free_port()
        env = {"DERP_ADDR": f"{HOST}:{port}", "DERP_STUN": "false"}
        relay = self.spawn(["-c=" + self.path("k")], port, env=env)
        wait_until(relay.is_up, "the relay")
        self.assertIsNone(relay.proc.poll())
        self.assertNotIn("STUN", relay.log.text())

    @ours_only
    def test_a_flag_beats_its_variable(self):
        env = {"DERP_ADDR": "nonsense", "DERP_VERIFY_CLIENTS": "true"}
        relay = self.derper("-verify-clients=false", env=env)
        self.peer().login(relay, "a")

    @ours_only
    def test_a_bad_variable_is_named(self):
        status, _, err = self.run_relay(["-c=k"], env={"DERP_STUN_PORT": "many"})
        self.assertEqual(status, 1)
        self.assertIn("DERP_STUN_PORT", err)

    def test_dev_mode_needs_no_key_file(self):
        env = clean_env({"HOME": self.folder})
        proc = subprocess.Popen(
            [DERPER, "-dev", "-stun=false"],
            stderr=subprocess.PIPE,
            env=env,
            cwd=self.folder,
        )
        self.addCleanup(proc.wait, PATIENCE)
        self.addCleanup(proc.terminate)
        self.addCleanup(proc.stderr.close)
        text = b""
        while b"serving on" not in text and b"in use" not in text:
            line = proc.stderr.readline()
            self.assertTrue(line, text)
            text += line
        self.assertIn(b"Running in dev mode.", text)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
