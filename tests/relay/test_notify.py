#!/usr/bin/env python3
"""What relay and admission server tell the service manager: ready, reloading,
stopping, a status, and that they live."""

import os
import signal
import threading
import unittest

from relaytest import HOST, Scenario, free_port, make_cert, ours_only, stub_verify
from servetest import DERPVERIFY
from servicemanager import Activated, Manager, stopped, threads

RELOADING = r"RELOADING=1\nMONOTONIC_USEC=\d+"


@ours_only
class Notify(Scenario):
    def test_a_life_is_told(self):
        make_cert(self.folder, HOST, "IP:" + HOST, days=400)
        manager = Manager(self)
        relay = self.derper("-drain-timeout=2s", tls=True, env=manager.env)
        manager.wait("READY=1")
        match = manager.wait(r"STATUS=0 clients, certificate until (\d{4}-\d\d-\d\d), everybody is admitted")
        self.assertGreater(match.group(1), "2026")
        for _ in range(2):
            mark = manager.mark()
            relay.proc.send_signal(signal.SIGHUP)
            manager.wait(RELOADING, mark)
            manager.wait("READY=1", mark)
        p = self.peer()
        p.login(relay, "a")
        manager.wait("STATUS=1 clients, .*")
        relay.exit_expected = True
        self.assertEqual(relay.stop(), 0)
        manager.wait("STOPPING=1\nEXTEND_TIMEOUT_USEC=12000000")
        self.assertNotIn("WATCHDOG=1", manager.messages)

    def test_it_is_ready_when_it_serves(self):
        """Whoever starts when it is ready finds the ports open."""
        manager = Manager(self)
        relay = self.spawn(
            [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("key")],
            env=manager.env,
        )
        manager.wait("READY=1")
        relay.port = int(relay.wait_log(rf"listening on {HOST}:(\d+)").group(1))
        p = self.peer()
        p.login(relay, "a")

    def test_reload_by_command_is_told(self):
        manager = Manager(self)
        control = "-control-socket=" + self.path("control")
        relay = self.derper(control, env=manager.env)
        manager.wait("READY=1")
        mark = manager.mark()
        status, _, err = self.run_relay(["reload", control])
        self.assertEqual((status, err), (0, ""))
        manager.wait(RELOADING, mark)
        manager.wait("READY=1", mark)
        self.assertIsNone(relay.proc.poll())

    def test_it_is_ready_when_it_knows_its_members(self):
        asked, answer = threading.Event(), threading.Event()

        def reply(path, body):
            asked.set()
            answer.wait(60)
            return 200, '{"nodes": []}'

        stub = stub_verify(self, reply)
        manager = Manager(self)
        self.addCleanup(answer.set)
        self.derper(
            "-verify-headscale=" + stub.url.removesuffix("/verify"),
            "-verify-headscale-key-file=" + self.write("api-key", "k"),
            env=manager.env,
        )
        self.assertTrue(asked.wait(60))
        # told by the same look that finds it ready, or not
        manager.wait("STATUS=0 clients, 0 node keys listed")
        self.assertEqual([m for m in manager.messages if m.startswith("READY")], [])
        answer.set()
        manager.wait("READY=1")

    def test_no_start_no_ready(self):
        manager = Manager(self)
        status, _, _ = self.run_relay(
            [f"-a={HOST}:{free_port()}", "-stun=false", "-c=/dev/null/x"], env=manager.env
        )
        self.assertEqual(status, 1)
        self.assertNotIn("READY=1", manager.messages)

    def test_wrong_variables_are_refused(self):
        for env, want in (
            ({"NOTIFY_SOCKET": "vsock:2:1"}, "NOTIFY_SOCKET: .* is not the path"),
            ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC: .* is not a number"),
        ):
            status, _, err = self.run_relay(
                [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("key")], env=env
            )
            self.assertEqual(status, 1)
            self.assertRegex(err, want)


@ours_only
class Watchdog(Scenario):
    def check_hang(self, manager, program, name, number):
        """One thread that hangs is enough for the manager not to be told that
        the program lives; it is again when that goes on."""
        manager.wait("READY=1")
        manager.wait("WATCHDOG=1")
        task = threads(program.proc.pid, name)
        self.assertEqual(len(task), 1, name)
        mark = program.log_mark()
        try:
            with stopped(task[0]):
                program.wait_log(f"event loop {number} does not answer", mark)
                alive = manager.mark()
                # the rest goes on, and the manager hears of it
                program.proc.send_signal(signal.SIGHUP)
                manager.wait(RELOADING, alive)
                manager.wait("READY=1", alive)
                self.assertNotIn("WATCHDOG=1", manager.since(alive))
        except PermissionError as e:
            self.skipTest(f"threads may not be traced here: {e}")
        manager.wait("WATCHDOG=1", manager.mark())

    def test_a_worker_that_hangs_is_missed(self):
        manager = Manager(self, watchdog_us=1000000)
        relay = self.derper("-loops=3", "-core-dumps", env=manager.env)
        self.check_hang(manager, relay, "worker 1", 1)

    def test_the_watchdog_of_another_process_is_left_alone(self):
        manager = Manager(self, watchdog_us=200000)
        manager.env["WATCHDOG_PID"] = str(os.getpid())
        relay = self.derper(env=manager.env)
        manager.wait("READY=1")
        relay.exit_expected = True
        relay.stop()
        manager.wait("STOPPING=1.*(?s:.*)")
        self.assertNotIn("WATCHDOG=1", manager.messages)


@ours_only
class Admission(Scenario):
    def serve(self, manager):
        nodes = self.write("nodes", "nodekey:" + "a" * 64 + "\n")
        flags = ["serve", f"--listen={HOST}:{free_port()}", "--nodes=" + nodes]
        return Activated(self, [], flags, command=(DERPVERIFY,), env=manager.env)

    def test_a_life_is_told(self):
        manager = Manager(self, watchdog_us=1000000)
        server = self.serve(manager)
        manager.wait("READY=1")
        manager.wait("WATCHDOG=1")
        mark = manager.mark()
        server.proc.send_signal(signal.SIGHUP)
        manager.wait(RELOADING, mark)
        manager.wait("READY=1", mark)
        server.exit_expected = True
        self.assertEqual(server.stop(), 0)
        manager.wait("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000")


if __name__ == "__main__":
    unittest.main()
