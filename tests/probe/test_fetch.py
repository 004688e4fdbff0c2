#!/usr/bin/env python3
"""`derpmap fetch` as a command, against a server that answers as told."""

import gzip
import hashlib
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest

from probetest import DERPMAP, Authority


def region(number, nodes=1):
    return {"RegionID": number, "RegionCode": f"r{number}",
            "RegionName": f"Region {number}", "Nodes": [
                {"Name": f"{number}{i}", "RegionID": number,
                 "HostName": f"derp{number}-{i}.relays.net"}
                for i in range(nodes)]}


def a_map(*regions):
    return json.dumps({"Regions": {str(r["RegionID"]): r for r in regions}}).encode()


GOOD = a_map(region(900), region(901))


class Server:
    """Answers each path with (status, headers, body), conditionally where it
    has validators; keeps what was asked."""

    def __init__(self, context=None):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                status, headers, body = outer.answers[self.path]
                if (headers.get("ETag") and headers["ETag"] ==
                        self.headers.get("If-None-Match")):
                    status, body = 304, b""
                if isinstance(status, str):  # with a reason of its own
                    code, reason = status.split(" ", 1)
                    self.send_response(int(code), reason)
                else:
                    self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if not {"Content-Length", "Transfer-Encoding"} & set(headers):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.httpd.socket = context.wrap_socket(self.httpd.socket,
                                                    server_side=True)
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.httpd.server_port}"

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.file = self.folder / "derp.yaml"
        self.answer(GOOD)

    def answer(self, body, path="/map", status=200, **headers):
        self.server.answers[path] = (status, headers, body)

    def fetch(self, *args, paths=("/map",), out=True, env=None):
        mine = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        return subprocess.run(
            [DERPMAP, "fetch", *[self.server.url + p for p in paths],
             *(["-o", str(self.file)] if out else []), *args],
            capture_output=True, text=True, timeout=60, check=False,
            cwd=self.folder, env=mine | (env or {}))

    def lint_status(self):
        return subprocess.run([DERPMAP, "lint", str(self.file)], timeout=60,
                              capture_output=True, check=False).returncode

    def assert_kept(self, done, status, *texts):
        """The file is byte for byte what it was, and no other was left."""
        self.assertEqual(done.returncode, status, done)
        for text in texts:
            self.assertIn(text, done.stderr)
        self.assertEqual(self.file.read_bytes(), self.before)
        self.assertEqual({p.name for p in self.folder.iterdir()},
                         {"derp.yaml", "derp.yaml.fetched"})

    def keep(self):
        self.assertEqual(self.fetch().returncode, 0)
        self.before = self.file.read_bytes()

    def test_it_writes_what_headscale_reads(self):
        done = self.fetch()
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("regions:\n  900:\n", self.file.read_text())
        self.assertEqual(self.lint_status(), 0)

    def test_it_writes_json_and_to_standard_output(self):
        done = self.fetch("--to", "json", out=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(set(json.loads(done.stdout)["Regions"]), {"900", "901"})
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_later_url_wins(self):
        other = region(901)
        other["RegionName"] = "The other"
        self.answer(a_map(other, region(902)), "/second")
        done = self.fetch("--to", "json", paths=("/map", "/second"))
        self.assertEqual(done.returncode, 0, done)
        regions = json.loads(self.file.read_text())["Regions"]
        self.assertEqual(sorted(regions), ["900", "901", "902"])
        self.assertEqual(regions["901"]["RegionName"], "The other")
        done = self.fetch("--to", "json", paths=("/second", "/map"))
        regions = json.loads(self.file.read_text())["Regions"]
        self.assertEqual(regions["901"]["RegionName"], "Region 901")

    def test_a_null_drops_the_region_of_an_earlier_url(self):
        self.answer(b'{"Regions": {"901": null, "7": null}}', "/drop")
        done = self.fetch("--to", "json", paths=("/map", "/drop"))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(list(json.loads(self.file.read_text())["Regions"]),
                         ["900"])
        self.assertIn("/drop: region 7 is null: left out\n", done.stderr)
        self.assertIn("/drop: region 901 is null: left out\n", done.stderr)
        # what comes later wins, a null in the same way as a region
        done = self.fetch("--to", "json", paths=("/drop", "/map"))
        self.assertEqual(list(json.loads(self.file.read_text())["Regions"]),
                         ["900", "901"])
        self.assertNotIn("901", done.stderr)
        # a map of nulls alone is not one
        self.before = self.file.read_bytes()
        self.assert_kept(self.fetch("--to", "json", paths=("/drop",)), 1,
                         "without a single node")

    def test_an_answer_cannot_reach_the_terminal(self):
        bad = region(900)
        bad["Nodes"][0]["HostName"] = "a\x1b[31mb"
        for body, status, headers in (
                (GOOD, "500 \x1b[31mred\x9b", {}), (a_map(bad), "200 OK", {}),
                (b"", "302 Found", {"Location": "ftp://\x1b[31m/"})):
            self.server.answers["/map"] = (status, headers, body)
            done = self.fetch()
            self.assertIn(done.returncode, (1, 2), done)
            self.assertNotIn("\x1b", done.stderr)
            self.assertNotEqual(done.stderr, "")
            self.assertFalse(self.file.exists())

    def test_validators_that_are_not_utf8_are_not_remembered(self):
        self.answer(GOOD, ETag='"\xff\xfe"', **{"Last-Modified": "\xff"})
        done = self.fetch()
        self.assertEqual(done.returncode, 0, done)
        self.fetch()
        self.assertNotIn("If-None-Match", self.server.asked[-1][1])

    def test_many_nulls_are_counted(self):
        nulls = ", ".join(f'"{n}": null' for n in range(1, 31))
        self.answer(b'{"Regions": {%s}}' % nulls.encode(), "/drop")
        done = self.fetch(paths=("/map", "/drop"))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stderr.count("is null: left out"), 20)
        self.assertIn("10 more regions are null: left out\n", done.stderr)

    def test_a_sidecar_that_cannot_be_written_costs_nothing(self):
        (self.folder / "derp.yaml.fetched").mkdir()
        (self.folder / "derp.yaml.fetched" / "x").mkdir()
        for said in ("written", "unchanged"):
            done = self.fetch()
            self.assertEqual(done.returncode, 0, done)
            self.assertIn(f"derp.yaml: {said}, 2 regions\n", done.stderr)
            self.assertRegex(done.stderr, "derp.yaml.fetched: .*; the next "
                             "fetch will not ask for changes only\n$")
        self.assertEqual(self.lint_status(), 0)

    def test_what_is_no_good_map_is_refused_and_the_file_kept(self):
        self.keep()
        no_host = region(900)
        del no_host["Nodes"][0]["HostName"]
        for body, status, text in (
                (b"<html><body>Welcome</body></html>", 200, "an HTML page"),
                (b'{"derpMap": ' + GOOD + b"}", 200, "not a map"),
                (b"", 200, ""), (b"{}", 200, "without a single node"),
                (b"null", 200, ""), (b"[]", 200, ""), (b'{"Regions":', 200, ""),
                (b'{"Regions": {"900": null}}', 200, "without a single node"),
                (a_map(region(900, nodes=0)), 200, "without a single node"),
                (GOOD, 404, "the answer is 404 Not Found"),
                (GOOD, 500, "the answer is 500"),
                (GOOD, 204, "the answer is 204"),
                (a_map(no_host, region(901)), 200, "error")):
            with self.subTest(body=body[:40], status=status):
                self.answer(body, status=status)
                self.assert_kept(self.fetch(), 1, text, "left as it is")

    def test_a_map_that_shrank_is_refused(self):
        self.answer(a_map(*[region(900 + i, nodes=2) for i in range(10)]))
        self.keep()
        self.answer(a_map(*[region(900 + i, nodes=2) for i in range(4)]))
        self.assert_kept(self.fetch(), 1, "4 regions with 8 nodes",
                         "--max-shrink 100")
        # half of it is the limit
        self.answer(a_map(*[region(900 + i, nodes=2) for i in range(5)]))
        self.assertEqual(self.fetch().returncode, 0)
        # fewer nodes count as well
        self.before = self.file.read_bytes()
        self.answer(a_map(*[region(900 + i) for i in range(5)]))
        self.assert_kept(self.fetch("--max-shrink", "20"), 1, "with 5 nodes")
        self.answer(a_map(region(900)))
        self.assertEqual(self.fetch("--max-shrink", "100").returncode, 0)

    def test_a_long_answer_is_refused(self):
        self.keep()
        self.answer(GOOD + b" " * (2 << 20))
        self.assert_kept(self.fetch("--max-size", "1"), 1, "--max-size")

    def test_an_answer_that_is_not_whole_is_refused(self):
        """What is there would be a good map by itself: the end is missing."""
        text = "regions:\n" + "".join(
            f"  {n}:\n    regionid: {n}\n    regioncode: r{n}\n"
            f"    regionname: Region {n}\n    nodes:\n      - name: {n}a\n"
            f"        regionid: {n}\n        hostname: d{n}.relays.net\n"
            for n in range(900, 999))
        whole = gzip.compress(text.encode())
        self.answer(whole, **{"Content-Encoding": "gzip"})
        self.keep()
        self.assertIn(b"  998:\n", self.before)
        for cut in (1, 8, 9, len(whole) // 5):
            self.answer(whole[:-cut], **{"Content-Encoding": "gzip"})
            self.assert_kept(self.fetch(), 2, "it is not whole",
                             "left as it is")
        self.answer(whole[:20] + whole[30:], **{"Content-Encoding": "gzip"})
        self.assert_kept(self.fetch(), 2, "left as it is")
        self.answer(text.encode(), **{"Content-Encoding": "gzip"})
        self.assert_kept(self.fetch(), 2, "not gzip")
        # the server closes the connection after what there is
        part = text[:text.index("  990:")].encode()
        self.answer(part, **{"Content-Length": str(len(text)),
                             "Connection": "close"})
        self.assert_kept(self.fetch(), 2, "left as it is")
        self.answer(b"%x\r\n%s\r\n" % (len(part), part),
                    **{"Transfer-Encoding": "chunked", "Connection": "close"})
        self.assert_kept(self.fetch(), 2, "left as it is")

    def test_no_answer_keeps_the_file(self):
        self.keep()
        self.server.stop()
        self.assert_kept(self.fetch(), 2, "left as it is")
        self.server = Server()  # for the clean-up

    def test_an_unchanged_map_is_not_written_again(self):
        self.answer(GOOD, ETag='"v1"', **{"Last-Modified":
                                          "Sun, 06 Nov 1994 08:49:37 GMT"})
        self.keep()
        stat = self.file.stat()
        done = self.fetch()
        self.assertEqual((done.returncode, self.server.answers["/map"][0]), (0, 200))
        self.assertIn("not modified", done.stderr)
        headers = self.server.asked[-1][1]
        self.assertEqual(headers["If-None-Match"], '"v1"')
        self.assertEqual(headers["If-Modified-Since"],
                         "Sun, 06 Nov 1994 08:49:37 GMT")
        # the same map without validators: the file is left alone
        self.answer(GOOD)
        done = self.fetch("--always")
        self.assertIn("unchanged", done.stderr)
        self.assertNotIn("If-None-Match", self.server.asked[-1][1])
        self.assertEqual(self.file.stat().st_ino, stat.st_ino)
        self.assertEqual(self.file.stat().st_mtime_ns, stat.st_mtime_ns)

    def test_an_edited_file_or_another_form_is_fetched_again(self):
        self.answer(GOOD, ETag='"v1"')
        self.keep()
        self.file.write_bytes(self.before + b"# mine\n")
        self.assertEqual(self.fetch().returncode, 0)
        self.assertNotIn("If-None-Match", self.server.asked[-1][1])
        self.assertEqual(self.file.read_bytes(), self.before)
        self.assertEqual(self.fetch("--to", "json").returncode, 0)
        json.loads(self.file.read_text())
        sidecar = self.folder / "derp.yaml.fetched"
        for text in ("", "[]", '{"urls": 1}', "{"):
            sidecar.write_text(text, "utf-8")
            self.assertEqual(self.fetch().returncode, 0)
            self.assertNotIn("If-None-Match", self.server.asked[-1][1])

    def test_a_password_is_neither_kept_nor_shown(self):
        self.server.url = self.server.url.replace("//", "//me:sekret@")
        self.answer(GOOD, ETag='"v1"')
        self.assertEqual(self.fetch().returncode, 0)
        self.assertIn("Authorization", self.server.asked[-1][1])
        self.assertNotIn("sekret", (self.folder / "derp.yaml.fetched").read_text())
        # it is known again all the same
        self.assertEqual(self.fetch().returncode, 0)
        self.assertIn("If-None-Match", self.server.asked[-1][1])
        for answer in (b"no", 404), (b"<html>", 200), (b"{}", 200):
            self.answer(answer[0], status=answer[1])
            done = self.fetch()
            self.assertEqual(done.returncode, 1, done)
            self.assertNotIn("sekret", done.stderr + done.stdout)

    def test_one_of_two_that_changed_fetches_both(self):
        self.answer(GOOD, ETag='"v1"')
        self.answer(a_map(region(902)), "/second", ETag='"w1"')
        both = {"paths": ("/map", "/second")}
        self.assertEqual(self.fetch(**both).returncode, 0)
        self.assertIn("not modified", self.fetch(**both).stderr)
        self.answer(a_map(region(903)), "/second", ETag='"w2"')
        done = self.fetch(**both)
        self.assertIn("written, 3 regions", done.stderr)
        self.assertIn("  903:", self.file.read_text())

    def test_the_sidecar_cannot_put_headers_into_a_request(self):
        self.answer(GOOD, ETag='"v1"')
        self.keep()
        sidecar = self.folder / "derp.yaml.fetched"
        said = json.loads(sidecar.read_text())
        self.assertEqual(said["sha256"], hashlib.sha256(self.before).hexdigest())
        said["urls"][0]["etag"] = '"v1"\r\nX-Other: 1'
        sidecar.write_text(json.dumps(said), "utf-8")
        self.assertEqual(self.fetch().returncode, 0)
        self.assertNotIn("X-Other", self.server.asked[-1][1])

    def test_roots_and_proxy(self):
        ca = Authority(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ca.leaf("IP:127.0.0.1"))
        secure = Server(context)
        self.addCleanup(secure.stop)
        secure.answers = self.server.answers
        plain, self.server = self.server, secure
        done = self.fetch()
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("certificate", done.stderr)
        self.assertFalse(self.file.exists())
        self.assertEqual(self.fetch("--ca-file", ca.root).returncode, 0)
        self.assertEqual(self.fetch("--ca-file", "missing").returncode, 2)
        self.server = plain
        plain.answers["http://map.relays.net/map"] = plain.answers["/map"]
        done = subprocess.run(
            [DERPMAP, "fetch", "http://map.relays.net/map"], timeout=60,
            capture_output=True, text=True, check=False,
            env={"http_proxy": plain.url, "HTTP_PROXY": plain.url})
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(plain.asked[-1][0], "http://map.relays.net/map")

    def test_what_is_not_a_file_is_written_through(self):
        done = self.fetch("-o", "/dev/stdout", out=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("regions:\n  900:\n", done.stdout)
        self.assertEqual(list(self.folder.iterdir()), [])
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        reader = subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE)
        self.assertEqual(self.fetch("-o", str(fifo), out=False).returncode, 0)
        self.assertIn(b"  901:\n", reader.communicate(timeout=60)[0])
        self.assertEqual([p.name for p in self.folder.iterdir()], ["fifo"])
        # what cannot be read cannot be compared
        done = self.fetch("-o", str(self.folder / "fifo" / "x"), out=False)
        self.assertEqual(done.returncode, 2, done)

    def test_wrong_usage(self):
        for args in ([], ["ftp://x/y"], ["x"], ["http://x/y", "--max-shrink", "101"],
                     ["http://x/y", "--to", "xml"], ["http://x/y", "--max-size", "0"],
                     ["http://x/y", "--timeout", "0"], ["http://x/y", "-o", ""]):
            done = subprocess.run([DERPMAP, "fetch", *args], timeout=60,
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, (args, done))
            self.assertIn("usage", done.stderr)


if __name__ == "__main__":
    unittest.main()
