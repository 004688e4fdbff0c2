"""Where a node is deleted, for the time until its connection is closed: a node
list in a file, headscale's REST list, and the bus of a tailscaled. Each source
is a stand-in whose members are put with `put`; `flags` has the relay use it."""

import contextlib
import http.server
import json
import os
import shutil
import socketserver
import tempfile
import threading
import urllib.parse

REFRESH = "1s"  # of the list that is pulled


class NodeList:
    name = "node list"

    def __init__(self, keys):
        self.folder = tempfile.mkdtemp(prefix="derp-bench-")
        self.put(keys)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """A new file in place of the old one."""
        with open(self.path(name) + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(self.path(name) + ".new", self.path(name))

    def put(self, keys):
        self.write("nodes", "".join(k + "\n" for k in keys))

    def flags(self):
        return ["-verify-nodes=" + self.path("nodes")]

    def stop(self):
        shutil.rmtree(self.folder)


class Handler(http.server.BaseHTTPRequestHandler):
    """GET of what the source says: an answer that is None never ends, False is
    no such thing."""
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "relay"

    def log_message(self, *_):
        pass

    def do_GET(self):
        source = self.server.source
        body = source.answer(self.path)
        if body is False:
            self.send_error(404)
            return
        self.send_response(200)
        if body is None:
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):
                source.stream(self.wfile)
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Rest(NodeList):
    name = "REST, every " + REFRESH

    def __init__(self, keys):
        self.body = b""
        super().__init__(keys)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.source = self
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, keys):
        self.body = json.dumps({"nodes": [
            {"id": str(n), "nodeKey": "nodekey:" + k, "name": "node",
             "expiry": None} for n, k in enumerate(keys)]}).encode()

    def answer(self, _path):
        return self.body

    def flags(self):
        self.write("key", "hskey-api-bench\n")
        self.write("admission.yaml", """sources:
  - headscale: http://127.0.0.1:%d
    key-file: %s
    refresh: %s
""" % (self.server.server_port, self.path("key"), REFRESH))
        return ["-verify-config=" + self.path("admission.yaml")]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        super().stop()


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Bus(NodeList):
    name = "tailscaled's bus"
    self_key = "ee" * 32

    def __init__(self, keys):
        self.changed = threading.Condition()
        self.peers, self.version = {}, 0
        super().__init__(keys)
        self.server = UnixServer(self.path("sock"), Handler)
        self.server.source = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, keys):
        with self.changed:
            self.peers = dict.fromkeys("nodekey:" + k for k in keys)
            self.version += 1
            self.changed.notify_all()

    def own(self):
        return {"NodeID": 1, "PublicKey": "nodekey:" + self.self_key}

    def status(self):
        return {"BackendState": "Running", "HaveNodeKey": True,
                "Self": self.own(), "Peer": {
                    k: {"NodeID": n, "PublicKey": k}
                    for n, k in enumerate(self.peers, 2)}}

    def answer(self, path):
        if path == "/localapi/v0/status":
            return json.dumps(self.status()).encode()
        if path.startswith("/localapi/v0/watch-ipn-bus?"):
            return None
        key = urllib.parse.unquote(path.partition("?addr=")[2])
        return key in self.peers and json.dumps({"Node": {"Key": key}}).encode()

    def stream(self, out):
        """The first message, and then all peers at each change."""
        with self.changed:
            seen = self.version
            message = {"State": 6, "InitialStatus": self.status()}
        while True:
            out.write(json.dumps(message).encode() + b"\n")
            with self.changed:
                self.changed.wait_for(lambda: self.version != seen)
                seen = self.version
                message = {
                    "SelfChange": {"ID": 1, "Key": "nodekey:" + self.self_key},
                    "PeersChanged": [{"ID": n, "Key": k} for n, k in
                                     enumerate(self.peers, 2)]}

    def flags(self):
        return ["-verify-tailscaled=" + self.path("sock")]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        super().stop()


SOURCES = {source.name: source for source in (NodeList, Rest, Bus)}
