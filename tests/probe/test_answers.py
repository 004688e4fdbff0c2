#!/usr/bin/env python3
"""`derpmap probe`: what answers instead of TLS is told by its bytes, a close is
understood with and without TLS's close_notify, and a probe leaves nothing in
the log of a relay that works.
"""

import re
import unittest

import faults
from probetest import Authority, ProbeCase, wait_until


def sends(data, first=False):
    """Sends the bytes: at once, or in answer to what comes."""
    def serve(sock, _):
        if not first:
            sock.recv(65536)
        sock.sendall(data)
        if first:  # a close with bytes unread would be a reset
            sock.recv(65536)
    return serve


class Answers(ProbeCase):
    def front(self, serve, address="127.0.0.1", cert=None):
        front = faults.Front(address, 0, serve, cert=cert)
        self.addCleanup(front.stop)
        return front

    def tls_finding(self, serve):
        """What is said of the TLS handshake."""
        front = self.front(serve)
        said = self.report(self.map_file([[{
            "HostName": "127.0.0.1", "IPv4": "127.0.0.1", "IPv6": "none",
            "DERPPort": front.port, "STUNPort": -1}]]))
        found = [f for f in said["findings"] if f["id"].startswith("tls-")]
        self.assertEqual(len(found), 1, said["findings"])
        return found[0]["id"], found[0]["got"]

    def test_what_is_not_tls_is_told_by_its_bytes(self):
        for serve, name, got in (
                (sends(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "tls-plain",
                 r'is plain HTTP, it begins with "HTTP/1\.0 400 Bad Request'),
                (sends(b"<!doctype html>\n<title>400</title>"), "tls-plain",
                 "is plain HTTP, it begins with \"<!doctype html>"),
                (sends(b"SSH-2.0-OpenSSH_9.2p1\r\n", first=True), "tls-other",
                 r'is not TLS, it begins with "SSH-2\.0-OpenSSH_9\.2p1'),
                (sends(b"\x00\x9b\xff\x1b[31m"), "tls-other",
                 r'is not TLS, it begins with "\\x00\\x9b\\xff\\x1b\[31m"'),
                (sends(b"\x16\x03\x01\xff\xff" + 64 * b"x"), "tls-failed",
                 "packet length too long"),
                (sends(b"\x15\x03\x03\x00\x02\x02\x28"), "tls-failed",
                 "alert handshake failure"),
                # an old server refuses our versions, or chooses its own
                (sends(b"\x15\x03\x02\x00\x02\x02\x46"), "tls-too-old",
                 r"^TLS handshake: the server has no TLS 1\.2 or newer$"),
                (sends(bytes.fromhex("160302 002a 020000 26 0302") + bytes(32) +
                       bytes.fromhex("00 c013 00")), "tls-too-old",
                 r"^TLS handshake: the server has no TLS 1\.2 or newer$"),
                (sends(b""), "tls-failed",
                 "the other side closed the connection without an answer")):
            with self.subTest(got):
                found = self.tls_finding(serve)
                self.assertEqual(found[0], name, found)
                self.assertRegex(found[1], got)

    def test_a_close_without_close_notify_is_one(self):
        nobody = self.folder / "nobody"
        nobody.write_text("nodekey:" + "9" * 64 + "\n", "utf-8")
        members = self.relay(flags=["-verify-nodes", str(nobody)])
        ca = Authority(self.folder)
        front = self.front(faults.to_relay(members),
                           cert=ca.leaf("IP:127.0.0.1"))
        said = self.report("--ca-file", ca.root, self.map_file([[{
            "HostName": "127.0.0.1", "IPv4": "127.0.0.1", "IPv6": "none",
            "DERPPort": front.port, "STUNPort": -1}]]))
        self.assertEqual(self.ids(said), [])
        self.assertEqual(self.visit(said)["admission"], "members")
        self.finding(said, "members-only")

    def test_a_probe_leaves_no_complaint_in_the_log(self):
        nobody = self.folder / "nobody"
        nobody.write_text("nodekey:" + "9" * 64 + "\n", "utf-8")
        for flags, complaints in (([], 0),
                                  (["-verify-nodes", str(nobody)], 2)):
            with self.subTest(flags=flags):
                relay = self.relay(tls=True, stun=True, flags=flags)
                pin = "sha256-raw:" + Authority(
                    self.folder).pin(str(relay.cert()))
                file = self.map_file([[{
                    "HostName": relay.address, "IPv4": relay.address,
                    "IPv6": "none", "DERPPort": relay.port, "CertName": pin,
                    "STUNPort": relay.stun_port}]])
                said = self.report(file)
                self.assertEqual(self.ids(said), [])
                self.assertEqual(self.visit(said)["steps"]["key_stable"]["state"],
                                 "good")
                # a relay that ends has logged what its clients did
                relay.proc.terminate()
                wait_until(lambda r=relay: r.proc.poll() is not None,
                           "the end of the relay")
                lines = re.findall(r"^.* derp: 127\.0\.0\.1:.*$",
                                   relay.log_text(), re.M)
                self.assertEqual(len(lines), complaints, lines)
                self.assertFalse([s for s in lines if "rejected" not in s])


if __name__ == "__main__":
    unittest.main()
