"""A real nginx in front of a relay."""

import os
import shutil
import socket
import subprocess

from relaytest import HOST, PATIENCE, free_port, wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"  # libnginx-mod-stream

HTTP = """
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e;
  server {{
    listen {listen};
    {directives}
  }}
}}
"""
# what people are told to write for a relay
PASS_ON = """location / {
      proxy_pass %s; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade"; proxy_read_timeout 1d;
    }"""


def http(test, directives, tls=""):
    """Starts one that serves HTTP, over TLS with the pair of that stem. Its port."""
    if tls:
        directives = (f"ssl_certificate {tls}.crt; ssl_certificate_key {tls}.key;\n"
                      + directives)
    return start(test, lambda port, folder: HTTP.format(
        folder=folder, directives=directives,
        listen=f"{HOST}:{port}" + (" ssl" if tls else "")))


def stream(test, directives):
    """Starts one that passes TCP on. Its port."""
    return start(test, lambda port, folder: f"""
stream {{
  server {{
    listen {HOST}:{port};
    {directives}
  }}
}}
""", f"load_module {STREAM};")


def start(test, config, first=""):
    for _ in range(5):
        port = free_port()
        folder = test.path(f"nginx-{port}")
        os.mkdir(folder)
        with open(folder + "/conf", "w") as f:
            f.write(f"{first}\ndaemon off; pid {folder}/pid; worker_processes 1;\n"
                    f"error_log {folder}/error.log; events {{}}\n"
                    + config(port, folder))
        proc = subprocess.Popen(
            [NGINX, "-c", folder + "/conf", "-e", folder + "/error.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        test.addCleanup(proc.wait, PATIENCE)
        test.addCleanup(proc.terminate)
        wait_until(lambda: proc.poll() is not None or reaches(port), "nginx to listen")
        if proc.poll() is None:
            return port
    with open(folder + "/error.log") as f:
        raise AssertionError("nginx does not start: " + f.read())


def reaches(port):
    try:
        socket.create_connection((HOST, port), 5).close()
    except OSError:
        return False
    return True
