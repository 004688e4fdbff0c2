#!/usr/bin/env python3
"""The pages below /debug/: who may see them, and what they tell."""
import json
import re
import time
import unittest
import urllib.request

from relaytest import HOST, IS_GO, Scenario, free_port, ours_only, request, wait_until

KEY = "a key +/%"


def samples(text):
    """Values by name with labels; fails where a line is none."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_0-9]+(?:\{[^}]*\})?) (\S+)', line)
        assert match, line
        assert match.group(1) not in found, line
        found[match.group(1)] = float(match.group(2))
    return found


class Access(Scenario):
    def status(self, relay, path, headers=None, method="GET", port=None):
        return request(relay, path, method, headers, port=port).status

    def test_loopback_may_and_a_proxy_may_not(self):
        relay = self.derper()
        self.assertEqual(self.status(relay, "/debug/"), 200)
        r = request(relay, "/debug/varz", "GET", {"X-Forwarded-For": "127.0.0.1"})
        self.assertEqual((r.status, r.body), (403, b"debug access denied\n"))

    @ours_only
    def test_metrics_has_the_same_rule(self):
        relay = self.derper()
        self.assertEqual(self.status(relay, "/metrics"), 200)
        self.assertEqual(self.status(relay, "/metrics", {"X-Forwarded-For": "1"}), 403)

    def test_who_has_the_key_may(self):
        path = self.write("debugkey", f"\n {KEY}\n")
        relay = self.derper(env={"TS_DEBUG_KEY_PATH": path})
        proxied = {"X-Forwarded-For": "1"}
        good = "/debug/varz?a=b&debugkey=a+key+%2b%2F%25"
        self.assertEqual(self.status(relay, good, proxied), 200)
        for bad in ("?debugkey=", "?debugkey=a", "?debugkey=%zz", "", "?debugkey=a;b", "?debugkey=" + "a" * 5000):
            self.assertEqual(self.status(relay, "/debug/varz" + bad, proxied), 403, bad)
        self.assertEqual(self.status(relay, good, proxied, "POST"), 403)
        # it is read at each request
        self.write("debugkey", "another")
        self.assertEqual(self.status(relay, good, proxied), 403)
        self.assertEqual(self.status(relay, "/debug/varz?debugkey=another", proxied), 200)

    def test_on_the_plain_port_too(self):
        port = free_port()
        relay = self.derper(f"-http-port={port}", tls=True)
        self.assertEqual(self.status(relay, "/debug/varz", port=port), 200)
        self.assertEqual(self.status(relay, "/debug/varz", {"X-Forwarded-For": "1"}, port=port), 403)

    @ours_only
    def test_a_bad_prefix_is_fatal(self):
        self.derper(env={"TS_DEBUG_TRUSTED_CIDRS": "10.0.0.0/8, 2001:db8::/32"})
        env = {"TS_DEBUG_TRUSTED_CIDRS": "10.0.0.0/8,10.0.0.0/33"}
        flags = [f"-a={HOST}:{free_port()}", "-stun=false", "-c=" + self.path("k")]
        status, _, err = self.run_relay(flags, env=env)
        self.assertEqual(status, 1)
        self.assertIn('"10.0.0.0/33" is not a prefix', err)


@ours_only
class Tls(Scenario):
    def test_handshakes_and_clients_are_counted_by_version(self):
        plain = free_port()
        relay = self.derper(f"-http-port={plain}", tls=True)
        p = self.peer()
        p.login(relay, "a", "b")
        found = samples(request(relay, "/metrics", port=plain).body.decode())
        self.assertEqual(found['derpkit_tls_handshakes_total{version="1.3"}'], 2)
        self.assertEqual(found['derper_tls_active_version{version="1.3"}'], 2)
        self.assertEqual(found['derper_tls_request_version{version="1.3"}'], 2)
        p.do("end a")
        p.expect("closed a .*")

        def one_left():
            text = request(relay, "/metrics", port=plain).body.decode()
            return samples(text)['derper_tls_active_version{version="1.3"}'] == 1

        wait_until(one_left, "the gauge to fall")


class Pages(Scenario):
    def setUp(self):
        super().setUp()
        self.relay = self.derper()

    def get(self, path):
        r = request(self.relay, path)
        self.assertEqual(r.status, 200, path)
        return r

    def varz(self):
        with urllib.request.urlopen(f"http://{HOST}:{self.relay.port}/debug/varz") as r:
            return samples(r.read().decode())

    def test_the_list_leads_to_pages_that_are_there(self):
        body = self.get("/debug/").body.decode()
        self.assertIn("<b>Uptime:</b>", body)
        links = re.findall(r'href="([^"]*)"', body)
        self.assertIn("/debug/varz", links)
        if not IS_GO:  # whose list has pages that do not end
            for link in links:
                self.get(link)

    @ours_only
    def test_what_looks_into_go_is_not_there(self):
        for path in ("/debug/pprof/", "/debug/pprof/heap", "/debug/gc"):
            r = request(self.relay, path)
            self.assertEqual(r.status, 404)
            self.assertIn(b"which this relay is not", r.body)
        self.assertEqual(request(self.relay, "/debug/x").body, b"404 page not found\n")

    def test_packets_are_counted_by_kind(self):
        p = self.peer()
        p.login(self.relay, "a", "b")
        before = self.varz()
        disco = "5453f09f92ac" + "00" * 94  # "TS", a speech balloon
        p.do("send a b 0102030405", f"send a b {disco}", "send a b 06070809")
        for n in (5, 100, 4):
            p.expect(f"recv b a {n} .*")
        p.do("end b")
        p.expect("closed b .*")
        p.do(f"send a nodekey:{'11' * 32} 010203")
        p.ping("a")
        wait_until(lambda: self.varz()["derp_current_connections"] == 1, "b to have left")
        after = self.varz()
        grown = {k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)}
        self.assertEqual(grown['derp_packets_received_kind{kind="disco"}'], 1)
        self.assertEqual(grown['derp_packets_received_kind{kind="other"}'], 3)
        self.assertEqual(grown["derp_packets_received"], 4)
        self.assertEqual(grown["derp_packets_sent"], 3)
        self.assertEqual(grown["derp_bytes_received"], 112)
        self.assertEqual(grown["derp_bytes_sent"], 109)
        self.assertEqual(grown['derp_packets_dropped{reason="unknown_dest",kind="other"}'], 1)
        self.assertEqual(grown['derp_bytes_dropped{reason="unknown_dest",kind="other"}'], 3)
        self.assertEqual(after["derp_current_connections"], 1)

    def test_writes_are_measured(self):
        """Frames of each flush, and how long packets wait: that is sampled."""
        p = self.peer()
        p.login(self.relay, "a", "b")

        def averaged():
            p.do("send a b 0102")
            p.expect("recv b a 2 0102")
            return self.varz()["derp_average_queue_duration_ms"] > 0
        wait_until(averaged, "a sample")
        text = self.varz()
        buckets = [v for k, v in text.items() if k.startswith("derp_buffered_write_frames_bucket{")]
        self.assertEqual(len(buckets), 17)
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[0], 0)
        self.assertGreater(buckets[1], 0)
        self.assertEqual(buckets[-1], text["derp_buffered_write_frames_count"])

    @ours_only
    def test_json_has_the_same_values(self):
        p = self.peer()
        p.login(self.relay, "a")
        tree = json.loads(self.get("/debug/vars").body)
        text = self.varz()
        self.assertEqual(tree["derp"]["accepts"], 1)
        self.assertEqual(text["derp_accepts"], 1)
        self.assertEqual(tree["derpkit"]["workers"], text["derpkit_workers"])
        self.assertIn("cause", self.get("/metrics").body.decode())
        self.assertEqual(tree["stun"]["counter_requests"]["success"], 0)

    @ours_only
    def test_the_process_is_measured(self):
        found = self.varz()
        self.assertGreater(found["process_resident_memory_bytes"], 1 << 20)
        self.assertGreater(found["process_cpu_seconds_total"], 0)
        self.assertGreater(found["process_open_fds"], 5)
        self.assertGreater(found["node_boot_time_seconds"], 1e9)

    def test_the_check_is_okay(self):
        p = self.peer()
        p.login(self.relay, "a")
        found = wait_until(lambda: self.okay(), "the counts to agree")
        self.assertEqual(found, b"derp.Server ConsistencyCheck okay")

    def okay(self):
        r = request(self.relay, "/debug/check")
        return r.status == 200 and r.body

    @ours_only
    def test_duplicates_are_consistent(self):
        p = self.peer()
        p.key("a", "11" * 32)
        p.key("b", "11" * 32)
        p.login(self.relay, "a", "b")
        self.assertEqual(self.varz()["derp_current_dup_client_keys"], 1)
        wait_until(lambda: self.okay(), "the counts to agree")

    @ours_only
    def test_the_check_tells_a_source_that_fails(self):
        nodes = self.write("nodes", "nodekey:" + "11" * 32 + "\n")
        relay = self.derper(f"-verify-nodes={nodes}")
        self.assertEqual(request(relay, "/debug/check").status, 200)
        self.write("nodes", "no key at all\n")

        def told():
            r = request(relay, "/debug/check")
            return r.status == 500 and r.body

        self.assertIn(b"cannot be read", wait_until(told, "the fault to be told"))

    @ours_only
    def test_homes_and_better_relays_are_counted(self):
        p = self.peer()
        began = time.monotonic()
        p.login(self.relay, "a")
        p.do("frame a 07 01")
        p.ping("a")
        lasted = time.monotonic() - began
        found = self.varz()
        self.assertEqual(found["derp_current_home_connections"], 1)
        if lasted < 5:  # it has just come
            self.assertEqual(found["derp_home_moves_in"], 0)
        self.assertEqual(found["derp_current_notideal_connections"], 0)
        self.assertEqual(found["derper_tls_active_version{version=\"1.3\"}"], 0)


if __name__ == "__main__":
    unittest.main()
