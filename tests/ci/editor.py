"""yaml-language-server, as an editor speaks with it (LSP over stdio).

It may not fetch a list of other schemas: what it says hangs on no network.
"""

import json
import subprocess
import threading

SECONDS = 180  # that the server may take in all
SETTINGS = {"validate": True, "schemaStore": {"enable": False}}


class Editor:
    """One server; use it in a with statement."""

    def __init__(self, node_modules, folder):
        self.folder = folder
        self.server = subprocess.Popen(
            ["node", str(node_modules / "bin/yaml-language-server"), "--stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.last = 0
        self.limit = threading.Timer(SECONDS, self.server.kill)
        self.limit.start()

    def __enter__(self):
        self.request("initialize", {
            "processId": None, "rootUri": self.folder.as_uri(),
            "capabilities": {"textDocument": {"publishDiagnostics": {}}}})
        self.notify("initialized", {})
        return self

    def __exit__(self, *_):
        self.limit.cancel()
        self.server.kill()
        self.server.communicate()

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body))
        self.server.stdin.write(body)
        self.server.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def receive(self):
        """The next message. Questions of the server get empty answers."""
        length = 0
        while True:
            line = self.server.stdout.readline()
            if not line:
                raise EOFError("the server has ended")
            if line == b"\r\n":
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(self.server.stdout.read(length))
        if "id" in message and "method" in message:
            items = message.get("params", {}).get("items", [])
            self.send({"id": message["id"],
                       "result": [SETTINGS if "yaml" in str(i.get("section"))
                                  else None for i in items]})
        return message

    def request(self, method, params):
        self.last += 1
        self.send({"id": self.last, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self.last and "method" not in message:
                return message.get("result")

    def diagnostics(self, name, text):
        """What it says about a file: (line, message) each."""
        uri = (self.folder / name).as_uri()
        self.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics" \
                    and message["params"]["uri"] == uri:
                return [(d["range"]["start"]["line"] + 1, d["message"])
                        for d in message["params"]["diagnostics"]]
