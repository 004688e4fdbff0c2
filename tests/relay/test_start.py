"""Flags, files, environment, signals: how the relay starts and ends."""

import os
import re
import resource
import signal
import socket
import stat
import subprocess
import unittest

from relaytest import (
    DERPER,
    HOST,
    IS_GO,
    Lines,
    PATIENCE,
    Scenario,
    clean_env,
    free_port,
    make_cert,
    ours_only,
    request,
    stub_verify,
    wait_until,
)

from servicemanager import threads

KEY_FILE = re.compile(r'\{\n\t"PrivateKey": "privkey:[0-9a-f]{64}"\n\}')


class BadFlags(Scenario):
    def usage(self, flags, message):
        status, out, err = self.run_relay(flags)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err.split("\n")[0], message)
        if IS_GO:
            self.assertRegex(err, r"\nUsage of .*:\n")
        else:  # sixty lines of usage would hide it
            self.assertEqual(err.split("\n")[1:], ["derper -h lists the flags"])

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

    def test_help_is_no_failure(self):
        for flag in ("-h", "--help"):
            status, *texts = self.run_relay([flag])
            # upstream's goes to standard error
            told, other = reversed(texts) if IS_GO else texts
            self.assertEqual((status, other), (0, ""))
            self.assertIn("-verify-clients", told)

    @ours_only
    def test_help_has_all_flags_by_theme(self):
        _, out, _ = self.run_relay(["-h"])
        themes = re.split(r"(?m)^(\S.*):$", out)
        flags = dict(zip(themes[1::2], (re.findall(r"(?m)^  -(\S+)", x) for x in themes[2::2])))
        for theme, flag in (("What is served", "mesh-with"), ("The certificate", "certmode"),
                            ("Limits", "max-connections"), ("The log", "log-format"),
                            ("What is given up after the start", "seccomp"),
                            ("Instead of a start", "version"), ("Who is admitted", "verify-nodes")):
            self.assertIn(flag, flags[theme])
        self.assertIn("Examples", flags)
        self.assertTrue(all(flags[x] for x in flags if x != "Examples"))

    @ours_only
    def test_help_that_could_not_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([DERPER, "-h"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output: No space left", done.stderr)

    @ours_only
    def test_help_names_the_variables(self):
        _, err, _ = self.run_relay(["-h"])
        for name in ("ADDR", "DOMAIN", "CERT_DIR", "SOCKET", "VERIFY_NODES"):
            self.assertIn(f"[DERP_{name}]", err)

    @ours_only
    def test_a_command_that_may_be_meant_is_named(self):
        for word, meant in (("statsu", "status"), ("docter", "doctor"), ("Drain", "drain")):
            status, out, err = self.run_relay([word])
            self.assertEqual((status, out), (2, ""))
            self.assertEqual(err, f'derper: no command "{word}" (did you mean {meant}?); derper help lists them')

    @ours_only
    def test_version_is_a_command_too(self):
        self.assertEqual(self.run_relay(["version"]), self.run_relay(["-version"]))

    @ours_only
    def test_a_flag_that_may_be_meant_is_named(self):
        self.usage(
            ["-verify-client"],
            "flag provided but not defined: -verify-client "
            "(did you mean -verify-clients?)",
        )

    def test_version(self):
        status, out, err = self.run_relay(["-version", "-a=nonsense"])
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"\d+\.\d+\.\d+")

    @ours_only
    def test_a_version_that_could_not_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([DERPER, "-version"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output: No space left", done.stderr)

    @ours_only
    def test_a_certificate_mode_without_effect_is_told(self):
        self.derper("-certmode=lets-encrypt").wait_log("-certmode lets-encrypt is unknown and without effect")

    def test_a_bad_address_is_fatal(self):
        status, _, err = self.run_relay([f"-a={HOST}", "-c=k", "-stun=false"])
        self.assertEqual(status, 1)
        self.assertIn("invalid server address", err)

    @ours_only  # the Go one ignores it and all flags after it
    def test_a_word_is_an_error(self):
        self.usage(
            ["-derp", "false", "-derp=false"],
            'unexpected argument "false": the value of a switch is written -derp=false',
        )
        self.usage(["-dev", "x"], 'unexpected argument "x"')

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


CAP_DAC_READ_SEARCH = 1 << 2


@ours_only
class Hardening(Scenario):
    def setUp(self):
        super().setUp()
        relay = self.derper()
        line = relay.wait_log(" hardening: (.*)$").group(1)
        if "system call filter: off" in line:
            self.skipTest("a build with sanitizers")

    def tasks(self, relay):
        """/proc/PID/task/*/status as dictionaries."""
        folder = f"/proc/{relay.proc.pid}/task"
        found = []
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/status") as f:
                pairs = (line.split(":", 1) for line in f)
                found.append({k: v.strip() for k, v in pairs})
        return found

    def limits(self, relay):
        with open(f"/proc/{relay.proc.pid}/limits") as f:
            return f.read()

    def test_every_thread_has_given_up_its_rights(self):
        self.write("nodes", "")
        flags = ["-verify-client-url=http://127.0.0.1:9/", "-loops=2"]
        relay = self.derper(*flags, "-verify-nodes=" + self.path("nodes"))
        relay.wait_log(
            " hardening: memory dumps prevented: on, no_new_privs: on, "
            "capabilities dropped: on, Landlock: .*, system call filter: on$"
        )
        relay.wait_log(" serving on ")
        self.peer().refused(relay, "a")  # the threads of verification run
        tasks = self.tasks(relay)
        self.assertGreater(len(tasks), 3)
        for task in tasks:
            self.assertEqual((task["NoNewPrivs"], task["Seccomp"]), ("1", "2"))
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(int(task[name], 16) & ~CAP_DAC_READ_SEARCH, 0)
        self.assertRegex(self.limits(relay), r"Max core file size +0 +0 ")

    def test_each_can_be_switched_off(self):
        relay = self.derper(
            "-landlock=false", "-seccomp=false", "-keep-capabilities", "-core-dumps"
        )
        relay.wait_log(
            " hardening: memory dumps prevented: off, no_new_privs: off, "
            "capabilities dropped: off, Landlock: off, system call filter: off$"
        )
        with open("/proc/self/status") as f:
            mine = re.search(r"CapEff:\s*(\w+)", f.read()).group(1)
        for task in self.tasks(relay):
            self.assertEqual((task["Seccomp"], task["CapEff"]), ("0", mine))

    def test_other_files_are_out_of_reach(self):
        """A link that leads out of its folder after start is not followed."""
        os.mkdir(self.path("lists"))
        os.mkdir(self.path("elsewhere"))
        p = self.peer()
        key = p.key("a")
        self.write("elsewhere/nodes", f"nodekey:{key}\n")
        for flag, outcome in (("-landlock=false", "reloaded"), ("-landlock", "denied")):
            relay = self.derper(flag, "-verify-nodes=" + self.write("lists/nodes", ""))
            if flag == "-landlock" and "Landlock: on" not in relay.wait_log(
                " hardening: (.*)$"
            ).group(1):
                self.skipTest("the kernel has no Landlock")
            os.symlink(self.path("elsewhere/nodes"), self.path("lists/nodes.new"))
            os.rename(self.path("lists/nodes.new"), self.path("lists/nodes"))
            relay.proc.send_signal(signal.SIGHUP)
            relay.wait_log(f"lists/nodes.*{outcome}")
            relay.stop()
            relay.exit_expected = True
            os.unlink(self.path("lists/nodes"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_ordinary_user_gives_up_as_much(self):
        os.chmod(self.folder, 0o777)
        self.write("nodes", "")
        flags = ["-c=" + self.path("its.key"), "-verify-nodes=" + self.path("nodes")]
        relay = self.derper(*flags, user=65534)
        relay.wait_log(" hardening: .*: on, .*: on, .*: on, .*, system call filter: on$")
        p = self.peer()
        p.refused(relay, "a")
        self.write("nodes", f"nodekey:{p.key('a')}\n")
        relay.proc.send_signal(signal.SIGHUP)
        relay.wait_log("nodes reloaded: 1 keys")
        p.login(relay, "a")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_files_of_other_users_can_be_read_again_or_it_is_told(self):
        self.write("nodes", "")
        os.chmod(self.path("nodes"), 0o600)
        os.chown(self.path("nodes"), 65534, 65534)
        relay = self.derper("-verify-nodes=" + self.path("nodes"))
        line = relay.wait_log(" hardening: (.*)$").group(1)
        if "Landlock: on" in line:
            relay.wait_log(" serving on ")
            self.assertNotIn("cannot be read again", relay.log.text())
        status, _, err = self.run_relay(
            [f"-a={HOST}:{free_port()}", "-c=" + self.path("k"), "-stun=false"]
            + ["-landlock=false", "-verify-nodes=" + self.path("nodes")]
        )
        self.assertEqual(status, 1)
        self.assertRegex(err, "nodes: Permission denied: it cannot be read again")


class Running(Scenario):
    def test_the_port_in_use_is_told(self):
        relay = self.derper()
        status, _, err = self.run_relay(relay.flags)
        self.assertEqual(status, 1)
        self.assertRegex(err, re.compile("address already in use", re.I))

    @ours_only
    def test_a_port_in_use_by_the_other_family_is_told(self):
        relay = self.derper()  # of 127.0.0.1
        flags = [f"-a=:{relay.port}", "-c=" + self.path("k"), "-stun=false"]
        status, _, err = self.run_relay(flags)
        self.assertEqual(status, 1)
        self.assertRegex(err, "(?i)already in use.*another relay")

    @ours_only
    def test_one_port_for_both_listeners_is_refused(self):
        port = free_port()
        flags = [f"-a={HOST}:{port}", "-certmode=manual", f"-http-port={port}"]
        flags += ["-certdir=" + self.folder, "-hostname=" + HOST, "-stun=false"]
        status, _, err = self.run_relay(flags + ["-c=" + self.path("k")])
        self.assertEqual(status, 1)
        self.assertIn(f"-http-port {port} is the port of -a", err)

    @ours_only
    def test_one_cpu_has_one_worker(self):
        cpu = min(os.sched_getaffinity(0))
        one = lambda: os.sched_setaffinity(0, {cpu})
        for flags, options, count in (["-loops=1"], {}, 1), ([], {"preexec_fn": one}, 1), (["-loops=2"], {}, 2):
            with self.subTest(flags=flags):
                relay = self.derper(*flags, **options)
                self.peer().login(relay, "a")  # and there is something to count
                relay.counters()  # told when all threads have been started
                names = [f"worker {i}" for i in range(count)]
                wait_until(lambda: all(threads(relay.proc.pid, x) for x in names), "the workers")
                self.assertEqual(threads(relay.proc.pid, f"worker {count}"), [])

    @ours_only
    def test_an_open_relay_and_plain_http_are_told(self):
        relay = self.derper()
        relay.wait_log(r"derper: version \d+\.\d+")
        relay.wait_log(rf"listening on {HOST}:{relay.port} \(plain HTTP\)$")
        relay.wait_log("admission: everybody: this is an open relay")
        self.assertNotIn("where others may reach it", relay.log.text())
        port = free_port()
        flags = [f"-a=:{port}", "-c=" + self.path("k2"), "-stun=false"]
        other = self.spawn(flags, port)
        other.wait_log(rf"listening on \[::\]:{port} \(plain HTTP\)$")
        other.wait_log("plain HTTP where others may reach it")

    @ours_only
    def test_who_is_admitted_is_told(self):
        self.write("nodes", f"nodekey:{'1' * 64}\nnodekey:{'2' * 64}\n")
        relay = self.derper(
            "-verify-nodes=" + self.path("nodes"),
            "-verify-clients",
            "-socket=" + self.path("sock"),
            "-verify-client-url=http://u:secret@127.0.0.1:9/secret?token=secret",
        )
        relay.wait_log(r"admission: 2 keys of 1 node list$")
        relay.wait_log(r"admission: .* tailscaled at .*/sock knows; it is not there now")
        relay.wait_log(r"admission: nodes that http://127\.0\.0\.1:9 allows; everybody while")
        self.assertNotIn("open relay", relay.log.text())
        self.assertNotIn("secret", relay.log.text())

    @ours_only
    def test_sources_that_list_later_are_told_by_name(self):
        self.write("nodes", f"nodekey:{'1' * 64}\n")
        self.write("key", "secret\n")
        relay = self.derper(
            "-verify-nodes=" + self.path("nodes"),
            "-verify-tailscaled=" + self.path("sock"),
            "-verify-headscale=http://u:secret@127.0.0.1:9",
            "-verify-headscale-key-file=" + self.path("key"),
        )
        relay.wait_log("admission: the keys of 1 node list$")
        relay.wait_log("admission: nodes that tailscaled /.*/sock lists$")
        relay.wait_log(r"admission: nodes that headscale http://127\.0\.0\.1:9 lists$")
        relay.wait_log("admission: only those are admitted that all of these have$")
        self.assertNotIn("open relay", relay.log.text())
        self.assertNotIn("secret", relay.log.text())

    def url_relay(self, url, *flags):
        return self.derper("-verify-client-url=" + url, *flags)

    @ours_only
    def test_whether_the_admission_url_answers_is_told(self):
        stub = stub_verify(self, lambda path, body: (200, '{"Allow":true}'))
        there = stub.url.replace("://", "://u:secret@") + "?token=secret"
        relay = self.url_relay(there)
        origin = re.escape(stub.url.removesuffix("/verify"))
        relay.wait_log(rf"admission: {origin} answers \(to GET / with 404 Not Found\)$")
        self.assertNotIn("secret", relay.log.text())
        self.assertEqual(len(stub.greetings), 1)
        self.assertEqual(stub.requests, [], "nobody's key was asked about")
        with socket.socket() as closed:
            closed.bind((HOST, 0))
            url = "http://%s:%d/verify" % closed.getsockname()
            self.url_relay(url).wait_log(
                "does not answer now: .*refused.*; everybody is admitted while that lasts"
            )
            self.url_relay(url, "-verify-client-url-fail-open=false").wait_log(
                "does not answer now: .*; nobody is admitted by it while that lasts"
            )
        make_cert(self.folder, "other", f"IP:{HOST}")
        tls = stub_verify(self, lambda path, body: (200, "{}"), self.path("other"))
        relay = self.url_relay(tls.url)
        relay.wait_log("is not trusted: .*certificate.*; nobody is admitted")

    @ours_only
    def test_an_admission_url_that_is_silent_delays_nothing(self):
        with socket.create_server((HOST, 0)) as silent:
            origin = "http://%s:%d" % silent.getsockname()
            self.write(
                "v.yaml", f"sources:\n- url: {origin}/secret\n  outage: open\n- nodes: none\n"
            )
            self.write("none", f"nodekey:{'1' * 64}\n")
            relay = self.derper("-verify-config=" + self.path("v.yaml"))
            relay.wait_log(rf"{origin} does not answer now: .*; everybody is admitted")
            text = relay.log.text()
            self.assertLess(text.index(" serving on "), text.index("answer now"))
            self.assertIn(f"- url {origin}\n", text)
            self.assertIn("node list", text)
            self.assertRegex(text, rf"while url {origin} is away, it admits EVERYBODY")
            self.assertNotIn("secret", text)

    @ours_only
    def test_too_few_descriptors_are_told(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
        relay = self.derper("-max-connections=1000", "-loops=1", preexec_fn=few)
        room = relay.wait_log("open files is 300, which is enough for ([0-9]+) connections").group(1)
        self.assertIn(int(room), range(100, 200))
        enough = self.derper(f"-max-connections={room}", "-loops=1", preexec_fn=few)
        enough.wait_log(" serving on ")
        self.assertNotIn("open files", enough.log.text())

    @ours_only
    def test_a_key_file_that_others_can_read_is_told(self):
        relay = self.derper("-c=" + self.path("a/k"), umask=0)
        relay.wait_log(" serving on ")
        self.assertNotIn("other users", relay.log.text())
        self.assertEqual(stat.S_IMODE(os.stat(self.path("a")).st_mode), 0o755)
        os.chmod(self.path("a/k"), 0o644)
        again = self.derper("-c=" + self.path("a/k"))
        again.wait_log(r"a/k can be read or changed by other users \(mode 0644\)")

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
            relay.wait_log(f"received {sig.name}, shutting down")

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
    def test_a_variable_that_means_nothing_is_told(self):
        relay = self.derper(env={"DERP_VERIFY_CLIENT": "true", "DERP_STUN": "false"})
        relay.wait_log(
            "environment variable DERP_VERIFY_CLIENT is ignored: "
            r"did you mean DERP_VERIFY_CLIENTS\?$"
        )
        self.assertNotIn("DERP_STUN", relay.log.text())

    @ours_only
    def test_failing_closed_can_be_set_by_a_variable(self):
        url = f"http://{HOST}:{free_port()}/verify"
        env = {"DERP_VERIFY_CLIENT_URL": url}
        self.peer().login(self.derper(env=env), "a")
        env["DERP_VERIFY_CLIENT_URL_FAIL_OPEN"] = "false"
        self.peer().refused(self.derper(env=env), "b")

    @ours_only
    def test_a_bad_variable_is_named(self):
        status, _, err = self.run_relay(["-c=k"], env={"DERP_STUN_PORT": "many"})
        self.assertEqual(status, 1)
        self.assertIn("DERP_STUN_PORT", err)

    @ours_only
    def test_plain_http_for_others_is_a_warning(self):
        warning = "plain HTTP where others may reach it"
        for relay in (self.derper(), self.derper(tls=True)):
            relay.exit_expected = True
            self.assertEqual(relay.stop(), 0)
            self.assertNotIn(warning, relay.log.text())
        inside = ["unshare", "--map-root-user", "--net"]
        if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
            self.skipTest("no network namespaces")
        flags = ["-a=:8080", "-c=" + self.path("k"), "-stun=false"]
        proc = subprocess.Popen(
            [*inside, DERPER, *flags],
            stderr=subprocess.PIPE,
            env=clean_env(),
            cwd=self.folder,
        )
        self.addCleanup(proc.wait, PATIENCE)
        self.addCleanup(proc.terminate)
        Lines(proc.stderr).wait(warning)

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
